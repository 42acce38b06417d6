"""Rule 2: guest ports that lost their bridge come back with their settings; others are let be."""

import pytest

from bridged.agent.engine import Engine
from bridged.desired.vlans import PortVlan
from bridged.errors import WorldError
from bridged.plan.actions import Action, SetController
from tests.twins.machine import Machine
from tests.twins.source import engine
from tests.unit.reference import state

_VLANS = (PortVlan(1, untagged=True), PortVlan(20, pvid=True, untagged=True), PortVlan(30))


@pytest.fixture
def running(machine: Machine) -> Engine:
    """The reference node with two guests on br-lan, one of them with settings of its own."""
    made = engine(machine, state())
    made.run_pass()
    for name in ("vnet0", "vnet1"):
        machine.kernel.add_link(name, "tun", up=True)
        machine.kernel.plug(name, "br-lan")
    machine.kernel.change("vnet0", port={"brport_isolated": 1, "brport_mode": 1}, vlans=_VLANS)
    made.run_pass()
    machine.clock.advance(600)
    machine.faults.writes.clear()
    return made


def profile(machine: Machine, interface: str) -> str:
    return next(
        uuid
        for uuid, settings in machine.nm.profiles.items()
        if settings["connection"].get("interface-name") == interface
    )


def assert_guests_are_back(machine: Machine) -> None:
    assert machine.kernel.ports("br-lan") == {"enp13s0f0", "vnet0", "vnet1"}
    vnet0 = machine.kernel.need("vnet0")
    assert (vnet0.port["brport_isolated"], vnet0.port["brport_mode"]) == (1, 1)
    assert vnet0.vlans == _VLANS


def test_the_report_tells_what_the_picture_needs(machine: Machine, running: Engine) -> None:
    machine.kernel.change("vnet0", carrier=True)
    machine.kernel.change("vnet1", carrier=False)
    links = {link.name: link for link in running.run_pass().links}
    assert links["br-lan"].guests == ("vnet0", "vnet1")
    assert links["br-lan"].guests_down == ("vnet1",)
    vlan = next(link for link in links.values() if link.role == "vlan")
    assert (vlan.parent, vlan.vlan) == ("enp13s0f0", 6)


def test_guests_return_after_somebody_activates_the_bridge_again(
    machine: Machine, running: Engine
) -> None:
    machine.nm.up(profile(machine, "br-lan"))
    assert machine.kernel.ports("br-lan") == {"enp13s0f0"}
    assert running.run_pass().converged
    assert_guests_are_back(machine)
    first = machine.faults.writes[0]
    assert first.startswith("set_controller"), "guests come before anything else"


def test_settings_return_though_a_guest_was_plugged_in_before_anybody_told_of_the_activation(
    machine: Machine, running: Engine
) -> None:
    """NetworkManager plugs a guest that it manages back in by itself, as a new port."""
    machine.nm.up(profile(machine, "br-lan"))
    machine.kernel.plug("vnet0", "br-lan")
    assert machine.kernel.need("vnet0").vlans != _VLANS
    running.run_pass(fresh=False, quick=True)
    assert_guests_are_back(machine)


def test_new_settings_are_kept_after_one_question(machine: Machine, running: Engine) -> None:
    machine.kernel.change("vnet0", port={"brport_isolated": 0})
    running.run_pass(fresh=False, quick=True)
    assert not running.memory.doubtful
    assert machine.kernel.need("vnet0").port["brport_isolated"] == 0
    machine.nm.up(profile(machine, "br-lan"))
    running.run_pass()
    assert machine.kernel.need("vnet0").port["brport_isolated"] == 0


def test_guests_return_after_the_bridge_was_deleted(machine: Machine, running: Engine) -> None:
    machine.kernel.delete("br-lan")
    report = running.run_pass()
    assert report.converged
    assert_guests_are_back(machine)
    assert "guests/br-lan" in {repair.object for repair in report.repairs}


def test_a_guest_whose_vm_stopped_is_forgotten(machine: Machine, running: Engine) -> None:
    machine.kernel.delete("vnet1")
    machine.nm.up(profile(machine, "br-lan"))
    assert running.run_pass().converged
    assert machine.kernel.ports("br-lan") == {"enp13s0f0", "vnet0"}


def test_a_guest_that_was_moved_to_another_bridge_stays_there(
    machine: Machine, running: Engine
) -> None:
    machine.kernel.plug("vnet1", "br-dmz")
    running.run_pass()
    machine.nm.up(profile(machine, "br-lan"))
    running.run_pass()
    assert machine.kernel.ports("br-dmz") == {"enp13s0f3", "vnet1"}


