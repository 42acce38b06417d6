"""Interfaces that are declared by an alternative name: the same one, whatever it is called."""

from dataclasses import replace
from typing import Any

import pytest

from bridged.plan.actions import ObjectId, SetOffloads
from bridged.plan.identity import profile_uuid
from tests.twins.machine import Machine, reference_machine
from tests.twins.source import engine
from tests.unit.reference import REFERENCE, state

ALTLAN, PORT = ObjectId("port", "altlan"), ObjectId("port", "enp13s0f0")


@pytest.fixture
def machine() -> Machine:
    made = reference_machine()
    made.kernel.change("enp13s0f0", altnames=("altlan",))
    return made


def lan(*ports: dict[str, Any], **others: dict[str, Any]) -> Any:
    return state(bridges={"br-lan": {"ports": ports}, **others}, modules=(), sysctls={})


@pytest.mark.parametrize("bridge", ["br-lan", "br-x"])
def test_case_41_a_card_under_two_names_is_a_port_once(machine: Machine, bridge: str) -> None:
    """Only the host tells that it is the same card: the first declaration counts, and the card is
    not moved to and fro."""
    ports: dict[str, list[dict[str, Any]]] = {"br-lan": [{"name": "enp13s0f0"}]}
    ports.setdefault(bridge, []).append({"name": "altlan"})
    bridges = {name: {"ports": tuple(some)} for name, some in ports.items()}
    wanted = state(bridges=bridges, modules=(), sysctls={})
    running = engine(machine, wanted)
    running.run_pass()
    assert machine.kernel.ports("br-lan") == {"enp13s0f0"}
    verdict = running.plan.verdict(ALTLAN)
    assert verdict is not None
    assert verdict.condition == "blocked"
    assert verdict.reason == (
        "altlan is enp13s0f0, and that is declared as a port of br-lan already"
    )
    machine.faults.writes.clear()
    machine.clock.advance(600)
    running.run_pass()
    assert machine.faults.writes == []


def test_a_name_goes_before_an_alternative_name_of_another_card(machine: Machine) -> None:
    machine.kernel.change("enp13s0f0", altnames=("enp13s0f3",))
    assert engine(machine, state()).run_pass().converged
    assert machine.kernel.ports("br-dmz") == {"enp13s0f3"}


def test_rule_4_what_is_protected_by_an_alternative_name_is_not_made_a_port(
    machine: Machine,
) -> None:
    wanted = state(
        bridges={"br-lan": {"ports": ({"name": "enp13s0f0"},)}},
        protect=("altlan",),
        modules=(),
        sysctls={},
    )
    verdict = machine.converge(wanted).verdict(ObjectId("port", "enp13s0f0"))
    assert verdict is not None
    assert verdict.condition == "blocked"
    assert "is listed under protect" in verdict.reason
    assert machine.kernel.need("enp13s0f0").controller is None


def test_offloads_of_a_card_that_is_declared_by_an_alternative_name(machine: Machine) -> None:
    wanted = lan({"name": "altlan", "offloads": {"tso": False}})
    assert any(isinstance(action, SetOffloads) for action in machine.plan(wanted))
    assert not machine.converge(wanted)
    assert machine.kernel.offloads["enp13s0f0"]["tso"] is False


def test_the_end_of_a_declaration_by_an_alternative_name_removes_what_we_made(
    machine: Machine,
) -> None:
    running = engine(machine, lan({"name": "altlan"}))
    assert running.run_pass().converged
    running.source.state = lan()  # type: ignore[misc]
    assert running.run_pass().converged
    assert machine.kernel.ports("br-lan") == set()
    assert not running.memory.guests, "and it is nobody's guest port"


def test_a_vlan_on_a_parent_by_its_alternative_name_is_told_as_dangerous(machine: Machine) -> None:
    web = {"ports": ({"vlan": 6, "parent": "altlan"},)}
    plan = machine.converge(state(bridges={**REFERENCE["bridges"], "br-web": web}))
    assert [f.code for f in plan.findings if f.code == "vlan-injection"] == ["vlan-injection"]


def test_a_bridge_is_not_had_by_an_alternative_name(machine: Machine) -> None:
    """NetworkManager makes none of that name, and the port could never be its port."""
    machine.kernel.add_link("foo", "bridge", up=True, altnames=("br-lan",))
    plan = machine.converge(lan({"name": "enp13s0f0"}))
    found = [plan.verdict(item) for item in (ObjectId("bridge", "br-lan"), PORT)]
    assert [(verdict.condition, verdict.actions) for verdict in found if verdict] == [
        ("blocked", ()),
        ("pending", ()),
    ]
    assert machine.kernel.need("foo").disable_ipv6 is False, "it was not declared"


def test_nothing_is_tried_while_another_interface_has_the_name_of_the_bridge(
    machine: Machine,
) -> None:
    machine.kernel.add_link("br-lan", "dummy", up=True)
    plan = machine.converge(lan({"name": "enp13s0f0"}))
    verdict = plan.verdict(PORT)
    assert verdict is not None
    assert (verdict.condition, verdict.reason) == ("pending", "waits for br-lan")
    assert machine.kernel.need("enp13s0f0").controller is None


def test_a_card_that_is_unplugged_keeps_the_profile_that_is_under_its_first_name(
    machine: Machine,
) -> None:
    """Nobody knows then that it has two, and without its profile it would not come back at boot."""
    wanted = lan({"name": "altlan"})
    assert not machine.converge(wanted)
    ours = profile_uuid(PORT)
    card = machine.kernel.need("enp13s0f0")
    machine.kernel.delete("enp13s0f0")
    machine.converge(wanted)
    assert ours in machine.nm.profiles
    machine.kernel.links[card.index] = replace(card, controller=None, controller_kind="", port={})
    assert not machine.converge(wanted)
    assert machine.kernel.ports("br-lan") == {"enp13s0f0"}
    assert machine.nm.active["enp13s0f0"] == ours
    bound = [p["connection"].get("interface-name") for p in machine.nm.profiles.values()]
    assert "altlan" not in bound, "one that was made meanwhile is gone"


def test_of_two_cards_that_are_unplugged_the_one_that_is_not_declared_goes_later(
    machine: Machine,
) -> None:
    """It may be the one that is: that is known once the declared one is here."""
    assert not machine.converge(lan({"name": "enp13s0f0"}, {"name": "enp13s0f3"}))
    gone = [machine.kernel.need(name) for name in ("enp13s0f0", "enp13s0f3")]
    for link in gone:
        machine.kernel.delete(link.name)
    wanted = lan({"name": "altlan"})
    machine.converge(wanted)
    kept = {profile_uuid(ObjectId("port", link.name)) for link in gone}
    assert kept <= set(machine.nm.profiles)
    bare = {"controller": None, "controller_kind": "", "port": {}}
    machine.kernel.links[gone[0].index] = replace(gone[0], **bare)  # type: ignore[arg-type]
    assert not machine.converge(wanted)
    assert kept & set(machine.nm.profiles) == {profile_uuid(PORT)}


def test_a_vlan_keeps_its_parent_while_that_is_unplugged(machine: Machine) -> None:
    web = {"ports": ({"vlan": 6, "parent": "altlan", "name": "v6"},)}
    wanted = state(bridges={"br-web": web}, modules=(), sysctls={})
    assert not machine.converge(wanted)
    machine.kernel.delete("enp13s0f0")
    machine.faults.writes.clear()
    machine.converge(wanted)
    assert machine.faults.writes == []
    ours = machine.nm.profiles[profile_uuid(ObjectId("vlan", "v6"))]
    assert ours["vlan"]["parent"] == "enp13s0f0"
