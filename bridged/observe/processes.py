"""Which programs run, by the names of their processes."""

from pathlib import Path

_SERVICES = {
    "docker": "dockerd",
    "k3s": "k3s-server",
    "rke2-server": "rke2",
    "rke2-agent": "rke2",
    "nmstate": "nmstatectl",
    "cfengine3": "cf-agent",
    "connman": "connmand",
    "wicked": "wickedd",
}
"""Names of services whose main program has another name than they."""
_SLICES = ("sys/fs/cgroup/system.slice", "sys/fs/cgroup/systemd/system.slice")


class ProcessReader:
    """Reads below `root`.

    A drop-in may hide the processes of others (ProtectProc=); the control groups of services that
    run are to be seen all the same.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._proc = root / "proc"
        self._slices = tuple(root / path for path in _SLICES)

    def read(self, names: frozenset[str]) -> frozenset[str]:
        """Those of the names (/proc/PID/comm, 15 characters at most) that a process has now, or
        whose service runs."""
        found = self._services() & names
        for directory in self._proc.glob("[0-9]*"):
            try:
                name = (directory / "comm").read_text().strip()
            except OSError:
                continue  # it has ended meanwhile
            if name in names:
                found.add(name)
        return frozenset(found)

    def _services(self) -> set[str]:
        units = (unit for place in self._slices for unit in place.glob("*.service"))
        names = (unit.stem for unit in units if _populated(unit))
        return {_SERVICES.get(name, name) for name in names}


def _populated(unit: Path) -> bool:
    """Whether a control group has processes; an old hierarchy, which does not tell, has none
    without."""
    try:
        return "populated 1" in (unit / "cgroup.events").read_text()
    except OSError:
        return True
