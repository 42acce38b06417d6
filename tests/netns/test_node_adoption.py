"""What others made is adopted where it stands: not one frame lost, nothing made twice."""

from tests.lab.byhand import set_up_by_hand
from tests.lab.netns import NetnsLab
from tests.lab.node import wait_until
from tests.lab.queries import Profile
from tests.lab.watch import watching
from tests.netns.agent import (
    DMZ_NIC,
    LAN_NIC,
    LAYOUT,
    REFERENCE,
    Agent,
    profiles_of,
    reference_is_right,
    two_guests,
)

LINKS = ("br-lan", "br-dmz", LAN_NIC, DMZ_NIC)


def test_the_owners_bridges_are_adopted_without_losing_a_frame(lab: NetnsLab, agent: Agent) -> None:
    """Rules 2 and 3: set up by hand as on the reference node, with two guests that stream."""
    set_up_by_hand(lab)
    uuids = stored(lab)
    with two_guests(lab) as flow:
        before, ports = lab.standing(*LINKS, "vnet0", "vnet1"), lab.ports("br-lan")
        address = lab.links()["br-lan"]["address"]
        agent.converge(REFERENCE)
        assert lab.standing(*LINKS, "vnet0", "vnet1") == before
        assert lab.ports("br-lan") == ports
        assert lab.links()["br-lan"]["address"] == address
    assert flow.lost == 0, flow
    assert stored(lab) == uuids, "no profile made, none deleted"
    assert reference_is_right(lab)


def test_what_was_adopted_is_then_left_alone(lab: NetnsLab, agent: Agent) -> None:
    """Rule 1: the second agent on the owner's node finds nothing to do."""
    set_up_by_hand(lab)
    agent.converge(REFERENCE)
    agent.stop()
    with watching(lab) as seen:
        agent.start()
        assert agent.status()["converged"]
    assert seen.still, seen


def test_the_mac_of_an_adopted_bridge_is_pinned(lab: NetnsLab, agent: Agent) -> None:
    """Case 43: an adopted bridge without a pinned MAC keeps the one that it has."""
    set_up_by_hand(lab)
    address = lab.links()["br-lan"]["address"]
    agent.converge(LAYOUT)
    assert lab.profile("br-lan")["bridge.mac-address"].lower() == address
    lab.add_guest("br-lan", "vnet0")
    lab.sh("ip link set vnet0 address 02:00:00:00:00:01")
    assert lab.links()["br-lan"]["address"] == address


def test_a_bridge_with_addresses_and_name_servers_loses_both(lab: NetnsLab, agent: Agent) -> None:
    """NetworkManager refuses name servers beside the method `disabled`, in the profile and in what
    is applied of it; a bridge that waits for DHCP does not wait till it is taken down."""
    lab.sh(f"""
        nmcli con add type bridge con-name static ifname br-dmz bridge.stp no ipv4.method manual \
            ipv4.addresses 10.5.5.1/24 ipv4.gateway 10.5.5.254 ipv4.never-default yes \
            ipv4.dns 9.9.9.9 ipv6.method manual ipv6.addresses fd00::1/64 ipv6.dns fd00::53
        nmcli con add type ethernet con-name static-port ifname {DMZ_NIC} master br-dmz
        nmcli con up static-port
        nmcli con add type bridge con-name dynamic ifname br-lan bridge.stp no
        nmcli con add type ethernet con-name dynamic-port ifname {LAN_NIC} master br-lan
        nmcli con up dynamic-port
    """)
    before = {name: s.ifindex for name, s in lab.standing(*LINKS).items()}
    agent.converge(LAYOUT)
    wait_until(lambda: lab.devices()["br-lan"] == "connected", 5, "no DHCP server is waited for")
    lab.sh(
        "nmcli device modify br-dmz ipv4.method manual ipv4.addresses 10.7.7.1/24 ipv4.dns 1.1.1.1"
    )
    agent.wait_converged()
    wait_until(lambda: reference_is_right(lab), 10)
    agent.wait_converged()
    assert {name: s.ifindex for name, s in lab.standing(*LINKS).items()} == before


