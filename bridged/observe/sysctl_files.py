"""What the boot will set: the sysctl.d files in the order in which systemd-sysctl applies them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from bridged.desired.names import sysctl_path, sysctl_value
from bridged.observe.drop_ins import content, drop_ins
from bridged.observe.host import Assignment

_DIRECTORIES = ("etc/sysctl.d", "run/sysctl.d", "usr/local/lib/sysctl.d", "usr/lib/sysctl.d")
"""sysctl.d(5): a file hides those of the same name in later directories."""


class SysctlFileReader:
    """Reads below `root`.  A file is parsed again only when it looks different."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._parsed: dict[Path, tuple[object, list[tuple[str, str]]]] = {}

    def read(self, paths: Iterable[str]) -> Mapping[str, tuple[Assignment, ...]]:
        """For each sysctl who sets it at boot, the last one wins; sysctls that nobody sets are left
        out.  Keys with wildcards are left out too: they cannot be ours."""
        wanted = frozenset(paths)
        found: dict[str, list[Assignment]] = {}
        for name, file in drop_ins(self._root, _DIRECTORIES):
            shown = "/" + str(file.relative_to(self._root))
            for path, value in self._assignments(file):
                if path in wanted:
                    found.setdefault(path, []).append(Assignment(shown, value, name))
        return {path: tuple(assignments) for path, assignments in found.items()}

    def _assignments(self, file: Path) -> list[tuple[str, str]]:
        try:
            status = file.stat()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            known = self._parsed.get(file)
            if known is None or known[0] != seen:
                text = content(file).decode(errors="replace")
                known = self._parsed[file] = (seen, list(_parse(text)))
        except OSError:
            return []
        return known[1]


def _parse(text: str) -> Iterable[tuple[str, str]]:
    for line in text.splitlines():
        line = line.strip()
        if not line or line[0] in "#;" or "=" not in line:
            continue
        key, _, value = line.partition("=")
        key = key.strip().removeprefix("-").strip()
        if key and not any(char in key for char in "*?["):
            yield sysctl_path(key), sysctl_value(value)
