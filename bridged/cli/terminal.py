"""What the terminal can do: width, colour, characters; and laying text out within that."""

import os
from collections.abc import Iterable, Mapping
from typing import TextIO

DEFAULT_WIDTH = 100
"""Columns where nobody tells, as in a pipe."""
NARROWEST = 30
_COLOURS = {"red": "31", "green": "32", "yellow": "33", "bold": "1"}
_SYMBOLS = {"ok": ("✓", "+"), "bad": ("✗", "x"), "warn": ("!", "!"), "dot": ("·", "-")}


class Terminal:
    """Lays out text.  Colour only repeats what words and symbols already say."""

    __slots__ = ("colour", "unicode", "width")

    def __init__(self, width: int = DEFAULT_WIDTH, colour: bool = False, unicode: bool = True):
        self.width = max(width, NARROWEST)
        self.colour = colour
        self.unicode = unicode

    @classmethod
    def of(cls, stream: TextIO, environ: Mapping[str, str]) -> "Terminal":
        """The terminal behind `stream`, as far as it and the environment tell."""
        tty = stream.isatty()
        term = environ.get("TERM", "")
        colour = tty and not environ.get("NO_COLOR") and term not in {"dumb", ""}
        return cls(_width(stream, environ, tty), colour, _unicode(stream, environ, term))

    def symbol(self, name: str) -> str:
        """A symbol that the terminal can show, one cell wide."""
        return _SYMBOLS[name][0 if self.unicode else 1]

    def paint(self, text: str, *looks: str) -> str:
        """`text` in colour (``red``, ``green``, ``yellow``) or ``bold``, where that is wanted."""
        if not self.colour or not text:
            return text
        return f"\x1b[{';'.join(_COLOURS[look] for look in looks)}m{text}\x1b[0m"

    def wrap(self, text: str, first: str = "", rest: str | None = None) -> list[str]:
        """Lines of at most `width` cells; `first` begins the first one, `rest` the others.

        Words longer than a line stay whole: what is to be copied must not be torn apart.
        """
        rest = " " * cells(first) if rest is None else rest
        lines: list[str] = []
        line, empty = first, True
        for word in text.split():
            if not empty and cells(line) + 1 + cells(word) > self.width:
                lines.append(line)
                line, empty = rest, True
            line += word if empty else f" {word}"
            empty = False
        lines.append(line)
        return [line.rstrip() for line in lines]

    def headed(self, head: str, text: str) -> list[str]:
        """`text` wrapped behind `head`, which is bold and not counted with its colour codes."""
        first, *rest = self.wrap(text, f"{head}  ")
        return [self.paint(head, "bold") + first[len(head) :], *rest]

    def join(self, parts: Iterable[str], indent: str) -> list[str]:
        """`parts` with dots between them, broken between parts only."""
        lines: list[str] = []
        line = ""
        for part in parts:
            longer = f"{line} {self.symbol('dot')} {part}" if line else indent + part
            if line and cells(longer) > self.width:
                lines.append(line)
                longer = indent + part
            line = longer
        return [*lines, line] if line else lines


def hush(stream: TextIO) -> None:
    """Let nothing more be written: Python would complain again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def cells(text: str) -> int:
    """How many columns `text` takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text
    )


def pad(text: str, width: int) -> str:
    """`text` filled up with spaces to `width` columns."""
    return text + " " * (width - cells(text))


def _width(stream: TextIO, environ: Mapping[str, str], tty: bool) -> int:
    columns = environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns[:5]):
        return int(columns[:5])
    if tty:
        try:
            return os.get_terminal_size(stream.fileno()).columns or DEFAULT_WIDTH
        except (OSError, ValueError):
            pass
    return DEFAULT_WIDTH


def _unicode(stream: TextIO, environ: Mapping[str, str], term: str) -> bool:
    """Whether our symbols arrive.  Python writes UTF-8 even in the C locale, so that is asked
    for too; the font of the kernel's own console lacks the symbols."""
    if environ.get("LC_ALL") in {"C", "POSIX"} or term == "linux":
        return False
    try:
        "".join(good for good, _ in _SYMBOLS.values()).encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
