"""What single values mean: strict types, and one sentence for each mistake."""

import pytest

from bridged.desired.bridge import Bridge
from bridged.desired.state import Minimum
from tests.unit.desired.support import at, bridge, load, port, problem, problems, sysctl


def _bridge_of(keys: str) -> Bridge:
    return (load(bridge(keys)).state.bridges or {})["b"]


@pytest.mark.parametrize("word", ["no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"])
def test_every_spelling_of_false_is_false(word: str) -> None:
    assert _bridge_of(f"stp: {word}").stp is False


@pytest.mark.parametrize("word", ["yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"])
def test_every_spelling_of_true_is_true(word: str) -> None:
    assert _bridge_of(f"stp: {word}").stp is True


@pytest.mark.parametrize(
    ("value", "got", "remedy"),
    [
        ("'no'", 'the text "no"', "remove the quotes: no"),
        ('"true"', 'the text "true"', "remove the quotes: true"),
        ("n", "n", "write false"),
        ("Y", "Y", "write true"),
        ("0", "0", "write false"),
        ("1", "1", "write true"),
        ("2", "2", ""),
        ("flase", 'the text "flase"', ""),
        ("1.0", "1.0", ""),
        ("[]", "a list", ""),
        ("{}", "a mapping", ""),
    ],
)
def test_what_is_no_truth_value_is_refused(value: str, got: str, remedy: str) -> None:
    found = problem(bridge(f"stp: {value}"))
    assert at(found) == (3, 12)
    assert found.message.startswith(f"`stp` must be true or false, not {got}")
    assert found.remedy == remedy


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("06", "write 6"),
        ("08", "write 8"),
        ("010", "write 10 (or 8, if it was meant as octal)"),
        ("1_0", "write 10"),
        ("0x10", "write 16"),
        ("0o10", "write 8"),
        ("0b11", "write 3"),
        ("+6", "write 6"),
        ("6.0", "write 6"),
        ("6.", "write 6"),
        ("1e3", "write 1000"),
        ("6.5", ""),
        (".inf", ""),
        (".nan", ""),
        ("'6'", "remove the quotes: 6"),
        ("yes", ""),
        ("true", ""),
        ("six", ""),
        ("1:30", ""),
        ("0", ""),
        ("-1", ""),
        ("4095", ""),
        ("2026-01-01", ""),
        ("9" * 30, ""),
        ("9" * 6000, ""),
        ("0" * 6000, ""),
        ("0x" + "f" * 6000, ""),
        ("1e" + "9" * 50, ""),
        ("٦", ""),
        ("[6]", ""),
    ],
)
def test_only_a_plain_decimal_number_in_range_is_a_vlan_id(value: str, remedy: str) -> None:
    found = problem(port(f"vlan: {value}, parent: enp1"))
    assert at(found) == (3, 22)
    assert found.message.startswith("`vlan` must be a whole number from 1 to 4094, not ")
    assert found.remedy == remedy


def test_a_leading_zero_is_explained() -> None:
    found = problem(port("vlan: 010, parent: enp1"))
    assert "which is 8 to one reader and 10 to another" in found.message


@pytest.mark.parametrize("value", ["1", "4094"])
def test_the_ends_of_a_range_are_in_it(value: str) -> None:
    load(port(f"vlan: {value}, parent: enp1"))


@pytest.mark.parametrize("mac", ["52:54:00:12:34:56", "'52:54:00:12:34:56'", "52:54:00:ab:CD:ef"])
def test_a_hardware_address_is_text_with_and_without_quotes(mac: str) -> None:
    # Without quotes the first one is the number 41135085296 to YAML 1.1.
    assert _bridge_of(f"mac: {mac}").mac == mac.strip("'").lower()


@pytest.mark.parametrize(
    ("mac", "remedy"),
    [
        ("52-54-00-12-34-56", "write 52:54:00:12:34:56"),
        ("5254.0012.3456", "write 52:54:00:12:34:56"),
        ("52:54:00:12:34", ""),
        ("'52:54:00:12:34:56\\n'", ""),
        ("00:00:00:00:00:00", ""),
        ("01:00:5e:00:00:01", "make the first pair even, for instance 52"),
        ("FF:FF:FF:FF:FF:FF", "make the first pair even, for instance 52"),
    ],
)
def test_what_no_interface_can_have_as_address_is_refused(mac: str, remedy: str) -> None:
    found = problem(bridge(f"mac: {mac}"))
    assert at(found) == (3, 12)
    assert found.remedy == remedy


@pytest.mark.parametrize("value", ["41135085296", "1e3", "yes", "010"])
def test_a_number_or_truth_value_is_no_text(value: str) -> None:
    found = problem(bridge(f"mac: {value}"))
    assert at(found) == (3, 12)
    assert found.remedy == f'put it in quotes: "{value}"'


