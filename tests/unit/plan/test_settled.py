"""What was concluded of a reading of NetworkManager before is what would be concluded now."""

from dataclasses import replace
from random import Random

import pytest

from bridged.desired.state import State
from bridged.observe.host import Host, NetworkManager
from bridged.plan.actions import Reapply, UpdateProfile
from bridged.plan.memory import Memory
from bridged.plan.planner import interest, make_plan
from bridged.plan.result import Plan
from tests.twins.events import EVENTS
from tests.twins.machine import reference_machine
from tests.unit.reference import REFERENCE, state

LAN = REFERENCE["bridges"]["br-lan"]


def declared(**lan: object) -> State:
    return state(bridges={**REFERENCE["bridges"], "br-lan": {**LAN, **lan}})


OTHERS = (
    declared(),
    declared(mtu=1400),
    declared(stp=True),
    declared(mac="02:00:00:00:00:01"),
    declared(isolate=True),
    declared(ports=({"name": "enp13s0f0", "mtu": 1400},)),
    declared(ports=({"name": "enp13s0f0", "path-cost": 5}, {"name": "enp13s0f1"})),
    declared(ports=()),
)


def anew(host: Host) -> Host:
    """The same host, with nothing concluded of NetworkManager's reading yet."""
    assert isinstance(host.network_manager, NetworkManager)
    return replace(host, network_manager=replace(host.network_manager))


def planned(wanted: State, host: Host) -> Plan:
    return make_plan(wanted, host, Memory())


def test_a_still_reading_gives_the_same_plan_again_and_again() -> None:
    machine = reference_machine()
    machine.converge(state())
    host = machine.observe(interest(state()))
    assert planned(state(), host) == planned(state(), host) == planned(state(), anew(host))


def test_another_state_is_compared_though_the_former_had_nothing_left_to_do() -> None:
    machine = reference_machine()
    machine.converge(state())
    host = machine.observe(interest(state()))
    assert not planned(declared(), host)
    done = {type(action) for action in planned(declared(mtu=1400), host)}
    assert {UpdateProfile, Reapply} <= done
    assert not planned(declared(), host), "and back"


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_to_the_kernel_or_is_declared_the_plan_is_that_of_a_fresh_look(
    seed: int,
) -> None:
    random, machine = Random(seed), reference_machine()
    machine.converge(state())
    reading = machine.observe(interest(state())).network_manager
    for _ in range(25):
        random.choice(EVENTS)(machine, random)
        wanted = random.choice(OTHERS)
        host = machine.observe(interest(wanted))
        if random.random() < 0.7:  # it signalled nothing, or it is not heard yet
            host = replace(host, network_manager=reading)
        else:
            reading = host.network_manager
        if isinstance(reading, NetworkManager):
            assert planned(wanted, host) == planned(wanted, anew(host))
        if random.random() < 0.3:
            machine.converge(state())
