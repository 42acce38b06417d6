"""Changes of links are put together as pyroute2 does it, byte by byte."""

import struct
from typing import Any

import pytest

from bridged.linkrequest import IFINFOMSG, link_change
from bridged.rtnetlink import LINK_CODEC, NETLINK_HEADER

UP = {"index": 7, "flags": 1, "change": 1}


def info(kind: str, *data: tuple[str, Any]) -> tuple[str, Any]:
    inner = [("IFLA_INFO_KIND", kind), ("IFLA_INFO_DATA", {"attrs": list(data)})]
    return ("IFLA_LINKINFO", {"attrs": inner})


def port(*data: tuple[str, Any]) -> tuple[str, Any]:
    inner = [("IFLA_INFO_SLAVE_KIND", "bridge"), ("IFLA_INFO_SLAVE_DATA", {"attrs": list(data)})]
    return ("IFLA_LINKINFO", {"attrs": inner})


def by_pyroute2(fields: dict[str, int], attributes: list[tuple[str, Any]]) -> bytes:
    message = LINK_CODEC()
    for name, value in fields.items():
        message[name] = value
    message["attrs"] = attributes
    message.encode()
    return bytes(message.data[NETLINK_HEADER:])


@pytest.mark.parametrize(
    ("fields", "attributes"),
    [
        (UP, []),
        ({"index": 7}, [("IFLA_MASTER", 9)]),
        (UP, [("IFLA_ADDRESS", "02:00:00:00:00:01"), ("IFLA_MTU", 9000)]),
        ({"index": 7}, [("IFLA_IFNAME", "br-lan")]),
        (
            {"index": 7},
            [
                info(
                    "bridge",
                    ("IFLA_BR_STP_STATE", 1),
                    ("IFLA_BR_AGEING_TIME", 30000),
                    ("IFLA_BR_PRIORITY", 32768),
                    ("IFLA_BR_GROUP_ADDR", "01:80:c2:00:00:00"),
                    ("IFLA_BR_VLAN_PROTOCOL", 0x88A8),
                )
            ],
        ),
        ({"index": 7}, [info("vlan", ("IFLA_VLAN_ID", 6), ("IFLA_VLAN_PROTOCOL", 0x8100))]),
        ({"index": 7}, [port(("IFLA_BRPORT_COST", 100), ("IFLA_BRPORT_MODE", 1))]),
    ],
)  # fmt: skip
def test_the_bytes_are_those_of_pyroute2(
    fields: dict[str, int], attributes: list[tuple[str, Any]]
) -> None:
    made = link_change(LINK_CODEC, fields, attributes)
    assert made == by_pyroute2(fields, attributes)
    assert IFINFOMSG.unpack_from(made or b"")[2] == 7


@pytest.mark.parametrize(
    ("fields", "attributes"),
    [
        ({"index": 7, "family": 7}, []),
        ({"index": 7}, [info("vlan", ("IFLA_VLAN_FLAGS", {"flags": 1, "mask": 1}))]),
        ({"index": 7}, [info("bond", ("IFLA_BOND_MODE", 1))]),
        ({"index": 7}, [("IFLA_NO_SUCH", 1)]),
    ],
)
def test_what_is_not_known_is_left_to_pyroute2(
    fields: dict[str, int], attributes: list[tuple[str, Any]]
) -> None:
    assert link_change(LINK_CODEC, fields, attributes) is None


def test_later_settings_of_ports_are_written_whatever_the_library_knows() -> None:
    """A guest's port that was locked is locked again."""
    made = link_change(LINK_CODEC, {"index": 7}, [port(("IFLA_BRPORT_LOCKED", 1))])
    assert made is not None
    assert made.endswith(struct.pack("=HHBxxx", 5, 39, 1))
