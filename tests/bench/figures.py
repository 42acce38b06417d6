"""Figures from samples: median, p99 and spread, and how they are written.  All times in seconds."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """What is said of `n` samples, in the unit of the samples."""

    n: int
    median: float
    p99: float
    low: float
    high: float
    quartiles: tuple[float, float]

    @classmethod
    def of(cls, samples: Iterable[float]) -> "Figures":
        """The figures of at least one sample."""
        ordered = sorted(samples)
        return cls(
            len(ordered),
            quantile(ordered, 0.5),
            quantile(ordered, 0.99),
            ordered[0],
            ordered[-1],
            (quantile(ordered, 0.25), quantile(ordered, 0.75)),
        )


def medians_of(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each part over the rounds; a part that a round lacks took no time in it."""
    parts = dict.fromkeys(part for one in rounds for part in one)
    return {part: Figures.of(one.get(part, 0.0) for one in rounds).median for part in parts}


def quantile(ordered: Sequence[float], share: float) -> float:
    """The quantile of ordered samples, between two of them by their distance."""
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def duration(seconds: float) -> str:
    """Three figures in the unit that suits: ``0.31 ms``, ``48.2 ms``, ``1.24 s``."""
    if seconds >= 1:
        return f"{_three(seconds)} s"
    return f"{_three(seconds * 1000)} ms"


def ratio(value: float) -> str:
    """``3.4``, ``28``: a ratio as it is worth saying."""
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"


def _three(value: float) -> str:
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
