"""The tables of a bridge port: a NIC, or a VLAN on a NIC."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from bridged.desired.base import IfName, Model, Refused, Text, integer
from bridged.desired.match import Match
from bridged.desired.offloads import Offloads
from bridged.desired.properties import (
    BOOL,
    SWITCH,
    KernelKey,
    NmKey,
    Property,
    Row,
    bit,
    choice,
)
from bridged.desired.vlans import VLANS, Membership, membership, span

PROTOCOLS = {"802.1Q": 0x8100, "802.1ad": 0x88A8}
"""Kinds of VLAN tags by their EtherType; where none is declared, it is the first."""
_PROTOCOL = choice(**PROTOCOLS)


def _range(text: str) -> str:
    try:
        span(text)
    except ValueError as error:
        raise Refused(str(error), "write it as 10-20") from None
    return text


VlanRange = Annotated[
    str,
    AfterValidator(_range),
    Text("a range of VLAN ids such as 10-20", "^[1-9][0-9]{0,3}-[1-9][0-9]{0,3}$"),
]

_VLANS = "VLANs that the port carries tagged, on a bridge that filters VLANs"

MEMBERSHIP = Row(
    "membership",
    "vlans",
    Property(
        _VLANS,
        NmKey("bridge-port", "vlans", "aa{sv}", VLANS, default=(), reapply=False),
        KernelKey("vlans", "vlans"),
    ),
    None,
)
"""`vlans`, `vlan-ranges` and `pvid` together."""


class Missing(ValueError):
    """Neither the key (the one argument) nor a `match` is written."""


class _PortOptions(Model):
    """What a NIC and a VLAN have in common as ports of a bridge."""

    joint_rows: ClassVar[tuple[Row, ...]] = (MEMBERSHIP,)

    mtu: Annotated[
        int | None,
        integer(68, 65535),
        Property(
            "largest packet in bytes",
            NmKey("802-3-ethernet", "mtu", "u", default=0),
            KernelKey("link", "mtu"),
            "9000",
        ),
    ] = None
    path_cost: Annotated[
        int | None,
        integer(1, 65535),
        Property(
            "spanning tree cost of this port",
            NmKey("bridge-port", "path-cost", "u", default=100, reapply=False),
            KernelKey("port", "brport_cost"),
            "100",
        ),
    ] = None
    priority: Annotated[
        int | None,
        integer(0, 63),
        Property(
            "spanning tree priority of this port",
            NmKey("bridge-port", "priority", "u", default=32, reapply=False),
            KernelKey("port", "brport_priority"),
            "32",
        ),
    ] = None
    hairpin: Annotated[
        bool | None,
        Property(
            "send frames back out of the port they came in by",
            NmKey("bridge-port", "hairpin-mode", "b", BOOL, default=False, reapply=False),
            KernelKey("port", "brport_mode", SWITCH),
        ),
    ] = None
    isolated: Annotated[
        bool | None,
        Property(
            "no frames between this port and other isolated ones (NetworkManager has no setting "
            "for it, so it is set by the agent after each boot)",
            None,
            KernelKey("port", "brport_isolated", SWITCH),
        ),
    ] = None
    learning: Annotated[
        bool | None,
        Property(
            "learn hardware addresses from this port (set by the agent, as `isolated`)",
            None,
            KernelKey("port", "brport_learning", SWITCH),
        ),
    ] = None
    vlans: Annotated[
        tuple[Annotated[int, integer(1, 4094)], ...] | None,
        Field(description=_VLANS),
    ] = None
    vlan_ranges: Annotated[
        tuple[VlanRange, ...] | None, Field(description="the same, as ranges such as 100-199")
    ] = None
    pvid: Annotated[
        int | None,
        integer(0, 4094),
        Field(
            description="VLAN of untagged frames on a bridge that filters VLANs, 0 for none; "
            "1 where only tagged VLANs are declared"
        ),
    ] = None

    @property
    def membership(self) -> Membership | None:
        """All VLANs of the port, None where nothing is said about them."""
        if self.vlans is None and self.vlan_ranges is None and self.pvid is None:
            return None
        ranges = (vid for text in self.vlan_ranges or () for vid in span(text))
        return membership((*(self.vlans or ()), *ranges), 1 if self.pvid is None else self.pvid)


class Nic(_PortOptions):
    """A network card that is a port of the bridge."""

    shorthand: ClassVar[str] = "name"
    one_of: ClassVar[tuple[str, ...]] = ("name", "match")

    card: Annotated[
        IfName | None,
        Field(alias="name", description="interface name, such as enp13s0f0; or write `match`"),
    ] = None
    match: Annotated[
        Match | None, Field(description="the card by what it is, instead of its name")
    ] = None
    offloads: Annotated[
        Offloads | None,
        Field(description="what the card does for the kernel, such as `{tso: false, gro: false}`"),
    ] = None

    @model_validator(mode="after")
    def _one_card(self) -> Self:
        _told_once(self.card, self.match, "name")
        return self

    @property
    def name(self) -> str:
        """The card's name, the label of its `match` while the name is not known."""
        return self.card or _label(self.match)

    @property
    def device(self) -> str:
        """Name of the interface that is the port."""
        return self.name

    @property
    def known(self) -> bool:
        """Whether the card has a name: declared, or found by `match`."""
        return self.card is not None

    @property
    def written(self) -> str:
        """What the port goes by in the state file, where its name need not be written."""
        return _label(self.match) or self.name


