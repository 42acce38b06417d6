"""NetworkManager is changed as the plan asks and nothing else of it; nmcli, ip and files judge."""

from typing import Any

import pytest

from bridged.apply.settings import parse
from bridged.dbus import Call, SystemBus, variant
from bridged.errors import WorldError
from bridged.observe.networkmanager import (
    CONNECTION,
    SERVICE,
    SETTINGS,
    SETTINGS_PATH,
    NetworkManagerReader,
)
from bridged.plan.actions import (
    DeleteProfile,
    Reapply,
)
from tests.netns.worlds.nm import NIC, OneByOne, activate, file_of, hold, plug, ports, read, update
from tests.netns.worlds.support import (
    BRIDGE,
    BRIDGE_UUID,
    MAC,
    PORT_UUID,
    bridge_profile,
    ip_link,
    needs_laboratory,
    nmcli,
    port_profile,
    run,
    wait_for,
)

pytest_plugins = ["tests.netns.worlds.nm"]
pytestmark = needs_laboratory


def test_a_new_profile_is_on_disk_and_does_not_activate_itself(
    writer: OneByOne,
) -> None:
    writer.add_profile(bridge_profile())
    writer.add_profile(port_profile())
    hold()
    assert "br-lan" not in run("ip", "-br", "link")
    assert "master" not in ip_link(NIC)
    text = file_of(PORT_UUID).read_text(encoding="utf-8")
    assert str(file_of(PORT_UUID)).startswith("/etc/NetworkManager/system-connections/")
    assert "=br-lan\n" in text
    shown = nmcli("connection", "show", PORT_UUID)
    assert "connection.slave-type:bridge" in shown
    assert "connection.autoconnect:yes" in shown
    assert "connection.autoconnect-priority:100" in shown


def test_activating_the_port_brings_the_bridge_up_with_its_address(
    writer: OneByOne,
) -> None:
    writer.add_profile(bridge_profile())
    writer.add_profile(port_profile())
    writer.bring_up(activate())
    assert ip_link(NIC)["master"] == "br-lan"
    bridge = ip_link("br-lan")
    assert bridge["address"] == MAC
    assert "UP" in bridge["flags"]
    assert bridge["linkinfo"]["info_data"]["stp_state"] == 0


def test_a_second_profile_of_the_same_uuid_is_refused(writer: OneByOne) -> None:
    writer.add_profile(bridge_profile())
    with pytest.raises(WorldError) as caught:
        writer.add_profile(bridge_profile())
    assert caught.value.kind == "refused"


def test_an_update_changes_its_keys_and_nothing_else(writer: OneByOne) -> None:
    """Case 40: zone, DNS and secrets of others survive."""
    nmcli("connection", "add", "type", "ethernet", "con-name", "by hand", "ifname", NIC,
          "autoconnect", "no", "connection.zone", "dmz", "802-1x.eap", "peap",
          "802-1x.identity", "me", "802-1x.phase2-auth", "mschapv2", "802-1x.password", "hunter2",
          "802-3-ethernet.cloned-mac-address", "stable", "ipv4.dns", "192.0.2.1",
          "ipv6.addr-gen-mode", "eui64")  # fmt: skip
    uuid = nmcli("-g", "connection.uuid", "connection", "show", "by hand")
    before = nmcli("-s", "connection", "show", uuid)
    file = file_of(uuid)
    writer.update_profile(
        update(uuid, {"connection": {"autoconnect-priority": 7}, "802-3-ethernet": {"mtu": 1400}})
    )
    after = nmcli("-s", "connection", "show", uuid)
    changed = set(after.splitlines()) - set(before.splitlines())
    assert changed == {"connection.autoconnect-priority:7", "802-3-ethernet.mtu:1400"}
    assert file_of(uuid) == file
    assert "hunter2" in file.read_text(encoding="utf-8")
    writer.update_profile(update(uuid, {"802-3-ethernet": {"mtu": None}}))
    assert "802-3-ethernet.mtu:auto" in nmcli("connection", "show", uuid)


def test_an_update_in_memory_leaves_the_file_alone(writer: OneByOne) -> None:
    nmcli("connection", "add", "type", "ethernet", "con-name", "rival", "ifname", NIC,
          "autoconnect", "yes", "ipv4.method", "disabled", "ipv6.method", "disabled")  # fmt: skip
    uuid = nmcli("-g", "connection.uuid", "connection", "show", "rival")
    file = file_of(uuid)
    text = file.read_text(encoding="utf-8")
    writer.update_profile(update(uuid, {"connection": {"autoconnect": False}}, in_memory=True))
    assert file.read_text(encoding="utf-8") == text
    assert "connection.autoconnect:no" in nmcli("connection", "show", uuid)


