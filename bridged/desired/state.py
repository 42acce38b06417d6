"""The desired state: everything that the operator declared for this node, validated and frozen."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from bridged.desired.base import IfName, Model, Refused, Text
from bridged.desired.bridge import Bridge
from bridged.desired.errors import shown
from bridged.desired.kubernetes import Kubernetes
from bridged.desired.names import module_problem
from bridged.desired.packages import Packages
from bridged.desired.port import Port
from bridged.desired.probes import parse
from bridged.desired.runtime import Runtime
from bridged.desired.when import When


def _module(name: str) -> str:
    problem = module_problem(name)
    if problem:
        # What is in /lib/modules, with or without its folder and compression.
        bare = re.sub(r"\.ko(\.[a-z0-9]+)?\Z", "", name.rpartition("/")[2])
        raise Refused(problem, "" if module_problem(bare) else f"write {bare}")
    return name


Module = Annotated[
    str,
    AfterValidator(_module),
    Text("the name of a kernel module", "^[A-Za-z0-9_-]+$"),
]


def _target(text: str) -> str:
    try:
        parse(text)
    except ValueError as error:
        raise Refused(str(error), "write 192.0.2.1, 192.0.2.1:443 or [2001:db8::1]:443") from None
    return text


Target = Annotated[
    str,
    AfterValidator(_target),
    Text("an IP address or ADDRESS:PORT", r"^[0-9A-Fa-f.:]+$|^\[[0-9A-Fa-f.:]+\]:[1-9][0-9]{0,4}$"),
]


def _time_of_day(text: str) -> str:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise Refused(f'"{shown(text)}" is not a time of day', "write it as 02:30, in local time")
    return text


TimeOfDay = Annotated[
    str,
    AfterValidator(_time_of_day),
    Text("a time of day such as 02:30", r"^([01][0-9]|2[0-3]):[0-5][0-9]$"),
]


class Maintenance(Model):
    """A daily window, in the node's local time, in which guests may lose a bridge for a moment."""

    start: Annotated[TimeOfDay, Field(description="when the window opens")]
    end: Annotated[TimeOfDay, Field(description="when it closes; before `start`: the next day")]

    def open_at(self, time: str) -> bool:
        """Whether the window is open at ``HH:MM``."""
        if self.start <= self.end:
            return self.start <= time < self.end
        return time >= self.start or time < self.end


class Minimum(Model):
    """A sysctl that may be larger than declared, never smaller."""

    at_least: Annotated[int, Field(description="smallest value that is as desired")]


Sysctl = int | str | Minimum


class State(Model):
    """The whole state file after merging.

    A section that is None was not written: nothing is said about its objects.  An empty one says
    that there are to be none.  Keys of `sysctls` are paths below /proc/sys (`names.sysctl_path`),
    modules are spelt as the kernel does (`names.module_name`); the loader sees to both.
    """

    version: Annotated[Literal[1], Field(description="version of this format")]
    bridges: Annotated[
        Mapping[IfName, Bridge] | None, Field(description="bridges by interface name")
    ] = None
    modules: Annotated[
        tuple[Module, ...] | None, Field(description="kernel modules to be loaded")
    ] = None
    sysctls: Annotated[
        Mapping[str, Sysctl] | None,
        Field(description="kernel parameters, keys written as sysctl.d(5) allows"),
    ] = None
    packages: Annotated[
        Packages | None, Field(description="packages that are to be installed, and those not to be")
    ] = None
    runtime: Annotated[Runtime | None, Field(description="the container runtime")] = None
    swap: Annotated[
        Literal["off"] | None,
        Field(
            description="`off`: swap that is in use is switched off, as the kubelet's failSwapOn "
            "wants it; what would bring it back at the next boot is reported"
        ),
    ] = None
    protect: Annotated[
        tuple[IfName, ...],
        Field(description="interfaces that must never become ports or lose their profile"),
    ] = ()

    probes: Annotated[
        tuple[Target, ...],
        Field(
            description="addresses (192.0.2.1) or services (192.0.2.1:6443) that must still answer "
            "after a change of the network if they did before; the default gateway always counts"
        ),
    ] = ()

    maintenance: Annotated[
        Maintenance | None,
        Field(
            description="`{start: 02:00, end: 04:00}`, local time: when changes that take a bridge "
            "away from its guests may be made; otherwise they wait for "
            "`bridgedctl apply --allow-disruption`"
        ),
    ] = None

    kubernetes: Annotated[
        Kubernetes | None,
        Field(description="the values for kubeadm.conf and cilium-values.yaml"),
    ] = None

    when: Annotated[
        When | None,
        Field(description="in a drop-in only: for which nodes it is; on others it is left out"),
    ] = None

    def ports(self) -> Iterator[tuple[str, Bridge, Port]]:
        """Every declared port as (name of its bridge, the bridge, the port)."""
        for name, bridge in (self.bridges or {}).items():
            for port in bridge.ports:
                yield name, bridge, port

    def devices(self) -> frozenset[str]:
        """The interfaces that are declared, bridges and ports, by the names that the state has."""
        return frozenset((*(self.bridges or {}), *(port.device for _, _, port in self.ports())))
