"""Layouts that change while they run: what tests of comparable tools assert for bridges."""

import time
from collections.abc import Callable

from tests.lab.netns import NetnsLab
from tests.lab.node import wait_until
from tests.netns.agent import (
    ADMIN_NIC,
    DMZ_NIC,
    LAN_NIC,
    LAYOUT,
    Agent,
    agent_on,
    plug_two,
    profiles_of,
    two_guests,
)

MakeLab = Callable[..., NetnsLab]


def test_a_minimal_bridge(lab: NetnsLab, agent: Agent) -> None:
    """One word: a bridge without ports, up, pinned, without addresses, STP off."""
    agent.converge("version: 1\nbridges:\n  br0: {}\n")
    link = lab.links()["br0"]
    assert "UP" in link["flags"]
    assert lab.bridge_data("br0")["stp_state"] == 0
    assert lab.addresses()["br0"] == []
    (profile,) = profiles_of(lab, "br0")
    assert lab.profile(profile.uuid)["bridge.mac-address"].lower() == link["address"]


def test_ports_are_added_and_taken_away_without_a_flap_of_the_others(
    lab: NetnsLab, running: Agent
) -> None:
    """Rules 2 and 3: a NIC is added, then another is taken away; guests do not flap."""
    with two_guests(lab) as flow:
        still = ("br-lan", "br-dmz", LAN_NIC, "vnet0", "vnet1")
        before = lab.standing(*still)
        running.converge(LAYOUT.replace("[enp13s0f0]", "[enp13s0f0, enp8s0]"))
        assert lab.ports("br-lan") == {LAN_NIC, ADMIN_NIC, "vnet0", "vnet1"}
        assert lab.standing(*still) == before
        running.converge(LAYOUT)
        assert lab.ports("br-lan") == {LAN_NIC, "vnet0", "vnet1"}
        assert lab.standing(*still) == before
    assert flow.lost == 0, flow
    assert profiles_of(lab, ADMIN_NIC) == []


def test_a_port_is_replaced(lab: NetnsLab, running: Agent) -> None:
    """One NIC out, another in, in one edit; guests on the bridge keep it."""
    with two_guests(lab, "br-dmz") as flow:
        bridge = lab.standing("br-dmz")["br-dmz"].ifindex
        running.converge(LAYOUT.replace("[enp13s0f3]", "[enp8s0]"))
        assert lab.ports("br-dmz") == {ADMIN_NIC, "vnet0", "vnet1"}
        assert lab.controller(DMZ_NIC) is None
        assert lab.standing("br-dmz")["br-dmz"].ifindex == bridge
    assert flow.lost == 0, flow


def test_a_port_is_moved_to_another_bridge(lab: NetnsLab, running: Agent) -> None:
    """A NIC changes its bridge, guests of both keep theirs; and back again."""
    moved = LAYOUT.replace("[enp13s0f0]", "[]").replace("[enp13s0f3]", "[enp13s0f3, enp13s0f0]")
    lab.add_guest("br-dmz", "vnet9")
    with two_guests(lab) as flow:
        still = ("br-dmz", DMZ_NIC, "vnet0", "vnet1", "vnet9")
        before = lab.standing(*still)
        for state, bridge in ((moved, "br-dmz"), (LAYOUT, "br-lan")):
            running.converge(state)
            assert lab.controller(LAN_NIC) == bridge
            assert lab.standing(*still) == before
    assert flow.lost == 0, flow
    assert len(profiles_of(lab, LAN_NIC)) == 1


def test_a_change_of_the_port_alone_keeps_its_controller(lab: NetnsLab, running: Agent) -> None:
    """A property of the port changes in the file, and the port stays where it is."""
    before = lab.standing(LAN_NIC, "br-lan")
    running.converge(
        LAYOUT.replace("[enp13s0f0]", "[{name: enp13s0f0, path-cost: 55, hairpin: true}]")
    )
    data = lab.port_data(LAN_NIC)
    assert (data["cost"], data["hairpin"]) == (55, True)
    assert lab.standing(LAN_NIC, "br-lan") == before
    (profile,) = profiles_of(lab, LAN_NIC)
    assert lab.profile(profile.uuid)["bridge-port.path-cost"] == "55"


