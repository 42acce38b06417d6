"""VLANs of bridge ports: declared, kept, and shown for people."""

import pytest

from bridged.desired.rules import violations
from bridged.desired.vlans import VLANS, PortVlan, membership, show, span
from bridged.plan.actions import ObjectId, SetVlans
from tests.twins.machine import Machine, reference_machine
from tests.unit.reference import REFERENCE, state

PORT = ObjectId("port", "enp13s0f0")
TRUNK = {
    "ports": ({"name": "enp13s0f0", "vlans": (30,), "vlan_ranges": ("10-12",), "pvid": 6},),
    "vlan_filtering": True,
}
WANTED = membership((10, 11, 12, 30), 6)


def trunk(**changes: object) -> dict[str, object]:
    return {**REFERENCE["bridges"], "br-lan": {**TRUNK, **changes}}


@pytest.fixture
def machine() -> Machine:
    made = reference_machine()
    made.converge(state(bridges=trunk()))
    return made


def test_declared_vlans_are_there_and_stay(machine: Machine) -> None:
    assert machine.kernel.need("enp13s0f0").vlans == WANTED
    assert not machine.plan(state(bridges=trunk()))


def test_the_profile_carries_them_for_the_next_boot(machine: Machine) -> None:
    ours = next(
        p for p in machine.nm.profiles.values() if p["connection"]["id"] == "br-lan-enp13s0f0"
    )
    assert ours["bridge-port"]["vlans"] == [
        {"vid-start": 6, "vid-end": 6, "pvid": True, "untagged": True},
        {"vid-start": 10, "vid-end": 12, "pvid": False, "untagged": False},
        {"vid-start": 30, "vid-end": 30, "pvid": False, "untagged": False},
    ]


def test_a_vlan_taken_off_the_port_comes_back_in_place(machine: Machine) -> None:
    """`bridge vlan del dev enp13s0f0 vid 30`"""
    machine.kernel.change("enp13s0f0", vlans=WANTED[:-1])
    plan = machine.plan(state(bridges=trunk()))
    verdict = plan.verdict(PORT)
    assert verdict is not None
    assert verdict.drift[0].desired == "6 untagged, 10-12, 30"
    assert verdict.drift[0].kernel == "6 untagged, 10-12"
    assert [type(action) for action in plan] == [SetVlans]
    machine.executor.run(plan)
    assert machine.kernel.need("enp13s0f0").vlans == WANTED


def test_vlans_on_a_bridge_that_does_not_filter_are_a_mistake() -> None:
    wrong = state(bridges=trunk(vlan_filtering=None))
    (found,) = violations(wrong)
    assert found.path == ("bridges", "br-lan", "ports", "enp13s0f0", "vlans")
    assert "vlan-filtering: true" in found.remedy


def test_isolate_filters_too() -> None:
    assert not list(violations(state(bridges=trunk(vlan_filtering=None, isolate=True))))


def test_undeclared_vlans_are_never_drift(machine: Machine) -> None:
    wanted = state(bridges=trunk(ports=({"name": "enp13s0f0"},)))
    machine.converge(wanted)
    machine.kernel.change("enp13s0f0", vlans=(PortVlan(99),))
    assert not machine.plan(wanted)


@pytest.mark.parametrize(
    ("tagged", "pvid", "shown"),
    [((), 1, "1 untagged"), ((), 0, "none"), ((2, 3, 4), 0, "2-4"), ((1, 2), 1, "1 untagged, 2")],
)
def test_a_membership_reads_and_converts_both_ways(
    tagged: tuple[int, ...], pvid: int, shown: str
) -> None:
    vlans = membership(tagged, pvid)
    assert show(vlans) == shown
    assert VLANS.decode(VLANS.encode(vlans)) == vlans


@pytest.mark.parametrize("text", ["", "5", "0-4", "4-3", "1-4095", "a-b", "1-2-3", " 1-2"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="range"):
        span(text)
