"""Rule 6 where the fault is our own: what it came up in is told as failed, all else goes on."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from bridged.agent.engine import Engine
from bridged.apply.executor import Executor
from bridged.errors import OwnFault
from bridged.observe.host import Host, Interest
from bridged.plan import planner
from bridged.plan.actions import Activate, AddProfile, ObjectId
from bridged.plan.memory import Memory
from bridged.plan.planner import interest, make_plan, plan_links
from bridged.plan.result import Verdict
from bridged.report import ObjectReport, Report
from tests.twins.machine import Machine
from tests.twins.source import engine
from tests.unit.reference import state

pytestmark = pytest.mark.own_fault


def found(report: Report, name: str) -> ObjectReport:
    return next(item for item in report.objects if item.name == name)


def stumbles_over(monkeypatch: pytest.MonkeyPatch, planner_of: str, name: str) -> None:
    """Have one planner fail for one object."""
    real = getattr(planner, planner_of)

    def plan(context: Any, *about: Any) -> Verdict:
        if name in about or any(getattr(item, "device", "") == name for item in about):
            raise KeyError(name)
        verdict: Verdict = real(context, *about)
        return verdict

    monkeypatch.setattr(planner, planner_of, plan)


@pytest.mark.parametrize(
    ("planner_of", "what", "name"),
    [
        ("plan_bridge", "br-dmz", "br-dmz"),
        ("plan_port", "enp13s0f3", "enp13s0f3"),
        ("plan_module", "vhost_net", "vhost_net"),
        ("plan_sysctl", "net/ipv4/ip_forward", "net.ipv4.ip_forward"),
    ],
)
def test_what_planning_stumbles_over_is_told_and_all_else_converges(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    planner_of: str,
    what: str,
    name: str,
) -> None:
    stumbles_over(monkeypatch, planner_of, what)
    running = engine(machine, state())
    report = running.run_pass()
    item = found(report, name)
    assert item.condition == "failed"
    assert f"bridged has a fault of its own: KeyError('{what}')" in item.reason
    assert "traceback" in item.remedy
    others = {other.name for other in report.objects if not other.as_desired} - {name}
    assert others == ({"enp13s0f3"} if planner_of == "plan_bridge" else set()), "what needs it"
    assert running.books.tally.errors["bridged"]
    running.run_pass()
    said = capsys.readouterr().err
    assert said.count("fault phase=planning") == 1, "told once"
    assert "in plan" in said, "where it came up"


@pytest.mark.parametrize(
    ("planner_of", "kind"),
    [
        ("plan_guests", "guests"),
        ("plan_files", "file"),
        ("plan_removals", "bridge"),
        ("plan_kept", "file"),
        ("plan_packages", "package"),
        ("plan_runtime", "runtime"),
    ],
)
def test_a_planner_that_finds_its_objects_itself_fails_as_one(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, planner_of: str, kind: str
) -> None:
    first = Verdict(ObjectId("swap", "found before"))

    def plan(context: Any) -> Iterable[Verdict]:
        yield first
        raise ZeroDivisionError

    machine.converge(state())
    monkeypatch.setattr(planner, planner_of, plan)
    made = machine.plan(state())
    assert first in made.verdicts
    failed = [verdict.object for verdict in made.verdicts if verdict.condition == "failed"]
    assert [item.kind for item in failed] == [kind]
    assert list(made.faults) == [str(failed[0])]
    assert not made


def test_what_reading_stumbles_over_is_told_with_its_place_once(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = machine.observe
    odd: list[Exception] = []

    def observe(wanted: Interest) -> Host:
        faults = dict(zip(["offloads"], odd, strict=False))
        problems = {world: OwnFault(error).message for world, error in faults.items()}
        return replace(real(wanted), problems=problems, faults=faults)

    monkeypatch.setattr(machine, "observe", observe)
    running = engine(machine, state())
    try:
        raise UnicodeError("odd name")
    except UnicodeError as error:
        odd.append(error)
    report = running.run_pass()
    (finding,) = (finding for finding in report.findings if finding.code == "unreadable")
    assert finding.message == (
        "offloads cannot be read: bridged has a fault of its own: UnicodeError('odd name')"
    )
    counted = running.books.tally.errors["bridged"]
    assert counted
    running.run_pass()
    assert running.books.tally.errors["bridged"] > counted
    odd.clear()
    running.run_pass()
    said = capsys.readouterr().err
    assert said.count("fault phase=observation object=offloads") == 1, "told once"
    assert "raise UnicodeError" in said, "where it came up"


def test_a_danger_that_cannot_be_looked_for_leaves_the_others(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(context: Any) -> Iterable[Any]:
        raise AttributeError("gone")

    monkeypatch.setattr(planner, "DANGERS", (find, *planner.DANGERS))
    codes = [finding.code for finding in machine.converge(state()).findings]
    assert codes[0] == "fault"
    assert "vlan-injection" in codes


def test_what_cannot_be_told_from_a_danger_to_guests_is_not_done(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether guests would lose their bridge is not known, so it stays."""
    machine.converge(state())
    monkeypatch.setattr(planner, "_sparing", lambda *about: 1 / 0)
    declared = state(bridges={})
    made = make_plan(declared, machine.observe(interest(declared)), Memory())
    gone = made.verdict(ObjectId("bridge", "br-dmz"))
    assert gone is not None
    assert gone.condition == "failed"
    assert not gone.actions


