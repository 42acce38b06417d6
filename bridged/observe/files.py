"""Text files: those that bridged owns, and those that it keeps as declared."""

import os
import posixpath
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from bridged.folders import (
    Accounts,
    Obstacle,
    folder_of,
    is_read_only,
    mark,
    open_plain,
    read_all,
)
from bridged.observe.host import KeptFile

_LARGEST = 1 << 20


class FileReader:
    """Reads absolute paths below `root`."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._accounts = Accounts(root)

    def read(self, paths: Iterable[str]) -> Mapping[str, str | None]:
        """Contents by path; None for what is missing or is no readable file.

        The second cannot be told apart here on purpose: the plan then writes the file, and the
        writer says what is in its place.
        """
        return {path: self._read(path) for path in paths}

    def exist(self, paths: Iterable[str]) -> Mapping[str, bool]:
        """Whether something is there, by path.

        Our unit shows us a /dev of our own; the kernel lists the devices that nodes are made for.
        """
        return {path: self._exists(path) for path in paths}

    def _exists(self, path: str) -> bool:
        if (self._root / path.lstrip("/")).exists():
            return True
        known = self._root / "sys/class/misc" / path.rpartition("/")[2]
        return path.startswith("/dev/") and known.exists()

    def _read(self, path: str) -> str | None:
        file = self._root / path.lstrip("/")
        try:
            if not file.is_file() or file.is_symlink():
                return None
            with file.open("rb") as stream:
                return stream.read(_LARGEST).decode(errors="surrogateescape")
        except OSError:
            return None

    def kept(self, paths: Iterable[str]) -> Mapping[str, KeptFile]:
        """Files that are kept as declared, each with what is in the way of replacing it."""
        return {path: self._kept(path) for path in paths}

    def _kept(self, path: str) -> KeptFile:
        try:
            with folder_of(self._root, path) as folder:
                return self._look(folder, path)
        except Obstacle as error:
            if error.absent:  # the folder is made with the file
                return KeptFile()
            return KeptFile(obstacle=error.reason, remedy=error.remedy, unseen=True)
        except OSError as error:
            why = f"{path} cannot be read: {os.strerror(error.errno or 0)}"
            return KeptFile(obstacle=why, remedy="sudo, if you are not root", unseen=True)

    def _look(self, folder: int, path: str) -> KeptFile:
        file = open_plain(folder, posixpath.basename(path), path)
        try:
            obstacle, remedy = _obstacle(folder, file, path)
            if file is None:
                return KeptFile(obstacle=obstacle, remedy=remedy)
            status = os.fstat(file)
            return KeptFile(
                content=read_all(file).decode(errors="surrogateescape"),
                owner=self._accounts.owner(status.st_uid, status.st_gid),
                ids=(status.st_uid, status.st_gid),
                mode=stat.S_IMODE(status.st_mode),
                obstacle=obstacle,
                remedy=remedy,
            )
        finally:
            if file is not None:
                os.close(file)


def _obstacle(folder: int, file: int | None, path: str) -> tuple[str, str]:
    """What is in the way of replacing a file, and what to do about it."""
    place = posixpath.dirname(path)
    if is_read_only(folder):
        return (
            f"{place} can only be read",
            f"mount -o remount,rw; or, where only bridged may not write there: systemctl edit "
            f"bridged, [Service] ReadWritePaths={place}, then systemctl restart bridged",
        )
    for what, descriptor in ((path, file), (place, folder)):
        letter = mark(descriptor) if descriptor is not None else ""
        if letter:
            word = "immutable" if letter == "i" else "append-only"
            return f"{what} is {word} (chattr +{letter})", f"chattr -{letter} {what}"
    return "", ""
