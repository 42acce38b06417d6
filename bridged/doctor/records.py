"""What a check says."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Grade = Literal["ok", "warning", "problem", "unseen"]
"""warning: works, and something is worth to be known.  problem: bridged cannot do its work on this
host, or somebody undoes it.  unseen: could not be looked at."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: its name, what was seen, why it matters, what to do."""

    name: str
    grade: Grade
    seen: str
    why: str = ""
    remedy: str = ""
    group: str = ""


def ok(name: str, seen: str) -> Check:
    """All is well."""
    return Check(name, "ok", seen)


def warning(name: str, seen: str, why: str, remedy: str) -> Check:
    """Worth to be known."""
    return Check(name, "warning", seen, why, remedy)


def problem(name: str, seen: str, why: str, remedy: str) -> Check:
    """In the way of bridged's work."""
    return Check(name, "problem", seen, why, remedy)


def unseen(name: str, seen: str, remedy: str = "sudo bridgedctl doctor") -> Check:
    """Could not be looked at."""
    return Check(name, "unseen", seen, "", remedy)


def checks_as_json(checks: Iterable[Check]) -> dict[str, Any]:
    """The documented form: the checks, how many there are of each grade, and `fit`."""
    checks = tuple(checks)
    grades: tuple[Grade, ...] = ("ok", "warning", "problem", "unseen")
    counts = {grade: sum(check.grade == grade for check in checks) for grade in grades}
    return {
        "fit": counts["problem"] == 0,
        "counts": counts,
        "checks": [asdict(check) for check in checks],
    }