class Vlan(_PortOptions):
    """A VLAN on a parent interface, the port of the bridge."""

    one_of: ClassVar[tuple[str, ...]] = ("parent", "match")

    vlan: Annotated[
        int,
        integer(1, 4094),
        Property(
            "VLAN id",
            NmKey("vlan", "id", "u", reapply=False),
            KernelKey("info", "vlan_id", live=False),
            "6",
        ),
    ]
    carrier: Annotated[
        IfName | None,
        Field(
            alias="parent",
            description="interface that carries the tagged frames; or write `match`",
        ),
    ] = None
    match: Annotated[
        Match | None,
        Field(description="the card that carries the tagged frames by what it is"),
    ] = None
    name: Annotated[
        IfName | None, Field(description="interface name, PARENT.VLAN when left out")
    ] = None
    protocol: Annotated[
        Literal["802.1Q", "802.1ad"] | None,
        Property(
            "kind of tag",
            NmKey("vlan", "protocol", "s", default="802.1Q", reapply=False),
            KernelKey("info", "vlan_protocol", _PROTOCOL, live=False),
        ),
    ] = None
    reorder_headers: Annotated[
        bool | None,
        Property(
            "strip the tag before anything on the host sees the frame",
            NmKey("vlan", "flags", "u", bit(1), reapply=False, mask=1),
            KernelKey("info", "vlan_flags", bit(1), mask=1),
        ),
    ] = True
    gvrp: Annotated[
        bool | None,
        Property(
            "register the VLAN with the switch by GVRP",
            NmKey("vlan", "flags", "u", bit(2), reapply=False, mask=2),
            KernelKey("info", "vlan_flags", bit(2), mask=2),
        ),
    ] = None
    loose_binding: Annotated[
        bool | None,
        Property(
            "keep the VLAN up when its parent goes down",
            NmKey("vlan", "flags", "u", bit(4), reapply=False, mask=4),
            KernelKey("info", "vlan_flags", bit(4), mask=4),
        ),
    ] = None
    mvrp: Annotated[
        bool | None,
        Property(
            "register the VLAN with the switch by MVRP",
            NmKey("vlan", "flags", "u", bit(8), reapply=False, mask=8),
            KernelKey("info", "vlan_flags", bit(8), mask=8),
        ),
    ] = None

    @model_validator(mode="after")
    def _one_parent(self) -> Self:
        _told_once(self.carrier, self.match, "parent")
        return self

    @property
    def parent(self) -> str:
        """The parent's name, the label of its `match` while the name is not known."""
        return self.carrier or _label(self.match)

    @property
    def device(self) -> str:
        """Name of the interface that is the port."""
        return self.name or f"{self.parent}.{self.vlan}"

    @property
    def known(self) -> bool:
        """Whether the parent has a name: declared, or found by `match`."""
        return self.carrier is not None

    @property
    def written(self) -> str:
        """What the port goes by in the state file, where its name need not be written."""
        return self.name or f"{_label(self.match) or self.parent}.{self.vlan}"


def _told_once(name: str | None, match: Match | None, key: str) -> None:
    if name is not None and match is not None:
        raise Refused(f"`{key}` and `match` both tell the card", "remove one of them")
    if name is None and match is None:
        raise Missing(key)


def _label(match: Match | None) -> str:
    return match.label if match else ""


# Not words of the state file: they occur among its keys in the paths of pydantic's errors.
_NIC, _VLAN = "(nic)", "(vlan)"


def _kind(value: Any) -> str:
    if isinstance(value, Vlan) or (isinstance(value, dict) and {"vlan", "parent"} & value.keys()):
        return _VLAN
    return _NIC


Port = Nic | Vlan
Ports = tuple[
    Annotated[Annotated[Nic, Tag(_NIC)] | Annotated[Vlan, Tag(_VLAN)], Discriminator(_kind)], ...
]
