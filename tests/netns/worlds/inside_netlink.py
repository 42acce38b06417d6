"""Every row of the tables is written by netlink and read back by `ip` and by our own reader."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridged.apply.netlink import LinkWriter
from bridged.desired.bridge import Bridge
from bridged.desired.port import Nic, Vlan
from bridged.desired.properties import Row, rows
from bridged.errors import WorldError
from bridged.desired.vlans import PortVlan
from bridged.observe.host import Link
from bridged.observe.netlink import NetlinkReader
from bridged.plan.actions import (
    DeleteLink,
    ObjectId,
    RemoveAddress,
    SetController,
    SetLink,
    SetVlans,
)
from tests.netns.worlds.support import (
    NICS,
    clean,
    descriptors,
    index_of,
    ip_link,
    needs_laboratory,
    nmcli,
    run,
)

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


@pytest.fixture
def writer() -> LinkWriter:
    return LinkWriter()


@pytest.fixture(autouse=True)
def bridge() -> Iterator[int]:
    clean()
    run("ip", "link", "add", "br-test", "type", "bridge")
    run("ip", "link", "set", "br-test", "up")
    run("ip", "link", "set", NIC, "master", "br-test")
    yield index_of("br-test")
    clean()


def link(name: str) -> Link:
    """The link as our reader sees it."""
    return next(link for link in NetlinkReader().read().links if link.name == name)


def values(row: Row) -> tuple[Any, Any]:
    if row.field == "priority" and row.property.kernel and row.property.kernel.layer == "port":
        return (5, 63)
    return VALUES.get(row.field, (True, False))


def live(model: Any) -> list[Row]:
    return [
        row for row in rows(model) if row.property.kernel is not None and row.property.kernel.live
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


def set_on(name: str, kind: str = "", **values: Any) -> SetLink:
    return SetLink(
        object=BRIDGE, reason="test", device=name, index=index_of(name), kind=kind, link=values
    )


def test_a_link_is_brought_up_and_nothing_else_of_it_changes(writer: LinkWriter) -> None:
    run("ip", "link", "set", "br-test", "down")
    before = ip_link("br-test")
    writer.set_link(set_on("br-test", "bridge", up=True))
    after = ip_link("br-test")
    assert "UP" in after["flags"]
    assert (after["ifindex"], after["mtu"]) == (before["ifindex"], before["mtu"])


def test_the_mtu_that_a_bridge_has_already_is_pinned_by_setting_it(writer: LinkWriter) -> None:
    """Case 45: a plain set to the same value leaves the bridge to be dragged down."""
    run("ip", "link", "set", NIC, "mtu", "3000")
    assert ip_link("br-test")["mtu"] == 3000
    writer.set_link(set_on("br-test", "bridge", mtu=3000))
    run("ip", "link", "add", "vnet0", "type", "veth", "peer", "name", "vnet0-vm")
    run("ip", "link", "set", "vnet0", "master", "br-test", "up")
    assert ip_link("vnet0")["mtu"] == 1500
    assert ip_link("br-test")["mtu"] == 3000
    run("ip", "link", "del", "vnet0")
    assert ip_link("br-test")["mtu"] == 3000


def test_without_the_detour_the_kernel_does_not_pin_the_mtu() -> None:
    """The reason for the detour; fails when a kernel makes it needless."""
    run("ip", "link", "set", NIC, "mtu", "3000")
    run("ip", "link", "set", "br-test", "mtu", "3000")
    run("ip", "link", "add", "vnet0", "type", "veth", "peer", "name", "vnet0-vm")
    run("ip", "link", "set", "vnet0", "master", "br-test", "up")
    assert ip_link("br-test")["mtu"] == 1500


def test_the_address_that_a_bridge_has_already_is_pinned_by_setting_it(writer: LinkWriter) -> None:
    """Case 43: the bridge would take a guest's address if that is the lowest."""
    present = link("br-test")
    if present.address_pinned:
        pytest.skip("udev gave the bridge an address (MACAddressPolicy=persistent)")
    writer.set_link(set_on("br-test", "bridge", address=present.address))
    assert link("br-test").address_pinned
    run("ip", "link", "add", "vnet0", "address", "02:00:00:00:00:01", "type", "veth",
        "peer", "name", "vnet0-vm")  # fmt: skip
    run("ip", "link", "set", "vnet0", "master", "br-test", "up")
    assert ip_link("br-test")["address"] == present.address


