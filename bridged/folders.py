"""The way to a file, opened step by step: no symbolic link and no folder of anybody else's leads
elsewhere.  Also whose accounts are whose, and marks that keep a file from being changed.
"""

import contextlib
import errno
import fcntl
import json
import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bridged.errors import BridgedError

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_GET_FLAGS = 0x80086601
"""FS_IOC_GETFLAGS of linux/fs.h."""
_MARKS = {0x10: "i", 0x20: "a"}
"""FS_IMMUTABLE_FL and FS_APPEND_FL, as chattr(1) calls them."""
_LARGEST = 1 << 20
_FOR_ALL_TO_READ = 0o755


class Obstacle(BridgedError):
    """Why a file cannot be reached, and what to do; `absent` where its folder does not exist."""

    def __init__(self, reason: str, remedy: str = "", absent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.absent = absent


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are missing, for others to read, whatever our
    umask is.  Raises OSError."""
    for path in (*reversed(folder.parents), folder):
        try:
            path.mkdir(_FOR_ALL_TO_READ)
        except FileExistsError:
            continue
        path.chmod(_FOR_ALL_TO_READ)
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))


def at_once(path: str | Path, flags: int = os.O_RDONLY) -> int:
    """A descriptor of a file that is to be read, or its opener: something else in its place, such
    as a FIFO that nobody writes, is not waited for.  Raises OSError."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def document(path: str | Path) -> Any:
    """The JSON document in a file of ours, not waited for (see `at_once`).  Raises OSError, and
    `DAMAGED` where it is none."""
    with open(path, "rb", opener=at_once) as stream:
        return json.load(stream)


@contextlib.contextmanager
def folder_of(root: Path, path: str, make: bool = False) -> Iterator[int]:
    """An open descriptor of the folder that `path` below `root` is in.

    Every folder on the way belongs to root (or to us) and can be written by nobody else.  `make`
    makes those that are missing.  Raises Obstacle and OSError.
    """
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        way = ""
        for name in path.strip("/").split("/")[:-1]:
            way += f"/{name}"
            below = _step(here, name, way, make)
            os.close(here)
            here = below
            _trusted(here, way)
        yield here
    finally:
        os.close(here)


def _step(here: int, name: str, way: str, make: bool) -> int:
    try:
        return os.open(name, _OPEN, dir_fd=here)
    except FileNotFoundError:
        if not make:
            raise Obstacle(f"there is no folder {way}", f"mkdir -p {way}", absent=True) from None
        os.mkdir(name, _FOR_ALL_TO_READ, dir_fd=here)
        os.chmod(name, _FOR_ALL_TO_READ, dir_fd=here)
        return os.open(name, _OPEN, dir_fd=here)
    except OSError as error:
        if error.errno not in {errno.ELOOP, errno.ENOTDIR}:
            raise
        status = os.stat(name, dir_fd=here, follow_symlinks=False)
        what = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "no folder"
        raise Obstacle(
            f"{way} is {what}; nothing is written through it", "declare the real path"
        ) from None


def _trusted(folder: int, way: str) -> None:
    status = os.fstat(folder)
    if status.st_uid not in {0, os.geteuid()}:
        raise Obstacle(f"{way} belongs to uid {status.st_uid}, not to root", f"chown root {way}")
    if status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and status.st_gid):
        raise Obstacle(f"{way} can be written by others than root", f"chmod go-w {way}")


def open_plain(folder: int, name: str, path: str) -> int | None:
    """A descriptor of the plain file `name`, None where there is none.  Raises Obstacle where it is
    something else, and OSError."""
    try:
        file = os.open(
            name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO}:
            what = "a symbolic link" if error.errno == errno.ELOOP else "a socket"
            raise Obstacle(f"{path} is {what}; it is left alone", f"rm {path}") from None
        raise
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise Obstacle(f"{path} is not a plain file; it is left alone", "move it away")
    return file


def read_all(file: int) -> bytes:
    """The content of an open file, as far as anybody has a use for it."""
    parts = []
    left = _LARGEST
    while left and (part := os.read(file, left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def mark(file: int) -> str:
    """``i`` for what chattr(1) made immutable, ``a`` for append-only, else empty."""
    try:
        answer = fcntl.ioctl(file, _GET_FLAGS, bytes(8))
    except OSError:  # some file systems know no marks
        return ""
    flags = struct.unpack_from("i", answer)[0]
    return next((letter for bit, letter in _MARKS.items() if flags & bit), "")


def is_read_only(folder: int) -> bool:
    """Whether the file system that the folder is on can only be read, by us at least."""
    return bool(os.fstatvfs(folder).f_flag & os.ST_RDONLY)


class Accounts:
    """The local accounts, from /etc/passwd and /etc/group below `root`: no directory service that
    might not answer is asked."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def owner(self, uid: int, gid: int) -> str:
        """``USER:GROUP``; a number where there is no name."""
        return f"{self._name('passwd', uid)}:{self._name('group', gid)}"

    def ids(self, owner: str) -> tuple[int, int]:
        """uid and gid of ``USER:GROUP``.  Raises Obstacle where there is no such account."""
        user, _, group = owner.partition(":")
        return self._id("passwd", user), self._id("group", group)

    def _name(self, table: str, number: int) -> str:
        if number == 0:
            return "root"
        found = (name for name, known in self._entries(table) if known == number)
        return next(found, str(number))

    def _id(self, table: str, name: str) -> int:
        if name.isdigit():
            return int(name)
        for known, number in [("root", 0), *self._entries(table)]:
            if known == name:
                return number
        what = "account" if table == "passwd" else "group"
        raise Obstacle(
            f"there is no {what} {name} in /etc/{table}", f"make it, or declare another {what}"
        )

    def _entries(self, table: str) -> list[tuple[str, int]]:
        found = []
        try:
            text = (self._root / "etc" / table).read_text(errors="replace")
        except OSError:
            return []
        for line in text.splitlines():
            fields = line.split(":")
            if len(fields) > 2 and fields[2].isdigit():
                found.append((fields[0], int(fields[2])))
        return found
