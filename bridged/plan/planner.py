"""The planner: (desired state, host, memory) -> Plan.  Pure: no I/O, no clock, no logging."""

from collections.abc import Collection, Iterable, Set
from dataclasses import replace

from bridged.desired.bridge import Bridge
from bridged.desired.names import module_name, sysctl_key
from bridged.desired.port import Nic, Port, Vlan
from bridged.desired.state import State
from bridged.observe.host import Host, Interest
from bridged.plan.actions import Action, Activate, ObjectId
from bridged.plan.boot import FILES, plan_files
from bridged.plan.bridges import plan_bridge
from bridged.plan.context import Context
from bridged.plan.declared import ports_of
from bridged.plan.files import conf, find_of_kubernetes, kept_files, plan_kept, readings
from bridged.plan.findings import DANGERS, NODES, READY_NODES
from bridged.plan.guard import Guard
from bridged.plan.guests import plan_guests
from bridged.plan.kernel import LOCK, after_network, ordered, plan_module, plan_sysctl, provider
from bridged.plan.memory import Memory
from bridged.plan.packages import plan_packages
from bridged.plan.port_view import object_id
from bridged.plan.ports import plan_port
from bridged.plan.removal import plan_removals
from bridged.plan.result import Plan, Verdict
from bridged.plan.runtime import plan_runtime


def interest(state: State) -> Interest:
    """What must be observed to plan `state`."""
    sysctls = frozenset(state.sysctls or {})
    modules = {module_name(name) for name in state.modules or ()}
    modules |= {module for path in sysctls if (module := provider(path))}
    packages = state.packages
    return Interest(
        devices=state.devices(),
        modules=frozenset(modules),
        sysctls=sysctls,
        files=frozenset(FILES) | readings(state).files,
        kept=frozenset(kept_files(state)),
        kubeadm_conf=conf(state),
        offloads=frozenset(
            port.device
            for _, _, port in state.ports()
            if isinstance(port, Nic) and port.offloads is not None
        ),
        nodes=(frozenset(NODES.get(name, "") for name in modules) - {""})
        | readings(state).nodes
        | READY_NODES,
        packages=frozenset((*packages.present, *packages.absent) if packages else ()),
        containerd=state.runtime.containerd if state.runtime else None,
    )


def make_plan(
    state: State,
    host: Host,
    memory: Memory | None = None,
    allowed: frozenset[str] = frozenset(),
) -> Plan:
    """The plan that takes `host` to `state`.

    Verdicts stand in the order in which their actions are to be taken: what others need comes
    first (module before its sysctls, bridge before port, parent before VLAN).  `allowed` names the
    bridges whose guests the operator allows to be disturbed this once.
    """
    context = Context(state, host, memory or Memory(), allowed)
    guard = Guard(context)
    sysctls = [
        (
            after_network(path),
            guard.one(ObjectId("sysctl", sysctl_key(path)), "", plan_sysctl, context, path, wish),
        )
        for path, wish in ordered(state)
    ]
    verdicts = [
        *guard.all(ObjectId("guests", "all"), plan_guests),
        *_modules(context, guard),
        *(verdict for late, verdict in sysctls if not late),
        *guard.all(ObjectId("file", "boot files"), plan_files),
        *_network(context, guard),
        *(verdict for late, verdict in sysctls if late),
        *guard.all(ObjectId("bridge", "no longer declared"), plan_removals),
        *guard.all(ObjectId("file", "kept files"), plan_kept),
        # Last: nothing of the network waits for these.
        *guard.all(ObjectId("package", "all"), plan_packages),
        *guard.all(ObjectId("runtime", "all"), plan_runtime),
    ]
    withheld: list[Action] = []
    verdicts = _spare_guests(context, guard, verdicts, withheld)
    if LOCK in (state.sysctls or {}):
        verdicts = _locked_last(verdicts)
    findings = [
        finding for find in (*DANGERS, find_of_kubernetes) for finding in guard.findings(find)
    ]
    return Plan(tuple(verdicts), tuple(withheld), tuple(findings), faults=guard.faults)


