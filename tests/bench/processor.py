"""Whose processor time a convergence takes: on one processor the ways differ by that."""

import os
from collections.abc import Mapping
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_NAMES = {
    "NetworkManager": "NetworkManager",
    "dbus-daemon": "the bus",
    "dbus-broker": "the bus",
    "systemd-udevd": "udev",
}
_ASKING = ("bridged.agent", "tests.bench.nm_floor", "tests.bench.netlink_floor")
"""In the command of who has it done."""
ASKING, REST = "who asks", "the kernel and the rest"
PARTS = ("NetworkManager", ASKING, "the bus", "udev", REST)
"""In the order of the page.  The rest has what ended meanwhile too, and who keeps the time."""


def spent() -> dict[str, float]:
    """Seconds of processor used since the machine's start, by part."""
    found = dict.fromkeys(PARTS, 0.0)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (folder / "stat").read_text(errors="replace").rpartition(")")
            part = _NAMES.get(name.partition("(")[2]) or _asking(folder)
        except OSError:  # it has ended
            continue
        if part:
            fields = rest.split()
            found[part] += (int(fields[11]) + int(fields[12])) / _TICK
    user, nice, system, _, _, irq, softirq, *_ = map(int, _processors())
    found[REST] = (user + nice + system + irq + softirq) / _TICK - sum(found.values())
    return found


def since(before: Mapping[str, float]) -> dict[str, float]:
    """Seconds of processor used since then, by part."""
    return {part: max(now - before[part], 0.0) for part, now in spent().items()}


def _asking(folder: Path) -> str:
    words = (folder / "cmdline").read_bytes().decode(errors="replace")
    return ASKING if any(word in words for word in _ASKING) else ""


def _processors() -> list[str]:
    """The first line of /proc/stat: ticks of all processors together, by what they did."""
    return Path("/proc/stat").read_text().partition("\n")[0].split()[1:]
