"""The aims of a cold convergence: the reference node, two bridges, many VLANs.

Both laboratories are judged where both have samples: the virtual machine has the whole reference
node, but is emulated here; the namespaces run at the machine's own speed and have two bridges.
"""

import math
from collections.abc import Callable, Iterator, Mapping

from tests.bench.aim import Document, Outcome, at, in_words, spread
from tests.bench.figures import Figures, duration, ratio

_TOLD, _FLOOR, _NMCLI = "asked agent", "nm floor", "nmcli"
_PUBLISHED = 99.0
"""Seconds, on hardware: the best that was published for 500 VLANs and 500 bridges."""
_AIMED = 500
_NOISE = 0.05
"""By which exponents of two sizes differ without a meaning."""

Ways = Mapping[str, Figures]
Base = Callable[[Ways], Figures | None]


def _figures(by: Mapping[str, Mapping[str, list[float]]]) -> Ways:
    return {way: Figures.of(one["right"]) for way, one in by.items() if one.get("right")}


def _colds(document: Document) -> Iterator[tuple[str, Ways]]:
    """What is made where, and figures by way, the reference node first."""
    labs = document.get("labs", {})
    for name in ("vm", "netns"):
        if by := at(labs, name, "cold"):
            emulated = ", emulated" if labs[name].get("emulated") else ""
            yield f"{labs[name]['layout']}{emulated}", _figures(by)


def floor_of(ways: Ways) -> Figures | None:
    """NetworkManager's own floor."""
    return ways.get(_FLOOR)


def by_hand(ways: Ways) -> Figures | None:
    """The owner's commands."""
    return ways.get(_NMCLI)


def against(base: Base, most: float) -> Callable[[Document], Outcome | None]:
    """Our time over that of `base`, at most `most` in every laboratory that has both."""

    def measured(document: Document) -> Outcome | None:
        told, shares, spreads = [], [], []
        for layout, ways in _colds(document):
            ours, other = ways.get(_TOLD), base(ways)
            if ours and other:
                shares.append(ours.median / other.median)
                told.append(f"{duration(ours.median)} ({layout}), against {duration(other.median)}")
                spreads.append(spread(ours))
        if not shares:
            return None
        met = max(shares) <= most
        return Outcome(
            "; ".join(told), met, "; ".join(f"{share:.2f}" for share in shares), "; ".join(spreads)
        )

    return measured


def why_not_the_floor(document: Document) -> str:
    """What bridged does one after the other, which the floor sends at once or leaves out."""
    said = (
        "bridged reads the file and looks at the node first, guards the change with a checkpoint, "
        "and has the profiles written before it activates any"
    )
    for name in ("vm", "netns"):
        rounds = at(document, "labs", name, "cold_parts")
        if rounds:
            medians = {
                part: Figures.of(one.get(part, 0.0) for one in rounds).median
                for part in dict.fromkeys(part for one in rounds for part in one)
            }
            said += f"; {document['labs'][name]['layout']}: {in_words(medians)}"
    return said


def why_not_four(document: Document) -> str:
    """What NetworkManager leaves to gain."""
    told = []
    for layout, ways in _colds(document):
        floor, script = floor_of(ways), by_hand(ways)
        if floor and script:
            most = ratio(script.median / floor.median)
            told.append(f"{duration(floor.median)} ({layout}: {most} times would be all there is)")
    if not told:
        return "what NetworkManager itself takes is most of both; its floor was not measured"
    return f"whoever uses NetworkManager pays what it takes itself, {', '.join(told)}"


# ---------------------------------------------------------------------- many VLANs


def exponent(low: tuple[int, float], high: tuple[int, float]) -> float:
    """x of the n^x by which a time grows from one (n, seconds) to another."""
    return math.log(high[1] / low[1]) / math.log(high[0] / low[0])


def _vlans(document: Document) -> list[tuple[int, Ways]]:
    """Number and figures by way, by number."""
    found = at(document, "labs", "vm", "vlans") or {}
    return sorted((int(count), _figures(by)) for count, by in found.items())


def _emulated(document: Document) -> str:
    return ", emulated" if at(document, "labs", "vm", "emulated") else ""


def vlans(document: Document) -> Outcome | None:
    """The time of the largest number; judged only if that is the one of the aim."""
    found = [(count, ways) for count, ways in _vlans(document) if _TOLD in ways]
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
    count, ways = _vlans(document)[-1]
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
    return "; ".join(said)


def vlan_growth(document: Document) -> Outcome | None:
    """How the time grows from the smallest number to the largest, beside NetworkManager's own."""
    found = [(count, ways) for count, ways in _vlans(document) if _TOLD in ways and _FLOOR in ways]
    if len(found) < 2:
        return None
    (few, low), (many, high) = found[0], found[-1]
    ours, floor = (
        exponent((few, low[way].median), (many, high[way].median)) for way in (_TOLD, _FLOOR)
    )
    figure = f"n^{ours:.2f} from {few} to {many} VLANs; NetworkManager's own n^{floor:.2f}"
    shares = [ratio(ways[_TOLD].median / ways[_FLOOR].median) for ways in (low, high)]
    return Outcome(figure, ours <= floor + _NOISE, f"{' and '.join(shares)} of the floor")
