"""Links are changed by ifindex, one at a time, and what is refused is said."""

import gc
import subprocess
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridged.agent.kernel_events import KernelEvents
from bridged.agent.wake import Wake
from bridged.apply.netlink import LinkWriter
from bridged.errors import WorldError
from bridged.observe.host import Link
from bridged.observe.netlink import NetlinkReader
from bridged.plan.actions import (
    DeleteLink,
    ObjectId,
    RemoveAddress,
    SetController,
    SetLink,
)
from tests.netns.worlds.support import (
    NICS,
    descriptors,
    index_of,
    ip_link,
    needs_laboratory,
    nmcli,
    run,
    wait_for,
)

pytest_plugins = ["tests.netns.worlds.links"]
pytestmark = needs_laboratory

NIC = NICS[0]
BRIDGE = ObjectId("bridge", "br-test")


def link(name: str) -> Link:
    """The link as our reader sees it."""
    return next(link for link in NetlinkReader().read().links if link.name == name)


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


def test_a_value_that_is_refused_holds_up_no_other(writer: LinkWriter) -> None:
    run("ip", "link", "set", "br-test", "down")
    with pytest.raises(WorldError, match="mtu greater than device maximum"):
        writer.set_link(set_on("br-test", "bridge", mtu=70000, up=True, disable_ipv6=1))
    assert "UP" in ip_link("br-test")["flags"]
    assert link("br-test").disable_ipv6 is True


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


def addresses_of(index: int) -> set[tuple[str, int]]:
    return {(a.address, a.prefix) for a in NetlinkReader().read().addresses if a.index == index}


def removal(index: int, address: str, prefix: int) -> RemoveAddress:
    return RemoveAddress(
        object=BRIDGE,
        reason="test",
        device="br-test",
        index=index,
        address=address,
        prefix=prefix,
    )


@pytest.mark.parametrize(("address", "prefix"), [("10.1.2.3", 24), ("fd00::1", 64)])
def test_an_address_is_removed_and_others_stay(
    writer: LinkWriter, bridge: int, address: str, prefix: int
) -> None:
    run("ip", "addr", "add", f"{address}/{prefix}", "dev", "br-test")
    run("ip", "addr", "add", "10.9.9.9/32", "dev", "br-test")
    assert {(address, prefix), ("10.9.9.9", 32)} <= addresses_of(bridge)
    remove = removal(bridge, address, prefix)
    writer.remove_address(remove)
    writer.remove_address(remove)
    shown = run("ip", "addr", "show", "dev", "br-test")
    assert address not in shown
    assert "10.9.9.9" in shown


@pytest.mark.parametrize(
    ("address", "peer", "prefix"), [("10.1.2.3", "10.1.2.4", 32), ("fd00::1", "fd00::2", 128)]
)
def test_an_address_with_a_peer_is_removed(
    writer: LinkWriter, bridge: int, address: str, peer: str, prefix: int
) -> None:
    run("ip", "addr", "add", address, "peer", f"{peer}/{prefix}", "dev", "br-test")
    assert (address, prefix) in addresses_of(bridge)
    writer.remove_address(removal(bridge, address, prefix))
    assert address not in run("ip", "addr", "show", "dev", "br-test")


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


def test_single_links_read_again_are_as_in_the_dump(bridge: int) -> None:
    run("ip", "link", "add", "vnet0", "master", "br-test", "type", "veth", "peer", "name", "vnet1")
    reader = NetlinkReader()
    for _ in range(50):
        seen = reader.read().links
        known = {link.index: link for link in seen}
        again = reader.again(seen, known)
        # Timers and counters go on meanwhile, and NetworkManager may set the new ones up.
        if list(map(_still, reader.read().links)) == list(map(_still, seen)):
            break
        time.sleep(0.1)
    assert list(map(_still, again)) == list(map(_still, seen))
    run("ip", "link", "set", "vnet1", "name", "other")
    run("ip", "link", "set", "vnet0", "nomaster")
    now = {link.name: link for link in reader.again(seen, known)}
    assert now.keys() == {link.name for link in seen} - {"vnet1"}
    assert now["vnet0"].controller is None
    run("ip", "link", "del", "other")
    assert reader.again([known[index_of("br-test")], now["vnet0"]], known)[0].index == bridge
    assert reader.again([now["vnet0"]], known) == ()


CHANGES = (
    "link set br-test type bridge ageing_time 12300",
    "link set br-test type bridge vlan_filtering 1",
    "link set br-test address 02:00:00:00:77:01",
    "link set vnet0 master br-test",
    "link set vnet0 type bridge_slave hairpin on",
    "link set vnet0 mtu 1400",
    "link set vnet0 up",
    "link set vnet1 up",
    "link property add dev vnet0 altname guest0",
    "link set vnet1 name other",
    "link add link vnet0 name vnet0.9 type vlan id 9",
    "link set vnet0 nomaster",
    "link del br-test",
    "link del other",
)


def test_what_changes_is_seen_by_whoever_read_before(bridge: int) -> None:
    run("ip", "link", "add", "vnet0", "type", "veth", "peer", "name", "vnet1")
    reader = NetlinkReader()
    reader.read()
    for change in CHANGES:
        result = subprocess.run(["ip", *change.split()], text=True, capture_output=True)
        if result.returncode and "vlan" in change:
            continue  # a kernel without VLANs
        assert result.returncode == 0, result.stderr
        # Counters and carrier go on meanwhile, and NetworkManager may set the new ones up.
        wait_for(lambda: _both(reader), why=f"not as read anew after: ip {change}")


def _both(reader: NetlinkReader) -> bool:
    """Whether a reader that goes by what it read before tells what one does that never read."""
    now = reader.read(anew=False).links
    return list(map(_still, now)) == list(map(_still, NetlinkReader().read().links))


def test_still_links_are_not_read_a_second_time(bridge: int) -> None:
    reader = NetlinkReader()

    def the_same() -> bool:
        before = {link.name: link for link in reader.read().links}
        after = {link.name: link for link in reader.read(anew=False).links}
        return after["br-test"] is before["br-test"]

    wait_for(the_same)


def _still(link: Link) -> Link:
    def kept(values: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in values.items() if "timer" not in key}

    return replace(link, stats={}, info=kept(link.info), port=kept(link.port))


def test_events_tell_which_links_changed(bridge: int) -> None:
    wake, events = Wake(), KernelEvents()
    wake.attach(events)
    try:
        run("ip", "link", "set", "br-test", "type", "bridge", "ageing_time", "12300")
        touched: set[int] = set()
        deadline = time.monotonic() + 5
        while bridge not in touched and time.monotonic() < deadline:
            wake.wait(0.5)  # NetworkManager looks after links meanwhile, too
            touched |= wake.touched()
        assert bridge in touched
    finally:
        events.close()


def test_a_thousand_readings_leave_no_descriptor_behind() -> None:
    reader = NetlinkReader()
    reader.read()
    gc.collect()  # what the tests before have left
    before = descriptors()
    for _ in range(400):
        reader.read()
    assert descriptors() == before
