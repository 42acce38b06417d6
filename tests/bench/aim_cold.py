"""The aims of a cold convergence: the reference node, two bridges, many VLANs.

The virtual machine has the whole reference node, but is emulated here; the namespaces run at the
machine's own speed and have two bridges.  Each is judged by itself.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from tests.bench.aim import Document, Outcome, at, in_words, spread
from tests.bench.figures import Figures, duration, medians_of, ratio
from tests.bench.processor import PARTS

_TOLD, _FLOOR, _NMCLI = "asked agent", "nm floor", "nmcli"
_PUBLISHED = 99.0
"""Seconds, on hardware: the best that was published for 500 VLANs and 500 bridges."""
_AIMED = 500
GROWN = "what bridged does beside NetworkManager grows faster than what NetworkManager does"
_NOISE = 0.05
"""By which exponents of two sizes differ without a meaning."""

Ways = Mapping[str, Figures]
Base = Callable[[Ways], Figures | None]


def _figures(by: Mapping[str, Mapping[str, list[float]]]) -> Ways:
    return {way: Figures.of(one["right"]) for way, one in by.items() if one.get("right")}


def _cold(document: Document, lab: str) -> Ways:
    """Figures by way of what is made in that laboratory, if anything."""
    return _figures(at(document, "labs", lab, "cold") or {})


def floor_of(ways: Ways) -> Figures | None:
    """NetworkManager's own floor."""
    return ways.get(_FLOOR)


def by_hand(ways: Ways) -> Figures | None:
    """The owner's commands."""
    return ways.get(_NMCLI)


def against(base: Base, most: float, lab: str) -> Callable[[Document], Outcome | None]:
    """Our time over that of `base` in that laboratory, at most `most`."""

    def measured(document: Document) -> Outcome | None:
        ways = _cold(document, lab)
        ours, other = ways.get(_TOLD), base(ways)
        if ours is None or other is None:
            return None
        figure = f"{duration(ours.median)}{_emulated(document, lab)}"
        share = ours.median / other.median
        told = f"{figure}, against {duration(other.median)}"
        return Outcome(told, share <= most, f"{share:.2f}", spread(ours))

    return measured


def why_not_the_floor(lab: str) -> Callable[[Document], str]:
    """What bridged does one after the other, which the floor sends at once or leaves out."""

    def why(document: Document) -> str:
        said = (
            "bridged reads the file and looks at the node first, guards the change with a "
            "checkpoint, and has the profiles written before it activates any"
        )
        rounds = at(document, "labs", lab, "cold_parts")
        return f"{said}: {in_words(medians_of(rounds))}" if rounds else said

    return why


def why_not_four(lab: str) -> Callable[[Document], str]:
    """What NetworkManager leaves to gain."""

    def why(document: Document) -> str:
        ways = _cold(document, lab)
        floor, script = floor_of(ways), by_hand(ways)
        if floor is None or script is None:
            return "what NetworkManager itself takes is most of both; its floor was not measured"
        most = ratio(script.median / floor.median)
        return (
            f"whoever uses NetworkManager pays what it takes itself, {duration(floor.median)}: "
            f"{most} times would be all there is"
        )

    return why


# ---------------------------------------------------------------------- many


def exponent(low: tuple[int, float], high: tuple[int, float]) -> float:
    """x of the n^x by which a time grows from one (n, seconds) to another."""
    return math.log(high[1] / low[1]) / math.log(high[0] / low[0])


def _many(document: Document, lab: str, what: str) -> list[tuple[int, Ways]]:
    """Number and figures by way, by number, of those that bridged has made."""
    found = at(document, "labs", lab, what) or {}
    by_number = sorted((int(count), _figures(by)) for count, by in found.items())
    return [(count, ways) for count, ways in by_number if _TOLD in ways]


def _emulated(document: Document, lab: str = "vm") -> str:
    return ", emulated" if at(document, "labs", lab, "emulated") else ""


