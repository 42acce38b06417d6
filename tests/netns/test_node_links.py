"""NICs and links that come, go, change and lie: cases 43 to 51."""

from tests.lab.netns import NetnsLab
from tests.lab.node import wait_until
from tests.lab.watch import watching
from tests.netns.agent import (
    ADMIN_NIC,
    DMZ_NIC,
    LAN_NIC,
    LAYOUT,
    REFERENCE,
    Agent,
    agent_on,
    plug_two,
    profiles_of,
    reference_is_right,
)


def test_case_43_the_mac_does_not_follow_the_ports(lab: NetnsLab, running: Agent) -> None:
    """Case 43: a guest with the lowest MAC comes and goes, and so does the only NIC."""
    address = lab.links()["br-lan"]["address"]
    guest = lab.add_guest("br-lan", "vnet0")
    lab.sh("ip link set vnet0 address 00:00:00:00:00:01")
    assert lab.links()["br-lan"]["address"] == address
    lab.remove_guest(guest)
    assert lab.links()["br-lan"]["address"] == address
    running.converge(LAYOUT.replace("[enp13s0f0]", "[]"))
    assert lab.links()["br-lan"]["address"] == address
    lab.sh("ip link del br-lan")
    wait_until(lambda: lab.link("br-lan") is not None, 15)
    running.wait_converged()
    assert lab.links()["br-lan"]["address"] == address


def test_case_45_a_small_guest_does_not_shrink_the_bridge(lab: NetnsLab, agent: Agent) -> None:
    """Case 45: the NIC has 9000 already, so the bridge gets it by itself and is not pinned; a guest
    of 1500 comes, and the bridge has 9000 in the end and keeps it for the next guest."""
    lab.sh(f"ip link set {LAN_NIC} mtu 9000")
    agent.converge(
        LAYOUT.replace("ports: [enp13s0f0]", "ports: [{name: enp13s0f0, mtu: 9000}], mtu: 9000")
    )
    for name in ("vnet0", "vnet1"):
        lab.add_guest("br-lan", name)
        wait_until(lambda: lab.links()["br-lan"]["mtu"] == 9000, 10)
        agent.wait_converged()
        assert lab.links()[name]["mtu"] == 1500, "the guest's own"
    lab.add_guest("br-lan", "vnet2")
    assert lab.links()["br-lan"]["mtu"] == 9000, "pinned by then"


def test_case_45_an_mtu_that_is_not_declared_is_no_drift(lab: NetnsLab, running: Agent) -> None:
    """Case 45 and rule 4: nobody said anything about it."""
    lab.sh("ip link set br-lan mtu 1400")
    running.next_pass()
    assert lab.links()["br-lan"]["mtu"] == 1400
    assert running.status()["converged"]


def test_mtus_of_bridges_are_independent(lab: NetnsLab, running: Agent) -> None:
    """One bridge's MTU changes and nothing else's, up and down again."""
    for mtu in (1400, 1300, 1500):
        running.converge(LAYOUT.replace("[enp13s0f0]", f"[enp13s0f0], mtu: {mtu}"))
        links = lab.links()
        found = [links[name]["mtu"] for name in ("br-lan", "br-dmz", DMZ_NIC, ADMIN_NIC)]
        assert found == [mtu, 1500, 1500, 1500]


def test_case_46_stp_is_off_unless_it_is_declared(lab: NetnsLab, agent: Agent) -> None:
    """Case 46: left out and false are off, and a new port forwards at once; true is on."""
    agent.converge(LAYOUT.replace("[enp13s0f3]", "[enp13s0f3], stp: true"))
    assert lab.bridge_data("br-lan")["stp_state"] == 0
    assert lab.bridge_data("br-dmz")["stp_state"] == 1
    for bridge, said in (("br-lan", "no"), ("br-dmz", "yes")):
        (profile,) = profiles_of(lab, bridge)
        assert lab.profile(profile.uuid)["bridge.stp"] == said
    lab.add_guest("br-lan", "vnet0")
    assert lab.port_state("vnet0") == "forwarding"
    agent.converge(LAYOUT.replace("[enp13s0f3]", "[enp13s0f3], stp: false"))
    assert lab.bridge_data("br-dmz")["stp_state"] == 0


def test_case_48_a_renamed_nic_is_named_and_not_guessed(lab: NetnsLab, running: Agent) -> None:
    """Case 48: renamed while it runs: told with the similar name; renamed back: taken again."""
    lab.sh(f"ip link set {LAN_NIC} name enp13s0f0np0")
    found = running.wait_condition(f"port/{LAN_NIC}", "blocked")
    assert "enp13s0f0np0" in found["reason"]
    assert lab.controller(DMZ_NIC) == "br-dmz"
    assert running.condition(f"port/{DMZ_NIC}") == "converged"
    lab.sh(f"ip link set enp13s0f0np0 name {LAN_NIC}")
    wait_until(lambda: lab.controller(LAN_NIC) == "br-lan", 15)
    running.wait_converged()
    assert reference_is_right(lab)


def test_case_49_a_nic_that_is_unplugged_comes_back(lab: NetnsLab, running: Agent) -> None:
    """Case 49: gone, with its bridge and guests kept; back with a new ifindex, a port again."""
    plug_two(lab, "br-dmz")
    bridge = lab.standing("br-dmz")["br-dmz"].ifindex
    lab.sh(f"lab del-nic {DMZ_NIC}")
    running.wait_condition(f"port/{DMZ_NIC}", "blocked")
    assert "missing" in running.object(f"port/{DMZ_NIC}")["reason"]
    assert lab.ports("br-dmz") == {"vnet0", "vnet1"}
    assert running.condition("bridge/br-dmz") == "converged"
    lab.sh(f"lab add-nic {DMZ_NIC}")
    wait_until(lambda: lab.ports("br-dmz") == {DMZ_NIC, "vnet0", "vnet1"}, 15)
    running.wait_converged()
    assert lab.standing("br-dmz")["br-dmz"].ifindex == bridge


