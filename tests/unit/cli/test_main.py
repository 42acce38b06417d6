"""The commands against a control server on a real socket: what they print, how they end."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridged.agent.loop import Timing
from bridged.cli.main import main
from bridged.desired.loader import load
from bridged.desired.state import State
from bridged.errors import WorldError
from bridged.explain.explain import explain
from bridged.explain.records import Explanation, explanation_as_json
from bridged.observe.host import Host
from bridged.report import ReadinessCheck, Repair, StateFileReport, as_json
from bridged.serve.control import ControlServer
from bridged.serve.protocols import PlanView
from tests.unit.serve.reports import (
    AS_DESIRED,
    BROKEN,
    CONTENDED,
    DRIFTING,
    PLAN,
    STATE,
    FakeAgent,
)

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def agent() -> FakeAgent:
    return FakeAgent()


@pytest.fixture
def path() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as name:
        yield f"{name}/control.sock"


@pytest.fixture
def served(agent: FakeAgent, path: str) -> Iterator[str]:
    """The path of a socket that `agent` is served on."""
    server = ControlServer(agent, path)
    server.start()
    with capture_logs():  # an agent's log is not on bridgedctl's stdout
        yield path
    server.stop()


def ctl(*arguments: str) -> int:
    """Run bridgedctl in this process; its exit code."""
    try:
        return main(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)


@pytest.mark.parametrize(
    ("report", "code"), [(AS_DESIRED, 0), (DRIFTING, 2), (CONTENDED, 2), (BROKEN, 1)]
)
def test_status_ends_with_what_it_found(
    agent: FakeAgent, served: str, capsys: Capture, report: Any, code: int
) -> None:
    agent.current = report
    assert ctl("status", "--socket", served) == code
    assert "node1: " in capsys.readouterr().out


def test_options_may_stand_before_the_command(served: str, capsys: Capture) -> None:
    assert ctl("--socket", served, "status") == 0
    assert "as desired" in capsys.readouterr().out


def test_status_json_is_exactly_the_documented_form(served: str, capsys: Capture) -> None:
    assert ctl("status", "--json", "--socket", served) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == json.loads(json.dumps(as_json(AS_DESIRED)))
    assert captured.err == ""


def test_ready_ends_with_2_where_something_stands_against_the_node(
    agent: FakeAgent, served: str, capsys: Capture
) -> None:
    assert ctl("ready", "--socket", served) == 0
    assert "node1: ready for KubeVirt" in capsys.readouterr().out
    against = ReadinessCheck("kvm", "not-ready", "there is no /dev/kvm", "look into the firmware")
    agent.current = replace(AS_DESIRED, readiness=(against,))
    assert ctl("ready", "--socket", served) == 2
    assert "do: look into the firmware" in capsys.readouterr().out
    assert ctl("ready", "--json", "--socket", served) == 2
    told = json.loads(capsys.readouterr().out)
    assert not told["ready"]
    assert told["checks"][0]["reason"] == "there is no /dev/kvm"


def test_status_of_one_bridge(agent: FakeAgent, served: str, capsys: Capture) -> None:
    agent.current = CONTENDED
    assert ctl("status", "br-lan", "--socket", served) == 0
    assert ctl("status", "br-dmz", "--socket", served) == 2
    capsys.readouterr()
    assert ctl("status", "br-lna", "--socket", served) == 1
    assert "br-lan" in capsys.readouterr().err


def test_graph_is_a_tree_or_a_picture(agent: FakeAgent, served: str, capsys: Capture) -> None:
    agent.current = CONTENDED
    assert ctl("graph", "--socket", served) == 0
    assert capsys.readouterr().out.startswith("✓ enp13s0f0       up · 1 Gbit/s\n├─ ✓ br-lan")
    assert ctl("graph", "br-web", "--format", "dot", "--socket", served) == 0
    out = capsys.readouterr().out
    assert out.startswith('digraph "node1" {')
    assert "br-lan" not in out
    assert ctl("graph", "--format", "svg", "--socket", served) == 0
    assert capsys.readouterr().out.startswith("<svg ")
    assert ctl("graph", "br-lna", "--socket", served) == 1
    assert "br-lan" in capsys.readouterr().err


@pytest.mark.parametrize(("age", "resync", "code"), [(200, 60, 0), (300, 60, 1), (300, 600, 0)])
def test_what_is_told_by_an_agent_that_hangs_counts_for_nothing(
    agent: FakeAgent, served: str, capsys: Capture, age: float, resync: float, code: int
) -> None:
    """How old a report may be is the agent's to say: it knows how often it looks."""
    told = time.time() - age
    agent.current = replace(AS_DESIRED, time=told, max_age=Timing(resync).max_age)
    for command in ("status", "ready"):
        assert ctl(command, "--socket", served) == code
        assert ("bridged hangs" in " ".join(capsys.readouterr().out.split())) == bool(code)
    assert ctl("ready", "--json", "--socket", served) == code
    assert json.loads(capsys.readouterr().out)["ready"] is (code == 0)


