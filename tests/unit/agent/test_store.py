"""The memory survives a restart, and damage to its file costs nothing but the memory."""

import json
import os
from pathlib import Path

import pytest

from bridged.agent.store import MemoryStore
from bridged.desired.vlans import PortVlan
from bridged.plan.memory import Guest, Memory

MEMORY = Memory(
    made={"br-lan": 7},
    guests={
        9: Guest(
            "vnet\udcff",  # the kernel takes any bytes
            9,
            "br-lan",
            7,
            "/active/3",
            {"brport_cost": 4},
            (PortVlan(6, True),),
            1.5,
            {"brport_cost": 9},
            (PortVlan(7),),
        ),
        10: Guest("vnet1", 10, "br-lan", 7, vlans=()),
        11: Guest("vnet2", 11, "br-lan", 7),
    },
)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    MemoryStore(tmp_path / "memory.json").save(MEMORY)
    assert MemoryStore(tmp_path / "memory.json").load() == MEMORY


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        '{"guests": {"1": {}}, "made": {}}',
        '{"guests": [], "made": {}}',
        '{"guests": {"1": null}, "made": {}}',
        '{"guests": {}, "made": {"br0": Infinity}}',
        '{"guests": {"9": {"name": 1, "index": "nine", "bridge": [], "bridge_index": 7}}}',
    ],
)
def test_damage_is_an_empty_memory(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "memory.json"
    path.write_text(damage)
    assert MemoryStore(path).load() == Memory()


def test_a_fifo_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "memory.json", 0o600)
    assert MemoryStore(tmp_path / "memory.json").load() == Memory()


def test_an_unwritable_place_is_no_reason_to_stop(tmp_path: Path) -> None:
    MemoryStore(tmp_path / "missing" / "memory.json").save(MEMORY)


def test_an_unchanged_memory_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    store = MemoryStore(path)
    store.save(MEMORY)
    path.unlink()
    store.save(MEMORY)
    assert not path.exists()


def test_what_others_may_write_is_not_remembered(tmp_path: Path) -> None:
    """It says which guests are plugged back in where."""
    path = tmp_path / "memory.json"
    MemoryStore(path).save(MEMORY)
    path.chmod(0o666)
    assert MemoryStore(path).load() == Memory()


def test_a_former_version_did_not_tell_no_vlans_from_unknown_ones(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    MemoryStore(path).save(MEMORY)
    document = json.loads(path.read_text())
    del document["version"]
    path.write_text(json.dumps(document))
    assert [guest.vlans for guest in MemoryStore(path).load().guests.values()] == [
        (PortVlan(6, True),),
        None,
        None,
    ]
