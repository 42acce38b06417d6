"""The condition of an object in words: how urgent, how it looks, what it means."""

from typing import Any

from bridged.telling.words import span

Document = dict[str, Any]

RIGHT = {"converged", "unavailable"}
_URGENCY = ("failed", "blocked", "contended", "withheld", "paused", "drift", "pending")
_NEEDS_SOMEBODY = {"failed", "blocked", "contended", "withheld"}
_MEANING = {
    "failed": "the last attempt failed",
    "blocked": "cannot be done until somebody acts",
    "contended": "something keeps changing it back",
    "withheld": "guests would lose their bridge",
    "paused": "left as it is for now",
    "drift": "about to be repaired",
    "pending": "waits for something that is on its way",
}


def wrong(objects: list[Document]) -> list[Document]:
    """The objects that are not as desired, those that need somebody first."""
    found = [item for item in objects if item["condition"] not in RIGHT]
    return sorted(found, key=lambda item: _rank(item["condition"]))


def _rank(condition: str) -> int:
    return _URGENCY.index(condition) if condition in _URGENCY else len(_URGENCY)


def worst(conditions: list[str]) -> str:
    """The most urgent of some conditions, ``converged`` where there is none."""
    return min((c for c in conditions if c not in RIGHT), key=_rank, default="converged")


def look(condition: str) -> tuple[str, str]:
    """Symbol and colour of a condition."""
    if condition in RIGHT:
        return "ok", "green"
    return ("bad", "red") if condition in _NEEDS_SOMEBODY else ("warn", "yellow")


def meaning(condition: str, agent: bool, remedy: str = "") -> str:
    """What a condition says, in a few words; empty where its name is enough.

    What differs and has a `remedy` is for people: what bridged repairs needs none.
    """
    if condition == "drift" and remedy:
        return "left to you"
    if condition == "drift" and not agent:
        return "bridgedctl apply repairs it"
    return _MEANING.get(condition, "")


def next_attempt(item: Document, now: float) -> str:
    """When an object is tried again, empty where nothing waits."""
    if not item["next_attempt"]:
        return ""
    wait = item["next_attempt"] - now
    when = f"in {span(wait)}" if wait >= 1 else "due"
    return f"attempt {item['attempts'] + 1} {when}" if item["attempts"] else when
