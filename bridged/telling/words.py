"""Small words: ages, and text of others made safe for a terminal.  Imports nothing."""

from collections.abc import Iterable
from typing import Any


def escape(value: Any) -> Any:
    """`value` with the control characters of every text in it escaped, line ends kept.

    Names of profiles and messages of errors come from others; printed as they are they could move
    the cursor, hide lines or retitle the terminal.
    """
    if isinstance(value, str):
        return value if value.isprintable() else "".join(map(_escape_character, value))
    if isinstance(value, dict):
        return {escape(key): escape(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [escape(item) for item in value]
    return value


def _escape_character(char: str) -> str:
    if char.isprintable() or char == "\n":
        return char
    return " " if char == "\t" else char.encode("unicode_escape").decode()


def span(seconds: float) -> str:
    """A time span in one unit, as people say it: ``40 s``, ``3 min``, ``5 h``, ``12 d``."""
    seconds = max(seconds, 0.0)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 36 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} d"


def ago(seconds: float) -> str:
    """How long ago: ``just now``, ``3 min ago``."""
    return "just now" if seconds < 1 else f"{span(seconds)} ago"


def count(number: int, one: str, many: str = "") -> str:
    """``1 object``, ``2 objects``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listing(names: Iterable[str], room: int, width: Any = len) -> str:
    """As many of `names` as fit into `room` cells; the rest is counted: ``a, b, +10``."""
    names = list(names)
    text = ", ".join(names)
    if width(text) <= room:
        return text
    for shown in range(len(names) - 1, 0, -1):
        text = f"{', '.join(names[:shown])}, +{len(names) - shown}"
        if width(text) <= room:
            return text
    return ""


def duration(text: str) -> float | None:
    """``90s``, ``30m``, ``1h30m``, ``2d`` in seconds; None for what is no time span.

    A bare number is seconds.
    """
    from re import findall, fullmatch

    if fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    if not fullmatch(r"([0-9]{1,9}[smhdw])+", text):
        return None
    scale = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
    return float(sum(int(part[:-1]) * scale[part[-1]] for part in findall(r"[0-9]+[a-z]", text)))


def moment(time: float, now: float) -> str:
    """A moment by the local clock, with its day where that is not today: ``11:42:03``."""
    from time import localtime, strftime

    then = localtime(time)
    today = then[:3] == localtime(now)[:3]
    return strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S", then)


def brief(seconds: float) -> str:
    """A short span: ``12 ms``, ``1.5 s``, then as `span`."""
    if seconds < 0.9995:
        return f"{max(seconds, 0.0) * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 10 else span(seconds)
