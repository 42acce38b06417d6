"""What is not right, said so that somebody who was just woken up can act on it."""

from typing import Any

from bridged.cli.terminal import Terminal, cells, pad
from bridged.telling.conditions import look, meaning, next_attempt
from bridged.telling.sentences import state_sentence, state_step
from bridged.telling.words import span

Document = dict[str, Any]

_OBVIOUS = {"value", "state", "presence", "content"}
"""Properties that an object has only one of: their names say nothing."""
_WITHOUT_GUESTS = {"file", "module", "sysctl"}
_LABEL = 6
"""Columns of the words in front of what is said of a problem."""


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
    meant = meaning(condition, agent, item["remedy"])
    if condition == "withheld" and item["kind"] in {"package", "runtime"}:
        meant = "it would cost more than you allowed"
    elif condition == "withheld" and item["kind"] in _WITHOUT_GUESTS:
        meant = "not done unless you say so"
    if meant and cells(head) + cells(said) + len(meant) + 2 <= terminal.width:
        said = f"{said}: {meant}"
    lines = [terminal.paint(head, colour, "bold") + terminal.paint(said, colour)]
    if cells(head) + cells(said) > terminal.width:
        lines = [terminal.paint(head.rstrip(), colour, "bold")]
        lines.append("  " + terminal.paint(said, colour))
    for drift in item["drift"]:
        lines += _labelled("is", _drift(drift), terminal)
    if condition == "paused" and item["kind"] != "guests":
        return lines  # the pause is told once, with its reason, its end and how to end it
    if item["reason"]:
        lines += _labelled("why", item["reason"], terminal)
    if condition == "paused":
        return lines
    if item["remedy"]:
        lines += _labelled("do", item["remedy"], terminal)
    when = next_attempt(item, now)
    return lines + _labelled("next", when, terminal) if when else lines


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
    lines = terminal.wrap(state_sentence(state), f"{terminal.symbol('bad')} ", "  ")
    lines = [terminal.paint(line, "red", "bold") for line in lines]
    for problem in state["problems"]:
        lines += _problem(problem, terminal)
    return lines + _labelled("do", state_step(state, agent), terminal)


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
