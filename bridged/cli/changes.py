"""What changed between two reports, in a line each.  Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bridged.telling.sentences import pause_words
from bridged.telling.words import brief

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed: when (Unix seconds), what about, and the words for it.

    `event` is ``repaired``, ``failed``, ``condition``, ``guests``, ``finding``, ``state-file``,
    ``pause`` or ``agent``.
    """

    time: float
    event: str
    object: str
    text: str

    def line(self) -> str:
        """The object and the words."""
        about = self.object.replace("/", " ", 1)
        return f"{about}: {self.text}" if about else self.text


def changes(before: Document, after: Document) -> list[Change]:
    """What is different in `after`, in the order in which it came about as far as that is known."""
    now = after["time"]
    found = [
        *_agent(before, after),
        *_state_file(before["state"], after["state"], now),
        *_pauses(before, after),
        *_repairs(before["repairs"], after["repairs"]),
        *_conditions(before["objects"], after["objects"], now),
        *_guests(before["links"], after["links"], now),
        *_findings(before["findings"], after["findings"], now),
    ]
    return sorted(found, key=lambda change: change.time)


def _agent(before: Document, after: Document) -> Iterable[Change]:
    if before["started"] != after["started"]:
        text = f"bridged {after['version']} was started"
        yield Change(after["started"], "agent", "", text)
    if before["network_manager_available"] != after["network_manager_available"]:
        said = "answers again" if after["network_manager_available"] else "does not answer"
        yield Change(after["time"], "agent", "", f"NetworkManager {said}")


def _state_file(before: Document, after: Document, now: float) -> Iterable[Change]:
    if before["valid"] and not after["valid"]:
        first = after["problems"][0].split("\n")[0] if after["problems"] else "it has errors"
        yield Change(now, "state-file", "", f"the state file cannot be used: {first}")
    elif after["valid"] and (not before["valid"] or before["hash"] != after["hash"]):
        yield Change(after["loaded"] or now, "state-file", "", "the state file is in force anew")


def _pauses(before: Document, after: Document) -> Iterable[Change]:
    old = {(item["bridge"], item["begun"]) for item in before.get("pauses", [])}
    new = {(item["bridge"], item["begun"]) for item in after.get("pauses", [])}
    for item in after.get("pauses", []):
        if (item["bridge"], item["begun"]) not in old:
            words = pause_words([item], item["begun"])
            yield Change(item["begun"], "pause", "", f"{words} by {item['by']}: {item['reason']}")
    for item in before.get("pauses", []):
        if (item["bridge"], item["begun"]) not in new:
            yield Change(after["time"], "pause", item["bridge"], "the pause is over")


def _repairs(before: list[Document], after: list[Document]) -> Iterable[Change]:
    # The list is the end of a longer one, and a new agent's begins anew.
    known = {(item["time"], item["object"], item["action"]) for item in before}
    for item in after:
        if (item["time"], item["object"], item["action"]) in known:
            continue
        cause = {"state-file": "declared anew", "unknown": ""}.get(
            item["cause"], f"{item['cause'].replace('+', ', ')} drifted"
        )
        said = "; ".join(filter(None, (cause, item["action"])))
        if item["outcome"] == "repaired":
            text = f"repaired in {brief(item.get('latency', 0.0))}: {said}"
            yield Change(item["time"], "repaired", item["object"], text)
        else:
            text = f"could not be repaired: {item['error']} ({said})"
            yield Change(item["time"], "failed", item["object"], text)


def _conditions(before: list[Document], after: list[Document], now: float) -> Iterable[Change]:
    old = {(item["kind"], item["name"]): item for item in before}
    for item in after:
        name = f"{item['kind']}/{item['name']}"
        former = old.pop((item["kind"], item["name"]), None)
        if former is None:
            if item["condition"] != "converged":
                yield Change(now, "condition", name, _said(item))
        elif former["condition"] != item["condition"]:
            text = f"{_word(former)} -> {_said(item)}"
            yield Change(item["since"] or now, "condition", name, text)
    for kind, gone in old:
        if kind != "guests":  # spoken of only while some are out
            yield Change(now, "condition", f"{kind}/{gone}", "no longer declared")


def _word(item: Document) -> str:
    return "as desired" if item["condition"] == "converged" else str(item["condition"])


def _said(item: Document) -> str:
    drift = ", ".join(d["property"] for d in item["drift"])
    why = item["reason"] or (f"differs in {drift}" if drift else "")
    return f"{_word(item)}: {why}" if why and item["condition"] != "converged" else _word(item)


def _guests(before: list[Document], after: list[Document], now: float) -> Iterable[Change]:
    old = {link["name"]: set(link["guests"]) for link in before}
    for link in after:
        was, now_in = old.get(link["name"], set()), set(link["guests"])
        for text, names in (("plugged in", now_in - was), ("out", was - now_in)):
            if names:
                shown = ", ".join(sorted(names)[:5]) + (", ..." if len(names) > 5 else "")
                word = "guest" if len(names) == 1 else f"{len(names)} guests"
                yield Change(now, "guests", f"bridge/{link['name']}", f"{word} {text}: {shown}")


def _findings(before: list[Document], after: list[Document], now: float) -> Iterable[Change]:
    old = {(item["code"], item["object"]): item for item in before}
    new = {(item["code"], item["object"]): item for item in after}
    for key in new.keys() - old.keys():
        yield Change(now, "finding", key[1], f"{new[key]['message']} [{key[0]}]")
    for key in old.keys() - new.keys():
        yield Change(now, "finding", key[1], f"settled: {old[key]['message']} [{key[0]}]")
