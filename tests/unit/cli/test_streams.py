"""bridgedctl where its streams are closed, full or left by their reader, and where a path that is
none is given."""

import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bridged.report import as_json
from tests.unit.serve.reports import AS_DESIRED


def run(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """bridgedctl in a shell: `command` has ``$ctl``."""
    return subprocess.run(
        ["bash", "-c", command, "bash", *arguments],
        env={**os.environ, "ctl": f"{sys.executable} -m bridged.cli.main"},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("command", ["schema", "names --state {}", "validate {}"])
def test_a_full_disk_is_told_in_a_line(tmp_path: Path, command: str) -> None:
    (tmp_path / "state.yaml").write_text("version: 1\nmodules: [kvm]\n")
    done = run(f"$ctl {command} > /dev/full".format(tmp_path / "state.yaml"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "the output cannot be written: No space left on device" in done.stderr


def test_closed_streams_are_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "state.yaml").write_text("version: 1\nmodules: [kvm]\n")
    done = run(f"$ctl validate {tmp_path}/state.yaml >&-")
    assert (done.returncode, done.stderr) == (0, "")
    done = run(f"$ctl validate {tmp_path}/none.yaml 2>&- >{tmp_path}/out")
    assert done.returncode == 1
    assert "bridgedctl:" not in (tmp_path / "out").read_text()
    done = run("$ctl import --from nmstate - <&-")
    assert (done.returncode, "stdin is closed" in done.stderr) == (1, True)


@pytest.mark.parametrize("name", [".", "/", ""])
def test_a_directory_is_no_state_file(name: str, tmp_path: Path) -> None:
    done = run('$ctl --state "$1" names --socket "$2"', name, f"{tmp_path}/none")
    assert (done.returncode, "cannot be used" in done.stderr) == (1, True)
    assert "Traceback" not in done.stderr


def test_a_reader_who_leaves_does_not_end_an_apply_of_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`bridgedctl apply | head -1` without an agent: half of the work would be worse than none."""
    from bridged.cli import commands

    done: list[str] = []

    def work(state: str, control: str, allowed: Any, progress: Any) -> dict[str, Any]:
        for step in ("one", "two"):
            progress(step)
            done.append(step)
        return as_json(AS_DESIRED)

    def broken(*arguments: Any, **options: Any) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(commands, "_local", lambda: SimpleNamespace(apply=work))
    monkeypatch.setattr(commands, "print_note", lambda *arguments: None)
    monkeypatch.setattr(commands, "print", broken, raising=False)
    with pytest.raises(BrokenPipeError):
        commands.apply(
            Namespace(
                json=False,
                allow_disruption=[],
                confirm=0.0,
                explicit_state=False,
                socket=f"{tmp_path}/none",
                state="",
            )
        )
    assert done == ["one", "two"]
