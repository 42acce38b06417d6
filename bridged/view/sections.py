"""The sections of the page: (report as JSON, escaped) -> an element, None where it is empty."""

from typing import Any
from xml.etree.ElementTree import Element

from bridged.telling.conditions import RIGHT, meaning, next_attempt, wrong
from bridged.telling.sentences import agent_notes, state_sentence, state_step
from bridged.telling.words import count, span
from bridged.view.markup import Child, el
from bridged.view.parts import (
    icon,
    mark_of,
    moment,
    name_of,
    object_name,
    pairs,
    part,
    seen,
    state_word,
    table,
    took_words,
    value,
)
from bridged.view.svg import svg
from bridged.view.topology import Bridge, Mark, Topology, fold, shown, topology

Document = dict[str, Any]

_BRIDGES = 24
_PROBLEMS = 40
_ROWS = 200
_REPAIRS = 12
_GUESTS = 40
_OPEN = 40
"""Rows up to which a table of things that are right is shown unasked."""
_NETWORK = ("bridge", "port", "vlan")
_TITLES = {
    "module": "Kernel modules",
    "sysctl": "Kernel parameters",
    "file": "Files",
    "profile": "Profiles",
}
_SOURCES = {
    "file": "the file as it is on disk",
    "last-good": "the last good one, for the file has errors",
    "trial": "a file on trial, waiting for bridgedctl confirm",
    "none": "none",
}
_WATCH = {
    "inotify": "yes, at once",
    "poll": "yes, by looking every few seconds",
    "none": "no",
}


def notes(document: Document, now: float) -> Element | None:
    """What is wrong with bridged itself, and changes that wait for a word."""
    texts = agent_notes(document, now)
    if document["confirm_by"] is not None:
        left = max(document["confirm_by"] - now, 0.0)
        texts.append(f"Changes go back in {left:.0f} s unless you say: bridgedctl confirm")
    if not texts:
        return None
    lines = (el("div", "note warn", icon("warn"), el("span", "", text)) for text in texts)
    return part("notes", "", "", *lines)


def file_errors(document: Document) -> Element | None:
    """The errors of the state file, each with its place, as whoever found them printed them."""
    state = document["state"]
    if state["valid"]:
        return None
    problems = (el("pre", "", problem, tabindex=0) for problem in state["problems"])
    sentence = state_sentence(state)
    return part(
        "file-errors",
        f"{sentence[0].upper()}{sentence[1:]}",
        "panel bad",
        *problems,
        pairs([("do", state_step(state, document["agent"]))]),
    )


def attention(document: Document, now: float) -> Element | None:
    """The objects that are not as desired, those that need somebody first."""
    found = wrong(document["objects"])
    if not found:
        return None
    cards = [_problem(item, now, document["agent"]) for item in found[:_PROBLEMS]]
    more = len(found) - len(cards)
    rest = el("p", "quiet", f"and {more} more: bridgedctl status") if more else None
    return part("attention", "Not as desired", "", el("div", "cards", *cards), rest)


def _problem(item: Document, now: float, agent: bool) -> Element:
    kind = mark_of(item["condition"])
    age = now - item["since"]
    since = f" for {span(age)}" if agent and item["since"] and age >= 1 else ""
    meant = meaning(item["condition"], agent, item["remedy"])
    head = el(
        "h3",
        "",
        icon(kind),
        el("span", "kind", item["kind"]),
        " ",
        el("span", "name", item["name"]),
    )
    said = el("p", f"said {kind}", el("b", "", item["condition"]), f"{since}: {meant}")
    rows = [
        [d["property"], value(d["desired"]), seen(d["kernel"]), seen(d["network_manager"])]
        for d in item["drift"]
    ]
    heads = ("property", "should be", "kernel", "NetworkManager")
    facts = [
        ("why", item["reason"]),
        ("do", item["remedy"]),
        ("next", next_attempt(item, now)),
    ]
    differs = table(f"How {item['name']} differs", heads, rows, "drift") if rows else None
    return el("article", f"panel {kind}", head, said, differs, pairs(facts))


def findings(document: Document) -> Element | None:
    """What to know that is not drift."""
    if not document["findings"]:
        return None
    items = []
    for finding in document["findings"]:
        about = finding["object"].replace("/", " ", 1)
        items.append(
            el(
                "article",
                "panel warn",
                el(
                    "h3",
                    "",
                    icon("warn"),
                    el("span", "name", about) if about else None,
                    el("span", "code", finding["code"]),
                ),
                el("p", "", finding["message"]),
                pairs([("do", finding["remedy"])]),
            )
        )
    return part("findings", "Worth knowing", "", el("div", "cards", *items))


def picture(document: Document) -> Element:
    """The topology, drawn and as a list: for screen readers and narrow windows."""
    whole = fold(topology(document), _BRIDGES)
    if not whole.bridges:
        return part("topology", "Network", "panel", el("p", "quiet", "No bridge is declared."))
    drawn = svg(whole)
    drawn.set("aria-hidden", "true")
    drawn.attrib.pop("role")
    return part("topology", "Network", "panel", el("div", "drawn", drawn), _listed(whole))


def _listed(whole: Topology) -> Element:
    items = [_bridge(bridge) for bridge in whole.bridges]
    if whole.folded:
        items.append(el("li", "quiet", f"+{whole.folded} more bridges: bridgedctl graph"))
    return el("ul", "listed", *items)


