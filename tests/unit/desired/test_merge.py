"""Drop-ins: what merges with what, and where a merged thing is said to stand."""

import pytest

from bridged.desired.bridge import Bridge
from bridged.desired.port import Nic, Vlan
from tests.unit.desired.support import FILE, at, load, problem

BASE = """\
version: 1
bridges:
  br-lan: {ports: [enp13s0f0], mtu: 1500}
modules: [kvm, dm-crypt]
sysctls:
  net.ipv4.ip_forward: 0
protect: [enp8s0]
"""


def _bridges(*texts: str) -> dict[str, Bridge]:
    return dict(load(*texts).state.bridges or {})


def test_a_drop_in_adds_a_bridge() -> None:
    assert list(_bridges(BASE, "bridges: {br-dmz: {ports: [enp13s0f3]}}\n")) == ["br-lan", "br-dmz"]


def test_a_bridge_merges_property_by_property_and_the_later_file_wins() -> None:
    bridge = _bridges(BASE, "bridges: {br-lan: {mtu: 9000, stp: yes}}\n")["br-lan"]
    assert (bridge.mtu, bridge.stp, len(bridge.ports)) == (9000, True, 1)


def test_of_several_drop_ins_the_last_one_wins() -> None:
    drop_ins = [f"bridges: {{br-lan: {{mtu: {mtu}}}}}\n" for mtu in (2000, 3000, 4000)]
    assert _bridges(BASE, *drop_ins)["br-lan"].mtu == 4000


def test_ports_merge_by_device_and_new_ones_are_added() -> None:
    drop_in = "bridges: {br-lan: {ports: [{name: enp13s0f0, mtu: 1400}, enp13s0f1]}}\n"
    assert _bridges(BASE, drop_in)["br-lan"].ports == (
        Nic(name="enp13s0f0", mtu=1400),
        Nic(name="enp13s0f1"),
    )


def test_a_vlan_merges_with_its_device_name() -> None:
    vlan = "version: 1\nbridges: {b: {ports: [{vlan: 6, parent: enp1}]}}\n"
    drop_in = "bridges: {b: {ports: [{name: enp1.6, gvrp: yes}]}}\n"
    assert _bridges(vlan, drop_in)["b"].ports == (
        Vlan(vlan=6, parent="enp1", name="enp1.6", gvrp=True),
    )


def test_modules_are_united_whatever_their_spelling() -> None:
    merged = load(BASE, "modules: [dm_crypt, overlay]\n").state
    assert merged.modules == ("kvm", "dm_crypt", "overlay")


def test_protected_interfaces_are_united() -> None:
    assert load(BASE, "protect: [enp8s0, enp9s0]\n").state.protect == ("enp8s0", "enp9s0")


def test_sysctls_merge_by_the_parameter_and_not_by_the_spelling() -> None:
    merged = load(BASE, "sysctls: {net/ipv4/ip_forward: 1}\n").state
    assert merged.sysctls == {"net/ipv4/ip_forward": 1}


def test_a_minimum_gives_way_to_a_value_and_back() -> None:
    minimum = "sysctls: {net.ipv4.ip_forward: {at-least: 1}}\n"
    assert load(BASE, minimum).data["sysctls"] == {"net/ipv4/ip_forward": {"at-least": 1}}
    value = "sysctls: {net.ipv4.ip_forward: 1}\n"
    assert load(BASE, minimum, value).data["sysctls"] == {"net/ipv4/ip_forward": 1}


def test_the_state_file_can_leave_everything_to_its_drop_ins() -> None:
    assert load("version: 1\n", "modules: [kvm]\n").state.modules == ("kvm",)


def test_a_drop_in_may_write_the_version_if_it_is_the_same() -> None:
    load(BASE, "version: 1\nmodules: []\n")
    found = problem(BASE, "version: 2\nmodules: []\n")
    assert found.file.endswith("state.d/10.yaml")
    assert at(found) == (1, 10)


def test_the_version_must_stand_in_the_state_file_itself() -> None:
    assert problem("modules: []\n", "version: 1\n").file == FILE


@pytest.mark.parametrize("drop_in", ["", "# nothing\n", "null\n"])
def test_an_empty_drop_in_is_an_error_since_it_may_be_unfinished(drop_in: str) -> None:
    assert problem(BASE, drop_in).file.endswith("state.d/10.yaml")


@pytest.mark.parametrize(
    "drop_in",
    ["version: 1\n", "{}\n", "when: {hostname: [a]}\n", "version: 1\nwhen: {hostname: [a]}"],
)
def test_a_drop_in_cut_off_behind_its_head_is_no_wish_for_nothing(drop_in: str) -> None:
    """Case 61: what it declared would be taken away."""
    found = problem(BASE, drop_in)
    assert (found.file, *at(found)) == ("/etc/bridged/state.d/10.yaml", 1, 1)
    assert found.message == "the file declares nothing"
    assert found.remedy.startswith("declare something, or delete the drop-in")


