"""The fault campaign on a real NetworkManager: random faults and kills, and in the end everything
is right, every guest plugged in, nothing left over and nothing more written.

BRIDGED_CAMPAIGN_STORIES and BRIDGED_CAMPAIGN_SEED make it longer or another one.
"""

import os
import time
from collections.abc import Callable
from random import Random

import pytest

from tests.lab.netns import NetnsLab
from tests.lab.node import Guest, wait_until
from tests.lab.watch import watching
from tests.netns.agent import DMZ_NIC, LAN_NIC, REFERENCE, Agent, checkpoints, reference_is_right

STORIES = int(os.environ.get("BRIDGED_CAMPAIGN_STORIES", "3"))
SEED = int(os.environ.get("BRIDGED_CAMPAIGN_SEED", "1"))
FAULTS = 20
BRIDGES, NICS = ("br-lan", "br-dmz"), (LAN_NIC, DMZ_NIC)
_RIVAL = (
    "nmcli connection add type ethernet con-name rival-{n} ifname {nic} "
    "autoconnect-priority 500 ipv4.method link-local ipv6.method disabled"
)

pytestmark = pytest.mark.netns


class Story:
    """A node with an agent, two guests, and faults that come one after another."""

    def __init__(self, node: NetnsLab, agent: Agent, seed: int) -> None:
        self.node, self.agent, self.random = node, agent, Random(seed)
        self.told: list[str] = []
        agent.converge(REFERENCE)
        self.guests: dict[str, Guest] = {}
        for bridge in BRIDGES:
            self.start_guest(bridge)

    def start_guest(self, bridge: str) -> None:
        name = f"vnet{len(self.told)}{len(self.guests)}"
        self.guests[name] = self.node.add_guest(bridge, name)
        self.agent.next_pass()  # a guest that was never seen in its bridge is not remembered

    def fault(self) -> None:
        """One fault, killed or not, and some time or none until the next."""
        bridge, nic = self.random.choice(BRIDGES), self.random.choice(NICS)
        name, action = self.random.choice(self.faults(bridge, nic))
        self.told.append(name)
        action()
        if self.random.random() < 0.25:
            self.told.append("kill -9")
            time.sleep(self.random.uniform(0, 0.1))
            self.agent.kill()
            self.agent.spawn()
        time.sleep(self.random.choice((0, 0.01, 0.1, 0.5)))

    def faults(self, bridge: str, nic: str) -> list[tuple[str, Callable[[], object]]]:
        """What can happen, by name."""
        commands = [
            f"ip link set {nic} nomaster",
            f"ip link set {nic} down",
            f"ip link set {bridge} down",
            f"ip link del {bridge}",
            f"ip link set {bridge} type bridge stp_state 1",
            f"ip link set {bridge} address 52:54:00:aa:bb:cc",
            f"ip address add 192.0.2.9/24 dev {bridge}",
            f"sysctl -qw net.ipv6.conf.{bridge}.disable_ipv6=0",
            f"nmcli connection up {bridge}",
            f"nmcli connection down {bridge}",
            f"nmcli device disconnect {nic}",
            f"nmcli connection delete {bridge}",
            f"nmcli connection delete {bridge}-{nic}",
            f"nmcli connection modify {bridge} bridge.stp yes",
            f"nmcli connection modify {bridge} connection.autoconnect no",
            _RIVAL.format(n=len(self.told), nic=nic)
            + f" && nmcli connection up rival-{len(self.told)}",
            "sysctl -qw net.ipv4.ip_forward=0",
            "rm -f /etc/sysctl.d/zz-bridged.conf",
            f"lab del-nic {DMZ_NIC} && sleep 0.2 && lab add-nic {DMZ_NIC}",
            f"lab carrier {nic} down && sleep 0.1 && lab carrier {nic} up",
            "lab nm-restart",
            "lab nm-kill; lab nm-start",
            "lab nm-stop; sleep 0.3; lab nm-start",
        ]
        return [(text, lambda text=text: self.node.sh(text, check=False)) for text in commands]

    def end(self) -> None:
        """Faults are over; everything is right, and stays so without a write."""
        self.node.sh("lab nm-start", check=False)
        self.agent.wait_converged(90)
        wait_until(lambda: reference_is_right(self.node), 20, "the reference node")
        for name in self.guests:
            assert self.node.controller(name) in BRIDGES, f"{name} has no bridge"
        assert checkpoints(self.node) == []
        ours = ["br-dmz", f"br-dmz-{DMZ_NIC}", "br-lan", f"br-lan-{LAN_NIC}"]
        assert sorted(n for n in self.on_disk() if n.startswith("br-")) == ours
        for _ in range(3):  # NetworkManager may have loose ends of its own for some seconds
            with watching(self.node) as seen:
                time.sleep(5)
            assert not seen.changes, seen
            if seen.still:
                break
        assert seen.still, seen

    def on_disk(self) -> list[str]:
        """Names of the profiles that have a file; mirrors of kernel links have none in /etc."""
        shown = self.node.run("nmcli", "-t", "-f", "NAME,FILENAME", "connection").stdout
        pairs = (line.rsplit(":", 1) for line in shown.splitlines())
        return [name for name, file in pairs if file.startswith("/etc/")]


@pytest.mark.parametrize("number", range(STORIES))
def test_after_any_faults_everything_is_right(lab: NetnsLab, agent: Agent, number: int) -> None:
    """Twenty faults, a quarter of them with a kill; the story is told where it ends badly."""
    agent.options = ("--contended-after", "0")
    story = Story(lab, agent, SEED * 1000 + number)
    try:
        for _ in range(FAULTS):
            story.fault()
        story.end()
    except AssertionError as error:
        raise AssertionError("\n".join([*story.told, str(error)])) from error
