"""What our own unit does not allow is run by systemd, and where there is none, as a child."""

from pathlib import Path

import pytest

from bridged.apply.modprobe import modprobe
from bridged.apply.modules import ModuleLoader, classify
from bridged.errors import WorldError

SANDBOXED = "Name:\tbridged\nCapEff:\t0000000000003000\n"  # CAP_NET_ADMIN, CAP_NET_RAW
PRIVILEGED = "Name:\tbridged\nCapEff:\t000001ffffffffff\n"


def root(tmp_path: Path, status: str, systemd: bool = True) -> Path:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/status").write_text(status)
    if systemd:
        (tmp_path / "run/systemd/system").mkdir(parents=True)
    return tmp_path


@pytest.fixture(autouse=True)
def root_with_systemd_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")


def test_in_the_sandbox_systemd_runs_modprobe_with_the_rights_of_that_work(tmp_path: Path) -> None:
    command = modprobe(30, root(tmp_path, SANDBOXED))
    assert command[0] == "systemd-run"
    assert command[-4:] == ("--", "modprobe", "-b", "--")
    assert {"--wait", "--pipe", "--collect", "--no-ask-password"} <= set(command)
    assert "--property=CapabilityBoundingSet=CAP_SYS_MODULE CAP_NET_ADMIN" in command
    assert "--property=RuntimeMaxSec=30" in command, "one that hangs ends though we were killed"


@pytest.mark.parametrize(
    ("status", "systemd"), [(PRIVILEGED, True), (PRIVILEGED, False), (SANDBOXED, False)]
)
def test_with_the_right_or_without_systemd_it_is_a_child(
    tmp_path: Path, status: str, systemd: bool
) -> None:
    assert modprobe(30, root(tmp_path, status, systemd)) == ("modprobe", "-b", "--")


def test_a_systemd_that_cannot_be_asked_is_another_matter_than_a_module(tmp_path: Path) -> None:
    """It is tried again, and what the kernel says of a module comes through as before."""
    for said in (
        "Failed to connect to bus: Connection refused",
        "Failed to start transient service unit: Transaction is destructive.",
    ):
        assert classify(said) == "unavailable"
    program = tmp_path / "systemd-run"
    program.write_text(
        "#!/bin/sh\necho modprobe: FATAL: Module x not found in directory /x >&2\nexit 1\n"
    )
    program.chmod(0o755)
    with pytest.raises(WorldError, match="not found in directory") as caught:
        ModuleLoader(command=[str(program)]).load("x")
    assert caught.value.kind == "not-found"
