"""The VLANs of bridge ports: a dump of its own, in the bridge family."""

from collections.abc import Iterable, Iterator, Mapping

from bridged.desired.vlans import PortVlan
from bridged.rtnetlink import RTM_GETLINK, Message, Rtnetlink

AF_BRIDGE = 7
PVID, UNTAGGED = 0x2, 0x4
"""BRIDGE_VLAN_INFO_* flags."""
_RANGE_BEGIN, _RANGE_END = 0x8, 0x10
_BRVLAN_COMPRESSED = 0x4
"""RTEXT_FILTER_BRVLAN_COMPRESSED: neighbours of the same flags as one range.  A trunk of all VLANs
would not fit into a message of the dump one by one, and the dump would break off."""


def read_port_vlans(netlink: Rtnetlink) -> Mapping[int, tuple[PortVlan, ...]]:
    """VLANs by ifindex, sorted by id; bridges tell of their own membership too."""
    found = {}
    for message in netlink.dump(RTM_GETLINK, AF_BRIDGE, [("IFLA_EXT_MASK", _BRVLAN_COMPRESSED)]):
        spec = message.get_attr("IFLA_AF_SPEC")
        if spec is None:
            continue
        found[message["index"]] = tuple(sorted(_single(spec.get_attrs("IFLA_BRIDGE_VLAN_INFO"))))
    return found


def _single(infos: Iterable[Message]) -> Iterator[PortVlan]:
    """Every VLAN by itself; a range is two entries, its first and its last VLAN."""
    first = 0
    for info in infos:
        flags, vid = info["flags"], info["vid"]
        if flags & _RANGE_BEGIN:
            first = vid
            continue
        for number in range(first if flags & _RANGE_END else vid, vid + 1):
            yield PortVlan(number, bool(flags & PVID), bool(flags & UNTAGGED))
