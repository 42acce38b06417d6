"""The reference node, from what its owner found to what is declared, on a machine in memory."""

import sys
from dataclasses import replace
from typing import Any

import pytest

from bridged.observe.host import Address
from bridged.plan.actions import Activate, ObjectId
from tests.twins.machine import Machine, reference_machine
from tests.twins.source import engine
from tests.unit.reference import state


@pytest.fixture
def machine() -> Machine:
    return reference_machine()


@pytest.fixture
def converged(machine: Machine) -> Machine:
    assert not machine.converge(state())
    machine.faults.writes.clear()
    return machine


def test_reference_node_converges_in_one_round(machine: Machine) -> None:
    """One plan, applied once, makes every row of the reference table true."""
    machine.executor.run(machine.plan(state()))
    kernel = machine.kernel
    assert kernel.ports("br-lan") == {"enp13s0f0"}
    assert kernel.ports("br-web") == {"enp13s0f0.6"}
    assert kernel.ports("br-dmz") == {"enp13s0f3"}
    vlan = kernel.need("enp13s0f0.6")
    assert (vlan.parent, vlan.info["vlan_id"]) == (kernel.need("enp13s0f0").index, 6)
    assert vlan.info["vlan_flags"] & 1  # header reordering
    for name in ("br-lan", "br-web", "br-dmz"):
        assert kernel.need(name).info["br_stp_state"] == 0
        assert kernel.need(name).disable_ipv6
        assert kernel.need(name).up
    assert {m for m, s in kernel.module_states.items() if s == "loaded"} == {
        "overlay",
        "br_netfilter",
        "kvm",
        "vhost_net",
        "dm_crypt",
    }
    assert kernel.parameters["net/bridge/bridge-nf-call-arptables"] == "1"
    assert kernel.parameters["fs/inotify/max_user_watches"] == "1048576"
    assert not machine.plan(state())


@pytest.mark.parametrize(
    ("parent", "declared", "mtu", "waits"),
    [
        ({"up": True}, None, None, False),
        ({"up": True}, 1500, 1500, False),
        ({"up": True}, None, 9000, True),
        ({"up": True}, 9000, None, True),
        ({"up": False}, None, None, True),
    ],
)
def test_a_vlan_waits_for_its_parent_only_where_that_cannot_carry_it_now(
    machine: Machine,
    parent: dict[str, Any],
    declared: int | None,
    mtu: int | None,
    waits: bool,
) -> None:
    machine.kernel.change("enp13s0f0", mtu=1500, **parent)
    card = {"name": "enp13s0f0", "mtu": declared}
    vlan = {"vlan": 6, "parent": "enp13s0f0", "mtu": mtu}
    bridges = {"br-lan": {"ports": (card,)}, "br-web": {"ports": (vlan,)}}
    plan = machine.plan(state(bridges=bridges))
    (activation,) = (a for a in plan if isinstance(a, Activate) and a.object.kind == "vlan")
    assert ObjectId("bridge", "br-web") in activation.needs
    assert (ObjectId("port", "enp13s0f0") in activation.needs) is waits


def _steps_to_plan(vlans: int) -> int:
    """Calls that a plan of so many VLANs on one card takes, which is right already."""
    machine = reference_machine()
    bridges = {
        f"br{number}": {"ports": ({"vlan": number + 2, "parent": "enp13s0f0"},)}
        for number in range(vlans)
    }
    wanted = state(bridges=bridges)
    assert not machine.converge(wanted)
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        machine.plan(wanted)
    finally:
        sys.setprofile(None)
    return calls


def test_planning_vlans_grows_with_their_number_and_not_with_its_square() -> None:
    assert _steps_to_plan(400) < 4.2 * _steps_to_plan(100)


def test_rule_1_still_when_right(converged: Machine) -> None:
    """A second plan is empty, and applying it writes nothing."""
    plan = converged.plan(state())
    assert list(plan) == []
    assert {verdict.condition for verdict in plan.verdicts} == {"converged"}
    converged.executor.run(plan)
    assert converged.faults.writes == []


def test_rule_4_the_administration_nic_is_never_written(machine: Machine) -> None:
    """Nothing planned speaks of the NIC that carries the default route."""
    assert all("enp8s0" not in action.describe() for action in machine.plan(state()))


def test_rule_4_the_default_route_interface_is_refused_as_a_port(machine: Machine) -> None:
    """Declaring the administration NIC as a port blocks that port and changes nothing of it."""
    wanted = state(bridges={"br-adm": {"ports": ({"name": "enp8s0"},)}})
    machine.converge(wanted)
    verdict = machine.plan(wanted).verdict(ObjectId("port", "enp8s0"))
    assert verdict is not None
    assert verdict.condition == "blocked"
    assert "default route" in verdict.reason
    assert machine.kernel.need("enp8s0").controller is None
    assert machine.nm.active["enp8s0"].endswith("1")


