"""One connection to the control socket: lines in, lines out.

A request is a line ``{"method": "status", "params": {}}``; every request is answered by any number
of lines ``{"progress": "..."}`` and then one of ``{"result": ...}`` or
``{"error": {"kind": ..., "message": ..., "remedy": ...}}``.
"""

import json
import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

import structlog

from bridged.errors import BridgedError, WorldError
from bridged.explain.records import explanation_as_json
from bridged.report import Report, as_json
from bridged.serve import operators
from bridged.serve.peers import Peer, Policy, Right
from bridged.serve.protocols import Agent, ApplyOptions, plan_as_json

RIGHTS: dict[str, Right] = {
    "status": "read",
    "plan": "read",
    "explain": "read",
    "apply": "change",
    "reload": "change",
    "confirm": "change",
    "rollback": "change",
    "pause": "change",
    "resume": "change",
    "history": "read",
}
"""Every method, with what is needed to call it."""

_OBJECT = 300
"""Characters of the name of an object; the longest sysctl keys have half of that."""

_log = structlog.get_logger("bridged")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, seconds and numbers.  `reserved` connections are kept for root, so that readers who
    connect and say nothing cannot shut an administrator out."""

    request_bytes: int = 64 * 1024
    read_timeout: float = 5.0
    write_timeout: float = 10.0
    connections: int = 32
    reserved: int = 8
    apply_timeout: float = 120.0
    longest_apply: float = 600.0
    progress_lines: int = 10_000


class RequestError(BridgedError):
    """A request that is not answered with a result, as the client is told."""

    def __init__(self, kind: str, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.kind, self.message, self.remedy = kind, message, remedy


class _Gone(Exception):
    """The client left, or does not read: told apart from an OSError of the agent's."""


