"""The connection: made when needed, again after the bus died, every wait bounded."""

import contextlib
import os
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from bridged.dbus.errors import world_error
from bridged.dbus.gi import MISSING, Gio, GLib, pydbus
from bridged.dbus.values import Objects, Variant, pick, plain
from bridged.errors import WorldError

_DEFAULT_ADDRESS = "unix:path=/run/dbus/system_bus_socket"
_IN_FLIGHT = 64
"""Calls under way at once: a system bus refuses more than 128 pending replies per connection."""


class Call(NamedTuple):
    """A method call; `signature` is of the tuple `args`, e.g. ``"(us)"`` for ``(1, "x")``."""

    service: str
    path: str
    interface: str
    method: str
    signature: str = "()"
    args: tuple[Any, ...] = ()


class Bus(Protocol):
    """What the readers and writers use of a bus; tests put their own in its place."""

    def call(self, call: Call, timeout: float = ...) -> Any: ...

    def call_raw(self, call: Call, timeout: float = ...) -> Variant: ...

    def call_many(
        self, calls: Sequence[Call], timeout: float = ..., raw: bool = ...
    ) -> list[Any]: ...

    def objects(
        self, service: str, path: str, wanted: Mapping[str, Sequence[str]], timeout: float = ...
    ) -> Objects: ...


@dataclass
class _Opening:
    """An attempt to connect, in a thread of its own since pydbus.connect cannot be bounded."""

    done: threading.Event = field(default_factory=threading.Event)
    abandoned: bool = False
    bus: Any = None
    error: WorldError | None = None


class SystemBus:
    """A connection to the system bus.

    `address` is DBUS_SYSTEM_BUS_ADDRESS or the usual socket; times are in seconds.  For one thread
    at a time; several threads use one object each.
    """

    def __init__(self, address: str | None = None, connect_timeout: float = 5.0) -> None:
        self._address = address or system_bus_address()
        self._connect_timeout = connect_timeout
        self._opening: _Opening | None = None
        self._bus: Any = None
        self.errors: Counter[str] = Counter()
        """Calls that failed, by kind of error; a bus that cannot be reached counts as one."""

    def connection(self) -> Any:
        """The Gio connection, open; raises `WorldError` (``unavailable``, ``timeout``).

        An attempt that hangs (a bus that is stopped or swamped) is waited for again by the next
        call instead of being started anew, so that attempts do not pile up.
        """
        if self._bus is not None and not self._bus.con.is_closed():
            return self._bus.con
        self._drop()
        if self._opening is None:
            self._opening = _Opening()
            threading.Thread(
                target=_open, args=(self._address, self._opening), name="dbus-connect", daemon=True
            ).start()
        opening = self._opening
        if not opening.done.wait(self._connect_timeout):
            raise WorldError(
                "timeout", f"no connection to the system bus within {self._connect_timeout:g} s"
            )
        self._opening = None
        if opening.error is not None:
            raise opening.error
        self._bus = opening.bus
        return self._bus.con

    def call_raw(self, call: Call, timeout: float = 10.0) -> Variant:
        """The answer as a variant tuple; raises `WorldError`.  Never starts the service."""
        with self._counted():
            return self._call(self.connection(), call, timeout)

    def _call(self, connection: Any, call: Call, timeout: float) -> Variant:
        try:
            return connection.call_sync(
                call.service,
                call.path,
                call.interface,
                call.method,
                GLib.Variant(call.signature, call.args),
                None,
                Gio.DBusCallFlags.NO_AUTO_START,
                max(int(timeout * 1000), 1),
                None,
            )
        except GLib.Error as error:
            raise world_error(error, call.method) from error

    def call(self, call: Call, timeout: float = 10.0) -> Any:
        """The answer as plain Python: None, the one value, or a tuple of several."""
        return _answer(self.call_raw(call, timeout))

    def call_many(
        self, calls: Sequence[Call], timeout: float = 10.0, raw: bool = False
    ) -> list[Any]:
        """The answers in order, plain or `raw`, or the `WorldError` of a call in its place.

        The calls are pipelined; `timeout` bounds them all together, and what is then without an
        answer gets a ``timeout``.
        """
        with self._counted():
            answers = _Batch(self.connection(), calls, raw).run(timeout)
        self.errors.update(answer.kind for answer in answers if isinstance(answer, WorldError))
        return answers

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except WorldError as error:
            self.errors[error.kind] += 1
            raise

    def objects(
        self, service: str, path: str, wanted: Mapping[str, Sequence[str]], timeout: float = 10.0
    ) -> Objects:
        """GetManagedObjects of a service, cut down to the interfaces and properties `wanted`."""
        manager = "org.freedesktop.DBus.ObjectManager"
        answer = self.call_raw(Call(service, path, manager, "GetManagedObjects"), timeout)
        return pick(answer.get_child_value(0), wanted)

    def close(self) -> None:
        """Let go of the connection; the next call opens another."""
        if self._opening is not None:
            self._opening.abandoned = True
            self._opening = None
        self._drop()

    def _drop(self) -> None:
        bus, self._bus = self._bus, None
        if bus is not None:
            close(bus)


