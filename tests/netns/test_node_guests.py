"""Guests first: whatever happens to agent, NetworkManager or bridge, guests keep or regain it."""

import time

from tests.lab.netns import NetnsLab
from tests.lab.node import wait_until
from tests.netns.agent import LAN_NIC, LAYOUT, REFERENCE, Agent, plug_two, two_guests


def test_restarts_of_the_agent_cost_no_frame(lab: NetnsLab, running: Agent) -> None:
    """Rule 2: stopped and started three times between two guests that stream."""
    with two_guests(lab) as flow:
        for _ in range(3):
            running.restart()
    assert flow.lost == 0, flow


def test_twenty_kills_of_the_agent_cost_no_frame(lab: NetnsLab, running: Agent) -> None:
    """Rules 2 and 9: kill -9 at any moment of a life, twenty times."""
    with two_guests(lab) as flow:
        for round_ in range(20):
            running.kill()
            running.spawn()
            time.sleep(round_ * 0.03)
        running.wait_converged()
    assert flow.lost == 0, flow


def test_restarts_of_networkmanager_cost_no_frame(lab: NetnsLab, running: Agent) -> None:
    """Case 35: NetworkManager restarts twice in a row under the agent."""
    with two_guests(lab) as flow:
        lab.nm("restart")
        lab.nm("restart")
        running.wait_converged()
        assert lab.ports("br-lan") == {LAN_NIC, "vnet0", "vnet1"}
    assert flow.lost == 0, flow


def test_a_crash_of_networkmanager_costs_no_frame(lab: NetnsLab, running: Agent) -> None:
    """Case 35: kill -9 of NetworkManager."""
    with two_guests(lab) as flow:
        lab.nm("kill")
        wait_until(lambda: not running.status()["network_manager_available"], 10)
        lab.nm("start")
        running.wait_converged()
    assert flow.lost == 0, flow


def wait_for_setting(lab: NetnsLab, attribute: str, expected: object, name: str = "br-lan") -> None:
    """Waits until the kernel shows the value as an attribute of a link, a bridge or a port."""

    def have() -> object:
        shown = lab.links()[name] | lab.port_data(name) | lab.bridge_data(name)
        return shown.get(attribute)

    wait_until(lambda: have() == expected, 10, f"{attribute} is {expected}")


IN_PLACE = (
    ("stp", "true", "stp_state", 1),
    ("stp", "false", "stp_state", 0),
    ("priority", "4096", "priority", 4096),
    ("forward-delay", "10", "forward_delay", 1000),
    ("hello-time", "3", "hello_time", 300),
    ("max-age", "15", "max_age", 1500),
    ("ageing-time", "120", "ageing_time", 12000),
    ("group-forward-mask", "16384", "group_fwd_mask", "0x4000"),
    ("multicast-snooping", "false", "mcast_snooping", 0),
    ("multicast-snooping", "true", "mcast_snooping", 1),
    ("multicast-querier", "true", "mcast_querier", 1),
    ("multicast-router", "enabled", "mcast_router", 2),
)


def test_rule_3_every_property_edited_in_the_file_costs_no_frame(
    lab: NetnsLab, running: Agent
) -> None:
    """Rules 2 and 3: edited one after another while two guests stream; nothing flaps."""
    with two_guests(lab) as flow:
        before = lab.standing("br-lan", LAN_NIC, "vnet0", "vnet1")
        for key, value, attribute, expected in IN_PLACE:
            running.declare(LAYOUT.replace("[enp13s0f0]", f"[enp13s0f0], {key}: {value}"))
            wait_for_setting(lab, attribute, expected)
            running.wait_converged()
        assert lab.standing("br-lan", LAN_NIC, "vnet0", "vnet1") == before
    assert flow.lost == 0, flow


BY_NETLINK = (
    ("mtu: 1400", "", "mtu", 1400),
    ("mac: '52:54:00:12:34:56'", "", "address", "52:54:00:12:34:56"),
    ("", "path-cost: 7", "cost", 7),
    ("", "priority: 5", "priority", 5),
    ("", "hairpin: true", "hairpin", True),
    ("", "isolated: true", "isolated", True),
    ("", "learning: false", "learning", False),
)


def test_rule_3_what_reapply_refuses_is_changed_in_place_by_netlink(
    lab: NetnsLab, running: Agent
) -> None:
    """Rule 3: MTU, MAC and attributes of ports change without a flap or a lost frame."""

    with two_guests(lab) as flow:
        before = lab.standing("br-lan", LAN_NIC, "vnet0", "vnet1")
        for options, port, attribute, expected in BY_NETLINK:
            line = f"ports: [{{name: enp13s0f0, {port}}}]"
            if not port:
                line = f"ports: [enp13s0f0], {options}"
            running.declare(LAYOUT.replace("ports: [enp13s0f0]", line))
            wait_for_setting(lab, attribute, expected, LAN_NIC if port else "br-lan")
            running.wait_converged()
        assert lab.standing("br-lan", LAN_NIC, "vnet0", "vnet1") == before
    assert flow.lost == 0, flow


