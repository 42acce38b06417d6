"""The memory across restarts: a small file under /run, which lives exactly as long as ifindexes."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog

from bridged.desired import trust
from bridged.desired.vlans import PortVlan
from bridged.errors import DAMAGED
from bridged.folders import at_once
from bridged.plan.memory import Guest, Memory

_VERSION = 2
"""Before, no VLANs were written where they were not known, too."""
_TYPES: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "index": (int,),
    "bridge": (str,),
    "bridge_index": (int,),
    "activation": (str,),
    "port": (dict,),
    "lost": (int, float, type(None)),
    "former_port": (dict, type(None)),
}
"""Of a guest's fields: of other types they would end every pass.  Not pydantic's to tell, which
takes no name that is not UTF-8."""


class MemoryStore:
    """Keeps the memory in a file; a file that is damaged, missing or writable by others is an
    empty memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._saved = Memory()
        self._log = structlog.get_logger("bridged")

    def load(self) -> Memory:
        """What the last agent of this boot remembered."""
        try:
            with open(self._path, "rb", opener=at_once) as stream:
                trust.check(self._path, os.fstat(stream.fileno()), "the file")
                self._saved = _decode(json.load(stream))
        except FileNotFoundError:
            self._saved = Memory()
        except (*DAMAGED, OSError, trust.Untrusted) as error:
            self._log.warning("memory_lost", path=str(self._path), error=str(error))
            self._saved = Memory()
        return self._saved

    def save(self, memory: Memory) -> None:
        """Write the memory if it changed; a full disk is told and costs nothing else."""
        if memory == self._saved:
            return
        beside = self._path.with_suffix(".new")
        try:
            beside.write_text(json.dumps({"version": _VERSION, **asdict(memory)}))
            os.replace(beside, self._path)
        except OSError as error:
            self._log.warning("memory_not_kept", path=str(self._path), error=str(error))
        self._saved = memory


def _decode(document: dict[str, Any]) -> Memory:
    guests = {}
    tells_none = document.get("version", 1) >= _VERSION
    for fields in document["guests"].values():
        for key in ("vlans", "former_vlans"):
            vlans = fields.get(key)
            known = vlans is not None and (vlans or tells_none)
            fields[key] = tuple(PortVlan(**vlan) for vlan in vlans) if known else None
        guest = Guest(**fields)
        for key, types in _TYPES.items():
            if not isinstance(getattr(guest, key), types):
                raise TypeError(f"{key} of a guest is {getattr(guest, key)!r}")
        guests[guest.index] = guest
    return Memory(made={str(k): int(v) for k, v in document["made"].items()}, guests=guests)
