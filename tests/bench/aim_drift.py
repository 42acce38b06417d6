"""The aims of a repaired drift: two bridges with NetworkManager, and many bridges without."""

from collections.abc import Callable, Sequence

from tests.bench.aim import Document, Outcome, at, figures, in_words
from tests.bench.faults import BY_NAME
from tests.bench.figures import Figures, duration, medians_of, ratio

_TIMES = 3.0
"""The most, in times of the floor."""
_P99 = 0.050
"""The most, in seconds."""
_WHY = (
    "the loop hears the event, reads the link, plans its object and looks whether it is still the "
    "same link before it writes, all of it Python; the floor knows one fault and does none of that"
)

Drifts = Callable[[Document], list[tuple[str, Figures, Figures]]]


def few(document: Document) -> list[tuple[str, Figures, Figures]]:
    """Fault, ours and the floor's, of two bridges and the faults that netlink mends."""
    found = []
    for fault in at(document, "labs", "netns", "drift") or {}:
        ours, floor = (
            figures(document, "labs", "netns", "drift", fault, who) for who in ("bridged", "floor")
        )
        if not BY_NAME[fault].gone and ours and floor:
            found.append((fault, ours, floor))
    return found


def many(document: Document) -> list[tuple[str, Figures, Figures]]:
    """The same of 1,000 bridges, where there is one fault, without a name."""
    ours = figures(document, "own", "scale", "1000", "drift")
    floor = figures(document, "own", "scale", "1000", "floor")
    return [("", ours, floor)] if ours and floor else []


def median_of(drifts: Drifts) -> Callable[[Document], Outcome | None]:
    """The medians, each against its floor's."""

    def measured(document: Document) -> Outcome | None:
        found = drifts(document)
        if not found:
            return None
        times = [ours.median / floor.median for _, ours, floor in found]
        medians = [ours.median for _, ours, _ in found]
        floors = [floor.median for _, _, floor in found]
        return Outcome(
            f"{_range(medians, duration)}; the floor {_range(floors, duration)}",
            max(times) <= _TIMES,
            _range(times, ratio),
            f"n = {found[0][1].n}",
        )

    return measured


def p99_of(drifts: Drifts) -> Callable[[Document], Outcome | None]:
    """The worst p99."""

    def measured(document: Document) -> Outcome | None:
        found = drifts(document)
        if not found:
            return None
        fault, worst, _ = max(found, key=lambda row: row[1].p99)
        figure = f"{duration(worst.p99)}{f' ({fault})' if fault else ''}"
        low, high = min(o.low for _, o, _ in found), max(o.high for _, o, _ in found)
        return Outcome(figure, worst.p99 < _P99, "", f"{duration(low)} to {duration(high)}")

    return measured


def _range(values: Sequence[float], told: Callable[[float], str]) -> str:
    least, most = told(min(values)), told(max(values))
    return least if least == most else f"{least} to {most}"


def why_few(document: Document) -> str:
    """What a repair consists of, of the fault that is farthest from its floor."""
    found = at(document, "labs", "netns", "drift_parts")
    drifts = few(document)
    if not found or not drifts:
        return _WHY
    fault = max(drifts, key=lambda row: row[1].median / row[2].median)[0]
    return f"{_WHY} ({fault}: {in_words(medians_of(found[fault]))})"


def why_many(document: Document) -> str:
    """The same beside 1,000 bridges."""
    found = at(document, "own", "scale", "1000", "drift_parts")
    return f"{_WHY} ({in_words(medians_of(found))})" if found else _WHY
