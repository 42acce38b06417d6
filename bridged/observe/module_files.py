"""What the boot does about modules: modules-load.d, and what modprobe.d forbids."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from bridged.desired.names import module_name
from bridged.observe.drop_ins import content, drop_ins
from bridged.observe.host import Assignment

_LOAD = (
    "etc/modules-load.d",
    "run/modules-load.d",
    "usr/local/lib/modules-load.d",
    "usr/lib/modules-load.d",
)
"""modules-load.d(5): a file hides those of the same name in later directories."""
_MODPROBE = ("etc/modprobe.d", "run/modprobe.d", "usr/local/lib/modprobe.d", "usr/lib/modprobe.d")
_FORBID = ("blacklist", "install")
"""``install NAME /bin/true`` keeps a module out; ``blacklist`` only keeps its aliases out."""


class ModuleFileReader:
    """Reads below `root`."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def read(self, names: Iterable[str]) -> Mapping[str, tuple[Assignment, ...]]:
        """For each module the lines about it, those that load it first.  Modules without any are
        left out.  `value` is the module's name where the line loads it, else the line."""
        wanted = frozenset(map(module_name, names))
        found: dict[str, list[Assignment]] = {}
        for name, file in drop_ins(self._root, _LOAD):
            for line in _lines(file):
                if (module := module_name(line)) in wanted:
                    found.setdefault(module, []).append(self._line(name, file, module))
        for name, file in drop_ins(self._root, _MODPROBE):
            for line in _lines(file):
                words = line.split()
                if len(words) > 1 and words[0] in _FORBID and module_name(words[1]) in wanted:
                    entry = self._line(name, file, line)
                    found.setdefault(module_name(words[1]), []).append(entry)
        return {module: tuple(entries) for module, entries in found.items()}

    def _line(self, name: str, file: Path, value: str) -> Assignment:
        return Assignment("/" + str(file.relative_to(self._root)), value, name)


def _lines(file: Path) -> Iterator[str]:
    try:
        text = content(file).decode(errors="replace")
    except OSError:
        return
    for line in map(str.strip, text.splitlines()):
        if line and line[0] not in "#;":
            yield line