def encode(message: dict[str, Any]) -> bytes:
    """One line of the protocol."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def error_line(kind: str, message: str, remedy: str = "") -> bytes:
    """The line that ends a request without a result."""
    return encode({"error": {"kind": kind, "message": message, "remedy": remedy}})


class Cache:
    """The encoded answer to `status`.  Reports never change, so each is encoded once only, however
    many ask: with a thousand bridges that is what costs."""

    def __init__(self) -> None:
        self._last: tuple[Report, bytes] | None = None

    def line(self, report: Report) -> bytes:
        """The result line for a report."""
        last = self._last
        if last is None or last[0] is not report:
            last = self._last = (report, encode({"result": as_json(report)}))
        return last[1]


class Session:
    """Serves one connection until the client leaves, is silent for too long or sends rubbish."""

    def __init__(
        self,
        connection: socket.socket,
        peer: Peer,
        policy: Policy,
        agent: Agent,
        limits: Limits,
        cache: Cache,
    ) -> None:
        self._connection = connection
        self._peer = peer
        self._policy = policy
        self._agent = agent
        self._limits = limits
        self._cache = cache

    def run(self) -> None:
        """Answer requests.  OSError where reading ends badly."""
        with suppress(_Gone):
            try:
                for line in self._lines():
                    self._answer(line)
            except RequestError as error:
                self._send(error_line(error.kind, error.message, error.remedy))

    def _lines(self) -> Iterator[bytes]:
        """The lines as they come.  The time limit is for a whole line, not for each byte of it."""
        buffer = bytearray()
        limit = self._limits.request_bytes
        deadline = monotonic() + self._limits.read_timeout
        while True:
            end = buffer.find(b"\n")
            if (len(buffer) if end < 0 else end) > limit:
                raise RequestError("bad-request", f"a request has at most {limit} bytes")
            if end >= 0:
                line = bytes(buffer[:end])
                del buffer[: end + 1]
                if line.strip():
                    yield line
                deadline = monotonic() + self._limits.read_timeout
                continue
            left = deadline - monotonic()
            if left <= 0:
                raise TimeoutError
            self._connection.settimeout(left)
            chunk = self._connection.recv(min(limit, 65536))
            if not chunk:
                if buffer.strip():
                    yield bytes(buffer)  # the newline is missing, the request is not
                return
            buffer += chunk

    def _send(self, line: bytes) -> None:
        try:
            self._connection.settimeout(self._limits.write_timeout)
            self._connection.sendall(line)
        except OSError as error:
            raise _Gone from error

    def _answer(self, line: bytes) -> None:
        try:
            method, params = _parse(line)
            refusal = self._policy.refusal(self._peer, RIGHTS[method])
            if refusal:
                _log.warning("control_refused", method=method, uid=self._peer.uid)
                raise RequestError("permission", f"{method} refused: {refusal[0]}", refusal[1])
            answer = self._call(method, params)
        except _Gone:
            raise
        except BridgedError as error:
            kind, remedy = getattr(error, "kind", "failed"), getattr(error, "remedy", "")
            answer = error_line(str(kind), str(error), str(remedy))
        except Exception as error:
            # A fault of ours: the reader is told, the connection and the agent go on.
            _log.exception("control_request_failed")
            answer = error_line(
                "failed",
                f"bridged failed on this request: {type(error).__name__}: {error}",
                "see journalctl -u bridged and report it",
            )
        self._send(answer)

    def _call(self, method: str, params: dict[str, Any]) -> bytes:
        if method == "apply":
            return self._apply(params)
        if method == "explain":
            return self._explain(params)
        if method in {"pause", "resume", "history"}:
            return encode({"result": self._operate(method, params)})
        _refuse_unknown(params, set())
        if method == "plan":
            return encode({"result": plan_as_json(self._agent.plan())})
        if method == "reload":
            _log.info("control_reload", uid=self._peer.uid)
            self._agent.reload()
            return encode({"result": {}})
        if method in {"confirm", "rollback"}:
            _log.info(f"control_{method}", uid=self._peer.uid)
            done = self._agent.confirm() if method == "confirm" else self._agent.rollback()
            if not done:
                raise RequestError(
                    "not-found",
                    "no changes wait to be confirmed: there were none, or their time is over",
                    "bridgedctl status",
                )
            return encode({"result": {}})
        report = self._agent.report()
        if report is None:
            raise RequestError(
                "unavailable",
                "bridged has just started, its first pass is not over",
                "ask again in a few seconds",
            )
        return self._cache.line(report)

    def _explain(self, params: dict[str, Any]) -> bytes:
        _refuse_unknown(params, {"object"})
        text = params.get("object")
        if not isinstance(text, str) or not 0 < len(text) <= _OBJECT:
            raise RequestError("bad-request", "object is a name such as bridge/br-lan")
        return encode({"result": explanation_as_json(self._agent.explain(text))})

    def _operate(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        try:
            if method == "pause":
                return operators.pause(self._agent, params, self._peer)
            if method == "history":
                return operators.history(self._agent, params)
            answer = operators.resume(self._agent, params, self._peer)
        except operators.BadParameter as error:
            raise RequestError("bad-request", str(error)) from None
        if not answer["ended"]:
            named = ", ".join(params.get("bridges", ()))
            what = f"no pause of {named} is in force" if named else "nothing is paused"
            raise RequestError(
                "not-found",
                f"{what}: nobody asked for it, or its time is over",
                "bridgedctl status; who paused what: bridgedctl history",
            )
        return answer

    def _apply(self, params: dict[str, Any]) -> bytes:
        """Ask for a pass in a thread of its own, and pass on its progress from this one.

        The reconciling thread only puts lines into the queue: a client that does not read holds
        up this connection, never the pass.
        """
        options, timeout = _apply_params(params, self._limits)
        _log.info("control_apply", uid=self._peer.uid, allow=list(options.allow_disruption))
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        ended: list[Report | Exception] = []

        def progress(text: str) -> None:
            if lines.qsize() < self._limits.progress_lines:
                lines.put(text)

        def work() -> None:
            try:
                ended.append(self._agent.apply(options, timeout, progress))
            except Exception as error:
                ended.append(error)
            lines.put(None)

        threading.Thread(target=work, name="control-apply", daemon=True).start()
        # More than the agent takes to see that it does not get on, so that its own words are heard.
        silence = 2 * timeout + 5.0
        while True:
            try:
                text = lines.get(timeout=silence)
            except queue.Empty:
                raise WorldError("timeout", f"no step and no report for {silence:g} s") from None
            if text is None:
                break
            self._send(encode({"progress": text}))
        outcome = ended[0]
        if isinstance(outcome, Exception):
            raise outcome
        return self._cache.line(outcome)


def _parse(line: bytes) -> tuple[str, dict[str, Any]]:
    """Method and parameters of a request line."""
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        raise RequestError("bad-request", "a request is one line of JSON") from None
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        raise RequestError("bad-request", 'a request looks like {"method": "status"}')
    method, params = request["method"], request.get("params", {})
    if method not in RIGHTS:
        known = ", ".join(RIGHTS)
        raise RequestError("bad-request", f"no method {method[:40]!r}; there are {known}")
    if not isinstance(params, dict):
        raise RequestError("bad-request", "params is an object")
    return method, params


def _refuse_unknown(params: dict[str, Any], known: set[str]) -> None:
    for name in params.keys() - known:
        raise RequestError("bad-request", f"no parameter {name[:40]!r} here")


def _apply_params(params: dict[str, Any], limits: Limits) -> tuple[ApplyOptions, float]:
    """What `apply` was given, checked: nothing is guessed where guests are at stake."""
    _refuse_unknown(params, {"allow_disruption", "confirm", "candidate", "timeout"})
    allowed = params.get("allow_disruption", [])
    if not isinstance(allowed, list) or not all(isinstance(name, str) for name in allowed):
        raise RequestError("bad-request", "allow_disruption is a list of bridge names")
    confirm = _seconds(params, "confirm", 0.0, 0.0, limits.longest_apply)
    timeout = _seconds(params, "timeout", limits.apply_timeout, 0.001, limits.longest_apply)
    candidate = params.get("candidate", "")
    if not isinstance(candidate, str) or "\0" in candidate or candidate[:1] not in {"", "/"}:
        raise RequestError("bad-request", "candidate is an absolute path")
    if candidate and not confirm:
        raise RequestError("bad-request", "a candidate needs confirm: it is in force until then")
    return ApplyOptions(tuple(allowed), confirm, candidate), timeout


def _seconds(
    params: dict[str, Any], name: str, default: float, least: float, longest: float
) -> float:
    value = params.get(name, default)
    # bool is an int, and NaN compares with nothing
    if type(value) not in {int, float} or not least <= value <= longest:
        raise RequestError("bad-request", f"{name} is a number of seconds up to {longest:g}")
    return float(value)
