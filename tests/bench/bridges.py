"""Many bridges with a port each: real links in a network namespace, NetworkManager in memory.

A real one takes minutes to make a thousand bridges; its reading here is what the agent remembers of
it while it signals nothing.
"""

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
from bridged.agent.ledger import Ledger, Limits
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
from tests.lab.node import CHECKOUT
from tests.twins.machine import Machine
from tests.twins.source import FakeSource


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
def links(count: int) -> Iterator[None]:
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


def engine_on(machine: Machine, state: State, root: Path) -> Engine:
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
    ledger = Ledger(Limits(contended_after=0))
    return Engine(FakeSource(state), observer.observe, executor, CLOCKS, ledger, eyes=observer)


def apart(module: str, *arguments: str) -> Any:
    """What a module prints last as JSON, run in a network namespace of its own that has its /sys
    and nothing but a loopback."""
    inside = 'mount -t sysfs sysfs /sys && ip link set lo up && exec "$@"'
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", inside, "-", *command],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=CHECKOUT,
    )
    return json.loads(done.stdout.splitlines()[-1])
