"""pause, resume, history and status --watch against a control server on a real socket."""

import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridged.cli.changes import changes
from bridged.cli.main import main
from bridged.cli.terminal import Terminal
from bridged.cli.watch import Watcher, page
from bridged.history import NAME, Entry
from bridged.report import Repair, Report, as_json
from bridged.serve.control import ControlServer
from bridged.telling.words import duration
from tests.unit.serve.reports import (
    AS_DESIRED,
    BROKEN,
    CONTENDED,
    DRIFTING,
    NOW,
    PAUSED,
    STP,
    FakeAgent,
)

Capture = pytest.CaptureFixture[str]

ENTRIES = (
    Entry(
        NOW - 7200, "port/enp13s0f3", "bridge", "activate", "failed", "br-dmz", error="no device"
    ),
    Entry(NOW - 600, "node", "firmware", "paused by alice", "paused"),
    Entry(
        NOW - 180, "bridge/br-lan", "stp", "set br_stp_state=0", "repaired", "br-lan", latency=0.012
    ),
    Entry(NOW - 40, "sysctl/x", "value", "write 1 to x", "repaired", count=12),
)


@pytest.fixture
def agent() -> FakeAgent:
    made = FakeAgent()
    made.entries = ENTRIES
    return made


@pytest.fixture
def path() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as name:
        yield f"{name}/control.sock"


@pytest.fixture
def served(agent: FakeAgent, path: str) -> Iterator[str]:
    server = ControlServer(agent, path)
    server.start()
    with capture_logs():
        yield path
    server.stop()


def ctl(*arguments: str) -> int:
    try:
        return main(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)


# ------------------------------------------------------------------ pause and resume


def test_a_pause_is_asked_for_with_its_reason_and_told_back(
    agent: FakeAgent, served: str, capsys: Capture
) -> None:
    arguments = (
        "pause",
        "--socket",
        served,
        "--for",
        "1h30m",
        "--reason",
        " new\tswitch ",
        "br-lan",
    )
    assert ctl(*arguments) == 0
    [pause] = agent.paused
    assert (pause.bridge, pause.until - pause.begun, pause.reason) == ("br-lan", 5400, "new switch")
    assert pause.by, "who asked is told by the kernel, not by the client"
    out = capsys.readouterr().out
    assert "new switch" in out
    assert "bridgedctl resume br-lan" in out
    assert ctl("resume", "--socket", served) == 0
    assert ctl("resume", "--socket", served) == 1
    assert "nothing is paused" in capsys.readouterr().err
    assert ctl("resume", "br-lna", "--socket", served) == 1
    assert "no pause of br-lna is in force" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--for", "30m"), "--reason"),
        (("--reason", "x"), "--for"),
        (("--for", "25h", "--reason", "x"), "24 h at most"),
        (("--for", "soon", "--reason", "x"), "is not a time such as"),
        (("--for", "0", "--reason", "x"), "is not a time such as"),
        (("--for", "30m", "--reason", " "), "needs a reason"),
        (("--for", "30m", "--reason", "x" * 400), "1 to 300 characters"),
    ],
)
def test_a_pause_without_end_or_reason_is_refused(
    agent: FakeAgent, served: str, capsys: Capture, arguments: tuple[str, ...], said: str
) -> None:
    assert ctl("pause", "--socket", served, *arguments) == 1
    assert said in capsys.readouterr().err
    assert agent.paused == ()


@pytest.mark.parametrize("command", [("pause", "--for", "1m", "--reason", "x"), ("resume",)])
def test_without_an_agent_the_next_step_is_told(
    path: str, capsys: Capture, command: tuple[str, ...]
) -> None:
    assert ctl(*command, "--socket", path) == 1
    assert "next: start it with: systemctl start bridged" in capsys.readouterr().err


def test_a_pause_is_the_first_thing_that_status_says(
    agent: FakeAgent, served: str, capsys: Capture
) -> None:
    agent.current = PAUSED
    assert ctl("status", "--socket", served) == 2
    out = capsys.readouterr().out
    assert "paused for another" in out.splitlines()[0]
    assert "by root: firmware update" in out
    assert "not plugged back in" in out


