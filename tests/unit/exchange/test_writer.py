"""What is written is read back as the same state, whatever is in it."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridged.desired.names import sysctl_path, sysctl_problem
from bridged.exchange.yaml_writer import WIDTH, state_text
from tests.unit.exchange.generated import states
from tests.unit.exchange.support import loaded

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
_KEYS = st.sampled_from(
    ["net.ipv4.ip_forward", "net/ipv6/conf/eth0.6/disable_ipv6", "kernel.panic", "a.y", "a.1"]
) | st.text("abz019._/-", min_size=3, max_size=20)
_VALUES = st.integers(-(10**18), 10**18) | st.text(max_size=30).filter(str.isprintable)
_SYSCTLS = st.dictionaries(_KEYS, _VALUES, max_size=5).map(
    lambda found: {sysctl_path(k): v for k, v in found.items() if not sysctl_problem(k)}
)
_COMMENT = "It is\tso: \x1b[31m# [really] " + "long " * 30


@patient
@given(states(), _SYSCTLS, st.booleans())
def test_a_written_state_is_read_as_the_same(
    data: dict[str, Any], sysctls: dict[str, Any], commented: bool
) -> None:
    if sysctls:
        data["sysctls"] = sysctls
    comments = {}
    if commented:
        comments = {("sysctls", path): _COMMENT for path in sysctls}
        comments |= {("bridges", name): _COMMENT for name in data["bridges"]}
        comments |= {("bridges", name, "ports", "enp0s0"): _COMMENT for name in data["bridges"]}
    text = state_text(data, comments, _COMMENT)
    assert loaded(text).data == data
    assert all(len(line) <= WIDTH for line in text.splitlines() if line.lstrip()[:1] == "#")
