"""The history: what was repaired, as it is kept on disk.  A record a line, oldest first.

Light, for `bridgedctl` reads the same files where no agent runs.  The agent writes them
(`agent/history.py`).
"""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from bridged.errors import DAMAGED
from bridged.folders import at_once
from bridged.spelling import is_called

Outcome = Literal["repaired", "failed", "paused", "resumed"]

NAME = "history.jsonl"
OLDER = "history.jsonl.1"
"""What was the history before it grew too long."""
_LATEST = 1e11
"""Unix seconds that no clock shows, in the year 5138."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened: when (Unix seconds), to what, why, what was done and how it ended.

    `latency` is seconds from the look that noticed it to the one that saw the end, `seconds` what
    the actions themselves took.  `count` is more than 1 where many of the same came in a row and
    this one stands for them.  A pause has the outcome ``paused`` where it begins and ``resumed``
    where it ends, `cause` is its reason.
    """

    time: float
    object: str
    cause: str
    action: str
    outcome: Outcome
    bridge: str = ""
    seconds: float = 0.0
    latency: float = 0.0
    error: str = ""
    count: int = 1

    def line(self) -> bytes:
        """As it is kept."""
        return json.dumps(asdict(self), separators=(",", ":")).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to show: `object` by its full or bare name (a sysctl or module in any spelling), or all
    of a bridge; not before `since` (Unix seconds); the last `limit` only.  Empty and zero for all.
    """

    object: str = ""
    since: float = 0.0
    limit: int = 0


def parse(line: bytes) -> Entry | None:
    """The record in a line, None for one that was torn when the power failed."""
    try:
        fields: dict[str, Any] = json.loads(line)
        entry = Entry(
            time=_moment(fields["time"]),
            object=str(fields["object"]),
            cause=str(fields["cause"]),
            action=str(fields["action"]),
            outcome=fields["outcome"],
            bridge=str(fields.get("bridge", "")),
            seconds=_number(fields.get("seconds", 0.0)),
            latency=_number(fields.get("latency", 0.0)),
            error=str(fields.get("error", "")),
            count=int(fields.get("count", 1)),
        )
    except DAMAGED:
        return None
    return entry if entry.outcome in get_args(Outcome) else None


def _moment(value: Any) -> float:
    number = _number(value)
    if not 0 <= number < _LATEST:
        raise ValueError(value)
    return number


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def read(directory: Path) -> Iterator[Entry]:
    """What is kept in a directory, oldest first.  OSError where it may not be read."""
    for name in (OLDER, NAME):
        try:
            with open(directory / name, "rb", opener=at_once) as stream:
                lines = stream.read().splitlines()
        except FileNotFoundError:
            continue
        yield from (entry for entry in map(parse, lines) if entry is not None)


def select(entries: Iterable[Entry], wanted: Wanted) -> tuple[Entry, ...]:
    """The wanted ones of `entries`, in their order."""
    found = [e for e in entries if e.time >= wanted.since and _is_about(e, wanted.object)]
    return tuple(found[-wanted.limit :] if wanted.limit else found)


def _is_about(entry: Entry, name: str) -> bool:
    # The pause of the node is part of what happened to each.
    if name in {"", entry.object, entry.bridge} or entry.object == "node":
        return True
    kind, _, own = entry.object.partition("/")
    return is_called(kind, own, name.removeprefix(f"{kind}/"))
