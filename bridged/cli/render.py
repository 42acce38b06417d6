"""The status page of the terminal: (report as JSON, time, terminal) -> text.  Pure."""

from typing import Any

from bridged.cli.leftout import left_out_lines
from bridged.cli.problems import finding_block, object_block, state_block, wrong
from bridged.cli.tables import (
    bridge_detail,
    bridge_names,
    bridge_table,
    kernel_lines,
    members,
    repair_lines,
    repair_times,
)
from bridged.cli.terminal import Terminal
from bridged.cli.words import ago, count, escape, span

Document = dict[str, Any]

STALE = 300.0
"""Seconds after which the report of a running agent is called old: it looks once a minute."""


def status_text(
    document: Document, now: float, terminal: Terminal, bridge: str | None = None
) -> str:
    """The page: headline, problems, what there is, what was repaired.

    `document` is `report.as_json`, `now` in Unix seconds.  With `bridge` (one of the report's) the
    page tells of that one only, and in full.
    """
    document = escape(document)
    objects = document["objects"] if bridge is None else members(document, bridge)
    repairs = document["repairs"]
    if bridge is None:
        body = [bridge_table(document, now, terminal), kernel_lines(document, terminal)]
    else:
        body = [bridge_detail(document, bridge, terminal)]
        mine = {f"{item['kind']}/{item['name']}" for item in objects}
        repairs = [repair for repair in repairs if repair["object"] in mine]
    agent = document["agent"]
    problems = [object_block(item, now, terminal, agent) for item in wrong(objects)]
    findings = [
        line
        for finding in document["findings"]
        if bridge is None or finding["object"] in {f"{i['kind']}/{i['name']}" for i in objects}
        for line in finding_block(finding, terminal)
    ]
    blocks = [
        _head(document, objects, now, terminal, bridge),
        state_block(document["state"], terminal, agent),
        _agent_block(document, now, terminal),
        left_out_lines(document["state"].get("left_out", ()), terminal),
        *problems,
        findings,
        *body,
        repair_lines(repairs, now, terminal),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


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
    if not state["valid"]:
        if state["source"] == "none":
            return f"{host}: no usable state file, nothing is kept as declared", "red"
        return f"{host}: the state file has errors; by the last good one: {said}", "red"
    if bad:
        return f"{host}: {said}", "yellow" if {"drift", "pending"} >= set(kinds) else "red"
    if document["agent"]:
        times = repair_times(item["last_repair"] for item in objects)
        times += repair_times(document["repairs"] if bridge is None else ())
        said += f", last repair {ago(now - max(times))}" if times else ", no repair so far"
    return f"{host}: {said}", "green"


def find_bridge(document: Document, name: str) -> list[str]:
    """Empty where the report has the bridge `name`, else the names that may have been meant."""
    known = bridge_names(document)
    if name in known:
        return []
    from difflib import get_close_matches

    return get_close_matches(name, known, 3, 0.5) or known


def _head(
    document: Document,
    objects: list[Document],
    now: float,
    terminal: Terminal,
    bridge: str | None,
) -> list[str]:
    sentence, colour = headline(document, objects, now, bridge)
    symbol = {"green": "ok", "yellow": "warn", "red": "bad"}[colour]
    lines = terminal.wrap(sentence, f"{terminal.symbol(symbol)} ", "  ")
    lines = [terminal.paint(line, colour, "bold") for line in lines]
    facts = [f"seen {ago(now - document['time'])}"]
    if document["agent"]:
        up = span(now - document["started"])
        facts.append(f"bridged {document['version']}, up {up}".replace("  ", " "))
    if document["network_manager_available"]:
        facts.append(f"NetworkManager {document['network_manager']}")
    facts.append(document["state"]["path"])
    return lines + terminal.join(facts, "  ")


def agent_notes(document: Document, now: float) -> list[str]:
    """Sentences on what is wrong with bridged itself or with what it stands on."""
    texts = []
    age = now - document["time"]
    if document["agent"] and age > STALE:
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


def _agent_block(document: Document, now: float, terminal: Terminal) -> list[str]:
    texts = agent_notes(document, now)
    symbol = f"{terminal.symbol('warn')} "
    lines = [line for text in texts for line in terminal.wrap(text, symbol, "  ")]
    return [terminal.paint(line, "yellow") for line in lines]
