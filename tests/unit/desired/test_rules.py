"""What must hold between the objects of a state."""

import pytest

from tests.unit.desired.support import at, bridges, load, problem, problems


def test_one_interface_in_two_bridges_is_an_error_naming_both() -> None:
    found = problem(bridges("br-lan: {ports: [enp1]}", "br-x: {ports: [enp1]}"))
    assert at(found) == (4, 18)
    assert found.message == (
        "`enp1` cannot be a port of `br-x`, it is one of `br-lan` already (line 3)"
    )


def test_one_vlan_in_two_bridges_is_an_error() -> None:
    vlan = "{vlan: 6, parent: enp1}"
    found = problem(bridges(f"a: {{ports: [{vlan}]}}", f"b: {{ports: [{vlan}]}}"))
    assert at(found) == (4, 15)
    assert "`enp1.6`" in found.message


def test_a_nic_can_be_a_port_and_the_parent_of_a_vlan() -> None:
    load(bridges("a: {ports: [enp1]}", "b: {ports: [{vlan: 6, parent: enp1}]}"))


def test_one_vlan_under_two_names_is_an_error() -> None:
    found = problem(
        bridges(
            "a: {ports: [{vlan: 6, parent: enp1}]}",
            "b: {ports: [{vlan: 6, parent: enp1, name: web6}]}",
        )
    )
    assert at(found) == (4, 15)
    assert "two names, `enp1.6` (line 3) and `web6`" in found.message


def test_the_same_id_with_another_protocol_or_parent_is_another_vlan() -> None:
    load(
        bridges(
            "a: {ports: [{vlan: 6, parent: enp1}]}",
            "b: {ports: [{vlan: 6, parent: enp1, name: q6, protocol: 802.1ad}]}",
            "c: {ports: [{vlan: 6, parent: enp2}]}",
        )
    )


@pytest.mark.parametrize(
    "rows",
    [
        ("a: {ports: [{vlan: 6, parent: a}]}",),
        ("a: {ports: [{vlan: 6, parent: x, name: x}]}",),
    ],
)
def test_a_vlan_on_itself_is_an_error(rows: tuple[str, ...]) -> None:
    assert at(problem(bridges(*rows))) == (3, 25)


def test_a_loop_through_several_bridges_is_an_error() -> None:
    found = problems(
        bridges(
            "a: {ports: [{vlan: 6, parent: b}]}",
            "b: {ports: [{vlan: 6, parent: c}]}",
            "c: {ports: [{vlan: 6, parent: a}]}",
        )
    )
    assert [at(item) for item in found] == [(3, 25), (4, 25), (5, 25)]


def test_vlans_that_stand_on_each_other_are_an_error() -> None:
    found = problems(
        bridges(
            "a: {ports: [{vlan: 6, parent: y, name: x}]}",
            "b: {ports: [{vlan: 7, parent: x, name: y}]}",
        )
    )
    assert [at(item) for item in found] == [(3, 25), (4, 25)]
    assert found[0].message == "a loop: `x` is a VLAN on `y`, which stands on `x`"
    assert found[0].remedy == "name the interface that carries the tagged frames"


def test_a_vlan_on_another_bridge_or_vlan_is_accepted() -> None:
    load(
        bridges(
            "a: {ports: [enp1]}",
            "b: {ports: [{vlan: 6, parent: a}]}",
            "c: {ports: [{vlan: 7, parent: a.6, name: q7}]}",
        )
    )


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("b: {ports: [{vlan: 100, parent: enp13s0f0np0}]}", 15),
        ("b: {ports: [{vlan: 1, parent: abcdefghijklmn}]}", 15),
    ],
)
def test_a_device_name_made_of_parent_and_id_can_be_too_long(row: str, column: int) -> None:
    found = problem(bridges(row))
    assert at(found) == (3, column)
    assert "has 16 characters, the kernel allows 15" in found.message
    assert "`name: vlan1" in found.remedy


def test_a_vlan_with_a_long_parent_is_accepted_under_a_name_of_its_own() -> None:
    load(bridges("b: {ports: [{vlan: 100, parent: enp13s0f0np0, name: web}]}"))
    load(bridges("b: {ports: [{vlan: 6, parent: enp13s0f0np0}]}"))


