"""The web configuration in force: read anew when a file changes, and never in part.

The files are looked at (their status, not their content) when somebody connects and after every
pass, so that a renewed certificate is served to the next client and a mistake is told within a
resync; SIGHUP has them read in any case.
"""

from __future__ import annotations  # ssl is not loaded before it is used

import os
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from bridged.desired.errors import Problem
from bridged.report import Finding
from bridged.serve import tls, webconfig
from bridged.serve.auth import Authenticator, authenticator
from bridged.serve.expiry import not_after

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_CODE = "web-config"
_REMEDY = "see journalctl -u bridged"
_SOON = 7 * 86400
"""Seconds before the end of a certificate from which on it is told."""


@dataclass(frozen=True)
class Access:
    """What is asked of a client.  `context` None is plain HTTP, `auth` None lets everybody in."""

    context: ssl.SSLContext | None = None
    sans: tuple[str, ...] = ()
    auth: Authenticator | None = None
    headers: tuple[tuple[str, str], ...] = ()
    expires: float | None = None
    """When the server's certificate does, in Unix seconds; None where there is none."""

    @property
    def guarded(self) -> bool:
        """Whether a client has to show who it is."""
        return self.auth is not None or (
            self.context is not None and self.context.verify_mode == ssl.CERT_REQUIRED
        )

    def guard(self, app: WSGIApplication) -> WSGIApplication:
        """`app` for those who may read, and the configured headers with every answer."""

        def guarded(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
            def started(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
                return start(status, [*headers, *self.headers], *more)

            if self.auth is None or self.auth.permits(environ.get("HTTP_AUTHORIZATION", "")):
                return app(environ, started)
            body = b"unauthorized\n"
            kind = ("Content-Type", "text/plain")
            length = ("Content-Length", str(len(body)))
            started("401 Unauthorized", [kind, length, *self.auth.challenges])
            return [body]

        return guarded if self.auth is not None or self.headers else app


class WebAccess:
    """Holds the access that the file at `path` describes.  For any number of threads."""

    def __init__(self, path: Path, wall: Callable[[], float] = time.time) -> None:
        self._path = path
        self._wall = wall
        self._paths: tuple[Path, ...] = (path,)
        self._seen: object = None
        self._lock = threading.Lock()
        self._access: Access | None = None
        self._problems: tuple[Problem, ...] = ()
        self._log = structlog.get_logger("bridged")
        self.loaded = 0.0
        """When the configuration in force was loaded, in Unix seconds."""

    @property
    def expires(self) -> float | None:
        """When the certificate in use does, in Unix seconds; None where there is none."""
        return self._access.expires if self._access else None

    @property
    def current(self) -> bool:
        """Whether what is on disk is in force."""
        return not self._problems

    def reload(self) -> None:
        """Have the files read at the next look, changed or not.  Fit for a signal handler."""
        self._seen = None

    def access(self) -> Access | None:
        """What is in force now, after a look at the files; None while nothing good was seen."""
        with self._lock:
            self._look()
            return self._access

    def findings(self) -> tuple[Finding, ...]:
        """What an operator has to know, after a look at the files."""
        access = self.access()
        if not self._problems:
            return _expiring(access, self._wall())
        problem = self._problems[0]
        kept = "the former one stays in force" if access else "nothing is served over HTTP"
        message = f"the web configuration cannot be used, {kept}: {problem.where}: "
        return (Finding(_CODE, message + problem.message, problem.remedy),)

    def _look(self) -> None:
        if self._seen is not None and self._seen == _status(self._paths):
            return
        try:
            config = self._load()
            made = Access(
                tls.context(config.tls_server_config) if config.tls_server_config else None,
                config.tls_server_config.client_allowed_sans if config.tls_server_config else (),
                authenticator(config),
                tuple(config.http_server_config.headers.items()),
                _expiry(config),
            )
        except webconfig.WebConfigError as error:
            self._refuse(error)
            return
        except Exception as error:  # a fault of ours must end neither a pass nor a connection
            self._log.exception("web_config_failed", path=str(self._path))
            problem = Problem(str(self._path), 0, 0, f"cannot be read: {error!r}", _REMEDY)
            self._refuse(webconfig.WebConfigError([problem]))
            return
        self._access, self._problems, self.loaded = made, (), self._wall()
        self._log.info(
            "web_config_loaded",
            path=str(self._path),
            tls="on" if made.context else "off",
            clients="must show who they are" if made.guarded else "everybody",
        )

    def _load(self) -> webconfig.WebConfig:
        """The configuration.  The status of its files is taken ahead of their content, so that no
        change is missed; what the file names is known only when it was read once."""
        while True:
            paths, self._seen = self._paths, _status(self._paths)
            config = webconfig.load(self._path)
            self._paths = (self._path, *config.files)
            if self._paths == paths:
                return config

    def _refuse(self, error: webconfig.WebConfigError) -> None:
        own = str(self._path)
        problems = tuple(p if p.file else replace(p, file=own) for p in error.problems)
        if problems == self._problems:
            return
        self._problems = problems
        for problem in problems:
            self._log.error(
                "web_config_refused",
                where=problem.where,
                problem=problem.message,
                remedy=problem.remedy,
                kept="the former one" if self._access else "none, nothing is served",
            )


def _expiry(config: webconfig.WebConfig) -> float | None:
    if config.tls_server_config is None:
        return None
    with suppress(OSError, ValueError, LookupError, StopIteration):  # OpenSSL has taken it
        return not_after(Path(config.tls_server_config.cert_file).read_text("ascii", "replace"))
    return None


def _expiring(access: Access | None, now: float) -> tuple[Finding, ...]:
    left = access.expires - now if access and access.expires else _SOON
    if left >= _SOON:
        return ()
    when = f"expires in {left / 86400:.0f} days" if left > 0 else "has expired"
    message = f"the certificate that the metrics are served with {when}"
    return (Finding("web-certificate", message, "renew it; the new one is taken by itself"),)


def exposure(host: str, access: Access | None) -> tuple[str, str] | None:
    """What is open to others at the address `host`, and what to do; None where nothing is."""
    if _loopback(host):
        return None
    if access is None or not access.guarded:
        return "whoever reaches the address can read", "--web-config FILE asks clients who they are"
    if access.context is None:
        return "passwords and tokens travel in clear text", "add tls_server_config to the file"
    return None


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _status(paths: Iterable[Path]) -> object:
    """What changes when one of the files does; a link counts by what it leads to."""
    return tuple(map(_status_of, paths))


def _status_of(path: Path) -> tuple[int | None, ...]:
    try:
        found = os.stat(path)
    except OSError as error:
        return (error.errno,)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
