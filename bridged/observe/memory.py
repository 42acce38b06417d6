"""Swap and cgroups: what is in use, and what switches swap on at boot."""

import re
from collections.abc import Iterator
from pathlib import Path

from bridged.observe.node import Swap

_GENERATOR = (
    "etc/systemd/zram-generator.conf",
    "run/systemd/zram-generator.conf",
    "usr/lib/systemd/zram-generator.conf",
)
"""The first one that exists counts; an empty one switches the generator off."""
_ESCAPED = re.compile(r"\\([0-7]{3})")
"""How the kernel writes spaces, tabs and backslashes in a file's name."""


class MemoryReader:
    """Reads below `root`.  Nothing that is missing is an error."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def swaps(self) -> tuple[Swap, ...]:
        """Active swap areas, zram among them."""
        rows = (line.split() for line in self._lines("proc/swaps")[1:])
        return tuple(
            Swap(_ESCAPED.sub(_character, row[0]), row[1], int(row[2]), int(row[3]))
            for row in rows
            if len(row) >= 4 and row[2].isdigit() and row[3].isdigit()
        )

    def at_boot(self) -> tuple[str, ...]:
        """Places that switch swap on at boot: lines of fstab, systemd's zram generator, and its
        units that are enabled."""
        return (*self._fstab(), *self._zram(), *self._units())

    def cgroup(self) -> int:
        """Version of the cgroup hierarchy, 0 where none is mounted."""
        folder = self._root / "sys/fs/cgroup"
        if (folder / "cgroup.controllers").is_file():
            return 2
        return 1 if (folder / "cpu").exists() or (folder / "memory").exists() else 0

    def available(self) -> int | None:
        """Memory that could be given to programs, in KiB."""
        for line in self._lines("proc/meminfo"):
            name, _, value = line.partition(":")
            if name == "MemAvailable" and value.split()[0].isdigit():
                return int(value.split()[0])
        return None

    def _fstab(self) -> Iterator[str]:
        for number, line in enumerate(self._lines("etc/fstab"), 1):
            fields = line.split()
            if len(fields) < 3 or fields[0].startswith("#") or fields[2] != "swap":
                continue
            options = fields[3].split(",") if len(fields) > 3 else []
            if "noauto" not in options:
                yield f"/etc/fstab:{number}"

    def _zram(self) -> Iterator[str]:
        if not (self._root / "usr/lib/systemd/system-generators/zram-generator").exists():
            return
        for path in _GENERATOR:
            if (self._root / path).is_file():
                for number, line in enumerate(self._lines(path), 1):
                    if line.strip().startswith("[zram"):
                        yield f"/{path}:{number}"
                return

    def _units(self) -> Iterator[str]:
        folder = self._root / "etc/systemd/system"
        for place in sorted((*folder.glob("*.wants/*.swap"), *folder.glob("*.requires/*.swap"))):
            unit = folder / place.name
            if not (unit.is_symlink() and str(unit.readlink()) == "/dev/null"):  # masked
                yield "/" + str(place.relative_to(self._root))

    def _lines(self, path: str) -> list[str]:
        try:
            return (self._root / path).read_text(errors="replace").splitlines()
        except OSError:
            return []


def _character(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 8))