def test_a_vlan_on_a_card_told_by_match_needs_no_name() -> None:
    """The label of a `match` is longer than any name, and it is none."""
    vlan = "{vlan: 6, match: {mac: 52:54:00:0d:00:00}}"
    state = load(bridges(f"b: {{ports: [{vlan}, {{vlan: 7, match: {{path: pci-0:1}}}}]}}")).state
    assert [port.known for _, _, port in state.ports()] == [False, False]
    found = problem(bridges(f"a: {{ports: [{vlan}]}}", f"b: {{ports: [{vlan}]}}"))
    assert at(found) == (4, 15)
    assert found.remedy == "remove it from one of the two bridges"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sixteen-letters-", "has 16 characters, the kernel allows 15"),
        ("äöüäöüäö", "has 16 bytes, the kernel allows 15"),
        ("a/b", "contains `/`"),
        ("'a b'", "contains a space"),
        ("'a:b'", "contains `:`"),
        ("a%d", "contains `%`"),
        ("all", "the kernel refuses"),
        ("default", "the kernel refuses"),
        ("'.'", "the kernel refuses"),
        ("..", "the kernel refuses"),
        ("bonding_masters", "the kernel refuses"),
        ("''", "cannot be empty"),
        ('"a\\nb"', "contains `\\n`"),
        ("br-voilà", "contains `à`, whose byte 0xA0 in UTF-8 is a space to the kernel"),
        ("Рига", "contains `Р`, whose byte 0xA0"),
    ],
)
def test_a_name_that_the_kernel_refuses_is_an_error_wherever_it_stands(
    name: str, words: str
) -> None:
    found = problem(bridges(f"{name}: {{}}"))
    assert at(found) == (3, 3)
    assert words in found.message
    for column, row in (
        (15, f"b: {{ports: [{name}]}}"),
        (22, f"b: {{ports: [{{name: {name}}}]}}"),
        (33, f"b: {{ports: [{{vlan: 6, parent: {name}, name: x}}]}}"),
    ):
        found = problem(bridges(row))
        assert at(found) == (3, column)
        assert words in found.message
    assert words in problem(f"version: 1\nmodules: []\nprotect: [{name}]\n").message


@pytest.mark.parametrize("name", ["fifteen-letters", "br-größe", "é"])
def test_a_name_that_the_kernel_takes_is_accepted(name: str) -> None:
    load(bridges(f"{name}: {{}}"))


@pytest.mark.parametrize(
    ("row", "column", "message", "remedy"),
    [
        ("lo: {}", 3, "a bridge cannot be called `lo`", "give it another name"),
        ("b: {ports: [lo]}", 15, "`lo` cannot be a port", "name the network card"),
        ("b: {ports: [{vlan: 6, parent: lo}]}", 25, "carries no VLANs", "name the interface that"),
        ("b: {ports: [{vlan: 6, parent: e, name: lo}]}", 36, "cannot be called", "give it another"),
    ],
)
def test_the_loopback_interface_is_no_part_of_a_bridge(
    row: str, column: int, message: str, remedy: str
) -> None:
    found = problem(bridges(row))
    assert at(found) == (3, column)
    assert message in found.message
    assert found.remedy.startswith(remedy)


def test_the_loopback_interface_may_be_protected() -> None:
    load("version: 1\nmodules: []\nprotect: [lo]\n")


@pytest.mark.parametrize("name", ["a b", "a/b", "a.ko", "", "ä", "a\\nb"])
def test_what_is_no_module_name_is_refused(name: str) -> None:
    found = problem(f'version: 1\nmodules: ["{name}"]\n')
    assert at(found) == (2, 11)
    assert "is not the name of a kernel module" in found.message


def test_a_bridge_as_a_port_of_a_bridge_is_an_error() -> None:
    found = problem(bridges("a: {ports: [b]}", "b: {}"))
    assert at(found) == (3, 15)
    assert found.message == "`b` is a bridge (line 4); a bridge cannot be a port of a bridge"


def test_a_bridge_as_its_own_port_is_an_error() -> None:
    assert problem(bridges("a: {ports: [a]}")).message == "`a` cannot be a port of itself"


def test_a_vlan_with_the_name_of_a_bridge_is_an_error() -> None:
    found = problem(bridges("a: {ports: [{vlan: 6, parent: enp1, name: b}]}", "b: {}"))
    assert at(found) == (3, 15)
    assert found.message == "`b` is the name of this VLAN and of a bridge (line 4)"


def test_a_protected_interface_as_a_port_is_an_error() -> None:
    found = problem(bridges("a: {ports: [enp8s0]}") + "protect: [enp8s0]\n")
    assert at(found) == (3, 15)
    assert found.message == "`enp8s0` is protected (line 4), so it cannot be a port"


def test_a_protected_interface_can_carry_vlans() -> None:
    load(bridges("a: {ports: [{vlan: 6, parent: enp8s0}]}") + "protect: [enp8s0]\n")


@pytest.mark.parametrize(
    ("keys", "column", "words"),
    [
        ("stp: yes, forward-delay: 4", 17, "`max-age` 20 (the default) is more than 2 x"),
        ("stp: yes, max-age: 30", 17, "`max-age` 30 is more than 2 x (`forward-delay` 15 - 1)"),
        ("stp: yes, hello-time: 10", 17, "is less than 2 x (`hello-time` 10 + 1) = 22"),
        ("stp: yes, max-age: 6, hello-time: 3", 17, "`max-age` 6 is less than"),
    ],
)
def test_timers_of_spanning_tree_must_fit_together(keys: str, column: int, words: str) -> None:
    found = problem(bridges(f"b: {{{keys}}}"))
    assert at(found) == (3, column)
    assert words in found.message


