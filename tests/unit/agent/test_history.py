"""The history on disk: whole after anything, bounded, and never in the way of a repair."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridged.agent import history as module
from bridged.agent.history import History
from bridged.history import NAME, OLDER, Entry, Wanted, read, select
from bridged.report import PauseReport, Repair
from tests.twins.machine import Clock, reference_machine
from tests.twins.source import engine
from tests.unit.reference import state


def repair(number: int, name: str = "bridge/br-lan", outcome: str = "repaired") -> Repair:
    return Repair(
        1_000_000.0 + number,
        name,
        f"stp{number}",
        "set br_stp_state=0",
        outcome,  # type: ignore[arg-type]
        latency=0.012,
    )


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    made = History(tmp_path, Clock())
    made.start()
    yield made
    made.close()


def wait_for(history: History, directory: Path, number: int) -> list[Entry]:
    deadline = time.monotonic() + 5
    while len(list(read(directory))) < number and time.monotonic() < deadline:
        time.sleep(0.005)
    return list(read(directory))


def test_what_was_repaired_outlives_the_agent(history: History, tmp_path: Path) -> None:
    history.repair(repair(1), "br-lan")
    history.close()
    [entry] = History(tmp_path).select(Wanted())
    assert (entry.object, entry.cause, entry.bridge) == ("bridge/br-lan", "stp1", "br-lan")
    assert entry.latency == 0.012


def test_the_engine_tells_every_repair_with_its_bridge() -> None:
    machine = reference_machine()
    made = engine(machine, state())
    history = History(None)
    made.books.on_repair = history.repair
    made.run_pass()
    machine.clock.advance(600)
    machine.kernel.unplug("enp13s0f0")
    made.run_pass()
    last = history.select(Wanted(object="br-lan"))[-1]
    assert (last.object, last.bridge, last.outcome) == ("port/enp13s0f0", "br-lan", "repaired")


def test_a_torn_last_line_costs_that_line_only(history: History, tmp_path: Path) -> None:
    """The power failed while it was written."""
    history.repair(repair(1), "")
    wait_for(history, tmp_path, 1)
    with (tmp_path / NAME).open("ab") as file:
        file.write(repair_line()[:40])
    assert len(list(read(tmp_path))) == 1
    history.repair(repair(2), "")
    assert [e.cause for e in wait_for(history, tmp_path, 2)] == ["stp1", "stp2"]


def repair_line() -> bytes:
    return Entry(1.0, "bridge/br-lan", "stp", "set", "repaired").line()


@pytest.mark.parametrize(
    "line",
    [b"", b"\0" * 50, b"[]", b"{}", b"null", b"[" * 100_000, b"\xff\xfe", repair_line()[:-9]],
)
def test_rubbish_in_the_file_is_passed_over(tmp_path: Path, line: bytes) -> None:
    (tmp_path / NAME).write_bytes(line + b"\n" + repair_line())
    assert len(list(read(tmp_path))) == 1


@pytest.mark.parametrize(
    ("moment", "number"), [("9" * 400, "1"), ("1e300", "1"), ("-1e300", "1"), ("1", "Infinity")]
)
def test_numbers_that_are_none_cost_that_line_only(
    tmp_path: Path, moment: str, number: str
) -> None:
    fields = '"object":"a/b","cause":"c","action":"d","outcome":"repaired"'
    line = f'{{"time":{moment},"count":{number},{fields}}}\n'
    (tmp_path / NAME).write_bytes(line.encode() + Entry(1.0, "a/b", "c", "d", "failed").line())
    assert [entry.outcome for entry in read(tmp_path)] == ["failed"]


def test_a_fifo_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    assert list(read(tmp_path)) == []
    with pytest.raises(OSError, match="Invalid argument"):
        module._append(tmp_path, b"x" * 100_000)  # more than it holds


def test_it_never_takes_more_than_two_files_of_a_megabyte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 10_000)
    history = History(tmp_path)
    history.start()
    for number in range(400):
        history.repair(repair(number), "")
        if number % 20 == 0:
            wait_for(history, tmp_path, 1)
            time.sleep(0.005)
    history.close()
    assert {path.name for path in tmp_path.iterdir()} == {NAME, OLDER}
    for path in tmp_path.iterdir():
        assert path.stat().st_size <= 20_000
    kept = list(read(tmp_path))
    assert kept[-1].cause == "stp399"
    assert [e.time for e in kept] == sorted(e.time for e in kept)


def test_many_of_the_same_are_counted_and_no_number_is_lost() -> None:
    """A contest of an hour is a few lines, and the first ones are there one by one."""
    history = History(None)
    for second in range(0, 3600, 10):
        history.repair(
            Repair(1e6 + second, "sysctl/x", "value", "write 1 to x", "repaired", latency=0.01), ""
        )
    history.repair(Repair(1e6 + 9000, "port/a", "bridge", "plug", "repaired"), "")
    entries = history.select(Wanted(object="sysctl/x"))
    assert sum(entry.count for entry in entries) == 360
    assert len(entries) < 45
    assert [entry.count for entry in entries[:5]] == [1] * 5


def test_a_full_or_read_only_disk_is_told_once_and_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY", 0.02)
    gone = tmp_path / "gone"
    history = History(gone)
    with capture_logs() as logs:
        history.start()
        for number in range(5):
            history.repair(repair(number), "")
        deadline = time.monotonic() + 5
        while not history.findings() and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(0.1)
        [finding] = history.findings()
        assert (finding.code, "tried again" in finding.remedy) == ("history-not-kept", True)
        assert len(history.select(Wanted())) == 5, "shown from memory meanwhile"
        gone.mkdir()
        assert len(wait_for(history, gone, 5)) == 5
        history.close()
    assert history.findings() == ()
    assert [log["event"] for log in logs] == ["history_not_kept", "history_kept_again"]


def test_a_write_that_fails_halfway_leaves_whole_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full after half of it."""
    history = History(tmp_path)
    history.repair(repair(1), "")
    assert history._write()
    real = os.write
    monkeypatch.setattr(module.os, "write", lambda file, data: real(file, data[:30]))
    history.repair(repair(2), "")
    assert not history._write()
    assert (tmp_path / NAME).read_bytes().count(b"\n") == 1
    monkeypatch.undo()
    assert history._write()
    assert [e.cause for e in read(tmp_path)] == ["stp1", "stp2"]


