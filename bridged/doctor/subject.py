"""What is examined: the declared state with what was read once for all checks."""

from dataclasses import dataclass
from functools import cached_property

from bridged.desired.port import Vlan
from bridged.desired.state import State
from bridged.doctor.readings import Readings
from bridged.observe.host import Host, Link, NetworkManager, Unavailable
from bridged.plan.context import Context


@dataclass(frozen=True)
class Subject:
    """The state (an empty one where it cannot be used), and the readings."""

    state: State
    read: Readings

    @cached_property
    def links(self) -> tuple[Link, ...] | str:
        """The kernel's links, or why they cannot be read."""
        return self.read.links()

    @cached_property
    def nm(self) -> NetworkManager | Unavailable:
        """NetworkManager, read once."""
        return self.read.network_manager()

    @cached_property
    def context(self) -> Context:
        """The same as planning sees it."""
        links = self.links if isinstance(self.links, tuple) else ()
        return Context(self.state, Host(links=links, network_manager=self.nm))

    @cached_property
    def bridges(self) -> frozenset[str]:
        """Names of the declared bridges."""
        return frozenset(self.state.bridges or {})

    @cached_property
    def cards(self) -> frozenset[str]:
        """Declared cards: ports, and parents of declared VLANs."""
        found = set()
        for _, _, port in self.state.ports():
            found.add(port.parent if isinstance(port, Vlan) else port.device)
        return frozenset(found) - self.bridges

    @cached_property
    def names(self) -> frozenset[str]:
        """Every declared link."""
        return self.bridges | self.cards | {port.device for _, _, port in self.state.ports()}

    @cached_property
    def vlans(self) -> frozenset[str]:
        """Names of the declared VLAN devices."""
        return frozenset(p.device for _, _, p in self.state.ports() if isinstance(p, Vlan))

    def unit(self, name: str) -> dict[str, str]:
        """What systemd says of a unit, nothing where there is no systemd (or no such unit)."""
        if not self.read.exists("/run/systemd/system"):
            return {}
        keys = (
            "LoadState,UnitFileState,ActiveState,SubState,NRestarts,WatchdogUSec,NeedDaemonReload,"
            "IPAddressAllow,IPAddressDeny"
        )
        answer = self.read.ask("systemctl", "show", "--no-pager", f"--property={keys}", name)
        pairs = (line.partition("=") for line in answer.text.splitlines()) if answer else ()
        found = {key: value for key, _, value in pairs}
        return {} if found.get("LoadState") in {None, "not-found"} else found
