"""Profiles of others beside ours: rivals, doubles, typos, unmanaged devices, old property names."""

from collections.abc import Callable

from tests.lab.netns import NetnsLab
from tests.lab.node import wait_until
from tests.lab.queries import Profile
from tests.netns.agent import (
    DMZ_NIC,
    LAN_NIC,
    LAYOUT,
    Agent,
    agent_on,
    profiles_of,
    reference_is_right,
)

MakeLab = Callable[..., NetnsLab]
RUN = "/run/NetworkManager/system-connections"


def test_case_24_an_automatic_profile_gives_way(make_lab: MakeLab) -> None:
    """Case 24: without no-auto-default each NIC has a DHCP profile in memory; ours wins."""
    lab = make_lab(config="[main]\nno-auto-default=\n", start_nm=False)
    lab.spawn("lab", "nm-start")
    wait_until(lambda: "Wired connection 1" in lab.run("nmcli", "con", check=False).stdout, 20)
    with agent_on(lab) as agent:
        agent.converge(LAYOUT)
        assert reference_is_right(lab)
        agent.kill()
        lab.nm("stop")
        lab.spawn("lab", "nm-start")
        wait_until(lambda: lab.devices().get("br-dmz") == "connected", 20)
        assert reference_is_right(lab), "NetworkManager alone, after its restart"
        assert lab.devices()["enp8s0"] in {"connected", "connecting (getting IP configuration)"}


def test_case_26_profiles_with_the_same_name_make_no_more_of_them(
    lab: NetnsLab, agent: Agent
) -> None:
    """Case 26: two foreign profiles named br-lan; passes and restarts add and delete none."""
    lab.sh(f"""
        nmcli con add type ethernet con-name br-lan ifname {LAN_NIC}
        nmcli con add type dummy con-name br-lan ifname dummy9 autoconnect no
    """)
    foreign = {profile.uuid for profile in lab.profiles() if profile.name == "br-lan"}
    assert len(foreign) == 2
    agent.converge(LAYOUT)
    stored = {profile.uuid for profile in lab.profiles()}
    for _ in range(3):
        for _ in range(5):
            agent.next_pass()
        agent.restart()
    agent.wait_converged()
    after = lab.profiles()
    assert {profile.uuid for profile in after} == stored >= foreign
    assert len(stored - foreign) == 5, "two bridges, two ports, loopback"
    (rival,) = [p for p in profiles_of(lab, LAN_NIC) if p.uuid in foreign]
    assert not rival.autoconnect, "put out of the way, reversibly"
    assert reference_is_right(lab)


def test_case_27_the_port_profile_wins_after_every_restart(lab: NetnsLab, agent: Agent) -> None:
    """Case 27: a plain and a port profile for one NIC, both autoconnect; no longer a matter of
    chance, and the plain one is still there."""
    lab.sh(f"""
        nmcli con add type bridge con-name cloudbr0 ifname br-lan ipv4.method disabled \
            ipv6.method disabled
        nmcli con add type ethernet con-name plain ifname {LAN_NIC} \
            connection.autoconnect-priority 10 ipv4.method disabled ipv6.method disabled
        nmcli con add type ethernet con-name port ifname {LAN_NIC} master br-lan slave-type bridge
        nmcli con up plain
    """)
    agent.converge(LAYOUT)
    for _ in range(3):
        lab.nm("restart")
        wait_until(lambda: reference_is_right(lab), 10)
    agent.wait_converged()
    by_name = {profile.name: profile for profile in profiles_of(lab, LAN_NIC)}
    assert set(by_name) == {"plain", "port"}, "none made, none deleted"
    assert by_name["port"].state == "activated"
    assert not by_name["plain"].autoconnect


def test_case_28_a_port_profile_of_a_missing_bridge_is_told(lab: NetnsLab, agent: Agent) -> None:
    """Case 28: the state says br-lna, a leftover profile says br-lan: the state counts."""
    lab.sh(
        f"nmcli con add type ethernet con-name stale ifname {LAN_NIC} "
        "master br-lan slave-type bridge"
    )
    agent.converge(LAYOUT.replace("br-lan", "br-lna"))
    assert lab.controller(LAN_NIC) == "br-lna"
    assert "stale" in agent.finding("dangling-profile")


def test_case_30_all_names_of_the_controller_agree(lab: NetnsLab, running: Agent) -> None:
    """Case 30: a port that moves to another bridge, in the words of old and new versions alike."""
    moved = LAYOUT.replace("[enp13s0f0]", "[]").replace("[enp13s0f3]", "[enp13s0f3, enp13s0f0]")
    running.converge(moved)
    assert lab.ports("br-dmz") == {LAN_NIC, DMZ_NIC}
    (profile,) = profiles_of(lab, LAN_NIC)
    values = lab.profile(profile.uuid)
    names = {"connection.master", "connection.slave-type"}
    if lab.nm_version >= (1, 46):
        names |= {"connection.controller", "connection.port-type"}
    found = {name: values[name] for name in names if name in values}
    assert found
    assert set(found.values()) == {"br-dmz", "bridge"}
    text = lab.read(profile.filename)
    assert "br-lan" not in text.replace("id=br-lan-enp13s0f0", "")


