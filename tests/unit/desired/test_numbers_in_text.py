"""Numbers within a text: ranges of VLANs, ports of services."""

import pytest

from bridged.desired import vlans
from bridged.desired.probes import Probe, parse
from tests.unit.desired.support import at, bridge, load, problem

HEAD = "version: 1\nmodules: []\n"


def ranges(text: str) -> str:
    """A port whose range stands in line 3 from column 54 on."""
    return bridge(f"isolate: true, ports: [{{name: e, vlan-ranges: [{text}]}}]")


@pytest.mark.parametrize(
    ("text", "plain"), [("010-020", "10-20"), ("10-020", "10-20"), ("0001-4094", "1-4094")]
)
def test_a_range_has_no_leading_zeros(text: str, plain: str) -> None:
    """The same text is 8-16 to who reads 010 as octal."""
    found = problem(ranges(text))
    assert at(found) == (3, 54)
    assert found.message == f"a number in `{text}` has a leading zero"
    assert found.remedy == f"write {plain}"


@pytest.mark.parametrize(
    ("probe", "plain"),
    [("192.0.2.1:0443", "192.0.2.1:443"), ("'[2001:db8::1]:0443'", "[2001:db8::1]:443")],
)
def test_the_port_of_a_probe_has_no_leading_zeros(probe: str, plain: str) -> None:
    found = problem(f"{HEAD}probes: [{probe}]\n")
    assert at(found) == (3, 10)
    assert found.remedy == f"write {plain}"


@pytest.mark.parametrize("probe", ["2001:db8::01", "192.0.2.1:65535", "'[::1]:1'"])
def test_what_has_no_leading_zero_in_its_port_is_accepted(probe: str) -> None:
    load(f"{HEAD}probes: [{probe}]\n")


@pytest.mark.parametrize("port", ["0", "65536", "00000000443", "9" * 5000, "+1", "٣", "-1", "443 "])
def test_what_is_no_port_of_a_probe_is_refused(port: str) -> None:
    found = problem(f"{HEAD}probes: ['192.0.2.1:{port}']\n")
    assert at(found) == (3, 10)
    assert found.message.endswith("has no port from 1 to 65535")
    assert found.remedy == "write 192.0.2.1, 192.0.2.1:443 or [2001:db8::1]:443"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0-5", "within 1-4094"),
        ("1-4095", "within 1-4094"),
        ("20-10", "within 1-4094"),
        ("10", "of VLAN ids such as 10-20"),
        ("1-2-3", "of VLAN ids such as 10-20"),
        ("1-٣", "of VLAN ids such as 10-20"),
        ("'1-2\\n'", "of VLAN ids such as 10-20"),
        ("'1-" + "9" * 5000 + "'", "of VLAN ids such as 10-20"),
        ('"\\e]0;owned\\a"', "of VLAN ids such as 10-20"),
    ],
)
def test_what_is_no_range_of_vlans_is_refused(text: str, words: str) -> None:
    found = problem(ranges(text if "'" in text or '"' in text else f"'{text}'"))
    assert at(found) == (3, 54)
    assert found.message.endswith(words)
    assert found.message.isprintable()
    assert len(found.message) < 120


def test_a_kept_state_may_hold_leading_zeros() -> None:
    """They were accepted once: the last good state is still read and acted upon."""
    assert vlans.span("010-012") == range(10, 13)
    assert parse("192.0.2.1:0443") == Probe("port", "192.0.2.1", 443)
