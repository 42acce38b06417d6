"""What the daemon's unit does not allow is asked of systemd, and what came of it is looked at."""

import os
from pathlib import Path

import pytest

from bridged import beyond
from bridged.apply.outside import Failed, rehearse

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def sandboxed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place where /var is read-only and a systemd-run that runs the command and tells of it."""
    program = tmp_path / "bin/systemd-run"
    program.parent.mkdir()
    log = tmp_path / "asked"
    program.write_text(
        f'#!/bin/sh\necho "$@" >>{log}\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(beyond, "PATH", os.environ["PATH"])
    monkeypatch.setattr("bridged.apply.outside._ENVIRONMENT", {"PATH": os.environ["PATH"]})
    monkeypatch.setattr(beyond, "can_ask", lambda: True)
    monkeypatch.setattr(beyond, "confined", lambda: True)
    return log


def test_a_rehearsal_is_run_by_systemd_and_its_words_and_code_are_its_own(sandboxed: Path) -> None:
    assert rehearse(["sh", "-c", "echo $LC_ALL word"], 30, {"LC_ALL": "C"}) == "C word\n"
    asked = sandboxed.read_text()
    assert "--pipe" in asked
    assert "--property=RuntimeMaxSec=30" in asked
    with pytest.raises(Failed, match="sh: no such package") as caught:
        rehearse(["sh", "-c", "echo no such package >&2; exit 100"], 30)
    assert caught.value.code == 100


def test_without_the_sandbox_it_is_a_child(
    sandboxed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beyond, "confined", lambda: False)
    assert rehearse(["echo", "word"], 30) == "word\n"
    assert not sandboxed.exists()


def test_a_program_that_is_not_there_is_named_as_before(sandboxed: Path) -> None:
    assert beyond.unconfined(["no-such-program"], 30) == ["no-such-program"]


def refuse(*words: object) -> None:
    raise PermissionError(1, "Operation not permitted")


@as_root
def test_a_file_is_given_away_by_systemd_where_we_may_not(
    sandboxed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fchown", refuse)
    path = tmp_path / "a file"
    with path.open("w") as stream:
        beyond.give(stream.fileno(), 12, 34)
    status = path.stat()
    assert (status.st_uid, status.st_gid) == (12, 34)


@as_root
def test_a_file_that_systemd_did_not_give_away_is_told(
    sandboxed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where another file has taken its place: what counts is the one that is held."""
    monkeypatch.setattr(os, "fchown", refuse)
    path = tmp_path / "file"
    with path.open("w") as stream:
        path.unlink()
        path.touch()
        with pytest.raises(PermissionError):
            beyond.give(stream.fileno(), 12, 34)
    assert path.stat().st_uid == 0
    monkeypatch.setattr(beyond, "can_ask", lambda: False)
    with path.open("w") as stream, pytest.raises(PermissionError):
        beyond.give(stream.fileno(), 12, 34)