def test_spans() -> None:
    assert [duration(text) for text in ("90", "90s", "30m", "1h30m", "2d", "1w")] == [
        90,
        90,
        1800,
        5400,
        172800,
        604800,
    ]
    assert {duration(text) for text in ("", "m", "-1m", "1.5h", "1y", "1h 30m", "٣m")} == {None}


# ------------------------------------------------------------------ history


def test_history_newest_first_with_cause_action_latency_and_end(
    served: str, capsys: Capture
) -> None:
    assert ctl("history", "--socket", served) == 0
    out = capsys.readouterr().out
    assert out.index("sysctl x") < out.index("bridge br-lan") < out.index("port enp13s0f3")
    assert "repaired in 12 ms" in out
    assert "stp drifted: set br_stp_state=0" in out
    assert "could not be repaired" in out
    assert "failed: no device" in out
    assert "12 times" in out
    assert "paused by alice: firmware" in out


def test_history_of_one_object_and_of_the_last_few(served: str, capsys: Capture) -> None:
    assert ctl("history", "br-dmz", "--socket", served, "--json") == 0
    found = json.loads(capsys.readouterr().out)["entries"]
    assert [entry["object"] for entry in found] == ["port/enp13s0f3", "node"]
    assert ctl("history", "-n", "1", "--socket", served) == 0
    out = capsys.readouterr().out
    assert "sysctl x" in out
    assert "earlier ones" in out
    assert "br-lan" not in out


def test_history_is_read_from_disk_where_no_agent_runs(
    path: str, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / NAME).write_bytes(b"".join(entry.line() for entry in ENTRIES) + b'{"time":')
    assert ctl("history", "--socket", path, "--state-dir", str(tmp_path)) == 0
    assert "stp drifted" in capsys.readouterr().out
    assert ctl("history", "x", "--socket", path, "--state-dir", str(tmp_path / "none")) == 0
    assert "no repair of x is known" in capsys.readouterr().out


# ------------------------------------------------------------------ watching


def lines(before: Report, after: Report) -> list[str]:
    return [change.line() for change in changes(as_json(before), as_json(after))]


def test_what_changed_is_a_line_each() -> None:
    assert lines(AS_DESIRED, AS_DESIRED) == []
    assert "bridge br-dmz: as desired -> drift: differs in stp, mtu" in lines(AS_DESIRED, DRIFTING)
    repaired = replace(AS_DESIRED, repairs=(STP, replace(STP, time=NOW, latency=0.02)))
    assert lines(AS_DESIRED, repaired) == [
        "bridge br-lan: repaired in 20 ms: stp drifted; set br_stp_state=0 on br-lan"
    ]
    assert any("contended" in line for line in lines(AS_DESIRED, CONTENDED))
    assert any("state file cannot be used" in line for line in lines(AS_DESIRED, BROKEN))
    assert any("paused for another 30 min by root" in line for line in lines(AS_DESIRED, PAUSED))
    assert "the pause is over" in lines(PAUSED, AS_DESIRED)


def test_an_agent_that_goes_and_comes_is_told_once_each(agent: FakeAgent, path: str) -> None:
    watcher = Watcher(path, None)
    assert "not running" in watcher.look()[0].text
    assert watcher.look() == []
    with capture_logs():
        server = ControlServer(agent, path)
        server.start()
        texts = [change.text for change in watcher.look()]
        assert texts[0].startswith("bridged is there again")
        assert texts[1].startswith("node1: as desired")
        server.stop()
        assert [change.event for change in watcher.look()] == ["agent"]
        assert watcher.look() == []
        rows = page(watcher, [], NOW, Terminal(60), None, 30)
        assert rows[0].startswith("! bridged is not running; it is waited for")
        assert any("what follows was so at" in row for row in rows)
        server = ControlServer(agent, path)
        server.start()
        assert watcher.look()[0].text.startswith("bridged is there again")
        server.stop()


