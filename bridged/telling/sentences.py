"""The sentences about a node: the headline, its state file, pauses, bridged itself."""

from typing import Any

from bridged.telling.conditions import wrong
from bridged.telling.members import repair_times
from bridged.telling.words import ago, count, span

Document = dict[str, Any]

_MAX_AGE = 300.0
"""Seconds after which the report of an agent that does not tell is old: it looks once a minute."""


def headline(
    document: Document, objects: list[Document], now: float, bridge: str | None = None
) -> tuple[str, str]:
    """The one sentence, and its look: ``green``, ``yellow`` or ``red``."""
    host = document["hostname"] if bridge is None else f"{bridge} on {document['hostname']}"
    state = document["state"]
    bad = wrong(objects)
    numbers = count(len(objects), "object")
    if bad:
        verb = "is" if len(bad) == 1 else "are"
        said = f"{len(bad)} of {numbers} {verb} not as desired"
        kinds = [item["condition"] for item in bad]
        if len(set(kinds)) > 1:
            parts = [f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)]
            said += f" ({', '.join(parts)})"
    elif objects:
        said = f"as desired, {numbers}"
    else:
        said = "as desired, nothing is declared"
    if age := too_old(document, now):
        return f"{host}: bridged has told nothing for {span(age)}; before that: {said}", "red"
    if not state["valid"]:
        if state["source"] == "none":
            return f"{host}: no usable state file, nothing is kept as declared", "red"
        return f"{host}: the state file has errors; by the last good one: {said}", "red"
    paused = pause_words(document.get("pauses", []), now, bridge)
    said += f"; {paused}" if paused else ""
    if bad:
        calm = {"drift", "pending", "paused"} >= set(kinds)
        return f"{host}: {said}", "yellow" if calm else "red"
    if paused:
        return f"{host}: {said}", "yellow"
    if document["agent"]:
        times = repair_times(item["last_repair"] for item in objects)
        times += repair_times(document["repairs"] if bridge is None else ())
        said += f", last repair {ago(now - max(times))}" if times else ", no repair so far"
    return f"{host}: {said}", "green"


def state_sentence(state: Document) -> str:
    """What a state file with errors means."""
    said = {
        "last-good": "has errors; the last good state stays in force",
        "none": "cannot be used, and there is no earlier good one: nothing is kept as declared",
    }.get(state["source"], "has errors")
    return f"state file {state['path']} {said}"


def state_step(state: Document, agent: bool) -> str:
    """What to do about a state file with errors."""
    if agent:
        return "correct it and save, bridged reads it again by itself"
    return f"correct it, then: bridgedctl validate {state['path']}"


def whole(item: Document) -> str:
    """What a pause holds: a bridge, or the node."""
    return item["bridge"] or "the node"


def pause_words(pauses: list[Document], now: float, bridge: str | None = None) -> str:
    """What a headline says of pauses: ``paused for another 27 min``, empty where there are none."""
    node = [item for item in pauses if not item["bridge"]]
    if node:
        return f"paused for another {span(node[0]['until'] - now)}"
    if bridge is not None:
        mine = [item for item in pauses if item["bridge"] == bridge]
        return f"paused for another {span(mine[0]['until'] - now)}" if mine else ""
    if len(pauses) == 1:
        return f"{pauses[0]['bridge']} paused for another {span(pauses[0]['until'] - now)}"
    return f"{count(len(pauses), 'bridge')} paused" if pauses else ""


def too_old(document: Document, now: float) -> float:
    """The seconds for which a running agent has told nothing, zero as long as that is as usual."""
    age = now - document["time"]
    usual = document.get("max_age") or _MAX_AGE
    return age if document["agent"] and age > usual else 0.0


def agent_notes(document: Document, now: float) -> list[str]:
    """Sentences on what is wrong with bridged itself or with what it stands on."""
    texts = []
    if age := too_old(document, now):
        texts.append(
            f"this report is {span(age)} old: bridged hangs. "
            "Look with journalctl -u bridged, then systemctl restart bridged"
        )
    if not document["network_manager_available"]:
        why = document["network_manager"] or "NetworkManager does not answer"
        texts.append(
            f"{why}: profiles are neither read nor repaired. "
            "Look with systemctl status NetworkManager"
        )
    if document["agent"] and document["watch_mode"] == "none":
        texts.append("the state file is not watched: after a change, systemctl reload bridged")
    return texts
