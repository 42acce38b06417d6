"""How a module is loaded: as a child of ours, or by systemd where our unit does not allow that.

The unit takes the right to load modules away from the daemon.  systemd then runs modprobe as a
transient unit with just the rights of that work.
"""

import os
import shutil
from pathlib import Path

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
    if _may_load_modules(root) or not _systemd(root):
        return _MODPROBE
    return (
        *("systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--no-ask-password"),
        *("--service-type=exec", "--description=Loads a kernel module for bridged"),
        *(f"--property={setting}" for setting in (*_PROPERTIES, f"RuntimeMaxSec={seconds:g}")),
        *("--", *_MODPROBE),
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


def _systemd(root: Path) -> bool:
    """Whether systemd runs the machine and can be asked, which only root may."""
    running = (root / "run/systemd/system").is_dir()
    return running and os.geteuid() == 0 and shutil.which("systemd-run") is not None