@pytest.mark.parametrize("drop_in", ["protect: [enp9s0]\n", "modules: []\n", "probes: []\n"])
def test_a_drop_in_need_not_declare_much(drop_in: str) -> None:
    load(BASE, drop_in)


def test_a_mistake_in_a_value_that_a_later_file_replaces_is_still_a_mistake() -> None:
    assert at(problem("version: 1\nsysctls: {a.b: yes}\n", "sysctls: {a.b: 1}\n")) == (2, 16)


def test_a_violation_between_two_files_names_both_of_them() -> None:
    found = problem(BASE, "# more\nbridges:\n  br-x: {ports: [enp13s0f0]}\n")
    assert (found.file, *at(found)) == ("/etc/bridged/state.d/10.yaml", 3, 18)
    assert f"of `br-lan` already ({FILE}:3)" in found.message


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (
            "sysctls:\n  net.bridge.bridge-nf-call-iptables: 0\n"
            "  net/bridge/bridge-nf-call-iptables: 1\n",
            (4, 3),
            "`net/bridge/bridge-nf-call-iptables` and `net.bridge.bridge-nf-call-iptables` "
            "in line 3 are the same parameter",
        ),
        (
            "sysctls:\n  net.ipv6.conf.enp13s0f0/6.disable_ipv6: 1\n"
            "  net/ipv6/conf/enp13s0f0.6/disable_ipv6: 1\n",
            (4, 3),
            "in line 3 are the same parameter",
        ),
        (
            "modules:\n- dm-crypt\n- dm_crypt\n",
            (4, 3),
            'the module "dm_crypt" is listed twice, first in line 3 (as "dm-crypt")',
        ),
        ("modules: [kvm, kvm]\n", (2, 16), 'the module "kvm" is listed twice'),
        ("modules: []\nprotect: [a, a]\n", (3, 14), 'the interface "a" is listed twice'),
        (
            "bridges:\n  b: {ports: [enp1, {name: enp1, mtu: 1500}]}\n",
            (3, 21),
            "`enp1` is listed twice as a port of this bridge, first in line 3",
        ),
        (
            "bridges:\n  b: {ports: [enp1.6, {vlan: 6, parent: enp1}]}\n",
            (3, 23),
            "`enp1.6` is listed twice",
        ),
    ],
)
def test_the_same_thing_twice_in_one_file_is_an_error_in_any_spelling(
    text: str, place: tuple[int, int], words: str
) -> None:
    found = problem("version: 1\n" + text)
    assert at(found) == place
    assert words in found.message


def test_the_first_separator_of_a_sysctl_key_decides() -> None:
    text = "net/bridge/a: 1, net.ipv6.conf.enp13s0f0/6.b: 1, net/ipv6/conf/enp13s0f0.6/c: 1"
    assert list(load(f"version: 1\nsysctls: {{{text}}}\n").state.sysctls or {}) == [
        "net/bridge/a",
        "net/ipv6/conf/enp13s0f0.6/b",
        "net/ipv6/conf/enp13s0f0.6/c",
    ]


@pytest.mark.parametrize(
    ("key", "remedy"),
    [
        ("foo", ""),
        ("/proc/sys/net/ipv4/ip_forward", "write net/ipv4/ip_forward"),
        ("-net.ipv4.ip_forward", "write net.ipv4.ip_forward: and the value behind it"),
        ("net.ipv4.ip_forward=1", "write net.ipv4.ip_forward: and the value behind it"),
        ("net.ipv4.conf.*.forwarding", ""),
        ("net..ipv4", ""),
        ("net/../kernel/panic", ""),
        ("net.ipv4.", ""),
        ("net.ipv4 .x", ""),
    ],
)
def test_what_names_no_parameter_is_refused(key: str, remedy: str) -> None:
    found = problem(f"version: 1\nsysctls:\n  '{key}': 1\n")
    assert at(found) == (3, 3)
    assert found.remedy == remedy


def test_the_place_of_every_object_can_be_asked() -> None:
    loaded = load(BASE, "bridges:\n  br-web:\n    ports:\n    - {vlan: 6, parent: enp1}\n")
    drop_in = "/etc/bridged/state.d/10.yaml"
    assert loaded.where("bridges", "br-lan") == f"{FILE}:3"
    assert loaded.where("bridges", "br-lan", "mtu") == f"{FILE}:3"
    assert loaded.where("bridges", "br-lan", "ports", "enp13s0f0") == f"{FILE}:3"
    assert loaded.where("bridges", "br-web") == f"{drop_in}:2"
    assert loaded.where("bridges", "br-web", "ports", "enp1.6", "vlan") == f"{drop_in}:4"
    assert loaded.where("modules", "dm_crypt") == f"{FILE}:4"
    assert loaded.where("sysctls", "net/ipv4/ip_forward") == f"{FILE}:6"
    assert loaded.where("protect", "enp8s0") == f"{FILE}:7"
    assert loaded.where("bridges", "br-x") == ""
    assert loaded.where("bridges", "br-lan", "stp") == ""
