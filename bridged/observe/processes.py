"""Which programs run, by the names of their processes."""

from pathlib import Path


class ProcessReader:
    """Reads below `root`."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._proc = root / "proc"

    def read(self, names: frozenset[str]) -> frozenset[str]:
        """Those of the names (/proc/PID/comm, 15 characters at most) that a process has now."""
        found = set()
        for directory in self._proc.glob("[0-9]*"):
            try:
                name = (directory / "comm").read_text().strip()
            except OSError:
                continue  # it has ended meanwhile
            if name in names:
                found.add(name)
        return frozenset(found)
