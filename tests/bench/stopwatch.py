"""A stopwatch around parts of the agent's work, and what of a span of time each part took.

The agent runs with it in a process of its own and leaves the readings in a file.
"""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_READINGS = Path("/run/bench-stopwatch.json")
Spans = dict[str, list[tuple[float, float]]]
"""Begin and end (seconds by the stopwatch's clock) of each time that a part was done, by part."""


class Stopwatch:
    """Notes the spans of what it is put around, by `clock`: monotonic seconds or, with
    `time.thread_time`, the seconds of processor that the thread used which does it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.spans: Spans = {}
        self._clock = clock

    def around(self, owner: Any, name: str, part: str) -> None:
        """Time `name` of a class or module from now on."""
        work: Callable[..., Any] = getattr(owner, name)

        def timed(*args: Any, **options: Any) -> Any:
            began = self._clock()
            try:
                return work(*args, **options)
            finally:
                self.spans.setdefault(part, []).append((began, self._clock()))

        setattr(owner, name, timed)

    def taken(self) -> dict[str, list[float]]:
        """Seconds of each time since the last call, by part."""
        spans, self.spans = self.spans, {}
        return {part: [end - begin for begin, end in times] for part, times in spans.items()}

    def leave(self) -> None:
        """Leave the readings for `readings`."""
        _READINGS.write_text(json.dumps(self.spans))


def readings() -> Spans:
    """What the agent left last."""
    found: Spans = json.loads(_READINGS.read_text())
    return found


def within(spans: Spans, parts: Sequence[str], began: float, ended: float) -> dict[str, float]:
    """Seconds of each part between the two times, and of what lies in between the parts."""
    found = {
        part: sum(max(min(end, ended) - max(begin, began), 0.0) for begin, end in spans[part])
        for part in parts
        if part in spans
    }
    return found | {"in between": ended - began - sum(found.values())}
