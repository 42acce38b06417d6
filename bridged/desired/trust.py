"""Who may write a file, or put another one in its place.

Whoever can write what bridged goes by can move the node's network.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LINKS = 40
"""As many as the kernel follows (MAXSYMLINKS)."""


class Untrusted(Exception):
    """Others may write `path`, or it cannot be told; `remedy` is what to do, "" for nothing."""

    def __init__(self, path: Path, message: str, remedy: str = "") -> None:
        super().__init__(f"{path}: {message}")
        self.path, self.message, self.remedy = path, message, remedy


def check(path: Path, status: os.stat_result, what: str, *, sticky: bool = False) -> None:
    """Raise Untrusted unless `what` is at `path` belongs to root or to the user who runs us, and
    nobody else may write it."""
    if status.st_uid not in {0, os.geteuid()}:
        raise Untrusted(
            path,
            f"{what} belongs to user {status.st_uid}, who could change this node's network",
            f"chown root {path}",
        )
    writers = {stat.S_IWGRP: "its group", stat.S_IWOTH: "everybody"}
    who = [name for bit, name in writers.items() if status.st_mode & bit]
    if who and not sticky:
        raise Untrusted(
            path,
            f"{what} can be written by {' and '.join(who)} (mode {status.st_mode & 0o7777:04o})",
            f"chmod go-w {path}",
        )


def check_directories(file: Path) -> None:
    """Raise Untrusted if others could put another file in the place of `file`.

    Every link on the way is followed (a ConfigMap's file is a link into ..data, itself a link), as
    each of the directories passed decides what is read.  Directories further up that hold no such
    link are not asked: whoever owns those owns the machine.  OSError names the directory that
    cannot be looked at.
    """
    seen: set[Path] = set()
    for directory in (*ways(file), Path(os.path.realpath(file)).parent):
        if directory in seen:
            continue
        seen.add(directory)
        status = os.stat(directory)
        # In a sticky directory such as /tmp nobody can replace what belongs to somebody else.
        check(directory, status, "the directory", sticky=bool(status.st_mode & stat.S_ISVTX))


def ways(file: Path) -> Iterator[Path]:
    """The directories of `file`, and those of every link that it leads through, its own or that of
    a directory above it."""
    here = file
    for _ in range(_LINKS + 1):
        yield here.parent
        # The first link in it, as the kernel goes: what stands in front of it is what it seems.
        for part in (*reversed(here.parents), here):
            with suppress(OSError):
                target = part.parent / os.readlink(part)
                break
        else:
            return
        yield part.parent
        here = target / here.relative_to(part)
