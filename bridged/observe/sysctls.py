"""Kernel parameters, read from /proc/sys."""

import errno
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from bridged.desired.names import sysctl_problem, sysctl_value
from bridged.observe.host import Sysctl

_LARGEST = 1 << 16
"""Bytes of a value that are read; the longest in a kernel is a list of port bitmaps."""


class SysctlReader:
    """Reads below `root`, each key by its own file: a directory proves nothing about its keys."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._sys = f"{root}/proc/sys"

    def read(self, paths: Iterable[str]) -> Mapping[str, Sysctl]:
        """Values with single spaces between fields, by path; None with the reason if there is none.

        One key that cannot be read leaves the others as they are.
        """
        return {path: self._read(path) for path in paths}

    def unchanged(self, expected: Mapping[str, str | None]) -> bool:
        """Whether all of these still have the value that `read` told; asked every few seconds."""
        return all(self._value(path) == value for path, value in expected.items())

    def _read(self, path: str) -> Sysctl:
        if sysctl_problem("/" + path if "/" not in path else path):
            return Sysctl(None, f"{path} is not a path below /proc/sys")
        try:
            return Sysctl(self._open(path))
        except OSError as error:
            return Sysctl(_unset(error), _reason(error))

    def _value(self, path: str) -> str | None:
        try:
            return self._open(path)
        except OSError as error:
            return _unset(error)

    def _open(self, path: str) -> str:
        file = os.open(f"{self._sys}/{path}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return sysctl_value(os.read(file, _LARGEST).decode(errors="replace"))
        finally:
            os.close(file)


def _unset(error: OSError) -> str | None:
    """The value that an error tells: a ``stable_secret`` that was never set cannot be read
    (ipv6/addrconf.c)."""
    return "" if error.errno == errno.EIO else None


def _reason(error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "this kernel has no such key now"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "the key cannot be read"
    return f"the key cannot be read: {os.strerror(error.errno or 0)}"
