"""The plan as people read it.  Pure."""

from typing import Any

from bridged.cli.leftout import left_out_lines
from bridged.cli.pause import pause_block
from bridged.cli.problems import state_block
from bridged.cli.terminal import Terminal
from bridged.telling.words import count, escape

Document = dict[str, Any]

_COST = {
    "none": "",
    "port": "that port loses frames for a moment",
    "guests": "guest ports lose the bridge",
}


def plan_text(document: Document, terminal: Terminal, now: float = 0.0) -> str:
    """What is wrong with the state file; the steps in order, each with its object, reason and what
    it costs; then what is withheld, and what is paused (`now` in Unix seconds)."""
    document = escape(document)
    actions = document["actions"]
    # The state file leaves to the operator what costs nothing and is not done all the same.
    withheld = [step for step in document["withheld"] if step["disruption"] == "guests"]
    left = [step for step in document["withheld"] if step["disruption"] != "guests"]
    paused = document.get("paused", [])
    pauses = pause_block(document.get("pauses", []), now, terminal)
    left_out = left_out_lines(document.get("left_out", ()), terminal)
    broken = state_block(document["state"], terminal, agent=True) if is_broken(document) else []
    if not actions and not document["withheld"] and not paused:
        blocks = [broken, [_nothing(document, terminal)], pauses, left_out]
        return "\n\n".join("\n".join(block) for block in blocks if any(block)) + "\n"
    headline = _by_last_good(document) + _headline(actions, document["withheld"], paused)
    blocks = [broken, [terminal.paint(headline, "bold")]]
    width = len(str(len(actions)))
    steps: list[str] = []
    for number, step in enumerate(actions, 1):
        steps += _step(step, f"{number:>{width}}. ", terminal)
    blocks.append(steps)
    if withheld:
        held = _not_done(
            "Withheld, because guests would lose their bridge:", withheld, "warn", terminal
        )
        kinds, names = zip(*(step["object"].split("/", 1) for step in withheld), strict=True)
        bridges = dict.fromkeys(names) if set(kinds) == {"bridge"} else {"BRIDGE": None}
        allow = " ".join(f"--allow-disruption {name}" for name in bridges)
        held += terminal.wrap(f"bridgedctl apply {allow}", "  to allow it once: ")
        blocks.append(held)
    if left:
        text = "Left to you, as the state file says (bridgedctl status tells how):"
        blocks.append(_not_done(text, left, "warn", terminal))
    blocks.append(pauses)
    if paused:
        blocks.append(_not_done("Left for when the pause is over:", paused, "dot", terminal))
    blocks.append(left_out)
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def is_broken(document: Document) -> bool:
    """Whether what is on disk cannot be used as a state file; an earlier agent does not tell."""
    state = document.get("state")
    return state is not None and not state["valid"]


def _by_last_good(document: Document) -> str:
    last_good = is_broken(document) and document["state"]["source"] == "last-good"
    return "by the last good state: " if last_good else ""


def _nothing(document: Document, terminal: Terminal) -> str:
    """That there is nothing to do; empty where nothing was declared that could be read."""
    if not is_broken(document):
        return f"{terminal.symbol('ok')} nothing to do, the node is as desired"
    by = _by_last_good(document)
    return f"{terminal.symbol('dot')} {by}nothing to do" if by else ""


def _not_done(text: str, steps: list[Document], symbol: str, terminal: Terminal) -> list[str]:
    """Steps that are not taken now, below the sentence that says why."""
    lines = [terminal.paint(line, "yellow") for line in terminal.wrap(text)]
    for step in steps:
        lines += _step(step, f"{terminal.symbol(symbol)} ", terminal)
    return lines


def _headline(actions: list[Document], withheld: list[Document], paused: list[Document]) -> str:
    parts = [count(len(actions), "step") if actions else "nothing that may be done now"]
    parts += [f"{len(withheld)} withheld"] if withheld else []
    parts += [f"{len(paused)} paused"] if paused else []
    return ", ".join(parts)


def _step(step: Document, first: str, terminal: Terminal) -> list[str]:
    indent = " " * len(first)
    lines = terminal.wrap(step["description"], first)
    kind, _, name = step["object"].partition("/")
    # Most reasons begin with the object's name: once is enough.
    about = step["reason"] if name in step["reason"] else f"{name}: {step['reason']}"
    lines += terminal.wrap(f"{kind} {about}" if about.startswith(name) else about, indent)
    cost = _COST.get(step["disruption"], step["disruption"])
    if cost:
        costly = terminal.wrap(f"disruption: {cost}", indent)
        lines += [terminal.paint(line, "yellow") for line in costly]
    return lines
