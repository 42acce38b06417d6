"""A link of a netlink dump, taken from its bytes.

pyroute2 makes an object of every attribute, 0.6 ms for a bridge port, and a node has hundreds of
guests that wait for their repair meanwhile.  Read straight from the bytes it is a tenth of that;
names, numbers and types of the attributes are still pyroute2's tables.
"""

import struct
import sys
from collections.abc import Callable, Mapping
from typing import Any

from bridged.linkrequest import IFINFOMSG, LATER_OF_PORTS
from bridged.observe.attributes import Attributes, Wanted, walk
from bridged.rtnetlink import LINK_CODEC, NETLINK_HEADER

_STATS64 = struct.Struct("=10Q")
_COUNTERS = (
    "rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_errors", "tx_errors",
    "rx_dropped", "tx_dropped", "multicast", "collisions",
)  # fmt: skip
"""The first ten of struct rtnl_link_stats64."""
_OPERSTATES = (
    "unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up",
)  # fmt: skip
_AF_INET6, _INET6_CONF = 10, 2
_DEVCONF_DISABLE_IPV6 = 26
_IFF_UP = 0x1

Table = Mapping[int, tuple[str, str]]
"""Attribute number -> name and type, as pyroute2 writes them."""


def _table(codec: Any) -> Table:
    return {number: (row[0], row[1]) for number, row in enumerate(codec.nla_map)}


def _timers(codec: Any) -> Mapping[int, str]:
    return {number: name for number, (name, _) in _table(codec).items() if name.endswith("_TIMER")}


_IFLA = {name: number for number, (name, _) in _table(LINK_CODEC).items()}
_INFO = {name: number for number, (name, _) in _table(LINK_CODEC.ifinfo).items()}
STATS64 = "IFLA_STATS64"
_NUMBERS = (
    "IFLA_MTU", "IFLA_LINK", "IFLA_LINK_NETNSID", "IFLA_MASTER", "IFLA_OPERSTATE", "IFLA_CARRIER",
    "IFLA_CARRIER_CHANGES",
)  # fmt: skip
_BYTES = ("IFLA_IFNAME", "IFLA_ADDRESS", "IFLA_PERM_ADDRESS", STATS64, "IFLA_PROP_LIST")
_INSIDE = (
    "IFLA_INFO_KIND", "IFLA_INFO_DATA", "IFLA_INFO_SLAVE_KIND", "IFLA_INFO_SLAVE_DATA",
)  # fmt: skip
"""What of a message is read: numbers, other values, and those within IFLA_LINKINFO."""
_INET6_SETTINGS = "IFLA_INET6_CONF"
_PASSING: Wanted = {
    **{_IFLA[name]: name for name in (STATS64, "IFLA_STATS")},
    _IFLA["IFLA_LINKINFO"]: {
        _INFO["IFLA_INFO_DATA"]: _timers(LINK_CODEC.ifinfo.bridge_data),
        _INFO["IFLA_INFO_SLAVE_DATA"]: _timers(LINK_CODEC.ifinfo.bridge_slave_data),
    },
}
"""What changes from moment to moment: counters, and the timers of bridges, of which one always
runs.  Their numbers mean something else to other kinds of links, of whose data nothing is read (a
VLAN has none so high)."""
LINKS = Attributes(
    {
        **{_IFLA[name]: name for name in _NUMBERS + _BYTES},
        _IFLA["IFLA_LINKINFO"]: {_INFO[name]: name for name in _INSIDE},
        _IFLA["IFLA_AF_SPEC"]: {_AF_INET6: {_INET6_CONF: _INET6_SETTINGS}},
    },
    _NUMBERS,
    NETLINK_HEADER + IFINFOMSG.size,
    _PASSING,
    NETLINK_HEADER,
)


