"""Pauses and the history beside a real NetworkManager."""

import json

from tests.lab.netns import NetnsLab
from tests.lab.node import wait_until
from tests.netns.agent import DMZ_NIC, LAN_NIC, REFERENCE, Agent, plug_two, reference_is_right

FORWARD = "net.ipv4.ip_forward"


def drift(lab: NetnsLab) -> None:
    """A parameter, spanning tree, and a bridge that loses its guests."""
    lab.run("sysctl", "-q", "-w", f"{FORWARD}=0")
    lab.sh("ip link set br-dmz type bridge stp_state 1")
    lab.run("ip", "link", "delete", "br-lan")


def unaided(lab: NetnsLab) -> bool:
    """Whether guests stay out of a new bridge unless somebody plugs them in: NetworkManager 1.42
    does it for those whose bridge was deleted."""
    return lab.nm_version >= (1, 46)


def is_left_alone(lab: NetnsLab) -> None:
    assert lab.sysctl(FORWARD) == "0"
    assert lab.bridge_data("br-dmz")["stp_state"] == 1
    assert "master" not in lab.links()["vnet0"] or not unaided(lab)


def test_nothing_is_changed_until_it_is_over_and_then_everything(
    lab: NetnsLab, running: Agent
) -> None:
    """Survives a restart of the agent; guests return afterwards."""
    plug_two(lab)
    running.next_pass()
    running.ctl("pause", "--for", "1h", "--reason", "new switch", check=True)
    drift(lab)
    running.next_pass_of_its_own()
    running.restart()
    running.next_pass_of_its_own()
    is_left_alone(lab)
    guests = ("guests/br-lan",) if unaided(lab) else ()
    for name in (f"sysctl/{FORWARD}", "bridge/br-dmz", *guests):
        assert running.condition(name) == "paused", name
    page = running.ctl("status")
    assert "paused for another" in page.splitlines()[0]
    assert "by root: new switch" in page
    assert "not plugged back in" in page or not unaided(lab)
    refused = lab.run(*lab.bridgedctl, "apply", check=False)
    assert refused.returncode == 1
    assert "bridgedctl resume" in refused.stderr
    is_left_alone(lab)
    running.stop()
    by_itself = json.loads(running.ctl("plan", "--json"))
    assert by_itself["actions"] == []
    assert by_itself["pauses"][0]["reason"] == "new switch"
    refused = lab.run(*lab.bridgedctl, "apply", check=False)
    assert "is paused until" in refused.stderr
    running.start()
    is_left_alone(lab)
    running.ctl("resume", check=True)
    running.wait_converged()
    wait_until(lambda: reference_is_right(lab), 10)
    assert {lab.links()[name]["master"] for name in ("vnet0", "vnet1")} == {"br-lan"}


def test_a_paused_bridge_leaves_the_other_kept(lab: NetnsLab, running: Agent) -> None:
    running.ctl("pause", "--for", "1h", "--reason", "new switch", "br-dmz", check=True)
    lab.run("ip", "link", "set", DMZ_NIC, "nomaster")
    lab.sh("ip link set br-dmz type bridge stp_state 1")
    lab.sh("ip link set br-lan type bridge stp_state 1")
    wait_until(lambda: lab.bridge_data("br-lan")["stp_state"] == 0, 10)
    running.next_pass_of_its_own()
    assert lab.bridge_data("br-dmz")["stp_state"] == 1
    plan = json.loads(running.ctl("plan", "--json"))
    assert "bridge/br-dmz" in {step["object"] for step in plan["paused"]}
    assert plan["actions"] == []


def test_it_ends_by_itself(lab: NetnsLab, running: Agent) -> None:
    running.ctl("pause", "--for", "3s", "--reason", "a moment", check=True)
    lab.run("sysctl", "-q", "-w", f"{FORWARD}=0")
    wait_until(lambda: lab.sysctl(FORWARD) == "1", 10)
    running.wait_converged()
    assert running.status()["pauses"] == []
    assert running.logged("pause_over") == 1


def test_history_outlives_the_agent(lab: NetnsLab, running: Agent) -> None:
    """With cause, action and latency; killed, restarted, and read without an agent."""
    lab.sh("ip link set br-dmz type bridge stp_state 1")
    wait_until(lambda: lab.bridge_data("br-dmz")["stp_state"] == 0, 10)

    def kept() -> dict[str, object]:
        entries = json.loads(running.ctl("history", "br-dmz", "--json"))["entries"]
        found = [entry for entry in entries if entry["cause"] == "stp"]
        assert found
        return dict(found[-1])

    entry = wait_until(kept, 10, "it is in the history")
    assert entry["object"] == "bridge/br-dmz"
    assert entry["outcome"] == "repaired"
    assert 0 < float(str(entry["latency"])) < 5
    wait_until(lambda: "stp" in lab.read("/var/lib/bridged/history.jsonl"), 10)
    running.kill()
    assert kept() == entry, "read from disk"
    running.start()
    assert kept() == entry


def test_a_disk_that_takes_nothing_holds_up_no_repair(lab: NetnsLab, agent: Agent) -> None:
    """Read-only: repaired all the same, told once."""
    place = "/var/lib/bridged"
    agent.converge(REFERENCE)
    lab.sh(f"mount --bind {place} {place} && mount -o remount,bind,ro {place}")
    try:
        for _ in range(2):
            lab.run("sysctl", "-q", "-w", f"{FORWARD}=0")
            wait_until(lambda: lab.sysctl(FORWARD) == "1", 10)
        lab.run("ip", "link", "set", LAN_NIC, "nomaster")
        wait_until(lambda: reference_is_right(lab), 15)
        wait_until(lambda: agent.next_pass() and agent.finding("history-not-kept"), 10)
        assert agent.logged("history_not_kept") == 1
    finally:
        lab.sh(f"umount {place}")
