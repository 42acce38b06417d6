"""The namespace laboratory is what the tests in it take it for."""

import time
from collections.abc import Callable

from tests.lab.byhand import set_up_by_hand
from tests.lab.netns import NetnsLab
from tests.lab.node import WIRE, far, wait_until
from tests.lab.traffic import listening, send, stream
from tests.lab.watch import watching

NICS = {"enp13s0f0", "enp13s0f3", "enp8s0"}


def test_has_the_reference_nics_and_their_far_ends(lab: NetnsLab) -> None:
    assert set(lab.links()) == NICS | {"lo"}
    assert set(lab.links(WIRE)) == {far(nic) for nic in NICS} | {"lo"}
    assert {lab.devices()[nic] for nic in NICS} == {"disconnected"}


def test_runs_the_suites_network_manager_and_python(lab: NetnsLab, suite: str) -> None:
    expected = {"trixie": ((1, 52), (3, 13)), "bookworm": ((1, 42), (3, 11))}
    shown = lab.run(*lab.python, "-c", "import sys; print(*sys.version_info[:2])").stdout
    found = lab.nm_version[:2], tuple(int(part) for part in shown.split())
    assert found == expected.get(suite, found)


def test_has_all_of_bridgeds_dependencies(lab: NetnsLab) -> None:
    lab.run(
        *lab.python,
        "-c",
        "import gi, pydbus, pyroute2, pydantic, watchfiles, structlog, prometheus_client, yaml;"
        "assert pydantic.VERSION >= '2.10'; import bridged",
    )


def test_the_checkout_is_there_and_cannot_be_written(lab: NetnsLab) -> None:
    assert lab.exists(f"{lab.source}/pyproject.toml")
    assert lab.run("touch", f"{lab.source}/x", check=False).returncode != 0


def test_the_machines_own_settings_cannot_be_written(lab: NetnsLab) -> None:
    assert lab.run("sysctl", "-w", "kernel.panic=7", check=False).returncode != 0
    before = open("/proc/sys/fs/inotify/max_user_watches").read()  # noqa: SIM115
    lab.run("sysctl", "-w", f"fs.inotify.max_user_watches={int(before) + 1}")
    assert lab.sysctl("fs.inotify.max_user_watches") == str(int(before) + 1)
    assert open("/proc/sys/fs/inotify/max_user_watches").read() == before  # noqa: SIM115


def test_the_owners_manual_steps_give_bridges_with_their_ports(lab: NetnsLab) -> None:
    set_up_by_hand(lab)
    wait_until(lambda: "enp13s0f0" in lab.ports("br-lan"))
    wait_until(lambda: "enp13s0f3" in lab.ports("br-dmz"))
    assert lab.bridge_data("br-lan")["stp_state"] == 0
    names = {profile.name for profile in lab.profiles()}
    assert {"br-lan", "br-lan-slave-1", "br-dmz", "br-dmz-slave-1"} <= names


_MANY_AT_ONCE = """
import socket, subprocess
from tests.lab.demo_links import Links
links = Links()
links._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
lines = "".join(f"link add b{n} up type bridge\\n" for n in range(200))
subprocess.run(["ip", "-batch", "-"], input=lines, text=True, check=True)
while links.wait(0.2) is not None:
    pass
print(sum(link.up for link in links.by_index.values()))
"""


def test_a_judge_that_lost_messages_looks_once_more(lab: NetnsLab) -> None:
    """Else it would wait for ever for what has long been there."""
    done = lab.run("unshare", "-n", *lab.python, "-c", _MANY_AT_ONCE)
    assert done.stdout.split() == ["200"]


def test_a_frame_from_the_far_end_arrives_on_its_bridge_only(lab: NetnsLab) -> None:
    set_up_by_hand(lab)
    guest = lab.add_guest("br-lan", "vnet0")
    with (
        listening(lab, guest.device, netns=guest.netns) as heard,
        listening(lab, "br-dmz") as elsewhere,
    ):
        assert send(lab, far("enp13s0f0"), netns=WIRE, count=20) == 20
    assert (heard.received, heard.tags) == (20, {"none": 20})
    assert elsewhere.received == 0


