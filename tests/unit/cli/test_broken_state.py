"""Where the state file cannot be used, no command says that all is well."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bridged.agent.engine import Engine
from bridged.agent.state_source import FileSource
from bridged.cli.main import main
from bridged.report import Report
from bridged.serve.control import ControlServer
from bridged.serve.protocols import PlanView
from tests.twins.machine import reference_machine
from tests.twins.source import engine
from tests.unit.serve.reports import FakeAgent

Capture = pytest.CaptureFixture[str]
Ctl = Callable[..., int]

GOOD = "version: 1\nmodules: [kvm]\n"
BROKEN = "version: 1\nmodules: [kvm\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.yaml"


@pytest.fixture
def running(file: Path) -> Engine:
    made = engine(reference_machine(), None)
    made.source = FileSource(file)
    return made


@pytest.fixture
def ctl(running: Engine, tmp_path: Path) -> Ctl:
    """bridgedctl, with an agent that answers what the engine finds at that moment."""

    class Asked(FakeAgent):
        def report(self) -> Report:
            return replace(running.run_pass(), time=time.time())

        def plan(self) -> PlanView:
            found = running.preview()
            return PlanView.of(found, found.not_taken, found.paused, found.pauses, found.state)

    def run(*arguments: str) -> int:
        path = str(tmp_path / "control.sock")
        server = ControlServer(Asked(), path)
        server.start()
        try:
            return main([*arguments, "--socket", path])
        finally:
            server.stop()

    return run


def write(file: Path, text: str) -> None:
    file.write_text(text)
    file.chmod(0o644)


def test_without_a_state_the_plan_is_an_error(file: Path, ctl: Ctl, capsys: Capture) -> None:
    write(file, BROKEN)
    assert ctl("plan") == 1
    told = " ".join(capsys.readouterr().out.split())
    assert "there is no earlier good one: nothing is kept as declared" in told
    assert "of the list that begins in line 2 is missing" in told
    assert "nothing to do" not in told
    assert ctl("plan", "--json") == 1


def test_a_plan_by_the_last_good_state_says_so(file: Path, ctl: Ctl, capsys: Capture) -> None:
    write(file, GOOD)
    assert ctl("status") == 0
    write(file, BROKEN)
    capsys.readouterr()
    assert ctl("plan") == 1
    told = " ".join(capsys.readouterr().out.split())
    assert "has errors; the last good state stays in force" in told
    assert told.endswith("by the last good state: nothing to do")


def test_steps_by_the_last_good_state_are_shown_all_the_same(
    file: Path, running: Engine, ctl: Ctl, capsys: Capture
) -> None:
    write(file, GOOD.replace("kvm", "dummy"))
    running.source.refresh()
    write(file, BROKEN)
    assert ctl("plan") == 1
    told = capsys.readouterr().out
    assert "\nby the last good state: " in told
    assert "1. load module dummy" in told


@pytest.mark.parametrize(("before", "outcome"), [("", "not-ready"), (GOOD, "warning")])
def test_a_node_is_not_called_ready_by_what_nobody_could_read(
    file: Path, running: Engine, ctl: Ctl, capsys: Capture, before: str, outcome: str
) -> None:
    if before:
        write(file, before)
        running.source.refresh()
    write(file, BROKEN)
    assert ctl("ready") == 1
    told = " ".join(capsys.readouterr().out.split())
    assert f"correct {file}: bridgedctl status tells what is wrong with it" in told
    assert running.report().readiness[0].name == "state"
    assert running.report().readiness[0].outcome == outcome
    assert ctl("ready", "--json") == 1
