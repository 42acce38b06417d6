"""A hundred thousand passes on a machine in memory: do memory and file descriptors stay flat?

    python3 -m tests.bench.soak [--passes N] [--real N]

In memory every hundredth pass has a drift to mend; the passes over the real kernel (`--real`, in a
network namespace of their own) go through the sockets and the codecs.  Prints RSS and descriptors
as they were along the way, as one line of JSON.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bridged.agent import logs
from bridged.observe.netlink import NetlinkReader
from tests.bench.bridges import machine_of, state_of
from tests.bench.idle import descriptors, memory
from tests.twins.source import engine

_BRIDGES = 2
_DRIFT_EVERY = 100
_SAMPLES = 20


def measure(passes: int) -> dict[str, Any]:
    """The passes in memory: one of the loop's in all, without its thread."""
    state, machine = state_of(_BRIDGES), machine_of(_BRIDGES)
    made = engine(machine, state)
    made.run_pass()
    rss, files = [], []
    began = time.monotonic()
    for number in range(passes):
        if number % _DRIFT_EVERY == 0:
            machine.kernel.change("br0", up=False)
        machine.clock.advance(5)
        report = made.run_pass(fresh=number % 12 == 0)
        machine.faults.writes.clear()
        if number % max(passes // _SAMPLES, 1) == 0:
            gc.collect()
            rss.append(memory(os.getpid())["rss"])
            files.append(descriptors(os.getpid()))
    if not report.converged:
        raise RuntimeError("the machine in memory is not as desired at the end")
    return {
        "passes": passes,
        "seconds": time.monotonic() - began,
        "repairs": sum(report.counters.repairs.values()),
        "rss": rss,
        "descriptors": files,
    }


def read_again_and_again(times: int) -> dict[str, Any]:
    """Readings of the real kernel, while links come and go."""
    lines = (f"link add br{n} type bridge\n" for n in range(50))
    subprocess.run(["ip", "-batch", "-"], input="".join(lines), text=True, check=True)
    reader, rss, files = NetlinkReader(), [], []
    began = time.monotonic()
    for number in range(times):
        reader.read()
        if number % max(times // _SAMPLES, 1) == 0:
            name = f"guest{number}"  # names of other lengths are other shapes of messages
            run = ("ip", "link", "add", name, "type", "bridge"), ("ip", "link", "del", name)
            for command in run:
                subprocess.run(command, check=True)
                reader.read()
            rss.append(memory(os.getpid())["rss"])
            files.append(descriptors(os.getpid()))
    seconds = time.monotonic() - began
    return {"readings": times, "seconds": seconds, "rss": rss, "descriptors": files}


def main() -> None:
    """Measure, and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--passes", type=int, default=100_000)
    parser.add_argument("--real", type=int, default=20_000)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    logs.configure("error")
    if options.here:
        print(json.dumps(read_again_and_again(options.real)))
        return
    command = [sys.executable, "-m", "tests.bench.soak", "--here", "--real", str(options.real)]
    done = subprocess.run(
        ["unshare", "--net", *command],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    found = {"memory": measure(options.passes), "kernel": json.loads(done.stdout.splitlines()[-1])}
    print(json.dumps({"soak": found}))


if __name__ == "__main__":
    main()
