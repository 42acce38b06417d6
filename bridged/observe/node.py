"""What the rest of the node has: packages, container runtime, swap, cgroups, and work under way.

Only types live here.  All of it is read in slow passes; a look that is in a hurry keeps what the
last one saw.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridged.desired.packages import Database
from bridged.errors import ErrorKind


@dataclass(frozen=True, slots=True)
class Packages:
    """What the package database says of the names asked for.

    `installed` has a version by name, `broken` the state of packages that are neither in nor out
    (``half-configured``), `provided` which package stands in for a name.  `known` tells of what is
    missing whether a repository has it, None where that cannot be told; `near` has names like it.
    `database` is None, with the `reason`, where nothing could be read.
    """

    database: Database | None = None
    installed: Mapping[str, str] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)
    provided: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, bool | None] = field(default_factory=dict)
    near: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reason: str = "not read yet"
    asked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file of containerd's configuration: text, tables, when it changed (Unix seconds)."""

    path: str
    text: str
    data: Mapping[str, Any]
    changed: float = 0.0


@dataclass(frozen=True, slots=True)
class Containerd:
    """containerd as it is installed, configured and running.

    `files` are its configuration in the order in which they are laid over each other, none where
    there is no file; `problem` why they cannot be read.  `programs` are the paths of the OCI
    runtimes found.  `answers` tells whether somebody accepts connections at the socket, `started`
    since when it runs (Unix seconds), None where that cannot be seen.
    """

    installed: bool = False
    files: tuple[ConfigFile, ...] = ()
    problem: str = ""
    programs: Mapping[str, str] = field(default_factory=dict)
    answers: bool = False
    started: float | None = None


@dataclass(frozen=True, slots=True)
class Swap:
    """An active swap area; sizes in KiB."""

    device: str
    kind: str
    size: int = 0
    used: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """Work done aside because it may take minutes.

    `running` until it has ended; then `error` is empty or the kind of what went wrong, `text` its
    words, and it is tried again at `retry` (Host.time).  `number` tells one run from the next,
    `seconds` is how long it took.
    """

    what: str
    running: bool = True
    error: ErrorKind | None = None
    text: str = ""
    retry: float = 0.0
    attempts: int = 1
    number: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Node:
    """All of it.  `jobs` are keyed by the object that they are for (``package/crun``).

    `cgroup` is the version of the cgroup hierarchy, 0 where none is mounted; `memory` is what could
    be given to programs, in KiB, None where the kernel does not say; `swap_at_boot` are the places
    that switch swap on at boot, as ``FILE:LINE``.
    """

    packages: Packages = Packages()
    containerd: Containerd | None = None
    swaps: tuple[Swap, ...] = ()
    swap_at_boot: tuple[str, ...] = ()
    cgroup: int = 0
    memory: int | None = None
    jobs: Mapping[str, Job] = field(default_factory=dict)
