"""Accepting connections: a thread each, never more than a limit, and a clean end.

Both servers stand on this.  The accepting thread reads nothing from anybody, so that a client who
connects and says nothing costs one of the allowed connections until its time limit, and nobody
else anything.
"""

import contextlib
import errno
import selectors
import socket
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

import structlog

Handler = Callable[[socket.socket, Any], None]
"""Serves one connection, given with its peer's address.  An OSError (time limit, reset) is the
end of that connection and no news; anything else is logged."""

_log = structlog.get_logger("bridged")

_PAUSE = 0.1
"""Seconds without accepting when the process has no file descriptors left."""


class Listener:
    """Serves the connections of one listening socket until stopped.

    `admit` is asked with each connection and the number already open; one that it does not want,
    or one above `limit`, is sent `turned_away` as far as that goes without waiting, and closed.
    """

    def __init__(
        self,
        listening: socket.socket,
        handler: Handler,
        *,
        name: str,
        limit: int,
        turned_away: bytes = b"",
        admit: Callable[[socket.socket, int], bool] = lambda connection, count: True,
    ) -> None:
        self._listening = listening
        self._handler = handler
        self._name = name
        self._limit = limit
        self._turned_away = turned_away
        self._admit = admit
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._thread = threading.Thread(target=self._accept, name=name, daemon=True)

    def start(self) -> None:
        """Begin to accept."""
        self._listening.setblocking(False)
        self._thread.start()

    def stop(self, timeout: float = 2.0) -> None:
        """Close the listening socket and every connection; wait up to `timeout` s for threads."""
        self._stopping.set()
        self._wake_writer.send(b"x")
        deadline = monotonic() + timeout
        if self._thread.is_alive():
            self._thread.join(timeout)
        self._listening.close()
        with self._lock:
            connections = dict(self._open)
        for connection in connections:
            # shutdown wakes the thread that reads; that thread closes.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in connections.values():
            if thread is not threading.current_thread():
                thread.join(max(deadline - monotonic(), 0.0))
        self._wake_reader.close()
        self._wake_writer.close()

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listening, selectors.EVENT_READ)
            selector.register(self._wake_reader, selectors.EVENT_READ)
            while True:
                selector.select()
                if self._stopping.is_set():
                    return
                self._accept_one()

    def _accept_one(self) -> None:
        try:
            connection, address = self._listening.accept()
        except OSError as error:
            if error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS}:
                # The socket stays readable: without a pause this thread would spin.
                _log.warning("listener_exhausted", listener=self._name, error=str(error))
                self._stopping.wait(_PAUSE)
            return  # otherwise: the client is gone already
        with self._lock:
            count = len(self._open)
            welcome = count < self._limit and self._admit(connection, count)
            if welcome:
                # Some platforms inherit non-blocking mode; the handler sets its own time limits.
                connection.setblocking(True)
                thread = threading.Thread(
                    target=self._serve,
                    args=(connection, address),
                    name=f"{self._name}-connection",
                    daemon=True,
                )
                self._open[connection] = thread
        if welcome:
            try:
                thread.start()
            except RuntimeError as error:  # no more threads
                _log.warning("listener_exhausted", listener=self._name, error=str(error))
                self._forget(connection)
            return
        connection.setblocking(False)
        with contextlib.suppress(OSError):
            connection.send(self._turned_away)
            # Closing with something unread would reset the connection and lose these words.
            connection.shutdown(socket.SHUT_WR)
            connection.recv(65536)
        connection.close()

    def _serve(self, connection: socket.socket, address: Any) -> None:
        try:
            self._handler(connection, address)
        except OSError:
            pass
        except Exception:
            _log.exception("listener_handler_failed", listener=self._name)
        finally:
            self._forget(connection)

    def _forget(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.pop(connection, None)
        connection.close()