def test_stp_and_snooping_go_both_ways(lab: NetnsLab, running: Agent) -> None:
    """On, off, on, off; with the timers of STP."""
    for value, number in (("true", 1), ("false", 0)) * 2:
        options = f"[enp13s0f0], stp: {value}, multicast-snooping: {value}"
        running.converge(LAYOUT.replace("[enp13s0f0]", options))
        data = lab.bridge_data("br-lan")
        assert (data["stp_state"], data["mcast_snooping"]) == (number, number)


def test_foreign_ports_are_kept_on_create_adopt_add_and_removal(
    lab: NetnsLab, agent: Agent
) -> None:
    """A foreign bridge with a port that NetworkManager does not manage: declared, given a NIC, and
    no longer declared; the port stays throughout."""
    lab.sh("""
        ip link add br-lan type bridge && ip link set br-lan up
        ip link add tap0 type veth peer name tap0p && ip link set tap0p up
        ip link set tap0 up master br-lan
        nmcli device set tap0 managed no
    """)
    before = lab.standing("br-lan", "tap0")["tap0"]
    for ports in ("[]", "[enp13s0f0]"):
        agent.converge(LAYOUT.replace("[enp13s0f0]", ports))
        assert lab.standing("tap0")["tap0"] == before
    assert lab.controller(LAN_NIC) == "br-lan"
    agent.declare("version: 1\nbridges: {}\n")
    agent.reread()
    agent.next_pass()
    assert lab.standing("tap0")["tap0"] == before


def test_everything_is_declared_away(lab: NetnsLab, running: Agent) -> None:
    """`bridges: {}` is a wish for none, said explicitly: all that was made is gone."""
    running.converge("version: 1\nbridges: {}\n")
    assert set(lab.links()) == {"lo", LAN_NIC, DMZ_NIC, ADMIN_NIC}
    assert [p.name for p in lab.profiles() if p.type != "loopback"] == []
    running.converge(LAYOUT)
    assert lab.controller(LAN_NIC) == "br-lan"


def test_a_file_that_says_nothing_about_bridges_removes_none(lab: NetnsLab, running: Agent) -> None:
    """Rule 8 and case 61: no such section is not a wish for nothing."""
    before = lab.standing("br-lan", "br-dmz", LAN_NIC, DMZ_NIC)
    running.converge("version: 1\nsysctls: {net.ipv4.ip_forward: 1}\n")
    running.next_pass()
    assert lab.standing("br-lan", "br-dmz", LAN_NIC, DMZ_NIC) == before


def test_a_bridge_is_recreated_under_its_guests_with_another_name(
    lab: NetnsLab, running: Agent
) -> None:
    """Renamed in the file: the new one is made, the old one is withheld while it has guests."""
    plug_two(lab)
    running.next_pass()
    running.declare(LAYOUT.replace("br-lan", "br-lan2"))
    wait_until(lambda: lab.link("br-lan2") is not None, 15)
    running.wait_condition("bridge/br-lan", "withheld")
    assert lab.ports("br-lan") >= {"vnet0", "vnet1"}


def test_five_hundred_bridges(make_lab: MakeLab, suite: str) -> None:
    """Scale: all made, with one NIC each for ten of them.  The time is in the output (pytest -s),
    and the bound has much room."""
    count = 500 if suite == "trixie" else 100  # older versions take as long, and prove no more
    lab = make_lab(extra=10)
    lines = [f"  br{number}: {{ports: [port{number}]}}" for number in range(10)]
    lines += [f"  br{number}: {{}}" for number in range(10, count)]
    with agent_on(lab) as agent:
        agent.declare("version: 1\nbridges:\n" + "\n".join(lines) + "\n")
        began = time.monotonic()
        agent.spawn()
        wait_until(lambda: len(bridges(lab)) == count, 300, f"{count} bridges", interval=0.5)
        agent.wait_converged(300)
        print(f"\n{count} bridges: {time.monotonic() - began:.1f} s")
        assert all(lab.controller(f"port{number}") == f"br{number}" for number in range(10))


def bridges(lab: NetnsLab) -> list[str]:
    """The names of all bridges."""
    shown = lab.run("ip", "-br", "link", "show", "type", "bridge").stdout
    return [line.split()[0] for line in shown.splitlines()]