@pytest.mark.parametrize(
    "keys",
    [
        "stp: no, forward-delay: 2",
        "stp: yes",
        "stp: yes, forward-delay: 4, hello-time: 1, max-age: 6",
        "stp: yes, forward-delay: 15, hello-time: 2, max-age: 20",
    ],
)
def test_timers_that_fit_or_that_nobody_uses_are_accepted(keys: str) -> None:
    load(bridges(f"b: {{{keys}}}"))


@pytest.mark.parametrize(("mask", "rest"), [(1, 0), (2, 0), (4, 0), (7, 0), (16385, 16384)])
def test_groups_that_the_kernel_never_forwards_are_an_error(mask: int, rest: int) -> None:
    found = problem(bridges(f"b: {{group-forward-mask: {mask}}}"))
    assert at(found) == (3, 7)
    assert found.remedy == f"without them it is {rest}"


def test_other_groups_can_be_forwarded() -> None:
    load(bridges("b: {group-forward-mask: 16384}"))


def test_a_vlan_with_a_larger_mtu_than_its_parent_is_an_error() -> None:
    found = problem(
        bridges(
            "a: {ports: [{name: enp1, mtu: 1500}]}",
            "b: {ports: [{vlan: 6, parent: enp1, mtu: 9000}]}",
        )
    )
    assert at(found) == (4, 39)
    assert found.message == (
        "the MTU of `enp1.6`, 9000, is above that of its parent `enp1`, 1500 (line 3)"
    )


@pytest.mark.parametrize("mtu", ["", ", mtu: 9000"])
def test_a_vlan_can_be_as_large_as_its_parent_or_its_parent_undeclared(mtu: str) -> None:
    load(
        bridges(
            f"a: {{ports: [{{name: enp1{mtu}}}]}}",
            "b: {ports: [{vlan: 6, parent: enp1, mtu: 9000}]}",
        )
    )


def test_an_mtu_is_measured_through_parents_without_one() -> None:
    found = problem(
        bridges(
            "a: {ports: [{name: enp1, mtu: 1500}]}",
            "b: {ports: [{vlan: 6, parent: enp1, name: v6}]}",
            "c: {ports: [{vlan: 7, parent: v6, mtu: 9000}]}",
        )
    )
    assert at(found) == (5, 37)
    assert found.message == "the MTU of `v6.7`, 9000, is above that of `enp1`, 1500 (line 3)"
    assert found.remedy == "write 1500 or less here, or more there"


def test_the_mtu_of_vlans_in_a_loop_is_measured_to_an_end() -> None:
    assert problems(
        bridges(
            "a: {ports: [{vlan: 6, parent: y, name: x, mtu: 9000}]}",
            "b: {ports: [{vlan: 7, parent: z, name: y}]}",
            "c: {ports: [{vlan: 8, parent: y, name: z}]}",
        )
    )


def test_vlan_1_is_not_tagged_while_it_is_the_pvid() -> None:
    row = "b: {vlan-filtering: true, ports: [{name: e1, vlans: [10, 1]%s}]}"
    found = problem(bridges(row % ""))
    assert at(found) == (3, 60)
    assert "VLAN 1 would be untagged here" in found.message
    assert found.remedy == "write pvid: 0 beside it, or pvid: 1 if it is to be untagged"
    for pvid in (0, 1, 5):
        load(bridges(row % f", pvid: {pvid}"))
    load(bridges("b: {vlan-filtering: true, ports: [{name: e1, vlan-ranges: [1-4094]}]}"))


def test_an_isolated_bridge_must_not_drop_untagged_traffic() -> None:
    found = problem(bridges("b: {isolate: true, vlan-default-pvid: 0}"))
    assert at(found) == (3, 22)
    assert "would drop the untagged traffic of guests" in found.message
    assert found.remedy.startswith("remove vlan-default-pvid: 0, or write vlan-filtering: true")
    load(bridges("b: {isolate: true, vlan-default-pvid: 7}"))
    load(bridges("b: {vlan-filtering: true, vlan-default-pvid: 0}"))


def test_a_window_that_closes_when_it_opens_is_an_error() -> None:
    found = problem("version: 1\nmodules: []\nmaintenance: {start: 02:00, end: 02:00}\n")
    assert at(found) == (3, 29)
    assert found.message == "the window is empty: it closes when it opens"
    assert found.remedy.startswith("write another end")
    load("version: 1\nmodules: []\nmaintenance: {start: 23:00, end: 02:00}\n")
