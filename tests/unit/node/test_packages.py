"""Packages as declared: seen, reported, and changed only where the operator says so."""

from dataclasses import replace

import pytest

from bridged.agent.engine import Engine
from bridged.cli.problems import object_block
from bridged.cli.terminal import Terminal
from bridged.desired.packages import Packages
from bridged.errors import WorldError
from bridged.plan.actions import ObjectId
from bridged.report import ObjectReport, Report, as_json
from bridged.view.page import page_text
from tests.twins.machine import Machine, reference_machine
from tests.twins.source import FakeSource, engine
from tests.unit.reference import state

PRESENT = ("crun", "jq", "device-mapper-multipath")


@pytest.fixture
def machine() -> Machine:
    return reference_machine()


def declare(machine: Machine, **packages: object) -> Engine:
    return engine(machine, state(packages=Packages.model_validate(packages)))


def find(report: Report, name: str) -> ObjectReport:
    return next(o for o in report.objects if (o.kind, o.name) == ("package", name))


def test_a_name_of_another_distribution_counts_under_the_name_it_has_here(machine: Machine) -> None:
    machine.node.installed = {
        "crun": "1.8",
        "jq": "1.6",
        "multipath-tools": "0.9",
        "docker.io": "20",
    }
    report = declare(machine, present=PRESENT, absent=("docker", "containerd")).run_pass()
    good = {name: find(report, name).condition for name in (*PRESENT, "containerd")}
    assert set(good.values()) == {"converged"}
    docker = find(report, "docker")
    assert docker.condition == "drift"
    assert docker.drift[0].kernel == "docker.io 20 installed"


def test_without_enforce_a_difference_is_told_with_its_remedy_and_nothing_is_written(
    machine: Machine,
) -> None:
    made = declare(machine, present=PRESENT)
    report = made.run_pass()
    assert not report.converged
    missing = find(report, "device-mapper-multipath")
    assert missing.condition == "drift"
    assert missing.remedy.startswith("apt-get install multipath-tools")
    assert not [write for write in machine.faults.writes if write.startswith("begin")]
    assert report.counters.drift["package/crun", "presence"] == 1


def test_a_name_that_no_repository_has_is_for_the_operator(machine: Machine) -> None:
    report = declare(machine, present=("crnu",), enforce=True).run_pass()
    assert find(report, "crnu").condition == "blocked"
    assert "no repository of this host has crnu" in find(report, "crnu").reason


def test_enforced_packages_come_after_the_network_and_never_hold_it_up(machine: Machine) -> None:
    """The pass ends while the work goes on; a drift of the network is mended meanwhile."""
    made = declare(machine, present=PRESENT, enforce=True)
    report = made.run_pass()
    writes = machine.faults.writes
    first = next(n for n, write in enumerate(writes) if write.startswith("begin"))
    assert all(write.startswith("begin") for write in writes[first:]), writes
    assert {find(report, name).condition for name in PRESENT} == {"pending"}
    others = {o.condition for o in report.objects if o.kind != "package"}
    assert others == {"converged"}
    machine.kernel.parameters["net/ipv4/ip_forward"] = "0"
    made.run_pass(fresh=False)
    assert machine.kernel.parameters["net/ipv4/ip_forward"] == "1"
    machine.node.finish()
    report = made.run_pass()
    assert report.converged
    assert find(report, "crun").last_repair is not None
    assert report.counters.repairs["package/crun", "presence", "repaired"] == 1
    writes.clear()
    made.run_pass()
    assert writes == [], "rule 1"


def test_what_others_need_stays_and_is_named(machine: Machine) -> None:
    machine.node.installed = {"docker.io": "20", "containerd": "1.6"}
    machine.node.needed_by = {"containerd": {"docker.io"}, "docker.io": {"nomad"}}
    made = declare(machine, absent=("docker", "containerd"), enforce=True)
    made.run_pass()
    machine.node.finish()
    report = made.run_pass()
    docker = find(report, "docker")
    assert docker.condition == "withheld"
    assert "would also remove nomad" in docker.reason
    assert docker.remedy == "apt-get remove docker.io"
    assert find(report, "containerd").condition == "converged", "what goes anyway may go with it"


def test_a_lock_is_waited_for_and_a_failure_is_tried_again_later(machine: Machine) -> None:
    made = declare(machine, present=("crun", "jq"), enforce=True)
    machine.node.failures = [
        WorldError("unavailable", "held by process 1 (apt)"),
        WorldError("failed", "no space left"),
    ]
    made.run_pass()
    machine.node.finish()
    report = made.run_pass()
    assert find(report, "crun").condition == "pending"
    assert "process 1 (apt)" in find(report, "crun").reason
    assert find(report, "jq").condition == "failed"
    assert "no space left; tried again in" in find(report, "jq").reason
    machine.faults.writes.clear()
    made.run_pass()
    assert machine.faults.writes == [], "not at every pass"
    machine.clock.advance(61)
    made.run_pass()
    assert machine.faults.writes == ["begin install crun", "begin install jq"]
    machine.node.finish()
    assert made.run_pass().converged


def test_apply_by_hand_does_not_wait_for_the_next_attempt(machine: Machine) -> None:
    made = declare(machine, present=("crun",), enforce=True)
    machine.node.failures = [WorldError("failed", "no network")]
    made.run_pass()
    machine.node.finish()
    made.run_pass()
    made.run_pass(force=True)
    machine.node.finish()
    assert made.run_pass().converged


def test_somebody_who_removes_it_again_and_again_is_not_fought_without_end(
    machine: Machine,
) -> None:
    """Rule 11."""
    made = declare(machine, present=("crun",), enforce=True)
    for _ in range(120):
        made.run_pass()
        machine.node.finish()
        machine.node.installed.clear()
        machine.clock.advance(5)
    begun = [write for write in machine.faults.writes if write.startswith("begin")]
    assert len(begun) <= 6


def test_the_quick_round_looks_at_no_package(machine: Machine) -> None:
    made = declare(machine, present=("crun",))
    made.run_pass()
    looks = machine.node.looks
    made.run_pass(fresh=False)
    assert machine.node.looks == looks


def test_a_host_without_a_package_database_is_told_so(machine: Machine) -> None:
    machine.node.database = None
    made = declare(machine, present=("crun",), enforce=True)
    assert find(made.run_pass(), "crun").condition == "blocked"
    assert isinstance(made.source, FakeSource)
    made.source.state = state()
    assert made.run_pass().converged
    assert made.plan.verdict(ObjectId("package", "crun")) is None


@pytest.mark.parametrize("agent", [True, False])
def test_what_is_left_to_the_operator_is_nowhere_about_to_be_repaired(
    machine: Machine, agent: bool
) -> None:
    machine.node.installed = {"crun": "1.8"}
    made = declare(machine, present=("crun", "jq"))
    report = replace(made.run_pass(), agent=agent)
    found = next(item for item in as_json(report)["objects"] if item["name"] == "jq")
    lines = object_block(found, report.time, Terminal(80), agent)
    assert lines[0].endswith("drift: left to you")
    page = page_text(as_json(report), report.time)
    assert "left to you" in page
    assert "about to be repaired" not in page
    explained = made.explain("package/jq", agent=agent)
    assert explained.next_step == found["remedy"]
    assert explained.next_step.startswith("apt-get install jq")
