"""Planning kernel modules and sysctls."""

import re
from ipaddress import IPv6Address

from bridged.desired.names import module_name, sysctl_key, sysctl_value
from bridged.desired.state import Minimum, State, Sysctl
from bridged.observe.host import Sysctl as Observed
from bridged.plan.actions import LoadModule, ObjectId, WriteSysctl
from bridged.plan.context import Context
from bridged.plan.port_view import object_id
from bridged.plan.result import Verdict
from bridged.report import PropertyDrift

_PROVIDERS = {
    "net/bridge/": "br_netfilter",
    "net/netfilter/nf_conntrack": "nf_conntrack",
    "net/nf_conntrack_max": "nf_conntrack",
    "net/ipv4/vs/": "ip_vs",
    "net/sctp/": "sctp",
    "net/mptcp/": "mptcp",
    "net/rds/": "rds",
    "net/mpls/": "mpls_router",
    "fs/nfs/": "lockd",
    "sunrpc/": "sunrpc",
    "dev/raid/": "md_mod",
}
"""Which module brings which part of /proc/sys; the first prefix that fits counts."""


_NUMBER = re.compile(r"(-?)(?:(0[xX][0-9a-fA-F]{1,20})|(0[0-7]{1,24})|(0|[1-9][0-9]{0,24}))")
_RANGES = re.compile(r"[0-9]{1,20}(-[0-9]{1,20})?(,[0-9]{1,20}(-[0-9]{1,20})?)*")
_SETS = {"net/ipv4/tcp_allowed_congestion_control", "kernel/seccomp/actions_logged"}
"""Keys whose value is a set of words, which the kernel shows in an order of its own."""
_HEXADECIMAL = {
    "net/core/flow_limit_cpu_bitmap",
    "net/core/rps_default_mask",
    "net/ipv4/tcp_fastopen_key",
}
"""Keys of hexadecimal numbers without a mark, which the kernel shows as wide as they can be; a mask
of processors has a comma after every eight digits."""
_DIGITS = re.compile(r"[0-9a-fA-F]{1,8}([-,][0-9a-fA-F]{1,8}){0,255}")


LOCK = "kernel/modules_disabled"
"""Once it is 1 no module is loaded until the next boot.  It is no part of a boot file: one would
set it before the drivers of cards and the modules of bridges and VLANs are there."""


def provider(path: str) -> str | None:
    """The module whose loading makes a sysctl appear, None where none is known."""
    return next((module for prefix, module in _PROVIDERS.items() if path.startswith(prefix)), None)


def interface(path: str) -> str | None:
    """The interface that a sysctl belongs to (``net/ipv4/conf/br-lan/...``), or None."""
    parts = path.split("/")
    per_interface = len(parts) > 4 and parts[0] == "net" and parts[2] in {"conf", "neigh"}
    return parts[3] if per_interface and parts[3] not in {"all", "default"} else None


def ordered(state: State) -> list[tuple[str, Sysctl]]:
    """The declared sysctls in the order in which they are to be written: ``net.ipv4.ip_forward``
    sets ``conf.default.forwarding`` and those of all interfaces along, so does what is below
    ``all``.  What locks modules out is last."""
    return sorted((state.sysctls or {}).items(), key=lambda item: _reach(item[0]))


def after_network(path: str) -> bool:
    """Whether a sysctl is written after all of the network: its interface comes with that, or the
    network needs modules that could not be loaded any more."""
    return _reach(path) >= _OF_INTERFACE


_OF_INTERFACE, _OF_MODULES = 3, 4


def _reach(path: str) -> int:
    if path == LOCK:
        return _OF_MODULES
    if interface(path) is not None:
        return _OF_INTERFACE
    return next((rank for rank, part in ((1, "/all/"), (2, "/default/")) if part in path), 0)


def plan_module(context: Context, name: str) -> Verdict:
    """The verdict on one declared module."""
    item = ObjectId("module", name)
    if context.host.modules.get(name) in {"loaded", "builtin"}:
        return Verdict(item)
    return Verdict(
        item,
        "drift",
        drift=(PropertyDrift("state", "loaded", "absent"),),
        actions=(LoadModule(object=item, reason=f"{name} is not loaded", module=name),),
    )


def wanted_text(wish: Sysctl) -> str:
    """What is written to /proc/sys for a declared value."""
    return str(wish.at_least if isinstance(wish, Minimum) else wish)


def satisfied(wish: Sysctl, value: str, path: str) -> bool:
    """Whether the value that the kernel shows at `path` is as declared."""
    if isinstance(wish, Minimum):
        seen = number(value)
        return seen is not None and seen >= wish.at_least
    wanted = sysctl_value(str(wish))
    return wanted == value or _meaning(wanted, path) == _meaning(value, path)


