"""Ports told by what the card is: named once after looking, and blocked where that cannot be."""

from typing import Any

import pytest

from bridged.desired.state import State
from bridged.plan.actions import ObjectId
from bridged.report import ObjectReport
from tests.twins.machine import Machine, reference_machine
from tests.twins.source import engine
from tests.unit.reference import state

MAC, OTHER = "52:54:00:0d:00:00", "52:54:00:0d:00:03"
PATH = "pci-0000:0d:00.3"


@pytest.fixture
def machine() -> Machine:
    """The reference node, whose cards tell what they are."""
    made = reference_machine()
    made.kernel.change("enp13s0f0", permanent_address=MAC, path="pci-0000:0d:00.0")
    made.kernel.change("enp13s0f3", permanent_address=OTHER, path=PATH)
    return made


def wish(**ports: Any) -> State:
    """A state of bridges with these ports."""
    bridges = {name.replace("_", "-"): {"ports": (port,)} for name, port in ports.items()}
    return state(bridges=bridges, modules=(), sysctls={})


BY_WHAT_THEY_ARE = wish(
    br_lan={"match": {"mac": MAC}},
    br_web={"vlan": 6, "match": {"mac": MAC}},
    br_dmz={"match": {"path": PATH}},
)


def problems(machine: Machine, wanted: State) -> list[ObjectReport]:
    return [o for o in engine(machine, wanted).run_pass().objects if not o.as_desired]


def test_cards_are_found_by_address_and_by_path(machine: Machine) -> None:
    """The first pass does it all, and a second one has nothing to do (rule 1)."""
    running = engine(machine, BY_WHAT_THEY_ARE)
    report = running.run_pass()
    assert report.converged, [o for o in report.objects if not o.as_desired]
    kernel = machine.kernel
    assert kernel.ports("br-lan") == {"enp13s0f0"}
    assert kernel.ports("br-web") == {"enp13s0f0.6"}
    assert kernel.ports("br-dmz") == {"enp13s0f3"}
    assert {o.name for o in report.objects if o.kind == "port"} == {"enp13s0f0", "enp13s0f3"}
    machine.faults.writes.clear()
    assert running.run_pass().converged
    assert machine.faults.writes == []


def test_offloads_of_a_card_that_is_told_by_its_address(machine: Machine) -> None:
    """What is looked at only where it is declared is looked at under the name as well."""
    wanted = wish(br_lan={"match": {"mac": MAC}, "offloads": {"tso": False}})
    assert engine(machine, wanted).run_pass().converged
    assert machine.kernel.offloads["enp13s0f0"]["tso"] is False


def test_no_card_fits(machine: Machine) -> None:
    """Rule 6: that port is blocked with those that there are; the others converge."""
    wanted = wish(br_lan={"match": {"mac": "52:54:00:99:99:99"}}, br_dmz={"match": {"path": PATH}})
    (port,) = problems(machine, wanted)
    assert (port.kind, port.name, port.condition) == ("port", "52:54:00:99:99:99", "blocked")
    assert "no card has mac 52:54:00:99:99:99" in port.reason
    assert f"enp13s0f3 (mac {OTHER}, path {PATH})" in port.reason
    assert machine.kernel.ports("br-dmz") == {"enp13s0f3"}


def test_several_cards_fit(machine: Machine) -> None:
    """Two ports of one PCI function: neither is taken, and the remedy tells them apart."""
    machine.kernel.change("enp13s0f0", path=PATH)
    (port,) = problems(machine, wish(br_dmz={"match": {"path": PATH}}))
    assert "several cards" in port.reason
    assert all(name in port.reason for name in ("enp13s0f0", "enp13s0f3"))
    assert "mac" in port.remedy
    assert machine.kernel.ports("br-dmz") == set()


def test_an_address_belongs_to_the_card_that_was_made_with_it(machine: Machine) -> None:
    """A veth of a container that uses it is not meant; nor is a bridge or VLAN that copies it."""
    machine.kernel.add_link("veth1", "veth", address=MAC)
    machine.kernel.add_link("br-x", "bridge", address=MAC)
    assert engine(machine, BY_WHAT_THEY_ARE).run_pass().converged


