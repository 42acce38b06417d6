"""VLANs that are in the way of others: under other names, with other tags, and changing places."""

from dataclasses import replace
from typing import Any

import pytest

from bridged.desired.state import State
from bridged.plan.actions import ObjectId
from tests.twins.machine import Machine, reference_machine
from tests.twins.source import engine
from tests.unit.reference import state

CARD = "enp13s0f0"


@pytest.fixture
def machine() -> Machine:
    return reference_machine()


def vlans(**numbers: int | tuple[int, str]) -> State:
    """A state with a bridge for each of these VLANs: by name, the number, and its parent where that
    is not the usual one."""
    bridges: dict[str, Any] = {}
    for name, number in numbers.items():
        vlan, parent = number if isinstance(number, tuple) else (number, CARD)
        port = {"vlan": vlan, "parent": parent, "name": name}
        bridges[f"br-{name}"] = {"ports": (port,)}
    return state(bridges=bridges, modules=(), sysctls={})


def foreign(machine: Machine, name: str, number: int, protocol: int = 0x8100) -> None:
    """Somebody else's VLAN on the card."""
    info = {"vlan_id": number, "vlan_flags": 1, "vlan_protocol": protocol}
    parent = machine.kernel.need(CARD).index
    machine.kernel.add_link(name, "vlan", parent=parent, info=info, up=True)


def test_a_vlan_of_the_same_number_with_another_tag_is_another_vlan(machine: Machine) -> None:
    foreign(machine, "qinq", 6, 0x88A8)
    assert engine(machine, vlans(v1=6)).run_pass().converged


def test_the_same_number_can_be_declared_with_both_tags(machine: Machine) -> None:
    ports = [
        {"vlan": 6, "parent": CARD},
        {"vlan": 6, "parent": CARD, "protocol": "802.1ad", "name": "outer"},
    ]
    bridges = {f"br{number}": {"ports": (port,)} for number, port in enumerate(ports)}
    running = engine(machine, state(bridges=bridges, modules=(), sysctls={}))
    assert running.run_pass().converged
    assert running.run_pass().converged


def test_a_profile_of_a_vlan_with_another_tag_is_no_rival(machine: Machine) -> None:
    connection = {"id": "qinq", "uuid": "q", "type": "vlan", "autoconnect": True}
    vlan = {"id": 6, "parent": CARD, "protocol": "802.1ad"}
    machine.nm.add({"connection": connection, "vlan": vlan})
    assert engine(machine, vlans(v1=6)).run_pass().converged
    assert machine.nm.profiles["q"]["connection"]["autoconnect"] is True


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"v1": 6, "v2": 7}, {"v1": 7, "v2": 6}),
        ({"v1": 6, "v2": 7, "v3": 8}, {"v1": 7, "v2": 8, "v3": 6}),
        ({"v1": 6, "v2": 7}, {"v1": 7, "v2": 8}),
        ({"v1": 6, "v2": (6, "enp13s0f3")}, {"v1": (6, "enp13s0f3"), "v2": 6}),
    ],
)
def test_vlans_that_change_places_leave_before_any_of_them_comes(
    machine: Machine, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """The kernel has each VLAN once only: none of them can be made while another is still it."""
    running = engine(machine, vlans(**before))
    assert running.run_pass().converged
    machine.faults.writes.clear()
    running.source.state = vlans(**after)  # type: ignore[misc]
    assert running.run_pass().converged
    kinds = [write.split()[0] for write in machine.faults.writes]
    assert kinds.count("activate") == kinds.count("delete_link")
    last = len(kinds) - kinds[::-1].index("delete_link")
    assert kinds.index("activate") >= last
    for name, number in after.items():
        link = machine.kernel.need(name)
        vlan, parent = number if isinstance(number, tuple) else (number, CARD)
        assert (link.info["vlan_id"], link.parent) == (vlan, machine.kernel.need(parent).index)
        assert machine.kernel.ports(f"br-{name}") == {name}


def test_a_vlan_is_not_given_up_for_one_that_cannot_be_had(machine: Machine) -> None:
    """v2 cannot become VLAN 8, which is somebody else's, so v1 cannot become VLAN 7."""
    running = engine(machine, vlans(v1=6, v2=7))
    assert running.run_pass().converged
    foreign(machine, "theirs", 8)
    running.source.state = vlans(v1=7, v2=8)  # type: ignore[misc]
    running.run_pass()
    found = {name: running.plan.verdict(ObjectId("vlan", name)) for name in ("v1", "v2")}
    assert {name: v.reason for name, v in found.items() if v} == {
        "v1": "VLAN 7 of enp13s0f0 exists under the name v2",
        "v2": "VLAN 8 of enp13s0f0 exists under the name theirs",
    }
    assert machine.kernel.need("v1").info["vlan_id"] == 6


def test_a_vlan_that_was_renamed_is_made_anew(machine: Machine) -> None:
    """What bridged made and nobody declares goes, and the kernel has the VLAN once only."""
    running = engine(machine, vlans(v1=6))
    assert running.run_pass().converged
    link = machine.kernel.need("v1")
    machine.kernel.links[link.index] = replace(link, name="other")
    machine.nm.active["other"] = machine.nm.active.pop("v1")
    assert running.run_pass().converged
    assert machine.kernel.link("other") is None
    assert machine.kernel.ports("br-v1") == {"v1"}


def test_a_vlan_that_is_a_port_of_a_bond_is_left_there(machine: Machine) -> None:
    foreign(machine, "v1", 6)
    machine.kernel.add_link("bond0", "bond", up=True)
    bond = machine.kernel.need("bond0").index
    machine.kernel.change("v1", controller=bond, controller_kind="bond")
    verdict = machine.converge(vlans(v1=6)).verdict(ObjectId("vlan", "v1"))
    assert verdict is not None
    assert (verdict.condition, verdict.reason) == (
        "blocked", "v1 is a port of bond0, which is a bond",
    )  # fmt: skip
    assert machine.kernel.need("v1").controller == bond
