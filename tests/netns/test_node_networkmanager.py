"""What NetworkManager and its other clients do under the agent: rules 2, 3, 5 and 6."""

from tests.lab.netns import NetnsLab
from tests.lab.node import wait_until
from tests.lab.watch import watching
from tests.netns.agent import (
    DMZ_NIC,
    LAN_NIC,
    LAYOUT,
    Agent,
    checkpoints,
    nm_call,
    plug_two,
    profiles_of,
    reference_is_right,
    two_guests,
)

ALL = ("br-lan", "br-dmz", LAN_NIC, DMZ_NIC)


def on_disk(lab: NetnsLab) -> set[str]:
    """The profiles in /etc."""
    return {profile.uuid for profile in lab.profiles() if profile.filename.startswith("/etc/")}


def test_case_32_ports_of_guests_are_never_made_ours(lab: NetnsLab, running: Agent) -> None:
    """Case 32: touching the file and changing STP leave the guests' ports and profiles alone."""
    plug_two(lab)
    ports, before = lab.ports("br-lan"), on_disk(lab)
    lab.sh("touch /etc/bridged/state.yaml")
    running.next_pass()
    running.converge(LAYOUT.replace("[enp13s0f0]", "[enp13s0f0], stp: true"))
    assert lab.bridge_data("br-lan")["stp_state"] == 1
    assert lab.ports("br-lan") == ports
    assert on_disk(lab) == before


def test_case_34_a_disconnected_port_is_back(lab: NetnsLab, running: Agent) -> None:
    """Case 34: `nmcli device disconnect` blocks autoconnect; we activate the port ourselves."""
    lab.sh(f"nmcli device disconnect {DMZ_NIC}")
    wait_until(lambda: lab.controller(DMZ_NIC) == "br-dmz", 15)
    running.wait_converged()
    values = lab.profile("br-dmz")
    assert "1" in (values.get("connection.autoconnect-slaves", "") or "1")
    assert any(r["object"] == f"port/{DMZ_NIC}" for r in running.status()["repairs"])


def test_a_bridge_taken_down_by_nmcli_returns(lab: NetnsLab, running: Agent) -> None:
    """`nmcli connection down br-lan`: bridge, NIC and guests return."""
    plug_two(lab)
    running.next_pass()
    lab.sh("nmcli connection down br-lan")
    wait_until(lambda: lab.ports("br-lan") == {LAN_NIC, "vnet0", "vnet1"}, 20)
    running.wait_converged()


def test_a_deleted_profile_is_made_again(lab: NetnsLab, running: Agent) -> None:
    """`nmcli connection delete` of bridge and port, with guests plugged in."""
    plug_two(lab)
    running.next_pass()
    (port,), (bridge,) = profiles_of(lab, LAN_NIC), profiles_of(lab, "br-lan")
    lab.sh(f"nmcli connection delete {bridge.uuid} {port.uuid}")
    wait_until(lambda: lab.ports("br-lan") == {LAN_NIC, "vnet0", "vnet1"}, 20)
    running.wait_converged()
    assert len(profiles_of(lab, LAN_NIC)) == 1


def test_case_35_without_networkmanager_the_rest_goes_on(lab: NetnsLab, running: Agent) -> None:
    """Case 35: five seconds without it: bridges stay, sysctls and links are mended, it is told;
    on its return nothing is written."""
    before = lab.standing(*ALL)
    lab.nm("stop")
    wait_until(lambda: not running.status()["network_manager_available"], 10)
    lab.run("sysctl", "-w", "net.ipv4.ip_forward=0")
    lab.sh("ip link set br-lan type bridge stp_state 1")
    wait_until(lambda: lab.sysctl("net.ipv4.ip_forward") == "1", 10)
    wait_until(lambda: lab.bridge_data("br-lan")["stp_state"] == 0, 10)
    lab.sh("sleep 5")
    assert lab.standing(*ALL) == before
    with watching(lab) as seen:
        lab.nm("start")
        wait_until(lambda: running.status()["network_manager_available"], 15)
        running.wait_converged()
    assert not seen.changes, seen.changes
    assert lab.standing(*ALL) == before


def test_case_35_restarts_leak_nothing(lab: NetnsLab, running: Agent) -> None:
    """Case 35: after several restarts the agent has no more open files, and still hears signals."""
    lab.nm("restart")
    running.wait_converged()
    files = running.descriptors()
    for _ in range(3):
        lab.nm("restart")
        running.wait_converged()
    wait_until(lambda: running.descriptors() <= files, 10, f"at most {files} files")
    lab.sh(f"nmcli device disconnect {LAN_NIC}")
    wait_until(lambda: lab.controller(LAN_NIC) == "br-lan", 10)


def test_networking_that_is_switched_off_is_told_and_its_end_brings_everything_back(
    lab: NetnsLab, running: Agent
) -> None:
    """`nmcli networking off` takes bridges and ports down; it is named with the way out, and not
    fought over; the guests are there again with their bridge."""
    plug_two(lab)
    running.next_pass()
    lab.sh("nmcli networking off")
    wait_until(lambda: not running.status()["network_manager_available"], 10)
    lab.sh("sleep 2")
    tried = running.logged("repair_failed")
    running.next_pass_of_its_own()
    assert running.logged("repair_failed") == tried
    lab.sh("nmcli networking on")
    wait_until(lambda: lab.ports("br-lan") == {LAN_NIC, "vnet0", "vnet1"}, 20)
    running.wait_converged()
    assert reference_is_right(lab)