def vlans(document: Document) -> Outcome | None:
    """The time of the largest number; judged only if that is the one of the aim."""
    found = _many(document, "vm", "vlans")
    if not found:
        return None
    count, ways = found[-1]
    ours, floor = ways[_TOLD], floor_of(ways)
    figure = f"{duration(ours.median)} for {count} and {count}{_emulated(document)}"
    times = f"{ratio(ours.median / floor.median)} of NetworkManager's floor" if floor else ""
    met = ours.median * 5 <= _PUBLISHED if count >= _AIMED else None
    return Outcome(figure, met, times, spread(ours))


def why_not_vlans(document: Document) -> str:
    """What the figure is worth."""
    count, ways = _many(document, "vm", "vlans")[-1]
    said = []
    if count < _AIMED:
        said.append(f"so many were not made (`--vlans {_AIMED}`)")
    if _emulated(document):
        said.append(
            f"{_PUBLISHED:.0f} s are of hardware and this machine is emulated, many times slower "
            "for every way: the ratio to NetworkManager's own floor is what to rely on"
        )
    if floor := floor_of(ways):
        said.append(f"NetworkManager itself takes {duration(floor.median)} of it here")
    for number, native in _many(document, "netns", "many"):
        if number == _AIMED and (floor := floor_of(native)):
            said.append(
                f"at the machine's own speed {number} bridges with a card each take "
                f"{duration(native[_TOLD].median)}, NetworkManager itself {duration(floor.median)}"
            )
    return "; ".join(said)


def spent_of(by: Mapping[str, Mapping[str, Any]], way: str) -> dict[str, float]:
    """Seconds of processor by part, the median of the rounds; empty where it was not noted."""
    rounds = by.get(way, {}).get("spent")
    return medians_of(rounds) if rounds else {}


def why_vlans_grow(document: Document) -> str:
    """Whose processor time grows."""
    said, found = GROWN, at(document, "labs", "vm", "vlans") or {}
    sizes = sorted(int(n) for n, by in found.items() if spent_of(by, _TOLD))
    if not sizes:
        return said
    ways = dict(_many(document, "vm", "vlans"))
    if sizes[-1] < max(ways) and _FLOOR in ways[sizes[-1]]:
        ours, floor = (ways[sizes[-1]][way].median for way in (_TOLD, _FLOOR))
        said = (
            f"{sizes[-1]} VLANs take {ratio(ours / floor)} times the floor; with more of them "
            "NetworkManager, busy, answers too late, and what had no answer is asked once more"
        )
    told = []
    for size in dict.fromkeys((sizes[0], sizes[-1])):
        mine, least = (spent_of(found[str(size)], way) for way in (_TOLD, _FLOOR))
        whole = ", ".join(f"{part} {duration(mine[part])}" for part in PARTS)
        beside = f" (beside the floor NetworkManager {duration(least[PARTS[0]])})" if least else ""
        told.append(f"with {size} VLANs of the one processor {whole}{beside}")
    return f"{said}: {'; '.join(told)}"


def growth(lab: str, what: str, told: str) -> Callable[[Document], Outcome | None]:
    """How the time grows from the smallest number to the largest, beside NetworkManager's own, of
    the samples `what` of a laboratory, which are `told` as that."""

    def measured(document: Document) -> Outcome | None:
        found = [(count, ways) for count, ways in _many(document, lab, what) if _FLOOR in ways]
        if len(found) < 2:
            return None
        (few, low), (many, high) = found[0], found[-1]
        ours, floor = (
            exponent((few, low[way].median), (many, high[way].median)) for way in (_TOLD, _FLOOR)
        )
        figure = f"n^{ours:.2f} from {few} to {many} {told}; NetworkManager's own n^{floor:.2f}"
        shares = [ratio(ways[_TOLD].median / ways[_FLOOR].median) for ways in (low, high)]
        return Outcome(figure, ours <= floor + _NOISE, f"{' and '.join(shares)} of the floor")

    return measured