def test_rule_10_boot_files_say_what_the_state_says(converged: Machine) -> None:
    """Modules and sysctls are on disk for the next boot."""
    files = converged.kernel.text_files
    assert "br_netfilter\n" in files["/etc/modules-load.d/bridged.conf"]
    assert "-net/bridge/bridge-nf-call-arptables = 1\n" in files["/etc/sysctl.d/zz-bridged.conf"]


def test_rivals_are_put_out_of_the_way_and_not_deleted(converged: Machine) -> None:
    """The automatic profiles of the declared NICs stay, with autoconnect off; others are kept."""
    settings = {p["connection"]["id"]: p["connection"] for p in converged.nm.profiles.values()}
    assert settings["Wired connection 1"].get("autoconnect", True)
    assert settings["Wired connection 2"]["autoconnect"] is False
    assert settings["Wired connection 3"]["autoconnect"] is False


@pytest.mark.parametrize(
    ("drift", "object_id", "prop"),
    [
        (lambda m: m.kernel.unplug("enp13s0f0"), ObjectId("port", "enp13s0f0"), "bridge"),
        (lambda m: m.kernel.delete("enp13s0f0.6"), ObjectId("vlan", "enp13s0f0.6"), "bridge"),
        (lambda m: m.kernel.delete("br-web"), ObjectId("bridge", "br-web"), "link"),
        (
            lambda m: m.kernel.change("br-lan", info={"br_stp_state": 1}),
            ObjectId("bridge", "br-lan"),
            "stp",
        ),
        (lambda m: m.kernel.change("br-lan", up=False), ObjectId("bridge", "br-lan"), "state"),
        (lambda m: m.kernel.change("enp13s0f3", up=False), ObjectId("port", "enp13s0f3"), "state"),
        (
            lambda m: m.kernel.change("br-dmz", disable_ipv6=False),
            ObjectId("bridge", "br-dmz"),
            "ipv6",
        ),
        (lambda m: m.kernel.remove_module("kvm"), ObjectId("module", "kvm"), "state"),
        (
            lambda m: m.kernel.remove_module("br_netfilter"),
            ObjectId("sysctl", "net.bridge.bridge-nf-call-iptables"),
            "value",
        ),
        (
            lambda m: m.kernel.parameters.update({"net/ipv4/ip_forward": "0"}),
            ObjectId("sysctl", "net.ipv4.ip_forward"),
            "value",
        ),
        (lambda m: m.nm.down("br-lan"), ObjectId("bridge", "br-lan"), "link"),
        (lambda m: m.nm.down("enp13s0f0"), ObjectId("port", "enp13s0f0"), "bridge"),
        (
            lambda m: m.kernel.text_files.pop("/etc/modules-load.d/bridged.conf"),
            ObjectId("file", "/etc/modules-load.d/bridged.conf"),
            "content",
        ),
    ],
)
def test_each_drift_is_named_and_repaired(converged, drift, object_id, prop) -> None:
    """Each kind of drift is seen at its object and property, and gone after applying."""
    drift(converged)
    verdict = converged.plan(state()).verdict(object_id)
    assert prop in {d.property for d in verdict.drift}
    plan = converged.converge(state())
    assert not plan
    assert {v.condition for v in plan.verdicts} == {"converged"}


def test_never_activates_a_bridge_that_exists(converged: Machine) -> None:
    """Whatever drifted, no plan activates a bridge whose link is there."""
    for name in ("br-lan", "br-web", "br-dmz"):
        converged.kernel.change(name, up=False, info={"br_stp_state": 1}, address_pinned=False)
    converged.nm.active.pop("br-lan")
    activated = {a.device for a in converged.plan(state()) if isinstance(a, Activate)}
    assert not activated & {"br-lan", "br-web", "br-dmz"}


def test_rule_4_a_bridge_that_carries_the_nodes_own_traffic_keeps_its_addresses(
    machine: Machine,
) -> None:
    """The node's own br0, declared like a bridge for guests: nothing of it is changed."""
    kernel = machine.kernel
    br0 = kernel.add_link("br0", "bridge", up=True)
    kernel.plug("enp8s0", "br0")
    kernel.addresses.append(Address(br0.index, 4, "192.168.10.160", 24))
    kernel.default_routes = {"br0"}
    machine.protected = {"enp8s0": "carries the default route through br0"}
    wanted = state(bridges={"br0": {"ports": ({"name": "enp8s0"},), "stp": True}})
    plan = machine.converge(wanted)
    verdict = plan.verdict(ObjectId("bridge", "br0"))
    assert verdict is not None
    assert (verdict.condition, verdict.actions) == ("blocked", ())
    assert verdict.remedy == "write ipv4: keep and ipv6: keep under br0"
    assert len(kernel.addresses) == 1
    keep = state(
        bridges={
            "br0": {"ports": ({"name": "enp8s0"},), "stp": True, "ipv4": "keep", "ipv6": "keep"}
        }
    )
    plan = machine.converge(keep)
    assert kernel.need("br0").info["br_stp_state"] == 1
    assert len(kernel.addresses) == 1
    assert kernel.ports("br0") == {"enp8s0"}


