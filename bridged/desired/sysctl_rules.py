"""What must hold between the sysctls of a state, and between them and its bridges."""

import re
from collections.abc import Iterator, Mapping

from bridged.desired.errors import shown
from bridged.desired.names import sysctl_key
from bridged.desired.state import Minimum, State, Sysctl
from bridged.desired.violation import HERE, Violation

_PER_INTERFACE = re.compile(r"net/(ipv4|ipv6|mpls)/(conf|neigh)/(.+)/([^/]+)\Z")


def sysctl_violations(state: State) -> Iterator[Violation]:
    """Every rule that the sysctls break."""
    sysctls = state.sysctls or {}
    yield from _sysctl_pairs(sysctls)
    for path, value in sysctls.items():
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
    ("fs/inotify/max_user_instances", "user/max_inotify_instances"),
    ("fs/inotify/max_user_watches", "user/max_inotify_watches"),
    ("fs/fanotify/max_user_groups", "user/max_fanotify_groups"),
    ("fs/fanotify/max_user_marks", "user/max_fanotify_marks"),
)
"""Two names of one number in the kernel."""
_ONE_OF = (
    ("vm/dirty_ratio", "vm/dirty_bytes"),
    ("vm/dirty_background_ratio", "vm/dirty_background_bytes"),
    ("vm/overcommit_ratio", "vm/overcommit_kbytes"),
)
"""Two ways of saying one thing: whichever is written, the kernel sets the other to 0."""
_ALSO_IN_MS = re.compile(
    r"net/ipv[46]/(neigh/.+/(base_reachable_time|retrans_time)|route/gc_min_interval)"
)
"""One number that can be written in a coarse unit (jiffies, in part) and, with `_ms`, in
milliseconds."""


def _sysctl_pairs(sysctls: Mapping[str, Sysctl]) -> Iterator[Violation]:
    """Parameters that are one in the kernel: we would fight ourselves for ever."""
    for first, second in _SAME:
        if first in sysctls and second in sysctls and not _agree(sysctls[first], sysctls[second]):
            yield _pair(first, second, f"is the same parameter as `{sysctl_key(first)}` ({HERE})")
    for first, second in _ONE_OF:
        values = [str(sysctls.get(path, "0")).strip() for path in (first, second)]
        if "0" not in values:
            name = sysctl_key(first)
            yield _pair(
                first, second, f"and `{name}` ({HERE}) exclude each other: either sets the other 0"
            )
    for first in filter(_ALSO_IN_MS.fullmatch, sysctls):
        second = f"{first}_ms"
        if second in sysctls and not _same_time(first, sysctls[first], sysctls[second]):
            name = shown(sysctl_key(first), 80)
            yield _pair(
                first,
                second,
                f"and `{name}` ({HERE}) are one number in two units: either sets the other",
            )


def _same_time(first: str, coarse: Sysctl, ms: Sysctl) -> bool:
    """Whether whole seconds and milliseconds agree; of what is in jiffies nobody knows."""
    if "retrans_time" in first or isinstance(coarse, Minimum) or isinstance(ms, Minimum):
        return False
    try:
        return int(coarse) * 1000 == int(ms)
    except ValueError:
        return False


def _agree(one: Sysctl, other: Sysctl) -> bool:
    """Whether one number can be as both want it."""
    if isinstance(other, Minimum):
        one, other = other, one
    if not isinstance(one, Minimum):
        return str(one).strip() == str(other).strip()
    if isinstance(other, Minimum):
        return True
    try:
        return int(other) >= one.at_least
    except ValueError:  # what the kernel makes of such a text is not known here
        return True


def _pair(first: str, second: str, how: str) -> Violation:
    key = shown(sysctl_key(second), 80)
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
