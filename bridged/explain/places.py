"""Where in the state file something is declared."""

from collections.abc import Callable
from dataclasses import dataclass


def _nowhere(*path: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Places:
    """`where` gives ``FILE:LINE`` of what stands at a path of names (`Loaded.where`), the empty
    text where it is not written there."""

    where: Callable[..., str] = _nowhere

    def of(self, *path: str) -> str:
        """The place, the empty text where none is known."""
        return self.where(*path)

    def value(self, default: bool, *path: str) -> str:
        """The place of a value; ``default`` or ``derived`` for one that is not written."""
        return self.where(*path) or ("default" if default else "derived")
