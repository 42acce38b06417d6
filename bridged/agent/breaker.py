"""The breaker: a state that had to be rolled back is not tried for ever.

It goes by the hash of the state file and survives a restart.  A changed file, or an operator who
asks for it, closes it.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from bridged.errors import DAMAGED
from bridged.folders import document

_WAITS = (60.0, 300.0)
"""Seconds before the second and the third try; after that only an operator starts one."""


@dataclass(frozen=True, slots=True)
class Tripped:
    """A state that was rolled back: its hash, how often, when last (Unix seconds), and why."""

    hash: str
    times: int
    time: float
    reason: str


class Breaker:
    """`path` is where it is kept, None for a memory that ends with the process."""

    def __init__(self, path: Path | None, wall: Callable[[], float]) -> None:
        self._path = path
        self._wall = wall
        self._log = structlog.get_logger("bridged")
        self.tripped: Tripped | None = self._load()

    def holds(self, state_hash: str) -> str:
        """Why structural changes for this state are not made now, empty where they may be."""
        tripped = self.tripped
        if tripped is None or tripped.hash != state_hash:
            return ""
        if tripped.times > len(_WAITS):
            return f"rolled back {tripped.times} times: {tripped.reason}"
        left = tripped.time + _WAITS[tripped.times - 1] - self._wall()
        if not 0 < left <= _WAITS[-1]:  # a clock that jumped must not hold for years
            return ""
        return f"rolled back: {tripped.reason}; tried again in {left:.0f} s"

    def trip(self, state_hash: str, reason: str) -> None:
        """The state was rolled back."""
        before = self.tripped
        times = before.times + 1 if before is not None and before.hash == state_hash else 1
        self.tripped = Tripped(state_hash, times, self._wall(), reason)
        self._save()

    def reset(self) -> None:
        """The state is fine, or somebody wants it tried again."""
        if self.tripped is not None:
            self.tripped = None
            self._save()

    def _load(self) -> Tripped | None:
        if self._path is None:
            return None
        try:
            found = document(self._path)
            times, time = max(int(found["times"]), 1), float(found["time"])
            return Tripped(str(found["hash"]), times, time, str(found["reason"]))
        except FileNotFoundError:
            return None
        except (OSError, *DAMAGED) as error:
            self._log.warning("breaker_lost", path=str(self._path), error=str(error))
            return None

    def _save(self) -> None:
        if self._path is None:
            return
        try:
            if self.tripped is None:
                self._path.unlink(missing_ok=True)
                return
            beside = self._path.with_suffix(".new")
            beside.write_text(json.dumps(asdict(self.tripped)))
            os.replace(beside, self._path)
        except OSError as error:
            self._log.warning("breaker_not_kept", path=str(self._path), error=str(error))
