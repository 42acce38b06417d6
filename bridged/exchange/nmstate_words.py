"""Where nmstate keeps what the state file declares.

Sources: nmstate's own types (rust/src/lib/ifaces: linux_bridge.rs, bridge_vlan.rs, vlan.rs,
ethtool.rs).  Fields are those of `desired/bridge.py` and `desired/port.py`; whatever is not named
here cannot be said in nmstate, which the tests hold against the tables of rows.
"""

from collections.abc import Mapping

from bridged.desired.bridge import Bridge
from bridged.desired.grammar import Expected, Record, record
from bridged.desired.offloads import Offloads
from bridged.desired.port import Nic, Vlan

BRIDGE = "linux-bridge"
STP: Mapping[str, str] = {
    "enabled": "stp",
    "forward-delay": "forward-delay",
    "hello-time": "hello-time",
    "max-age": "max-age",
    "priority": "priority",
}
"""Keys of bridge.options.stp with ours."""
OPTIONS: Mapping[str, str] = {
    "group-forward-mask": "group-forward-mask",
    "group-fwd-mask": "group-forward-mask",
    "mac-ageing-time": "ageing-time",
    "multicast-querier": "multicast-querier",
    "multicast-router": "multicast-router",
    "multicast-snooping": "multicast-snooping",
    "vlan-default-pvid": "vlan-default-pvid",
    "vlan-protocol": "vlan-protocol",
}
"""Keys of bridge.options with ours; of two for the same thing the first is the one to write."""
PORT: Mapping[str, str] = {
    "stp-hairpin-mode": "hairpin",
    "stp-path-cost": "path-cost",
    "stp-priority": "priority",
}
"""Keys of an item of bridge.port with ours."""
VLAN: Mapping[str, str] = {
    "protocol": "protocol",
    "reorder-headers": "reorder-headers",
    "loose-binding": "loose-binding",
}
"""Keys of vlan with ours; registration-protocol is both gvrp and mvrp."""
FEATURES: Mapping[str, str] = {
    "rx-checksum": "rx",
    "rx": "rx",
    "rx-checksumming": "rx",
    "tx-generic-segmentation": "gso",
    "gso": "gso",
    "generic-segmentation-offload": "gso",
    "rx-gro": "gro",
    "gro": "gro",
    "generic-receive-offload": "gro",
    "rx-lro": "lro",
    "lro": "lro",
    "large-receive-offload": "lro",
    "rx-vlan-hw-parse": "rxvlan",
    "rxvlan": "rxvlan",
    "rx-vlan-offload": "rxvlan",
    "tx-vlan-hw-insert": "txvlan",
    "txvlan": "txvlan",
    "tx-vlan-offload": "txvlan",
    "rx-ntuple-filter": "ntuple",
    "ntuple": "ntuple",
    "ntuple-filters": "ntuple",
    "rx-hashing": "rxhash",
    "rxhash": "rxhash",
    "receive-hashing": "rxhash",
}
"""Keys of ethtool.feature with ours, the first of each to be written.  tx, sg and tso are several
features to the kernel and to nmstate, so they have no single word there."""

NEW_BRIDGE: Mapping[str, tuple[str, ...]] = {
    "group-addr": ("01:80:c2:00:00:00",),
    "hash-max": ("4096",),
    "multicast-last-member-count": ("2",),
    "multicast-last-member-interval": ("100",),
    "multicast-membership-interval": ("26000",),
    "multicast-querier-interval": ("25500",),
    "multicast-query-interval": ("12500",),
    "multicast-query-response-interval": ("1000",),
    "multicast-query-use-ifaddr": ("false",),
    "multicast-startup-query-count": ("2",),
    "multicast-startup-query-interval": ("3125", "3124"),
}
"""Options that the state file does not have, with what a new bridge has (the kernel rounds): where
they say that, nothing is lost."""
FACTS = frozenset(
    {"driver", "permanent-mac-address", "min-mtu", "max-mtu", "gc-timer", "hello-timer"}
)
"""What `nmstatectl show` tells and nobody can declare."""


def expected(kind: Record, key: str) -> Expected:
    """What the state file expects of a key of a record."""
    return kind.keys[key].expected


BRIDGE_KEYS, NIC_KEYS, VLAN_KEYS = record(Bridge), record(Nic), record(Vlan)
OFFLOAD_KEYS = record(Offloads)


def first_words(table: Mapping[str, str]) -> dict[str, str]:
    """Our keys with the word that nmstate is to be given."""
    words: dict[str, str] = {}
    for theirs, ours in table.items():
        words.setdefault(ours, theirs)
    return words