@pytest.mark.parametrize("report", [AS_DESIRED, CONTENDED, BROKEN, PAUSED])
@pytest.mark.parametrize(("width", "height"), [(30, 10), (44, 24), (100, 40), (200, 60)])
def test_a_page_fits_its_terminal(report: Report, width: int, height: int) -> None:
    watcher = Watcher("", None)
    watcher.document = as_json(report)
    recent = changes(as_json(AS_DESIRED), as_json(CONTENDED)) * 5
    rows = page(watcher, recent, NOW, Terminal(width, colour=False), None, height)
    assert len(rows) <= height
    assert any(row.startswith("CHANGES") for row in rows)


@contextmanager
def run_watch(served: str, **options: Any) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "bridged.cli.main", "status", "--watch", "--socket", served]
    # Who runs the tests in the background has them started with Ctrl-C ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, text=True, **options) as process:
        signal.signal(signal.SIGINT, before)
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_a_pipe_there_is_a_line_per_change_and_a_clean_end(
    agent: FakeAgent, served: str, number: signal.Signals
) -> None:
    with run_watch(served, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "node1: as desired" in process.stdout.readline()
        agent.current = DRIFTING
        assert "as desired -> drift" in process.stdout.readline()
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""


def test_a_reader_who_leaves_ends_it_though_nothing_changes(served: str) -> None:
    """`bridgedctl status --watch | head -1` on a node where all is well."""
    with run_watch(served, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(10) == 0
        assert process.stderr.read() == ""


def test_on_a_terminal_it_draws_on_a_page_of_its_own_and_gives_it_back(served: str) -> None:
    master, slave = pty.openpty()
    environ = {**os.environ, "TERM": "xterm"}
    with run_watch(served, stdin=slave, stdout=slave, stderr=slave, env=environ) as process:
        os.close(slave)
        seen = b""
        deadline = time.monotonic() + 10
        while b"CHANGES" not in seen and time.monotonic() < deadline:
            seen += os.read(master, 65536)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        seen += os.read(master, 65536)
    os.close(master)
    assert seen.index(b"\x1b[?1049h") < seen.index(b"node1: as desired")
    assert seen.rstrip().endswith(b"\x1b[?1049l")
    assert b"\x1b[?25h" in seen
    assert seen.index(b"\x1b[?7l") < seen.index(b"node1: as desired") < seen.index(b"\x1b[?7h")


def test_a_bridge_that_is_not_declared_is_refused_with_those_that_are(
    served: str, capsys: Capture
) -> None:
    assert ctl("status", "br-lam", "--watch", "--socket", served) == 1
    assert "there are br-lan" in capsys.readouterr().err


def test_a_bridge_that_is_taken_out_and_comes_back(agent: FakeAgent, served: str) -> None:
    watcher = Watcher(served, "br-dmz")
    assert watcher.look()[0].text.startswith("br-dmz on node1: as desired")
    agent.current = replace(
        AS_DESIRED, objects=tuple(o for o in AS_DESIRED.objects if o.bridge != "br-dmz")
    )
    assert [change.text for change in watcher.look()] == [
        "br-dmz is no longer declared; it is waited for"
    ]
    assert watcher.look() == []
    agent.current = AS_DESIRED
    assert [change.text for change in watcher.look()] == ["br-dmz is there again, after 0 s"]


def test_guests_that_were_plugged_back_in_are_told_to_who_watches_their_bridge(
    agent: FakeAgent, served: str
) -> None:
    watcher = Watcher(served, "br-lan")
    watcher.look()
    back = Repair(NOW, "guests/br-lan", "bridge", "plug vnet0 into br-lan", "repaired")
    agent.current = replace(AS_DESIRED, repairs=(*AS_DESIRED.repairs, back))
    assert "plug vnet0 into br-lan" in " ".join(change.text for change in watcher.look())


def test_watching_another_state_file_is_refused(
    served: str, tmp_path: Path, capsys: Capture
) -> None:
    other = str(tmp_path / "other.yaml")
    assert ctl("--state", other, "status", "--watch", "--socket", served) == 1
    err = capsys.readouterr().err
    assert "bridged runs and keeps /etc/bridged/state.yaml; --watch asks nobody else" in err
    assert f"next: bridgedctl --state {other} status looks there, once" in err
