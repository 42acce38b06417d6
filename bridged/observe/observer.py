"""The observation: every world read once, and put together into one frozen Host."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from threading import Event
from typing import TypeVar

from bridged.errors import OwnFault, WorldError
from bridged.observe.host import (
    Assignment,
    Host,
    Interest,
    KeptFile,
    Kubeadm,
    Link,
    NetworkManager,
    Sysctl,
    Unavailable,
)
from bridged.observe.node import Node
from bridged.observe.protocols import (
    FileReader,
    KernelNetwork,
    KubeadmReader,
    LinkReader,
    ModuleFileReader,
    ModuleReader,
    NetworkManagerReader,
    NodeReader,
    OffloadReader,
    ProcessReader,
    SessionReader,
    SysctlFileReader,
    SysctlReader,
)

_ROUTE = "carries the default route"
_SSH = "carries an ssh session"
_T = TypeVar("_T")


class Observer:
    """Reads all worlds; one that fails leaves the others as they are.

    `signalled` is set by whoever hears a signal of NetworkManager.  While it is not, an observation
    that need not be fresh goes by what NetworkManager said last: asking costs more than everything
    else together, and a guest waits.  None asks every time.
    """

    def __init__(
        self,
        links: LinkReader,
        network_manager: NetworkManagerReader,
        modules: ModuleReader,
        sysctls: SysctlReader,
        files: FileReader,
        sessions: SessionReader,
        sysctl_files: SysctlFileReader,
        processes: ProcessReader,
        offloads: OffloadReader,
        monotonic: Callable[[], float] = time.monotonic,
        signalled: Event | None = None,
        module_files: ModuleFileReader | None = None,
        kubeadm: KubeadmReader | None = None,
        node: NodeReader | None = None,
    ) -> None:
        self._links = links
        self._network_manager = network_manager
        self._modules = modules
        self._sysctls = sysctls
        self._files = files
        self._sessions = sessions
        self._sysctl_files = sysctl_files
        self._processes = processes
        self._offloads = offloads
        self._monotonic = monotonic
        self._signalled = signalled
        self._module_files = module_files
        self._kubeadm = kubeadm
        self._node = node
        self._rest = Node()
        self._last: tuple[frozenset[str], NetworkManager | Unavailable] | None = None
        self._ssh: frozenset[str] = frozenset()
        self._assignments: Mapping[str, tuple[Assignment, ...]] = {}

    def observe(self, interest: Interest) -> Host:
        """What the machine has now; `problems` of the host names each world that failed, and why.

        Without the kernel's links nothing can be said of the network, so NetworkManager counts as
        unavailable then: a plan must not take unseen links for missing ones.
        """
        began = self._monotonic()
        problems: dict[str, str] = {}
        faults: dict[str, Exception] = {}

        def attempt(world: str, read: Callable[[], _T]) -> _T | None:
            try:
                return read()
            except WorldError as error:
                problems[world] = error.message
            except Exception as error:  # a reader's own fault must not take the others along
                problems[world], faults[world] = OwnFault(error).message, error
            return None

        kernel = attempt("links", lambda: self._links.read(interest.fresh)) or KernelNetwork()
        network_manager: NetworkManager | Unavailable | None = None
        remembered = "links" not in problems and self._unchanged(interest)
        if remembered and self._last is not None:
            network_manager = self._last[1]
        elif "links" not in problems:
            network_manager = attempt("network-manager", lambda: self._ask(interest))
            self._ssh = attempt("sessions", self._sessions.ssh_addresses) or frozenset()
        if network_manager is None:
            world = "links" if "links" in problems else "network-manager"
            network_manager = Unavailable(f"{world}: {problems[world]}")
        sysctls = attempt("sysctls", lambda: self._sysctls.read(interest.sysctls))
        if sysctls is None:
            sysctls = {path: Sysctl(None, problems["sysctls"]) for path in interest.sysctls}
        return Host(
            links=kernel.links,
            addresses=kernel.addresses,
            network_manager=network_manager,
            modules=attempt("modules", lambda: self._modules.read(interest.modules)) or {},
            sysctls=sysctls,
            files=attempt("files", lambda: self._files.read(interest.files)) or {},
            kept=attempt("kept-files", lambda: self._kept(interest)) or {},
            kubeadm=attempt("kubeadm", lambda: self._asked(interest)) or Kubeadm(),
            nodes=attempt("nodes", lambda: self._files.exist(interest.nodes)) or {},
            processes=attempt("processes", lambda: self._running(interest)) or frozenset(),
            offloads=attempt("offloads", lambda: self._offloads.read(interest.offloads)) or {},
            boot_sysctls=attempt("boot-sysctls", lambda: self._boot(interest)) or {},
            boot_modules=attempt("boot-modules", lambda: self._boot_modules(interest)) or {},
            protected=protected(kernel, self._ssh),
            machine_id=attempt("machine-id", self._sessions.machine_id) or "",
            time=began,
            node=attempt("node", lambda: self._seldom(interest)) or self._rest,
            problems=problems,
            faults=faults,
            remembered=remembered,
            stale=remembered and self._signalled is not None and self._signalled.is_set(),
        )

    def glance(self, host: Host, links: Collection[Link]) -> Host:
        """`host` with these of its links as they are now; one that is gone stays as it was, and
        NetworkManager counts as remembered.  Raises `WorldError`."""
        return host.with_links(self._links.again(links, host.by_index))

    def surroundings(self, host: Host) -> Host:
        """`host` with what carries the node's own traffic now.  Raises `WorldError`."""
        kernel = self._links.beside(host.links)
        return replace(host, addresses=kernel.addresses, protected=protected(kernel, self._ssh))

    def _seldom(self, interest: Interest) -> Node:
        """The rest of the node: nothing of the network waits for it or is repaired by it."""
        if interest.fresh and self._node is not None:
            self._rest = self._node.read(interest)
        return self._rest

    def _running(self, interest: Interest) -> frozenset[str]:
        return self._processes.read(interest.processes) if interest.processes else frozenset()

    def _kept(self, interest: Interest) -> Mapping[str, KeptFile]:
        return self._files.kept(interest.kept) if interest.kept else {}

    def _asked(self, interest: Interest) -> Kubeadm:
        """A program is only started where time does not matter."""
        if self._kubeadm is None or not interest.kubeadm_conf:
            return Kubeadm()
        return self._kubeadm.read(interest.kubeadm_conf, anew=interest.fresh)

    def _boot(self, interest: Interest) -> Mapping[str, tuple[Assignment, ...]]:
        """Only where time does not matter: nothing is repaired by it."""
        if interest.fresh:
            self._assignments = self._sysctl_files.read(interest.sysctls)
        return self._assignments

    def _boot_modules(self, interest: Interest) -> Mapping[str, tuple[Assignment, ...]]:
        reader = self._module_files if interest.boot_modules else None
        return reader.read(interest.boot_modules) if reader else {}

    def _unchanged(self, interest: Interest) -> bool:
        """Whether the last reading of NetworkManager still stands.

        Its silence is no signal: where it did not answer, a look that is to be fresh asks again.
        """
        return (
            self._last is not None
            and (
                not interest.fresh
                or (interest.trusting and isinstance(self._last[1], NetworkManager))
            )
            and self._last[0] == interest.devices
            and self._signalled is not None
            and (interest.quick or not self._signalled.is_set())
        )

    def _ask(self, interest: Interest) -> NetworkManager | Unavailable:
        """Read NetworkManager.  What it signals from now on counts as news."""
        self._last = None
        if self._signalled is not None:
            self._signalled.clear()
        reading = self._network_manager.read(interest.devices)
        self._last = (interest.devices, reading)
        return reading


def protected(kernel: KernelNetwork, ssh_addresses: Iterable[str]) -> dict[str, str]:
    """Interfaces that carry the node's own traffic, with the reason in a few words.

    What they stand on carries it too: the ports of a bridge or bond, the parent of a VLAN.
    """
    by_index = {link.index: link for link in kernel.links}
    local = frozenset(ssh_addresses)
    reasons: dict[str, str] = {}
    for index in sorted(kernel.default_routes):
        if index in by_index:
            _protect(by_index[index], _ROUTE, kernel.links, reasons)
    for address in kernel.addresses:
        if address.address in local and address.index in by_index:
            _protect(by_index[address.index], _SSH, kernel.links, reasons)
    return reasons


def _protect(
    link: Link, reason: str, links: tuple[Link, ...], reasons: dict[str, str], over: str = ""
) -> None:
    if link.name in reasons:
        return
    reasons[link.name] = f"{reason} through {over}" if over else reason
    for other in links:
        if other.controller == link.index or other.index == link.parent:
            _protect(other, reason, links, reasons, link.name)