def plan_links(
    state: State, host: Host, memory: Memory, names: Collection[str]
) -> tuple[Verdict, ...]:
    """The verdicts on the bridges and ports that are declared under one of these names, as in the
    whole plan; a bridge that is missing has none."""
    context = Context(state, host, memory)
    guard = Guard(context)
    bridges = state.bridges or {}
    verdicts = [
        _bridge(context, guard, name, bridges[name], comes_with_port=False)
        for name in names
        if name in bridges and host.link(name) is not None
    ]
    # A VLAN's MTU is at most its parent's.
    ports = sorted(ports_of(state, names), key=lambda declared: isinstance(declared[2], Vlan))
    verdicts += [_port(context, guard, *declared) for declared in ports]
    return tuple(_spare_guests(context, guard, verdicts, []))


def _modules(context: Context, guard: Guard) -> Iterable[Verdict]:
    for name in map(module_name, context.state.modules or ()):
        yield guard.one(ObjectId("module", name), "", plan_module, context, name)


def _bridge(
    context: Context, guard: Guard, name: str, spec: Bridge, comes_with_port: bool
) -> Verdict:
    item = ObjectId("bridge", name)
    return guard.one(item, name, plan_bridge, context, name, spec, comes_with_port)


def _port(context: Context, guard: Guard, name: str, bridge: Bridge, port: Port) -> Verdict:
    return guard.one(object_id(port), name, plan_port, context, name, bridge, port)


def _network(context: Context, guard: Guard) -> Iterable[Verdict]:
    """Bridges, then NICs, then VLANs by how deep they are stacked."""
    ports = [(_port(context, guard, *declared), declared[2]) for declared in context.state.ports()]
    activated = {
        verdict.bridge
        for verdict, _ in ports
        if any(isinstance(action, Activate) for action in verdict.actions)
    }
    for name, bridge in (context.state.bridges or {}).items():
        yield _bridge(context, guard, name, bridge, comes_with_port=name in activated)
    depth = _depths(context)
    for verdict, _ in sorted(ports, key=lambda pair: depth.get(pair[1].device, 0)):
        yield verdict


def _depths(context: Context) -> dict[str, int]:
    parents = {p.device: p.parent for _, _, p in context.state.ports() if isinstance(p, Vlan)}
    depths: dict[str, int] = {}
    for name in parents:
        depth, walk = 0, name
        while walk in parents and depth <= len(parents):
            depth, walk = depth + 1, parents[walk]
        depths[name] = depth
    return depths


def _locked_last(verdicts: Collection[Verdict]) -> list[Verdict]:
    """Modules are locked out, which only a boot ends, once all that may need one is there."""
    item = ObjectId("sysctl", sysctl_key(LOCK))
    missing = {verdict.object for verdict in verdicts if verdict.condition != "converged"}
    return [_waiting_for(v, missing) if v.object == item and v.actions else v for v in verdicts]


def _waiting_for(verdict: Verdict, missing: Set[ObjectId]) -> Verdict:
    waits = sorted(str(item) for action in verdict.actions for item in action.needs & missing)
    if not waits:
        return verdict
    reason = f"waits for {', '.join(waits[:5])}: afterwards no module can be loaded"
    return replace(verdict, condition="pending", reason=reason, actions=())


def _spare_guests(
    context: Context, guard: Guard, verdicts: Iterable[Verdict], withheld: list[Action]
) -> list[Verdict]:
    """Take out every action that would cost guests their bridge and is not allowed."""
    return [
        guard.one(v.object, v.bridge, _sparing, context, v, withheld)
        if any(action.disruption == "guests" for action in v.actions)
        else v
        for v in verdicts
    ]


def _sparing(context: Context, verdict: Verdict, withheld: list[Action]) -> Verdict:
    bridge, item = verdict.bridge, verdict.object
    ports = context.guests(bridge) if bridge else ()
    upon = context.standing(bridge) if bridge else ()
    if item.kind == "vlan":
        upon += context.standing(item.name)
    if not (ports or upon) or (bridge and bridge in context.allowed):
        return verdict
    withheld += (action for action in verdict.actions if action.disruption == "guests")
    names = ", ".join(guest.name for guest in (*ports, *upon)[:5])
    lost = bridge if ports or item.kind != "vlan" else item.name
    what = f"{len(ports)} guest ports" if ports and not upon else f"{len(ports + upon)} guests"
    return replace(
        verdict,
        condition="withheld",
        reason=f"would take {lost} away from {what} ({names})",
        remedy=f"bridgedctl apply --allow-disruption {bridge}"
        if bridge
        else f"remove {names} first",
        actions=tuple(a for a in verdict.actions if a.disruption != "guests"),
    )
