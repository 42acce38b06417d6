"""What every planner of one kind of object is given, and the questions that several of them ask."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from bridged.desired.state import State
from bridged.observe.host import Address, Device, Host, Link, NetworkManager, Unavailable
from bridged.plan.actions import Action, ObjectId, RemoveAddress
from bridged.plan.declared import ports_of
from bridged.plan.identity import profile_uuid
from bridged.plan.memory import Memory

_TAKING = {"macvlan", "macvtap", "ipvlan", "ipvtap"}
_PORT_KINDS: tuple[Literal["port", "vlan"], ...] = ("port", "vlan")


@dataclass(frozen=True)
class Context:
    """The inputs of planning.  `allowed` are bridges whose guests may be disturbed this once."""

    state: State
    host: Host
    memory: Memory = field(default_factory=Memory)
    allowed: frozenset[str] = frozenset()

    @cached_property
    def nm(self) -> NetworkManager | None:
        """The reading of NetworkManager, None while it is unavailable."""
        nm = self.host.network_manager
        return nm if isinstance(nm, NetworkManager) else None

    @cached_property
    def nm_reason(self) -> str:
        """Why NetworkManager is unavailable, empty while it is there."""
        nm = self.host.network_manager
        return f"NetworkManager is unavailable: {nm.reason}" if isinstance(nm, Unavailable) else ""

    @cached_property
    def protected(self) -> dict[str, str]:
        """Interfaces that carry the node's own traffic or are listed under `protect`, there under
        whatever name."""
        listed = dict.fromkeys(map(self.ifname, self.state.protect), "is listed under protect")
        return dict(self.host.protected) | listed

    @cached_property
    def machine(self) -> str:
        """What tells this machine from others: its id, else the address of a card that it has."""
        cards = [
            link.permanent_address or link.address for link in self.host.links if not link.kind
        ]
        return self.host.machine_id or min(filter(None, cards), default="")

    @cached_property
    def vlans(self) -> dict[tuple[Any, ...], list[str]]:
        """Names of VLANs by what they are: the ifindex of their parent, their tag and number."""
        names: dict[tuple[Any, ...], list[str]] = {}
        for link in self.host.links:
            if link.kind == "vlan":
                tag = link.info.get("vlan_protocol"), link.info.get("vlan_id")
                names.setdefault((link.parent, *tag), []).append(link.name)
        return names

    def taking(self, link: Link) -> Link | None:
        """What takes all frames of `link` that it stands on (macvlan, ipvlan), or None."""
        return next((over for over in self.host.upon(link) if over.kind in _TAKING), None)

    def device(self, name: str) -> Device | None:
        """NetworkManager's device of that name, or None."""
        return self.nm.device(name) if self.nm else None

    def guests(self, bridge: str) -> tuple[Link, ...]:
        """The guest ports of a bridge: those that neither the state declares nor we once made."""
        link = self.host.link(bridge)
        spec = (self.state.bridges or {}).get(bridge)
        if link is None or link.kind != "bridge":
            return ()
        ports = self.host.ports(link)
        if not ports:
            return ()
        declared = {self.ifname(port.device) for port in spec.ports} if spec else set()
        return tuple(
            port for port in ports if port.name not in declared and not self._made(port.name)
        )

    def standing(self, name: str) -> tuple[Link, ...]:
        """What others made on top of a link, as a VM's macvtap, or of a VLAN of ours there: it goes
        when that link goes."""
        link = self.host.link(name)
        return tuple(self._standing(link)) if link else ()

    def _standing(self, link: Link) -> Iterator[Link]:
        for over in self.host.upon(link):
            if self._ours(over):
                yield from self._standing(over)
            else:
                yield over

    def _ours(self, link: Link) -> bool:
        """Whether a link is declared as a port, or bridged made it."""
        if self.memory.made.get(link.name) == link.index or self._made(link.name):
            return True
        return any(True for _ in ports_of(self.state, (link.name, *link.altnames)))

    def _made(self, name: str) -> bool:
        """Whether a port is one that bridged made, though the state no longer declares it."""
        uuids = (profile_uuid(ObjectId(kind, name)) for kind in _PORT_KINDS)
        return self.nm is not None and any(self.nm.profile(uuid) for uuid in uuids)

    def ifname(self, name: str) -> str:
        """The kernel's primary name for `name`, which may be an alternative name."""
        link = self.host.link(name)
        return link.name if link else name

    def addresses(self, link: Link, families: Iterable[int] = (4, 6)) -> list[Address]:
        """IP addresses on a link."""
        return [a for a in self.host.addresses_of(link) if a.family in families]


def strip_addresses(item: ObjectId, link: Link, addresses: Iterable[Address]) -> list[Action]:
    """Take addresses off a link that is declared to have none."""
    return [
        RemoveAddress(
            object=item,
            reason=f"{link.name} is declared without IPv{address.family} addresses",
            device=link.name,
            index=link.index,
            address=address.address,
            prefix=address.prefix,
        )
        for address in addresses
    ]
