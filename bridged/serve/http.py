"""The HTTP server: /metrics for Prometheus, /healthz for probes, / for people with a browser.

A WSGI server of our own, for the one that comes with prometheus_client has no time limits: here
reading a request and sending its answer each have one for the whole, connections are counted, and
`stop` leaves the port free.
"""

import errno
import io
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from time import monotonic
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler

import structlog

from bridged.errors import WorldError
from bridged.report import Report
from bridged.serve.access import Access, WebAccess, exposure
from bridged.serve.defaults import METRICS_HOST, METRICS_PORT
from bridged.serve.listener import Listener
from bridged.serve.metrics import Exposition, ReportCollector, WebReport
from bridged.serve.page import PageApp
from bridged.serve.tls import secured

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

_REFUSED = re.compile(r";q=0(\.0*)?$")
_OPEN = Access()

_log = structlog.get_logger("bridged")


class HttpServer:
    """Serves what `report` gives.

    `age` tells the seconds since the last pass ended; how many are healthy, the report says.  `web`
    is asked with each connection how it is to be secured, None leaves it plain; `name_guests` has
    the metrics name guest ports.
    """

    def __init__(
        self,
        report: Callable[[], Report | None],
        age: Callable[[], float],
        *,
        version: str,
        host: str = METRICS_HOST,
        port: int = METRICS_PORT,
        read_timeout: float = _READ_TIMEOUT,
        write_timeout: float = _WRITE_TIMEOUT,
        connections: int = _CONNECTIONS,
        web: WebAccess | None = None,
        name_guests: bool = False,
    ) -> None:
        self._host, self._port = host, port
        self._timeouts = read_timeout, write_timeout
        self._connections = connections
        self._web = web
        self._tally = _Tally()
        collector = ReportCollector(report, version, self._web_report, name_guests)
        self._app = _Application(report, age, Exposition(collector))
        self._listener: Listener | None = None
        self.address = host, port
        """Where it listens; with port 0 the real port is known after `start`."""

    def start(self) -> None:
        """Listen and serve.  `WorldError` where the address cannot be had, or the web configuration
        cannot be used: what was to be locked is not served in the open."""
        access = self._web.access() if self._web else _OPEN
        if access is None:
            raise WorldError("refused", "cannot serve metrics: the web configuration has errors")
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
        danger = exposure(self._host, access)
        if danger:
            address = _written(self._host, self.address[1])
            _log.warning("metrics_open", address=address, danger=danger[0], remedy=danger[1])

    def stop(self) -> None:
        """Stop serving; the address is free again when this returns."""
        if self._listener is not None:
            self._listener.stop()
            self._listener = None

    def _serve(self, connection: socket.socket, address: Any) -> None:
        access = (self._web.access() if self._web else None) or _OPEN
        if access.context is None:
            self._answer(connection, address, access)
            return
        spoken = False
        try:
            with secured(connection, access.context, access.sans, self._timeouts[0]) as secure:
                spoken = True
                self._answer(secure, address, access)
        finally:
            if not spoken:
                self._tally.handshake_failed()

    def _answer(self, connection: socket.socket, address: Any, access: Access) -> None:
        app = access.guard(self._app)
        surroundings: Any = _Surroundings(app, self.address, *self._timeouts, self._tally)
        if access.context is not None:
            surroundings.base_environ["HTTPS"] = "on"
        _Handler(connection, address, surroundings)

    def _web_report(self) -> WebReport:
        web = self._web
        return WebReport(
            self._tally.requests(),
            self._tally.handshake_errors,
            web.current if web else None,
            web.loaded if web else 0.0,
            web.expires if web else None,
        )


def _written(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        where = _written(host, port)
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


class _Tally:
    """Counts of the connections' threads."""

    def __init__(self) -> None:
        self._requests: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.handshake_errors = 0

    def answered(self, code: str) -> None:
        with self._lock:
            self._requests[code] += 1

    def handshake_failed(self) -> None:
        with self._lock:
            self.handshake_errors += 1

    def requests(self) -> dict[str, int]:
        with self._lock:
            return dict(self._requests)


class _Application:
    """The pages."""

    def __init__(
        self,
        report: Callable[[], Report | None],
        age: Callable[[], float],
        exposition: Exposition,
    ) -> None:
        self._report = report
        self._age = age
        self._exposition = exposition
        self._page = PageApp(report)

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
            body, headers = self._exposition.page(
                environ.get("QUERY_STRING", ""),
                environ.get("HTTP_ACCEPT", "*/*"),
                _compressed(environ),
            )
        except Exception:
            _log.exception("scrape_failed")
            text = "the metrics could not be made, see journalctl -u bridged\n"
            return _text(start, "500 Internal Server Error", text)
        start("200 OK", [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def _health(self, start: "StartResponse") -> Iterable[bytes]:
        """Whether the loop lives; a node that differs from its state is no illness of bridged."""
        report = self._report()
        if report is None:
            return _text(start, "503 Service Unavailable", "the first pass is not over\n")
        age, most = self._age(), report.max_age
        if age > most:
            text = f"the last pass was {age:.0f} s ago, at most {most:.0f} s are healthy\n"
            return _text(start, "503 Service Unavailable", text)
        return _text(start, "200 OK", f"ok, last pass {age:.1f} s ago\n")


def _compressed(environ: "WSGIEnvironment") -> bool:
    """Whether compressing pays: over a network, where the client takes it."""
    here = str(environ.get("REMOTE_ADDR", "")) in {"127.0.0.1", "::1"}
    offered = str(environ.get("HTTP_ACCEPT_ENCODING", "")).replace(" ", "").split(",")
    names = {name.partition(";")[0] for name in offered if not _REFUSED.search(name)}
    return "gzip" in names and not here


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
        tally: _Tally,
    ) -> None:
        self._app = app
        self._tally = tally
        self._counted = False
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
        """The application, its answers counted before they are sent: wsgiref tells of one when it
        is gone, and a client's next scrape could miss it."""

        def app(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
            def counted(status: str, *rest: Any) -> Any:
                self.answered(status.split(" ", 1)[0])
                return start(status, *rest)

            body = self._app(environ, counted)
            # wsgiref would send it all the same.
            return [] if environ.get("REQUEST_METHOD") == "HEAD" else body

        return app

    def answered(self, code: str) -> None:
        """Count the connection's one answer, however often it is told."""
        if not self._counted:
            self._counted = True
            self._tally.answered(code)


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
        left = memoryview(data)
        while left:  # an ssl socket's sendall would begin the time anew with every part
            self._arm()
            left = left[self._connection.send(left) :]
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

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        self.server.answered(str(getattr(code, "value", code)))

    def log_message(self, format: str, *args: Any) -> None:
        """Silence on a still host."""
