"""Many bridges with a port each: a pass that finds nothing, one drift, the first plan.

    python3 -m tests.bench.scale [--sizes 1,10,100] [--rounds N]

The links are real, made by netlink in a network namespace of their own, and so are their reading
and their repair.  NetworkManager is the one in memory, for a real one takes minutes to make a
thousand bridges; its reading is what the agent remembers of it while it signals nothing.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

from bridged.agent.engine import Engine
from bridged.agent.wiring import CLOCKS
from bridged.apply.executor import Executor
from bridged.apply.netlink import LinkWriter
from bridged.desired.loader import load
from bridged.desired.state import State
from bridged.observe.files import FileReader
from bridged.observe.host import NetworkManager, Unavailable
from bridged.observe.modules import ModuleReader
from bridged.observe.netlink import NetlinkReader
from bridged.observe.observer import Observer
from bridged.observe.offloads import OffloadReader
from bridged.observe.processes import ProcessReader
from bridged.observe.sysctl_files import SysctlFileReader
from bridged.observe.sysctls import SysctlReader
from bridged.plan.actions import Action
from tests.twins.machine import Machine
from tests.twins.source import FakeSource

SIZES = (1, 3, 10, 100, 500, 1000)


def state_of(count: int) -> State:
    """So many bridges, each with a card."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.yaml"
        rows = (f"  br{number}: {{ports: [nic{number}]}}\n" for number in range(count))
        path.write_text("version: 1\nbridges:\n" + "".join(rows))
        return load(path, trusted=True).state


def machine_of(count: int) -> Machine:
    """The cards, and nothing else."""
    machine = Machine()
    for number in range(count):
        machine.kernel.add_nic(f"nic{number}")
    return machine


class _Remembered:
    """What NetworkManager said last."""

    def __init__(self, reading: NetworkManager | Unavailable) -> None:
        self._reading = reading

    def read(self, devices: Iterable[str] = ()) -> NetworkManager | Unavailable:
        return self._reading


class _Sessions:
    def __init__(self, machine_id: str) -> None:
        self._machine_id = machine_id

    def ssh_addresses(self) -> frozenset[str]:
        return frozenset()

    def machine_id(self) -> str:
        return self._machine_id


@contextmanager
def _links(count: int) -> Iterator[None]:
    """So many bridges with a port each; the far ends of the cables are in another namespace."""
    with subprocess.Popen(["unshare", "--net", "sleep", "infinity"]) as far:
        try:
            here = Path("/proc/self/ns/net").readlink()
            while Path(f"/proc/{far.pid}/ns/net").readlink() == here:
                time.sleep(0.01)
            lines = [
                line
                for n in range(count)
                for line in (
                    f"link add br{n} up type bridge",
                    f"link add nic{n} up master br{n} type veth peer name far{n} netns {far.pid}",
                )
            ]
            subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)
            yield
        finally:
            far.kill()


def _engine(machine: Machine, state: State, root: Path) -> Engine:
    """An engine on the links of this namespace; everything else is in memory."""
    reading = machine.nm.read([link.name for link in machine.kernel.links.values()])
    observer = Observer(
        NetlinkReader(),
        _Remembered(reading),
        ModuleReader(),
        SysctlReader(),
        FileReader(root),
        _Sessions(machine.machine_id),
        SysctlFileReader(root),
        ProcessReader(),
        OffloadReader(),
        signalled=Event(),
    )
    executor = Executor(replace(machine.writers, links=LinkWriter()), time.monotonic)
    return Engine(FakeSource(state), observer.observe, executor, CLOCKS)


def _drift(engine: Engine, number: int) -> tuple[float, float]:
    """One bridge has its spanning tree put on by somebody: seconds of the pass that mends it, until
    its first action, and until its end."""
    name = f"br{number}"
    subprocess.run(["ip", "link", "set", name, "type", "bridge", "stp_state", "1"], check=True)
    acted: list[float] = []

    def before(action: Action) -> None:
        acted.append(time.perf_counter())

    began = time.perf_counter()
    engine.run_pass(before=before, fresh=False, quick=True)
    ended = time.perf_counter()
    stp = Path(f"/sys/class/net/{name}/bridge/stp_state").read_text().strip()
    if stp != "0" or len(acted) != 1:
        raise RuntimeError(f"{name} was not mended: stp {stp}, {len(acted)} actions")
    return acted[0] - began, ended - began


def measure(count: int, rounds: int) -> dict[str, Any]:
    """Samples of one size, in the network namespace of this process."""
    state, machine = state_of(count), machine_of(count)
    began = time.perf_counter()
    machine.plan(state)
    first = time.perf_counter() - began
    machine.converge(state)
    with _links(count), tempfile.TemporaryDirectory() as root:
        engine = _engine(machine, state, Path(root))
        for _ in range(5):
            engine.run_pass()
        writes, still, phases = len(machine.faults.writes), [], []
        for _ in range(rounds):
            began = time.perf_counter()
            report = engine.run_pass(fresh=False)
            still.append(time.perf_counter() - began)
            phases.append(dict(report.counters.duration_sum))
        if not report.converged or report.counters.passes.get("still", 0) < rounds:
            wrong = [(o.name, o.drift) for o in report.objects if o.condition != "converged"]
            raise RuntimeError(f"{count} bridges are not as desired: {wrong[:3]}")
        if len(machine.faults.writes) != writes:
            raise RuntimeError("a pass over a host that is right has written")
        drifts = [_drift(engine, number % count) for number in range(min(rounds, 20))]
        spent = {
            phase: (phases[-1][phase] - phases[0][phase]) / max(rounds - 1, 1)
            for phase in ("observe", "plan")
        }
    return {
        "still": still,
        "phases": spent,
        "plan_all": first,
        "drift_found": [found for found, _ in drifts],
        "drift_pass": [ended for _, ended in drifts],
    }


def main() -> None:
    """Measure each size in a namespace of its own, and print them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--here", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        from bridged.agent import logs

        logs.configure("error")
        print(json.dumps(measure(options.here, options.rounds)))
        return
    found = {}
    for size in options.sizes.split(","):
        command = [sys.executable, "-m", "tests.bench.scale", "--here", size]
        command += ["--rounds", str(options.rounds)]
        inside = 'mount -t sysfs sysfs /sys && ip link set lo up && exec "$@"'
        done = subprocess.run(
            ["unshare", "--net", "--mount", "sh", "-c", inside, "-", *command],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        found[size] = json.loads(done.stdout.splitlines()[-1])
        print(f"scale: {size} bridges measured", file=sys.stderr)
    print(json.dumps({"scale": found}))


if __name__ == "__main__":
    main()