def test_guests_return_with_their_settings_after_the_bridge_was_activated_again(
    lab: NetnsLab, running: Agent
) -> None:
    """Rule 2: `nmcli connection up br-lan` drops all ports; they come back as they were."""
    with two_guests(lab) as flow:
        lab.sh("bridge link set dev vnet0 hairpin on cost 17 guard on")
        lab.sh("bridge link set dev vnet1 flood off neigh_suppress on")
        lab.sh("""
            bridge link set dev vnet1 locked on mcast_router 2
            ip link set vnet1 type bridge_slave group_fwd_mask 0x4000 proxy_arp_wifi on
        """)
        # Not every kernel of a laboratory has VLAN filtering.
        lab.sh("bridge vlan add dev vnet0 vid 30", check=False)
        running.next_pass()
        vlans = lab.vlans()
        lab.sh("nmcli connection up br-lan")
        wait_until(lambda: lab.ports("br-lan") == {LAN_NIC, "vnet0", "vnet1"}, 15)
        wait_until(lambda: lab.port_data("vnet0")["cost"] == 17, 10)
        wait_until(lambda: lab.port_data("vnet1")["locked"], 10)
        running.wait_converged()
        assert lab.port_data("vnet0")["hairpin"]
        assert lab.port_data("vnet0")["guard"]
        other = lab.port_data("vnet1")
        assert [other[name] for name in ("neigh_suppress", "proxy_arp_wifi", "flood")] == [
            True, True, False,
        ]  # fmt: skip
        assert (other["multicast_router"], other["group_fwd_mask"]) == (2, "0x4000")
        assert lab.vlans() == vlans
    print(f"nmcli connection up br-lan: {flow.lost} of {flow.sent} lost")
    assert flow.lost < flow.sent / 2, flow


def test_guests_return_after_the_bridge_was_deleted(lab: NetnsLab, running: Agent) -> None:
    """Rule 2: `ip link del br-lan`; bridge, NIC and guests are back, same MAC."""
    address = lab.links()["br-lan"]["address"]
    with two_guests(lab) as flow:
        lab.sh("bridge link set dev vnet0 hairpin on")
        running.next_pass()
        lab.sh("ip link del br-lan")
        wait_until(lambda: lab.ports("br-lan") == {LAN_NIC, "vnet0", "vnet1"}, 20)
        wait_until(lambda: lab.port_data("vnet0")["hairpin"], 10)
        running.wait_converged()
        assert lab.links()["br-lan"]["address"] == address
    print(f"ip link del br-lan: {flow.lost} of {flow.sent} lost")
    assert flow.received > 0


def test_guests_that_lost_their_bridge_while_the_agent_was_away_return(
    lab: NetnsLab, running: Agent
) -> None:
    """Rule 2: what the agent remembers survives its restart."""
    plug_two(lab)
    running.next_pass()
    running.kill()
    lab.sh("nmcli connection up br-lan")
    running.start()
    wait_until(lambda: lab.ports("br-lan") == {LAN_NIC, "vnet0", "vnet1"}, 15)


def test_a_guest_that_was_taken_out_or_moved_is_not_dragged_back(
    lab: NetnsLab, running: Agent
) -> None:
    """A person's deliberate choice: vnet0 unplugged, vnet1 moved to the other bridge."""
    plug_two(lab)
    running.next_pass()
    lab.sh("ip link set vnet0 nomaster; ip link set vnet1 master br-dmz")
    for _ in range(3):
        running.next_pass()
    assert (lab.controller("vnet0"), lab.controller("vnet1")) == (None, "br-dmz")
    lab.sh("ip link del vnet0; nmcli connection up br-lan")
    running.wait_converged()
    running.next_pass()
    assert lab.controller("vnet1") == "br-dmz"


def test_withheld_removal_tells_the_command_that_allows_it(lab: NetnsLab, running: Agent) -> None:
    """Rule 2: a bridge with a guest stays though it is no longer declared, until it is allowed."""
    plug_two(lab)
    running.next_pass()
    running.declare(REFERENCE.replace("  br-lan: {ports: [enp13s0f0]}\n", ""))
    found = running.wait_condition("bridge/br-lan", "withheld")
    assert "vnet0" in found["reason"]
    assert lab.ports("br-lan") == {LAN_NIC, "vnet0", "vnet1"}
    assert found["remedy"] == "bridgedctl apply --allow-disruption br-lan"
    running.ctl("apply", "--allow-disruption", "br-lan")
    wait_until(lambda: lab.link("br-lan") is None, 15)
    assert lab.link("vnet0") is not None, "the guest itself is not ours"
