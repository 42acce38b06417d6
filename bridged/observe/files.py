"""Text files that bridged owns."""

from collections.abc import Iterable, Mapping
from pathlib import Path

_LARGEST = 1 << 20


class FileReader:
    """Reads absolute paths below `root`."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

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
