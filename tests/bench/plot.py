"""Plots as SVG, drawn by hand: for each row, where the samples of each colour lie, on a log scale.

No background and middle tones only, so that they read on white as on black.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from tests.bench.figures import Figures, duration

_COLOURS = {
    "bridged": "#2f81f7", "floor": "#8b949e", "nmcli": "#d29922", "bridgedctl apply": "#2da44e",
    "running agent": "#2f81f7", "asked agent": "#a371f7",
}  # fmt: skip
_TEXT, _GRID = "#7d8590", "#7d859055"
_LEFT, _RIGHT, _ROW, _TOP = 220, 190, 24, 64
_WIDTH = 860
_FONT = "font-family='system-ui, sans-serif' font-size='13'"


@dataclass(frozen=True)
class _Scale:
    """Seconds to columns, logarithmically, from `low` to `high`."""

    low: float
    high: float

    def x(self, seconds: float) -> float:
        share = math.log(seconds / self.low) / math.log(self.high / self.low)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def ticks(self) -> list[float]:
        """The powers of ten within."""
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high))
        return [10.0**power for power in range(first, last + 1)]


def strips(title: str, rows: Sequence[tuple[str, Mapping[str, Figures]]]) -> str:
    """An SVG.  Each row has a name and figures by series: the thin line runs from the least to p99,
    the thick one holds the middle half, the dot is the median, which is written beside it."""
    figures = [figure for _, series in rows for figure in series.values()]
    low = 10 ** math.floor(math.log10(min(figure.low for figure in figures)))
    high = 10 ** math.ceil(math.log10(max(figure.p99 for figure in figures)))
    scale = _Scale(low, high)
    lines = sum(len(series) for _, series in rows)
    height = _TOP + lines * _ROW + len(rows) * 10 + 34
    bottom = height - 30
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}' "
        f"role='img' {_FONT} fill='{_TEXT}'>",
        f"<title>{escape(title)}</title>",
        f"<text x='12' y='22' font-size='15' font-weight='600'>{escape(title)}</text>",
    ]
    parts += _legend({name for _, series in rows for name in series})
    for tick in scale.ticks():
        x = scale.x(tick)
        parts.append(f"<path d='M{x:.1f} {_TOP - 8}V{bottom}' stroke='{_GRID}'/>")
        label = f"{tick:g} s" if tick >= 1 else f"{tick * 1000:g} ms"
        parts.append(f"<text x='{x:.1f}' y='{bottom + 18}' text-anchor='middle'>{label}</text>")
    y = float(_TOP)
    for name, series in rows:
        middle = y + len(series) * _ROW / 2 + 4
        parts.append(f"<text x='{_LEFT - 14}' y='{middle}' text-anchor='end'>{escape(name)}</text>")
        for who, figure in series.items():
            parts += _strip(scale, y + _ROW / 2, figure, _COLOURS[who])
            y += _ROW
        y += 10
    return "\n".join([*parts, "</svg>"]) + "\n"


def _strip(scale: _Scale, y: float, figure: Figures, colour: str) -> list[str]:
    low, high = scale.x(figure.low), scale.x(figure.p99)
    left, right = (scale.x(quartile) for quartile in figure.quartiles)
    said = f"{duration(figure.median)}, p99 {duration(figure.p99)}"
    return [
        f"<path d='M{low:.1f} {y}H{high:.1f}' stroke='{colour}' stroke-width='2'/>",
        f"<path d='M{left:.1f} {y}H{right:.1f}' stroke='{colour}' stroke-width='8' "
        "stroke-opacity='.5' stroke-linecap='round'/>",
        f"<circle cx='{scale.x(figure.median):.1f}' cy='{y}' r='5' fill='{colour}'/>",
        f"<text x='{_WIDTH - _RIGHT + 16}' y='{y + 4}'>{said}</text>",
    ]


def _legend(names: set[str]) -> list[str]:
    parts, x = [], 14.0
    for name, colour in _COLOURS.items():
        if name in names:
            parts.append(f"<circle cx='{x + 4}' cy='42' r='5' fill='{colour}'/>")
            parts.append(f"<text x='{x + 16}' y='46'>{escape(name)}</text>")
            x += 40 + 7.5 * len(name)
    text = "dot: median; thick: middle half; line: least to p99"
    parts.append(f"<text x='{_WIDTH - 12}' y='46' text-anchor='end'>{text}</text>")
    return parts
