"""`bridgedctl status --watch`: the status again and again, and what changed meanwhile.

On a terminal the page is drawn in place; elsewhere there is a line per change, for logs and pipes.
"""

import argparse
import json
import os
import select
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from types import FrameType
from typing import Any, TextIO

from bridged.cli.changes import Change, changes
from bridged.cli.client import Failure, NoAgent, ask
from bridged.cli.commands import refuse_other_state
from bridged.cli.render import status_text
from bridged.cli.terminal import Terminal, hush
from bridged.telling.members import find_bridge, members, told_of
from bridged.telling.sentences import headline
from bridged.telling.words import count, escape, moment, span

Document = dict[str, Any]

_PAUSE = 1.0
"""Seconds between two looks; longer where a look takes long."""
_KEPT = 50
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"
"""The terminal's second page, without a cursor, and rows cut at its edge (a long name in two rows
would push the first ones out); and back."""
_HOME, _END_OF_LINE, _END_OF_PAGE = "\x1b[H", "\x1b[K", "\x1b[J"


class Watcher:
    """Asks the agent and remembers what changed; that it does not answer is a change too."""

    def __init__(self, path: str, bridge: str | None) -> None:
        self._path = path
        self._bridge = bridge
        self.document: Document | None = None
        self.lost: float | None = None
        """Since when nobody answers (Unix seconds)."""
        self.why = ""

    def look(self) -> list[Change]:
        """Ask once; what is new.  `Failure` where the very first answer is a refusal."""
        now = time.time()
        try:
            answer: Document = escape(ask(self._path, "status"))
        except NoAgent:
            return self._away(now, "bridged is not running; it is waited for")
        except Failure as failure:
            if self.document is None and self.lost is None:
                raise
            return self._away(now, failure.message)
        if self._bridge is not None and not members(answer, self._bridge):
            if self.document is None:
                meant = ", ".join(find_bridge(answer, self._bridge))
                named = f"there are {meant}" if meant else "no bridge is declared at all"
                raise Failure(f"no bridge {self._bridge} is declared", named)
            return self._away(now, f"{self._bridge} is no longer declared; it is waited for")
        answer = answer if self._bridge is None else _narrow(answer, self._bridge)
        news = []
        if self.lost is not None:
            away = span(now - self.lost)
            who = self._bridge if self._bridge and self._bridge in self.why else "bridged"
            news.append(Change(now, "agent", "", f"{who} is there again, after {away}"))
        if self.document is None:
            said, _ = headline(answer, answer["objects"], now, self._bridge)
            news.append(Change(now, "agent", "", said))
        else:
            news += changes(self.document, answer)
        self.document, self.lost = answer, None
        return news

    def _away(self, now: float, why: str) -> list[Change]:
        self.why = why
        if self.lost is not None:
            return []
        self.lost = now
        return [Change(now, "agent", "", why)]


def _narrow(document: Document, bridge: str) -> Document:
    """The report as far as it is about one bridge."""
    objects = members(document, bridge)
    mine = told_of(objects, bridge)
    return {
        **document,
        "objects": objects,
        "links": [link for link in document["links"] if link["bridge"] == bridge],
        "repairs": [item for item in document["repairs"] if item["object"] in mine],
        "findings": [item for item in document["findings"] if item["object"] in mine],
        "pauses": [item for item in document.get("pauses", []) if item["bridge"] in {"", bridge}],
    }


def watch(options: argparse.Namespace) -> int:
    """Until Ctrl-C, SIGTERM or a reader that leaves; 0."""
    if options.explicit_state:
        with suppress(NoAgent):
            refuse_other_state(
                options,
                "--watch asks nobody else",
                "bridgedctl --state {given} status looks there, once",
            )
    watcher = Watcher(options.socket, options.bridge)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if sys.stdout.isatty() and not options.json and os.environ.get("TERM") != "dumb":
            _draw(watcher, options.bridge)
        else:
            _print(watcher, options.json)
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        hush(sys.stdout)
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _print(watcher: Watcher, as_json: bool) -> None:
    """A line per change, at once."""
    while True:
        begin = time.monotonic()
        for change in watcher.look():
            if as_json:
                print(json.dumps(asdict(change)), flush=True)
            else:
                stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(change.time))
                print(stamp, " ".join(change.line().split()), flush=True)
        _wait(begin)


