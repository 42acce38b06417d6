"""The HTTP server: /metrics for Prometheus, /healthz for probes, / for people with a browser.

A WSGI server of our own, for the one that comes with prometheus_client has no time limits: here
reading a request and sending its answer each have one for the whole, connections are counted, and
`stop` leaves the port free.
"""

import errno
import io
import socket
from collections.abc import Callable, Iterable
from time import monotonic
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler

import structlog
from prometheus_client import make_wsgi_app

from bridged.errors import WorldError
from bridged.report import Report
from bridged.serve.defaults import METRICS_HOST, METRICS_PORT
from bridged.serve.listener import Listener
from bridged.serve.metrics import make_registry
from bridged.serve.page import PageApp

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_READ_TIMEOUT = 5.0
_WRITE_TIMEOUT = 20.0
_CONNECTIONS = 32
_BUSY = (
    b"HTTP/1.0 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 5\r\n\r\n"
    b"too many connections\n"
)
_INDEX = (
    "bridged keeps the host bridges of this node as they are declared.\n"
    "/metrics for Prometheus, /healthz for probes; on the node: bridgedctl status\n"
)

_log = structlog.get_logger("bridged")


class HttpServer:
    """Serves what `report` gives.

    `age` tells the seconds since the last pass ended, `max_age` how many are still healthy.
    """

    def __init__(
        self,
        report: Callable[[], Report | None],
        age: Callable[[], float],
        *,
        version: str,
        max_age: float,
        host: str = METRICS_HOST,
        port: int = METRICS_PORT,
        read_timeout: float = _READ_TIMEOUT,
        write_timeout: float = _WRITE_TIMEOUT,
        connections: int = _CONNECTIONS,
    ) -> None:
        self._host, self._port = host, port
        self._timeouts = read_timeout, write_timeout
        self._connections = connections
        self._app = _Application(report, age, version, max_age)
        self._listener: Listener | None = None
        self.address = host, port
        """Where it listens; with port 0 the real port is known after `start`."""

    def start(self) -> None:
        """Listen and serve.  `WorldError` where the address cannot be had."""
        listening = _listen(self._host, self._port)
        self.address = self._host, listening.getsockname()[1]
        self._listener = Listener(
            listening,
            self._serve,
            name="http",
            limit=self._connections,
            turned_away=_BUSY,
        )
        self._listener.start()

    def stop(self) -> None:
        """Stop serving; the address is free again when this returns."""
        if self._listener is not None:
            self._listener.stop()
            self._listener = None

    def _serve(self, connection: socket.socket, address: Any) -> None:
        surroundings: Any = _Surroundings(self._app, self.address, *self._timeouts)
        _Handler(connection, address, surroundings)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if error.errno == errno.EADDRINUSE:
            text = (
                f"cannot serve metrics: {where} is in use by another program "
                f"(ss -ltnp 'sport = :{port}' names it); choose another port"
            )
            raise WorldError("refused", text) from error
        text = f"cannot serve metrics at {where}: {error.strerror or error}"
        denied = isinstance(error, PermissionError)
        raise WorldError("permission" if denied else "failed", text) from error
    return listening


class _Application:
    """The pages."""

    def __init__(
        self,
        report: Callable[[], Report | None],
        age: Callable[[], float],
        version: str,
        max_age: float,
    ) -> None:
        self._report = report
        self._age = age
        self._max_age = max_age
        self._page = PageApp(report)
        self._metrics: WSGIApplication = make_wsgi_app(make_registry(report, version))

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        path, method = environ.get("PATH_INFO", "/"), environ.get("REQUEST_METHOD", "GET")
        if method not in {"GET", "HEAD"}:
            return _text(start, "405 Method Not Allowed", "GET only\n", ("Allow", "GET, HEAD"))
        if self._page.serves(environ):
            return self._page(environ, start)
        if path == "/metrics":
            return self._scrape(environ, start)
        if path == "/healthz":
            return self._health(start)
        if path in {"", "/"}:
            return _text(start, "200 OK", _INDEX)
        return _text(start, "404 Not Found", "no such page; there are /metrics and /healthz\n")

    def _scrape(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        try:
            return list(self._metrics({**environ, "REQUEST_METHOD": "GET"}, start))
        except Exception:
            _log.exception("scrape_failed")
            text = "the metrics could not be made, see journalctl -u bridged\n"
            return _text(start, "500 Internal Server Error", text)

    def _health(self, start: "StartResponse") -> Iterable[bytes]:
        """Whether the loop lives; a node that differs from its state is no illness of bridged."""
        if self._report() is None:
            return _text(start, "503 Service Unavailable", "the first pass is not over\n")
        age = self._age()
        if age > self._max_age:
            text = f"the last pass was {age:.0f} s ago, at most {self._max_age:g} s are healthy\n"
            return _text(start, "503 Service Unavailable", text)
        return _text(start, "200 OK", f"ok, last pass {age:.1f} s ago\n")


def _text(
    start: "StartResponse", status: str, text: str, *headers: tuple[str, str]
) -> Iterable[bytes]:
    body = text.encode()
    fixed = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    start(status, [*fixed, *headers])
    return [body]


class _Surroundings:
    """What wsgiref's request handler asks of its server."""

    def __init__(
        self,
        app: "WSGIApplication",
        address: tuple[str, int],
        read_timeout: float,
        write_timeout: float,
    ) -> None:
        self._app = app
        self.server_name, self.server_port = address
        self.read_timeout, self.write_timeout = read_timeout, write_timeout
        self.base_environ = {
            "SERVER_NAME": address[0],
            "SERVER_PORT": str(address[1]),
            "GATEWAY_INTERFACE": "CGI/1.1",
            "REMOTE_HOST": "",
            "CONTENT_LENGTH": "",
            "SCRIPT_NAME": "",
        }

    def get_app(self) -> "WSGIApplication":
        """The application."""
        return self._app


class _Timed(io.RawIOBase):
    """One direction of a socket with a time limit for all of it.

    A limit for each call (socket.settimeout) would let a client hold a connection for hours by
    sending a byte now and then.
    """

    def __init__(self, connection: socket.socket, timeout: float) -> None:
        self._connection = connection
        self._timeout = timeout
        self._deadline: float | None = None

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._arm()
        return self._connection.recv_into(buffer)

    def write(self, data: Any) -> int:
        self._arm()
        self._connection.sendall(data)
        return len(data)

    def _arm(self) -> None:
        """The limit starts with the first use: writing begins after the page is made."""
        now = monotonic()
        if self._deadline is None:
            self._deadline = now + self._timeout
        if self._deadline <= now:
            raise TimeoutError
        self._connection.settimeout(self._deadline - now)


class _Handler(WSGIRequestHandler):
    """One request.  Says nothing in the log about those that went well."""

    server: Any
    request: socket.socket

    def setup(self) -> None:
        self.connection = self.request
        self.rfile = io.BufferedReader(_Timed(self.connection, self.server.read_timeout))
        self.wfile = _Timed(self.connection, self.server.write_timeout)  # type: ignore[assignment]

    def get_stderr(self) -> Any:
        """Where wsgiref would print tracebacks; ours are logged where they happen."""
        return io.StringIO()

    def log_message(self, format: str, *args: Any) -> None:
        """Silence on a still host."""
