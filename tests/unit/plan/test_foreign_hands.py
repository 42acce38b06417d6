"""What other hands did to the profiles that do the job is found out, and put right in place."""

from dataclasses import replace
from typing import Any

import pytest

from bridged.observe.host import NetworkManager
from bridged.plan.actions import ObjectId, Reapply
from bridged.plan.identity import profile_uuid
from bridged.plan.planner import interest, make_plan
from tests.twins.machine import Machine, reference_machine
from tests.unit.reference import state

BRIDGE, PORT = ObjectId("bridge", "br-lan"), ObjectId("port", "enp13s0f0")
VLAN = ObjectId("vlan", "enp13s0f0.6")


@pytest.fixture
def machine() -> Machine:
    machine = reference_machine()
    assert not machine.converge(state())
    machine.faults.writes.clear()
    return machine


def settings(machine: Machine, item: ObjectId) -> dict[str, dict[str, Any]]:
    """The profile of ours for an object."""
    return machine.nm.profiles[profile_uuid(item)]


@pytest.mark.parametrize("item", [BRIDGE, PORT, VLAN])
@pytest.mark.parametrize("name", ["enp8s0", ""])
def test_our_profile_is_tied_to_its_interface_again(
    machine: Machine, item: ObjectId, name: str
) -> None:
    """Left like that it would plug the administration's card into br-lan at the next boot, and no
    other can be made beside it, for there is only one UUID."""
    settings(machine, item)["connection"]["interface-name"] = name
    before = len(machine.nm.profiles)
    verdict = machine.plan(state()).verdict(item)
    assert verdict is not None
    assert "interface-name" in {d.property for d in verdict.drift}
    assert not machine.converge(state())
    assert settings(machine, item)["connection"]["interface-name"] == item.name
    assert len(machine.nm.profiles) == before


IPV4 = {
    "method": "manual",
    "address-data": [{"address": "10.5.5.1", "prefix": 24}],
    "gateway": "10.5.5.254",
    "dns-data": ["9.9.9.9"],
    "route-data": [{"dest": "10.6.0.0", "prefix": 16}],
}


def test_a_bridge_is_without_addresses_whatever_its_profile_was_given(machine: Machine) -> None:
    """NetworkManager refuses the method `disabled` beside addresses and name servers; what it does
    not refuse stays."""
    settings(machine, BRIDGE)["ipv4"] = dict(IPV4)
    machine.nm.applied["br-lan"]["ipv6"] = {"method": "manual", "dns": [b"\0" * 16]}
    assert not machine.converge(state())
    assert settings(machine, BRIDGE)["ipv4"] == {
        "method": "disabled",
        "route-data": IPV4["route-data"],
    }
    assert machine.nm.applied["br-lan"]["ipv6"] == {"method": "disabled"}


def test_a_port_does_not_go_by_another_profile_of_its_bridge(machine: Machine) -> None:
    """Tied to that one by its UUID, it could not be activated while ours is: no device is free."""
    other = {"connection": {"type": "bridge", "interface-name": "br-lan", "autoconnect": False}}
    other["connection"] |= {"id": "other", "uuid": "44444444-4444-4444-8444-444444444444"}
    machine.nm.add({**other, "bridge": {}})
    port = settings(machine, PORT)["connection"]
    port["controller"] = other["connection"]["uuid"]
    assert not machine.converge(state())
    assert port["controller"] == "br-lan"
    port["controller"] = profile_uuid(BRIDGE)
    assert not machine.plan(state()), "that of the bridge that is up is as good as its name"


def test_a_port_that_is_declared_by_another_name_of_its_card_goes_like_every_other(
    machine: Machine,
) -> None:
    """Its profile is ours too, and goes when it is no longer declared."""
    machine.kernel.change("enp8s0", altnames=("uplink",))
    machine.kernel.default_routes.clear()
    wanted = state(bridges={"br-lan": {"ports": ({"name": "uplink"},)}})
    assert not machine.converge(wanted)
    assert machine.kernel.ports("br-lan") == {"enp8s0"}
    assert not machine.converge(state(bridges={"br-lan": {}}))
    assert machine.kernel.ports("br-lan") == set()


