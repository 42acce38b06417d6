"""Kernel parameters among others who write them too.  Of /proc/sys the laboratory has net for
itself; the rest but fs.inotify is read-only, which is a case of its own."""

import time

from tests.lab.netns import NetnsLab
from tests.lab.node import wait_until
from tests.lab.watch import watching
from tests.netns.agent import LAYOUT, Agent, reference_is_right

FORWARD = "net.ipv4.ip_forward"
NF_KEYS = [f"net.bridge.bridge-nf-call-{name}" for name in ("iptables", "ip6tables", "arptables")]


def wait_for_value(lab: NetnsLab, key: str, value: str) -> None:
    """Waits until a parameter is right."""
    wait_until(lambda: lab.sysctl(key) == value, 10, f"{key} = {value}")


def test_cases_12_and_13_another_value_is_found_by_looking(lab: NetnsLab, running: Agent) -> None:
    """Cases 12, 13: systemd-sysctl or TuneD writes 0 and tells nobody; restored once, counted once,
    and files of others are as they were."""
    lab.write("/etc/sysctl.d/99-openshift.conf", f"{FORWARD} = 0\n")
    lab.run("sysctl", "-q", "-p", "/etc/sysctl.d/99-openshift.conf")
    wait_until(lambda: lab.sysctl(FORWARD) == "1", 10)
    running.wait_converged()
    done = [r for r in running.status()["repairs"] if r["object"] == f"sysctl/{FORWARD}"]
    assert len(done) == 2, "at the start, and now"
    assert lab.read("/etc/sysctl.d/99-openshift.conf") == f"{FORWARD} = 0\n"


def test_case_12_a_file_that_wins_at_boot_is_named(lab: NetnsLab, running: Agent) -> None:
    """Case 12: ours sorts last; what sorts behind it even so is a finding."""
    lab.write("/etc/sysctl.d/zzz-later.conf", f"{FORWARD} = 0\n")
    wait_until(lambda: running.next_pass() and "zzz-later" in running.finding("boot-sysctl"), 10)


def test_case_14_a_rival_is_named_and_writes_are_bounded(lab: NetnsLab, running: Agent) -> None:
    """Case 14 and rule 11: something writes 0 ten times a second: contended, few writes, all else
    goes on; when it stops, the value is right again."""
    rival = lab.spawn("bash", "-c", f"while :; do sysctl -q -w {FORWARD}=0; sleep 0.1; done")
    wait_until(lambda: running.condition(f"sysctl/{FORWARD}") == "contended", 30)
    before = running.logged("repaired")
    lab.sh("ip link set br-dmz type bridge stp_state 1")
    wait_until(lambda: lab.bridge_data("br-dmz")["stp_state"] == 0, 10)
    time.sleep(5)
    assert running.logged("repaired") - before < 10, "one every 100 ms would be 50"
    assert reference_is_right(lab)
    rival.kill()
    wait_until(lambda: lab.sysctl(FORWARD) == "1", 40)


def test_case_16_whitespace_between_values_is_no_drift(lab: NetnsLab, agent: Agent) -> None:
    """Case 16: written with a space, shown with a tab."""
    agent.converge(f"{LAYOUT}sysctls: {{net.ipv4.ip_local_port_range: '1024 65535'}}\n")
    assert lab.sysctl("net.ipv4.ip_local_port_range") == "1024\t65535"
    with watching(lab, ["/proc/sys/net/ipv4/ip_local_port_range"]) as seen:
        agent.next_pass()
        agent.restart()
    assert seen.still, seen


def test_case_19_forwarding_that_is_on_is_not_written(lab: NetnsLab, running: Agent) -> None:
    """Case 19: never 1, 0, 1: forwarding set by hand on one interface survives passes and
    restarts."""
    lab.run("sysctl", "-w", "net/ipv4/conf/br-dmz/forwarding=0")
    with watching(lab) as seen:
        running.next_pass()
        running.restart()
        running.next_pass()
    assert seen.still, seen
    assert lab.sysctl("net/ipv4/conf/br-dmz/forwarding") == "0"


