"""A node from nothing to right, and then still: rules 1, 3, 7 and 10."""

import time

from tests.lab.netns import NetnsLab
from tests.lab.node import wait_until
from tests.lab.watch import watching
from tests.netns.agent import (
    DMZ_NIC,
    LAN_NIC,
    REFERENCE,
    Agent,
    profiles_of,
    reference_is_right,
)


def test_a_bare_node_becomes_what_the_file_says(lab: NetnsLab, agent: Agent) -> None:
    """The reference node without its VLAN, from six lines: links, profiles, sysctls, boot files."""
    agent.converge(REFERENCE)
    assert reference_is_right(lab)
    for name in ("br-lan", "br-dmz", LAN_NIC, DMZ_NIC):
        (profile,) = profiles_of(lab, name)
        assert profile.autoconnect
        assert profile.state == "activated"
        assert profile.filename.startswith("/etc/NetworkManager/system-connections/")
    assert lab.sysctl("net.ipv4.ip_forward") == "1"
    assert lab.sysctl("fs.inotify.max_user_watches") == "1048576"
    assert "net/ipv4/ip_forward = 1" in lab.read("/etc/sysctl.d/zz-bridged.conf")


def test_case_56_no_address_of_either_family_also_after_networkmanager_restarted(
    lab: NetnsLab, running: Agent
) -> None:
    """Case 56: IPv6 is disabled, not ignored, so there is not even a link-local address."""
    assert lab.profile("br-lan")["ipv6.method"] == "disabled"
    assert lab.sysctl("net.ipv6.conf.br-lan.disable_ipv6") == "1"
    lab.nm("restart")
    running.wait_converged()
    wait_until(lambda: lab.devices().get("br-lan") == "connected", 20)
    assert reference_is_right(lab)


def test_rule_1_a_node_that_is_right_is_not_written_to(lab: NetnsLab, running: Agent) -> None:
    """Rule 1: several resyncs and many looks at the sysctls, and no write of any kind."""
    lab.add_guest("br-lan", "vnet0")
    running.next_pass()
    passes = running.status()["time"]
    with watching(lab, ["/run/bridged", "/var/lib/bridged"]) as seen:
        time.sleep(10)
        assert running.status()["time"] > passes, "there was no resync"
    assert seen.still, seen
    assert seen.total_calls > 0, "it must have looked"


def test_rule_1_a_restart_of_the_agent_changes_nothing(lab: NetnsLab, running: Agent) -> None:
    """Rules 1 and 7: the first pass after a start judges by what it sees, and writes nothing."""
    before = lab.standing("br-lan", "br-dmz", LAN_NIC, DMZ_NIC)
    running.stop()
    with watching(lab) as seen:
        running.start()
        assert running.status()["converged"]
    assert seen.still, seen
    assert lab.standing("br-lan", "br-dmz", LAN_NIC, DMZ_NIC) == before


def test_rule_10_the_node_boots_without_us(lab: NetnsLab, running: Agent) -> None:
    """Rule 10: from the profiles alone NetworkManager makes it all again, after losing all links.

    The links are deleted while it is away, as a reboot does.
    """
    running.stop()
    lab.nm("stop")
    for nic in (LAN_NIC, DMZ_NIC):
        lab.sh(f"lab del-nic {nic}; lab add-nic {nic}")
    lab.sh("ip link del br-lan; ip link del br-dmz")
    lab.nm("start")
    wait_until(lambda: reference_is_right(lab), 20, "NetworkManager alone makes it right")
    wait_until(lambda: lab.devices().get("br-dmz") == "connected", 20)
    with watching(lab) as seen:
        running.start()
        assert running.status()["converged"]
    assert not seen.changes, seen


def test_rule_4_the_undeclared_nic_is_never_touched(lab: NetnsLab, agent: Agent) -> None:
    """Rule 4: the administration NIC keeps profile, address and link while all else is made."""
    lab.sh("nmcli con add type ethernet con-name admin ifname enp8s0 ipv4.method manual "
           "ipv4.addresses 192.168.10.160/24 && nmcli con up admin")  # fmt: skip
    before, profile = lab.standing("enp8s0"), lab.profile("admin")
    addresses = lab.addresses()["enp8s0"]
    agent.converge(REFERENCE)
    assert lab.standing("enp8s0") == before
    assert lab.profile("admin") == profile
    assert lab.addresses()["enp8s0"] == addresses
