"""Many bridges with a port each: a pass that finds nothing, one drift, the first plan.

    python3 -m tests.bench.scale [--sizes 1,10,100] [--rounds N] [--drifts N]

Each beside its floor: a dump of the links as bytes that nobody parses, and a process that waits for
one fault and mends it.  See `bridges` for what is real.  Prints the samples as one line of JSON.
"""

import argparse
import gc
import json
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.bridges import apart, engine_on, links, machine_of, state_of
from tests.bench.drift import measure as repaired
from tests.bench.drift import spans
from tests.bench.drift_parts import parts_of
from tests.bench.figures import Figures
from tests.bench.idle import processor
from tests.bench.standing import spanning_tree
from tests.lab.node import CHECKOUT

SIZES = (1, 3, 10, 100, 500, 1000)
_CLOSELY = 1000
"""Bridges beside which the drift is also measured while somebody scrapes, and part by part."""
_LARGE = 500
"""Bridges from which on a third fewer drifts are caused, for each takes a second."""
_PORT = 19432
_CALM = 0.1
"""Seconds without work after which an agent has finished."""
_REQUEST, _DUMP, _GETLINK, _DONE = 0x1, 0x300, 18, 3


def dump() -> int:
    """Ask the kernel for all links and take its answer, unread; its size in bytes."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.bind((0, 0))
        kernel.send(struct.pack("=IHHII16x", 32, _GETLINK, _REQUEST | _DUMP, 1, 0))
        size = 0
        while True:
            data = kernel.recv(1 << 18)
            size += len(data)
            if struct.unpack_from("=4xH", data)[0] == _DONE:
                return size


def _still(count: int, rounds: int) -> dict[str, Any]:
    """Passes that find nothing, in this process, and what the first plan for all bridges takes."""
    state, machine = state_of(count), machine_of(count)
    began = time.perf_counter()
    machine.plan(state)
    first = time.perf_counter() - began
    machine.converge(state)
    with tempfile.TemporaryDirectory() as root:
        engine = engine_on(machine, state, Path(root))
        gc.freeze()  # as the agent does
        for _ in range(5):
            engine.run_pass()
        writes, still, phases, floor = len(machine.faults.writes), [], [], []
        with _collected() as collected:
            for _ in range(rounds):
                began = time.perf_counter()
                report = engine.run_pass(fresh=False)
                still.append(time.perf_counter() - began)
                phases.append(dict(report.counters.duration_sum))
                began = time.perf_counter()
                dump()
                floor.append(time.perf_counter() - began)
    if not report.converged or report.counters.passes.get("still", 0) < rounds:
        wrong = [(o.name, o.drift) for o in report.objects if o.condition != "converged"]
        raise RuntimeError(f"{count} bridges are not as desired: {wrong[:3]}")
    if len(machine.faults.writes) != writes:
        raise RuntimeError("a pass over a host that is right has written")
    spent = {
        phase: (phases[-1][phase] - phases[0][phase]) / max(rounds - 1, 1)
        for phase in ("observe", "plan")
    }
    spent["collect"] = sum(collected) / rounds
    return {"still": still, "dump": floor, "phases": spent, "plan_all": first}


@contextmanager
def _collected() -> Iterator[list[float]]:
    """The seconds of every collection of garbage meanwhile."""
    seconds: list[float] = []
    began = 0.0

    def told(phase: str, info: dict[str, int]) -> None:
        nonlocal began
        if phase == "start":
            began = time.perf_counter()
        else:
            seconds.append(time.perf_counter() - began)

    gc.callbacks.append(told)
    try:
        yield seconds
    finally:
        gc.callbacks.remove(told)


@contextmanager
def standing(*arguments: str) -> Iterator[int]:
    """`tests.bench.standing` runs, and all is as declared; its pid."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.standing", *arguments],
        stdout=subprocess.PIPE,
        cwd=CHECKOUT,
    )
    assert process.stdout is not None
    try:
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError(f"it did not get ready: {arguments}")
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def calm(pid: int) -> None:
    """Return when a process has not worked for a while."""
    used, since = processor(pid), time.monotonic()
    while time.monotonic() < since + _CALM:
        time.sleep(_CALM / 10)
        now = processor(pid)
        if now > used + 0.002:  # to wake up and look whether there is something is no work
            since = time.monotonic()
        used = now


@contextmanager
def _scraped(every: float) -> Iterator[list[float]]:
    """Somebody reads the metrics all the time; the seconds that it took, filled in at the end."""
    seconds: list[float] = []
    command = [sys.executable, "-m", "tests.bench.scale", "--scrape", str(every)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=CHECKOUT)
    try:
        yield seconds
    finally:
        said, _ = process.communicate()
        seconds += json.loads(said)


def _scrape(every: float) -> list[float]:
    """Read the metrics until stdin is closed; the seconds that each took."""
    seconds = []
    while not select.select([sys.stdin], [], [], every)[0]:
        began = time.perf_counter()
        with urllib.request.urlopen(f"http://127.0.0.1:{_PORT}/metrics", timeout=60) as page:
            page.read()
        seconds.append(time.perf_counter() - began)
    return seconds


def measure(count: int, rounds: int, drifts: int) -> dict[str, Any]:
    """Samples of one size, in the network namespace of this process.  Drifts come when the agent
    has done with the one before."""
    with links(count):
        found = _still(count, rounds)
        fault = spanning_tree()
        if count >= _LARGE:
            drifts = drifts * 2 // 3
        with standing(str(count), "--floor"):
            found["floor"] = repaired(fault, drifts)
        with standing(str(count)) as pid:
            found["drift"] = repaired(fault, drifts, rest=lambda: calm(pid))
        if count == _CLOSELY:
            with standing(str(count), "--parts") as pid:
                repairs = spans(fault, drifts // 2, rest=lambda: calm(pid))
            found["drift_parts"] = parts_of(repairs)
            with standing(str(count), "--metrics", str(_PORT)), _scraped(0.1) as scrapes:
                # The scrapes leave it no calm: three passes are what a repair takes at most.
                pause = 3 * Figures.of(found["still"]).p99
                found["drift_scraped"] = repaired(fault, drifts, rest=lambda: time.sleep(pause))
            found["scrapes"] = scrapes
    return found


def main() -> None:
    """Measure each size in a namespace of its own, and print them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--drifts", type=int, default=150)
    parser.add_argument("--here", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--scrape", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    numbers = ["--rounds", str(options.rounds), "--drifts", str(options.drifts)]
    if options.scrape:
        print(json.dumps(_scrape(options.scrape)))
    elif options.here:
        from bridged.agent import logs

        logs.configure("error")
        print(json.dumps(measure(options.here, options.rounds, options.drifts)))
    else:
        found = {}
        for size in options.sizes.split(","):
            found[size] = apart("tests.bench.scale", "--here", size, *numbers)
            print(f"scale: {size} bridges measured", file=sys.stderr, flush=True)
        print(json.dumps({"scale": found}))


if __name__ == "__main__":
    main()