def test_two_declarations_of_one_card(machine: Machine) -> None:
    wanted = wish(br_lan={"name": "enp13s0f0"}, br_dmz={"match": {"mac": MAC}})
    (port,) = problems(machine, wanted)
    assert "is declared as a port of br-lan already" in port.reason
    assert machine.kernel.ports("br-lan") == {"enp13s0f0"}


def test_the_node_s_own_card_is_refused_under_whatever_it_is_told_by(machine: Machine) -> None:
    """Rule 4."""
    machine.kernel.change("enp8s0", permanent_address="52:54:00:08:00:00")
    (port,) = problems(machine, wish(br_lan={"match": {"mac": "52:54:00:08:00:00"}}))
    assert (port.name, port.condition) == ("enp8s0", "blocked")
    assert "default route" in port.reason


def test_a_card_that_is_replaced_is_another_port(machine: Machine) -> None:
    """The same slot under another name: the former profile goes, the new card is plugged in."""
    running = engine(machine, BY_WHAT_THEY_ARE)
    assert running.run_pass().converged
    machine.kernel.delete("enp13s0f3")
    (waiting,) = [o for o in running.run_pass().objects if not o.as_desired]
    assert (waiting.name, waiting.condition) == (PATH, "blocked")
    assert _profiles(machine, "enp13s0f3"), "it may come back"
    machine.kernel.add_nic("enp13s0f3np0", path=PATH)
    report = running.run_pass()
    assert report.converged, [o for o in report.objects if not o.as_desired]
    assert machine.kernel.ports("br-dmz") == {"enp13s0f3np0"}
    assert not _profiles(machine, "enp13s0f3")


def test_a_card_that_is_no_longer_told_apart_keeps_its_place(machine: Machine) -> None:
    """Rules 2 and 4: a second card that fits takes nothing away from the first."""
    running = engine(machine, BY_WHAT_THEY_ARE)
    assert running.run_pass().converged
    machine.kernel.add_nic("enp13s0f4", path=PATH)
    running.run_pass()
    assert machine.kernel.ports("br-dmz") == {"enp13s0f3"}
    assert _profiles(machine, "enp13s0f3")


def test_the_profile_holds_the_address_that_tells_the_card(machine: Machine) -> None:
    """Rule 10: were names exchanged before a boot, NetworkManager alone would not plug in the wrong
    card.  Told by its name again, the port's profile lets any card of that name in."""
    engine(machine, wish(br_lan={"match": {"mac": MAC}})).run_pass()
    (profile,) = _profiles(machine, "enp13s0f0")
    assert profile["802-3-ethernet"]["mac-address"] == bytes.fromhex(MAC.replace(":", ""))
    assert engine(machine, wish(br_lan={"name": "enp13s0f0"})).run_pass().converged
    (profile,) = _profiles(machine, "enp13s0f0")
    assert not profile["802-3-ethernet"].get("mac-address")


def test_links_that_cannot_be_read_are_not_cards_that_are_gone(machine: Machine) -> None:
    """The names of before stay while the kernel does not answer."""
    running = engine(machine, BY_WHAT_THEY_ARE)
    running.run_pass()
    seen = machine.observe
    machine.kernel.links, kept = {}, machine.kernel.links
    running._observe = lambda wanted: _blind(seen(wanted))
    names = {o.name for o in running.run_pass().objects if o.kind == "port"}
    machine.kernel.links = kept
    assert names == {"enp13s0f0", "enp13s0f3"}


def test_a_vlan_s_name_may_be_too_long_for_its_parent(machine: Machine) -> None:
    machine.kernel.add_nic("enp129s0f0np0", permanent_address="52:54:00:81:00:00")
    wanted = wish(br_web={"vlan": 2006, "match": {"mac": "52:54:00:81:00:00"}})
    (vlan,) = problems(machine, wanted)
    assert "enp129s0f0np0.2006" in vlan.reason
    assert "name: vlan2006" in vlan.remedy


def _profiles(machine: Machine, interface: str) -> list[Any]:
    """Profiles of bridged's own for an interface."""
    from bridged.observe.host import NetworkManager
    from bridged.plan.identity import profile_uuid

    nm = machine.nm.read(())
    assert isinstance(nm, NetworkManager)
    ours = profile_uuid(ObjectId("port", interface))
    return [profile.settings for profile in nm.profiles if profile.uuid == ours]


def _blind(host: Any) -> Any:
    from dataclasses import replace

    return replace(host, problems={"links": "timeout"})