def test_first_aid_leaves_it_to_the_pass(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.converge(state())
    machine.kernel.change("br-lan", up=False)
    stumbles_over(monkeypatch, "plan_bridge", "br-lan")
    host = machine.observe(interest(state()))
    (verdict,) = plan_links(state(), host, Memory(), ["br-lan"])
    assert verdict.condition == "failed"
    assert not verdict.actions


def test_an_action_that_ends_with_a_fault_fails_alone(
    machine: Machine, running: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.kernel.change("br-lan", up=False)
    machine.kernel.change("br-dmz", up=False)
    real = machine.kernel.set_link

    def set_link(action: Any) -> None:
        if action.device == "br-lan":
            raise OverflowError("int too large")
        real(action)

    machine.kernel.set_link = set_link  # type: ignore[method-assign]
    report = running.run_pass()
    assert found(report, "br-dmz").as_desired
    item = found(report, "br-lan")
    assert item.condition == "failed"
    assert "bridged has a fault of its own: OverflowError('int too large')" in item.reason
    machine.clock.advance(60)
    running.run_pass()
    said = capsys.readouterr().err
    assert said.count("fault phase=repair object=bridge/br-lan") == 1
    machine.kernel.set_link = real  # type: ignore[method-assign]
    machine.clock.advance(60)
    assert running.run_pass().converged


def test_what_was_taken_together_with_a_fault_is_taken_by_itself_the_next_time(
    machine: Machine,
) -> None:
    """Else one would hold up all others for ever."""
    manager = machine.writers.network_manager

    class Stumbling:
        def __init__(self) -> None:
            self.together: list[int] = []

        def add_profiles(self, actions: list[AddProfile]) -> Any:
            self.together.append(len(actions))
            if any(action.uuid == "odd" for action in actions):
                raise TypeError("odd")
            return [None] * len(actions)

        def __getattr__(self, name: str) -> Any:
            return getattr(manager, name)

    stumbling = Stumbling()
    executor = Executor(replace(machine.writers, network_manager=stumbling), machine.clock)  # type: ignore[arg-type]
    actions = [
        AddProfile(
            object=ObjectId("bridge", uuid),
            reason="",
            uuid=uuid,
            settings={"connection": {"id": uuid}},
        )
        for uuid in ("one", "odd", "two")
    ]
    assert all(outcome.error for outcome in executor.run(actions))
    assert [bool(outcome.error) for outcome in executor.run(actions)] == [False, True, False]
    executor.run(actions[::2])
    executor.run(actions[::2])
    assert stumbling.together == [3, 1, 1, 1, 1, 1, 2]


def test_an_activation_that_is_waited_for_in_vain_fails_alone(machine: Machine) -> None:
    class Odd:
        def wait(self, meanwhile: Any) -> None:
            raise UnicodeError("odd")

    class Fine:
        def wait(self, meanwhile: Any) -> None:
            return None

    class Manager:
        def activate(self, actions: list[Activate]) -> list[Any]:
            return [Odd() if action.uuid == "odd" else Fine() for action in actions]

    executor = Executor(replace(machine.writers, network_manager=Manager()), machine.clock)  # type: ignore[arg-type]
    actions = [
        Activate(object=ObjectId("port", uuid), reason="", uuid=uuid, device=uuid)
        for uuid in ("odd", "two")
    ]
    assert [bool(outcome.error) for outcome in executor.run(actions)] == [True, False]
