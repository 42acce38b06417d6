"""Signals: as wake-ups from a thread of their own, or waited for beside a call.

What a signal says is never trusted, only that something happened: the next observation decides.
Subscribe first, read then, or the change between the two is lost (pydbus issue 87).
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

from bridged.dbus.connection import SystemBus, close, connect, system_bus_address
from bridged.dbus.gi import Gio, GLib
from bridged.errors import WorldError

_ANSWER_MS = 5000
"""Milliseconds within which the bus answers for itself."""
_RETRY_FIRST, _RETRY_LAST = 0.5, 30.0
"""Seconds between attempts to reach a bus that is away."""


class Match(NamedTuple):
    """Which signals: those of a sender, narrowed by whatever is not None."""

    sender: str
    interface: str | None = None
    signal: str | None = None
    path: str | None = None
    arg0: str | None = None


def name_owner(service: str) -> Match:
    """The signal that a service came to the bus, left it, or was restarted."""
    return Match("org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged", arg0=service)


class Signal(NamedTuple):
    """A signal that came: where from, what, and its arguments, plain."""

    path: str
    interface: str
    name: str
    args: tuple[Any, ...]


def _rule(match: Match) -> str:
    """The match as the bus is told it."""
    words = {
        "type": "signal",
        "sender": match.sender,
        "interface": match.interface,
        "member": match.signal,
        "path": match.path,
        "arg0": match.arg0,
    }
    return ",".join(f"{key}='{word}'" for key, word in words.items() if word is not None)


def _ask_bus(method: str, match: Match) -> tuple[Any, ...]:
    """The arguments of the call to the bus, up to its flags."""
    args = GLib.Variant("(s)", (_rule(match),))
    bus = "org.freedesktop.DBus"
    return bus, "/org/freedesktop/DBus", bus, method, args, None, Gio.DBusCallFlags.NONE


def _subscribe(connection: Any, match: Match, fired: Callable[..., None], told: bool = True) -> int:
    """Have `fired` called, in the context that is the thread's default now; what takes it back.
    With `told` False somebody else tells the bus what is wanted."""
    subscription: int = connection.signal_subscribe(
        match.sender,
        match.interface,
        match.signal,
        match.path,
        match.arg0,
        Gio.DBusSignalFlags.NONE if told else Gio.DBusSignalFlags.NO_MATCH_RULE,
        fired,
    )
    return subscription


class Listener:
    """Collects signals beside calls in the same thread; use it in a ``with``."""

    def __init__(self, bus: SystemBus, match: Match) -> None:
        self._connection = bus.connection()
        self._match = match
        self._context = GLib.MainContext()
        self._seen: deque[Signal] = deque()
        self._subscription = 0

    def __enter__(self) -> Self:
        self._subscription = self._subscribed()
        return self

    def _subscribed(self) -> int:
        # Delivered in the context that is the thread's default now, whoever iterates it later.
        self._context.push_thread_default()
        try:
            return _subscribe(
                self._connection,
                self._match,
                lambda _, sender, path, interface, name, args: self._seen.append(
                    Signal(path, interface, name, args.unpack())
                ),
            )
        finally:
            self._context.pop_thread_default()

    def turn_to(self, match: Match) -> None:
        """Listen to `match` instead.  What was heard already stays, nothing of `match` that came
        before is lost, and some may be told twice."""
        former, self._match = self._subscription, match
        self._subscription = self._subscribed()
        self._leave(former)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave(self._subscription)

    def _leave(self, subscription: int) -> None:
        """What has come for a subscription is taken in first: with it it would go."""
        while self._context.iteration(False):
            pass
        self._connection.signal_unsubscribe(subscription)
        while self._context.iteration(False):
            pass

    def wait(self, seconds: float) -> Signal | None:
        """The next signal, or None after `seconds` without one."""
        source = GLib.timeout_source_new(max(int(seconds * 1000), 0))
        expired: list[bool] = []

        # Debian 13's PyGObject calls it with an argument, that of the next one without.
        def expire(*_: Any) -> bool:
            expired.append(True)
            return False

        source.set_callback(expire)
        source.attach(self._context)
        while not self._seen and not expired:
            self._context.iteration(True)
        source.destroy()
        return self._seen.popleft() if self._seen else None


class Signals:
    """A thread that calls `fire` with a short cause for every signal of `matches`.

    `fire` runs in that thread and may do no more than set a flag or fill a queue.  It is also
    called when the bus is lost and when it is back, since signals in between were missed.
    What matches `once` is told once, then no more until `listen`: whoever has been woken to look
    learns nothing from the next thousand, which the bus need then not send.
    `errors` counts exceptions of `fire`, `losses` the times that the bus went away.
    """

    def __init__(
        self,
        matches: Sequence[Match],
        fire: Callable[[str], None],
        address: str | None = None,
        once: Match | None = None,
    ) -> None:
        self.errors = 0
        self.losses = 0
        self._matches = matches
        self._fire = fire
        self._once = once
        self._lock = threading.Lock()
        self._connection: Any = None
        self._listening = False
        self._address = address or system_bus_address()
        self._stop = threading.Event()
        self._context: Any = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="dbus-signals", daemon=True)

    def start(self) -> None:
        """Start the thread; it finds the bus by itself, now or later."""
        self._thread.start()

    def listen(self) -> bool:
        """Hear `once` again; False where the bus did not answer, so that nothing may be heard.

        To be called ahead of reading what the signals are about, and after forgetting that there
        was one.  From any thread.
        """
        with self._lock:
            # Without a connection there is nothing to do: the thread tells when it has one.
            if self._once is None or self._listening or self._connection is None:
                return True
            try:
                self._connection.call_sync(*_ask_bus("AddMatch", self._once), _ANSWER_MS, None)
            except GLib.Error:
                return False
            self._listening = True
            return True

    def _heard_once(self) -> None:
        """Ask the bus for no more of `once`.  Ahead of telling, or `listen` could come in between
        and be undone."""
        with self._lock:
            if self._listening and self._once is not None and self._connection is not None:
                self._listening = False
                self._connection.call(*_ask_bus("RemoveMatch", self._once), -1, None, None, None)

    def stop(self, timeout: float = 2.0) -> None:
        """End the thread; one that hangs in connecting is left to the end of the process."""
        self._stop.set()
        if self._context is not None:
            self._context.wakeup()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        delay = _RETRY_FIRST
        while not self._stop.is_set():
            try:
                self._listen()
                delay = _RETRY_FIRST
            except WorldError:
                pass
            except Exception:
                self.errors += 1
            if self._stop.wait(delay):
                return
            delay = min(delay * 2, _RETRY_LAST)

    def _listen(self) -> None:
        """Connect, subscribe, and deliver until the connection closes; raises `WorldError`."""
        if GLib is None:
            self._stop.set()
            return
        self._context = GLib.MainContext()
        self._context.push_thread_default()
        self._closed = False
        try:
            bus = connect(self._address)
            try:
                bus.con.connect("closed", self._on_closed)
                # Not by pydbus, which unpacks what came: NetworkManager tells all properties of
                # everything, and nobody reads them here.
                subscriptions = [
                    _subscribe(bus.con, match, self._on_signal) for match in self._matches
                ]
                if self._once is not None:
                    subscriptions.append(_subscribe(bus.con, self._once, self._on_once, told=False))
                    with self._lock:
                        self._connection, self._listening = bus.con, False
                    if not self.listen():
                        raise WorldError("timeout", "the bus does not answer")
                self._wake("the bus is back" if self.losses else "subscribed")
                while not self._stop.is_set() and not self._closed and not bus.con.is_closed():
                    self._context.iteration(True)
                for subscription in subscriptions:
                    bus.con.signal_unsubscribe(subscription)
            finally:
                with self._lock:
                    self._connection = None
                close(bus)
                while self._context.iteration(False):
                    pass
        finally:
            self._context.pop_thread_default()
        if not self._stop.is_set():
            self.losses += 1
            self._wake("the bus is lost")

    def _on_closed(self, *_: Any) -> None:
        self._closed = True

    def _on_once(self, *signal: Any) -> None:
        self._heard_once()
        self._on_signal(*signal)

    def _on_signal(
        self, _: Any, sender: str, path: str, interface: str, signal: str, args: Any
    ) -> None:
        self._wake(f"{interface.rpartition('.')[2]}.{signal} {path}")

    def _wake(self, cause: str) -> None:
        try:
            self._fire(cause)
        except Exception:
            self.errors += 1
