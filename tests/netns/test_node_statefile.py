"""The state file as it is really written: editors, ConfigMaps, half files, too few watches."""

import time

from tests.lab.netns import NetnsLab
from tests.lab.node import wait_until
from tests.netns.agent import LAN_NIC, LAYOUT, STATE, Agent, agent_on, reference_is_right

ALL = ("br-lan", "br-dmz", "enp13s0f0", "enp13s0f3")


def ageing(lab: NetnsLab) -> int:
    """Seconds, as the kernel has it for br-lan."""
    return int(lab.bridge_data("br-lan")["ageing_time"]) // 100


def wait_for_ageing(lab: NetnsLab, seconds: int) -> None:
    """Waits until the kernel has it so."""
    wait_until(lambda: ageing(lab) == seconds, 10, f"{seconds} s")


def aged(seconds: int) -> str:
    """A state that can be told from others by the ageing time of br-lan."""
    return LAYOUT.replace("[enp13s0f0]", f"[enp13s0f0], ageing-time: {seconds}")


def test_case_57_an_editor_replaces_the_file_again_and_again(lab: NetnsLab, running: Agent) -> None:
    """Case 57: renamed over it three times, then written in place: each one is seen."""
    for seconds in (101, 102, 103):
        lab.write(STATE, aged(seconds), replace=True)
        wait_for_ageing(lab, seconds)
    lab.write(STATE, aged(104))
    wait_for_ageing(lab, 104)
    running.wait_converged()


def test_case_58_the_links_of_a_config_map_are_swapped(lab: NetnsLab, agent: Agent) -> None:
    """Case 58: state.yaml is a link through ..data; the swap names neither, the times are equal,
    and swapping to the same content does nothing."""
    lab.sh("mkdir -p /etc/bridged/..v1 && cd /etc/bridged && ln -s ..v1 ..data "
           "&& ln -s ..data/state.yaml state.yaml")  # fmt: skip
    lab.write("/etc/bridged/..v1/state.yaml", aged(101))
    agent.spawn()
    agent.wait_converged()
    for number, seconds in ((2, 102), (3, 103), (4, 103)):
        lab.write(f"/etc/bridged/..v{number}/state.yaml", aged(seconds))
        lab.sh(f"""
            cd /etc/bridged
            touch -d 2026-01-01 ..v*/state.yaml
            ln -s ..v{number} ..data_tmp && mv -T ..data_tmp ..data
        """)
        wait_for_ageing(lab, seconds)
    agent.next_pass()
    assert agent.logged("state_loaded") == 3, "the same content is no news"


def test_case_61_a_half_written_file_changes_nothing(lab: NetnsLab, running: Agent) -> None:
    """Case 61 and rule 8: truncated, empty, comments, null, a list, two documents, deleted: told
    once, the last good state stays in force, and nothing is removed."""
    before = lab.standing(*ALL)
    for text in ("", "# nothing\n", "null\n", "[]\n", f"{LAYOUT}---\n{LAYOUT}", "bridges: {br-la"):
        lab.write(STATE, text)
        wait_until(lambda: not running.status()["state"]["valid"], 10, repr(text))
        running.next_pass()
        assert running.status()["state"]["source"] == "last-good"
        lab.write(STATE, LAYOUT)
        wait_until(lambda: running.status()["state"]["valid"], 10)
    lab.run("rm", STATE)
    wait_until(lambda: not running.status()["state"]["valid"], 10)
    lab.sh("ip link set br-lan type bridge stp_state 1")
    wait_until(lambda: lab.bridge_data("br-lan")["stp_state"] == 0, 10, "still in force")
    lab.write(STATE, "")
    time.sleep(0.3)
    lab.write(STATE, aged(105))
    wait_for_ageing(lab, 105)
    running.wait_converged()
    assert lab.standing(*ALL) == before


def test_rule_8_the_last_good_state_survives_a_restart(lab: NetnsLab, running: Agent) -> None:
    """Rule 8: started on a broken file, the agent keeps what was in force before."""
    running.stop()
    lab.write(STATE, "bridges: [\n")
    running.start()
    status = running.status()
    assert (status["state"]["source"], status["state"]["valid"]) == ("last-good", False)
    lab.sh("ip link del br-dmz")
    wait_until(lambda: reference_is_right(lab), 15)


def test_rule_8_without_any_good_state_nothing_happens(lab: NetnsLab, agent: Agent) -> None:
    """Rule 8: a first start on a broken file makes nothing, and the file's repair is noticed."""
    agent.declare("bridges: [\n")
    agent.start()
    assert not agent.status()["state"]["valid"]
    assert set(lab.links()) == {"lo", "enp13s0f0", "enp13s0f3", "enp8s0"}
    agent.declare(LAYOUT)
    wait_until(lambda: reference_is_right(lab), 15)


