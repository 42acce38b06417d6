"""Whether the node is ready for KubeVirt, with each reason."""

from dataclasses import replace

import pytest

from bridged.cli.ready import is_ready, ready_text
from bridged.cli.terminal import Terminal, cells
from bridged.desired.packages import Packages
from bridged.observe.node import Swap
from bridged.report import Report, as_json
from tests.twins.machine import Machine, reference_machine
from tests.twins.source import engine
from tests.unit.reference import state


@pytest.fixture
def machine() -> Machine:
    made = reference_machine()
    made.kernel.nodes.add("/dev/net/tun")
    return made


def outcomes(report: Report) -> dict[str, str]:
    return {check.name: check.outcome for check in report.readiness}


def test_a_node_that_has_everything_is_ready(machine: Machine) -> None:
    report = engine(machine, state()).run_pass()
    names = ("state", "kvm", "cgroup", "swap", "modules", "sysctls", "bridges", "nics")
    assert outcomes(report) == dict.fromkeys(names, "ready"), "what is not declared is left out"
    assert is_ready(as_json(report))


def test_each_reason_is_told_with_what_to_do(machine: Machine) -> None:
    machine.kernel.nodes.clear()
    machine.kernel.installable.discard("dm_crypt")
    machine.kernel.change("enp13s0f3", driver="r8169")
    machine.node.swaps = [Swap("/dev/zram0", "partition")]
    machine.kernel.delete("enp13s0f0")
    declared = state(packages=Packages(present=("crun",)))
    report = engine(machine, declared).run_pass()
    assert outcomes(report) == {
        "state": "ready",
        "kvm": "not-ready",
        "cgroup": "ready",
        "swap": "warning",
        "modules": "not-ready",
        "sysctls": "ready",
        "packages": "not-ready",
        "bridges": "not-ready",
        "nics": "warning",
    }
    assert all(check.remedy for check in report.readiness if check.outcome != "ready")
    document = as_json(report)
    assert not is_ready(document)
    for width in (30, 80):
        text = ready_text(document, Terminal(width))
        assert "not ready for KubeVirt" in " ".join(text.split())
        assert "/dev/kvm" in text
        assert max(cells(line) for line in text.splitlines()) <= max(width, 60)
    assert ready_text(document, Terminal(80, unicode=False)).isascii()


def test_what_this_host_does_not_offer_stands_against_it(machine: Machine) -> None:
    """In status an undeclared module's key is no fault of anybody's; here it is missing."""
    report = engine(machine, state(modules=("kvm",))).run_pass()
    assert report.converged
    assert outcomes(report)["sysctls"] == "not-ready"


def test_a_warning_does_not_stand_against_it(machine: Machine) -> None:
    machine.kernel.change("enp8s0", driver="r8169")
    report = engine(machine, state()).run_pass()
    assert outcomes(report)["nics"] == "ready", "the node's own card is its own affair"
    machine.kernel.change("enp13s0f0", driver="r8169")
    report = engine(machine, state()).run_pass()
    assert outcomes(report)["nics"] == "warning"
    assert is_ready(as_json(replace(report, hostname="n")))
