"""What our own unit does not allow is done by systemd, in a transient unit, on our behalf.

The daemon's unit shows it nearly everything read-only and leaves it few rights.  Without that unit
(`bridgedctl` in a shell, a machine without systemd) all of this is done by ourselves.
"""

import errno
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SYSTEMD = Path("/run/systemd/system")
_PATIENCE = 10.0


def can_ask(systemd: Path = _SYSTEMD) -> bool:
    """Whether systemd runs the machine and does as we say, which it does for root only."""
    return systemd.is_dir() and os.geteuid() == 0 and shutil.which("systemd-run") is not None


def confined(place: Path = Path("/var")) -> bool:
    """Whether what is writable on every node that works is read-only for us."""
    try:
        return bool(os.statvfs(place).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def by_systemd(
    command: Sequence[str],
    seconds: float,
    about: str,
    environment: Mapping[str, str] | None = None,
    properties: Sequence[str] = (),
) -> list[str]:
    """The command that has systemd run `command`, with output, errors and exit code as its own.
    systemd ends it after `seconds`, also when nobody waits for it any more."""
    return [
        *("systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--no-ask-password"),
        *("--service-type=exec", f"--description={about}"),
        *(f"--property={setting}" for setting in (*properties, f"RuntimeMaxSec={seconds:g}")),
        *(f"--setenv={key}={value}" for key, value in (environment or {}).items()),
        *("--", *command),
    ]


def unconfined(
    command: Sequence[str], seconds: float, environment: Mapping[str, str] | None = None
) -> list[str]:
    """The command to run for one that has to write somewhere though it changes nothing of ours: a
    package tool with its caches, logs and locks."""
    known = shutil.which(command[0], path=PATH) is not None
    if known and confined() and can_ask():
        return by_systemd(command, seconds, f"bridged: {' '.join(command)[:100]}", environment)
    return list(command)


def done(command: Sequence[str], about: str, stdin: bytes = b"") -> bool:
    """Whether systemd ran a short command for us and it ended well."""
    try:
        asked = by_systemd(command, _PATIENCE, about)
        ended = subprocess.run(
            asked, check=False, input=stdin, capture_output=True, timeout=_PATIENCE + 2
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0


def give(file: int, uid: int, gid: int) -> None:
    """Give an open file to another user and group.

    Raises PermissionError where neither we nor systemd for us can do that.
    """
    try:
        os.fchown(file, uid, gid)
        return
    except PermissionError:
        if not can_ask():
            raise
    path = os.readlink(f"/proc/self/fd/{file}")
    # Never through a link; what counts is what became of the file that we hold.
    command = ["chown", "--no-dereference", "--", f"{uid}:{gid}", path]
    done(command, f"Gives {path} to its owner for bridged")
    seen = os.fstat(file)
    if (uid, gid) != (seen.st_uid, seen.st_gid):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), path)
