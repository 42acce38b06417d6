"""`bridgedctl doctor`: is this host fit.  Looks by itself, with or without an agent."""

import argparse
import json
import os
import sys
from typing import Any

from bridged.cli.terminal import Terminal
from bridged.telling.words import count, escape

Document = dict[str, Any]

_FIT, _PROBLEMS = 0, 2
_LOOKS = {
    "ok": ("ok", "green"),
    "warning": ("warn", "yellow"),
    "problem": ("bad", "red"),
    "unseen": ("dot", ""),
}


def doctor(options: argparse.Namespace) -> int:
    """0 where the host is fit (warnings allowed), 2 where it is not."""
    document = _examine(options)
    if options.json:
        json.dump(document, sys.stdout, indent=2)
        print()
    else:
        terminal = Terminal.of(sys.stdout, os.environ)
        sys.stdout.write(doctor_text(document, os.uname().nodename, terminal))
    return _FIT if document["fit"] else _PROBLEMS


def _examine(options: argparse.Namespace) -> Document:
    from bridged.doctor.records import checks_as_json

    try:
        from bridged.doctor.examine import examine
    except ImportError:  # a library is missing: that is what there is to say
        from bridged.doctor.libraries import check_libraries

        return checks_as_json(check_libraries())
    return checks_as_json(examine(options.state, options.socket))


def doctor_text(document: Document, host: str, terminal: Terminal) -> str:
    """The verdict, what needs somebody, then what is well, by group.  `document` is
    `checks_as_json`."""
    document = escape(document)
    checks = document["checks"]
    order = ("problem", "warning", "unseen")
    bad = [check for grade in order for check in checks if check["grade"] == grade]
    blocks = [_head(document["counts"], host, terminal)]
    blocks += [_needs_somebody(check, terminal) for check in bad]
    well: list[str] = []
    for group in dict.fromkeys(check["group"] for check in checks):
        good = [c for c in checks if c["group"] == group and c["grade"] == "ok"]
        if good and group:
            well.append(terminal.paint(group.upper(), "bold"))
        for check in good:
            symbol = terminal.symbol("ok")
            first, *rest = terminal.wrap(check["seen"], f"{symbol} ", "  ")
            well += [terminal.paint(symbol, "green") + first[len(symbol) :], *rest]
    blocks.append(well)
    blocks.append(_next(checks, terminal))
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _head(counts: Document, host: str, terminal: Terminal) -> list[str]:
    parts = [count(counts["problem"], "problem"), count(counts["warning"], "warning")]
    if counts["unseen"]:
        parts.append(f"{counts['unseen']} not looked at")
    parts.append(f"{counts['ok']} fine")
    if counts["problem"]:
        symbol, colour, said = "bad", "red", "not fit for bridged yet"
    elif counts["warning"]:
        symbol, colour, said = "ok", "yellow", "fit for bridged, with something to know"
    else:
        symbol, colour, said = "ok", "green", "fit for bridged"
    lines = terminal.wrap(f"{host}: {said} ({', '.join(parts)})", f"{terminal.symbol(symbol)} ")
    return [terminal.paint(line, colour, "bold") for line in lines]


def _needs_somebody(check: Document, terminal: Terminal) -> list[str]:
    symbol, colour = _LOOKS[check["grade"]]
    about = f"{check['seen']} [{check['name']}]"
    if check["grade"] == "unseen":
        about = f"not looked at: {about}"
    lines = terminal.wrap(about, f"{terminal.symbol(symbol)} ", "  ")
    lines = [terminal.paint(line, colour) if colour else line for line in lines]
    for label, key in (("why", "why"), ("do", "remedy")):
        if check[key]:
            lines += terminal.wrap(check[key], f"    {label:6}")
    return lines


def _next(checks: list[Document], terminal: Terminal) -> list[str]:
    if any(check["grade"] == "problem" for check in checks):
        said = "do what stands behind `do`, problems first, then run bridgedctl doctor again"
    elif os.geteuid() and any("sudo bridgedctl doctor" in check["remedy"] for check in checks):
        said = "sudo bridgedctl doctor sees more"
    else:
        said = "bridgedctl plan shows what would be done, bridgedctl status what is"
    return terminal.headed("NEXT", said)
