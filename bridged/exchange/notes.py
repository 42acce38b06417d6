"""What could not be carried over, and what is worth knowing about what was."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Note:
    """One thing at a place (``interfaces[2].ipv4``): what about it, and what to do.

    `lost` tells that something which was declared is not in the result.
    """

    path: str
    message: str
    remedy: str = ""
    lost: bool = True

    def __str__(self) -> str:
        """The note in one line."""
        text = f"{self.path}: {self.message}" if self.path else self.message
        return f"{text}; {self.remedy}" if self.remedy else text


@dataclass
class Notes:
    """Collects notes in the order in which they are found, each once."""

    found: list[Note] = field(default_factory=list)

    def lose(self, path: str, message: str, remedy: str = "") -> None:
        """Something is not in the result."""
        self._add(Note(path, message, remedy))

    def tell(self, path: str, message: str, remedy: str = "") -> None:
        """Something is worth knowing; nothing is lost."""
        self._add(Note(path, message, remedy, lost=False))

    def _add(self, note: Note) -> None:
        if note not in self.found:
            self.found.append(note)

    @property
    def lost(self) -> bool:
        """Whether anything that was declared is not in the result."""
        return any(note.lost for note in self.found)
