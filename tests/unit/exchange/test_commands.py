"""The commands: what they print where, what they write, and how they end."""

import io
from pathlib import Path
from typing import Any

import pytest

from bridged.agent import once
from bridged.cli.main import main
from bridged.observe.boot_files import BootFiles
from bridged.observe.host import Interest, Unavailable
from tests.unit.exchange.documents import POLICY
from tests.unit.exchange.support import FILES, hand_made_machine, loaded

Capture = pytest.CaptureFixture[str]
GOOD = """
interfaces:
- name: br1
  type: linux-bridge
  ipv4: {enabled: false}
  ipv6: {enabled: false}
  bridge: {options: {stp: {enabled: false}}, port: [{name: eth1}]}
"""


def ctl(*arguments: str) -> int:
    """Run bridgedctl in this process; its exit code."""
    try:
        return main(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "in.yaml"
    path.write_text(GOOD)
    return path


def test_an_import_goes_to_stdout_and_ends_with_0(file: Path, capsys: Capture) -> None:
    assert ctl("import", "--from", "nmstate", str(file)) == 0
    captured = capsys.readouterr()
    assert "br1: {ports: [eth1]}" in captured.out
    assert loaded(captured.out).state.bridges
    assert captured.err == ""


def test_what_is_lost_is_on_stderr_and_ends_with_2(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(POLICY.encode())))
    assert ctl("import", "--from", "nncp", "-") == 2
    captured = capsys.readouterr()
    assert "br1: {ports: [eth1], ipv4: keep, ipv6: keep}" in captured.out
    assert "not carried over: spec.nodeSelector" in captured.err
    assert "nodeSelector" not in captured.out


def test_a_dash_is_stdout(
    file: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is stdin where a file is read, and `-o -` with other tools."""
    monkeypatch.chdir(tmp_path)
    assert ctl("import", "--from", "nmstate", str(file), "-o", "-") == 0
    assert loaded(capsys.readouterr().out).state.bridges
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_is_there_is_not_overwritten(
    file: Path, tmp_path: Path, capsys: Capture
) -> None:
    target = tmp_path / "state.yaml"
    target.write_text("mine")
    arguments = ("import", "--from", "nmstate", str(file), "-o", str(target))
    assert ctl(*arguments) == 1
    assert target.read_text() == "mine"
    assert "--force" in capsys.readouterr().err
    assert ctl(*arguments, "--force") == 0
    assert ctl("validate", str(target)) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.yaml", "state.yaml"]


def test_a_result_that_breaks_a_rule_is_given_and_told(file: Path, capsys: Capture) -> None:
    """nmstate knows nothing of the relation between the timers; nothing is left out for it."""
    file.write_text(GOOD.replace("enabled: false", "enabled: true, max-age: 40"))
    assert ctl("import", "--from", "nmstate", str(file)) == 2
    captured = capsys.readouterr()
    assert "max-age: 40" in captured.out
    assert "`max-age` 40 is more than" in captured.err
    assert "to be corrected" in captured.err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("import", "--from", "nmstate", "/nowhere.yaml"), "cannot be read"),
        (("import", "--from", "nmstate"), "needs a file"),
        (("import", "some.yaml"), "--from nmstate"),
        (("--state", "/nowhere.yaml", "export"), "cannot be used"),
        (("render", "nad", "--vlan", "4095"), "not a VLAN id"),
    ],
)
def test_errors_end_with_1_and_the_next_step(
    arguments: tuple[str, ...], text: str, capsys: Capture
) -> None:
    assert ctl(*arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert text in captured.err


def test_nothing_to_declare_is_an_error_and_no_wish_for_no_bridges(
    file: Path, capsys: Capture
) -> None:
    file.write_text("interfaces: [{name: eth0, ipv4: {enabled: true}}]")
    assert ctl("import", "--from", "nmstate", str(file)) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "eth0 is no port of a bridge" in captured.err


def test_an_export_can_be_imported_again(file: Path, tmp_path: Path, capsys: Capture) -> None:
    target = tmp_path / "state.yaml"
    target.write_text(
        "version: 1\nbridges: {br1: {ports: [eth1], vlan-stats: true}}\nmodules: [kvm]\n"
    )
    assert ctl("--state", str(target), "export", "--format", "nncp", "--node", "n1") == 2
    captured = capsys.readouterr()
    assert "# Not in here: bridges.br1.vlan-stats: nmstate has no word for it" in captured.out
    assert "# modules: nmstate has none of this (kvm)" in captured.out
    assert "not carried over: bridges.br1.vlan-stats" in captured.err
    file.write_text(captured.out)
    assert ctl("import", "--from", "nncp", str(file)) == 2
    assert "br1: {ports: [eth1]}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--node", "n1"), "add --format nncp"),
        (("--format", "nncp", "--node", "N 1"), "--node N 1 is no name"),
        (("--format", "nncp", "--name", ""), "--name  is no name"),
        (("--format", "nncp", "--name", "a" * 254), "at most 253"),
    ],
)
def test_a_policy_that_kubernetes_would_refuse_is_not_written(
    tmp_path: Path, capsys: Capture, arguments: tuple[str, ...], words: str
) -> None:
    file = tmp_path / "state.yaml"
    file.write_text("version: 1\nbridges: {br0: {ports: [n0]}}\n")
    assert ctl("--state", str(file), "export", *arguments) == 1
    written = capsys.readouterr()
    assert (written.out, words in written.err) == ("", True)


def test_render_takes_bridges_behind_its_options(tmp_path: Path, capsys: Capture) -> None:
    target = tmp_path / "state.yaml"
    target.write_text("version: 1\nbridges: {br1: {}, br2: {}}\n")
    assert ctl("render", "nad", "--state", str(target), "--namespace", "vms", "br2") == 0
    out = capsys.readouterr().out
    assert "name: br2" in out
    assert "name: br1" not in out


def test_the_host_is_imported(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    machine = hand_made_machine()
    monkeypatch.setattr(once, "look", machine.observe)
    monkeypatch.setattr(BootFiles, "read", lambda self: FILES)
    assert ctl("import") == 0
    captured = capsys.readouterr()
    assert set(loaded(captured.out).state.bridges or {}) == {"br-lan", "br-web", "br-dmz"}
    assert captured.err == ""


def test_without_networkmanager_there_is_nothing_to_go_by(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    machine = hand_made_machine()
    machine.nm.running = False
    observe: Any = machine.observe
    assert isinstance(observe(Interest()).network_manager, Unavailable)
    monkeypatch.setattr(once, "look", observe)
    assert ctl("import") == 1
    assert "systemctl start NetworkManager" in capsys.readouterr().err