@pytest.mark.parametrize("name", ["1.5", "7", "on", "0x1", "010"])
def test_an_interface_name_that_yaml_takes_for_something_else_must_be_quoted(name: str) -> None:
    found = problem(bridge(f"ports: [{name}]"))
    assert at(found) == (3, 15)
    assert found.remedy == f'put it in quotes: "{name}"'
    load(bridge(f"ports: ['{name}']"))


@pytest.mark.parametrize(
    ("keys", "column", "message", "remedy"),
    [
        ("ipv4: off", 13, "`ipv4` must be `disabled` or `keep`, not off", "write disabled"),
        (
            "ipv6: ignore",
            13,
            '`ipv6` must be `disabled` or `keep`, not the text "ignore"',
            "",
        ),
        (
            "vlan-protocol: 802.1q",
            22,
            '`vlan-protocol` must be `802.1Q` or `802.1ad`, not the text "802.1q"',
            "write 802.1Q",
        ),
    ],
)
def test_a_word_out_of_a_list_is_taken_exactly(
    keys: str, column: int, message: str, remedy: str
) -> None:
    found = problem(bridge(keys))
    assert at(found) == (3, column)
    assert (found.message, found.remedy) == (message, remedy)


@pytest.mark.parametrize(
    ("value", "parsed"),
    [
        ("1", 1),
        ("-1", -1),
        ("'1'", "1"),
        ('"1024 65535"', "1024 65535"),
        ("1024 65535", "1024 65535"),
        ("cubic", "cubic"),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("'yes'", "yes"),
        ("'0x10'", "0x10"),
        ("''", ""),
    ],
)
def test_a_sysctl_is_a_whole_number_or_the_text_that_it_is(value: str, parsed: int | str) -> None:
    sysctls = load(sysctl(value)).state.sysctls or {}
    assert sysctls["kernel/panic"] == parsed
    assert type(sysctls["kernel/panic"]) is type(parsed)


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("yes", 'write 1, or "yes" in quotes where the kernel takes that word'),
        ("true", 'write 1, or "true" in quotes where the kernel takes that word'),
        ("off", 'write 0, or "off" in quotes where the kernel takes that word'),
        ("n", 'write 0, or "n" in quotes where the kernel takes that word'),
        ("06", 'write 6, or "06" in quotes where the kernel takes that text'),
        ("0x10", 'write 16, or "0x10" in quotes where the kernel takes that text'),
        ("1_0", 'write 10, or "1_0" in quotes where the kernel takes that text'),
        ("1.5", 'write "1.5" in quotes where the kernel takes that text'),
        ("9" * 30, ""),
        ("[1]", ""),
    ],
)
def test_a_sysctl_value_that_could_mean_two_things_is_refused(value: str, remedy: str) -> None:
    found = problem(sysctl(value))
    assert at(found) == (3, 17)
    assert found.message.startswith("`kernel.panic` must be a whole number or text, not ")
    assert found.remedy == remedy


def test_a_sysctl_can_be_a_minimum() -> None:
    value = (load(sysctl("{at-least: 10}")).state.sysctls or {})["kernel/panic"]
    assert value == Minimum(at_least=10)


@pytest.mark.parametrize(
    ("value", "place", "message"),
    [
        ("{at-least: 06}", (3, 28), "`at-least` must be a whole number, not 06"),
        ("{at-least: yes}", (3, 28), "`at-least` must be a whole number, not yes"),
        ("{}", (3, 17), "`at-least` is missing here"),
        ("{at_least: 1}", (3, 18), "unknown key `at_least` in `kernel.panic`"),
        ("{min: 1}", (3, 18), "unknown key `min` in `kernel.panic`"),
    ],
)
def test_a_minimum_is_read_strictly(value: str, place: tuple[int, int], message: str) -> None:
    found = problem(sysctl(value))
    assert at(found) == place
    assert found.message.startswith(message)


