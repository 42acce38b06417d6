"""Rule 9: kill -9 at any moment, then a start: converged, nothing stale, nothing twice, no guest
lost."""

import random
import time

from tests.lab.netns import NetnsLab
from tests.lab.node import wait_until
from tests.netns.agent import (
    DMZ_NIC,
    LAN_NIC,
    LAYOUT,
    Agent,
    by_interface,
    checkpoints,
    plug_two,
    profiles_of,
    reference_is_right,
)

ROUNDS = 20
LINKS = ("br-lan", "br-dmz", LAN_NIC, DMZ_NIC)


def to_nothing(lab: NetnsLab) -> None:
    """The node as it was before: no bridge, no profile."""
    lab.sh("""
        nmcli -t -f UUID,TYPE connection | grep -v loopback | cut -d: -f1 |
            xargs -r nmcli connection delete >/dev/null
        for bridge in br-lan br-dmz; do ip link del $bridge 2>/dev/null || true; done
    """)


def begin(agent: Agent) -> None:
    """Starts an agent; it has read its state and begins to work."""
    process = agent.spawn()
    wait_until(lambda: "state_loaded" in process.stderr, 20, interval=0.002)


def killed_after(agent: Agent, seconds: float) -> None:
    """Starts an agent and kills it so long after it began to work."""
    begin(agent)
    time.sleep(seconds)
    agent.kill()


def test_rule_9_killed_anywhere_in_a_cold_convergence(lab: NetnsLab, agent: Agent) -> None:
    """Twenty cold starts, each killed within 200 ms; the next agent finishes the job."""
    chance = random.Random(9)
    agent.declare(LAYOUT)
    for _ in range(ROUNDS):
        killed_after(agent, chance.uniform(0, 0.2))
        agent.spawn()
        wait_until(lambda: reference_is_right(lab), 30)
        agent.wait_converged()
        assert checkpoints(lab) == []
        counts = {name: len(profiles) for name, profiles in by_interface(lab).items()}
        assert counts == dict.fromkeys(LINKS, 1)
        agent.kill()
        to_nothing(lab)


def test_rule_9_killed_anywhere_while_guests_come_back(lab: NetnsLab, running: Agent) -> None:
    """The bridge is deleted under two guests, the agent killed 0 to 100 ms later, ten times; the
    next agent puts them back."""
    chance = random.Random(3)
    running.converge(LAYOUT)
    plug_two(lab)
    lab.sh("bridge link set dev vnet0 hairpin on cost 17")
    running.next_pass()
    for _ in range(ROUNDS // 2):
        lab.sh("ip link del br-lan")
        time.sleep(chance.uniform(0, 0.1))
        running.kill()
        running.spawn()
        wait_until(lambda: lab.ports("br-lan") == {LAN_NIC, "vnet0", "vnet1"}, 20)
        wait_until(lambda: lab.port_data("vnet0")["cost"] == 17, 10)
        running.wait_converged()
        assert lab.port_data("vnet0")["hairpin"]
    assert checkpoints(lab) == []
    assert len(profiles_of(lab, "br-lan")) == 1


def test_rule_9_stopped_in_the_middle_it_leaves_no_checkpoint(lab: NetnsLab, agent: Agent) -> None:
    """SIGTERM in the middle of the work: the action at hand is finished, then it ends well."""
    agent.declare(LAYOUT)
    for seconds in (0.0, 0.05, 0.1):
        begin(agent)
        time.sleep(seconds)
        assert "stopped" in agent.stop()
        assert checkpoints(lab) == []
        to_nothing(lab)
