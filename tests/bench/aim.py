"""An aim of the benchmark, and how it is judged by the samples."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.bench.figures import Figures, duration

Document = Mapping[str, Any]
_NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Outcome:
    """What the samples say of an aim: the figure, its ratio to what `Aim.against` names, its
    spread, and whether the aim is met; None where these samples cannot tell."""

    figure: str
    met: bool | None
    ratio: str = ""
    spread: str = ""


@dataclass(frozen=True)
class Aim:
    """One row.  `measured` finds the figure in the samples, None where they have none; `why` tells
    why it is missed, from the samples if it must."""

    what: str
    aim: str
    measured: Callable[[Document], Outcome | None]
    why: str | Callable[[Document], str] = ""
    absent: str = ""
    """Said where it was not measured."""

    def row(self, document: Document) -> str:
        """The row of the table."""
        seen = self.measured(document)
        if seen is None:
            cells = [self.what, self.aim, self.absent or _NOT_MEASURED, "", "", _NOT_MEASURED]
            return f"| {' | '.join(cells)} |"
        reason = "" if seen.met else self.why if isinstance(self.why, str) else self.why(document)
        missed = "not judged" if seen.met is None else "missed"
        verdict = "**met**" if seen.met else f"{missed}: {reason}" if reason else missed
        cells = [self.what, self.aim, seen.figure, seen.ratio, seen.spread, verdict]
        return f"| {' | '.join(cells)} |"


def spread(seen: Figures) -> str:
    """p99, least and most."""
    return f"{duration(seen.p99)}; {duration(seen.low)} to {duration(seen.high)}"


def in_words(parts: Mapping[str, float]) -> str:
    """Seconds by part, in one sentence."""
    return ", ".join(f"{name} {duration(seconds)}" for name, seconds in parts.items())


def at(document: Document, *path: str) -> Any:
    """What the samples have there, None where they have not."""
    found: Any = document
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def figures(document: Document, *path: str) -> Figures | None:
    """Figures of the samples there; one that is None, a fault not repaired, lasted for ever."""
    samples = at(document, *path)
    if not samples:
        return None
    return Figures.of(math.inf if sample is None else sample for sample in samples)