def test_what_drifted_while_networkmanager_was_away_is_mended_at_its_return(
    lab: NetnsLab, running: Agent
) -> None:
    """Rule 5: the profile is deleted while NetworkManager is stopped; nobody saw an event."""
    (profile,) = profiles_of(lab, DMZ_NIC)
    lab.nm("stop")
    lab.run("rm", profile.filename)
    lab.nm("start")

    def on_disk() -> bool:
        # Beside it NetworkManager may keep a mirror of what it found in the kernel, in memory.
        found = profiles_of(lab, DMZ_NIC)
        return len([p for p in found if p.filename.startswith("/etc/")]) == 1

    wait_until(on_disk, 20)
    running.wait_converged()
    assert reference_is_right(lab)


def test_the_bus_goes_and_comes_back(lab: NetnsLab, running: Agent) -> None:
    """D-Bus itself is gone and started again, NetworkManager with it: the agent lives through it
    and hears both again."""
    with two_guests(lab) as flow:
        lab.nm("stop")
        lab.sh('kill -KILL "$(lab dbus-pid)"; rm -f /run/dbus/system_bus_socket')
        wait_until(lambda: not running.status()["network_manager_available"], 15)
        lab.sh("ip link set br-lan type bridge stp_state 1")
        wait_until(lambda: lab.bridge_data("br-lan")["stp_state"] == 0, 10)
        lab.spawn("dbus-daemon", "--nofork", "--nopidfile", "--config-file=/run/lab/dbus.conf")
        wait_until(lambda: lab.exists("/run/dbus/system_bus_socket"), 10)
        lab.nm("start")
        wait_until(lambda: running.status()["network_manager_available"], 30)
        running.wait_converged()
    assert flow.lost == 0, flow
    lab.sh(f"nmcli device disconnect {DMZ_NIC}")
    wait_until(lambda: lab.controller(DMZ_NIC) == "br-dmz", 10)


def test_case_36_a_bridge_without_its_port_and_its_removal(lab: NetnsLab, agent: Agent) -> None:
    """Case 36: the NIC does not exist: the bridge is made, the port told; removal takes it."""
    state = LAYOUT.replace("enp13s0f3", "enp99s9")
    agent.start(state)
    agent.wait_condition("port/enp99s9", "blocked")
    assert "enp99s9" in agent.object("port/enp99s9")["reason"]
    wait_until(lambda: lab.link("br-dmz") is not None, 15)
    assert agent.condition("bridge/br-dmz") == "converged"
    assert lab.controller(LAN_NIC) == "br-lan"
    agent.converge(state.replace("  br-dmz: {ports: [enp99s9]}\n", ""))
    wait_until(lambda: lab.link("br-dmz") is None, 10)
    assert profiles_of(lab, "br-dmz") == profiles_of(lab, "enp99s9") == []


def test_case_37_the_checkpoint_of_another_client_is_respected(lab: NetnsLab, agent: Agent) -> None:
    """Case 37: nothing is applied by halves beside it, it is told, and tried again when it ends."""
    other = nm_call(lab, "CheckpointCreate", "(aouu)", [], 600, 0)
    agent.start(f"{LAYOUT}sysctls: {{net.ipv4.ip_forward: 1}}\n")
    wait_until(lambda: "checkpoint" in str(agent.object("bridge/br-lan")), 15)
    assert lab.sysctl("net.ipv4.ip_forward") == "1", "what needs no checkpoint goes on"
    assert checkpoints(lab) == [other]
    assert on_disk(lab) == set()
    assert lab.controller(LAN_NIC) is None
    nm_call(lab, "CheckpointDestroy", "(o)", other)
    agent.wait_converged(90)
    assert checkpoints(lab) == []
    assert reference_is_right(lab)


def test_drift_that_networkmanager_ignores_is_mended(lab: NetnsLab, running: Agent) -> None:
    """Facts: bridge down, STP, MTU of a NIC changed with ip; NetworkManager would leave it so."""
    running.converge(LAYOUT.replace("[enp13s0f0]", "[{name: enp13s0f0, mtu: 1500}]"))
    before = {name: s.ifindex for name, s in lab.standing(*ALL).items()}
    lab.sh("ip link set br-lan down")
    wait_until(lambda: "UP" in lab.links()["br-lan"]["flags"], 10)
    lab.sh("ip link set br-lan type bridge stp_state 1")
    wait_until(lambda: lab.bridge_data("br-lan")["stp_state"] == 0, 10)
    lab.sh(f"ip link set {LAN_NIC} mtu 1400")
    wait_until(lambda: lab.links()[LAN_NIC]["mtu"] == 1500, 10)
    lab.sh(f"ip link set {LAN_NIC} down")
    wait_until(lambda: "UP" in lab.links()[LAN_NIC]["flags"], 10)
    lab.sh("ip address add 10.9.9.9/24 dev br-lan")
    wait_until(lambda: lab.addresses()["br-lan"] == [], 10)
    running.wait_converged()
    assert {name: s.ifindex for name, s in lab.standing(*ALL).items()} == before


def test_a_profile_changed_by_hand_is_put_right(lab: NetnsLab, running: Agent) -> None:
    """Declared values of the profile are restored, what is not declared stays as changed."""
    lab.sh("nmcli con mod br-lan bridge.stp yes ipv4.method auto connection.zone trusted")
    wait_until(lambda: lab.profile("br-lan")["bridge.stp"] == "no", 10)
    wait_until(lambda: lab.profile("br-lan")["ipv4.method"] == "disabled", 10)
    running.wait_converged()
    assert lab.profile("br-lan")["connection.zone"] == "trusted"
