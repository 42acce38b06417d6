"""The status page of the terminal: (report as JSON, time, terminal) -> text.  Pure."""

from typing import Any

from bridged.cli.leftout import left_out_lines
from bridged.cli.pause import pause_block
from bridged.cli.problems import finding_block, object_block, state_block
from bridged.cli.tables import bridge_detail, bridge_table, kernel_lines, repair_lines
from bridged.cli.terminal import Terminal
from bridged.telling.conditions import wrong
from bridged.telling.members import members, told_of
from bridged.telling.sentences import agent_notes, headline
from bridged.telling.words import ago, escape, span

Document = dict[str, Any]


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
        mine = told_of(objects, bridge)
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
        pause_block(document.get("pauses", []), now, terminal, bridge),
        left_out_lines(document["state"].get("left_out", ()), terminal),
        *problems,
        findings,
        *body,
        repair_lines(repairs, now, terminal, bridge),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


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


def _agent_block(document: Document, now: float, terminal: Terminal) -> list[str]:
    texts = agent_notes(document, now)
    symbol = f"{terminal.symbol('warn')} "
    lines = [line for text in texts for line in terminal.wrap(text, symbol, "  ")]
    return [terminal.paint(line, "yellow") for line in lines]
