"""The fault campaign on machines in memory: random faults, kills between any two actions, and in
the end everything is right, every guest plugged, and nothing more is written."""

import os
from random import Random

import pytest

from bridged.agent.engine import Engine
from bridged.plan.memory import Memory
from tests.twins.events import EVENTS
from tests.twins.faults import Killed
from tests.twins.machine import Machine, reference_machine
from tests.twins.source import engine
from tests.unit.reference import state

RUNS = int(os.environ.get("BRIDGED_CAMPAIGN", "1500"))
STEPS = 12


class Node:
    """A machine with an agent that may be killed; the memory survives, as it does under /run."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.machine: Machine = reference_machine()
        self.stored = Memory()
        self.agent: Engine = self.start()
        self.story: list[str] = []
        self.agent.run_pass()

    def start(self) -> Engine:
        made = engine(self.machine, state())
        made.memory = self.stored
        return made

    def look(self) -> None:
        """A pass, which may be killed before any of its writes."""
        if self.random.random() < 0.3:
            self.machine.faults.kill_after(self.random.randrange(6))
        quick = self.random.random() < 0.5  # woken by the kernel
        try:
            self.agent.run_pass(fresh=not quick, quick=quick)
            self.stored = self.agent.memory
        except Killed:
            self.story.append("killed")
            self.stored = self.agent.memory
            self.agent = self.start()
        self.machine.faults.kill_after(None)

    def happen(self) -> None:
        event = self.random.choice(EVENTS)
        self.story.append(event.__name__)
        event(self.machine, self.random)
        if event.__name__ == "start_guest":  # a guest never seen in its bridge is not remembered
            self.agent.run_pass()
            self.stored = self.agent.memory

    def guests(self) -> set[str]:
        return {n.name for n in self.machine.kernel.links.values() if n.name.startswith("vnet")}

    def calm_down(self) -> None:
        """Faults are over: NetworkManager runs, cards and cables are back, time passes."""
        self.machine.nm.running = True
        if self.machine.kernel.link("enp13s0f3") is None:
            self.machine.kernel.add_nic("enp13s0f3")
        for name in ("enp13s0f0", "enp13s0f3"):
            self.machine.kernel.change(name, carrier=True)
        self.machine.faults._armed.clear()
        for _ in range(8):
            self.machine.clock.advance(120)
            self.look()
        self.machine.faults.kill_after(None)
        for _ in range(4):
            self.machine.clock.advance(120)
            self.agent.run_pass()


@pytest.mark.parametrize("chunk", range(10))
def test_after_any_faults_everything_is_right(chunk: int) -> None:
    for seed in range(chunk * RUNS // 10, (chunk + 1) * RUNS // 10):
        node = Node(seed)
        for _ in range(STEPS):
            node.happen()
            node.machine.clock.advance(node.random.choice((0, 0.1, 1, 10)))
            if node.random.random() < 0.6:  # several faults may come between two looks
                node.look()
        node.calm_down()
        told = f"seed {seed}: {' '.join(node.story)}"
        report = node.agent.run_pass()
        wrong = [
            f"{o.kind}/{o.name} {o.condition} {o.reason} {o.drift}"
            for o in report.objects
            if o.condition != "converged"
        ]
        assert not wrong, f"{told}\n{wrong}"
        kernel = node.machine.kernel
        homeless = [g for g in node.guests() if kernel.need(g).controller is None]
        assert not homeless, f"{told}\nno bridge: {homeless}"
        ours = [
            settings["connection"]["interface-name"]
            for settings in node.machine.nm.profiles.values()
            if settings["connection"].get("autoconnect", True)
            and settings["connection"]["interface-name"] != "enp8s0"
        ]
        assert len(ours) == len(set(ours)) == 6, f"{told}\nprofiles: {sorted(ours)}"
        node.machine.faults.writes.clear()
        node.agent.run_pass()
        assert node.machine.faults.writes == [], told