def test_rule_8_an_unsafe_file_is_refused(lab: NetnsLab, running: Agent) -> None:
    """Rule 8: writable by others."""
    lab.write(STATE, aged(106), mode=0o666, replace=True)
    wait_until(lambda: not running.status()["state"]["valid"], 10)
    assert ageing(lab) == 300
    lab.run("chmod", "644", STATE)
    wait_for_ageing(lab, 106)


def test_cases_62_to_64_what_cannot_be_meant_is_refused_with_its_place(
    lab: NetnsLab, running: Agent
) -> None:
    """Cases 5, 62, 63, 64: duplicate keys, other types, unknown words: line, column and remedy."""
    for text, line, word in (
        (f"{LAYOUT}bridges: {{}}\n", 5, "bridges"),
        (LAYOUT.replace("[enp13s0f0]", "[enp13s0f0], stp: 'no'"), 3, "stp"),
        (LAYOUT.replace("ports: [enp13s0f0]", "port: [enp13s0f0]"), 3, "ports"),
        (LAYOUT.replace("[enp13s0f0]", "[{vlan: 010, parent: enp13s0f0}]"), 3, "010"),
        (
            f"{LAYOUT}sysctls:\n  net.ipv4.ip_forward: 0\n  net/ipv4/ip_forward: 1\n",
            7,
            "net/ipv4/ip_forward",
        ),
    ):
        lab.write(STATE, text, replace=True)

        def told(place: str = f"state.yaml:{line}:", meant: str = word) -> bool:
            problems = " ".join(running.status()["state"]["problems"])
            return place in problems and meant in problems

        wait_until(told, 10, text)
        checked = lab.run(*lab.bridgedctl, "validate", STATE, check=False)
        assert checked.returncode == 1
        assert f"state.yaml:{line}:" in checked.stdout + checked.stderr
    assert reference_is_right(lab)


def test_drop_ins_are_followed(lab: NetnsLab, running: Agent) -> None:
    """A drop-in appears, changes and goes, while the agent runs."""
    running.converge(LAYOUT)
    path = "/etc/bridged/state.d/50-more.yaml"
    for seconds in (111, 112):
        lab.write(path, f"bridges: {{br-lan: {{ageing-time: {seconds}}}}}\n", replace=True)
        wait_for_ageing(lab, seconds)
    lab.run("rm", path)
    wait_until(lambda: "ageing" not in running.ctl("plan") and running.status()["converged"], 10)


def test_case_60_without_a_free_watch_the_agent_starts_polls_and_recovers(
    lab: NetnsLab,
) -> None:
    """Case 60: all inotify instances of its user are taken: sysctls are applied, the file is
    polled; with one free again it is watched.

    The agent runs as a user of its own with the rights that it needs, for the limit counts per user
    and the machine's others are not to be harmed.
    """
    user = "9"
    lab.sh(f"""
        mkdir -p /run/bridged /var/lib/bridged /etc/bridged /etc/sysctl.d /etc/modules-load.d
        chown {user} /run/bridged /var/lib/bridged /etc/sysctl.d /etc/modules-load.d
        chown {user} /proc/sys/fs/inotify/*
    """)
    hog = lab.spawn("setpriv", f"--reuid={user}", "--clear-groups", "python3", "-c", _HOG)
    wait_until(lambda: "full" in hog.stdout, 10)
    with agent_on(lab) as agent:
        rights = "+net_admin,+net_raw"
        agent.prefix = (
            "setpriv", f"--reuid={user}", "--clear-groups", f"--inh-caps={rights}",
            f"--ambient-caps={rights}",
        )  # fmt: skip
        agent.converge(f"{LAYOUT}sysctls: {{fs.inotify.max_user_instances: 8192}}\n")
        assert lab.sysctl("fs.inotify.max_user_instances") == "8192"
        assert agent.status()["watch_mode"] == "poll"
        agent.declare(aged(107))
        wait_for_ageing(lab, 107)
        hog.kill()
        wait_until(lambda: agent.status()["watch_mode"] == "inotify", 15)
        agent.declare(aged(108))
        wait_for_ageing(lab, 108)
        assert lab.controller(LAN_NIC) == "br-lan"


_HOG = """
import ctypes, time
libc = ctypes.CDLL(None)
while libc.inotify_init() >= 0:
    pass
print("full", flush=True)
time.sleep(600)
"""