@pytest.mark.parametrize("cloned", ["02:11:11:11:11:11", "random", "stable"])
def test_a_cloned_address_does_not_replace_the_declared_one(machine: Machine, cloned: str) -> None:
    """NetworkManager gives it to the bridge last of all when it activates it, that is at boot."""
    profile = settings(machine, BRIDGE)
    profile["802-3-ethernet"]["assigned-mac-address"] = cloned
    wanted = state(bridges={"br-lan": {"mac": "02:22:22:22:22:22"}})
    assert not machine.converge(wanted)
    assert "assigned-mac-address" not in profile["802-3-ethernet"]
    assert profile["bridge"]["mac-address"] == bytes.fromhex("022222222222")


def test_a_cloned_address_is_the_one_that_is_kept_where_none_is_declared(machine: Machine) -> None:
    profile = settings(machine, BRIDGE)
    profile["802-3-ethernet"]["assigned-mac-address"] = "02:11:11:11:11:11"
    machine.kernel.change("br-lan", address="02:11:11:11:11:11")
    assert not machine.converge(state())
    assert machine.kernel.need("br-lan").address == "02:11:11:11:11:11"
    assert profile["bridge"]["mac-address"] == bytes.fromhex("021111111111")
    assert profile["802-3-ethernet"]["assigned-mac-address"] == "02:11:11:11:11:11"


def test_a_profile_with_the_address_of_another_card_is_none_of_this_one_s(
    machine: Machine,
) -> None:
    """The card was replaced, its name stayed: NetworkManager refuses the profile that was adopted,
    so there is one of ours."""
    ours = machine.nm.profiles.pop(profile_uuid(PORT))
    machine.nm.down("enp13s0f0")
    machine.kernel.change("enp13s0f0", permanent_address="02:00:00:00:00:02")
    card = {"mac-address": bytes.fromhex("020000000001")}
    theirs = {**ours, "802-3-ethernet": card}
    theirs["connection"] = {**ours["connection"], "id": "theirs", "uuid": "5" * 36}
    machine.nm.add(theirs)
    assert not machine.converge(state())
    assert machine.nm.active["enp13s0f0"] == profile_uuid(PORT)
    assert machine.nm.profiles["5" * 36]["connection"]["autoconnect"], "it is in nobody's way"


def test_a_profile_of_one_user_is_everybody_s_again(machine: Machine) -> None:
    """It would not come up by itself before that user has a session."""
    for item in (BRIDGE, PORT):
        settings(machine, item)["connection"]["permissions"] = ["user:alice"]
    assert not machine.converge(state())
    for item in (BRIDGE, PORT):
        assert "permissions" not in settings(machine, item)["connection"]


def test_our_profile_is_tied_to_nothing_but_its_interface(machine: Machine) -> None:
    """A driver that the card has not: the port is plugged in now, and is not after a boot."""
    settings(machine, PORT)["match"] = {"driver": ["e1000e"], "path": []}
    assert not machine.converge(state())
    assert settings(machine, PORT)["match"] == {"path": []}


RUN = "/run/NetworkManager/system-connections"


@pytest.mark.parametrize("item", [BRIDGE, PORT])
def test_a_profile_that_goes_with_the_next_boot_is_kept(machine: Machine, item: ObjectId) -> None:
    """Rule 10: made with `save no`, or changed with --temporary; netplan makes its own anew."""
    machine.nm.unsaved[profile_uuid(item)] = f"{RUN}/theirs.nmconnection"
    (action,) = machine.plan(state())
    assert action.describe().startswith("save profile br-lan")
    before = settings(machine, item).copy()
    assert not machine.converge(state())
    assert machine.nm.unsaved == {}
    assert settings(machine, item) == before
    machine.nm.unsaved[profile_uuid(item)] = f"{RUN}/netplan-{item.name}.nmconnection"
    assert not machine.plan(state())


@pytest.mark.parametrize(("stage", "reapplied"), [(50, set()), (70, {"br-lan"})])
def test_a_bridge_does_not_wait_for_a_dhcp_server(
    machine: Machine, stage: int, reapplied: set[str]
) -> None:
    """It was activated with `auto` before it was declared: after 45 s without an answer
    NetworkManager would take it away from its guests, and make it anew."""
    machine.nm.applied["br-lan"]["ipv4"] = {"method": "auto"}
    host = machine.observe(interest(state()))
    nm = host.network_manager
    assert isinstance(nm, NetworkManager)
    devices = tuple(
        replace(device, state=stage, activating=True) if device.interface == "br-lan" else device
        for device in nm.devices
    )
    plan = make_plan(state(), replace(host, network_manager=replace(nm, devices=devices)))
    assert {action.device for action in plan if isinstance(action, Reapply)} == reapplied


