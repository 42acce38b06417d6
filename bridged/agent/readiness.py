"""Whether the node is ready for KubeVirt, check by check.  Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from bridged.desired.state import State
from bridged.observe.host import Host
from bridged.report import (
    CheckOutcome,
    LinkReport,
    ObjectReport,
    ReadinessCheck,
    StateFileReport,
)

_DEVICES = {
    "/dev/kvm": "virtualisation on in the firmware? then: modprobe kvm_intel or kvm_amd",
    "/dev/vhost-net": "modprobe vhost_net, or declare it under modules",
    "/dev/net/tun": "modprobe tun, or declare it under modules",
}
_TROUBLE = {
    "r8169": "Realtek cards give trouble beyond the basics; prefer an Intel one for guests",
    "r8168": "Realtek's own driver gives trouble beyond the basics; prefer an Intel card",
    "r8125": "Realtek's own driver gives trouble beyond the basics; prefer an Intel card",
    "r8152": "a USB card loses its link now and then; prefer one on PCI Express for guests",
    "ax88179_178a": "a USB card loses its link now and then; prefer one on PCI Express for guests",
}
"""Drivers that are known for trouble with guests, with what to do."""
_SAID = {"drift": "differs", "unavailable": "is not offered by this host"}
_SHOWN = 5

Checked = Iterator[ReadinessCheck]


def readiness(
    file: StateFileReport,
    state: State,
    host: Host,
    objects: Sequence[ObjectReport],
    links: Sequence[LinkReport],
) -> tuple[ReadinessCheck, ...]:
    """Every check by name, in the order in which one would look.

    What is not declared and cannot be told from the host is left out rather than guessed.
    """
    checks: tuple[Callable[[], Checked], ...] = (
        lambda: _state(file),
        lambda: _kvm(host),
        lambda: _cgroup(host),
        lambda: _swap(state, host),
        lambda: _declared(objects, "modules", {"module"}),
        lambda: _declared(objects, "sysctls", {"sysctl"}),
        lambda: _declared(objects, "packages", {"package"}),
        lambda: _declared(objects, "runtime", {"runtime"}),
        lambda: _declared(objects, "bridges", {"bridge", "port", "vlan"}),
        lambda: _nics(host, links),
    )
    return tuple(check for each in checks for check in each())


def _state(file: StateFileReport) -> Checked:
    """Without a state nobody knows what this node needs; with the last good one that is known."""
    if file.valid:
        yield ReadinessCheck("state", "ready")
        return
    remedy = f"correct {file.path}: bridgedctl status tells what is wrong with it"
    if file.source == "none":
        said = "the state file cannot be used, so nothing is declared that could be judged"
        yield ReadinessCheck("state", "not-ready", said, remedy)
        return
    said = "the state file has errors; judged by the last good state"
    yield ReadinessCheck("state", "warning", said, remedy)


def _kvm(host: Host) -> Checked:
    absent = [node for node in _DEVICES if host.nodes.get(node) is not True]
    if not absent:
        yield ReadinessCheck("kvm", "ready")
        return
    remedy = "; ".join(_DEVICES[node] for node in absent)
    yield ReadinessCheck("kvm", "not-ready", f"there is no {' and no '.join(absent)}", remedy)


def _cgroup(host: Host) -> Checked:
    version = host.node.cgroup
    if version == 2:
        yield ReadinessCheck("cgroup", "ready")
        return
    have = f"cgroup version {version} is mounted" if version else "no cgroups are mounted"
    remedy = "boot with systemd.unified_cgroup_hierarchy=1"
    yield ReadinessCheck("cgroup", "not-ready", f"{have}, version 2 is wanted", remedy)


def _swap(state: State, host: Host) -> Checked:
    swaps = [swap.device for swap in host.node.swaps]
    if not swaps:
        yield ReadinessCheck("swap", "ready")
        return
    reason = f"swap is on ({_listed(swaps)}); the kubelet does not start with it (failSwapOn)"
    outcome: CheckOutcome = "not-ready" if state.swap == "off" else "warning"
    remedy = "declare swap: off" if state.swap is None else "bridgedctl status tells why it is on"
    yield ReadinessCheck("swap", outcome, reason, remedy)


def _declared(objects: Sequence[ObjectReport], name: str, kinds: set[str]) -> Checked:
    """The declared objects of some kinds.  Here what this host does not offer counts as missing:
    nobody asked bridged for it, but it was declared as needed."""
    mine = [item for item in objects if item.kind in kinds]
    wrong = [item for item in mine if item.condition != "converged"]
    if not mine:
        return
    if not wrong:
        yield ReadinessCheck(name, "ready")
        return
    said = _listed(
        f"{item.kind}/{item.name} {_SAID.get(item.condition, f'is {item.condition}')}"
        for item in wrong
    )
    remedy = next((item.remedy for item in wrong if item.remedy), "bridgedctl status")
    yield ReadinessCheck(name, "not-ready", said, remedy)


def _nics(host: Host, links: Sequence[LinkReport]) -> Checked:
    """The cards that guests' traffic goes through; that of the node itself is its own affair."""
    cards = [link.name for link in links if link.role in {"port", "parent"} and link.present]
    bad = []
    for name in cards:
        link = host.link(name)
        if link is not None and link.driver in _TROUBLE:
            bad.append((name, link.driver))
    if bad:
        said = _listed(f"{name} is driven by {driver}" for name, driver in bad)
        yield ReadinessCheck("nics", "warning", said, _TROUBLE[bad[0][1]])
    elif cards:
        yield ReadinessCheck("nics", "ready")


def _listed(parts: Iterable[str]) -> str:
    parts = list(parts)
    more = f" and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
    return ", ".join(parts[:_SHOWN]) + more
