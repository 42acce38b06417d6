"""Kernel modules: loaded, built in, or absent, judged by what the kernel can do.

A module can be there without being listed: built into the kernel, on an image without
modules.builtin, in a kernel that cannot load modules at all and so has no /proc/modules.
/sys/module shows a built-in module only if it has parameters or a version; its absence proves
nothing (kube-router issue 311, minikube issue 5900).
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from bridged.desired.names import module_name
from bridged.observe.host import ModuleState

_CAPABILITIES = {"br_netfilter": "proc/sys/net/bridge"}
"""Directories that hold something exactly while the module is there, in whatever way."""

_BUILTIN = "run/bridged/modules.builtin"
"""Where our unit, which hides the modules from us, shows us this one file."""


class ModuleReader:
    """Reads below `root`; `release` is the kernel's, as `uname -r` prints it."""

    def __init__(self, root: Path = Path("/"), release: str | None = None) -> None:
        self._root = root
        self._release = release or os.uname().release

    def read(self, names: Iterable[str]) -> Mapping[str, ModuleState]:
        """States by the kernel's spelling of the names; nothing that is missing is an error."""
        listed, builtin = self._listed(), self._builtin()
        return {name: self._state(name, listed, builtin) for name in map(module_name, names)}

    def _state(self, name: str, listed: Mapping[str, bool], builtin: frozenset[str]) -> ModuleState:
        if name in listed:  # then it is not built in, whatever else shows of it
            return "loaded" if listed[name] else "absent"
        capability = _CAPABILITIES.get(name)
        if name in builtin or (capability and self._filled(capability)):
            return "builtin"
        return "builtin" if (self._root / "sys/module" / name).is_dir() else "absent"

    def _filled(self, folder: str) -> bool:
        try:
            return any((self._root / folder).iterdir())
        except OSError:
            return False

    def _listed(self) -> Mapping[str, bool]:
        """Modules, and whether they are live: one that is still loading, or going, shows in /sys
        and can do nothing yet."""
        rows = (line.split() for line in self._lines("proc/modules"))
        return {row[0]: len(row) < 5 or row[4] == "Live" for row in rows if row}

    def _builtin(self) -> frozenset[str]:
        """Names in modules.builtin, which has paths such as ``kernel/net/bridge/bridge.ko``."""
        lines = self._lines(f"lib/modules/{self._release}/modules.builtin") or self._lines(_BUILTIN)
        names = (line.strip().rpartition("/")[2].partition(".ko")[0] for line in lines)
        return frozenset(module_name(name) for name in names if name)

    def _lines(self, path: str) -> list[str]:
        try:
            return (self._root / path).read_text(errors="replace").splitlines()
        except OSError:
            return []
