"""The tally: what is counted since the start, for the metrics."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection
from typing import Any

from bridged.report import Counters

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the duration histogram in seconds."""
_GONE = 100
"""Objects that are gone and still counted."""


class Tally:
    """Counters that only grow.  Belongs to the reconciling thread; readers get copies."""

    def __init__(self) -> None:
        self.repairs: Counter[tuple[str, str, str]] = Counter()
        self.drift: Counter[tuple[str, str]] = Counter()
        self.passes: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.conditions: Counter[tuple[str, str]] = Counter()
        self.rollbacks: Counter[str] = Counter()
        self.unread: Counter[str] = Counter()
        self._observations: dict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
        self._sums: dict[str, float] = defaultdict(float)

    def took(self, phase: str, seconds: float) -> None:
        """One duration of a phase."""
        self._observations[phase][bisect_left(BUCKETS, seconds)] += 1
        self._sums[phase] += seconds

    def forget(self, known: Collection[str]) -> None:
        """Drop what is counted of objects that nobody speaks of any more, but for the last ones:
        their end should be seen, and a state that names ever new things must not fill the metrics.
        """
        counted: tuple[Counter[Any], ...] = (self.drift, self.repairs, self.conditions)
        gone = dict.fromkeys(
            key[0] for counter in counted for key in counter if key[0] not in known
        )
        old = set(list(gone)[:-_GONE])
        for counter in counted if old else ():
            for key in [key for key in counter if key[0] in old]:
                del counter[key]

    def counters(self) -> Counters:
        """A frozen copy; histogram buckets are cumulative, as Prometheus wants them."""
        buckets = {}
        for phase, counts in self._observations.items():
            total, cumulative = 0, []
            for bound, count in zip((*BUCKETS, float("inf")), counts, strict=True):
                total += count
                cumulative.append((bound, total))
            buckets[phase] = tuple(cumulative)
        return Counters(
            repairs=dict(self.repairs),
            drift=dict(self.drift),
            passes=dict(self.passes),
            errors=dict(self.errors),
            conditions=dict(self.conditions),
            rollbacks=dict(self.rollbacks),
            unread=dict(self.unread),
            duration_buckets=buckets,
            duration_sum=dict(self._sums),
        )
