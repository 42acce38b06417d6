"""Lines as SVG, drawn by hand like the strips of `plot`: time over n, and what ought to be flat."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from tests.bench.figures import Figures, duration

_TEXT, _GRID = "#7d8590", "#7d859055"
_COLOURS = ("#2f81f7", "#2da44e", "#d29922", "#a371f7", "#8b949e")
_WIDTH, _LEFT, _RIGHT, _TOP = 880, 80, 310, 50
_PANEL, _BELOW = 300, 60
_LINE = 17
"""Pixels between two labels, one below the other."""
_FONT = "font-family='system-ui, sans-serif' font-size='13'"


@dataclass(frozen=True)
class Line:
    """Figures by n, under a name; a floor is grey and dashed, `colour` counts the others."""

    name: str
    points: Mapping[int, Figures]
    colour: int = 0
    floor: bool = False

    @property
    def stroke(self) -> str:
        return _COLOURS[-1] if self.floor else _COLOURS[self.colour]


@dataclass(frozen=True)
class _Axis:
    """Values to pixels, from `low` at `begin` to `high` at `end`."""

    low: float
    high: float
    begin: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high = self.low, self.high
        if self.log:
            value, low, high = math.log10(value), math.log10(low), math.log10(high)
        return self.begin + (value - low) / (high - low) * (self.end - self.begin)


def growth(title: str, lines: Sequence[Line]) -> str:
    """Medians over n, both on log scales; the thin line above each point ends at p99."""
    sizes = sorted({n for line in lines for n in line.points})
    figures = [seen for line in lines for seen in line.points.values()]
    low = 10 ** math.floor(math.log10(min(seen.median for seen in figures)))
    high = 10 ** math.ceil(math.log10(max(seen.p99 for seen in figures)))
    bottom = _TOP + _PANEL
    x = _Axis(sizes[0], sizes[-1], _LEFT + 16, _WIDTH - _RIGHT - 16, log=True)
    y = _Axis(low, high, bottom, _TOP, log=True)
    parts = _head(title, bottom + _BELOW)
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        parts += _level(y(10.0**power), _seconds(10.0**power))
    for n in sizes:
        parts.append(_text(x(n), bottom + 20, f"{n:,}", "middle"))
    centre = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(_text(centre, bottom + 44, "bridges, a port each", "middle"))
    ends = []
    for number, line in enumerate(lines):
        aside = 4 * number - 2 * len(lines) + 2  # or one would hide the other
        dash = " stroke-dasharray='5 4'" if line.floor else ""
        places = [(x(n) + aside, y(seen.median)) for n, seen in sorted(line.points.items())]
        parts.append(_path(places, line.stroke, dash))
        for n, seen in line.points.items():
            reach = [(x(n) + aside, y(seen.median)), (x(n) + aside, y(seen.p99))]
            parts.append(_path(reach, line.stroke, "", 1.5))
            parts.append(f"<circle cx='{x(n) + aside:.1f}' cy='{y(seen.median):.1f}' r='4' "
                         f"fill='{line.stroke}'/>")  # fmt: skip
        last = line.points[max(line.points)]
        said = f"{line.name}: {duration(last.median)}"
        ends.append((places[-1][1], said, line.stroke))
    parts += _labels(ends, bottom)
    note = "point: median; thin line: to p99; all on log scales"
    parts.append(_text(_WIDTH - 12, 24, note, "end"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def flat(title: str, panels: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Panels of lines over the share of a run, from nothing up: what is flat looks flat."""
    height = 150
    parts = _head(title, _TOP + len(panels) * (height + 50) + 10)
    x = _Axis(0, 1, _LEFT, _WIDTH - _RIGHT)
    top = _TOP + 20.0
    for name, lines in panels.items():
        most = max(max(values) for values in lines.values())
        step = _step(most)
        high = step * math.ceil(most * 1.02 / step)
        y = _Axis(0, high, top + height, top)
        parts.append(_text(12, top - 18, name, "start"))
        for tick in range(round(high / step) + 1):
            parts += _level(y(tick * step), f"{tick * step:g}")
        ends = []
        for colour, (who, values) in enumerate(lines.items()):
            share = max(len(values) - 1, 1)
            places = [(x(place / share), y(value)) for place, value in enumerate(values)]
            parts.append(_path(places, _COLOURS[colour], ""))
            said = f"{who}: {values[0]:.3g} to {values[-1]:.3g}"
            ends.append((places[-1][1], said, _COLOURS[colour]))
        parts += _labels(ends, top + height)
        top += height + 50
    parts.append(_text(_LEFT, top - 24, "begin", "start"))
    parts.append(_text(_WIDTH - _RIGHT, top - 24, "end", "end"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _step(most: float) -> float:
    """The distance of two grid lines, of which there are to be three to six."""
    unit: float = 10 ** math.floor(math.log10(most))
    return next(unit * share for share in (0.2, 0.5, 1, 2) if most / (unit * share) <= 5)


def _head(title: str, height: float) -> list[str]:
    return [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height:.0f}' "
        f"role='img' {_FONT} fill='{_TEXT}'>",
        f"<title>{escape(title)}</title>",
        f"<text x='12' y='24' font-size='15' font-weight='600'>{escape(title)}</text>",
    ]


def _seconds(value: float) -> str:
    if value >= 1:
        return f"{value:g} s"
    return f"{value * 1000:g} ms" if value >= 0.001 else f"{value * 1e6:g} µs"


def _text(x: float, y: float, text: str, anchor: str, fill: str = "") -> str:
    colour = f" fill='{fill}'" if fill else ""
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}'{colour}>{escape(text)}</text>"


def _level(y: float, label: str) -> list[str]:
    return [
        f"<path d='M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}' stroke='{_GRID}'/>",
        _text(_LEFT - 10, y + 4, label, "end"),
    ]


def _path(places: Sequence[tuple[float, float]], stroke: str, more: str, width: float = 2) -> str:
    way = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    return f"<path d='M{way}' fill='none' stroke='{stroke}' stroke-width='{width}'{more}/>"


def _labels(ends: Sequence[tuple[float, str, str]], bottom: float) -> list[str]:
    """A label at the end of each line, moved where it would be upon another."""
    ordered: list[tuple[float, str, str]] = sorted(ends)
    places = [y for y, _, _ in ordered]
    for number in range(1, len(places)):
        places[number] = max(places[number], places[number - 1] + _LINE)
    if places[-1] > bottom:
        places[-1] = bottom
        for number in range(len(places) - 2, -1, -1):
            places[number] = min(places[number], places[number + 1] - _LINE)
    return [
        _text(_WIDTH - _RIGHT + 12, place + 4, said, "start", stroke)
        for place, (_, said, stroke) in zip(places, ordered, strict=True)
    ]
