"""Ports where NetworkManager is away, or has the bridge not active: nothing is lost for them."""

from dataclasses import replace
from typing import Any

import pytest

from bridged.desired.state import State
from bridged.observe.host import Host, NetworkManager
from bridged.plan.actions import Activate, DeleteLink, ObjectId, SetController
from bridged.plan.planner import interest, make_plan
from bridged.plan.result import Plan
from tests.twins.machine import Machine, reference_machine
from tests.unit.reference import state

CARD, VLAN = "enp13s0f0", "enp13s0f0.6"


def wanted(vlan: int = 6) -> State:
    """A VLAN of that number under the name of number 6, and another card, each in a bridge."""
    port = {"vlan": vlan, "parent": CARD, "name": VLAN}
    bridges = {"br-web": {"ports": (port,)}, "br-dmz": {"ports": ({"name": "enp13s0f3"},)}}
    return state(bridges=bridges, modules=(), sysctls={})


@pytest.fixture
def machine() -> Machine:
    machine = reference_machine()
    assert not machine.converge(wanted())
    machine.faults.writes.clear()
    return machine


def idle(host: Host, **values: Any) -> Host:
    """The host with both bridges in another state, of which no profile is active on them."""
    nm = host.network_manager
    assert isinstance(nm, NetworkManager)
    values = {"state": 30, "active": "", "applied": None, **values}
    devices = tuple(
        replace(device, **values) if device.interface.startswith("br-") else device
        for device in nm.devices
    )
    return replace(host, network_manager=NetworkManager(nm.version, nm.profiles, devices))


def guest(machine: Machine, *bridges: str) -> None:
    for number, bridge in enumerate(bridges):
        machine.kernel.add_link(f"tap{number}", "tun", up=True)
        machine.kernel.plug(f"tap{number}", bridge)


def of_port(plan: Plan, item: ObjectId) -> tuple[str, str, list[type]]:
    verdict = plan.verdict(item)
    assert verdict is not None
    return verdict.condition, verdict.reason, [type(action) for action in verdict.actions]


def test_a_vlan_is_not_deleted_while_nobody_can_make_it_again(machine: Machine) -> None:
    machine.nm.running = False
    plan = machine.converge(wanted(7))
    assert of_port(plan, ObjectId("vlan", VLAN)) == (
        "pending", "NetworkManager is unavailable: the service is not running", [],
    )  # fmt: skip
    machine.kernel.unplug(VLAN)
    plan = machine.converge(wanted(7))
    assert of_port(plan, ObjectId("vlan", VLAN))[2] == []
    assert machine.kernel.need(VLAN).controller is None, "it is the VLAN of other people's frames"
    assert machine.faults.writes == []
    machine.nm.running = True
    assert not machine.converge(wanted(7))
    assert machine.kernel.need(VLAN).info["vlan_id"] == 7
    assert machine.kernel.ports("br-web") == {VLAN}


def test_nor_while_its_profile_cannot_be_made(machine: Machine) -> None:
    theirs = machine.nm.profiles[next(u for d, u in machine.nm.active.items() if d == VLAN)]
    theirs["connection"] |= {"type": "dummy", "interface-name": "dummy7", "id": "copy"}
    condition, reason, actions = of_port(machine.plan(wanted(7)), ObjectId("vlan", VLAN))
    assert (condition, actions) == ("blocked", [])
    assert reason.startswith("profile copy has the UUID")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"managed": False, "state": 10}, "NetworkManager does not manage br-web"),
        ({}, "NetworkManager would activate br-web, and its guests would lose it"),
    ],
)
def test_nor_where_networkmanager_cannot_have_the_bridge(
    machine: Machine, values: dict[str, Any], reason: str
) -> None:
    guest(machine, "br-web")
    first = make_plan(wanted(7), idle(machine.observe(interest(wanted(7))), **values))
    assert DeleteLink not in map(type, first)
    machine.executor.run(first)  # the profile has the number now
    plan = make_plan(wanted(7), idle(machine.observe(interest(wanted(7))), **values))
    assert of_port(plan, ObjectId("vlan", VLAN)) == ("pending", reason, [])


@pytest.mark.parametrize(
    ("guests", "values", "expected"),
    [
        (["br-dmz"], {}, [SetController]),
        ([], {}, [Activate]),
        (["br-dmz"], {"state": 110}, []),
        ([], {"state": 110}, []),
    ],
)
def test_rule_2_a_bridge_that_is_not_active_is_not_activated_with_a_port_under_its_guests(
    machine: Machine, guests: list[str], values: dict[str, Any], expected: list[type]
) -> None:
    """As after `nmcli device disconnect` of a bridge that NetworkManager did not make.  One that it
    deactivates is about to go: nothing is done there before it has."""
    guest(machine, *guests)
    machine.kernel.unplug("enp13s0f3")
    machine.nm.active.pop("enp13s0f3")
    host = idle(machine.observe(interest(wanted())), **values)
    condition, reason, actions = of_port(make_plan(wanted(), host), ObjectId("port", "enp13s0f3"))
    assert actions == expected
    assert (condition, reason) == (("drift", "") if expected else ("pending", "waits for br-dmz"))