def test_plan_is_numbered_and_ends_with_2(served: str, capsys: Capture) -> None:
    assert ctl("plan", "--socket", served) == 2
    out = capsys.readouterr().out
    assert "2 steps, 1 withheld" in out
    assert "1. load module kvm\n   module kvm is not loaded\n" in out
    assert "disruption: that port loses frames for a moment" in out
    assert "bridgedctl apply --allow-disruption br-lan" in out


def test_explain_asks_the_agent_and_suggests_what_was_meant(
    agent: FakeAgent, served: str, capsys: Capture
) -> None:
    agent.current = CONTENDED
    assert ctl("explain", "--socket", served, "sysctl", "net.ipv4.ip_forward") == 0
    assert "sysctl net.ipv4.ip_forward: as desired" in capsys.readouterr().out
    assert ctl("explain", "--socket", served, "port/enp13s0f3") == 2
    out = " ".join(capsys.readouterr().out.split())
    assert "port enp13s0f3: blocked" in out
    assert "NEXT correct the name in the state file, or plug the card in" in out
    assert ctl("explain", "--socket", served, "--json", "br-lan") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["as_desired"] is True
    assert document["findings"][0]["code"] == "vlan-injection"
    assert ctl("explain", "--socket", served, "br-lna") == 1
    err = capsys.readouterr().err
    assert "br-lna is not declared" in err
    assert "next: did you mean bridge/br-lan?" in err


def test_an_empty_plan_ends_with_0(agent: FakeAgent, served: str, capsys: Capture) -> None:
    agent.view = PlanView()
    assert ctl("plan", "--socket", served) == 0
    assert "nothing to do" in capsys.readouterr().out
    agent.view = PlanView(withheld=PLAN.withheld)
    assert ctl("plan", "--socket", served) == 2


def test_plan_json(served: str, capsys: Capture) -> None:
    assert ctl("plan", "--json", "--socket", served) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["actions"][0] == {
        "action": "load-module",
        "object": "module/kvm",
        "description": "load module kvm",
        "reason": "kvm is not loaded",
        "disruption": "none",
    }


def test_apply_prints_steps_and_headline(agent: FakeAgent, served: str, capsys: Capture) -> None:
    assert ctl("apply", "--allow-disruption", "br-lan", "--socket", served) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["· load module kvm", "· activate the profile of enp13s0f3"]
    assert "node1: as desired" in lines[2]
    assert agent.applied[0][0].allow_disruption == ("br-lan",)


def test_a_bridge_that_nobody_knows_is_told_where_it_is_allowed_to_be_disturbed(
    agent: FakeAgent, served: str, capsys: Capture
) -> None:
    removed = Repair(1.0, "bridge/br-old", "presence", "delete br-old", "repaired")
    agent.after = replace(AS_DESIRED, repairs=(removed,))
    for name in ("br-lan", "br-old"):
        assert ctl("apply", "--allow-disruption", name, "--socket", served) == 0
        assert "nobody" not in capsys.readouterr().out
    assert ctl("apply", "--allow-disruption", "br-lna", "--socket", served) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "--allow-disruption br-lna: nobody here is called that" in said


def test_apply_tells_what_is_still_wrong(agent: FakeAgent, served: str, capsys: Capture) -> None:
    agent.after = CONTENDED
    assert ctl("apply", "--socket", served) == 2
    assert "port enp13s0f3  blocked" in capsys.readouterr().out


def test_apply_json_keeps_steps_off_stdout(served: str, capsys: Capture) -> None:
    assert ctl("apply", "--json", "--socket", served) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["converged"] is True
    assert "load module kvm" in captured.err


def test_errors_tell_the_next_step(agent: FakeAgent, served: str, capsys: Capture) -> None:
    agent.current = None
    assert ctl("status", "--socket", served) == 1
    err = capsys.readouterr().err
    assert "first pass" in err
    assert "next: " in err


@pytest.mark.parametrize(
    "arguments", [(), ("--bogus",), ("status", "a", "b"), ("fly",), ("plan", "x")]
)
def test_wrong_usage_is_an_error_and_not_drift(arguments: tuple[str, ...], capsys: Capture) -> None:
    assert ctl(*arguments) == 1
    assert "usage: bridgedctl" in capsys.readouterr().err