def test_a_tag_is_seen_where_it_is(lab: NetnsLab) -> None:
    with listening(lab, "enp13s0f3") as heard:
        send(lab, far("enp13s0f3"), netns=WIRE, vlan=6)
    assert heard.tags == {"6": 10}


def test_a_stream_between_guests_is_whole_until_a_port_is_taken_away(lab: NetnsLab) -> None:
    set_up_by_hand(lab)
    one, two = lab.add_guest("br-lan", "vnet0"), lab.add_guest("br-lan", "vnet1")
    with stream(lab, one, two, rate=500) as whole:
        time.sleep(0.5)
    assert whole.sent > 100
    assert whole.lost == 0
    with stream(lab, one, two, rate=500) as torn:
        lab.sh("ip link set vnet1 nomaster; sleep 0.2; ip link set vnet1 master br-lan; sleep 0.2")
    assert torn.lost > 50
    assert torn.longest_gap_ms > 150


def test_the_watch_sees_nothing_on_a_quiet_node(lab: NetnsLab) -> None:
    set_up_by_hand(lab)
    wait_until(lambda: lab.port_state("enp13s0f3") == "forwarding")
    time.sleep(1)  # the bridges' operational state follows within a second
    with watching(lab) as seen:
        lab.profiles()
        lab.links()
        time.sleep(1)
    assert seen.still, seen
    assert seen.total_calls > 0


def test_the_watch_sees_calls_links_files_and_sysctls(lab: NetnsLab) -> None:
    set_up_by_hand(lab)
    with watching(lab) as seen:
        lab.run("nmcli", "connection", "modify", "br-lan", "bridge.stp", "yes")
        lab.run("ip", "link", "set", "br-dmz", "mtu", "1400")
        lab.run("sysctl", "-w", "net.ipv4.ip_forward=1")
    assert any(".Settings.Connection.Update2 " in call for call in seen.changes)
    assert "newlink br-dmz: up mtu=1400 controller=-" in seen.links
    assert any("/system-connections/br-lan.nmconnection" in write for write in seen.files)
    assert "modify /proc/sys/net/ipv4/ip_forward" in seen.files


def test_a_pulled_cable_and_a_restarted_network_manager(lab: NetnsLab) -> None:
    lab.carrier("enp13s0f0", up=False)
    wait_until(lambda: lab.devices()["enp13s0f0"] == "unavailable")
    lab.carrier("enp13s0f0", up=True)
    lab.nm("kill")
    assert lab.run("nmcli", "device", check=False).returncode != 0
    lab.nm("start")
    wait_until(lambda: lab.devices()["enp13s0f0"] == "disconnected")


def test_a_background_process_is_heard_signalled_and_ended(lab: NetnsLab) -> None:
    script = "trap 'echo told; exit 3' TERM; echo up; while :; do sleep 0.05; done"
    process = lab.spawn("sh", "-c", script)
    wait_until(lambda: process.stdout == "up\n")
    done = process.stop()
    assert (done.returncode, done.stdout) == (3, "up\ntold\n")
    killed = lab.spawn("sleep", "60")
    pid = killed.pid
    killed.kill()
    assert not lab.exists(f"/proc/{pid}")


def test_files_are_written_in_place_or_replaced(lab: NetnsLab) -> None:
    def inode() -> str:
        return lab.run("stat", "-c", "%i %a", "/etc/bridged/state.yaml").stdout.strip()

    lab.write("/etc/bridged/state.yaml", "a\n", 0o640)
    first = inode()
    lab.write("/etc/bridged/state.yaml", "b\n", 0o640)
    assert inode() == first
    lab.write("/etc/bridged/state.yaml", "c\n", 0o600, replace=True)
    assert inode() != first
    assert lab.read("/etc/bridged/state.yaml") == "c\n"


def test_nodes_do_not_see_each_other(make_lab: Callable[..., NetnsLab]) -> None:
    one, two = make_lab(), make_lab(nics=["enp8s0"], extra=2, start_nm=False)
    assert set(two.links()) == {"lo", "enp8s0", "port0", "port1"}
    one.run("ip", "link", "add", "br-only", "type", "bridge")
    assert two.link("br-only") is None
    two.nm("start")
    assert "port1" in two.devices()
