"""One state for many nodes, on one of them: drop-ins come and go with what they depend on, and a
port is found by what its card is."""

from tests.lab.netns import NetnsLab
from tests.lab.node import wait_until
from tests.netns.agent import (
    ADMIN_NIC,
    DMZ_NIC,
    LAN_NIC,
    LAYOUT,
    Agent,
    profiles_of,
    reference_is_right,
)

LABELS, DROP_IN = "/etc/bridged/labels", "/etc/bridged/state.d/10-kvm.yaml"
ALL = ("br-lan", "br-dmz", LAN_NIC, DMZ_NIC)


def test_a_label_brings_a_drop_in_into_force_and_takes_it_out(lab: NetnsLab, agent: Agent) -> None:
    """Without a restart, and nothing else of the node flaps."""
    lab.run("mkdir", "-p", "/etc/bridged/state.d")
    lab.write(DROP_IN, "when: {labels: {role: kvm}}\nbridges: {br-kvm: {}}\n")
    agent.converge(LAYOUT)
    (told,) = agent.status()["state"]["left_out"]
    assert told == f"{DROP_IN}:1: the label role is not set in {LABELS}"
    assert told in " ".join(agent.ctl("status").split())
    assert told in " ".join(agent.ctl("plan").split())
    assert told in " ".join(agent.ctl("validate").split())
    before = lab.standing(*ALL)
    lab.write(LABELS, "role=kvm\n", replace=True)
    wait_until(lambda: "br-kvm" in lab.links(), 10, "the label counts")
    wait_until(lambda: agent.status()["state"]["left_out"] == [], 10, "it is told no more")
    agent.wait_converged()
    lab.write(LABELS, "role=web\n")
    wait_until(lambda: "br-kvm" not in lab.links(), 10, "the label counts no more")
    lab.write(LABELS, "role kvm\n")
    wait_until(lambda: not agent.status()["state"]["valid"], 10, "rule 8")
    assert f"{LABELS}:1:1" in agent.status()["state"]["problems"][0]
    assert lab.standing(*ALL) == before


def test_a_nic_that_appears_brings_its_drop_in_along(lab: NetnsLab, agent: Agent) -> None:
    """Netlink tells; nobody touches a file."""
    lab.run("mkdir", "-p", "/etc/bridged/state.d")
    lab.write(DROP_IN, "when: {nic-present: [enp99s0]}\nbridges: {br-99: {ports: [enp99s0]}}\n")
    agent.converge(LAYOUT)
    assert "br-99" not in lab.links()
    lab.sh("ip link add enp99s0 type veth peer name far99 && ip link set far99 up")
    wait_until(lambda: lab.controller("enp99s0") == "br-99", 20, "it is a port")
    lab.sh("ip link del enp99s0")
    wait_until(lambda: "br-99" not in lab.links(), 20, "its bridge went with it")
    wait_until(lambda: reference_is_right(lab), 10)


def test_a_port_is_found_by_its_card_s_address(lab: NetnsLab, agent: Agent) -> None:
    """As with its name; a second card that fits takes nothing away, and is named."""
    address = lab.links()[LAN_NIC]["address"]
    matched = LAYOUT.replace("[enp13s0f0]", f"[{{match: {{mac: '{address}'}}}}]")
    agent.converge(matched)
    assert reference_is_right(lab)
    before = lab.standing(*ALL)
    agent.converge(LAYOUT)
    agent.converge(matched)
    assert lab.standing(*ALL) == before, "how the card is told makes no difference to the node"
    lab.sh(f"ip link set {ADMIN_NIC} address {address}")
    blocked = agent.wait_condition(f"port/{address}", "blocked")
    assert all(nic in blocked["reason"] for nic in (LAN_NIC, ADMIN_NIC))
    agent.next_pass()
    assert lab.standing(*ALL) == before
    assert len(profiles_of(lab, LAN_NIC)) >= 1
    lab.sh(f"ip link set {ADMIN_NIC} address 52:54:00:99:00:01")
    agent.wait_converged()
    assert lab.standing(*ALL) == before
