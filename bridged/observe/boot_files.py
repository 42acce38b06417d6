"""What the files in modules-load.d and sysctl.d ask for at boot, whoever wrote them."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridged.observe.drop_ins import content, drop_ins

_PLACES = ("etc", "run", "usr/local/lib", "usr/lib")
"""A file hides those of the same name in later places: sysctl.d(5), modules-load.d(5)."""
_DISTRIBUTION = "/usr/lib/"
_CONFFILE = re.compile(r" (/etc/\S+) ([0-9a-f]{32})(?: |$)")


@dataclass(frozen=True, slots=True)
class BootFile:
    """One file that counts at boot.

    `kind` is the directory it is in; `shipped` tells that it is the distribution's as it came.
    """

    path: str
    kind: str
    text: str
    shipped: bool = False


class BootFiles:
    """Reads below `root`."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def read(self) -> tuple[BootFile, ...]:
        """The files that count, in the order in which they are applied."""
        packaged = dict(self._packaged())
        found = []
        for kind in ("modules-load.d", "sysctl.d"):
            for _, file in drop_ins(self._root, [f"{place}/{kind}" for place in _PLACES]):
                try:
                    data = content(file)
                except OSError:
                    continue
                shown = "/" + str(file.relative_to(self._root))
                digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
                shipped = shown.startswith(_DISTRIBUTION) or packaged.get(shown) == digest
                found.append(BootFile(shown, kind, data.decode(errors="replace"), shipped))
        return tuple(found)

    def _packaged(self) -> Iterator[tuple[str, str]]:
        """Files in /etc that came with a package of Debian's, with the MD5 that they came with.

        On Fedora-like systems packages keep theirs in /usr/lib.
        """
        try:
            with (self._root / "var/lib/dpkg/status").open(errors="replace") as lines:
                for line in lines:
                    match = _CONFFILE.match(line)
                    if match:
                        yield match[1], match[2]
        except OSError:
            return
