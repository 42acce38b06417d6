"""A link of a netlink dump, taken from its bytes.

pyroute2 makes an object of every attribute, 0.6 ms for a bridge port, and a node has hundreds of
guests that wait for their repair meanwhile.  Read straight from the bytes it is a tenth of that;
names, numbers and types of the attributes are still pyroute2's tables.
"""

import struct
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from bridged.linkrequest import IFINFOMSG
from bridged.observe.attributes import Attributes, walk
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


_IFLA = {name: number for number, (name, _) in _table(LINK_CODEC).items()}
_INFO = {name: number for number, (name, _) in _table(LINK_CODEC.ifinfo).items()}
_TOP, _NESTED = Attributes(), Attributes()


class LinkMessage:
    """One RTM_NEWLINK message; what it does not say is empty, 0 or None."""

    def __init__(self, data: bytes) -> None:
        _, _, self.index, self._flags, _ = IFINFOMSG.unpack_from(data, NETLINK_HEADER)
        self._attributes: Mapping[int, bytes] = _TOP.read(data, NETLINK_HEADER + IFINFOMSG.size)

    @cached_property
    def _linkinfo(self) -> Mapping[int, bytes]:
        return _NESTED.read(self._get("IFLA_LINKINFO"))

    def _get(self, name: str) -> bytes:
        return self._attributes.get(_IFLA[name], b"")

    def number(self, name: str) -> int | None:
        """A number, by the name of its attribute (``IFLA_MTU``)."""
        data = self._get(name)
        return int.from_bytes(data, sys.byteorder) if data else None

    def address(self, name: str) -> str:
        """A hardware address as text."""
        return _mac(self._get(name))

    @property
    def name(self) -> str:
        """The name of the interface."""
        return _text(self._get("IFLA_IFNAME"))

    @cached_property
    def kind(self) -> str:
        """IFLA_INFO_KIND, empty for hardware."""
        return _text(self._linkinfo.get(_INFO["IFLA_INFO_KIND"], b""))

    @property
    def up(self) -> bool:
        """The administrative state."""
        return bool(self._flags & _IFF_UP)

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
        if self.kind == "veth" or self._get("IFLA_LINK_NETNSID"):
            return None
        parent = self.number("IFLA_LINK")
        return parent if parent and parent != self.index else None

    @property
    def altnames(self) -> tuple[str, ...]:
        """Alternative names: the attributes of IFLA_PROP_LIST are all of one kind."""
        return tuple(_text(value) for _, value in walk(self._get("IFLA_PROP_LIST")))

    @property
    def disable_ipv6(self) -> bool | None:
        """From the copy of the interface's IPv6 settings; None where it has no IPv6."""
        families = _NESTED.read(self._get("IFLA_AF_SPEC"))
        settings = _NESTED.read(families.get(_AF_INET6, b"")).get(_INET6_CONF, b"")
        if len(settings) < 4 * (_DEVCONF_DISABLE_IPV6 + 1):
            return None
        return bool(struct.unpack_from("=i", settings, 4 * _DEVCONF_DISABLE_IPV6)[0])

    @cached_property
    def info(self) -> Mapping[str, Any]:
        """What a bridge or VLAN is."""
        decode = _DESCRIBED.get(self.kind)
        if decode is None:
            return {}
        info = decode(self._linkinfo.get(_INFO["IFLA_INFO_DATA"], b""))
        if self.kind == "vlan":
            info.setdefault("vlan_flags", 0)  # vlan_fill_info() leaves the word out when it is 0
        return info

    @property
    def port(self) -> Mapping[str, Any]:
        """What the link is as a port of a bridge, empty where it is none."""
        if _text(self._linkinfo.get(_INFO["IFLA_INFO_SLAVE_KIND"], b"")) != "bridge":
            return {}
        return _PORT(self._linkinfo.get(_INFO["IFLA_INFO_SLAVE_DATA"], b""))

    @property
    def stats(self) -> Mapping[str, int]:
        """Counters since the link was made."""
        data = self._get("IFLA_STATS64")
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
        self._keys: dict[int, str] = {}
        self._special: dict[int, tuple[str, Callable[[bytes], Any]]] = {}
        for number, (name, kind) in table.items():
            key = name.removeprefix("IFLA_").lower()
            if kind.startswith("uint"):
                self._keys[number] = key
            elif kind in _SPECIAL:
                self._special[number] = key, _SPECIAL[kind]
        self._attributes = Attributes(self._keys)

    def __call__(self, data: bytes) -> dict[str, Any]:
        """What the block says."""
        found = self._attributes.read(data)
        keys = self._keys
        values = {keys[number]: value for number, value in found.items() if number in keys}
        for number, (key, read) in self._special.items():
            if number in found:
                values[key] = read(found[number])
        return values


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
_PORT = _Decoder(_table(LINK_CODEC.ifinfo.bridge_slave_data))
