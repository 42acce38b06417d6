"""What must hold between the objects of a state, beyond what each of them may be by itself.

Every rule is a function from the state to violations; none of them looks at the host.
"""

from collections.abc import Iterator, Mapping

from bridged.desired.bridge import Bridge
from bridged.desired.errors import shown
from bridged.desired.kubernetes_rules import kubernetes_violations
from bridged.desired.merge import Path
from bridged.desired.names import IFNAME_LIMIT, ifname_problem
from bridged.desired.packages import Database, equivalents
from bridged.desired.port import Port, Vlan
from bridged.desired.probes import parse
from bridged.desired.properties import rows
from bridged.desired.state import State
from bridged.desired.sysctl_rules import sysctl_violations
from bridged.desired.violation import HERE, Violation
from bridged.desired.vlans import span


def violations(state: State) -> Iterator[Violation]:
    """Every rule that `state` breaks."""
    yield from _something_declared(state)
    yield from _device_names(state)
    yield from _one_bridge_each(state)
    yield from _one_name_per_vlan(state)
    yield from _bridges_are_no_ports(state)
    yield from _no_loops(state)
    yield from _loopback(state)
    yield from _protected(state)
    yield from _mtu_of_vlans(state)
    yield from _vlans_of_ports(state)
    for name, bridge in (state.bridges or {}).items():
        yield from _timers(name, bridge)
        yield from _forwarded_groups(name, bridge)
        if bridge.isolate and bridge.vlan_filtering is False:
            yield Violation(
                ("bridges", name, "vlan-filtering"),
                f"`{name}` cannot be isolated without VLAN filtering",
                "remove vlan-filtering: false, or isolate: true",
            )
    yield from _leading_zeros(state)
    yield from sysctl_violations(state)
    yield from kubernetes_violations(state.kubernetes)
    yield from _packages(state)
    yield from _cgroup_driver(state)


SECTIONS = ("bridges", "modules", "sysctls", "packages", "runtime", "swap", "kubernetes")
"""A file with none of these says nothing."""


def _at(bridge: str, port: Port, *more: str) -> Path:
    return ("bridges", bridge, "ports", port.device, *more)


def _something_declared(state: State) -> Iterator[Violation]:
    if all(getattr(state, section) is None for section in SECTIONS):
        yield Violation(
            (),
            "the file declares nothing",
            "add `bridges:`, `modules:`, `sysctls:` or another section; "
            "`bridges: {}` says that there are to be no bridges",
        )


def _device_names(state: State) -> Iterator[Violation]:
    """The name that a VLAN gets when none is written can be too long for the kernel."""
    for bridge, _, port in state.ports():
        # What a `match` will find has no name yet; whoever finds it looks at the name it makes.
        if isinstance(port, Vlan) and port.name is None and port.known:
            problem = ifname_problem(port.device)
            if problem:
                short = f"vlan{port.vlan}"
                yield Violation(
                    _at(bridge, port),
                    f"{problem} (it is PARENT.VLAN, since none is given)",
                    f"give it one of at most {IFNAME_LIMIT} characters, such as `name: {short}`",
                )


def _one_bridge_each(state: State) -> Iterator[Violation]:
    """An interface is a port of one bridge: the kernel would silently move it to the last one."""
    first: dict[str, Path] = {}
    for bridge, _, port in state.ports():
        path = _at(bridge, port)
        before = first.setdefault(port.device, path)
        if before[1] != bridge:
            yield Violation(
                path,
                f"`{port.device}` cannot be a port of `{bridge}`, "
                f"it is one of `{before[1]}` already ({HERE})",
                "remove it from one of the two bridges",
                before,
            )


def _one_name_per_vlan(state: State) -> Iterator[Violation]:
    """The kernel refuses a second VLAN of the same id and protocol on one parent."""
    first: dict[tuple[str, int, str], tuple[Path, str]] = {}
    for bridge, _, port in state.ports():
        if not isinstance(port, Vlan):
            continue
        path = _at(bridge, port)
        key = (port.parent, port.vlan, port.protocol or "802.1Q")
        before, name = first.setdefault(key, (path, port.device))
        if name != port.device:
            yield Violation(
                path,
                f"VLAN {port.vlan} on `{port.parent}` is declared under two names, "
                f"`{name}` ({HERE}) and `{port.device}`",
                "an interface can be in one bridge only; remove one of them",
                before,
            )


def _bridges_are_no_ports(state: State) -> Iterator[Violation]:
    bridges = state.bridges or {}
    for name, _, port in state.ports():
        if port.device not in bridges:
            continue
        other: Path | None = ("bridges", port.device)
        if isinstance(port, Vlan):
            message = f"`{port.device}` is the name of this VLAN and of a bridge ({HERE})"
            remedy = "give one of them another name"
        elif port.device == name:
            message, other = f"`{name}` cannot be a port of itself", None
            remedy = "name the network card here"
        else:
            message = f"`{port.device}` is a bridge ({HERE}); a bridge cannot be a port of a bridge"
            remedy = "name the network card here, or connect the two by a veth pair"
        yield Violation(_at(name, port), message, remedy, other)