@pytest.mark.parametrize("value", ['"a\\nb"', '"a\\0b"', "|\n    a", ">\n    a\n"])
def test_a_sysctl_value_of_several_lines_is_refused(value: str) -> None:
    found = problem(sysctl(value))
    assert at(found) == (3, 3)
    assert found.message == "the value of `kernel.panic` has more than one line"


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ("version: 1\nbridges:\n", (2, 1), "write bridges: {} if nothing"),
        ("version: 1\nbridges:\n  br-lan:\n", (3, 3), "write br-lan: {} if nothing"),
        ("version: 1\nbridges:\n  br-lan: null\n", (3, 3), "write br-lan: {} if nothing"),
        ("version: 1\nmodules:\n", (2, 1), "write modules: [] for none"),
        ("version: 1\nsysctls:\n  a.b:\n", (3, 3), "write a whole number or text"),
        (bridge("ports:"), (3, 7), "write ports: [] for none"),
        (bridge("mtu: ~"), (3, 7), "write a whole number from 68 to 65535"),
        (bridge("ports: [null]"), (3, 15), "write a value, or remove the lone `-`"),
        ("version: 1\nmodules:\n  -\n", (3, 4), "write a value, or remove the lone `-`"),
    ],
)
def test_a_key_without_a_value_is_refused_since_the_file_may_be_unfinished(
    text: str, place: tuple[int, int], remedy: str
) -> None:
    found = problem(text)
    assert at(found) == place
    assert found.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("text", "place", "message", "remedy"),
    [
        (bridge("ports: enp1"), (3, 14), '`ports` must be a list, not the text "enp1"', "[enp1]"),
        (bridge("ports: {name: enp1}"), (3, 14), "`ports` must be a list, not a mapping", "- "),
        ("version: 1\nbridges: []\n", (2, 10), "`bridges` must be a mapping, not a list", "{}"),
        (
            "version: 1\nbridges: [{name: br-lan, port: enp1}]\n",
            (2, 10),
            "`bridges` must be a mapping, not a list",
            "without `-`",
        ),
        ("version: 1\nbridges: {b: [enp1]}\n", (2, 14), "`b` must be a mapping, not a list", "-"),
        ("version: 1\nmodules: kvm\n", (2, 10), "`modules` must be a list", "write [kvm]"),
        ("version: 1\nmodules:\n  -kvm\n", (3, 3), "`modules` must be a list", "space behind"),
        ("version: 1\nmodules: {kvm: yes}\n", (2, 10), "`modules` must be a list", "- "),
        ("version: 1\nmodules: [[kvm]]\n", (2, 11), "each item of `modules` must be", ""),
        (
            "version: 1\nsysctls:\n  net.ipv4.ip_forward = 1\n",
            (3, 3),
            "`sysctls` must be a mapping",
            "write net.ipv4.ip_forward: 1",
        ),
        ("version: 1\nsysctls: [a.b]\n", (2, 10), "`sysctls` must be a mapping", "-"),
    ],
)
def test_a_value_of_the_wrong_shape_is_refused_with_the_right_one(
    text: str, place: tuple[int, int], message: str, remedy: str
) -> None:
    found = problem(text)
    assert at(found) == place
    assert found.message.startswith(message)
    assert remedy in found.remedy


@pytest.mark.parametrize("value", ["2", "0", "-1"])
def test_another_version_is_refused(value: str) -> None:
    found = problem(f"version: {value}\nmodules: []\n")
    assert at(found) == (1, 10)
    assert found.message == f"`version` must be `1`, not {value}"


@pytest.mark.parametrize("value", ["'1'", "1.0", "01", "yes", "one", "[1]"])
def test_a_version_of_another_type_is_refused(value: str) -> None:
    assert at(problem(f"version: {value}\nmodules: []\n")) == (1, 10)


def test_a_missing_version_is_an_error() -> None:
    found = problem("modules: []\n")
    assert at(found) == (1, 1)
    assert found.remedy == "begin the file with the line `version: 1`"


def test_a_version_alone_declares_nothing() -> None:
    assert problem("version: 1\n").message == "the file declares nothing"


@pytest.mark.parametrize("section", ["bridges: {}", "modules: []", "sysctls: {}"])
def test_nothing_can_be_wished_for_explicitly(section: str) -> None:
    load(f"version: 1\n{section}\n")


def test_a_port_is_named_by_a_text_or_a_mapping() -> None:
    short, long = (load(bridge(f"ports: [{p}]")).state for p in ("enp1", "{name: enp1}"))
    assert short == long


@pytest.mark.parametrize(
    ("keys", "message", "remedy"),
    [
        ("vlan: 6", "`parent` is missing here", "add `parent: NIC`"),
        ("vlan: 6, name: enp1", "`parent` is missing here", "write `parent: enp1` if"),
        ("parent: enp1", "`vlan` is missing here", "add `vlan: ID`"),
        ("mtu: 1500", "`name` is missing here", "add `name: NIC`"),
        ("", "`name` is missing here", "add `name: NIC`"),
    ],
)
def test_what_a_port_lacks_is_named(keys: str, message: str, remedy: str) -> None:
    found = problem(port(keys))
    assert at(found) == (3, 15)
    assert found.message == message
    assert found.remedy.startswith(remedy)


def test_a_key_of_vlans_is_refused_for_a_network_card() -> None:
    found = problem(port("name: enp1, gvrp: yes"))
    assert at(found) == (3, 28)
    assert found.message == "`gvrp` is a key of VLANs only"


def test_values_are_repeated_safely_and_briefly() -> None:
    (found,) = problems(bridge('mac: "\\e[31m' + "x" * 5000 + '"'))
    assert "\x1b" not in found.message
    assert len(found.message) < 150