def _bridge(bridge: Bridge) -> Element:
    below = []
    for port in bridge.ports:
        tag = f"VLAN {port.tag}"
        said = port.said.replace(tag, f"{tag} on {port.card}", 1) if port.card else port.said
        loose = "" if port.plugged or port.link == "missing" else " · not plugged in"
        below.append(_item(port.mark, port.name, f"{said}{loose}"))
    guests, more = shown(bridge.guests, _GUESTS)
    names = [guest.name if guest.up else f"{guest.name} (down)" for guest in guests]
    names += [f"+{more} more"] if more else []
    said = f"{count(len(bridge.guests), 'guest')}: {', '.join(names)}" if names else "no guests"
    below.append(el("li", "quiet", said))
    return _item(bridge.mark, bridge.name, bridge.said, el("ul", "", *below))


def _item(kind: Mark, name: str, said: str, below: Element | None = None) -> Element:
    line: list[Child] = [
        icon(kind),
        el("span", "name", name),
        " ",
        el("span", f"said {kind}", said),
    ]
    return el("li", "", el("div", "", *line), below)


def repairs(document: Document, now: float) -> Element:
    """The last repairs, newest first."""
    newest = sorted(document["repairs"], key=lambda repair: -repair["time"])
    rows = [_repair(repair, now) for repair in newest[:_REPAIRS]]
    if not rows:
        text = "Nothing had to be repaired since bridged started."
        return part("repairs", "Last repairs", "panel", el("p", "quiet", text))
    heads = ("when", "what drifted", "what was done", "outcome")
    more = len(newest) - len(rows)
    rest = el("p", "quiet", f"and {count(more, 'earlier one')}: /api/status") if more else None
    return part(
        "repairs", "Last repairs", "panel", table("Last repairs", heads, rows, "repairs"), rest
    )


def _repair(repair: Document, now: float) -> list[Child]:
    failed = repair["outcome"] != "repaired"
    cause = {"state-file": "declared anew", "unknown": ""}.get(
        repair["cause"], f"{repair['cause'].replace('+', ', ')} drifted"
    )
    took = took_words(repair["seconds"])
    return [
        moment(repair["time"], now),
        el(
            "span", "", object_name(repair["object"]), el("span", "below", cause) if cause else None
        ),
        el(
            "span",
            "",
            repair["action"],
            el("span", "below error", repair["error"]) if repair["error"] else None,
        ),
        el(
            "span",
            "",
            state_word("bad" if failed else "ok", repair["outcome"]),
            el("span", "below", f"in {took}") if took else None,
        ),
    ]


def objects(document: Document, now: float) -> Element:
    """Every declared object, by kind."""
    everything = document["objects"]
    kinds = dict.fromkeys(item["kind"] for item in everything)
    groups: list[tuple[str, str, tuple[str, ...]]] = [
        ("network", "Bridges, ports and VLANs", _NETWORK)
    ]
    groups += [(kind, _TITLES.get(kind, kind), (kind,)) for kind in kinds if kind not in _NETWORK]
    tables = []
    for key, title, members in groups:
        mine = [item for item in everything if item["kind"] in members]
        if mine:
            tables.append(_group(key, title, mine, now))
    if not tables:
        tables.append(el("p", "quiet", "Nothing is declared."))
    return part("objects", "Objects", "", el("div", "groups", *tables))


def _group(key: str, title: str, items: list[Document], now: float) -> Element:
    right = sum(item["condition"] in RIGHT for item in items)
    said, kind = f"{len(items)} as desired", mark_of("converged")
    if right < len(items):
        said = f"{right} of {len(items)} as desired"
        kind = mark_of(wrong(items)[0]["condition"])
    network = key == "network"
    heads = ("object", "state", "bridge", "since") if network else ("object", "state", "since")
    if len(items) > _ROWS:
        items = wrong(items) + [item for item in items if item["condition"] in RIGHT]
    rows = [_row(item, now, network) for item in items[:_ROWS]]
    more = len(items) - len(rows)
    return el(
        "details",
        "panel",
        el(
            "summary",
            "",
            icon(kind),
            el("b", "", title),
            " ",
            el("span", "quiet", said),
            id=f"objects-{key}-head",
        ),
        table(title, heads, rows, "objects"),
        el("p", "quiet", f"and {more} more, as desired: bridgedctl status") if more else None,
        id=f"objects-{key}",
        open="" if len(items) <= _OPEN else None,
    )


def _row(item: Document, now: float, network: bool) -> list[Child]:
    condition = "as desired" if item["condition"] == "converged" else item["condition"]
    state: Child = state_word(mark_of(item["condition"]), condition)
    if item["condition"] == "unavailable" and item["reason"]:
        state = el("span", "", state_word("ok", condition), el("span", "below", item["reason"]))
    name = object_name(f"{item['kind']}/{item['name']}") if network else name_of(item["name"])
    since = span(now - item["since"]) if item["since"] else "–"
    if not network:
        return [name, state, since]
    own = item["kind"] == "bridge" or not item["bridge"]
    return [name, state, "" if own else name_of(item["bridge"]), since]


def state_file(document: Document, now: float) -> Element:
    """The state file: what is in force, and whether the file on disk can be used."""
    state = document["state"]
    valid = (
        state_word("ok", "valid") if state["valid"] else state_word("bad", "has errors, see above")
    )
    facts: list[tuple[str, Child]] = [
        ("file", name_of(state["path"])),
        ("on disk", valid),
        ("in force", state["trial"] or _SOURCES.get(state["source"], state["source"])),
        ("loaded", moment(state["loaded"], now) if state["loaded"] else "never"),
        ("SHA-256", el("span", "hash", state["hash"]) if state["hash"] else "–"),
        ("watched", _WATCH.get(document["watch_mode"], document["watch_mode"])),
    ]
    return part("state", "State file", "panel", pairs(facts))