def test_case_49_a_nic_that_is_late_at_boot(lab: NetnsLab, agent: Agent) -> None:
    """Case 49: the agent starts before the NIC exists, and is ready all the same."""
    lab.sh(f"lab del-nic {DMZ_NIC}")
    agent.start(REFERENCE)
    assert agent.condition(f"port/{LAN_NIC}") == "converged"
    assert agent.condition(f"port/{DMZ_NIC}") == "blocked"
    lab.sh(f"lab add-nic {DMZ_NIC}")
    wait_until(lambda: reference_is_right(lab), 15)
    agent.wait_converged()


def test_case_50_a_nic_without_carrier_is_no_drift(lab: NetnsLab, agent: Agent) -> None:
    """Case 50: not cabled at boot: configured all the same; nothing is written when the cable
    comes."""
    lab.carrier(DMZ_NIC, up=False)
    agent.converge(REFERENCE)
    assert lab.controller(DMZ_NIC) == "br-dmz"
    link = next(x for x in agent.status()["links"] if x["name"] == DMZ_NIC)
    assert (link["up"], link["carrier"]) == (True, False)
    with watching(lab) as seen:
        lab.carrier(DMZ_NIC, up=True)
        wait_until(
            lambda: next(x for x in agent.status()["links"] if x["name"] == DMZ_NIC)["carrier"], 10
        )
        agent.next_pass()
    assert not seen.changes, seen.changes
    assert not seen.files, seen.files


def test_case_50_a_nic_that_is_down_is_drift(lab: NetnsLab, running: Agent) -> None:
    """Case 50: the admin flag of the port tells the two apart."""
    lab.carrier(DMZ_NIC, up=False)
    lab.sh(f"ip link set {DMZ_NIC} down")
    wait_until(lambda: "UP" in lab.links()[DMZ_NIC]["flags"], 10)
    running.wait_converged()
    assert lab.controller(DMZ_NIC) == "br-dmz"


def test_case_51_leaving_the_bridge_is_not_vanishing(lab: NetnsLab, running: Agent) -> None:
    """Case 51: `nomaster` sends a delete message of the bridge family; the NIC is put back and
    never called missing."""
    before = lab.standing(DMZ_NIC)[DMZ_NIC].ifindex
    for _ in range(3):
        lab.sh(f"ip link set {DMZ_NIC} nomaster")
        wait_until(lambda: lab.controller(DMZ_NIC) == "br-dmz", 10)
        running.wait_converged()
    assert lab.standing(DMZ_NIC)[DMZ_NIC].ifindex == before
    assert "missing" not in running.log


def test_a_port_stolen_by_another_bridge_is_taken_back(lab: NetnsLab, running: Agent) -> None:
    """Case 41, at run time: the kernel moves a port to a second bridge without a word."""
    lab.sh(f"ip link add br-thief type bridge; ip link set {LAN_NIC} master br-thief")
    wait_until(lambda: lab.controller(LAN_NIC) == "br-lan", 10)
    running.wait_converged()
    assert lab.link("br-thief") is not None, "somebody else's"


def test_rule_8_a_nic_in_two_bridges_is_refused_and_nothing_changes(
    lab: NetnsLab, running: Agent
) -> None:
    """Case 41 and rule 8: named with both bridges, place and remedy; the last good state stays."""
    before = lab.standing("br-lan", "br-dmz", LAN_NIC, DMZ_NIC)
    running.declare(LAYOUT.replace("[enp13s0f3]", "[enp13s0f3, enp13s0f0]"))
    wait_until(lambda: not running.status()["state"]["valid"], 10)
    problem = " ".join(running.status()["state"]["problems"])
    assert all(word in problem for word in (LAN_NIC, "br-lan", "br-dmz", "state.yaml:4"))
    running.next_pass()
    assert lab.standing("br-lan", "br-dmz", LAN_NIC, DMZ_NIC) == before


def test_rule_5_lost_events_cost_nothing(lab: NetnsLab) -> None:
    """Rule 5, case L6: the agent sleeps through more events than its socket holds, one of them a
    drift: the overrun is counted, the drift mended, and the next event heard."""
    with agent_on(lab, "--metrics", "127.0.0.1:9999", "--resync", "600") as agent:
        agent.converge(LAYOUT)
        assert agent.process is not None
        agent.process.signal("STOP")
        lab.sh("""
            ip link set br-dmz type bridge stp_state 1
            for number in $(seq 20000); do echo "link set enp8s0 alias a$number"; done | ip -batch -
        """)
        agent.process.signal("CONT")
        wait_until(lambda: lab.bridge_data("br-dmz")["stp_state"] == 0, 20)
        metrics = lab.run("python3", "-c", _SCRAPE).stdout
        lost = next(x for x in metrics.splitlines() if x.startswith("bridged_netlink_overruns"))
        assert float(lost.split()[1]) >= 1
        lab.sh("ip link set br-dmz type bridge stp_state 1")
        wait_until(lambda: lab.bridge_data("br-dmz")["stp_state"] == 0, 20)


_SCRAPE = """
from urllib.request import urlopen
print(urlopen("http://127.0.0.1:9999/metrics", timeout=10).read().decode())
"""