def test_help_and_version_end_with_0(capsys: Capture) -> None:
    assert ctl("--help") == 0
    assert "exit codes: 0 as desired, 1 error, 2 " in " ".join(capsys.readouterr().out.split())
    assert ctl("--version") == 0
    assert capsys.readouterr().out.startswith("bridgedctl ")


# ---------------------------------------------------------------------- no agent, or a sick one


class Once:
    """Stands for the work done without an agent."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def status(self, state: str) -> Any:
        self.asked.append(state)
        return as_json(replace(DRIFTING, agent=False))

    def plan(self, state: str) -> Any:
        self.asked.append(state)
        return {"actions": [], "withheld": []}

    def explain(self, state: str, text: str) -> Any:
        self.asked.append((state, text))
        report = replace(DRIFTING, agent=False)
        return explanation_as_json(explain(State(version=1), Host(), report, text))

    def apply(self, state: str, control: str, allowed: list[str], progress: Any) -> Any:
        self.asked.append((state, allowed))
        progress("load module kvm")
        return as_json(replace(AS_DESIRED, agent=False))


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> Once:
    stand_in = Once()
    monkeypatch.setattr("bridged.cli.commands._local", lambda: stand_in)
    return stand_in


def test_without_an_agent_we_look_ourselves_and_say_so(
    once: Once, path: str, capsys: Capture
) -> None:
    assert ctl("status", "--socket", path) == 2
    out = capsys.readouterr().out
    assert "bridged is not running: this is a look of my own" in " ".join(out.split())[:80]
    assert "systemctl start bridged" in " ".join(out.split())
    assert once.asked == ["/etc/bridged/state.yaml"]
    assert ctl("plan", "--socket", path, "--state", "/tmp/s.yaml") == 0
    assert "look of my own" in capsys.readouterr().out
    assert ctl("apply", "--socket", path, "--allow-disruption", "br-lan") == 0
    out = capsys.readouterr().out
    assert "nothing keeps it so" in out
    assert "load module kvm" in out
    assert once.asked[-1] == ("/etc/bridged/state.yaml", ["br-lan"])


def test_explain_without_an_agent_looks_itself(once: Once, path: str, capsys: Capture) -> None:
    assert ctl("explain", "--socket", path, "br-dmz") == 2
    out = " ".join(capsys.readouterr().out.split())
    assert "look of my own" in out
    assert "systemctl start bridged keeps it so" in out


def test_in_json_the_note_is_not_on_stdout(once: Once, path: str, capsys: Capture) -> None:
    assert ctl("status", "--json", "--socket", path) == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["agent"] is False
    assert "not running" in captured.err


def test_a_socket_that_a_dead_agent_left_counts_as_none(
    once: Once, path: str, capsys: Capture
) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    assert ctl("status", "--socket", path) == 2
    assert "not running" in capsys.readouterr().out


def test_another_state_file_is_looked_at_by_ourselves(
    once: Once, served: str, capsys: Capture
) -> None:
    assert ctl("plan", "--socket", served, "--state", "/tmp/new.yaml") == 0
    assert "bridged keeps /etc/bridged/state.yaml: this is a look" in capsys.readouterr().out
    assert once.asked == ["/tmp/new.yaml"]
    assert ctl("plan", "--socket", served, "--state", STATE.path) == 2
    assert once.asked == ["/tmp/new.yaml"]
    assert ctl("apply", "--socket", served, "--state", "/tmp/new.yaml") == 1
    assert "systemctl stop bridged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "seconds"), [("60", 60.0), ("60s", 60.0), ("5m", 300.0), ("10m", 600.0)]
)
def test_a_trial_takes_a_time(agent: FakeAgent, served: str, text: str, seconds: float) -> None:
    assert ctl("apply", "--socket", served, "--confirm", text) == 0
    assert agent.applied[0][0].confirm == seconds


@pytest.mark.parametrize("text", ["", "0", "-1", "11m", "1h", "soon", "1.5"])
def test_what_is_no_time_is_refused(agent: FakeAgent, served: str, text: str) -> None:
    assert ctl("apply", "--socket", served, f"--confirm={text}") == 1
    assert agent.applied == []


def on_trial(candidate: Path, target: Path) -> StateFileReport:
    """What an agent tells of a candidate that it tries."""
    candidate.write_text("version: 1\nmodules: [kvm]\n")
    tried = load(candidate).hash
    return StateFileReport(str(target), True, tried, 1.0, "trial", trial=str(candidate))


def test_a_confirmed_candidate_takes_the_state_files_place(
    agent: FakeAgent, served: str, tmp_path: Path, capsys: Capture
) -> None:
    """The former file stays beside it; what was tried is what counts when the trial ends."""
    target, candidate = tmp_path / "state.yaml", tmp_path / "new.yaml"
    target.write_text("old")
    trial = on_trial(candidate, target)
    agent.current = replace(AS_DESIRED, state=trial, confirm_by=time.time() + 60)
    agent.waiting = True
    assert ctl("confirm", "--socket", served) == 0
    assert target.read_text() == candidate.read_text()
    assert (tmp_path / "state.yaml.before").read_text() == "old"
    assert agent.ended == ["confirm"]


def test_a_state_file_that_is_a_link_stays_one(
    agent: FakeAgent, served: str, tmp_path: Path, capsys: Capture
) -> None:
    """It leads to where a configuration tool keeps it, and what it leads to is what was tried."""
    kept, target, candidate = (tmp_path / name for name in ("kept.yaml", "state.yaml", "new.yaml"))
    kept.write_text("old")
    target.symlink_to("kept.yaml")
    trial = on_trial(candidate, target)
    agent.current = replace(AS_DESIRED, state=trial, confirm_by=time.time() + 60)
    agent.waiting = True
    assert ctl("confirm", "--socket", served) == 0
    assert target.is_symlink()
    assert kept.read_text() == candidate.read_text()
    assert (tmp_path / "state.yaml.before").read_text() == "old"


@pytest.mark.parametrize("text", ["version: 1\nmodules: []\n", "version: 1\nmodules: [kv", None])
def test_a_candidate_that_changed_while_it_was_tried_is_not_confirmed(
    agent: FakeAgent, served: str, tmp_path: Path, capsys: Capture, text: str | None
) -> None:
    target, candidate = tmp_path / "state.yaml", tmp_path / "new.yaml"
    target.write_text("old")
    agent.current = replace(AS_DESIRED, state=on_trial(candidate, target))
    agent.waiting = True
    candidate.unlink()
    if text is not None:
        candidate.write_text(text)
    assert ctl("confirm", "--socket", served) == 1
    assert (target.read_text(), agent.ended) == ("old", [])
    assert "has changed since it was tried" in capsys.readouterr().err


def test_a_candidate_that_was_taken_back_meanwhile_leaves_the_state_file(
    agent: FakeAgent, served: str, tmp_path: Path, capsys: Capture
) -> None:
    target, candidate = tmp_path / "state.yaml", tmp_path / "new.yaml"
    target.write_text("old")
    trial = on_trial(candidate, target)
    agent.current = replace(AS_DESIRED, state=trial)
    assert ctl("confirm", "--socket", served) == 1
    assert target.read_text() == "old"
    assert "their time is over" in capsys.readouterr().err


def test_applying_without_an_agent_needs_root_and_the_lock(
    path: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridged.cli import local

    def apply(state: str, allowed: frozenset[str], progress: Any, run: Path) -> Any:
        raise WorldError("failed", "applied")

    monkeypatch.setattr(local, "once", SimpleNamespace(apply=apply))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert ctl("apply", "--socket", path) == 1
    assert "sudo bridgedctl apply" in capsys.readouterr().err
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert ctl("apply", "--socket", path) == 1
    assert "applied" in capsys.readouterr().err
    holder = subprocess.Popen(
        ["flock", f"{path}.lock", "sh", "-c", "echo held; sleep 30"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert ctl("apply", "--socket", path) == 1
        assert "another bridged runs" in capsys.readouterr().err
    finally:
        os.killpg(holder.pid, 9)
        holder.communicate()


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_who_may_not_is_told_about_sudo_and_the_group(agent: FakeAgent, served: str) -> None:
    os.chmod(Path(served).parent, 0o755)
    os.chmod(served, 0o600)
    code = (
        "from bridged.cli.client import Failure, ask\n"
        f"try: ask({served!r}, 'status')\n"
        "except Failure as failure: print(failure.message, failure.remedy)"
    )
    # Modules are imported before the rights are dropped: the checkout may be root's alone.
    code = f"import bridged.cli.client, os; os.setgroups([]); os.setuid(65534)\n{code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "you may not talk to bridged" in done.stdout
    assert "use sudo, or join the group bridged" in done.stdout


def test_an_agent_that_hangs_is_told_from_one_that_is_not_there(
    path: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridged.cli import client, commands

    def quick(*arguments: Any, **options: Any) -> Any:
        return client.ask(*arguments, **{**options, "timeout": 0.2})

    monkeypatch.setattr(commands, "ask", quick)
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(path)
        hung.listen()
        assert ctl("status", "--socket", path) == 1
    err = capsys.readouterr().err
    assert "has not answered within" in err
    assert "systemctl restart bridged" in err


@contextmanager
def answering(path: str, answer: bytes) -> Iterator[None]:
    """A socket on which one request gets this answer, whatever it asks."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


