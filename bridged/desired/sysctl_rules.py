"""What must hold between the sysctls of a state, and between them and its bridges."""

import re
from collections.abc import Iterator

from bridged.desired.errors import shown
from bridged.desired.names import sysctl_key
from bridged.desired.state import State
from bridged.desired.violation import HERE, Violation

_PER_INTERFACE = re.compile(r"net/(ipv4|ipv6|mpls)/(conf|neigh)/(.+)/([^/]+)\Z")


def sysctl_violations(state: State) -> Iterator[Violation]:
    """Every rule that the sysctls break."""
    yield from _sysctl_pairs(state)
    for path, value in (state.sysctls or {}).items():
        at = ("sysctls", path)
        key = shown(sysctl_key(path), 80)
        if isinstance(value, str) and any(char in value for char in "\n\r\0"):
            yield Violation(
                at,
                f"the value of `{key}` has more than one line",
                "write it on one line, between quotes",
            )
        place = _PER_INTERFACE.match(path)
        if place and "/" in place[3]:
            family, kind, interface, parameter = place.groups()
            dotted = f"net.{family}.{kind}.{interface}.{parameter}"
            yield Violation(
                at,
                f"`{key}` names no parameter: the dot in an interface's name looks like a "
                "separator here",
                f"write {shown(dotted, 80)}",
            )
        yield from _ipv6_of_bridges(state, path, value)


_SAME = (
    ("net/ipv4/ip_forward", "net/ipv4/conf/all/forwarding"),
    ("net/netfilter/nf_conntrack_max", "net/nf_conntrack_max"),
    ("vm/nr_hugepages", "vm/nr_hugepages_mempolicy"),
)
"""Two names of one number in the kernel."""
_ONE_OF = (
    ("vm/dirty_ratio", "vm/dirty_bytes"),
    ("vm/dirty_background_ratio", "vm/dirty_background_bytes"),
    ("vm/overcommit_ratio", "vm/overcommit_kbytes"),
)
"""Two ways of saying one thing: whichever is written, the kernel sets the other to 0."""


def _sysctl_pairs(state: State) -> Iterator[Violation]:
    """Parameters that are one in the kernel: we would fight ourselves for ever."""
    declared = state.sysctls or {}
    values = {path: str(value).strip() for path, value in declared.items()}
    for first, second in _SAME:
        both = [declared.get(path) for path in (first, second)]
        if all(isinstance(value, int | str) for value in both) and values[first] != values[second]:
            yield _pair(first, second, f"is the same parameter as `{sysctl_key(first)}` ({HERE})")
    for first, second in _ONE_OF:
        if first in values and second in values and "0" not in {values[first], values[second]}:
            name = sysctl_key(first)
            yield _pair(
                first, second, f"and `{name}` ({HERE}) exclude each other: either sets the other 0"
            )


def _pair(first: str, second: str, how: str) -> Violation:
    key = sysctl_key(second)
    return Violation(("sysctls", second), f"`{key}` {how}", "keep one of them", ("sysctls", first))


def _ipv6_of_bridges(state: State, path: str, value: object) -> Iterator[Violation]:
    """A sysctl that would undo what a bridge declares: we would fight ourselves for ever."""
    found = re.fullmatch(r"net/ipv6/conf/([^/]+)/disable_ipv6", path)
    bridge = (state.bridges or {}).get(found[1]) if found else None
    if found and bridge and bridge.ipv6 == "disabled" and str(value).strip() != "1":
        yield Violation(
            ("sysctls", path),
            f"this contradicts the bridge `{found[1]}`, whose IPv6 is disabled ({HERE})",
            "remove the line, or declare `ipv6: keep` for the bridge",
            ("bridges", found[1]),
        )
