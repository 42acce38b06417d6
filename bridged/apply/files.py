"""Replacing whole files, so that a reader sees the old content or the new and nothing between."""

import contextlib
import errno
import hashlib
import os
import posixpath
from collections.abc import Callable, Iterator
from pathlib import Path

from bridged.beyond import give
from bridged.errors import ErrorKind, WorldError
from bridged.folders import Accounts, Obstacle, folder_of, make_folder, mark, open_plain, read_all
from bridged.plan.actions import KeepFile

_MODE = 0o644
_KINDS: dict[int, ErrorKind] = {
    errno.EROFS: "permission",
    errno.EPERM: "permission",
    errno.EACCES: "permission",
    errno.ENOENT: "not-found",
    errno.ENOTDIR: "refused",
    errno.EISDIR: "refused",
    errno.ELOOP: "refused",
    errno.ENOSPC: "failed",
    errno.EDQUOT: "failed",
}
_REMEDIES = {
    errno.EROFS: "remount it writable; or, where only bridged may not write there: systemctl edit "
    "bridged, [Service] ReadWritePaths={folder}, and after mkdir -p {folder}: systemctl restart "
    "bridged",
    errno.EPERM: "if it is the owner that cannot be set: look at journalctl -g 'for bridged'; "
    "else: lsattr -d {folder}",
    errno.ENOTDIR: "see what is in the place of {folder}",
    errno.ENOSPC: "make room in {folder}",
    errno.EDQUOT: "make room in {folder}",
}
_LABEL = "security.selinux"
_BACKUPS = 10


class FileWriter:
    """Writes absolute paths below `root`."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._accounts = Accounts(root)

    def write(self, path: str, content: str | None) -> None:
        """Replace the file, or remove it where `content` is None; missing folders are made.

        Raises `WorldError`.  A symbolic link, a folder or anything else that is no plain file is
        left alone: somebody put it there.
        """
        target = self._root / path.lstrip("/")
        with _explained("remove" if content is None else "write", path):
            if content is not None:
                make_folder(target.parent)
            elif not target.parent.exists():
                return
            with _folder(target.parent) as folder:
                _refuse_marked(folder, posixpath.dirname(path))
                file = open_plain(folder, target.name, path)
                try:
                    label = _before(file, path)
                finally:
                    if file is not None:
                        os.close(file)
                if content is not None:
                    data = content.encode(errors="surrogateescape")
                    _replace(folder, target.name, data, _MODE, None, label)
                elif file is not None:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(target.name, dir_fd=folder)
                os.fsync(folder)  # without this a power cut could bring the old file back

    def keep(self, action: KeepFile) -> None:
        """Make a file what `action` says, never through a symbolic link or a folder that others can
        write.  What was there stays beside it under the name that `backups` describes.

        Raises `WorldError`, which says what to do.
        """
        path, name = action.path, posixpath.basename(action.path)
        with _explained("write", path):
            ids = self._accounts.ids(action.owner)
            data = action.content.encode(errors="surrogateescape")
            with folder_of(self._root, path, make=True) as folder:
                file = open_plain(folder, name, path)
                try:
                    label = _before(file, path)
                    before = None if file is None else read_all(file)
                finally:
                    if file is not None:
                        os.close(file)

                def back_up() -> None:
                    if before is not None and before != data:
                        _back_up(folder, name, before)

                _replace(folder, name, data, action.mode, ids, label, back_up)
                os.fsync(folder)
                _prune(folder, name)


def backups(name: str) -> str:
    """How the names of a file's backups begin; the rest is the start of their SHA-256, so that the
    same content is kept once.  The first one and the latest ones stay."""
    return f"{name}.before-"


@contextlib.contextmanager
def _explained(doing: str, path: str) -> Iterator[None]:
    """Errors as the agent tells them."""
    try:
        yield
    except Obstacle as error:
        remedy = f"; {error.remedy}" if error.remedy else ""
        raise WorldError("refused", f"{error.reason}{remedy}") from error
    except OSError as error:
        number = error.errno or 0
        remedy = _REMEDIES.get(number, "").format(folder=posixpath.dirname(path))
        reason = f"cannot {doing} {path}: {os.strerror(number)}"
        raise WorldError(
            _KINDS.get(number, "failed"), f"{reason}; {remedy}" if remedy else reason
        ) from error


def _before(file: int | None, path: str) -> bytes | None:
    """The SELinux label of an open file, if there is one; refuses what cannot be replaced."""
    if file is None:
        return None
    _refuse_marked(file, path)
    try:
        return os.getxattr(file, _LABEL)
    except OSError:
        return None


def _refuse_marked(file: int, path: str) -> None:
    letter = mark(file)
    if letter:
        word = "immutable" if letter == "i" else "append-only"
        raise Obstacle(f"{path} is {word}", f"chattr -{letter} {path}")


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[int]:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield folder
    finally:
        os.close(folder)


def _nothing() -> None:
    """No backup."""


def _replace(
    folder: int,
    name: str,
    data: bytes,
    mode: int,
    ids: tuple[int, int] | None,
    label: bytes | None,
    back_up: Callable[[], None] = _nothing,
) -> None:
    """Write beside the file and rename; `back_up` is called when the new one is on the disk."""
    # Nobody takes it for a drop-in, and what a killed agent left is overwritten.
    new = f".{name}.bridged.tmp"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new, dir_fd=folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(new, flags, 0o600, dir_fd=folder)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            if label is not None:
                with contextlib.suppress(OSError):
                    os.setxattr(stream.fileno(), _LABEL, label)
            status = os.fstat(stream.fileno())
            if ids is not None and ids != (status.st_uid, status.st_gid):
                give(stream.fileno(), *ids)
            os.fsync(stream.fileno())
        back_up()
        os.rename(new, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(new, dir_fd=folder)
        raise


def _back_up(folder: int, name: str, content: bytes) -> None:
    """A second name for the file that is there: owner, mode, label and times stay with it."""
    kept = backups(name) + hashlib.sha256(content).hexdigest()[:12]
    with contextlib.suppress(FileExistsError):
        os.link(name, kept, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)


def _prune(folder: int, name: str) -> None:
    """Someone who changes the file for ever must not fill the disk."""
    with contextlib.suppress(OSError):
        found = [kept for kept in os.listdir(folder) if kept.startswith(backups(name))]
        if len(found) <= _BACKUPS:
            return
        found.sort(key=lambda kept: os.stat(kept, dir_fd=folder).st_ctime_ns)
        for kept in found[1 : len(found) - _BACKUPS + 1]:
            os.unlink(kept, dir_fd=folder)
