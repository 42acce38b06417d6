"""What must hold between the ports of a state, and between them and its bridges."""

from collections.abc import Iterator, Mapping

from bridged.desired.bridge import Bridge
from bridged.desired.merge import Path
from bridged.desired.names import IFNAME_LIMIT, ifname_problem
from bridged.desired.port import Port, Vlan
from bridged.desired.state import State
from bridged.desired.violation import HERE, Violation


def port_violations(state: State) -> Iterator[Violation]:
    """Every rule that the ports break."""
    yield from _device_names(state)
    yield from _one_bridge_each(state)
    yield from _one_name_per_vlan(state)
    yield from _bridges_are_no_ports(state)
    yield from _no_loops(state)
    yield from _loopback(state)
    yield from _protected(state)
    yield from _mtu_of_vlans(state)
    yield from _vlans_of_ports(state)


def port_path(bridge: str, port: Port, *more: str) -> Path:
    """The path of a port, or of what is below it."""
    return ("bridges", bridge, "ports", port.device, *more)


def _device_names(state: State) -> Iterator[Violation]:
    """The name that a VLAN gets when none is written can be too long for the kernel."""
    for bridge, _, port in state.ports():
        # What a `match` will find has no name yet; whoever finds it looks at the name it makes.
        if isinstance(port, Vlan) and port.name is None and port.known:
            problem = ifname_problem(port.device)
            if problem:
                short = f"vlan{port.vlan}"
                yield Violation(
                    port_path(bridge, port),
                    f"{problem} (it is PARENT.VLAN, since none is given)",
                    f"give it one of at most {IFNAME_LIMIT} characters, such as `name: {short}`",
                )


def _one_bridge_each(state: State) -> Iterator[Violation]:
    """An interface is a port of one bridge: the kernel would silently move it to the last one."""
    first: dict[str, Path] = {}
    for bridge, _, port in state.ports():
        path = port_path(bridge, port)
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
        path = port_path(bridge, port)
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
        yield Violation(port_path(name, port), message, remedy, other)


def _no_loops(state: State) -> Iterator[Violation]:
    """Nothing may stand on itself: no VLAN on its own bridge, however indirectly."""
    bridges = state.bridges or {}
    vlans = {port.device: port for _, _, port in state.ports() if isinstance(port, Vlan)}
    for name, _, port in state.ports():
        if not isinstance(port, Vlan):
            continue
        if port.parent == port.device:
            yield Violation(
                port_path(name, port, "parent"),
                f"the VLAN `{port.device}` cannot be its own parent",
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
            port_path(name, port, "parent"),
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
            yield Violation(
                port_path(bridge, port, "name"), "a VLAN cannot be called `lo`", another
            )
        elif port.device == "lo":
            yield Violation(
                port_path(bridge, port),
                "the loopback interface `lo` cannot be a port",
                "name the network card here, or remove it",
            )
        if isinstance(port, Vlan) and port.parent == "lo":
            yield Violation(
                port_path(bridge, port, "parent"),
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
        if port.membership is None:
            continue
        if not bridge.filters_vlans:
            key = next(
                field
                for field, value in (
                    ("vlans", port.vlans), ("vlan-ranges", port.vlan_ranges), ("pvid", port.pvid)
                )
                if value is not None
            )  # fmt: skip
            yield Violation(
                port_path(name, port, key),
                f"`{name}` does not filter VLANs, so those of its ports mean nothing",
                f"write vlan-filtering: true under `{name}`",
            )
        elif port.pvid is None and 1 in (port.vlans or ()):
            # A range such as 1-4094 means all of them; who writes a 1 means this one.
            yield Violation(
                port_path(name, port, "vlans", "1"),
                "VLAN 1 would be untagged here and not tagged, since it is the `pvid` where none "
                "is written",
                "write pvid: 0 beside it, or pvid: 1 if it is to be untagged",
            )


def _protected(state: State) -> Iterator[Violation]:
    for bridge, _, port in state.ports():
        if port.device in state.protect:
            yield Violation(
                port_path(bridge, port),
                f"`{port.device}` is protected ({HERE}), so it cannot be a port",
                "remove it here or under `protect`",
                ("protect", port.device),
            )


def _mtu_of_vlans(state: State) -> Iterator[Violation]:
    """The kernel refuses a VLAN whose MTU is above its parent's (vlan_dev_change_mtu).

    A parent that is a VLAN without an MTU of its own is bound by what is below it.
    """
    declared: dict[str, tuple[int | None, Path]] = {
        name: (bridge.mtu, ("bridges", name, "mtu"))
        for name, bridge in (state.bridges or {}).items()
    }
    for bridge, _, port in state.ports():
        declared[port.device] = (port.mtu, port_path(bridge, port, "mtu"))
    vlans = {port.device: port for _, _, port in state.ports() if isinstance(port, Vlan)}
    for bridge, _, port in state.ports():
        if not isinstance(port, Vlan) or port.mtu is None:
            continue
        below, seen = port.parent, {port.device}
        while below in vlans and vlans[below].mtu is None and below not in seen:
            seen.add(below)
            below = vlans[below].parent
        mtu, path = declared.get(below, (None, ()))
        if mtu is not None and port.mtu > mtu:
            what = "its parent " if below == port.parent else ""
            yield Violation(
                port_path(bridge, port, "mtu"),
                f"the MTU of `{port.device}`, {port.mtu}, is above "
                f"that of {what}`{below}`, {mtu} ({HERE})",
                f"write {mtu} or less here, or more there",
                path,
            )
