"""A NetworkManager that is too busy to answer in time: what it was asked is looked at once more."""

from collections.abc import Sequence

import pytest

from bridged.errors import WorldError
from bridged.plan.actions import AddProfile
from tests.twins.machine import Machine
from tests.twins.source import engine
from tests.unit.reference import state


def _attempts(machine: Machine, call: str) -> int:
    return sum(write.startswith(f"{call} ") for write in machine.faults.writes)


@pytest.mark.parametrize("call", ["add_profile", "update_profile", "activate"])
def test_what_had_no_answer_is_tried_again_in_the_same_pass(machine: Machine, call: str) -> None:
    machine.faults.fail(call, "timeout", times=3)
    report = engine(machine, state()).run_pass()
    assert report.converged
    assert not [repair for repair in report.repairs if repair.outcome == "failed"]


def test_what_was_done_without_an_answer_is_not_done_twice(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NetworkManager takes what was asked for all the same, only later."""
    real, late = machine.nm.add_profiles, []

    def unheard(actions: Sequence[AddProfile]) -> list[WorldError | None]:
        real(actions)
        late.extend(actions)
        monkeypatch.setattr(machine.nm, "add_profiles", real)
        return [WorldError("timeout", "AddConnection2: no answer in time")] * len(actions)

    monkeypatch.setattr(machine.nm, "add_profiles", unheard)
    report = engine(machine, state()).run_pass()
    assert report.converged
    assert late
    added = [write for write in machine.faults.writes if write.startswith("add_profile ")]
    assert len(added) == len(set(added))


def test_a_refusal_is_not_tried_again_in_the_same_pass(machine: Machine) -> None:
    machine.faults.fail("add_profile", "refused", times=1)
    report = engine(machine, state()).run_pass()
    assert not report.converged
    failed = [item for item in report.objects if item.condition == "failed"]
    assert failed
    assert all(repair.outcome == "repaired" or repair.error for repair in report.repairs)


def test_one_that_never_answers_does_not_keep_the_pass(machine: Machine) -> None:
    made = engine(machine, state())
    machine.faults.fail("add_profile", "timeout", times=10_000)
    report = made.run_pass()
    wrong = {item.name for item in report.objects if not item.as_desired}
    assert "br-lan" in wrong
    assert all(item.as_desired for item in report.objects if item.kind in {"module", "sysctl"})
    left = len(machine.faults._armed["add_profile"])
    assert 10_000 - left <= 6 * len(wrong)
    machine.faults._armed.clear()
    machine.clock.advance(600)
    assert made.run_pass().converged
    assert _attempts(machine, "add_profile")


def test_what_needs_one_that_failed_is_left_alone_in_the_same_pass(machine: Machine) -> None:
    """A port whose bridge could not be made is not activated without it."""
    machine.faults.fail("add_profile", "refused", times=1)
    report = engine(machine, state()).run_pass()
    failed = next(i for i in report.objects if i.kind == "bridge" and i.condition == "failed")
    ports = [i for i in report.objects if i.bridge == failed.name and i.kind in {"port", "vlan"}]
    assert ports
    activated = [write for write in machine.faults.writes if write.startswith("activate ")]
    assert not [write for write in activated for port in ports if port.name in write.split()]