@pytest.mark.parametrize(
    "arguments",
    [("status",), ("plan",), ("explain", "br-lan"), ("history",), ("resume",), ("apply",)],
    ids=lambda arguments: arguments[0],
)
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.0 400 Bad\r\n",
        b"[]\n",
        b"{}\n",
        b"[" * 100_000 + b"\n",
        b'{"error": {}}\n',
        b'{"result": null}\n',
        b'{"result": []}\n',
        b'{"result": {"objects": []}}\n',
    ],
    ids=lambda answer: answer[:24].decode(),
)
def test_an_answer_that_is_none_is_an_error(
    path: str, capsys: Capture, answer: bytes, arguments: tuple[str, ...]
) -> None:
    with answering(path, answer):
        assert ctl(*arguments, "--socket", path) == 1
    words = capsys.readouterr().err
    assert words.startswith("bridgedctl: ")
    assert len(words.splitlines()[0]) > 30


@pytest.mark.parametrize("field", [field.name for field in fields(Explanation)])
def test_an_explanation_of_another_version_is_shown_or_refused(
    path: str, capsys: Capture, field: str
) -> None:
    """Whatever is not in it: never a traceback."""
    document = explanation_as_json(Explanation("sysctl", "x", 1.0, True, "converged"))
    del document[field]
    with answering(path, json.dumps({"result": document}).encode() + b"\n"):
        code = ctl("explain", "x", "--socket", path)
    told = capsys.readouterr()
    assert code == 0 or "another version" in told.err


