"""An agent over many bridges, or the floor in its place, that runs until it is ended.

    python3 -m tests.bench.standing COUNT [--floor] [--metrics PORT] [--profile FILE] [--parts]

Runs where `bridges.links(COUNT)` are, and prints a line `ready` when everything is as declared.
The agent is the loop, the engine and the kernel's events of the real one, and its metrics if asked
for; NetworkManager is in memory, see `bridges`.  The floor mends the spanning tree of br0 and knows
nothing else.  With `--parts` a stopwatch is put around the agent, see `drift_parts`.
"""

import argparse
import cProfile
import gc
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridged.agent import logs
from bridged.agent.kernel_events import KernelEvents
from bridged.agent.loop import Loop
from bridged.agent.systemd import Notifier
from bridged.agent.wake import Wake
from bridged.report import Report
from bridged.serve.http import HttpServer
from tests.bench.bridges import engine_on, machine_of, state_of
from tests.bench.drift_parts import watched
from tests.bench.faults import Fault
from tests.lab.demo_links import Changes, Links, attempt

BRIDGE = "br0"


def spanning_tree() -> Fault:
    """Spanning tree put on at one bridge, found by its index: a look through the names of two
    thousand links would count against whoever mends it."""
    index = int(Path(f"/sys/class/net/{BRIDGE}/ifindex").read_text())

    def cause(links: Links, changes: Changes) -> None:
        changes.stp(index, 1)

    def wrong(links: Links) -> bool:
        return bool(links.by_index[index].stp)

    def mend(links: Links, changes: Changes) -> None:
        attempt(lambda: changes.stp(index, 0))

    return Fault("spanning tree on", cause, wrong, mend)


class _Watched(Loop):
    """A loop that tells when it is content, and whose passes can be profiled."""

    def __init__(self, *parts: Any, profile: cProfile.Profile | None) -> None:
        super().__init__(*parts)
        self._profile = profile
        self._told = False

    def _pass(self, strict: bool = False, **options: Any) -> Report:
        work: Callable[..., Report] = super()._pass
        if self._profile and self._told:
            return self._profile.runcall(work, strict, **options)
        report = work(strict, **options)
        if report.converged and not self._told:
            self._told = True
            print("ready", flush=True)
        return report


def _floor() -> None:
    fault, links, changes = spanning_tree(), Links(), Changes()
    print("ready", flush=True)
    while True:
        if links.wait(60) is not None and fault.wrong(links):
            fault.mend(links, changes)


def _agent(count: int, port: int, profile: Path | None, parts: bool) -> None:
    logs.configure("error")
    state, machine = state_of(count), machine_of(count)
    machine.converge(state)
    profiler = cProfile.Profile() if profile else None
    watch = watched() if parts else None
    with tempfile.TemporaryDirectory() as root:
        wake = Wake()
        events = KernelEvents()
        wake.attach(events)
        engine = engine_on(machine, state, Path(root))
        gc.freeze()  # as the agent does
        loop = _Watched(engine, wake, Notifier({}), time.monotonic, profile=profiler)
        server = HttpServer(loop.report, loop.age, version="0", port=port)
        if port:
            server.start()
        signal.signal(signal.SIGTERM, lambda number, frame: loop.stop())
        # A signal is handled between two steps of this thread, so the loop has one of its own.
        running = threading.Thread(target=loop.run)
        running.start()
        while running.is_alive():
            running.join(0.5)
        events.close()
        if port:
            server.stop()
    if profiler and profile:
        profiler.dump_stats(profile)
    if watch:
        watch.leave()


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("--floor", action="store_true")
    parser.add_argument("--metrics", type=int, default=0, metavar="PORT")
    parser.add_argument("--profile", type=Path)
    parser.add_argument("--parts", action="store_true")
    options = parser.parse_args()
    if options.floor:
        _floor()
    _agent(options.count, options.metrics, options.profile, options.parts)


if __name__ == "__main__":
    main()