def test_case_40_zone_and_description_survive(lab: NetnsLab, agent: Agent) -> None:
    """Case 40: only declared properties of a foreign profile change."""
    set_up_by_hand(lab)
    lab.sh("""
        nmcli con mod br-dmz connection.zone dmz bridge.stp yes connection.lldp enable
        nmcli con mod br-dmz connection.metered yes
        nmcli con up br-dmz && nmcli con up br-dmz-slave-1
    """)
    before = lab.profile("br-dmz")
    agent.converge(LAYOUT)
    after = lab.profile("br-dmz")
    assert after["bridge.stp"] == "no"
    assert lab.bridge_data("br-dmz")["stp_state"] == 0
    for key in ("connection.zone", "connection.lldp", "connection.metered", "connection.id"):
        assert after[key] == before[key]
    agent.declare(LAYOUT.replace("[enp13s0f3]", "[enp13s0f3], ageing-time: 60"))
    wait_until(lambda: lab.bridge_data("br-dmz")["ageing_time"] == 6000, 10)
    assert lab.profile("br-dmz")["connection.zone"] == "dmz"


def test_case_39_a_profile_that_lives_in_run_is_found_and_not_doubled(
    lab: NetnsLab, agent: Agent
) -> None:
    """Case 39: netplan renders its profiles in /run; they are found by what they are."""
    folder = "/run/NetworkManager/system-connections"
    lab.sh(f"""
        mkdir -p {folder}
        cat >{folder}/netplan-br-lan.nmconnection <<E
[connection]
id=netplan-br-lan
uuid=11111111-1111-4111-8111-111111111111
type=bridge
interface-name=br-lan
[bridge]
stp=false
[ipv4]
method=disabled
[ipv6]
method=disabled
E
        cat >{folder}/netplan-enp13s0f0.nmconnection <<E
[connection]
id=netplan-enp13s0f0
uuid=22222222-2222-4222-8222-222222222222
type=ethernet
interface-name=enp13s0f0
master=br-lan
slave-type=bridge
E
        chmod 600 {folder}/*
        nmcli connection reload
    """)
    wait_until(lambda: lab.controller(LAN_NIC) == "br-lan", 10)
    agent.converge(LAYOUT)
    (bridge,), (port,) = profiles_of(lab, "br-lan"), profiles_of(lab, LAN_NIC)
    assert bridge.uuid == "11111111-1111-4111-8111-111111111111"
    assert port.uuid == "22222222-2222-4222-8222-222222222222"


def test_a_bridge_that_only_the_kernel_has_is_adopted_with_its_guests(
    lab: NetnsLab, agent: Agent
) -> None:
    """Made by `ip link add`: declared, it is kept in place and gets a profile for the next boot;
    no longer declared, the profile goes and the link stays, for we did not make it (case 36)."""
    lab.sh(f"""
        ip link add br-lan type bridge && ip link set br-lan up
        ip link set {LAN_NIC} master br-lan up
    """)
    with two_guests(lab) as flow:
        before = lab.standing("br-lan", LAN_NIC, "vnet0", "vnet1")
        agent.converge(LAYOUT)
        assert [profile.autoconnect for profile in ours(lab, "br-lan")] == [True]
        assert lab.standing("br-lan", LAN_NIC, "vnet0", "vnet1") == before
        agent.declare("version: 1\nbridges: {}\n")
        agent.reread()
        agent.ctl("apply", "--allow-disruption", "br-lan")
        agent.wait_converged()
        assert ours(lab, "br-lan") == []
        assert lab.standing("br-lan", LAN_NIC, "vnet0", "vnet1") == before
    assert flow.lost == 0, flow


def test_a_bridge_of_somebody_else_is_never_removed(lab: NetnsLab, agent: Agent) -> None:
    """Rule 4: adopted, then no longer declared: link, profiles and guests stay as they are."""
    set_up_by_hand(lab)
    agent.converge(LAYOUT)
    before, profiles = lab.standing(*LINKS), stored(lab)
    agent.converge("version: 1\nbridges: {}\n")
    agent.next_pass()
    assert lab.standing(*LINKS) == before
    assert stored(lab) == profiles


def test_the_end_of_a_declaration_removes_what_we_made(lab: NetnsLab, running: Agent) -> None:
    """Case 36: bridge, profile and port go, and the NIC is nobody's again."""
    running.converge(LAYOUT.replace("  br-dmz: {ports: [enp13s0f3]}\n", ""))
    wait_until(lambda: lab.link("br-dmz") is None, 10)
    assert profiles_of(lab, DMZ_NIC) == []
    assert lab.controller(DMZ_NIC) is None
    assert lab.controller(LAN_NIC) == "br-lan"


def stored(lab: NetnsLab) -> set[str]:
    """The profiles on disk."""
    return {profile.uuid for profile in lab.profiles() if profile.filename.startswith("/etc/")}


def ours(lab: NetnsLab, interface: str) -> list[Profile]:
    """The profiles of an interface that are on disk."""
    return [p for p in profiles_of(lab, interface) if p.filename.startswith("/etc/")]
