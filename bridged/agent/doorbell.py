"""A descriptor that tells when something happens in directories, and nothing of what.

watchfiles can only be asked, and looks five times a second whether there is something to answer
(its Rust part sleeps in steps).  Waiting here first, a still host is not woken at all.
"""

import ctypes
import os
import select
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self

_MODIFY, _ATTRIB, _CLOSE_WRITE, _MOVED, _CREATE, _DELETE = 0x2, 0x4, 0x8, 0xC0, 0x100, 0x200
_DELETE_SELF, _MOVE_SELF, _ONLYDIR = 0x400, 0x800, 0x1000000
_EVENTS = _MODIFY | _ATTRIB | _CLOSE_WRITE | _MOVED | _CREATE | _DELETE | _DELETE_SELF | _MOVE_SELF
"""Of linux/inotify.h: everything but that somebody reads."""


class Doorbell:
    """An inotify instance on `directories`; use it in a ``with``.

    Raises OSError where there are no instances or watches left, or a directory is not there.
    """

    def __init__(self, directories: Iterable[Path]) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._file = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "no inotify instance")
        for path in directories:
            if libc.inotify_add_watch(self._file, os.fsencode(path), _EVENTS | _ONLYDIR) < 0:
                number = ctypes.get_errno()
                self.close()
                raise OSError(number, os.strerror(number), str(path))

    def wait(self, seconds: float, stop: socket.socket) -> bool:
        """Whether something happened, within `seconds` or until `stop` is readable."""
        waiting = select.poll()
        waiting.register(self._file, select.POLLIN)
        waiting.register(stop, select.POLLIN)
        return any(file == self._file for file, _ in waiting.poll(seconds * 1000))

    def hush(self) -> None:
        """Take note of everything so far."""
        with suppress(BlockingIOError):
            while os.read(self._file, 65536):
                pass

    def close(self) -> None:
        """Watch no longer."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
