"""Logging: one event with keys per thing that happened, in the form that its reader wants.

The journal gets every key as a field of its own (`journalctl -u bridged OBJECT=bridge/br-lan`),
a terminal colours, everything else one line of logfmt.
"""

import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any

import structlog

from bridged.agent import journal


class _Logfmt:
    """``event key=value``, with the ``<6>`` before it that journald reads from a stream."""

    def __init__(self, prefix: bool) -> None:
        self._prefix = prefix

    def __call__(self, logger: Any, name: str, event: MutableMapping[str, Any]) -> str:
        head = f"<{journal.PRIORITY.get(name, 6)}>" if self._prefix else ""
        event.pop("level", None)
        stamp = event.pop("timestamp", "")
        trace = event.pop("exception", "")
        words = [str(event.pop("event", ""))]
        words += [f"{key}={_quote(value)}" for key, value in event.items() if value != ""]
        line = head + " ".join(([str(stamp)] if stamp else []) + words)
        # Every line of a traceback needs the prefix of its own.
        return "\n".join([line, *(head + part for part in str(trace).splitlines())])


def _quote(value: Any) -> str:
    text = str(value).replace("\n", " ")
    if text and not any(char in text for char in ' "='):
        return text
    return '"' + text.replace('"', "'") + '"'


def configure(level: str = "info", environ: Mapping[str, str] = os.environ) -> None:
    """Set structlog up: for journald under systemd, with colours on a terminal, plain elsewhere."""
    journald = journal.is_ours(environ, _descriptor())
    terminal = sys.stderr.isatty() and not journald
    renderer: Any = _Logfmt(journald)
    if journald:
        renderer = journal.JournalRenderer(journal.Journal(journal.SOCKET), renderer)
    if terminal:
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    stamper = [] if journald else [structlog.processors.TimeStamper(fmt="iso")]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            *stamper,
            *([] if terminal else [structlog.processors.format_exc_info]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            getattr(logging, level.upper(), logging.INFO)
        ),
        logger_factory=lambda *names: _Printer(),
        cache_logger_on_first_use=False,
    )


class _Printer:
    """Prints lines on stderr; an empty one says that there is nothing left to print.

    A reader that is gone or a disk that is full is no reason to fail.
    """

    def msg(self, line: str) -> None:
        """Print one event."""
        if line:
            with suppress(OSError, ValueError):
                print(line, file=sys.stderr, flush=True)

    debug = info = warning = error = critical = fatal = exception = log = msg


def _descriptor() -> int:
    try:
        return sys.stderr.fileno()
    except (OSError, ValueError):
        return -1
