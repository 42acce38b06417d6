"""Directories of configuration files of which those of the same name hide each other: sysctl.d(5),
modules-load.d(5), modprobe.d(5)."""

from collections.abc import Iterable
from pathlib import Path


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