def system_bus_address() -> str:
    """Where the system bus listens."""
    return os.environ.get("DBUS_SYSTEM_BUS_ADDRESS") or _DEFAULT_ADDRESS


def connect(address: str) -> Any:
    """A pydbus bus that outlives a bus that goes away; raises `WorldError`, waits for ever."""
    if MISSING:
        raise WorldError("unavailable", f"the D-Bus libraries are missing: {MISSING}")
    try:
        bus = pydbus.connect(address)
    except GLib.Error as error:
        raise WorldError("unavailable", f"no system bus at {address}: {error.message}") from error
    bus.con.set_exit_on_close(False)
    return bus


def close(bus: Any) -> None:
    """Close for good: pydbus and its connection refer to one another, which keeps both alive.

    A connection that the other side closed keeps its socket open until it is finalised, and a
    traceback that somebody holds can put that off; so the stream is closed by itself.
    """
    connection = bus.con
    for closing in (connection.close_sync, connection.get_stream().close):
        with contextlib.suppress(GLib.Error):
            closing(None)
    vars(connection).pop("_pydbus", None)
    vars(bus).clear()


def _open(address: str, opening: _Opening) -> None:
    try:
        opening.bus = connect(address)
    except WorldError as error:
        opening.error = error
    except Exception as error:
        opening.error = WorldError("failed", f"cannot connect to {address}: {error}")
    opening.done.set()
    if opening.abandoned and opening.bus is not None:
        close(opening.bus)


def _answer(value: Variant) -> Any:
    values = plain(value)
    return values[0] if len(values) == 1 else values or None


class _Batch:
    """Calls under way together on a private main context, so that nobody else's loop is needed."""

    def __init__(self, connection: Any, calls: Sequence[Call], raw: bool) -> None:
        self._connection = connection
        self._raw = raw
        self._calls = calls
        self._answers: list[Any] = [None] * len(calls)
        self._context = GLib.MainContext()
        self._cancel = Gio.Cancellable()
        self._next = 0
        self._open = 0

    def run(self, timeout: float) -> list[Any]:
        """Send, and iterate the context until every call is answered or the time is up."""
        expired = GLib.timeout_source_new(max(int(timeout * 1000), 1))
        # Debian 13's PyGObject calls it with an argument, that of the next one without.
        expired.set_callback(lambda *_: self._cancel.cancel() or False)
        expired.attach(self._context)
        self._context.push_thread_default()
        try:
            while self._next < len(self._calls) or self._open:
                while self._next < len(self._calls) and self._open < _IN_FLIGHT:
                    self._send(self._next)
                self._context.iteration(True)
        finally:
            self._context.pop_thread_default()
            expired.destroy()
        return self._answers

    def _send(self, number: int) -> None:
        call = self._calls[number]
        self._next += 1
        self._open += 1
        self._connection.call(
            call.service,
            call.path,
            call.interface,
            call.method,
            GLib.Variant(call.signature, call.args),
            None,
            Gio.DBusCallFlags.NO_AUTO_START,
            -1,
            self._cancel,
            self._received,
            number,
        )

    def _received(self, connection: Any, result: Any, number: int) -> None:
        self._open -= 1
        try:
            answer = connection.call_finish(result)
            self._answers[number] = answer if self._raw else _answer(answer)
        except GLib.Error as error:
            self._answers[number] = world_error(error, self._calls[number].method)
