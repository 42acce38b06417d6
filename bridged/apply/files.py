"""Replacing whole files, so that a reader sees the old content or the new and nothing between."""

import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path

from bridged.errors import ErrorKind, WorldError

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
_LABEL = "security.selinux"


class FileWriter:
    """Writes absolute paths below `root`."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def write(self, path: str, content: str | None) -> None:
        """Replace the file, or remove it where `content` is None; missing folders are made.

        Raises `WorldError`.  A symbolic link, a folder or anything else that is no plain file is
        left alone: somebody put it there.
        """
        target = self._root / path.lstrip("/")
        try:
            label = _check(target, path)
            if content is None:
                target.unlink(missing_ok=True)
            else:
                target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
                _replace(target, content.encode(errors="surrogateescape"), label)
            with contextlib.suppress(FileNotFoundError):
                _sync_folder(target.parent)
        except OSError as error:
            kind = _KINDS.get(error.errno or 0, "failed")
            doing = "remove" if content is None else "write"
            raise WorldError(kind, f"cannot {doing} {path}: {os.strerror(error.errno or 0)}") from (
                error
            )


def _check(target: Path, path: str) -> bytes | None:
    """Refuse what is no plain file; the SELinux label of the one that is there, if any."""
    try:
        mode = target.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(mode):
        what = "a symbolic link" if stat.S_ISLNK(mode) else "not a plain file"
        raise WorldError("refused", f"{path} is {what}; it is left alone")
    try:
        return os.getxattr(target, _LABEL, follow_symlinks=False)
    except OSError:
        return None


def _replace(target: Path, data: bytes, label: bytes | None) -> None:
    # The name starts with a dot and ends in .tmp, so that nobody takes it for a drop-in.
    file, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(stream.fileno(), _MODE)
            if label is not None:
                with contextlib.suppress(OSError):
                    os.setxattr(stream.fileno(), _LABEL, label)
            os.fsync(stream.fileno())
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _sync_folder(folder: Path) -> None:
    """Without this a power cut could bring the old file back."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
