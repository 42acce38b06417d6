"""What journald, files and terminals get of an event."""

import array
import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bridged.agent import journal
from bridged.agent.logs import configure

Capture = pytest.CaptureFixture[str]


class Journald:
    """The receiving end: takes entries apart as the protocol says."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(5)

    def entry(self) -> dict[str, str]:
        data, ancillary, _, _ = self.socket.recvmsg(1 << 20, socket.CMSG_SPACE(4))
        for _, _, raw in ancillary:
            file = array.array("i", raw)[0]
            os.lseek(file, 0, os.SEEK_SET)
            with open(file, "rb") as stream:
                data = stream.read()
        found = {}
        while data:
            head, _, data = data.partition(b"\n")
            name, equals, value = head.partition(b"=")
            if not equals:
                length = struct.unpack("<Q", data[:8])[0]
                value, data = data[8 : 8 + length], data[9 + length :]
            found[name.decode()] = value.decode()
        return found

    def log(self) -> structlog.typing.FilteringBoundLogger:
        """A log that goes here as a service's does."""
        status = os.fstat(sys.stderr.fileno())
        configure("info", {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
        log: structlog.typing.FilteringBoundLogger = structlog.get_logger("bridged")
        return log


@pytest.fixture
def journald(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Capture) -> Iterator[Journald]:
    made = Journald(tmp_path / "socket")
    monkeypatch.setattr(journal, "SOCKET", str(tmp_path / "socket"))
    yield made
    made.socket.close()


def test_every_key_is_a_field_and_the_message_reads_by_itself(
    journald: Journald, capfd: Capture
) -> None:
    made, log = journald, journald.log()
    log.info(
        "repaired",
        object="bridge/br-lan",
        cause="stp",
        action="set br_stp_state=0 on br-lan",
        outcome="repaired",
        duration="0.012s",
    )
    entry = made.entry()
    assert entry["EVENT"] == entry["OUTCOME"] == "repaired"
    assert entry["OBJECT"] == "bridge/br-lan"
    assert entry["CAUSE"] == "stp"
    assert entry["ACTION"] == "set br_stp_state=0 on br-lan"
    assert entry["DURATION"] == "0.012s"
    assert (entry["PRIORITY"], entry["SYSLOG_IDENTIFIER"]) == ("6", "bridged")
    assert entry["MESSAGE"].startswith("repaired object=bridge/br-lan cause=stp action=")
    assert capfd.readouterr().err == ""


def test_a_level_is_a_priority_and_below_the_wanted_one_is_silence(journald: Journald) -> None:
    made, log = journald, journald.log()
    log.debug("never")
    log.warning("blocked", object="port/eno1")
    log.error("cannot_start")
    assert [made.entry()["PRIORITY"] for _ in range(2)] == ["4", "3"]


def test_line_ends_and_lengths_survive_and_no_key_takes_the_place_of_ours(
    journald: Journald,
) -> None:
    made, log = journald, journald.log()
    log.info("told", message="one\nMESSAGE=two", priority=0, **{"9 odd-key": "x", "big": "b" * 500})
    entry = made.entry()
    assert entry["MESSAGE"].startswith("told ")
    assert entry["PRIORITY"] == "6"
    assert entry["BRIDGED_MESSAGE"] == "one\nMESSAGE=two"
    assert entry["ODD_KEY"] == "x"


def test_what_is_too_long_for_a_datagram_arrives(journald: Journald) -> None:
    made, log = journald, journald.log()
    log.info("told", reason="x" * 3_000_000)
    assert len(made.entry()["REASON"]) == 3_000_000


def test_a_traceback_is_one_entry(journald: Journald) -> None:
    made, log = journald, journald.log()
    try:
        raise ValueError("odd")
    except ValueError:
        log.exception("pass_failed")
    entry = made.entry()
    assert entry["PRIORITY"] == "3"
    assert "ValueError: odd" in entry["MESSAGE"]
    assert "\n<3>" not in entry["MESSAGE"]


def test_without_journald_the_lines_go_to_our_output(journald: Journald, capfd: Capture) -> None:
    made, log = journald, journald.log()
    made.socket.close()
    log.warning("blocked", object="port/eno1")
    assert capfd.readouterr().err == "<4>blocked object=port/eno1\n"


def test_a_journald_that_hangs_holds_nothing_up(
    journald: Journald, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_PATIENCE", 0.001)
    log = journald.log()
    for _ in range(int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text()) + 3):
        log.info("told")
    assert capfd.readouterr().err == ""


def test_an_inherited_variable_is_not_believed(capfd: Capture) -> None:
    """Started by hand from a service: what is written goes elsewhere."""
    configure("info", {"JOURNAL_STREAM": "8:1"})
    structlog.get_logger("bridged").info("repaired", object="bridge/br-lan")
    line = capfd.readouterr().err
    assert line.endswith(" repaired object=bridge/br-lan\n")
    assert not line.startswith("<")
