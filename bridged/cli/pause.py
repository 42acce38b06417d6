"""Pauses: asking for one, ending it, and saying everywhere that there is one."""

import argparse
import os
import sys
import time
from typing import Any

from bridged.cli.client import Failure, NoAgent, ask
from bridged.cli.terminal import Terminal
from bridged.telling.sentences import whole
from bridged.telling.words import escape, moment, span

Document = dict[str, Any]

_TIMEOUT = 130.0
"""Seconds: a pass that is under way is waited for."""


def pause(options: argparse.Namespace) -> int:
    """`bridgedctl pause --for 30m --reason TEXT [BRIDGE...]`."""
    reason = " ".join(options.reason.split())
    if not reason:
        raise Failure("a pause needs a reason: who finds it asks why", 'add --reason "..."')
    params = {"seconds": options.seconds, "reason": reason, "bridges": options.bridges}
    try:
        answer = ask(options.socket, "pause", params, timeout=_TIMEOUT)
    except NoAgent:
        raise Failure(
            "bridged is not running, so nothing is repaired anyway",
            "start it with: systemctl start bridged; then pause",
        ) from None
    now = time.time()
    terminal = Terminal.of(sys.stdout, os.environ)
    named = set(options.bridges) or {""}
    mine = [item for item in answer["pauses"] if item["bridge"] in named]
    print("\n".join(pause_block(escape(mine), now, terminal)))
    return 0


def resume(options: argparse.Namespace) -> int:
    """`bridgedctl resume [BRIDGE...]`."""
    try:
        answer = ask(options.socket, "resume", {"bridges": options.bridges}, timeout=_TIMEOUT)
    except NoAgent:
        raise Failure(
            "bridged is not running: a pause ends by itself when its time is over",
            "start it with: systemctl start bridged; then resume",
        ) from None
    ended = escape(answer["ended"])
    print(f"resumed {' and '.join(map(whole, ended))}: what differs is repaired again")
    print("  next: bridgedctl status")
    return 0


def pause_block(
    pauses: list[Document], now: float, terminal: Terminal, bridge: str | None = None
) -> list[str]:
    """Every pause: of what, until when, by whom, why, and how to end it."""
    lines: list[str] = []
    for item in pauses:
        if bridge is not None and item["bridge"] not in {"", bridge}:
            continue
        whole = f"bridge {item['bridge']}" if item["bridge"] else "this node"
        until = moment(item["until"], now)
        text = (
            f"paused until {until} ({span(item['until'] - now)} left) by {item['by']}: "
            f"{item['reason']}"
        )
        rows = terminal.wrap(text, f"{terminal.symbol('warn')} ", "  ")
        lines += [terminal.paint(row, "yellow", "bold") for row in rows]
        what = f"nothing is changed on {whole}, guests that lose a bridge are not plugged back in"
        lines += terminal.wrap(what, "    ")
        lines += terminal.wrap(
            f"bridgedctl resume {item['bridge']}".rstrip(), "    to end it now: ", "      "
        )
    return lines