def test_a_profile_of_an_ethernet_becomes_a_port_under_all_names(
    writer: OneByOne, reader: NetworkManagerReader
) -> None:
    """Case 30: the aliases agree, in whichever names this version knows."""
    nmcli("connection", "add", "type", "ethernet", "con-name", "old", "ifname", NIC,
          "autoconnect", "no", "master", "br-other", "slave-type", "bridge")  # fmt: skip
    uuid = nmcli("-g", "connection.uuid", "connection", "show", "old")
    writer.update_profile(
        update(uuid, {"connection": {"controller": "br-lan", "port-type": "bridge"}})
    )
    shown = nmcli("connection", "show", uuid)
    assert "connection.master:br-lan" in shown
    assert "br-other" not in file_of(uuid).read_text(encoding="utf-8")
    profile = read(reader).profile(uuid)
    assert profile is not None
    assert (profile.controller, profile.port_type) == ("br-lan", "bridge")
    writer.update_profile(update(uuid, {"connection": {"controller": None, "port-type": None}}))
    assert "br-lan" not in file_of(uuid).read_text(encoding="utf-8")


def test_a_value_out_of_range_is_refused_with_the_key(writer: OneByOne) -> None:
    writer.add_profile(bridge_profile())
    with pytest.raises(WorldError) as caught:
        writer.update_profile(update(BRIDGE_UUID, {"bridge": {"forward-delay": 99}}))
    assert caught.value.kind == "refused"
    assert "forward-delay" in caught.value.message


def test_a_profile_that_is_gone_has_vanished(writer: OneByOne) -> None:
    with pytest.raises(WorldError) as caught:
        writer.update_profile(update(BRIDGE_UUID, {"bridge": {"stp": True}}))
    assert caught.value.kind == "vanished"
    with pytest.raises(WorldError) as caught:
        writer.bring_up(activate())
    assert caught.value.kind == "vanished"
    writer.delete_profile(
        DeleteProfile(object=BRIDGE, reason="test", uuid=BRIDGE_UUID, profile="br-lan")
    )


def test_a_profile_is_deleted(writer: OneByOne) -> None:
    writer.add_profile(bridge_profile())
    file = file_of(BRIDGE_UUID)
    writer.delete_profile(
        DeleteProfile(object=BRIDGE, reason="test", uuid=BRIDGE_UUID, profile="br-lan")
    )
    assert not file.exists()


def test_reapply_sets_in_place_and_nobody_loses_a_frame(writer: OneByOne) -> None:
    plug(writer)
    before = {name: ip_link(name) for name in ("br-lan", NIC, "vnet0")}
    changes: dict[str, dict[str, Any]] = {"bridge": {"stp": True, "forward-delay": 4}}
    writer.update_profile(update(BRIDGE_UUID, changes))
    writer.reapply(Reapply(object=BRIDGE, reason="test", device="br-lan", changes=changes))
    data = ip_link("br-lan")["linkinfo"]["info_data"]
    assert (data["stp_state"], data["forward_delay"]) == (1, 400)
    for name, link in before.items():
        now = ip_link(name)
        assert now["ifindex"] == link["ifindex"]
        assert now.get("master") == link.get("master")
    assert ports() == {NIC, "vnet0"}


def test_reapply_leaves_addresses_of_others(writer: OneByOne) -> None:
    plug(writer)
    run("ip", "addr", "add", "192.0.2.7/24", "dev", "br-lan")
    hold(0.2)
    changes = {"bridge": {"ageing-time": 77}}
    writer.reapply(Reapply(object=BRIDGE, reason="test", device="br-lan", changes=changes))
    hold(0.2)
    assert "192.0.2.7" in run("ip", "addr", "show", "dev", "br-lan")
    assert ip_link("br-lan")["linkinfo"]["info_data"]["ageing_time"] == 7700


def test_reapply_of_what_cannot_be_reapplied_is_refused(writer: OneByOne) -> None:
    plug(writer)
    changes = {"bridge": {"mac-address": b"\x52\x54\x00\x11\x22\x44"}}
    with pytest.raises(WorldError) as caught:
        writer.reapply(Reapply(object=BRIDGE, reason="test", device="br-lan", changes=changes))
    assert caught.value.kind == "refused"


