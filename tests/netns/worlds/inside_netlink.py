"""Every row of the tables is written by netlink and read back by `ip` and by our own reader."""

import json
from typing import Any

import pytest

from bridged.apply.netlink import LinkWriter
from bridged.desired.bridge import Bridge
from bridged.desired.port import Nic, Vlan
from bridged.desired.properties import Row, rows
from bridged.desired.vlans import PortVlan
from bridged.observe.host import Link
from bridged.observe.netlink import NetlinkReader
from bridged.plan.actions import (
    ObjectId,
    SetLink,
    SetVlans,
)
from tests.netns.worlds.support import (
    NICS,
    index_of,
    ip_link,
    needs_laboratory,
    run,
)

pytest_plugins = ["tests.netns.worlds.links"]
pytestmark = needs_laboratory

NIC = NICS[0]
BRIDGE = ObjectId("bridge", "br-test")
# Two values of each row that differ from the kernel's defaults and from one another.
VALUES: dict[str, tuple[Any, Any]] = {
    "mtu": (1400, 1450),
    "mac": ("52:54:00:12:34:56", "52:54:00:12:34:57"),
    "priority": (4096, 28672),
    "forward_delay": (4, 20),
    "hello_time": (1, 5),
    "max_age": (8, 30),
    "ageing_time": (0, 1000),
    "group_forward_mask": (8, 16384),
    "multicast_router": ("enabled", "disabled"),
    "vlan_default_pvid": (0, 77),
    "vlan_protocol": ("802.1ad", "802.1Q"),
    "path_cost": (7, 65535),
}
IP_INFO = {"vlan_flags": "flags"}
IP_PORT = {"brport_mode": "hairpin"}


def link(name: str) -> Link:
    """The link as our reader sees it."""
    return next(link for link in NetlinkReader().read().links if link.name == name)


def values(row: Row) -> tuple[Any, Any]:
    if row.field == "priority" and row.property.kernel and row.property.kernel.layer == "port":
        return (5, 63)
    return VALUES.get(row.field, (True, False))


def live(model: Any) -> list[Row]:
    """Rows of one attribute each; the VLANs of a port are a list and have a test of their own."""
    return [
        row
        for row in rows(model)
        if (key := row.property.kernel) is not None and key.live and key.layer != "vlans"
    ]


def action(name: str, layer: str, attribute: str, raw: Any, kind: str) -> SetLink:
    part = {attribute: raw}
    return SetLink(
        object=BRIDGE,
        reason="test",
        device=name,
        index=index_of(name),
        kind=kind,
        link=part if layer in ("link", "ipv6") else {},
        info=part if layer == "info" else {},
        port=part if layer == "port" else {},
    )


def in_ip(name: str, layer: str, attribute: str) -> Any:
    """The kernel's value as `ip` prints it, made a number or a text."""
    seen = ip_link(name)
    if layer == "link":
        return seen["address" if attribute == "address" else attribute]
    if layer == "ipv6":
        return int(run("sysctl", "-n", f"net/ipv6/conf/{name}/disable_ipv6"))
    if layer == "port":
        key = IP_PORT.get(attribute, attribute.removeprefix("brport_"))
        value = seen["linkinfo"]["info_slave_data"][key]
    else:
        key = IP_INFO.get(attribute, attribute.removeprefix("br_"))
        value = seen["linkinfo"]["info_data"].get(key, ())
    if attribute == "vlan_flags":
        bits = {"REORDER_HDR": 1, "GVRP": 2, "LOOSE_BINDING": 4, "MVRP": 8}
        return sum(bits[flag] for flag in value)
    if attribute.endswith("vlan_protocol"):
        return {"802.1Q": 0x8100, "802.1ad": 0x88A8}[value]
    return int(value, 0) if isinstance(value, str) else int(value)


def in_reader(name: str, layer: str, attribute: str) -> Any:
    seen = link(name)
    if layer == "info":
        return seen.info[attribute]
    if layer == "port":
        return seen.port[attribute]
    return getattr(seen, attribute)