def test_ipv6_is_switched_off_on_a_link_whose_name_has_a_dot(writer: LinkWriter) -> None:
    run("ip", "link", "add", "br.d", "type", "bridge")
    run("ip", "link", "set", "br.d", "up")
    assert link("br.d").disable_ipv6 is False
    writer.set_link(set_on("br.d", "bridge", disable_ipv6=1))
    assert run("sysctl", "-n", "net/ipv6/conf/br.d/disable_ipv6").strip() == "1"
    assert link("br.d").disable_ipv6 is True
    assert "inet6" not in run("ip", "addr", "show", "br.d")


def test_a_link_that_is_gone_has_vanished(writer: LinkWriter) -> None:
    action = set_on("br-test", "bridge", up=True)
    run("ip", "link", "del", "br-test")
    with pytest.raises(WorldError) as caught:
        writer.set_link(action)
    assert caught.value.kind == "vanished"


def test_a_link_made_anew_under_the_same_name_is_not_touched(writer: LinkWriter) -> None:
    action = set_on("br-test", "bridge", mtu=1400)
    run("ip", "link", "del", "br-test")
    run("ip", "link", "add", "br-test", "type", "bridge")
    with pytest.raises(WorldError) as caught:
        writer.set_link(action)
    assert caught.value.kind == "vanished"
    assert ip_link("br-test")["mtu"] == 1500


def test_a_link_that_was_renamed_is_not_touched(writer: LinkWriter) -> None:
    action = set_on("br-test", "bridge", mtu=1400)
    run("ip", "link", "set", "br-test", "down")
    run("ip", "link", "set", "br-test", "name", "br-else")
    with pytest.raises(WorldError) as caught:
        writer.set_link(action)
    assert caught.value.kind == "vanished"
    assert "br-else" in caught.value.message
    assert ip_link("br-else")["mtu"] == 1500


def test_an_alternative_name_means_the_same_link(writer: LinkWriter) -> None:
    run("ip", "link", "property", "add", "dev", "br-test", "altname", "br-alternative")
    assert link("br-test").altnames == ("br-alternative",)
    writer.set_link(set_on("br-alternative", "bridge", mtu=1400))
    assert ip_link("br-test")["mtu"] == 1400


def test_a_refusal_says_what_was_refused_and_the_rest_is_set(writer: LinkWriter) -> None:
    action = SetLink(
        object=BRIDGE,
        reason="test",
        device="br-test",
        index=index_of("br-test"),
        kind="bridge",
        link={"mtu": 1400},
        info={"br_group_fwd_mask": 1},
    )
    with pytest.raises(WorldError) as caught:
        writer.set_link(action)
    assert caught.value.kind == "refused"
    assert "br-test" in caught.value.message
    assert ip_link("br-test")["mtu"] == 1400


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


def test_a_port_attribute_of_a_link_in_no_bridge_is_refused(writer: LinkWriter) -> None:
    run("ip", "link", "set", NIC, "nomaster")
    with pytest.raises(WorldError) as caught:
        writer.set_link(action(NIC, "port", "brport_cost", 5, ""))
    assert caught.value.kind == "refused"


def test_a_link_is_plugged_into_a_bridge(writer: LinkWriter, bridge: int) -> None:
    run("ip", "link", "set", NIC, "nomaster")
    plug = SetController(
        object=BRIDGE,
        reason="test",
        device=NIC,
        index=index_of(NIC),
        controller="br-test",
        controller_index=bridge,
    )
    writer.set_controller(plug)
    assert ip_link(NIC)["master"] == "br-test"
    assert link(NIC).controller == bridge
    assert link(NIC).controller_kind == "bridge"


