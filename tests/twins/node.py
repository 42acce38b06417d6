"""The rest of a node in memory: packages, containerd, swap, and work aside that tests end."""

import tomllib
from collections.abc import Callable
from dataclasses import replace

from bridged.desired.packages import Database, equivalents
from bridged.errors import WorldError
from bridged.observe.host import Interest
from bridged.observe.node import ConfigFile, Containerd, Job, Node, Packages, Swap
from bridged.plan.actions import (
    Action,
    EditFile,
    InstallPackage,
    RemovePackage,
    RestartService,
    SwapOff,
)
from tests.twins.faults import Faults

CONFIG = "/etc/containerd/config.toml"
RUNC = """\
# by the administrator
version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:3.10"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runc"
"""


class FakeNode:
    """What `observe` reads and `apply` changes beside the network; `clock` is Host.time.

    Work aside stays under way until `finish`; `needed_by` tells which packages go with another.
    """

    def __init__(self, faults: Faults, clock: Callable[[], float]) -> None:
        self.faults = faults
        self.clock = clock
        self.database: Database | None = "dpkg"
        self.installed: dict[str, str] = {}
        self.repositories: set[str] = {"crun", "jq", "multipath-tools", "docker.io", "containerd"}
        self.needed_by: dict[str, set[str]] = {}
        self.files: dict[str, tuple[str, float]] = {CONFIG: (RUNC, 0.0)}
        self.containerd = True
        self.started: float | None = 1.0
        self.swaps: list[Swap] = []
        self.swap_at_boot: tuple[str, ...] = ()
        self.memory = 8_000_000
        self.jobs: dict[str, Job] = {}
        self.failures: list[WorldError] = []
        self.looks = 0
        self._begun: list[Action] = []

    # ------------------------------------------------------------------ reading

    def read(self, wanted: Interest) -> Node:
        """A slow look."""
        self.looks += 1
        jobs = self.jobs
        if wanted.impatient:
            jobs = {key: replace(job, retry=0.0) for key, job in jobs.items()}
        return Node(
            packages=self._packages(wanted.packages),
            containerd=self._containerd() if wanted.containerd else None,
            swaps=tuple(self.swaps),
            swap_at_boot=self.swap_at_boot,
            cgroup=2,
            memory=self.memory,
            jobs=dict(jobs),
        )

    def _packages(self, names: frozenset[str]) -> Packages:
        if self.database is None:
            return Packages(reason="this host has neither dpkg nor rpm")
        every = {other for name in names for other in equivalents(name, self.database)}
        missing = every - self.installed.keys()
        return Packages(
            self.database,
            {name: version for name, version in self.installed.items() if name in every},
            known={name: name in self.repositories for name in missing},
            reason="",
            asked=names,
        )

    def _containerd(self) -> Containerd:
        files = tuple(
            ConfigFile(path, text, tomllib.loads(text), changed)
            for path, (text, changed) in self.files.items()
        )
        programs = {"crun": "/usr/bin/crun"} if "crun" in self.installed else {}
        return Containerd(
            installed=self.containerd,
            files=files,
            programs=programs,
            answers=self.containerd and self.started is not None,
            started=self.started,
        )

    # ------------------------------------------------------------------ writing

    def edit(self, action: EditFile) -> None:
        """Change a file of others."""
        self.faults.write("edit", action.path)
        if action.before is not None:
            self.files[action.path + ".backup"] = self.files.pop(action.path)
            del self.files[action.path + ".backup"]
        self.files[action.path] = (action.content, self.clock())

    def begin(self, action: Action) -> None:
        """Begin work aside."""
        self.faults.write("begin", action.describe())
        key = str(action.object)
        before = self.jobs.get(key)
        attempts = before.attempts + 1 if before else 1
        self.jobs[key] = Job(action.describe(), attempts=attempts, number=attempts)
        self._begun.append(action)

    def forget(self, done: bool) -> None:
        """The agent ends, and with it what it knows of work under way; `done` tells whether that
        comes to its end all the same."""
        for action in self._begun if done else ():
            self._do(action)
        self._begun, self.jobs = [], {}

    def finish(self) -> None:
        """Let everything that is under way come to its end."""
        begun, self._begun = self._begun, []
        for action in begun:
            key = str(action.object)
            retry = self.clock() + 60.0 * self.jobs[key].attempts
            done = replace(self.jobs[key], running=False, retry=retry, text="done")
            try:
                if self.failures:
                    raise self.failures.pop(0)
                self._do(action)
            except WorldError as error:
                done = replace(done, error=error.kind, text=error.message)
            self.jobs[key] = done

    def _do(self, action: Action) -> None:
        match action:
            case InstallPackage():
                self.installed[action.package] = "1.0-1"
            case RemovePackage():
                more = self.needed_by.get(action.package, set()) - action.along
                if more:
                    names = ", ".join(sorted(more))
                    raise WorldError("refused", f"{action.describe()} would also remove {names}")
                del self.installed[action.package]
            case RestartService():
                self.started = self.clock() + 1
            case SwapOff():
                self.swaps = [swap for swap in self.swaps if swap.device != action.device]
