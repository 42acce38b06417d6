"""Logging: one event with keys per thing that happened, in the form that its reader wants."""

import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

_PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3, "exception": 3, "critical": 2}
"""syslog priorities, which journald reads from a <N> before the line (sd-daemon(3))."""


class _Logfmt:
    """``<6>event key=value``: what journald stores and people grep."""

    def __init__(self, prefix: bool) -> None:
        self._prefix = prefix

    def __call__(self, logger: Any, name: str, event: MutableMapping[str, Any]) -> str:
        head = f"<{_PRIORITY.get(name, 6)}>" if self._prefix else ""
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
    journald = "JOURNAL_STREAM" in environ
    terminal = sys.stderr.isatty() and not journald
    renderer: Any = _Logfmt(journald)
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
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
