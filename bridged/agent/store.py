"""The memory across restarts: a small file under /run, which lives exactly as long as ifindexes."""

import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import structlog
from pydantic import TypeAdapter

from bridged.desired import trust
from bridged.folders import at_once
from bridged.plan.memory import Memory

_MEMORY = TypeAdapter(Memory)


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
        except (OSError, ValueError, RecursionError, trust.Untrusted) as error:
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


def _decode(document: Any) -> Memory:
    """The memory of a document that `save` wrote; what has other types would end every pass."""
    memory = _MEMORY.validate_python(document)
    return replace(memory, guests={guest.index: guest for guest in memory.guests.values()})
