"""What planning remembers of earlier observations, as frozen records that can be stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridged.desired.vlans import Membership

_SETTINGS = (
    "brport_cost",
    "brport_priority",
    "brport_mode",
    "brport_guard",
    "brport_protect",
    "brport_fast_leave",
    "brport_learning",
    "brport_unicast_flood",
    "brport_mcast_flood",
    "brport_bcast_flood",
    "brport_mcast_to_ucast",
    "brport_neigh_suppress",
    "brport_isolated",
    "brport_locked",
    "brport_mab",
    "brport_proxyarp",
    "brport_proxyarp_wifi",
    "brport_multicast_router",
    "brport_mcast_max_groups",
    "brport_group_fwd_mask",
    "brport_vlan_tunnel",
    "brport_neigh_vlan_suppress",
)
"""What of a port's attributes is a setting; the rest is its state."""


def settings(port: Mapping[str, Any]) -> dict[str, Any]:
    """The settings among a port's attributes."""
    return {key: port[key] for key in _SETTINGS if port.get(key) is not None}


def has(port: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a port has these settings; of others, which a former version did not remember, they
    say nothing."""
    return wanted.items() <= port.items()


def carries(vlans: Membership, wanted: Membership | None) -> bool:
    """Whether a port has these VLANs; what is not known of them says nothing."""
    return wanted is None or vlans == wanted


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest port as it was last seen in its bridge.

    `port` are its settings there (see `settings`) and `vlans` its VLANs, None where they are not
    known; `bridge_index` and `activation` tell which incarnation of the bridge it was plugged into.
    `lost` is when it was first seen outside (Host.time), None while it is plugged in. `former_port`
    and `former_vlans` are what it had before its settings changed, until NetworkManager was asked
    whether something had happened to the bridge; None where nothing is in doubt.
    """

    name: str
    index: int
    bridge: str
    bridge_index: int
    activation: str = ""
    port: Mapping[str, Any] = field(default_factory=dict)
    vlans: Membership | None = None
    lost: float | None = None
    former_port: Mapping[str, Any] | None = None
    former_vlans: Membership | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """`made` are the virtual links that exist because of bridged, name to ifindex; `guests` are
    the guest ports by ifindex."""

    made: Mapping[str, int] = field(default_factory=dict)
    guests: Mapping[int, Guest] = field(default_factory=dict)

    @property
    def doubtful(self) -> bool:
        """Whether a guest's settings changed and NetworkManager was not asked since."""
        return any(guest.former_port is not None for guest in self.guests.values())