def test_case_17_a_truth_value_never_reaches_the_kernel_as_a_word(
    lab: NetnsLab, running: Agent
) -> None:
    """Case 17: refused at load, and the value stays."""
    running.declare(f"{LAYOUT}sysctls: {{{FORWARD}: yes}}\n")
    wait_until(lambda: not running.status()["state"]["valid"], 10)
    assert FORWARD in " ".join(running.status()["state"]["problems"])
    assert lab.sysctl(FORWARD) == "1"


def test_case_18_a_minimum_leaves_more_alone_and_an_exact_value_does_not(
    lab: NetnsLab, agent: Agent
) -> None:
    """Case 18: both forms exist, and each does what it says."""
    key = "fs.inotify.max_user_watches"
    lab.run("sysctl", "-w", f"{key}=2097152")
    agent.converge(f"{LAYOUT}sysctls: {{{key}: {{at-least: 1048576}}}}\n")
    assert lab.sysctl(key) == "2097152"
    agent.converge(f"{LAYOUT}sysctls: {{{key}: 1048576}}\n")
    assert lab.sysctl(key) == "1048576"


def test_case_22_a_read_only_key_is_a_matter_of_permission(lab: NetnsLab, agent: Agent) -> None:
    """Case 22: EROFS is told as such, once; everything else converges."""
    agent.start(f"{LAYOUT}sysctls: {{kernel.panic: 7, {FORWARD}: 1}}\n")
    wait_until(lambda: agent.condition("sysctl/kernel.panic") in {"failed", "blocked"}, 15)
    wait_until(lambda: reference_is_right(lab), 15)
    assert "ead-only" in agent.object("sysctl/kernel.panic")["reason"]
    assert lab.sysctl(FORWARD) == "1"
    time.sleep(3)
    lines = [line for line in agent.log.splitlines() if "kernel.panic" in line]
    assert len(lines) <= 3, lines


def test_case_20_all_three_bridge_keys_are_kept_and_no_rule_is_touched(
    lab: NetnsLab, agent: Agent
) -> None:
    """Cases 3, 20: 0 is kept at 0 whatever the kernel's default; 1 is kept at 1 and told as what it
    means for guests.  Needs a kernel with br_netfilter built in."""
    if lab.sysctl(NF_KEYS[0]) is None:
        agent.start(f"{LAYOUT}sysctls: {{{NF_KEYS[0]}: 0}}\n")
        assert agent.condition(f"sysctl/{NF_KEYS[0]}") == "unavailable"
        return
    off = "".join(f"  {key}: 0\n" for key in NF_KEYS)
    agent.converge(f"{LAYOUT}sysctls:\n{off}")
    for key in NF_KEYS:
        lab.run("sysctl", "-w", f"{key}=1")
        wait_for_value(lab, key, "0")
    assert agent.finding("bridge-nf-call") == ""
    agent.converge(f"{LAYOUT}sysctls:\n{off.replace(': 0', ': 1')}")
    assert [lab.sysctl(key) for key in NF_KEYS] == ["1", "1", "1"]
    assert "firewall" in agent.finding("bridge-nf-call")


def test_case_6_a_module_that_is_built_in_is_there(lab: NetnsLab, agent: Agent) -> None:
    """Cases 6, 10: no /proc/modules, no modprobe, and the keys prove br_netfilter."""
    agent.start(f"{LAYOUT}modules: [br_netfilter, no_such_module]\n")
    if lab.sysctl(NF_KEYS[0]) is not None:
        assert agent.condition("module/br_netfilter") == "converged"
    wait_until(lambda: agent.condition("module/no_such_module") in {"failed", "blocked"}, 15)
    wait_until(lambda: reference_is_right(lab), 15)
    assert lab.read("/etc/modules-load.d/bridged.conf").endswith("br_netfilter\nno_such_module\n")


def test_a_sysctl_of_a_declared_interface_follows_it(lab: NetnsLab, running: Agent) -> None:
    """A key of an interface that is made anew is set on the new one."""
    key = "net/ipv4/conf/br-dmz/arp_ignore"
    running.converge(f"{LAYOUT}sysctls: {{{key}: 1}}\n")
    assert lab.sysctl(key) == "1"
    lab.sh("ip link del br-dmz")
    wait_until(lambda: lab.sysctl(key) == "1", 15)
    running.wait_converged()
