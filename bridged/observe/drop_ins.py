"""Directories of configuration files of which those of the same name hide each other: sysctl.d(5),
modules-load.d(5), modprobe.d(5)."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from bridged.folders import at_once, read_all


def drop_ins(root: Path, directories: Iterable[str]) -> list[tuple[str, Path]]:
    """The ``.conf`` files that count as (name, path), in the order in which they are applied: by
    name, whatever the directory.  Of one name that in the first of the `directories`, which are
    below `root`, counts."""
    files: dict[str, Path] = {}
    for directory in map(root.joinpath, directories):
        try:
            present = sorted(directory.iterdir())
        except OSError:
            continue
        for file in present:
            if file.name.endswith(".conf"):
                files.setdefault(file.name, file)
    return sorted(files.items())


def content(file: Path) -> bytes:
    """What such a file says, nothing where it is no file: a FIFO would never end.

    Raises OSError.
    """
    descriptor = at_once(file)
    try:
        return read_all(descriptor) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    finally:
        os.close(descriptor)
