"""The VLANs of bridge ports: a dump of its own, in the bridge family."""

from collections.abc import Mapping

from bridged.observe.host import PortVlan
from bridged.rtnetlink import RTM_GETLINK, Rtnetlink

AF_BRIDGE = 7
PVID, UNTAGGED = 0x2, 0x4
"""BRIDGE_VLAN_INFO_* flags."""
_RTEXT_FILTER_BRVLAN = 0x2


def read_port_vlans(netlink: Rtnetlink) -> Mapping[int, tuple[PortVlan, ...]]:
    """VLANs by ifindex, sorted by id; bridges tell of their own membership too."""
    found = {}
    for message in netlink.dump(RTM_GETLINK, AF_BRIDGE, [("IFLA_EXT_MASK", _RTEXT_FILTER_BRVLAN)]):
        spec = message.get_attr("IFLA_AF_SPEC")
        if spec is None:
            continue
        found[message["index"]] = tuple(
            sorted(
                PortVlan(vlan["vid"], bool(vlan["flags"] & PVID), bool(vlan["flags"] & UNTAGGED))
                for vlan in spec.get_attrs("IFLA_BRIDGE_VLAN_INFO")
            )
        )
    return found