def test_the_same_vlan_under_another_name_does_not_come_first_at_boot(machine: Machine) -> None:
    """The kernel has a VLAN of a card only once: whichever profile comes first has it."""
    other: dict[str, Any] = {"type": "vlan", "id": "other", "uuid": "6" * 36}
    vlan = {"parent": "enp13s0f0", "id": 6}
    machine.nm.add({"connection": {**other, "interface-name": "vlan6"}, "vlan": vlan})
    machine.nm.add(
        {
            "connection": {**other, "interface-name": "vlan7", "uuid": "7" * 36},
            "vlan": {**vlan, "id": 7},
        }
    )
    machine.nm.add(
        {
            "connection": {**other, "interface-name": "svlan6", "uuid": "8" * 36},
            "vlan": {**vlan, "protocol": "802.1ad"},
        }
    )
    assert not machine.converge(state())
    assert machine.nm.profiles["6" * 36]["connection"]["autoconnect"] is False
    for number in "78":
        assert "autoconnect" not in machine.nm.profiles[number * 36]["connection"]


def test_a_rival_that_cannot_be_changed_holds_no_port_up() -> None:
    """Its file is immutable, or on a file system that is read-only: the port is plugged in all the
    same, and what is left to do is told."""
    machine = reference_machine()
    machine.nm.faults.fail("update_profile", times=99, text="profile Wired: read-only")
    plan = machine.converge(state())
    assert machine.kernel.ports("br-lan") == {"enp13s0f0"}
    assert machine.kernel.ports("br-dmz") == {"enp13s0f3"}
    assert {action.object for action in plan} == {PORT, ObjectId("port", "enp13s0f3")}


@pytest.mark.parametrize(("kind", "stays"), [("bridge", False), ("bond", False), ("vrf", True)])
def test_our_bridge_is_nobody_s_port(machine: Machine, kind: str, stays: bool) -> None:
    """As one it has no IP settings to disable, and does not come up at boot; a VRF is no matter of
    ports."""
    connection = settings(machine, BRIDGE)["connection"]
    connection |= {"controller": "other", "port-type": kind}
    assert not machine.converge(state())
    assert ("controller" in connection) is stays
    assert ("port-type" in connection) is stays


@pytest.mark.parametrize("item", [BRIDGE, PORT])
def test_a_profile_of_another_kind_with_our_uuid_is_named(machine: Machine, item: ObjectId) -> None:
    """A copied keyfile: ours cannot be made beside it, and it is not ours to delete or activate."""
    theirs = settings(machine, item)["connection"]
    theirs |= {"type": "dummy", "interface-name": "dummy7", "id": "copy"}
    machine.nm.down(item.name)
    plan = machine.converge(state())
    verdict = plan.verdict(item)
    assert verdict is not None
    assert verdict.condition == "blocked"
    assert f"nmcli connection delete {profile_uuid(item)}" in verdict.reason
    assert theirs["interface-name"] == "dummy7"
    assert machine.kernel.link("dummy7") is None
    machine.nm.profiles.pop(profile_uuid(item))
    assert not machine.converge(state())


def mtu_set(machine: Machine) -> list[str]:
    return [write for write in machine.faults.writes if write.startswith("set_link set mtu")]


@pytest.mark.parametrize("known", [True, False])
def test_an_mtu_that_the_bridge_has_already_is_set_once(machine: Machine, known: bool) -> None:
    """It had it from its ports, as long as nobody chose one: the first tap would take it down."""
    if not known:
        machine.nm.profiles.pop(profile_uuid(BRIDGE))
        machine.nm.active.pop("br-lan")
    card = {"name": "enp13s0f0", "mtu": 9000}
    for name in ("br-lan", "enp13s0f0"):
        machine.kernel.change(name, mtu=9000)
    wanted = state(bridges={"br-lan": {"ports": (card,), "mtu": 9000}})
    assert not machine.converge(wanted)
    assert mtu_set(machine) == ["set_link set mtu=9000 on br-lan"]
    machine.faults.writes.clear()
    assert not machine.converge(wanted)
    assert machine.faults.writes == []


def test_an_mtu_is_not_set_again_for_another_change_of_the_profile(machine: Machine) -> None:
    wanted = state(bridges={"br-lan": {"mtu": 9000}})
    assert not machine.converge(wanted)
    machine.faults.writes.clear()
    assert not machine.converge(state(bridges={"br-lan": {"mtu": 9000, "stp": True}}))
    assert not mtu_set(machine)
