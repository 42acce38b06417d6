"""How each world is read: one small protocol each, real ones beside this file, twins in tests.

Every method either answers within its own time limit or raises `WorldError`; none of them writes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from bridged.desired.probes import Probe
from bridged.observe.host import (
    Address,
    Assignment,
    Interest,
    KeptFile,
    Kubeadm,
    Link,
    ModuleState,
    NetworkManager,
    Sysctl,
    Unavailable,
)
from bridged.observe.node import Node


@dataclass(frozen=True, slots=True)
class KernelNetwork:
    """One netlink dump; `default_routes` are the ifindexes of the default routes' interfaces."""

    links: tuple[Link, ...] = ()
    addresses: tuple[Address, ...] = ()
    default_routes: frozenset[int] = frozenset()


class LinkReader(Protocol):
    """The kernel's links, addresses and default routes.

    `read` asks the kernel for all of them; unless `anew`, a link of which it tells the same as the
    time before need not be looked at more closely.  `again` reads single links anew: those of
    `links` that are still there under their name, with the VLANs that they had; `known` has the
    links that they may be ports of.  `beside` reads addresses and default routes anew, beside links
    that are known.
    """

    def read(self, anew: bool = True) -> KernelNetwork: ...

    def again(self, links: Iterable[Link], known: Mapping[int, Link]) -> tuple[Link, ...]: ...

    def beside(self, links: tuple[Link, ...]) -> KernelNetwork: ...


class NetworkManagerReader(Protocol):
    """All profiles and devices; `Unavailable` (never an exception) while it is not there.

    The applied settings are read for the devices named only.
    """

    def read(self, devices: Iterable[str]) -> NetworkManager | Unavailable: ...


class ModuleReader(Protocol):
    """State of the modules named, keyed by the kernel's spelling."""

    def read(self, names: Iterable[str]) -> Mapping[str, ModuleState]: ...


class SysctlReader(Protocol):
    """Kernel parameters by path below /proc/sys."""

    def read(self, paths: Iterable[str]) -> Mapping[str, Sysctl]: ...


class FileReader(Protocol):
    """Text files by absolute path, None for one that is missing; and whether paths exist."""

    def read(self, paths: Iterable[str]) -> Mapping[str, str | None]: ...

    def exist(self, paths: Iterable[str]) -> Mapping[str, bool]: ...

    def kept(self, paths: Iterable[str]) -> Mapping[str, KeptFile]: ...


class KubeadmReader(Protocol):
    """What kubeadm says of a kubeadm.conf; it is asked anew only where `anew` or never before, and
    answers in a later reading where it takes its time."""

    def read(self, text: str, anew: bool) -> Kubeadm: ...


class SysctlFileReader(Protocol):
    """Who sets the sysctls named at boot, in the order of application."""

    def read(self, paths: Iterable[str]) -> Mapping[str, tuple[Assignment, ...]]: ...


class ModuleFileReader(Protocol):
    """Which lines load or forbid the modules named at boot."""

    def read(self, names: Iterable[str]) -> Mapping[str, tuple[Assignment, ...]]: ...


class SessionReader(Protocol):
    """Local IP addresses of established ssh sessions, and the machine id ("" where none is)."""

    def ssh_addresses(self) -> frozenset[str]: ...

    def machine_id(self) -> str: ...


class ProcessReader(Protocol):
    """Which of the programs named run."""

    def read(self, names: frozenset[str]) -> frozenset[str]: ...


class OffloadReader(Protocol):
    """Offloads by card and short name of ethtool(8)."""

    def read(self, names: Iterable[str]) -> Mapping[str, Mapping[str, bool]]: ...


class NodeReader(Protocol):
    """Packages, runtime, swap and work aside; `observe/rest.py`.  Does not wait for package
    tools."""

    def read(self, wanted: Interest) -> Node: ...


class Reachability(Protocol):
    """What the node can reach; see `observe/probes.py`."""

    def gateways(self) -> tuple[Probe, ...]: ...

    def answering(self, probes: Iterable[Probe]) -> frozenset[Probe]: ...
