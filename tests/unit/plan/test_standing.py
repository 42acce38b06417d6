"""What others made on top of a bridge or a VLAN goes with it, so it is spared like a guest port."""

from dataclasses import replace

import pytest

from bridged.desired.state import State
from bridged.observe.host import Host
from bridged.plan.actions import DeleteLink, DeleteProfile, ObjectId
from bridged.plan.memory import Memory
from bridged.plan.planner import interest, make_plan
from tests.twins.machine import Machine, reference_machine
from tests.unit.reference import state

CARD, VLAN = "enp13s0f0", "enp13s0f0.6"


@pytest.fixture
def machine() -> Machine:
    return reference_machine()


def web(vlan: int, **bridges: object) -> State:
    """A VLAN of that number under the name of number 6, as a port of br-web."""
    port = {"vlan": vlan, "parent": CARD, "name": VLAN}
    return state(bridges={"br-web": {"ports": (port,)}, **bridges}, modules=(), sysctls={})


def upon(machine: Machine, name: str, below: str, kind: str = "macvtap") -> None:
    machine.kernel.add_link(name, kind, up=True, parent=machine.kernel.need(below).index)


def foreign(machine: Machine) -> None:
    info = {"vlan_id": 6, "vlan_flags": 1, "vlan_protocol": 0x8100}
    parent = machine.kernel.need(CARD).index
    machine.kernel.add_link(VLAN, "vlan", up=True, parent=parent, info=info)


@pytest.mark.parametrize("kind", ["macvtap", "vlan"])
def test_rule_2_a_bridge_is_not_taken_from_what_stands_on_it(machine: Machine, kind: str) -> None:
    assert not machine.converge(web(6, **{"br-x": {}}))
    upon(machine, "theirs", "br-x", kind)
    plan = machine.plan(web(6))
    assert [type(action) for action in plan.withheld] == [DeleteProfile]
    verdict = plan.verdict(ObjectId("bridge", "br-x"))
    assert verdict is not None
    assert (verdict.condition, verdict.reason) == (
        "withheld", "would take br-x away from 1 guests (theirs)",
    )  # fmt: skip
    host = machine.observe(interest(web(6)))
    allowed = make_plan(web(6), host, allowed=frozenset({"br-x"}))
    assert [type(action) for action in allowed] == [DeleteProfile]


def test_rule_2_what_stands_on_a_bridge_does_not_keep_it_from_being_changed(
    machine: Machine,
) -> None:
    assert not machine.converge(web(6))
    upon(machine, "theirs", "br-web")
    port = {"vlan": 6, "parent": CARD}
    wanted = state(bridges={"br-web": {"ports": (port,), "stp": True}}, modules=(), sysctls={})
    assert not machine.converge(wanted)
    assert machine.kernel.need("br-web").info["br_stp_state"] == 1


@pytest.mark.parametrize("bridges", [{}, {"br-web": {}}])
def test_rule_2_a_vlan_is_not_taken_from_what_stands_on_it(
    machine: Machine, bridges: dict[str, object]
) -> None:
    """Not even where its bridge has no guests, or stays."""
    assert not machine.converge(web(6))
    upon(machine, "theirs", VLAN, "vlan")
    without = state(bridges=bridges, modules=(), sysctls={})
    plan = machine.plan(without)
    verdict = plan.verdict(ObjectId("vlan", VLAN))
    assert verdict is not None
    assert (verdict.condition, verdict.reason, verdict.actions) == (
        "withheld", f"would take {VLAN} away from 1 guests (theirs)", (),
    )  # fmt: skip


def test_rule_2_nor_where_only_its_profile_is_gone_already(machine: Machine) -> None:
    """It is known by its ifindex that bridged made it."""
    foreign(machine)
    upon(machine, "theirs", VLAN)
    memory = Memory(made={VLAN: machine.kernel.need(VLAN).index})
    plan = machine.plan(state(bridges={}, modules=(), sysctls={}), memory)
    assert [type(action) for action in plan.withheld] == [DeleteLink]
    verdict = plan.verdict(ObjectId("vlan", VLAN))
    assert verdict is not None
    assert (verdict.condition, verdict.remedy) == ("withheld", "remove theirs first")