def _draw(watcher: Watcher, bridge: str | None) -> None:
    """The page, drawn anew at every look and when the terminal changes its size."""
    recent: deque[Change] = deque(maxlen=_KEPT)
    recent.extend(watcher.look()[1:])  # an error here is better seen on the terminal's first page
    with _page(sys.stdout) as bell:
        while True:
            begin = time.monotonic()
            terminal = Terminal.of(sys.stdout, os.environ)
            rows = page(watcher, list(recent), time.time(), terminal, bridge, _height())
            body = "".join(row + _END_OF_LINE + "\r\n" for row in rows[:-1])
            sys.stdout.write(_HOME + body + rows[-1] + _END_OF_LINE + _END_OF_PAGE)
            sys.stdout.flush()
            _wait(begin, bell)
            recent.extend(watcher.look())


def page(
    watcher: Watcher,
    recent: list[Change],
    now: float,
    terminal: Terminal,
    bridge: str | None,
    height: int,
) -> list[str]:
    """The rows of one page: whether anybody answers, the status, and the last changes.

    What does not fit is counted; the changes have a third of the height at least.
    """
    head = _head(watcher, now, terminal)
    body: list[str] = []
    if watcher.document is not None:
        # The changes below tell of repairs too.
        document = {**watcher.document, "repairs": []}
        body = status_text(document, now, terminal, bridge).splitlines()
        findings = document["findings"]
        if len(head) + len(body) > height - height // 3 and findings:
            # What there is matters more than what there is to know.
            text = f"{count(len(findings), 'finding')}: bridgedctl status"
            body = status_text({**document, "findings": []}, now, terminal, bridge).splitlines()
            body += ["", *terminal.wrap(text, f"{terminal.symbol('warn')} ", "  ")]
    tail: list[str] = []
    for change in reversed(recent):
        stamp = f"{moment(change.time, now)}  "
        indent = " " * len(stamp) if terminal.width >= 60 else "  "
        tail += terminal.wrap(change.line(), stamp, indent)
    title = "CHANGES" if tail else "CHANGES  none so far"
    tail = [terminal.paint(title, "bold"), *tail]
    room = height - len(head)
    body = _cut(body, max(room - len(tail), room - room // 3), terminal)
    if len(body) < room - 1 and body and body[-1]:
        body.append("")
    return (head + body + _cut(tail, room - len(body), terminal))[:height]


def _cut(rows: list[str], room: int, terminal: Terminal) -> list[str]:
    if len(rows) <= room:
        return rows
    shown = max(room - 1, 0)
    more = f"  and {len(rows) - shown} more lines"
    return [*rows[:shown], more][: max(room, 0)]


def _head(watcher: Watcher, now: float, terminal: Terminal) -> list[str]:
    if watcher.lost is None:
        return []
    text = f"{watcher.why}, since {span(now - watcher.lost)}"
    rows = terminal.wrap(text, f"{terminal.symbol('warn')} ", "  ")
    if watcher.document is None:
        rows += terminal.wrap("next: systemctl start bridged; journalctl -u bridged -e", "  ")
    else:
        seen = moment(watcher.document["time"], now)
        rows += terminal.wrap(f"what follows was so at {seen}", "  ")
    return [*(terminal.paint(row, "red", "bold") for row in rows), ""]


def _height() -> int:
    try:
        return os.get_terminal_size(sys.stdout.fileno()).lines or 24
    except (OSError, ValueError):
        return 24


@contextmanager
def _page(stream: TextIO) -> Iterator[int]:
    """The terminal's second page; gives a descriptor that is readable when the size changes."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    os.set_blocking(reader, False)

    def ring(number: int, frame: FrameType | None) -> None:
        with suppress(BlockingIOError):
            os.write(writer, b".")

    before = signal.signal(signal.SIGWINCH, ring)
    stream.write(_ENTER)
    try:
        yield reader
    finally:
        signal.signal(signal.SIGWINCH, before)
        stream.write(_LEAVE)
        stream.flush()
        os.close(reader)
        os.close(writer)


def _wait(begin: float, bell: int | None = None) -> None:
    """Until the next look: a tenth of the time may go into looking."""
    pause = max(_PAUSE, 9 * (time.monotonic() - begin))
    if bell is None:
        if _left(pause):
            raise BrokenPipeError
    elif select.select([bell], [], [], pause)[0]:
        with suppress(BlockingIOError):
            os.read(bell, 4096)


def _left(seconds: float) -> bool:
    """Whether the reader of our lines leaves within that time: where nothing changes, nothing is
    written that would tell."""
    waiting = select.poll()
    try:
        waiting.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):
        time.sleep(seconds)
        return False
    return bool(waiting.poll(seconds * 1000))
