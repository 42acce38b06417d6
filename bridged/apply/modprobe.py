"""How a module is loaded: as a child of ours, or by systemd where our unit does not allow that.

The unit takes the right to load modules away from the daemon.  systemd then runs modprobe as a
transient unit with just the rights of that work.
"""

from pathlib import Path

from bridged.beyond import by_systemd, can_ask

_MODPROBE = ("modprobe", "-b", "--")
_CAP_SYS_MODULE = 16
_PROPERTIES = (
    # What `install` lines of modprobe.d do beside loading is mostly to set parameters.
    "CapabilityBoundingSet=CAP_SYS_MODULE CAP_NET_ADMIN",
    "ProtectSystem=full",
    "ProtectHome=yes",
)


def modprobe(seconds: float, root: Path = Path("/")) -> tuple[str, ...]:
    """The command that loads the module whose name is added to it.  Its words and exit code are
    those of modprobe; systemd ends it after `seconds`, also when nobody waits for it any more."""
    if _may_load_modules(root) or not can_ask(root / "run/systemd/system"):
        return _MODPROBE
    return tuple(
        by_systemd(_MODPROBE, seconds, "Loads a kernel module for bridged", properties=_PROPERTIES)
    )


def _may_load_modules(root: Path) -> bool:
    """Whether this process has CAP_SYS_MODULE; yes where that cannot be told."""
    try:
        text = (root / "proc/self/status").read_text()
    except OSError:
        return True
    for line in text.splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> _CAP_SYS_MODULE & 1)
    return True