def test_case_31_an_unmanaged_nic_is_told_and_recovers_by_itself(make_lab: MakeLab) -> None:
    """Case 31: br-dmz's NIC is unmanaged; br-lan is fine; NetworkManager's files stay."""
    config = f"[device-dmz]\nmatch-device=interface-name:{DMZ_NIC}\nmanaged=0\n"
    lab = make_lab(config=config)
    with agent_on(lab) as agent:
        agent.start(LAYOUT)
        agent.wait_condition(f"port/{DMZ_NIC}", "blocked")
        assert "unmanaged" in agent.object(f"port/{DMZ_NIC}")["reason"]
        assert DMZ_NIC in agent.object(f"port/{DMZ_NIC}")["remedy"]
        assert lab.controller(LAN_NIC) == "br-lan"
        assert agent.condition("bridge/br-lan") == "converged"
        assert lab.link("br-dmz") is not None
        # A veth that is down stays unmanaged whatever one says.
        lab.sh(f"ip link set {DMZ_NIC} up; nmcli device set {DMZ_NIC} managed yes")
        wait_until(lambda: lab.controller(DMZ_NIC) == "br-dmz", 15)
        agent.wait_converged()
        assert config in lab.read("/run/lab/nm.conf")


def test_case_31_an_unmanaged_bridge_gets_its_port_without_networkmanager(
    make_lab: MakeLab,
) -> None:
    """Case 31: the bridge is in unmanaged-devices: the kernel is right, and what the next boot will
    not do is told."""
    lab = make_lab(config="[keyfile]\nunmanaged-devices=interface-name:br-dmz\n")
    with agent_on(lab) as agent:
        agent.converge(LAYOUT)
        assert reference_is_right(lab)
        assert lab.devices()["br-dmz"] == "unmanaged"
        assert "br-dmz" in agent.finding("unmanaged")


def test_our_profiles_are_put_right_whatever_was_done_to_them(
    lab: NetnsLab, running: Agent
) -> None:
    """Tied to another card, in memory only: the next boot is as declared again, and no second
    profile was made."""
    before = lab.standing("br-lan", "br-dmz", LAN_NIC, DMZ_NIC)
    lab.sh(f"""
        nmcli con mod br-lan connection.interface-name br-other
        nmcli con mod br-lan-{LAN_NIC} connection.interface-name enp8s0
        nmcli con mod --temporary br-dmz-{DMZ_NIC} connection.zone work
    """)

    def right() -> bool:
        for name in ("br-lan", LAN_NIC, DMZ_NIC):
            (profile,) = profiles_of(lab, name)
            assert profile.filename.startswith("/etc/"), profile
        return lab.profile(f"br-dmz-{DMZ_NIC}")["connection.zone"] == "work"

    wait_until(right, 15)
    running.wait_converged()
    assert lab.standing("br-lan", "br-dmz", LAN_NIC, DMZ_NIC) == before


def test_case_38_a_boot_time_profile_that_comes_again_and_again(
    lab: NetnsLab, running: Agent
) -> None:
    """Case 38: a foreign profile in /run for the NIC, written anew at every boot: it never wins."""
    path = f"{RUN}/cloud-init-{LAN_NIC}.nmconnection"
    text = f"""[connection]
id=cloud-init {LAN_NIC}
uuid=33333333-3333-4333-8333-333333333333
type=ethernet
interface-name={LAN_NIC}
autoconnect-priority=120
[ipv4]
method=auto
"""
    for _ in range(2):
        lab.nm("stop")
        lab.write(path, text, mode=0o600)
        lab.nm("start")
        wait_until(lambda: not rival(lab).autoconnect, 15, "put out of the way")
        wait_until(lambda: lab.controller(LAN_NIC) == "br-lan", 15)
        running.wait_converged()
        assert lab.exists(path), "the file of somebody else"
        assert "cloud-init" in str(running.object(f"port/{LAN_NIC}")["last_repair"])
    lab.nm("restart")
    running.wait_converged()
    assert reference_is_right(lab)


def rival(lab: NetnsLab) -> Profile:
    """The profile that cloud-init wrote."""
    return next(p for p in lab.profiles() if p.uuid.startswith("33333333-"))


def test_five_starts_make_no_second_profile(lab: NetnsLab, agent: Agent) -> None:
    """Duplicate profiles, five runs: an agent that is killed at once each time, and five applies
    without an agent."""
    agent.declare(LAYOUT)
    for _ in range(5):
        lab.run(*lab.bridgedctl, "apply", check=False)
    agent.converge()
    for name in ("br-lan", "br-dmz", LAN_NIC, DMZ_NIC):
        assert len(profiles_of(lab, name)) == 1
