"""Serves the page at / and the report as JSON at /api/status; both only tell.

The page names guests and errors of files, so other sites must not get at it through a browser: on
loopback only loopback's own names are answered (a name that an attacker points here is not), nobody
may frame it, and nothing but what the page itself carries is run or loaded.
"""

import base64
import hashlib
import ipaddress
import json
import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING

import structlog

from bridged.report import Report, as_json

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_log = structlog.get_logger("bridged")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def policy() -> str:
    """The page's content security policy: its own style and script, nothing else."""
    from bridged.view.page import SCRIPT, STYLE

    return (
        f"default-src 'none'; style-src {_hash(STYLE)}; script-src {_hash(SCRIPT)}; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


_HEADERS = [
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
    ("Vary", "Accept"),
]


class PageApp:
    """What is answered for people; `report` gives None until the first pass is over."""

    def __init__(
        self, report: Callable[[], Report | None], clock: Callable[[], float] = time.time
    ) -> None:
        self._report = report
        self._clock = clock

    def serves(self, environ: "WSGIEnvironment") -> bool:
        """Whether the request is for here: / is, for those who take HTML (curl gets the index)."""
        path = environ.get("PATH_INFO", "/")
        return path == "/api/status" or (
            path in {"", "/"} and "text/html" in environ.get("HTTP_ACCEPT", "")
        )

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        host = environ.get("HTTP_HOST")
        if _is_loopback(environ.get("SERVER_NAME", "")) and host and not _is_loopback(host):
            text = f"this answers to localhost only, not to the name {host!r}\n"
            return _answer(start, "421 Misdirected Request", "text/plain", text)
        try:
            return self._tell(environ.get("PATH_INFO", "/"), start)
        except Exception:
            _log.exception("page_failed")
            text = "the page could not be made, see journalctl -u bridged\n"
            return _answer(start, "500 Internal Server Error", "text/plain", text)

    def _tell(self, path: str, start: "StartResponse") -> Iterable[bytes]:
        report = self._report()
        if path == "/api/status":
            if report is None:
                text = json.dumps({"error": "the first pass is not over"}) + "\n"
                return _answer(start, "503 Service Unavailable", "application/json", text)
            text = json.dumps(as_json(report), indent=2) + "\n"
            return _answer(start, "200 OK", "application/json", text)
        # Where nobody looks at the page, it costs nothing.
        from bridged.view.page import page_text, waiting_text

        if report is None:
            return _answer(start, "200 OK", "text/html", waiting_text())
        return _answer(start, "200 OK", "text/html", page_text(as_json(report), self._clock()))


def _is_loopback(host: str) -> bool:
    """Whether a Host header or an address names this machine and cannot name another."""
    name = host.strip().lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    if name in {"localhost", "localhost."} or name.endswith((".localhost", ".localhost.")):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _answer(start: "StartResponse", status: str, kind: str, text: str) -> Iterable[bytes]:
    body = text.encode(errors="backslashreplace")
    head = [("Content-Type", f"{kind}; charset=utf-8"), ("Content-Length", str(len(body)))]
    start(status, [*head, ("Content-Security-Policy", policy()), *_HEADERS])
    return [body]
