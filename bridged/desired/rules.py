"""What must hold between the objects of a state, beyond what each of them may be by itself.

Every rule is a function from the state to violations; none of them looks at the host.
"""

from collections.abc import Iterator

from bridged.desired.bridge import Bridge
from bridged.desired.errors import shown
from bridged.desired.kubernetes_rules import kubernetes_violations
from bridged.desired.merge import Path
from bridged.desired.packages import Database, equivalents
from bridged.desired.port_rules import port_path, port_violations
from bridged.desired.probes import parse
from bridged.desired.properties import rows
from bridged.desired.state import State
from bridged.desired.sysctl_rules import sysctl_violations
from bridged.desired.violation import HERE, Violation
from bridged.desired.vlans import span


def violations(state: State) -> Iterator[Violation]:
    """Every rule that `state` breaks."""
    yield from _something_declared(state)
    yield from port_violations(state)
    for name, bridge in (state.bridges or {}).items():
        yield from _timers(name, bridge)
        yield from _forwarded_groups(name, bridge)
        if bridge.isolate and bridge.vlan_filtering is False:
            yield Violation(
                ("bridges", name, "vlan-filtering"),
                f"`{name}` cannot be isolated without VLAN filtering",
                "remove vlan-filtering: false, or isolate: true",
            )
        if bridge.isolate and bridge.vlan_default_pvid == 0:
            yield Violation(
                ("bridges", name, "vlan-default-pvid"),
                f"`{name}` would drop the untagged traffic of guests, which isolation does not "
                "touch: their ports get no VLAN",
                "remove vlan-default-pvid: 0, or write vlan-filtering: true in place of "
                "isolate: true if guests get their VLANs elsewhere",
            )
    yield from _maintenance(state)
    yield from _leading_zeros(state)
    yield from sysctl_violations(state)
    yield from kubernetes_violations(state.kubernetes)
    yield from _packages(state)
    yield from _cgroup_driver(state)


SECTIONS = ("bridges", "modules", "sysctls", "packages", "runtime", "swap", "kubernetes")
"""A file with none of these says nothing."""


def _something_declared(state: State) -> Iterator[Violation]:
    if all(getattr(state, section) is None for section in SECTIONS):
        yield Violation(
            (),
            "the file declares nothing",
            "add `bridges:`, `modules:`, `sysctls:` or another section; "
            "`bridges: {}` says that there are to be no bridges",
        )


def _timers(name: str, bridge: Bridge) -> Iterator[Violation]:
    """The relation that IEEE 802.1D (2004, 17.14) demands between the timers of spanning tree.

    A timer that is not declared counts with the value that a new bridge has.
    """
    declared = [bridge.forward_delay, bridge.hello_time, bridge.max_age]
    if not bridge.stp or declared == [None, None, None]:
        return
    usual = {row.field: row.property.nm.default for row in rows(Bridge) if row.property.nm}
    delay = bridge.forward_delay or usual["forward_delay"]
    hello = bridge.hello_time or usual["hello_time"]
    age = bridge.max_age or usual["max_age"]
    said = f"`max-age` {age}" if bridge.max_age else f"`max-age` {age} (the default)"
    remedy = "declare timers with 2 x (forward-delay - 1) >= max-age >= 2 x (hello-time + 1)"
    if 2 * (delay - 1) < age:
        yield Violation(
            ("bridges", name, "forward-delay" if bridge.forward_delay else "max-age"),
            f"{said} is more than 2 x (`forward-delay` {delay} - 1) = {2 * (delay - 1)}",
            remedy,
        )
    if age < 2 * (hello + 1):
        yield Violation(
            ("bridges", name, "max-age" if bridge.max_age else "hello-time"),
            f"{said} is less than 2 x (`hello-time` {hello} + 1) = {2 * (hello + 1)}",
            remedy,
        )


def _forwarded_groups(name: str, bridge: Bridge) -> Iterator[Violation]:
    """Bits 0 to 2 (STP, pause frames, LACP) are refused: BR_GROUPFWD_RESTRICTED in the kernel."""
    mask = bridge.group_forward_mask or 0
    if mask & 7:
        yield Violation(
            ("bridges", name, "group-forward-mask"),
            f"`group-forward-mask` {mask} has one of the bits 0 to 2 (value 1, 2 or 4), "
            "which the kernel refuses",
            f"without them it is {mask & ~7}",
        )


def _maintenance(state: State) -> Iterator[Violation]:
    window = state.maintenance
    if window is not None and window.start == window.end:
        yield Violation(
            ("maintenance", "end"),
            "the window is empty: it closes when it opens",
            "write another end, such as 23:59",
        )


def _leading_zeros(state: State) -> Iterator[Violation]:
    """A number within a text is written like any other: 010 is 8 to some readers."""
    found: list[tuple[Path, str, str]] = []
    for bridge, _, port in state.ports():
        for text in port.vlan_ranges or ():
            ids = span(text)
            at = port_path(bridge, port, "vlan-ranges", text)
            found.append((at, text, f"{ids[0]}-{ids[-1]}"))
    for text in state.probes:
        if parse(text).port:
            found.append((("probes", text), text, _plain_port(text)))
    if state.kubernetes is not None:
        text = state.kubernetes.endpoint
        found.append((("kubernetes", "endpoint"), text, _plain_port(text)))
    for path, text, plain in found:
        if text != plain:
            yield Violation(path, f"a number in `{shown(text)}` has a leading zero",
                            f"write {plain}")  # fmt: skip


def _plain_port(text: str) -> str:
    host, colon, port = text.rpartition(":")
    return f"{host}{colon}{int(port)}"


def _packages(state: State) -> Iterator[Violation]:
    """Nothing can be installed and not installed, under whatever name."""
    packages = state.packages
    databases: tuple[Database, ...] = ("dpkg", "rpm")
    for name in packages.absent if packages else ():
        for other in packages.present if packages else ():
            if any(name in equivalents(other, database) for database in databases):
                same = "" if name == other else f", which is `{other}` elsewhere"
                yield Violation(
                    ("packages", "absent", name),
                    f"`{name}`{same} is to be present ({HERE}) and absent",
                    "remove one of them",
                    ("packages", "present", other),
                )


def _cgroup_driver(state: State) -> Iterator[Violation]:
    """Pods do not start where kubelet and runtime do not make their cgroups in the same way."""
    containerd = state.runtime.containerd if state.runtime else None
    if state.kubernetes is None or containerd is None:
        return
    kubelet, runtime = state.kubernetes.cgroup_driver, containerd.cgroup_driver
    if kubelet != runtime:
        yield Violation(
            ("kubernetes", "cgroup-driver"),
            f"the kubelet would make cgroups by {kubelet}, containerd ({HERE}) by {runtime}",
            "declare the same for both",
            ("runtime", "containerd"),
        )