def _no_loops(state: State) -> Iterator[Violation]:
    """Nothing may stand on itself: no VLAN on its own bridge, however indirectly."""
    bridges = state.bridges or {}
    vlans = {port.device: port for _, _, port in state.ports() if isinstance(port, Vlan)}
    for name, _, port in state.ports():
        if not isinstance(port, Vlan):
            continue
        if port.parent == port.device:
            yield Violation(
                _at(name, port, "parent"), f"the VLAN `{port.device}` cannot be its own parent"
            )
            continue
        beneath = _beneath(port.parent, bridges, vlans)
        if name in beneath:
            through = "" if port.parent == name else f", which stands on `{name}`"
            loop = f"`{port.device}` is a port of `{name}` and a VLAN on `{port.parent}`{through}"
        elif port.device in beneath:
            loop = f"`{port.device}` is a VLAN on `{port.parent}`, which stands on `{port.device}`"
        else:
            continue
        yield Violation(
            _at(name, port, "parent"),
            f"a loop: {loop}",
            "name the interface that carries the tagged frames",
        )


def _loopback(state: State) -> Iterator[Violation]:
    """The kernel refuses `lo` as a port and as the parent of VLANs, and its name is taken."""
    another = "give it another name: every node has a loopback interface `lo`"
    if "lo" in (state.bridges or {}):
        yield Violation(("bridges", "lo"), "a bridge cannot be called `lo`", another)
    for bridge, _, port in state.ports():
        if port.device == "lo" and isinstance(port, Vlan):
            yield Violation(_at(bridge, port, "name"), "a VLAN cannot be called `lo`", another)
        elif port.device == "lo":
            yield Violation(
                _at(bridge, port),
                "the loopback interface `lo` cannot be a port",
                "name the network card here, or remove it",
            )
        if isinstance(port, Vlan) and port.parent == "lo":
            yield Violation(
                _at(bridge, port, "parent"),
                "the loopback interface `lo` carries no VLANs",
                "name the interface that carries the tagged frames",
            )


def _beneath(
    device: str, bridges: Mapping[str, Bridge], vlans: Mapping[str, Vlan]
) -> frozenset[str]:
    """Every device that `device` stands on, itself included."""
    seen: set[str] = set()
    waiting = [device]
    while waiting:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        if here in bridges:
            waiting += [port.device for port in bridges[here].ports]
        if here in vlans:
            waiting.append(vlans[here].parent)
    return frozenset(seen)


def _vlans_of_ports(state: State) -> Iterator[Violation]:
    for name, bridge, port in state.ports():
        if port.membership is None or bridge.filters_vlans:
            continue
        key = next(
            field
            for field, value in (
                ("vlans", port.vlans), ("vlan-ranges", port.vlan_ranges), ("pvid", port.pvid)
            )
            if value is not None
        )  # fmt: skip
        yield Violation(
            _at(name, port, key),
            f"`{name}` does not filter VLANs, so those of its ports mean nothing",
            f"write vlan-filtering: true under `{name}`",
        )


def _protected(state: State) -> Iterator[Violation]:
    for bridge, _, port in state.ports():
        if port.device in state.protect:
            yield Violation(
                _at(bridge, port),
                f"`{port.device}` is protected ({HERE}), so it cannot be a port",
                "remove it here or under `protect`",
                ("protect", port.device),
            )


def _mtu_of_vlans(state: State) -> Iterator[Violation]:
    """The kernel refuses a VLAN whose MTU is above its parent's (vlan_dev_change_mtu)."""
    declared: dict[str, tuple[int | None, Path]] = {
        name: (bridge.mtu, ("bridges", name, "mtu"))
        for name, bridge in (state.bridges or {}).items()
    }
    for bridge, _, port in state.ports():
        declared[port.device] = (port.mtu, _at(bridge, port, "mtu"))
    for bridge, _, port in state.ports():
        if not isinstance(port, Vlan) or port.mtu is None:
            continue
        mtu, path = declared.get(port.parent, (None, ()))
        if mtu is not None and port.mtu > mtu:
            yield Violation(
                _at(bridge, port, "mtu"),
                f"the MTU of `{port.device}`, {port.mtu}, is above "
                f"that of its parent `{port.parent}`, {mtu} ({HERE})",
                f"write {mtu} or less here, or more there",
                path,
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


def _leading_zeros(state: State) -> Iterator[Violation]:
    """A number within a text is written like any other: 010 is 8 to some readers."""
    found: list[tuple[Path, str, str]] = []
    for bridge, _, port in state.ports():
        for text in port.vlan_ranges or ():
            ids = span(text)
            at = _at(bridge, port, "vlan-ranges", text)
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