def test_reapply_on_a_device_that_is_not_active_has_vanished(writer: OneByOne) -> None:
    changes = {"bridge": {"stp": True}}
    for device in ("br-lan", NIC):
        with pytest.raises(WorldError) as caught:
            writer.reapply(Reapply(object=BRIDGE, reason="test", device=device, changes=changes))
        assert caught.value.kind == "vanished"


def test_a_bridge_that_is_up_is_never_activated(writer: OneByOne) -> None:
    """NetworkManager would drop the guest."""
    plug(writer)
    with pytest.raises(WorldError) as caught:
        writer.bring_up(activate(BRIDGE_UUID, "br-lan"))
    assert caught.value.kind == "refused"
    assert ports() == {NIC, "vnet0"}


def test_a_bridge_that_does_not_exist_is_activated(writer: OneByOne) -> None:
    writer.add_profile(bridge_profile())
    writer.bring_up(activate(BRIDGE_UUID, "br-lan"))
    assert "UP" in ip_link("br-lan")["flags"]


def test_a_port_is_activated_again_and_guests_stay(writer: OneByOne) -> None:
    plug(writer)
    nmcli("device", "disconnect", NIC)
    assert ports() == {"vnet0"}
    writer.bring_up(activate())
    assert ports() == {NIC, "vnet0"}


def test_a_port_without_carrier_is_activated(writer: OneByOne) -> None:
    run("lab", "carrier", NIC, "down")
    writer.add_profile(bridge_profile())
    writer.add_profile(port_profile())
    writer.bring_up(activate())
    assert ip_link(NIC)["master"] == "br-lan"


def test_activating_on_a_device_that_does_not_exist_has_vanished(
    writer: OneByOne,
) -> None:
    writer.add_profile(bridge_profile())
    writer.add_profile(port_profile("enp99s9"))
    with pytest.raises(WorldError) as caught:
        writer.bring_up(activate(device="enp99s9"))
    assert caught.value.kind == "vanished"


def test_an_activation_that_fails_gives_the_reason(writer: OneByOne) -> None:
    """The controller's profile is missing, so the port cannot come up."""
    writer.add_profile(port_profile())
    with pytest.raises(WorldError) as caught:
        writer.bring_up(activate())
    assert caught.value.kind in ("failed", "refused")
    assert len(caught.value.message) > 20


def test_after_the_first_activation_a_deleted_bridge_comes_back_by_itself(
    writer: OneByOne,
) -> None:
    """The block of autoconnect ends with the activation."""
    plug(writer)
    run("ip", "link", "del", "br-lan")
    wait_for(lambda: NIC in run("ip", "-br", "link", "show", "master", "br-lan", check=False))


def test_an_unknown_setting_survives_byte_for_byte(bus: SystemBus, writer: OneByOne) -> None:
    """What is sent back is the variant that came, with the changed keys replaced."""
    writer.add_profile(bridge_profile(**{"multicast-router": "disabled"}))
    path = bus.call(Call(SERVICE, SETTINGS_PATH, SETTINGS, "GetConnectionByUuid", "(s)",
                         (BRIDGE_UUID,)))  # fmt: skip
    user = {"user": {"data": variant("a{ss}", {"org.example.note": "keep"})}}
    raw = bus.call_raw(Call(SERVICE, path, CONNECTION, "GetSettings")).get_child_value(0)

    args: tuple[Any, ...] = (parse(raw) | user, 1, {})
    bus.call(Call(SERVICE, path, CONNECTION, "Update2", "(a{sa{sv}}ua{sv})", args))
    before = bus.call_raw(Call(SERVICE, path, CONNECTION, "GetSettings")).get_child_value(0)
    writer.update_profile(update(BRIDGE_UUID, {"bridge": {"priority": 4096}}))
    after = bus.call_raw(Call(SERVICE, path, CONNECTION, "GetSettings")).get_child_value(0)
    was, now = parse(before), parse(after)
    assert now["bridge"].pop("priority").unpack() == 4096
    now["connection"].pop("timestamp", None)
    was["connection"].pop("timestamp", None)
    assert {s: {k: v.print_(True) for k, v in keys.items()} for s, keys in now.items()} == {
        s: {k: v.print_(True) for k, v in keys.items()} for s, keys in was.items()
    }
