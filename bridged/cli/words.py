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
