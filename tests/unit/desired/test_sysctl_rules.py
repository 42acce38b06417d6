"""What must hold between the sysctls of a state, and between them and its bridges."""

import pytest

from tests.unit.desired.support import at, bridges, load, problem


def test_a_sysctl_of_an_interface_with_a_dot_is_told_how_to_spell_it() -> None:
    found = problem("version: 1\nsysctls:\n  net.ipv6.conf.enp1.6.disable_ipv6: 1\n")
    assert at(found) == (3, 3)
    assert found.remedy == "write net.ipv6.conf.enp1/6.disable_ipv6"


@pytest.mark.parametrize("value", ["0", "'0'", "{at-least: 0}"])
def test_a_sysctl_that_contradicts_a_bridge_is_an_error(value: str) -> None:
    found = problem(bridges("br: {}") + f"sysctls:\n  net.ipv6.conf.br.disable_ipv6: {value}\n")
    assert at(found) == (5, 3)
    assert "contradicts the bridge `br`, whose IPv6 is disabled (line 3)" in found.message


def test_a_sysctl_that_agrees_with_a_bridge_is_accepted() -> None:
    load(bridges("br: {}") + "sysctls: {net.ipv6.conf.br.disable_ipv6: 1}\n")
    load(bridges("br: {ipv6: keep}") + "sysctls: {net.ipv6.conf.br.disable_ipv6: 0}\n")


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("net.ipv4.ip_forward: 1", "net.ipv4.conf.all.forwarding: 0", "is the same parameter as"),
        ("net.nf_conntrack_max: 1", "net.netfilter.nf_conntrack_max: 2", "is the same parameter"),
        ("vm.dirty_ratio: 20", "vm.dirty_bytes: 100000000", "exclude each other"),
        ("vm.overcommit_kbytes: {at-least: 5}", "vm.overcommit_ratio: 50", "exclude each other"),
        ("user.max_inotify_watches: 1", "fs.inotify.max_user_watches: 2", "the same parameter"),
        ("user.max_inotify_instances: 1", "fs.inotify.max_user_instances: 2", "the same parameter"),
        ("user.max_fanotify_groups: 1", "fs.fanotify.max_user_groups: 2", "the same parameter"),
        ("user.max_fanotify_marks: 1", "fs.fanotify.max_user_marks: 2", "the same parameter"),
        (
            "net.nf_conntrack_max: {at-least: 262144}",
            "net.netfilter.nf_conntrack_max: 131072",
            "is the same parameter as",
        ),
        (
            "net.netfilter.nf_conntrack_max: '131072'",
            "net.nf_conntrack_max: {at-least: 262144}",
            "is the same parameter as",
        ),
        (
            "net.ipv4.neigh.default.base_reachable_time: 30",
            "net.ipv4.neigh.default.base_reachable_time_ms: 60000",
            "one number in two units",
        ),
        (
            "net/ipv6/neigh/enp1.6/retrans_time_ms: 1000",
            "net/ipv6/neigh/enp1.6/retrans_time: 250",
            "one number in two units",
        ),
        (
            "net.ipv6.route.gc_min_interval: {at-least: 1}",
            "net.ipv6.route.gc_min_interval_ms: 500",
            "one number in two units",
        ),
    ],
)
def test_two_names_of_one_parameter_cannot_have_two_values(
    first: str, second: str, words: str
) -> None:
    """Case 5: the kernel knows that they are one, we would write them in turn for ever."""
    found = problem(f"version: 1\nsysctls:\n  {first}\n  {second}\n")
    assert words in found.message
    assert found.remedy == "keep one of them"


@pytest.mark.parametrize(
    "rows",
    [
        "net.ipv4.ip_forward: 1\n  net.ipv4.conf.all.forwarding: '1'",
        "vm.dirty_ratio: 0\n  vm.dirty_bytes: 100000000",
        "net.ipv4.ip_forward: 1\n  net.ipv4.conf.default.forwarding: 0",
        "net.nf_conntrack_max: {at-least: 8}\n  net.netfilter.nf_conntrack_max: 8",
        "net.nf_conntrack_max: {at-least: 8}\n  net.netfilter.nf_conntrack_max: {at-least: 9}",
        "net.ipv4.route.gc_min_interval: 2\n  net.ipv4.route.gc_min_interval_ms: 2000",
        "net.ipv4.neigh.a.retrans_time: 1\n  net.ipv4.neigh.b.retrans_time_ms: 1000",
        "net.ipv4.neigh.a.retrans_time: 1\n  net.ipv6.neigh.a.retrans_time_ms: 1000",
        "net.ipv4.route.gc_min_interval: 1\n  net.ipv6.route.gc_min_interval_ms: 1000",
    ],
)
def test_two_names_of_one_parameter_may_agree(rows: str) -> None:
    load(f"version: 1\nsysctls:\n  {rows}\n")
