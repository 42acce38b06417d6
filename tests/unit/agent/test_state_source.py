"""The state in force over the life of an agent: what is kept for the next, what is watched."""

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest
from structlog.testing import capture_logs

from bridged.agent import state_source
from bridged.agent.state_source import FileSource
from bridged.desired import lastgood


def test_a_last_good_state_that_the_disk_did_not_take_is_kept_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a restart with a broken file would bring back the one before it."""
    file, kept = tmp_path / "state.yaml", tmp_path / "kept"
    kept.mkdir()
    file.write_text("version: 1\nmodules: [kvm]\n")
    source = FileSource(file, kept, sleep=lambda seconds: None)
    source.refresh()
    assert source.findings() == ()
    kept.rename(tmp_path / "away")
    file.write_text("version: 1\nmodules: [overlay]\n")
    with capture_logs() as logs:
        source.refresh()
        source.refresh()
        assert [log["event"] for log in logs].count("last_good_state_not_kept") == 1
    (finding,) = source.findings()
    assert (finding.code, "tried again" in finding.remedy) == ("last-good-not-kept", True)
    (tmp_path / "away").rename(kept)
    source.refresh()
    assert source.findings(), "not at every refresh"
    monkeypatch.setattr(state_source.time, "monotonic", lambda: float("inf"))
    file.write_text("version: 1\nmodules: [over\n")  # what is in force is kept all the same
    source.refresh()
    assert source.findings() == ()
    found = lastgood.load(kept)
    assert found is not None
    assert found.state.modules == ("overlay",)


def test_a_folder_that_fails_under_us_is_told_and_ends_no_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network mount that went away: everything else is to be kept all the same."""
    file = tmp_path / "state.yaml"
    file.write_text("version: 1\nmodules: [kvm]\n")
    source = FileSource(file, sleep=lambda seconds: None)
    source.refresh()

    def broken(path: object = ".") -> NoReturn:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    monkeypatch.setattr(os, "listdir", broken)
    monkeypatch.setattr(os, "scandir", broken)
    monkeypatch.setattr(Path, "is_dir", broken)
    source.refresh()
    assert source.state is not None
    assert "state.d: reading it failed: Input/output error" in source.report.problems[0]


def test_every_link_that_leads_to_a_file_is_watched_where_it_stands(tmp_path: Path) -> None:
    """A checkout elsewhere, with releases that are swapped: drop-ins and labels too."""
    etc, cfg, more = tmp_path / "etc", tmp_path / "cfg", tmp_path / "more"
    for folder in (etc / "state.d", cfg / "releases/1", more):
        folder.mkdir(parents=True)
    (cfg / "current").symlink_to("releases/1")
    (etc / "state.yaml").symlink_to(cfg / "current/state.yaml")
    (etc / "state.d/10.yaml").symlink_to("../../more/10.yaml")
    (etc / "state.d/20.yaml").symlink_to("20.yaml")
    (etc / "state.d/30.yaml").symlink_to("30/" + "x" * 300 + "/y.yaml")
    (etc / "labels").symlink_to(tmp_path / "more/labels")
    source = FileSource(etc / "state.yaml")
    seen = {folder.resolve() for folder in source.directories if folder.parts[-1] != "x" * 300}
    assert seen == {etc, etc / "state.d", cfg, cfg / "releases/1", more}
