"""A broken rule between the objects of a state."""

from dataclasses import dataclass

from bridged.desired.merge import Path


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule: the path of what breaks it, the sentence, the remedy.

    HERE in the sentence stands for the place of `other`, the second thing that takes part.
    """

    path: Path
    message: str
    remedy: str = ""
    other: Path | None = None


HERE = "\0"
"""No name and no value in a message can contain this character."""
