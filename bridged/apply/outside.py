"""Work that needs more than the daemon's unit allows, done outside of it.

The unit takes away the right to load modules, and nearly all of the file system.  What needs them
is a program that systemd runs for us as a transient unit with just the rights of that work, and
only where the state declares such work.  Without systemd, or with a unit that allows it, the
program is run as a child.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_CAP_SYS_MODULE = 16


@dataclass(frozen=True)
class Job:
    """A kind of work: what the journal calls it, and the properties of its unit."""

    description: str
    properties: Mapping[str, str] = field(default_factory=dict)


MODULES = Job(
    "Loads a kernel module for bridged",
    {
        # What `install` lines of modprobe.d do beside loading is mostly to set parameters.
        "CapabilityBoundingSet": "CAP_SYS_MODULE CAP_NET_ADMIN",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "full",
        "ProtectHome": "yes",
    },
)


def through_systemd(job: Job, seconds: float) -> tuple[str, ...]:
    """The command that runs the words added to it as a transient unit, waits for its end at most
    `seconds`, and has its output and exit code."""
    properties = {**job.properties, "RuntimeMaxSec": f"{seconds:g}"}
    return (
        *("systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--no-ask-password"),
        *("--service-type=exec", f"--description={job.description}"),
        *(f"--property={name}={value}" for name, value in properties.items()),
        "--",
    )


def modprobe(seconds: float, root: Path = Path("/")) -> tuple[str, ...]:
    """The command that loads the module whose name is added to it."""
    direct = ("modprobe", "-b", "--")
    if _may_load_modules(root) or not _systemd(root):
        return direct
    return (*through_systemd(MODULES, seconds), *direct)


def _may_load_modules(root: Path) -> bool:
    """Whether this process has CAP_SYS_MODULE."""
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
