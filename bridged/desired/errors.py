"""What is wrong with a state file: where it stands, what it is, and what to write instead.

StateError
└── one Problem per mistake, sorted by place, as many as were found in one reading
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from bridged.errors import BridgedError

EXCERPT_WIDTH = 100
"""Characters of a line that are printed; a longer line is cut around the place of the mistake."""
SHOWN = 40
"""Characters of a value that are repeated in a message."""
SENTENCE = 2000
"""Characters of a message or a remedy."""
PRINTED = 20
"""Problems that are printed; the others are counted."""
COLLECTED = 100
"""Problems that are collected; a file with more of them is not a state file with mistakes."""


def shown(text: str, limit: int = SHOWN) -> str:
    """`text` as it can safely be repeated to an operator: shortened, control characters escaped."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in cut
    )


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake.

    `line` and `column` count characters from 1; line 0 means the file as a whole.  `excerpt` is the
    line as it stands in the file.  `remedy` says what to do, in a sentence or less.  Both sentences
    are printable, whatever they repeat: they are told in many places.
    """

    file: str
    line: int
    column: int
    message: str
    remedy: str = ""
    excerpt: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", shown(self.message, SENTENCE))
        object.__setattr__(self, "remedy", shown(self.remedy, SENTENCE))

    @property
    def where(self) -> str:
        """``FILE:LINE:COLUMN``, or ``FILE`` where it is about the file as a whole."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return shown(place, 4096)

    def __str__(self) -> str:
        """FILE:LINE:COLUMN: message, then the line, a caret under the place, and the remedy."""
        rows = [f"{self.where}: {self.message}"]
        if self.excerpt.strip():
            rows += _excerpt(self.excerpt, max(self.column, 1))
        if self.remedy:
            rows.append(f"  remedy: {self.remedy}")
        return "\n".join(rows)


class StateError(BridgedError):
    """The state file cannot be used.  `problems` holds at least one problem, sorted by place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__(self.problems)

    def render(self) -> str:
        """All problems as they are printed, each with its line and caret, one below the other."""
        rows = [str(problem) for problem in self.problems[:PRINTED]]
        more = len(self.problems) - PRINTED
        if more > 0:
            rows.append(f"and {more} more, which may follow from these")
        return "\n".join(rows)

    def __str__(self) -> str:
        return self.render()


def _excerpt(line: str, column: int) -> list[str]:
    """The line and the caret line, cut to EXCERPT_WIDTH around `column`."""
    start = 0
    # A caret behind the last character is where something is missing.
    column = min(column, len(line) + 1)
    if len(line) > EXCERPT_WIDTH:
        start = max(0, min(column - 1 - EXCERPT_WIDTH // 2, len(line) - EXCERPT_WIDTH))
    end = start + EXCERPT_WIDTH
    before = "…" if start else ""
    after = "…" if end < len(line) else ""
    # One printable character for one of the file, so that the caret stays where it belongs and
    # no escape sequence reaches a terminal.
    part = "".join(
        char if char.isprintable() else " " if char == "\t" else "\N{REPLACEMENT CHARACTER}"
        for char in line[start:end]
    )
    indent = sum(map(_width, before + part[: column - 1 - start]))
    return [f"    {before}{part}{after}".rstrip(), " " * (4 + indent) + "^"]


def _width(char: str) -> int:
    """Terminal cells that `char` takes."""
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
