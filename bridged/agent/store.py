"""The memory across restarts: a small file under /run, which lives exactly as long as ifindexes."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog

from bridged.desired.vlans import PortVlan
from bridged.plan.memory import Guest, Memory


class MemoryStore:
    """Keeps the memory in a file; a damaged or missing file is an empty memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._saved = Memory()
        self._log = structlog.get_logger("bridged")

    def load(self) -> Memory:
        """What the last agent of this boot remembered."""
        try:
            self._saved = _decode(json.loads(self._path.read_text()))
        except FileNotFoundError:
            self._saved = Memory()
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._log.warning("memory_lost", path=str(self._path), error=str(error))
            self._saved = Memory()
        return self._saved

    def save(self, memory: Memory) -> None:
        """Write the memory if it changed; a full disk is told and costs nothing else."""
        if memory == self._saved:
            return
        beside = self._path.with_suffix(".new")
        try:
            beside.write_text(json.dumps(asdict(memory)))
            os.replace(beside, self._path)
        except OSError as error:
            self._log.warning("memory_not_kept", path=str(self._path), error=str(error))
        self._saved = memory


def _decode(document: dict[str, Any]) -> Memory:
    guests = {}
    for fields in document["guests"].values():
        vlans = tuple(PortVlan(**vlan) for vlan in fields.pop("vlans"))
        guest = Guest(**fields, vlans=vlans)
        guests[guest.index] = guest
    return Memory(made={str(k): int(v) for k, v in document["made"].items()}, guests=guests)
