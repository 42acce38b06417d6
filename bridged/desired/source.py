"""The text of a state file, and places in it."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from bridged.desired.errors import COLLECTED, Problem, StateError

# What YAML excludes (its c-printable), and the line ends of YAML 1.1 that no editor shows as such:
# they would make our line numbers differ from everybody else's.
_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_LINE_END = re.compile("\r\n|\n|\r")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Source:
    """One file as it was read: the name to print, and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True, eq=False)
class Text:
    """A decoded file.  `lines` are without their ends."""

    file: str
    content: str
    lines: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lines", tuple(_LINE_END.split(self.content)))

    def place(self, offset: int) -> "Place":
        """The place of the character at `offset`."""
        before = _LINE_END.split(self.content[:offset])
        return Place(self, len(before), len(before[-1]) + 1)


@dataclass(frozen=True, slots=True)
class Place:
    """A character of a file; line and column count from 1."""

    text: Text
    line: int
    column: int

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.text.file

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def seen_from(self, other: "Place") -> str:
        """``line 3`` for a reader who is in the same file, ``FILE:3`` for another."""
        return f"line {self.line}" if self.file == other.file else str(self)

    def problem(self, message: str, remedy: str = "") -> Problem:
        """A problem at this place."""
        line = self.text.lines[self.line - 1] if self.line <= len(self.text.lines) else ""
        return Problem(self.file, self.line, self.column, message, remedy, line)


class Problems:
    """Collects problems, so that an operator sees all of them at once."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def add(self, place: Place, message: str, remedy: str = "") -> None:
        """Note a problem; beyond COLLECTED of them no more are noted."""
        if not self.full:
            self._found.append(place.problem(message, remedy))

    def extend(self, error: StateError) -> None:
        """Note the problems of an error."""
        self._found.extend(error.problems)

    @property
    def full(self) -> bool:
        """Whether there are so many that looking for more is useless."""
        return len(self._found) >= COLLECTED

    def __bool__(self) -> bool:
        return bool(self._found)

    def raise_any(self) -> None:
        """Raise StateError if there is any problem."""
        if self._found:
            raise StateError(self._found)


def digest(sources: Iterable[Source]) -> str:
    """SHA-256 over the names (without folders) and contents of the files, in hexadecimal.

    Without folders, so that the same files give the same hash on every node.
    """
    total = hashlib.sha256()
    for source in sources:
        name = PurePath(source.name).name.encode(errors="surrogateescape")
        total.update(b"%d:%s%d:" % (len(name), name, len(source.data)))
        total.update(source.data)
    return total.hexdigest()


def decode(source: Source) -> Text:
    """The text of a file.  Raises StateError where it is not UTF-8 or holds control characters."""
    data = source.data
    if data.startswith(_UTF16):
        raise StateError(
            [Problem(source.name, 1, 1, "the file is UTF-16, not UTF-8", "save it as UTF-8")]
        )
    try:
        # A byte order mark is not part of the text (utf-8-sig drops it); Windows editors add one.
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Columns count from behind the byte order mark, which utf-8-sig took off before failing.
        place = Text(source.name, error.object[: error.start].decode()).place(len(data))
        whole = Text(source.name, error.object.decode(errors="replace"))
        raise StateError(
            [
                Place(whole, place.line, place.column).problem(
                    f"the byte 0x{error.object[error.start]:02x} is not UTF-8",
                    "save the file as UTF-8",
                )
            ]
        ) from None
    text = Text(source.name, content)
    bad = _UNPRINTABLE.search(content)
    if bad:
        char = bad.group()
        name = unicodedata.name(char, "control character").lower()
        remedy = "remove it" if char != "\0" else "write the file again: it is damaged"
        raise StateError(
            [text.place(bad.start()).problem(f"a {name} (U+{ord(char):04X}) stands here", remedy)]
        )
    return text


def invisible(text: str) -> tuple[int, str] | None:
    """Offset and name of the first character of `text` that nobody can see, or None.

    Text pasted from web pages brings no-break spaces and zero-width characters.
    """
    for offset, char in enumerate(text):
        if (
            not char.isascii()
            and not char.isprintable()
            and unicodedata.category(char) in {"Zs", "Zl", "Zp", "Cf", "Cc", "Cs"}
        ):
            return offset, unicodedata.name(char, f"character U+{ord(char):04X}").lower()
    return None


def names(sources: Sequence[Source]) -> tuple[str, ...]:
    """Names of the files, in the order in which they are merged."""
    return tuple(source.name for source in sources)