def test_what_we_made_or_what_is_declared_on_top_is_nobody_s_guest(machine: Machine) -> None:
    """VLANs on a bridge go with it, and are made again where they are declared."""
    upper = {"vlan": 9, "parent": "br-x", "name": "upper"}
    assert not machine.converge(web(6, **{"br-x": {}, "br-y": {"ports": (upper,)}}))
    assert not machine.plan(web(6)).withheld
    assert not machine.converge(web(6))
    assert {link.name for link in machine.kernel.links.values()} >= {"br-web", VLAN}
    assert machine.kernel.link("br-x") is None
    assert machine.kernel.link("upper") is None


def test_rule_2_what_stands_on_a_vlan_of_ours_goes_with_the_bridge_below_that(
    machine: Machine,
) -> None:
    upper = {"vlan": 9, "parent": "br-x", "name": "upper"}
    assert not machine.converge(web(6, **{"br-x": {}, "br-y": {"ports": (upper,)}}))
    upon(machine, "theirs", "upper")
    plan = machine.plan(web(6))
    for item in (ObjectId("bridge", "br-x"), ObjectId("vlan", "upper")):
        verdict = plan.verdict(item)
        assert verdict is not None
        assert (verdict.condition, verdict.actions) == ("withheld", ())


def test_a_vlan_that_something_stands_on_is_not_made_a_port(machine: Machine) -> None:
    """The kernel refuses it, as it does for a card."""
    foreign(machine)
    upon(machine, "theirs", VLAN)
    verdict = machine.converge(web(6)).verdict(ObjectId("vlan", VLAN))
    assert verdict is not None
    assert verdict.condition == "blocked"
    assert verdict.reason.startswith(f"theirs, a macvtap, stands on {VLAN}")
    machine.kernel.delete("theirs")
    assert not machine.converge(web(6))
    assert machine.kernel.ports("br-web") == {VLAN}


@pytest.mark.parametrize("kind", ["macvtap", "vlan"])
def test_rule_2_a_vlan_that_something_stands_on_is_not_made_anew(
    machine: Machine, kind: str
) -> None:
    assert not machine.converge(web(6))
    upon(machine, "theirs", VLAN, kind)
    index = machine.kernel.need(VLAN).index
    machine.faults.writes.clear()
    verdict = machine.converge(web(7)).verdict(ObjectId("vlan", VLAN))
    assert verdict is not None
    assert (verdict.condition, verdict.reason, verdict.remedy) == (
        "blocked", f"{VLAN} must be made anew, and theirs stands on it", "remove theirs first",
    )  # fmt: skip
    assert machine.kernel.need(VLAN).index == index
    assert machine.faults.writes == [], "nor is its profile changed, which the next boot goes by"
    machine.kernel.delete("theirs")
    assert not machine.converge(web(7))
    assert machine.kernel.need(VLAN).info["vlan_id"] == 7


def test_what_stands_on_a_link_is_known_where_that_was_read_again(machine: Machine) -> None:
    assert not machine.converge(web(6))
    upon(machine, "theirs", "br-web")
    host = machine.observe(interest(web(6)))
    bridge, theirs = machine.kernel.need("br-web"), machine.kernel.need("theirs")
    assert host.upon(bridge) == (theirs,)

    def again(host: Host, **values: object) -> Host:
        return host.with_links([replace(theirs, **values)])  # type: ignore[arg-type]

    assert again(host, mtu=1400).upon(bridge)[0].mtu == 1400
    assert again(host, parent=None).upon(bridge) == ()
    assert again(again(host, parent=None)).upon(bridge) == (theirs,)
