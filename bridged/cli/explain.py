"""One object explained, as people read it: (document, time, terminal) -> text.  Pure."""

from typing import Any

from bridged.cli.leftout import left_out_lines
from bridged.cli.problems import finding_block
from bridged.cli.tables import repair_lines
from bridged.cli.terminal import Terminal, cells, pad
from bridged.telling.conditions import RIGHT, look
from bridged.telling.words import escape, span

Document = dict[str, Any]

_GAP = "  "
_HEADS = ("PROPERTY", "DECLARED", "KERNEL", "NETWORKMANAGER", "WHERE")
_WIDEST = 28
"""Columns of a value in the table; a longer one makes the table a list."""
_LABEL = 10
_SINCE = {"default": "default", "derived": "derived from the rest"}


def explain_text(document: Document, now: float, terminal: Terminal) -> str:
    """The page: what it is, its properties side by side, who else sets it, the next step.

    `document` is `explanation_as_json`, `now` in Unix seconds.
    """
    document = escape(document)
    blocks = [
        _head(document, now, terminal),
        _properties(document, terminal),
        _facts(document, terminal),
        _profiles(document, terminal),
        _boot(document, terminal),
        _others(document, terminal),
        *(finding_block(finding, terminal) for finding in document["findings"]),
        repair_lines(document["repairs"], now, terminal),
        left_out_lines(document.get("left_out", ()), terminal),
        terminal.headed("NEXT", document["next_step"]),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _head(document: Document, now: float, terminal: Terminal) -> list[str]:
    condition = document["condition"]
    symbol, colour = look(condition)
    said = "as desired" if condition == "converged" else condition
    age = now - document["since"]
    if document["agent"] and document["since"] and age >= 1:
        said += f" for {span(age)}"
    title = f"{document['kind']} {document['name']}: {said}"
    lines = terminal.wrap(title, f"{terminal.symbol(symbol)} ", "  ")
    lines = [terminal.paint(line, colour, "bold") for line in lines]
    facts = []
    if document["bridge"] and document["kind"] != "bridge":
        facts.append(f"of bridge {document['bridge']}")
    if ":" in document["declared"]:
        facts.append(f"declared in {document['declared']}")
    lines += terminal.join(facts, "  ")
    if not document["state_valid"]:
        said = "the state file has errors: this is by the last good one, lines are those of it"
        text = terminal.wrap(said, f"{terminal.symbol('bad')} ", "  ")
        lines += [terminal.paint(line, "red") for line in text]
    if document["reason"]:
        lines += _labelled("why", document["reason"], terminal)
    if document["next_attempt"]:
        wait = document["next_attempt"] - now
        number = f"attempt {document['attempts'] + 1} " if document["attempts"] else ""
        when = f"in {span(wait)}" if wait >= 1 else "due now"
        lines += _labelled("next try", number + when, terminal)
    return lines


def _labelled(label: str, text: str, terminal: Terminal) -> list[str]:
    return terminal.wrap(text, f"  {pad(label, _LABEL)}" + _GAP)


def _properties(document: Document, terminal: Terminal) -> list[str]:
    """The declared ones in a table, or one below the other where that has no room; what is not
    declared in a line, with its value."""
    declared = [p for p in document["properties"] if p["desired"] is not None]
    rest = [p for p in document["properties"] if p["desired"] is None]
    lines = (
        _table(declared, document, terminal)
        or _table(declared, document, terminal, brief=True)
        or _list(declared, terminal)
    )
    if rest:
        parts = [f"{p['name']} {_seen(p)}" for p in rest]
        said = f"not declared, so left as it is: {', '.join(parts)}"
        lines += ["", *terminal.wrap(said, "  ", "    ")]
    return lines


def _seen(view: Document) -> str:
    return str(view["network_manager"] if view["kernel"] is None else view["kernel"])


def _table(
    views: list[Document], document: Document, terminal: Terminal, brief: bool = False
) -> list[str]:
    """The table, empty where it has no room; `brief` says ``same`` for what is as declared."""
    if not views:
        return []
    rows = [
        (
            view["name"],
            view["desired"],
            _cell(view["kernel"], view["desired"], brief),
            _cell(view["network_manager"], view["desired"], brief),
            _where(view["declared"], document["declared"]),
        )
        for view in views
    ]
    heads = _HEADS
    columns = [0, 1, 2, 3, 4]
    if all(row[3] == "-" for row in rows):
        columns.remove(3)
    widths = [max(cells(heads[n]), *(cells(row[n]) for row in rows)) for n in range(5)]
    if max(widths[1:4]) > _WIDEST:
        return []
    if 2 + sum(widths[n] for n in columns) + len(_GAP) * (len(columns) - 1) > terminal.width:
        return []
    head = "  " + _GAP.join(pad(heads[n], widths[n]) for n in columns).rstrip()
    lines = [terminal.paint(head, "bold")]
    for view, row in zip(views, rows, strict=True):
        text = _GAP.join(pad(row[n], widths[n]) for n in columns).rstrip()
        lines.append(_marked(view, terminal) + text)
    return lines


def _cell(value: str | None, desired: str, brief: bool) -> str:
    if value is None:
        return "-"
    return "same" if brief and value == desired else value


def _marked(view: Document, terminal: Terminal) -> str:
    name, colour = ("bad", "red") if view["differs"] else ("ok", "green")
    return terminal.paint(terminal.symbol(name), colour) + " "


def _where(declared: str, of_object: str) -> str:
    """The place of a value: the line alone where the file is the one of the object."""
    file, _, line = declared.rpartition(":")
    if file and file == of_object.rpartition(":")[0]:
        return f"line {line}"
    return declared or "-"


def _list(views: list[Document], terminal: Terminal) -> list[str]:
    lines: list[str] = []
    for view in views:
        rows = terminal.wrap(f"{view['name']}: {view['desired']}", "  ", "    ")
        lines += [_marked(view, terminal) + rows[0][2:], *rows[1:]]
        parts: list[str] = []
        if view["kernel"] is not None:
            parts.append(f"kernel {view['kernel']}")
        if view["network_manager"] is not None:
            parts.append(f"NetworkManager {view['network_manager']}")
        if view["declared"]:
            declared = str(view["declared"])
            parts.append(_SINCE.get(declared, declared))
        lines += terminal.join(parts, "    ")
    return lines


def _facts(document: Document, terminal: Terminal) -> list[str]:
    lines: list[str] = []
    for label, text in document["facts"]:
        lines += _labelled(label, text, terminal)
    return lines


def _profiles(document: Document, terminal: Terminal) -> list[str]:
    if not document["profiles"]:
        return []
    lines = [terminal.paint("PROFILES", "bold")]
    for profile in document["profiles"]:
        rival = profile["role"] == "rival"
        symbol = terminal.paint(terminal.symbol("bad"), "red") if rival else terminal.symbol("dot")
        rows = terminal.wrap(f"{profile['id']}: {_said(profile)}", "  ", "    ")
        lines += [f"{symbol} {rows[0][2:]}", *rows[1:]]
        lines += terminal.wrap(profile["uuid"], "    ")
        lines += terminal.wrap(profile["file"] or "in memory only", "    ")
    return lines


def _said(profile: Document) -> str:
    role = profile["role"]
    said = ["a rival: NetworkManager could activate it instead"] if role == "rival" else [role]
    if role == "aside":
        said = ["put aside" if not profile["autoconnect"] else "for this interface too"]
    said.append("made by bridged" if profile["ours"] else "not made by bridged")
    said.append("active" if profile["active"] else "not active")
    said.append(f"autoconnect {'on' if profile['autoconnect'] else 'off'}")
    return ", ".join(said)


def _boot(document: Document, terminal: Terminal) -> list[str]:
    """What the next boot does: every line about it, in order."""
    kind = document["kind"]
    if not document["boot"]:
        if kind in {"module", "sysctl"}:
            said = "no boot file sets it: after the next boot it is right once bridged runs"
            return [terminal.paint("AT BOOT", "bold"), *terminal.wrap(said, "  ")]
        return []
    lines = [terminal.paint("SAYS" if kind == "file" else "AT BOOT", "bold")]
    for entry in document["boot"]:
        text = entry["line"] if kind == "file" else f"{entry['file']}: {entry['line']}"
        if kind == "module":
            text += " (loads it)" if entry["wins"] else " (keeps it out)"
        elif kind == "sysctl":
            text += " (has the last word)" if entry["wins"] else " (overridden below)"
        symbol = "ok" if entry["ours"] else "dot" if entry["wins"] and kind == "module" else "warn"
        lines += terminal.wrap(text, f"{terminal.symbol(symbol)} ", "    ")
    return lines


def _others(document: Document, terminal: Terminal) -> list[str]:
    if not document["others"]:
        return []
    head = "WHO CHANGES IT BACK, PERHAPS" if document["condition"] not in RIGHT else "WHO ELSE"
    lines = [terminal.paint(head, "bold")]
    for text in document["others"]:
        lines += terminal.wrap(text, f"{terminal.symbol('dot')} ", "  ")
    return lines