def test_a_bridge_cannot_be_plugged_into_a_bridge(writer: LinkWriter, bridge: int) -> None:
    run("ip", "link", "add", "br-other", "type", "bridge")
    plug = SetController(
        object=BRIDGE,
        reason="test",
        device="br-other",
        index=index_of("br-other"),
        controller="br-test",
        controller_index=bridge,
    )
    with pytest.raises(WorldError) as caught:
        writer.set_controller(plug)
    assert caught.value.kind == "refused"


def test_a_link_is_deleted_by_index_and_name(writer: LinkWriter, bridge: int) -> None:
    delete = DeleteLink(object=BRIDGE, reason="test", device="br-test", index=bridge)
    with pytest.raises(WorldError) as caught:
        writer.delete_link(DeleteLink(object=BRIDGE, reason="test", device="x", index=bridge))
    assert caught.value.kind == "vanished"
    writer.delete_link(delete)
    assert "br-test" not in run("ip", "-br", "link")
    with pytest.raises(WorldError) as caught:
        writer.delete_link(delete)
    assert caught.value.kind == "vanished"


@pytest.mark.parametrize(("address", "prefix"), [("10.1.2.3", 24), ("fd00::1", 64)])
def test_an_address_is_removed_and_others_stay(
    writer: LinkWriter, bridge: int, address: str, prefix: int
) -> None:
    run("ip", "addr", "add", f"{address}/{prefix}", "dev", "br-test")
    run("ip", "addr", "add", "10.9.9.9/32", "dev", "br-test")
    seen = {(a.address, a.prefix) for a in NetlinkReader().read().addresses if a.index == bridge}
    assert {(address, prefix), ("10.9.9.9", 32)} <= seen
    remove = RemoveAddress(
        object=BRIDGE,
        reason="test",
        device="br-test",
        index=bridge,
        address=address,
        prefix=prefix,
    )
    writer.remove_address(remove)
    writer.remove_address(remove)
    shown = run("ip", "addr", "show", "dev", "br-test")
    assert address not in shown
    assert "10.9.9.9" in shown


def test_default_routes_of_all_tables_families_and_legs_are_seen() -> None:
    run("ip", "link", "set", NIC, "nomaster")
    for number, nic in enumerate(NICS):
        nmcli("device", "set", nic, "managed", "no")
        run("ip", "link", "set", nic, "up")
        run("ip", "addr", "add", f"10.7.{number}.2/24", "dev", nic)
    run("ip", "route", "add", "default", "via", "10.7.0.1", "table", "77")
    run("ip", "route", "add", "default", "nexthop", "via", "10.7.1.1", "nexthop", "via", "10.7.2.1")
    run("ip", "route", "add", "unreachable", "default", "metric", "4000")
    try:
        routes = NetlinkReader().read().default_routes
        assert routes == {index_of(nic) for nic in NICS}
        run("ip", "route", "del", "default", "metric", "0")
        run("ip", "route", "flush", "table", "77")
        run("ip", "-6", "route", "add", "default", "dev", "br-test")
        assert NetlinkReader().read().default_routes == {index_of("br-test")}
    finally:
        for nic in NICS:
            run("ip", "addr", "flush", "dev", nic)
            nmcli("device", "set", nic, "managed", "yes")
        run("ip", "route", "flush", "type", "unreachable", check=False)


def test_the_peer_of_a_veth_is_no_parent() -> None:
    run("ip", "link", "add", "vnet0", "type", "veth", "peer", "name", "vnet0-vm")
    assert link("vnet0").parent is None
    assert link(NIC).parent is None


def test_counters_and_states_are_those_of_ip() -> None:
    seen, shown = link(NIC), ip_link(NIC)
    assert seen.operstate == shown["operstate"].lower()
    assert seen.carrier == ("LOWER_UP" in shown["flags"])
    assert seen.carrier_changes == int(
        Path(f"/sys/class/net/{NIC}/carrier_changes").read_text(encoding="ascii")
    )
    assert set(seen.stats) >= {"rx_bytes", "tx_bytes", "rx_dropped", "tx_errors"}


def test_a_thousand_readings_leave_no_descriptor_behind() -> None:
    reader = NetlinkReader()
    reader.read()
    before = descriptors()
    for _ in range(1000):
        reader.read()
    assert descriptors() == before
