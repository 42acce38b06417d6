"""`bridgedctl history`: what was repaired, when, why, how, and how fast."""

import argparse
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bridged.cli.client import Failure, NoAgent, ask
from bridged.cli.terminal import Terminal, cells
from bridged.history import Wanted, read, select
from bridged.telling.words import brief, count, escape, moment

Document = dict[str, Any]

_SHOWN = 20
"""Entries shown where nobody says how many."""
_LOOKS = {
    "repaired": ("ok", "green"),
    "failed": ("bad", "red"),
    "paused": ("warn", "yellow"),
    "resumed": ("dot", "yellow"),
}


def history(options: argparse.Namespace) -> int:
    """`bridgedctl history [OBJECT] [--since 1h] [-n N] [--json]`."""
    now = time.time()
    since = now - options.since if options.since else 0.0
    limit = options.number
    if limit is None:
        limit = 0 if options.json else _SHOWN
    # One more than is shown tells whether there are more.
    wanted = Wanted(options.object or "", since, limit + 1 if limit else 0)
    entries = _entries(options, wanted)
    more = bool(limit) and len(entries) > limit
    entries = entries[-limit:] if limit else entries
    if options.json:
        json.dump({"entries": entries}, sys.stdout, indent=2)
        print()
    else:
        terminal = Terminal.of(sys.stdout, os.environ)
        sys.stdout.write(history_text(entries, options, now, terminal, more))
    return 0


def _entries(options: argparse.Namespace, wanted: Wanted) -> list[Document]:
    """The agent's answer, or what it left on disk where none runs."""
    try:
        answer = ask(options.socket, "history", asdict(wanted), timeout=30.0)
        return list(answer["entries"])
    except NoAgent:
        pass
    try:
        return [asdict(entry) for entry in select(read(Path(options.state_dir)), wanted)]
    except PermissionError:
        raise Failure(
            f"bridged is not running, and you may not read {options.state_dir}", "use sudo"
        ) from None
    except OSError as error:
        raise Failure(f"{options.state_dir} cannot be read: {error.strerror or error}") from None


def history_text(
    entries: list[Document],
    options: argparse.Namespace,
    now: float,
    terminal: Terminal,
    more: bool = False,
) -> str:
    """The page, newest first."""
    entries = escape(entries)
    if not entries:
        about = f" of {options.object}" if options.object else ""
        span = " in that time" if options.since else ""
        hint = "bridgedctl history, without a name, shows all that is known"
        said = f"no repair{about}{span} is known"
        return f"{said}\n" + (f"  next: {hint}\n" if about or span else "")
    lines: list[str] = []
    for entry in reversed(entries):
        lines += _entry(entry, now, terminal)
    if more:
        text = f"and earlier ones: bridgedctl history -n {2 * len(entries)}, -n 0 for all"
        lines += terminal.wrap(text, "  ")
    return "\n".join(lines) + "\n"


def _entry(entry: Document, now: float, terminal: Terminal) -> list[str]:
    symbol, colour = _LOOKS.get(entry["outcome"], ("dot", "yellow"))
    first = f"{terminal.symbol(symbol)} {moment(entry['time'], now)}  "
    name = entry["object"].replace("/", " ", 1)
    took = f"in {brief(entry['latency'])}"
    head = {
        "repaired": f"{name} repaired {took}",
        "failed": f"{name} could not be repaired",
    }.get(entry["outcome"], f"{name} {entry['outcome']}")
    if entry["count"] > 1:
        head += f", {count(entry['count'], 'time')} since the one before"
    rows = terminal.wrap(head, first, "    ")
    rows = [terminal.paint(rows[0][:1], colour) + rows[0][1:], *rows[1:]]
    indent = " " * cells(first) if terminal.width >= 60 else "    "
    return rows + [row for text in _said(entry) for row in terminal.wrap(text, indent)]


def _said(entry: Document) -> list[str]:
    """Why, what was done, and what went wrong."""
    cause = entry["cause"]
    if entry["outcome"] in {"paused", "resumed"}:
        return [f"{entry['action']}: {cause}"]
    why = {"state-file": "declared anew", "unknown": ""}.get(
        cause, f"{cause.replace('+', ', ')} drifted"
    )
    said = [": ".join(filter(None, (why, entry["action"])))]
    return [*said, f"failed: {entry['error']}"] if entry["error"] else said
