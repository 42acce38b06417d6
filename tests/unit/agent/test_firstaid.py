"""First aid: what netlink mends at links that an event was about, before all else is looked at."""

from collections.abc import Callable

import pytest

from bridged.agent.engine import Engine
from bridged.agent.wake import Hearing, Wake
from bridged.observe.host import Host, Interest
from bridged.report import ObjectReport
from tests.twins.machine import Machine
from tests.unit.reference import state


@pytest.fixture
def mended(machine: Machine, running: Engine) -> Callable[..., list[str]]:
    """Runs a pass that an event about these links began; what was written before its first whole
    look."""

    def run(*names: str) -> list[str]:
        ahead: list[list[str]] = []
        observe = running._observe

        def looking(wanted: Interest) -> Host:
            ahead.append(list(machine.faults.writes))
            return observe(wanted)

        running._observe = looking
        touched = {machine.kernel.need(name).index for name in names}
        running.run_pass(fresh=False, quick=True, touched=touched)
        running._observe = observe
        return ahead[0]

    return run


def find(running: Engine, kind: str, name: str) -> ObjectReport:
    return next(o for o in running.report().objects if (o.kind, o.name) == (kind, name))


def test_a_changed_property_is_mended_before_anything_else_is_looked_at(
    machine: Machine, running: Engine, mended: Callable[..., list[str]]
) -> None:
    machine.kernel.change("br-lan", info={"br_stp_state": 1})
    assert mended("br-lan") == ["set_link set br_stp_state=0 on br-lan"]
    assert len(machine.faults.writes) == 1, "and only once"
    repair = find(running, "bridge", "br-lan").last_repair
    assert repair is not None
    assert (repair.cause, repair.outcome) == ("stp", "repaired")
    assert running.books.tally.drift["bridge/br-lan", "stp"] == 1
    assert running.report().converged


def test_a_detached_port_is_plugged_in_first(
    machine: Machine, mended: Callable[..., list[str]]
) -> None:
    machine.kernel.unplug("enp13s0f0")
    assert mended("enp13s0f0") == ["set_controller plug enp13s0f0 into br-lan"]
    assert machine.kernel.ports("br-lan") == {"enp13s0f0"}


def test_a_port_that_has_just_been_given_the_nodes_own_traffic_is_left_alone(
    machine: Machine, running: Engine, mended: Callable[..., list[str]]
) -> None:
    machine.kernel.unplug("enp13s0f0")
    machine.kernel.default_routes.add("enp13s0f0")
    assert mended("enp13s0f0") == []
    assert machine.kernel.ports("br-lan") == set()
    assert find(running, "port", "enp13s0f0").condition == "blocked"


def test_what_needs_networkmanager_too_is_left_for_the_pass(
    machine: Machine, running: Engine, mended: Callable[..., list[str]]
) -> None:
    running.source.state = state(
        bridges={"br-lan": {"ports": ({"name": "enp13s0f0"},), "stp": True}}
    )
    running._named = running.source.state
    assert mended("br-lan") == []


def test_links_that_are_not_declared_are_not_even_read(
    machine: Machine, running: Engine, mended: Callable[..., list[str]]
) -> None:
    machine.kernel.change("enp8s0", up=False)
    assert mended("enp8s0") == []
    assert machine.glances == []


def test_no_first_aid_in_a_pause(
    machine: Machine, running: Engine, mended: Callable[..., list[str]]
) -> None:
    running.pause(60, "a test", "somebody")
    machine.kernel.change("br-lan", info={"br_stp_state": 1})
    assert mended("br-lan") == []
    assert machine.faults.writes == []


def test_a_contest_is_not_fought_faster(
    machine: Machine, running: Engine, mended: Callable[..., list[str]]
) -> None:
    for _ in range(5):
        machine.kernel.change("br-lan", info={"br_stp_state": 1})
        mended("br-lan")
    machine.faults.writes.clear()
    machine.kernel.change("br-lan", info={"br_stp_state": 1})
    assert mended("br-lan") == []
    assert find(running, "bridge", "br-lan").condition == "contended"


@pytest.mark.parametrize("fault", ["glance", "set_link"])
def test_where_first_aid_fails_the_pass_does_it(
    machine: Machine, running: Engine, mended: Callable[..., list[str]], fault: str
) -> None:
    machine.faults.fail(fault, "timeout")
    machine.kernel.change("br-lan", info={"br_stp_state": 1})
    assert mended("br-lan") == []
    for _ in range(3):
        machine.clock.advance(1)
        running.run_pass(fresh=False)
    assert machine.kernel.need("br-lan").info["br_stp_state"] == 0


def test_a_link_that_is_gone_is_left_for_the_pass(
    machine: Machine, running: Engine, mended: Callable[..., list[str]]
) -> None:
    index = machine.kernel.need("br-lan").index
    machine.kernel.delete("br-lan")
    running.run_pass(fresh=False, quick=True, touched={index})
    assert machine.kernel.ports("br-lan") == {"enp13s0f0"}


def test_what_a_look_has_seen_needs_no_look_of_its_own(machine: Machine, running: Engine) -> None:
    wake = Wake()
    running.hearing = Hearing.of(wake, "netlink")
    wake.ring("netlink")
    running.preview()
    assert wake.wait(0) == {"netlink"}, "who only looks leaves it to the loop"
    wake.ring("netlink")
    running.run_pass()
    assert wake.wait(0) == frozenset()
    observe = running._observe

    def looking(wanted: Interest) -> Host:
        host = observe(wanted)
        wake.ring("netlink")  # after the links were read
        return host

    running._observe = looking
    running.run_pass()
    assert wake.wait(0) == {"netlink"}


def test_a_card_gets_its_mtu_back_before_the_vlan_on_it(
    machine: Machine, running: Engine, mended: Callable[..., list[str]]
) -> None:
    """The kernel lowers the VLAN's with the card's, and refuses a VLAN more than its card has."""
    running.source.state = state(  # type: ignore[misc]
        bridges={
            "br-web": {"ports": ({"vlan": 6, "parent": "enp13s0f0", "mtu": 9000},)},
            "br-lan": {"ports": ({"name": "enp13s0f0", "mtu": 9000},)},
        }
    )
    assert running.run_pass().converged
    for name in ("enp13s0f0", "enp13s0f0.6"):
        machine.kernel.change(name, mtu=1500)
    machine.faults.writes.clear()
    machine.clock.advance(600)
    assert mended("enp13s0f0.6", "enp13s0f0") == [
        "set_link set mtu=9000 on enp13s0f0",
        "set_link set mtu=9000 on enp13s0f0.6",
    ]
