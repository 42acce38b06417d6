"""What is not right, said so that somebody who was just woken up can act on it."""

from typing import Any

from bridged.cli.terminal import Terminal, cells, pad
from bridged.cli.words import span

Document = dict[str, Any]

RIGHT = {"converged", "unavailable"}
_URGENCY = ("failed", "blocked", "contended", "withheld", "drift", "pending")
_NEEDS_SOMEBODY = {"failed", "blocked", "contended", "withheld"}
_OBVIOUS = {"value", "state", "presence"}
"""Properties that an object has only one of: their names say nothing."""
_MEANING = {
    "failed": "the last attempt failed",
    "blocked": "cannot be done until somebody acts",
    "contended": "something keeps changing it back",
    "withheld": "guests would lose their bridge",
    "drift": "about to be repaired",
    "pending": "waits for something that is on its way",
}
_LABEL = 6
"""Columns of the words in front of what is said of a problem."""


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


def object_block(item: Document, now: float, terminal: Terminal, agent: bool) -> list[str]:
    """One object: what is, what should be, why, what to do, when it is tried again.

    Without an agent nothing happens by itself, and nothing is known of what was before.
    """
    condition = item["condition"]
    symbol, colour = look(condition)
    age = now - item["since"]
    since = f" for {span(age)}" if agent and item["since"] and age >= 1 else ""
    name = f"{item['kind']} {item['name']}"
    head = f"{terminal.symbol(symbol)} {name}  "
    said = f"{condition}{since}"
    meaning = _MEANING.get(condition, "")
    if condition == "withheld" and item["kind"] in {"package", "runtime"}:
        meaning = "it would cost more than you allowed"
    if condition == "drift" and item["remedy"]:
        meaning = "left to you"
    elif condition == "drift" and not agent:
        meaning = "bridgedctl apply repairs it"
    if meaning and cells(head) + cells(said) + len(meaning) + 2 <= terminal.width:
        said = f"{said}: {meaning}"
    lines = [terminal.paint(head, colour, "bold") + terminal.paint(said, colour)]
    if cells(head) + cells(said) > terminal.width:
        lines = [terminal.paint(head.rstrip(), colour, "bold")]
        lines.append("  " + terminal.paint(said, colour))
    for drift in item["drift"]:
        lines += _labelled("is", _drift(drift), terminal)
    if item["reason"]:
        lines += _labelled("why", item["reason"], terminal)
    if item["remedy"]:
        lines += _labelled("do", item["remedy"], terminal)
    if item["next_attempt"]:
        wait = item["next_attempt"] - now
        when = f"in {span(wait)}" if wait >= 1 else "due"
        number = f"attempt {item['attempts'] + 1} " if item["attempts"] else ""
        lines += _labelled("next", f"{number}{when}", terminal)
    return lines


def _drift(drift: Document) -> str:
    """A drifted property in a sentence.  The kernel is what counts and is named only where
    NetworkManager says something too."""
    kernel, manager = drift["kernel"], drift["network_manager"]
    if kernel is not None and manager is not None:
        have = f"{kernel} in the kernel, {manager} in NetworkManager"
        if kernel == manager:
            have = f"{kernel} in kernel and NetworkManager"
    elif manager is not None:
        have = f"{manager} in NetworkManager"
    else:
        have = "not as declared" if kernel is None else kernel
    name = "" if drift["property"] in _OBVIOUS else f"{drift['property']} "
    return f"{name}{have}, should be {drift['desired']}"


def _labelled(label: str, text: str, terminal: Terminal) -> list[str]:
    lines: list[str] = []
    for row in text.split("\n"):
        lines += terminal.wrap(row, f"    {pad('' if lines else label, _LABEL)}")
    return lines


def state_block(state: Document, terminal: Terminal, agent: bool) -> list[str]:
    """The errors of the state file with their carets, or that there is none."""
    if state["valid"]:
        return []
    said = {
        "last-good": "has errors; the last good state stays in force",
        "none": "cannot be used, and there is no earlier good one: nothing is kept as declared",
    }.get(state["source"], "has errors")
    text = f"state file {state['path']} {said}"
    lines = terminal.wrap(text, f"{terminal.symbol('bad')} ", "  ")
    lines = [terminal.paint(line, "red", "bold") for line in lines]
    for problem in state["problems"]:
        lines += _problem(problem, terminal)
    step = "correct it and save, bridged reads it again by itself"
    if not agent:
        step = f"correct it, then: bridgedctl validate {state['path']}"
    return lines + _labelled("do", step, terminal)


def _problem(problem: str, terminal: Terminal) -> list[str]:
    """A problem as it was printed by who found it; line and caret are cut together, so that the
    caret still points at the place in a narrow terminal."""
    rows = problem.split("\n")
    lines: list[str] = []
    skip = False
    for row, following in zip(rows, [*rows[1:], ""], strict=True):
        if skip:
            skip = False
            continue
        if following.strip() == "^":
            lines += _excerpt(row, cells(following.rstrip()) - 1, terminal)
            skip = True
        else:
            indent = "    " + " " * (len(row) - len(row.lstrip()))
            lines += terminal.wrap(row, indent, indent + "  ")
    return lines


def _excerpt(row: str, caret: int, terminal: Terminal) -> list[str]:
    room = terminal.width - 4
    start = 0
    if cells(row) > room and caret >= room - 6:
        start = caret - room // 2
    shown = row[start : start + room]
    return [f"    {shown}".rstrip(), " " * (4 + caret - start) + terminal.paint("^", "red", "bold")]


def finding_block(finding: Document, terminal: Terminal) -> list[str]:
    """Something to know that is not drift."""
    about = f"{finding['object'].replace('/', ' ', 1)}: " if finding["object"] else ""
    first = f"{terminal.symbol('warn')} "
    lines = terminal.wrap(f"{about}{finding['message']} [{finding['code']}]", first, "  ")
    lines = [terminal.paint(line, "yellow") for line in lines]
    if finding["remedy"]:
        lines += _labelled("do", finding["remedy"], terminal)
    return lines
