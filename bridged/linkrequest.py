"""Changes of links as the kernel wants them, put together from pyroute2's tables.

Half of the time between an event and its repair went into pyroute2's coding of a message of three
attributes, for it makes several objects of each.  What is not known here is left to it.
"""

import struct
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

IFINFOMSG = struct.Struct("=BxHiII")
"""struct ifinfomsg: family, type, index, flags, change."""
_FIELDS = {"index", "flags", "change"}
_ATTRIBUTE = struct.Struct("=HH")
_SIZES = {"uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8}
_KIND, _SLAVE_KIND = "IFLA_INFO_KIND", "IFLA_INFO_SLAVE_KIND"

LATER_OF_PORTS = {
    39: ("IFLA_BRPORT_LOCKED", "uint8"),
    40: ("IFLA_BRPORT_MAB", "uint8"),
    42: ("IFLA_BRPORT_MCAST_MAX_GROUPS", "uint32"),
    43: ("IFLA_BRPORT_NEIGH_VLAN_SUPPRESS", "uint8"),
}
"""Settings of bridge ports that are in the tables of later versions of pyroute2 only: number ->
name and type, as it writes them (linux/if_link.h)."""

Attributes = Sequence[tuple[str, Any]]
"""Names and values; the value of a nested one is ``{"attrs": [...]}``."""


class _Unknown(Exception):
    """An attribute, or a type of it, that is left to pyroute2."""


def link_change(codec: Any, fields: Mapping[str, int], attributes: Attributes) -> bytes | None:
    """The message without its header, None where pyroute2 has to put it together; `codec` is its
    class of link messages."""
    if not _FIELDS.issuperset(fields):
        return None
    head = IFINFOMSG.pack(0, 0, fields["index"], fields.get("flags", 0), fields.get("change", 0))
    try:
        return head + _block(codec, attributes)
    except _Unknown:
        return None


def _block(codec: Any, attributes: Attributes) -> bytes:
    numbers, parts = _numbers(codec), []
    for name, value in attributes:
        number, kind = numbers.get(name, (0, ""))
        if isinstance(value, Mapping) and "attrs" in value:
            data = _block(_nested(codec, kind, attributes), value["attrs"])
        else:
            data = _plain(kind, value)
        length = _ATTRIBUTE.size + len(data)
        parts += [_ATTRIBUTE.pack(length, number), data, bytes(-length % 4)]
    return b"".join(parts)


@cache
def _numbers(codec: Any) -> Mapping[str, tuple[int, str]]:
    later = {name: (number, kind) for number, (name, kind) in LATER_OF_PORTS.items()}
    return later | {row[0]: (number, row[1]) for number, row in enumerate(codec.nla_map)}


def _nested(codec: Any, kind: str, beside: Attributes) -> Any:
    """The class of a nested attribute; that of IFLA_INFO_DATA goes by the kind beside it."""
    named = dict(beside)
    if kind == "ifinfo":
        return codec.ifinfo
    if kind == "info_data" and named.get(_KIND) == "bridge":
        return codec.bridge_data
    if kind == "info_data" and named.get(_KIND) == "vlan":
        return codec.data_map["vlan"]
    if kind == "info_slave_data" and named.get(_SLAVE_KIND) == "bridge":
        return codec.bridge_slave_data
    raise _Unknown(kind)


def _plain(kind: str, value: Any) -> bytes:
    if kind in _SIZES:
        return int(value).to_bytes(_SIZES[kind], sys.byteorder)
    if kind == "asciiz":
        return str(value).encode() + b"\0"
    if kind == "l2addr":
        return bytes.fromhex(value.replace(":", ""))
    if kind == "be16":
        return int(value).to_bytes(2, "big")
    raise _Unknown(kind)