# ---------------------------------------------------------------------- validate and schema


def test_validate(tmp_path: Path, capsys: Capture) -> None:
    good = tmp_path / "good.yaml"
    good.write_text("version: 1\nbridges:\n  br-lan: {ports: [enp13s0f0]}\nmodules: [kvm]\n")
    assert ctl("validate", str(good)) == 0
    assert "valid, 1 bridge, 1 port, 1 module, 0 sysctls" in capsys.readouterr().out
    bad = tmp_path / "bad.yaml"
    bad.write_text("version: 1\nbridges:\n  br-lan: {prots: [enp13s0f0]}\n")
    assert ctl("validate", str(bad)) == 1
    captured = capsys.readouterr()
    assert f"{bad}:3:12: " in captured.out
    assert "^" in captured.out
    assert "1 problem" in captured.err
    assert ctl("validate", "--state", str(bad)) == 1


def test_schemas_are_printed(capsys: Capture) -> None:
    assert ctl("schema") == 0
    assert "bridges" in json.loads(capsys.readouterr().out)["properties"]
    assert ctl("schema", "--status") == 0
    assert "converged" in json.loads(capsys.readouterr().out)["properties"]


# ---------------------------------------------------------------------- as a process


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bridged.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, **options)


HEAVY = (
    "pydantic",
    "pydbus",
    "gi",
    "pyroute2",
    "watchfiles",
    "prometheus_client",
    "structlog",
    "yaml",
    "asyncio",
    "dataclasses",
    "inspect",
    "logging",
    "subprocess",
    "importlib.metadata",
)


@pytest.mark.parametrize(
    "arguments", [("status",), ("status", "--json"), ("plan",), ("explain", "br-lan")]
)
def test_nothing_heavy_is_imported(served: str, arguments: tuple[str, ...]) -> None:
    code = (
        "import sys; from bridged.cli.main import main\n"
        f"code = main({['--socket', served, *arguments]!r})\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout
    assert done.stderr.strip() == ""


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "utf-8"])
def test_every_encoding_gets_a_page(agent: FakeAgent, served: str, encoding: str) -> None:
    agent.current = replace(CONTENDED, hostname="knoten-ä")
    environ = {**os.environ, "PYTHONIOENCODING": encoding}
    done = run("status", "--socket", served, env=environ, encoding=encoding)
    assert done.returncode == 2
    assert done.stderr == ""
    assert ("✗" in done.stdout) == (encoding == "utf-8")


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")
def test_a_reader_that_has_seen_enough_is_no_traceback(served: str) -> None:
    command = f"{sys.executable} -m bridged.cli.main status --json --socket {served} | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert done.stdout == "{\n"
    assert done.stderr == ""
