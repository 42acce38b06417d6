"""Unknown keys: the place of the key, and the word that was meant."""

import pytest

from tests.unit.desired.support import at, bridge, port, problem

ROOT = "version: 1\nmodules: [kvm]\n"


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("sysctl", "sysctls"),
        ("module", "modules"),
        ("bridge", "bridges"),
        ("Bridges", "bridges"),
        ("brigdes", "bridges"),
        ("protected", "protect"),
        ("kernel_modules", "modules"),
    ],
)
def test_a_misspelt_section_is_named_with_the_right_word(key: str, meant: str) -> None:
    found = problem(f"{ROOT}{key}: {{}}\n")
    assert at(found) == (3, 1)
    assert found.message == f"unknown key `{key}`"
    assert found.remedy == f"did you mean `{meant}`?"


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("port", "ports"),
        ("slaves", "ports"),
        ("members", "ports"),
        ("interfaces", "ports"),
        ("spt", "stp"),
        ("STP", "stp"),
        ("vlan_filtering", "vlan-filtering"),
        ("forward_delay", "forward-delay"),
        ("mac-address", "mac"),
        ("ageing", "ageing-time"),
        ("aging-time", "ageing-time"),
        ("ip4", "ipv4"),
        ("multicast_snoopin", "multicast-snooping"),
    ],
)
def test_a_misspelt_key_of_a_bridge_is_named_with_the_right_word(key: str, meant: str) -> None:
    found = problem(bridge(f"mtu: 1500, {key}: 1"))
    assert at(found) == (3, 18)
    assert found.message == f"unknown key `{key}` in `b`"
    assert found.remedy == f"did you mean `{meant}`?"


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("vlan_id", "vlan"),
        ("vlan-id", "vlan"),
        ("id", "vlan"),
        ("tag", "vlan"),
        ("dev", "parent"),
        ("link", "parent"),
        ("base-iface", "parent"),
        ("ifname", "name"),
        ("nmae", "name"),
        ("path_cost", "path-cost"),
        ("cost", "path-cost"),
        ("hairpin-mode", "hairpin"),
    ],
)
def test_a_misspelt_key_of_a_port_is_named_with_the_right_word(key: str, meant: str) -> None:
    found = problem(port(f"mtu: 1500, {key}: 1"))
    assert at(found) == (3, 27)
    assert found.message == f"unknown key `{key}` in an item of `ports`"
    assert found.remedy == f"did you mean `{meant}`?"


@pytest.mark.parametrize("key", ["mac", "hwaddr", "mac_address"])
@pytest.mark.parametrize("card", ["name: enp1", "vlan: 6, parent: enp1"])
def test_the_address_of_a_card_is_not_declared_and_can_only_tell_it(key: str, card: str) -> None:
    found = problem(port(f"{card}, {key}: 52:54:00:12:34:56"))
    assert at(found) == (3, 18 + len(card))
    assert found.message == f"unknown key `{key}` in an item of `ports`"
    assert "write `match: {mac: ADDRESS}` in place of `name`" in found.remedy


@pytest.mark.parametrize("key", ["lldp", "trunk-tags", "xyz"])
def test_for_a_key_like_no_other_the_valid_ones_are_listed(key: str) -> None:
    found = problem(bridge(f"{key}: 1"))
    assert at(found) == (3, 7)
    assert found.remedy.startswith("valid here: ports, ipv4, ipv6, mac, mtu, stp, ")


@pytest.mark.parametrize(
    "key", ["nf_call_iptables", "nf-call-ip6tables", "bridge-nf-call-arptables"]
)
def test_the_switch_of_one_bridge_that_the_kernel_ignores_is_refused(key: str) -> None:
    found = problem(bridge(f"{key}: 0"))
    name = key.replace("_", "-").removeprefix("bridge-")
    assert f"declare net.bridge.bridge-{name} under `sysctls`" in found.remedy


def test_a_key_in_the_wrong_place_is_told_its_place() -> None:
    found = problem(f"{ROOT}ports: [enp1]\n")
    assert at(found) == (3, 1)
    assert found.remedy == "`ports` belongs to a bridge; look at the indentation"


@pytest.mark.parametrize("key", ["vlan", "vlans"])
def test_a_vlan_of_a_bridge_is_told_where_vlans_go(key: str) -> None:
    assert "ports: [{vlan: 6, parent: NIC}]" in problem(bridge(f"{key}: 6")).remedy


def test_a_very_long_key_is_shortened() -> None:
    found = problem(f"{ROOT}{'x' * 900}: 1\n")
    assert len(found.message) < 80
    assert max(map(len, str(found).splitlines())) < 160
