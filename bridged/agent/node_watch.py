"""Watches what sends no event and takes long to ask: packages, the runtime's files.

A thread of its own asks the package tools, so that nothing of the network ever waits for them.
"""

import threading
import time
from collections.abc import Callable, Iterable

import structlog

from bridged.observe.containerd import ContainerdReader
from bridged.observe.host import Interest
from bridged.observe.node import Containerd, Node, Packages
from bridged.observe.packages import PackageReader, Stamp
from bridged.observe.rest import RestReader

_AGAIN = 30.0
"""Seconds after which packages that could not be read are asked for once more."""
_SLACK = 1.0
"""Seconds by which two readings of one process's start may differ."""


class NodeWatch:
    """Answers from the last reading, at once; rings when a later one differs."""

    def __init__(
        self,
        ring: Callable[[str], None],
        packages: PackageReader,
        rest: RestReader,
        poll: float = 5.0,
    ) -> None:
        self._ring = ring
        self._packages = packages
        self._rest = rest
        self._poll = poll
        self._last = Packages()
        self._seen: tuple[frozenset[str], Stamp] | None = None
        self._again = 0.0
        self._wanted = Interest()
        self._news = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="node-watch", daemon=True)
        self._log = structlog.get_logger("bridged")

    def packages(self, names: Iterable[str]) -> Packages:
        """What was last read.  Other names than before are read soon."""
        return self._last

    def read(self, wanted: Interest) -> Node:
        """The rest of the node, for the reconciling thread."""
        former, self._wanted = self._wanted, wanted
        if (wanted.packages, wanted.containerd) != (former.packages, former.containerd):
            self._news.set()
        return self._rest.read(wanted)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End it; a package tool that is being asked is not waited for."""
        self._stopping = True
        self._news.set()

    def _run(self) -> None:
        containerd = ContainerdReader()
        before: object = None
        while not self._stopping:
            declared = self._wanted.packages or self._wanted.containerd
            self._news.wait(self._poll if declared else None)
            self._news.clear()
            try:
                self._read_packages()
                now = _Signs(containerd, self._wanted)
                if before is not None and now != before:
                    self._ring("node")
                before = now
            except Exception:
                self._log.exception("node_watch_failed")

    def _read_packages(self) -> None:
        names = self._wanted.packages
        if not names:
            return
        key = names, self._packages.stamp()
        if key == self._seen and not (self._last.reason and time.monotonic() >= self._again):
            return
        found = self._packages.read(names)
        self._seen, self._again = key, time.monotonic() + _AGAIN
        if found != self._last:
            self._last = found
            self._ring("node")


class _Signs:
    """What tells that a look at the runtime would see something new."""

    def __init__(self, containerd: ContainerdReader, wanted: Interest) -> None:
        spec = wanted.containerd
        programs = (spec.oci_runtime, spec.oci_runtime_path or "") if spec else ()
        self._spec = spec
        self._runtime = (
            containerd.read(spec.config, spec.socket, tuple(filter(None, programs)))
            if spec
            else Containerd()
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Signs):
            return NotImplemented
        one, two = self._runtime, other._runtime
        return (
            self._spec == other._spec
            and (one.files, one.problem, one.installed) == (two.files, two.problem, two.installed)
            and (one.programs, one.answers) == (two.programs, two.answers)
            and abs((one.started or 0.0) - (two.started or 0.0)) <= _SLACK
        )

    __hash__ = None  # type: ignore[assignment]