def number(text: str) -> int | None:
    """The number that the kernel reads in `text`, None where it is anything else.

    It takes hexadecimal and octal numbers too, and shows most of them in decimal.
    """
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    sign, hexadecimal, octal, decimal = found.groups()
    value = int(decimal) if decimal else int(octal, 8) if octal else int(hexadecimal, 16)
    return -value if sign else value


def _meaning(text: str, path: str) -> object:
    """What is the same for two spellings of a value: its numbers, or the ranges in a list, which
    the kernel shows in order and joined where they touch (``net.ipv4.ip_local_reserved_ports``).
    """
    if path in _SETS:
        return frozenset(text.split())
    if path in _HEXADECIMAL:
        return _hexadecimal(text, path)
    if path.endswith("/stable_secret"):
        try:
            return IPv6Address(text)
        except ValueError:
            return text
    numbers = tuple(map(number, text.split()))
    if None not in numbers:
        return numbers
    if not _RANGES.fullmatch(text):
        return text
    ends = (item.partition("-")[::2] for item in text.split(","))
    joined: list[tuple[int, int]] = []
    for start, end in sorted((int(first), int(last or first)) for first, last in ends):
        if joined and start <= joined[-1][1] + 1:
            before = joined.pop()
            joined.append((before[0], max(before[1], end)))
        else:
            joined.append((start, end))
    return tuple(joined)


def _hexadecimal(text: str, path: str) -> object:
    if not _DIGITS.fullmatch(text):
        return text
    parts = re.split("[-,]", text)
    if path == "net/ipv4/tcp_fastopen_key":
        return tuple(int(part, 16) for part in parts)
    return int("".join((parts[0], *(part.zfill(8) for part in parts[1:]))), 16)


def plan_sysctl(context: Context, path: str, wish: Sysctl) -> Verdict:
    """The verdict on one declared sysctl."""
    item = ObjectId("sysctl", sysctl_key(path))
    observed = context.host.sysctls.get(path, Observed(None, "not read"))
    wanted = wanted_text(wish)
    if observed.value is None:
        return _missing(context, item, path, wanted, observed)
    if satisfied(wish, observed.value, path):
        return Verdict(item)
    shown = f"at least {wanted}" if isinstance(wish, Minimum) else wanted
    drift = (PropertyDrift("value", shown, observed.value),)
    if isinstance(wish, Minimum) and number(observed.value) is None:
        # Of several numbers writing the one would take the others away.
        return Verdict(
            item,
            "blocked",
            f'its value is "{observed.value}", of which there is no more and no less',
            "declare the whole value, in quotes, in place of at-least",
            drift,
        )
    return Verdict(
        item,
        "drift",
        drift=drift,
        actions=(
            WriteSysctl(
                object=item,
                reason=f"{item.name} is {observed.value or 'empty'}, not {shown}",
                needs=_wants_modules(context.state) if path == LOCK else frozenset(),
                path=path,
                value=wanted,
            ),
        ),
    )


def _wants_modules(state: State) -> frozenset[ObjectId]:
    """What may have modules loaded: the network, and those that are declared."""
    ports = (object_id(port) for _, _, port in state.ports())
    bridges = (ObjectId("bridge", name) for name in state.bridges or {})
    modules = (ObjectId("module", module_name(name)) for name in state.modules or ())
    return frozenset((*ports, *bridges, *modules))


def _missing(
    context: Context, item: ObjectId, path: str, wanted: str, observed: Observed
) -> Verdict:
    """A key that is not there: its module or interface may be on the way, or never come."""
    drift = (PropertyDrift("value", wanted, "no such key"),)
    module = provider(path)
    name = interface(path)
    declared = {module_name(m) for m in context.state.modules or ()}
    needs: ObjectId | None = None
    if module is not None and context.host.modules.get(module) not in {"loaded", "builtin"}:
        if module not in declared:
            return Verdict(
                item,
                "unavailable",
                f"the key appears with the module {module}, which is neither loaded nor declared",
                f"add {module} under modules if the key is wanted in any case",
                drift,
            )
        needs = ObjectId("module", module)
    elif name is not None:
        needs = _declared_interface(context, name)
        if needs is None:
            return Verdict(item, "unavailable", f"there is no interface {name}", "", drift)
    if needs is None or (name is not None and context.host.link(name) is not None):
        return Verdict(
            item,
            "blocked",
            observed.reason or f"this kernel has no key {item.name}",
            "check the spelling with sysctl -a, which lists what can be read; or take the key out "
            "of the state file",
            drift,
        )
    write = WriteSysctl(
        object=item,
        reason=f"the key comes with {needs}",
        needs=frozenset({needs}),
        path=path,
        value=wanted,
    )
    return Verdict(item, "pending", f"waits for {needs}", "", drift, (write,))


def _declared_interface(context: Context, name: str) -> ObjectId | None:
    for bridge, _, port in context.state.ports():
        if bridge == name:
            return ObjectId("bridge", name)
        if port.device == name:
            return object_id(port)
    return ObjectId("bridge", name) if name in (context.state.bridges or {}) else None