def test_a_guest_that_was_unplugged_on_purpose_stays_out(machine: Machine, running: Engine) -> None:
    """Nothing happened to the bridge, so somebody took the port out."""
    machine.kernel.unplug("vnet1")
    for _ in range(3):
        running.run_pass()
        machine.clock.advance(61)
    assert machine.kernel.ports("br-lan") == {"enp13s0f0", "vnet0"}
    machine.nm.up(profile(machine, "br-lan"))
    running.run_pass()
    assert machine.kernel.ports("br-lan") == {"enp13s0f0", "vnet0"}


def test_a_guest_without_a_lost_bridge_costs_no_write(machine: Machine, running: Engine) -> None:
    running.run_pass()
    assert machine.faults.writes == []


def test_a_guest_that_something_else_put_back_gets_its_settings_again(
    machine: Machine, running: Engine
) -> None:
    """NetworkManager plugs guests that it manages back in itself, as if they were new."""
    machine.nm.up(profile(machine, "br-lan"))
    for name in ("vnet0", "vnet1"):
        machine.kernel.plug(name, "br-lan")
    assert running.run_pass().converged
    assert_guests_are_back(machine)
    machine.faults.writes.clear()
    running.run_pass()
    assert machine.faults.writes == []


def test_settings_that_somebody_changes_are_kept(machine: Machine, running: Engine) -> None:
    """The bridge stayed the same, so the change was meant."""
    machine.kernel.change("vnet0", port={"brport_isolated": 0})
    running.run_pass()
    machine.nm.up(profile(machine, "br-lan"))
    running.run_pass()
    assert machine.kernel.need("vnet0").port["brport_isolated"] == 0


def test_rule_6_a_guest_that_goes_while_it_is_put_back_holds_up_no_other(
    machine: Machine, running: Engine
) -> None:
    """Its pod is torn down between the look and the repair: the others do not wait for a retry."""
    machine.nm.up(profile(machine, "br-lan"))

    def torn_down(action: Action) -> None:
        if machine.kernel.link("vnet0") is not None and isinstance(action, SetController):
            machine.kernel.delete("vnet0")

    report = running.run_pass(before=torn_down)
    assert machine.kernel.ports("br-lan") == {"enp13s0f0", "vnet1"}
    assert report.converged


def test_rule_6_a_guest_that_cannot_be_put_back_holds_up_no_other(
    machine: Machine, running: Engine
) -> None:
    machine.nm.up(profile(machine, "br-lan"))
    machine.faults.fail("set_controller", "refused")
    running.run_pass()
    assert machine.kernel.ports("br-lan") == {"enp13s0f0", "vnet1"}
    machine.clock.advance(1)
    assert running.run_pass().converged
    assert_guests_are_back(machine)


def test_rule_2_guests_do_not_wait_for_one_that_can_never_be_put_back(
    machine: Machine, running: Engine
) -> None:
    """Guests of a bridge are one object, and the wait after its failures has grown."""
    plug = machine.kernel.set_controller

    def refuse(action: SetController) -> None:
        if action.device == "vnet0":
            raise WorldError("refused", "busy")
        plug(action)

    machine.kernel.set_controller = refuse  # type: ignore[method-assign]
    for _ in range(3):
        machine.nm.up(profile(machine, "br-lan"))
        running.run_pass()
        assert "vnet1" in machine.kernel.ports("br-lan")
        for _ in range(8):
            machine.clock.advance(2)
            running.run_pass()


def _seen_without_vlans(machine: Machine) -> Engine:
    """A guest without any VLAN on a bridge that goes by them, seen once."""
    bridges = {"br-lan": {"ports": ({"name": "enp13s0f0"},), "vlan_filtering": True}}
    made = engine(machine, state(bridges=bridges))
    made.run_pass()
    machine.kernel.add_link("vnet0", "tun", up=True)
    machine.kernel.plug("vnet0", "br-lan")
    machine.kernel.change("vnet0", vlans=())
    made.run_pass()
    return made


def test_a_guest_that_carries_no_vlan_at_all_has_none_again(machine: Machine) -> None:
    """Put back with the bridge's default VLAN it would reach what it must not reach."""
    made = _seen_without_vlans(machine)
    assert made.memory.guests[machine.kernel.need("vnet0").index].vlans is None
    made.run_pass()
    assert made.memory.guests[machine.kernel.need("vnet0").index].vlans == ()
    machine.nm.up(profile(machine, "br-lan"))
    machine.clock.advance(600)
    assert made.run_pass().converged
    assert machine.kernel.ports("br-lan") == {"enp13s0f0", "vnet0"}
    assert machine.kernel.need("vnet0").vlans == ()
    machine.faults.writes.clear()
    assert made.run_pass().converged
    assert machine.faults.writes == []


def test_vlans_that_are_not_known_are_not_taken_away(machine: Machine) -> None:
    """The guest was seen once, without any: it may have been out already."""
    made = _seen_without_vlans(machine)
    machine.nm.up(profile(machine, "br-lan"))
    machine.clock.advance(600)
    assert made.run_pass().converged
    assert machine.kernel.need("vnet0").vlans == (PortVlan(1, pvid=True, untagged=True),)