class LinkMessage:
    """One RTM_NEWLINK message; what it does not say is empty, 0 or None.

    `kind` is IFLA_INFO_KIND, empty for hardware; `up` the administrative state; `info` what a
    bridge or VLAN is.
    """

    __slots__ = ("_found", "index", "info", "kind", "name", "up")

    def __init__(self, data: bytes) -> None:
        _, _, self.index, flags, _ = IFINFOMSG.unpack_from(data, NETLINK_HEADER)
        self._found = LINKS.read(data)
        self.up = bool(flags & _IFF_UP)
        self.name = self._text("IFLA_IFNAME")
        self.kind = self._text("IFLA_INFO_KIND")
        self.info = self._info()

    def number(self, name: str) -> int | None:
        """A number, by the name of its attribute: one of `_NUMBERS`."""
        number: int | None = self._found.get(name)
        return number

    def address(self, name: str) -> str:
        """A hardware address as text."""
        return _mac(self._found.get(name, b""))

    def _text(self, name: str) -> str:
        return _text(self._found.get(name, b""))

    @property
    def operstate(self) -> str:
        """The operational state of RFC 2863."""
        state = self.number("IFLA_OPERSTATE") or 0
        return _OPERSTATES[state] if state < len(_OPERSTATES) else "unknown"

    @property
    def parent(self) -> int | None:
        """IFLA_LINK where it names an interface below this one.

        For a veth it is the peer, and with IFLA_LINK_NETNSID it counts in another namespace.
        """
        if self.kind == "veth" or "IFLA_LINK_NETNSID" in self._found:
            return None
        parent = self.number("IFLA_LINK")
        return parent if parent and parent != self.index else None

    @property
    def altnames(self) -> tuple[str, ...]:
        """Alternative names: the attributes of IFLA_PROP_LIST are all of one kind."""
        return tuple(_text(value) for _, value in walk(self._found.get("IFLA_PROP_LIST", b"")))

    @property
    def disable_ipv6(self) -> bool | None:
        """From the copy of the interface's IPv6 settings; None where it has no IPv6."""
        settings = self._found.get(_INET6_SETTINGS, b"")
        if len(settings) < 4 * (_DEVCONF_DISABLE_IPV6 + 1):
            return None
        return bool(struct.unpack_from("=i", settings, 4 * _DEVCONF_DISABLE_IPV6)[0])

    def _info(self) -> Mapping[str, Any]:
        decode = _DESCRIBED.get(self.kind)
        if decode is None:
            return {}
        info = decode(self._found.get("IFLA_INFO_DATA", b""))
        if self.kind == "vlan":
            info.setdefault("vlan_flags", 0)  # vlan_fill_info() leaves the word out when it is 0
        return info

    @property
    def port(self) -> Mapping[str, Any]:
        """What the link is as a port of a bridge, empty where it is none."""
        if self._text("IFLA_INFO_SLAVE_KIND") != "bridge":
            return {}
        return _PORT(self._found.get("IFLA_INFO_SLAVE_DATA", b""))

    @property
    def stats(self) -> Mapping[str, int]:
        """Counters since the link was made."""
        return counters(self._found.get(STATS64, b""))


def counters(data: bytes) -> Mapping[str, int]:
    """IFLA_STATS64 by name."""
    if len(data) < _STATS64.size:
        return {}
    return dict(zip(_COUNTERS, _STATS64.unpack_from(data), strict=True))


def _text(data: bytes) -> str:
    return data.rstrip(b"\0").decode(errors="surrogateescape")


def _mac(data: bytes) -> str:
    return data.hex(":")


class _Decoder:
    """Attributes by lower-case name without IFLA_; only numbers and addresses, of flags the
    word."""

    def __init__(self, table: Table) -> None:
        keys: dict[int, str] = {}
        numbers = []
        self._special: dict[str, Callable[[bytes], Any]] = {}
        for number, (name, kind) in table.items():
            key = name.removeprefix("IFLA_").lower()
            if kind.startswith("uint"):
                numbers.append(key)
            elif kind in _SPECIAL:
                self._special[key] = _SPECIAL[kind]
            else:
                continue
            keys[number] = key
        self._attributes = Attributes(keys, numbers)

    def __call__(self, data: bytes) -> dict[str, Any]:
        """What the block says."""
        found = self._attributes.read(data)
        for key, read in self._special.items():
            if key in found:
                found[key] = read(found[key])
        return found


_SPECIAL: Mapping[str, Callable[[bytes], Any]] = {
    "be16": lambda value: int.from_bytes(value, "big"),
    "vlan_flags": lambda value: int.from_bytes(value[:4], sys.byteorder),
    "l2addr": _mac,
}
_DESCRIBED: Mapping[str, _Decoder] = {
    # Learned addresses: since Linux 6.7, and not in pyroute2's table.
    "bridge": _Decoder(
        {48: ("IFLA_BR_FDB_N_LEARNED", "uint32"), **_table(LINK_CODEC.ifinfo.bridge_data)}
    ),
    "vlan": _Decoder(_table(LINK_CODEC.ifinfo.data_map["vlan"])),
}
"""Kinds whose IFLA_INFO_DATA is decoded; nobody has a use for that of a veth."""
_PORT = _Decoder({**LATER_OF_PORTS, **_table(LINK_CODEC.ifinfo.bridge_slave_data)})
