"""Drift to repaired: how long the kernel is wrong when something is changed behind bridged's back.

Runs inside the namespace laboratory and prints its samples as one line of JSON.  A fault is caused
by one netlink message; the time runs from the kernel's announcement of the wrong state to its
announcement of the right one, both taken by a listener that has no part in the repair.  bridged and
the floor take turns in blocks, on the same node.
"""

import argparse
import json
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from tests.bench.agent import agent, environment
from tests.bench.faults import BRIDGE, FAULTS, GUESTS, STATE, Fault
from tests.bench.layouts import STATE as STATE_FILE
from tests.bench.layouts import run, settle, start_over
from tests.lab.demo_links import Changes, Links

_LIMIT = 20.0
"""Seconds after which a fault counts as not repaired."""
_CALM = 0.05
"""Seconds without a change that end a repair."""
_BETWEEN = (0.06, 0.14)
"""Seconds between a repair and the next fault: drifts come one at a time, and each meets an agent
that has finished with the one before."""


class Observer(threading.Thread):
    """Tells when the fault appears and when it is gone."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(daemon=True)
        self._fault = fault
        self.links = Links()
        self.changes: queue.SimpleQueue[tuple[float, bool]] = queue.SimpleQueue()
        self._stopping = False

    def run(self) -> None:
        # Above everybody else, or a late observer would see the fault and its end at once.
        with suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        before = self._fault.wrong(self.links)
        while not self._stopping:
            came = self.links.wait(0.2)
            if came is None:
                continue
            wrong = self._fault.wrong(self.links)
            if wrong != before:
                self.changes.put((came, wrong))
                before = wrong

    def stop(self) -> None:
        """End the thread."""
        self._stopping = True
        self.join()
        self.links.close()


def measure(
    fault: Fault,
    rounds: int,
    limit: float = _LIMIT,
    rest: Callable[[], None] = lambda: None,
) -> list[float | None]:
    """Seconds to repair for each of `rounds` faults, None for one that was not within `limit`;
    `rest` returns when whoever repairs has finished with the fault before."""
    found = spans(fault, rounds, limit, rest)
    return [None if span is None else span[1] - span[0] for span in found]


def spans(
    fault: Fault,
    rounds: int,
    limit: float = _LIMIT,
    rest: Callable[[], None] = lambda: None,
) -> list[tuple[float, float] | None]:
    """The same, as begin and end (monotonic seconds)."""
    observer, changes = Observer(fault), Changes()
    observer.start()
    random.seed(rounds)
    samples: list[tuple[float, float] | None] = []
    try:
        for _ in range(rounds):
            rest()
            time.sleep(random.uniform(*_BETWEEN))
            while not observer.changes.empty():
                observer.changes.get()
            fault.cause(observer.links, changes)
            samples.append(_repaired(observer, limit))
            if samples[-1] is None:
                fault.mend(observer.links, changes)
    finally:
        observer.stop()
    return samples


def _repaired(observer: Observer, limit: float) -> tuple[float, float] | None:
    began: float | None = None
    ended: float | None = None
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        try:
            when, wrong = observer.changes.get(timeout=_CALM)
        except queue.Empty:
            if began is not None and ended is not None:
                return began, ended
            continue
        if wrong:
            began = when if began is None else began
            ended = None
        else:
            ended = when
    return None


@contextmanager
def _floor(fault: Fault) -> Iterator[None]:
    """The floor runs; while it makes bridges itself NetworkManager stands still."""
    alone = fault.gone and not fault.unaided
    manager = int(run("pidof", "NetworkManager").split()[0])
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.floor", fault.name],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert process.stdout is not None
    process.stdout.readline()
    if alone:
        os.kill(manager, signal.SIGSTOP)
    try:
        yield
    finally:
        if alone:
            os.kill(manager, signal.SIGCONT)
        process.kill()
        process.wait()


def _bridged(fault: Fault) -> AbstractContextManager[None]:
    return agent("--contended-after", "0", "--log-level", "warning")


def _plug_guests() -> None:
    for name in GUESTS:
        if not Path("/sys/class/net", name).exists():
            run("ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}-far")
            run("ip", "link", "set", f"{name}-far", "up")
        run("ip", "link", "set", name, "master", BRIDGE, "up")


def make_right() -> None:
    """The node as bridged has it, both guests plugged in."""
    start_over()
    STATE_FILE.parent.mkdir(parents=True, exist_ok=True)
    STATE_FILE.write_text(STATE)
    with agent():
        settle()
        _plug_guests()
        settle()


def main() -> None:
    """Measure, and print the samples."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--block", type=int, default=100)
    parser.add_argument("--floor", type=int, default=200)
    parser.add_argument("--unaided", type=int, default=20)
    options = parser.parse_args()
    environment()
    result: dict[str, dict[str, list[float | None]]] = {}
    for fault in FAULTS:
        samples: dict[str, list[float | None]] = {"bridged": [], "floor": [], "NetworkManager": []}
        for begun in range(0, options.rounds, options.block):
            number = min(options.block, options.rounds - begun)
            # The floor, which varies less, takes part in every block with its share.
            share = max(number * options.floor // options.rounds, 1)
            turns = (("bridged", _bridged, number), ("floor", _floor, share))
            for who, starter, times in turns:
                make_right()
                with starter(fault):
                    time.sleep(1)
                    samples[who] += measure(fault, times)
            print(f"{fault.name}: {begun + number}/{options.rounds}", file=sys.stderr, flush=True)
        make_right()
        rounds, limit = (options.unaided, _LIMIT) if fault.unaided else (3, 3.0)
        samples["NetworkManager"] = measure(fault, rounds, limit)
        result[fault.name] = samples
    print(json.dumps({"drift": result}))


if __name__ == "__main__":
    main()