def test_what_is_wanted() -> None:
    entries = [
        Entry(10, "port/eno1", "bridge", "plug", "repaired", bridge="br-lan"),
        Entry(20, "sysctl/net.ipv4.ip_forward", "value", "write", "repaired"),
        Entry(30, "node", "firmware", "paused by alice", "paused"),
        Entry(40, "bridge/br-lan", "stp", "set", "failed", bridge="br-lan", error="busy"),
        Entry(50, "module/br_netfilter", "state", "load", "repaired"),
    ]

    def times(**wanted: object) -> list[float]:
        return [e.time for e in select(entries, Wanted(**wanted))]  # type: ignore[arg-type]

    assert times() == [10, 20, 30, 40, 50]
    assert times(object="br-lan") == [10, 30, 40], "with its ports, and the node's pause"
    assert times(object="bridge/br-lan") == [30, 40]
    for name in ("net.ipv4.ip_forward", "net/ipv4/ip_forward", "/proc/sys/net/ipv4/ip_forward"):
        assert times(object=name) == times(object=f"sysctl/{name}") == [20, 30]
    assert times(object="br-netfilter") == times(object="module/br_netfilter") == [30, 50]
    assert times(since=20, limit=2) == [40, 50]


def test_pauses_are_in_it() -> None:
    history = History(None, Clock(5.0))
    history.pause(True, PauseReport("br-lan", 5, 65, "new switch", "alice"), "alice")
    history.pause(False, PauseReport("", 5, 65, "x", "alice"), "")
    first, second = history.select(Wanted())
    assert (first.object, first.outcome, first.action) == (
        "bridge/br-lan",
        "paused",
        "paused by alice",
    )
    assert (second.object, second.outcome, second.action) == (
        "node",
        "resumed",
        "its time is over",
    )
