"""Changing a configuration file of somebody else's, restarting his service, switching swap off."""

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bridged.apply.aside import Aside, Work
from bridged.apply.outside import run, run_outside
from bridged.beyond import give
from bridged.errors import WorldError
from bridged.folders import make_folder
from bridged.plan.actions import (
    Action,
    EditFile,
    InstallPackage,
    RemovePackage,
    RestartService,
    SwapOff,
)

_RESTART = 90.0
_SWAPOFF = 900.0
_LABEL = "security.selinux"


class FileEditor:
    """Edits absolute paths below `root`."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def edit(self, action: EditFile) -> None:
        """Replace the file by its new content in one step; owner, mode and SELinux label stay, and
        what it was is kept.

        Raises `WorldError`: ``vanished`` where the file is no longer what was seen.
        """
        target = self._root / action.path.lstrip("/")
        try:
            if target.is_symlink():
                raise WorldError("refused", f"{action.path} is a symbolic link; it is left alone")
            before = target.read_bytes() if target.exists() else None
            if before != (None if action.before is None else action.before.encode()):
                raise WorldError("vanished", f"{action.path} has just been changed by others")
            if before is not None:
                _replace(self._root / action.backup.lstrip("/"), before, like=target)
            else:
                make_folder(target.parent)
            _replace(target, action.content.encode(), like=target)
        except OSError as error:
            reason = f"cannot write {action.path}: {os.strerror(error.errno or 0)}"
            if error.errno == errno.EROFS:  # our sandbox opens only what was there at our start
                folder = os.path.dirname(action.path)
                reason += (
                    "; if that folder is new: systemctl restart bridged; else: systemctl edit "
                    f"bridged, [Service] ReadWritePaths={folder}, then restart it"
                )
            raise WorldError("permission", reason) from error


def _replace(target: Path, content: bytes, like: Path) -> None:
    file, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(content)
            stream.flush()
            _resemble(stream.fileno(), like)
            os.fsync(stream.fileno())
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _resemble(file: int, like: Path) -> None:
    """Owner, mode and label of `like`, if it is there."""
    try:
        seen = like.stat()
    except FileNotFoundError:
        os.fchmod(file, 0o644)
        return
    os.fchmod(file, stat.S_IMODE(seen.st_mode))
    with contextlib.suppress(OSError):
        os.setxattr(file, _LABEL, os.getxattr(like, _LABEL))
    if (seen.st_uid, seen.st_gid) != (os.geteuid(), os.getegid()):
        give(file, seen.st_uid, seen.st_gid)


def restart_services(actions: Sequence[Action]) -> Mapping[Action, WorldError]:
    """Restart services; returns when systemd calls them active."""
    errors: dict[Action, WorldError] = {}
    for action in actions:
        assert isinstance(action, RestartService)
        try:
            run(["systemctl", "restart", action.service], _RESTART)
        except WorldError as error:
            errors[action] = error
    return errors


def switch_off(actions: Sequence[Action]) -> Mapping[Action, WorldError]:
    """Switch swap areas off; returns when all that was in them is back in memory."""
    errors: dict[Action, WorldError] = {}
    for action in actions:
        assert isinstance(action, SwapOff)
        try:
            run_outside("swapoff", ["swapoff", action.device], _SWAPOFF, {})
        except WorldError as error:
            errors[action] = error
    return errors


class AsideWriter:
    """Begins what takes long; each kind of action has its own way of being done."""

    def __init__(self, aside: Aside, packages: Work) -> None:
        self._aside = aside
        self._work: dict[type[Action], Work] = {
            InstallPackage: packages,
            RemovePackage: packages,
            RestartService: restart_services,
            SwapOff: switch_off,
        }

    def begin(self, action: Action) -> None:
        """Have it done; the next observations tell what came of it."""
        self._aside.submit(action, self._work[type(action)])