def round_trip(writer: LinkWriter, name: str, kind: str, row: Row) -> None:
    key = row.property.kernel
    assert key is not None
    layers: dict[str, Any] = {"info": link(name).info, "port": link(name).port}
    if key.layer in layers and key.attribute not in layers[key.layer]:
        pytest.skip(f"this kernel has no {key.attribute}")
    if row.field == "vlan_filtering" and "br_vlan_default_pvid" not in link(name).info:
        pytest.skip("this kernel's bridges know no VLANs")
    wanted = (1, 0) if key.layer == "ipv6" else values(row)
    before = ip_link(name)
    for value in wanted:
        raw = value if key.layer == "ipv6" else key.codec.encode(value)
        if key.mask is not None:
            raw |= in_reader(name, key.layer, key.attribute) & ~key.mask
        writer.set_link(action(name, key.layer, key.attribute, raw, kind))
        assert in_ip(name, key.layer, key.attribute) == raw
        assert in_reader(name, key.layer, key.attribute) == raw
    after = ip_link(name)
    assert after["ifindex"] == before["ifindex"]
    assert after.get("master") == before.get("master")
    assert after["num_tx_queues"] == before["num_tx_queues"]


@pytest.mark.parametrize("row", live(Bridge), ids=lambda row: row.key)
def test_a_bridge_row_round_trips(writer: LinkWriter, row: Row) -> None:
    round_trip(writer, "br-test", "bridge", row)


@pytest.mark.parametrize("row", live(Nic), ids=lambda row: row.key)
def test_a_port_row_round_trips(writer: LinkWriter, row: Row) -> None:
    round_trip(writer, NIC, "", row)


@pytest.mark.parametrize("row", live(Vlan), ids=lambda row: row.key)
def test_a_vlan_row_round_trips(writer: LinkWriter, row: Row) -> None:
    name = f"{NIC}.6"
    run("ip", "link", "add", "link", NIC, "name", name, "type", "vlan", "id", "6", check=False)
    if name not in run("ip", "-br", "link"):
        pytest.skip("this kernel has no VLANs")
    run("ip", "link", "set", name, "master", "br-test", "up")
    assert link(name).parent == index_of(NIC)
    assert link(name).info["vlan_id"] == 6
    round_trip(writer, name, "vlan", row)


def vlans_in_ip(name: str) -> list[tuple[int, bool, bool]]:
    """VLANs of a port as `bridge` prints them: id, PVID, untagged."""
    shown = json.loads(run("bridge", "-j", "vlan", "show", "dev", name))
    return sorted(
        (vid, "PVID" in vlan.get("flags", ()), "Egress Untagged" in vlan.get("flags", ()))
        for entry in shown
        for vlan in entry["vlans"]
        for vid in range(vlan["vlan"], vlan.get("vlanEnd", vlan["vlan"]) + 1)
    )


@pytest.mark.parametrize(
    "vlans",
    [
        [PortVlan(6, False, False)],
        [PortVlan(1, False, False), PortVlan(6, True, True)],
        [PortVlan(1, True, True)],
        [PortVlan(vid, vid == 7, vid == 7) for vid in range(1, 4095)],
        [],
    ],
    ids=["tagged", "another pvid", "the default", "all", "none"],
)
def test_a_port_gets_exactly_its_vlans(writer: LinkWriter, vlans: list[PortVlan]) -> None:
    if "br_vlan_default_pvid" not in link("br-test").info:
        pytest.skip("this kernel's bridges know no VLANs")
    run("ip", "link", "set", "br-test", "type", "bridge", "vlan_filtering", "1")
    run("bridge", "vlan", "add", "vid", "99", "dev", NIC)
    set_vlans = SetVlans(
        object=BRIDGE, reason="test", device=NIC, index=index_of(NIC), vlans=tuple(vlans)
    )
    writer.set_vlans(set_vlans)
    assert vlans_in_ip(NIC) == [(vlan.vid, vlan.pvid, vlan.untagged) for vlan in vlans]
    assert link(NIC).vlans == tuple(vlans)