def test_rule_4_a_port_that_carries_the_nodes_own_traffic_keeps_its_address_and_profile(
    machine: Machine,
) -> None:
    """A card with the node's address that somebody plugged in: it works all the same."""
    kernel = machine.kernel
    kernel.add_link("br-lan", "bridge", up=True)
    kernel.plug("enp8s0", "br-lan")
    kernel.addresses.append(Address(kernel.need("enp8s0").index, 4, "192.168.10.160", 24))
    wanted = state(bridges={"br-lan": {"ports": ({"name": "enp8s0"},)}})
    verdict = machine.converge(wanted).verdict(ObjectId("port", "enp8s0"))
    assert verdict is not None
    assert verdict.condition == "blocked"
    assert verdict.reason == "enp8s0 carries the default route, so its addresses are not taken away"
    assert [address.address for address in kernel.addresses] == ["192.168.10.160"]
    profile = machine.nm.profiles[machine.nm.active["enp8s0"]]
    assert profile["connection"].get("autoconnect", True)


def test_without_a_machine_id_addresses_of_bridges_still_differ_between_machines() -> None:
    """An image without /etc/machine-id on two nodes of one LAN."""
    found = set()
    for mac in ("52:54:00:aa:00:01", "52:54:00:aa:00:02"):
        machine = reference_machine()
        machine.machine_id = ""
        machine.kernel.change("enp8s0", address="52:54:00:00:00:00", permanent_address=mac)
        for name in ("enp13s0f0", "enp13s0f3"):
            machine.kernel.change(name, permanent_address="ee:00:00:00:00:01")
        machine.executor.run(machine.plan(state()))
        found.add(machine.kernel.need("br-lan").address)
    assert len(found) == 2


def test_a_bond_becomes_a_port_with_the_profile_that_makes_it(machine: Machine) -> None:
    """A profile for a card would not fit it, and to activate its own again would take it down."""
    machine.kernel.add_link("bond0", "bond", up=True)
    connection = {"id": "bond0", "uuid": "b", "type": "bond", "interface-name": "bond0"}
    machine.nm.add({"connection": connection, "bond": {}, "ipv4": {}, "ipv6": {}})
    machine.nm.active["bond0"] = "b"
    wanted = state(bridges={"br-lan": {"ports": ({"name": "bond0"},)}})
    assert not machine.converge(wanted)
    assert machine.kernel.ports("br-lan") == {"bond0"}
    assert machine.nm.active["bond0"] == "b"
    assert not any(
        write == "activate activate the profile of bond0" for write in machine.faults.writes
    )
    of_bond = [p["connection"] for p in machine.nm.profiles.values()
               if p["connection"].get("interface-name") == "bond0"]  # fmt: skip
    assert [(p["type"], p["controller"], p["port-type"]) for p in of_bond] == [
        ("bond", "br-lan", "bridge"),
    ]  # fmt: skip


@pytest.mark.parametrize("guests", [0, 1])
def test_a_bridge_that_was_renamed_is_told_and_stays_with_its_guests(
    machine: Machine, guests: int
) -> None:
    """NetworkManager has its profile active on it still, and would make no second one, not even
    were the renamed one deleted."""
    kernel, running = machine.kernel, engine(machine, state())
    for number in range(guests):
        kernel.add_link(f"vnet{number}", "tun", up=True)
    running.run_pass()
    for number in range(guests):
        kernel.plug(f"vnet{number}", "br-lan")
    running.run_pass()
    machine.faults.writes.clear()
    link = kernel.need("br-lan")
    kernel.links[link.index] = replace(link, name="br-old")
    machine.nm.active["br-old"] = machine.nm.active.pop("br-lan")
    running.run_pass()
    verdict = running.plan.verdict(ObjectId("bridge", "br-lan"))
    assert verdict is not None
    assert (verdict.condition, verdict.remedy) == ("blocked", "ip link set br-old name br-lan")
    assert running.plan.verdict(ObjectId("bridge", "br-old")) is None
    assert len(kernel.ports("br-old")) == 1 + guests
    assert machine.faults.writes == []
    kernel.links[link.index] = link
    machine.nm.active["br-lan"] = machine.nm.active.pop("br-old")
    assert running.run_pass().converged
    assert machine.faults.writes == []


def test_what_stands_on_a_card_and_keeps_it_from_being_a_port_is_named(machine: Machine) -> None:
    machine.kernel.add_link("macvtap0", "macvtap", parent=machine.kernel.need("enp13s0f0").index)
    verdict = machine.converge(state()).verdict(ObjectId("port", "enp13s0f0"))
    assert verdict is not None
    assert verdict.condition == "blocked"
    assert verdict.reason.startswith("macvtap0, a macvtap, stands on enp13s0f0")
    machine.kernel.delete("macvtap0")
    assert not machine.converge(state())
    assert machine.kernel.need("enp13s0f0").controller is not None
