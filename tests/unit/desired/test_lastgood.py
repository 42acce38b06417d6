"""The last good state: kept whole or not at all."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridged.desired import lastgood
from bridged.desired.rules import violations
from bridged.errors import WorldError
from tests.unit.desired.support import load
from tests.unit.desired.test_schema import CONFIG


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A directory with the reference node as the last good state."""
    lastgood.save(tmp_path, load((CONFIG / "state.yaml").read_bytes()), 1234.5)
    return tmp_path / lastgood.FILE


def test_what_is_kept_is_what_is_given_back(kept: Path) -> None:
    loaded = load((CONFIG / "state.yaml").read_bytes())
    found = lastgood.load(kept.parent)
    assert found is not None
    assert found.state == loaded.state
    assert (found.hash, found.files, found.time) == (loaded.hash, loaded.files, 1234.5)


def test_every_kind_of_value_survives(tmp_path: Path) -> None:
    loaded = load(
        "version: 1\n"
        "bridges: {b: {stp: on, mac: 52:54:00:12:34:56, ports: [{vlan: 6, parent: e, gvrp: no}]}}\n"
        "sysctls: {a.b: 1, a.c: 'ä', a.d: {at-least: 9223372036854775807}}\n"
    )
    lastgood.save(tmp_path, loaded, 1)
    found = lastgood.load(tmp_path)
    assert found is not None
    assert found.state == loaded.state


def test_a_later_state_replaces_the_one_before(kept: Path) -> None:
    lastgood.save(kept.parent, load("version: 1\nmodules: []\n"), 2)
    found = lastgood.load(kept.parent)
    assert found is not None
    assert found.state.modules == ()
    assert os.listdir(kept.parent) == [lastgood.FILE]


def test_nothing_kept_is_none(tmp_path: Path) -> None:
    assert lastgood.load(tmp_path) is None
    assert lastgood.load(tmp_path / "missing") is None


def test_a_kept_state_cut_anywhere_is_none(kept: Path) -> None:
    whole = kept.read_bytes()
    for end in range(0, len(whole) - 2, 7):
        kept.write_bytes(whole[:end])
        assert lastgood.load(kept.parent) is None


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        bytes(100),
        b'{"checksum": 1}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_record_is_none(kept: Path, damage: bytes) -> None:
    kept.write_bytes(damage)
    assert lastgood.load(kept.parent) is None


def test_a_changed_digit_is_noticed(kept: Path) -> None:
    kept.write_text(kept.read_text().replace("8192", "8193"))
    assert lastgood.load(kept.parent) is None


def _rewrite(kept: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """The record as another version would have kept it."""
    record = json.loads(kept.read_text())
    del record["checksum"]
    change(record)
    record["checksum"] = lastgood.checksum(record)
    kept.write_text(json.dumps(record))


def test_a_record_of_another_format_is_none(kept: Path) -> None:
    _rewrite(kept, lambda record: record.update(format=2))
    assert lastgood.load(kept.parent) is None


@pytest.mark.parametrize("ports", [[{"name": "e", "mtu": 1}], [{"name": "e", "later": 1}], "e"])
def test_a_state_of_keys_or_values_that_this_version_does_not_know_is_none(
    kept: Path, ports: object
) -> None:
    _rewrite(kept, lambda record: record["state"]["bridges"]["br-dmz"].update(ports=ports))
    assert lastgood.load(kept.parent) is None


def test_a_rule_that_came_later_does_not_leave_the_node_with_nothing(kept: Path) -> None:
    """An upgrade, and the file breaks a rule of the new version: then this is what is left."""
    broken = {"group-forward-mask": 1}
    _rewrite(kept, lambda record: record["state"]["bridges"]["br-dmz"].update(broken))
    found = lastgood.load(kept.parent)
    assert found is not None
    assert any(violations(found.state))


def test_a_record_that_others_can_write_is_none(kept: Path) -> None:
    kept.chmod(0o666)
    assert lastgood.load(kept.parent) is None


def test_a_record_is_readable_by_its_owner_only(kept: Path) -> None:
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_leftover_of_a_kill_does_no_harm(kept: Path) -> None:
    (kept.parent / f".{lastgood.FILE}.new").write_text("half")
    assert lastgood.load(kept.parent) is not None
    lastgood.save(kept.parent, load("version: 1\nmodules: []\n"), 2)
    assert os.listdir(kept.parent) == [lastgood.FILE]


def test_a_directory_that_cannot_be_written_is_an_error_of_the_world(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="the last good state cannot be kept"):
        lastgood.save(tmp_path / "missing", load("version: 1\nmodules: []\n"), 1)
