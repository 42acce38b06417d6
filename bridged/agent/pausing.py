"""What a pause means for a plan: which objects it holds, and what is said of them.  Pure."""

from dataclasses import replace

from bridged.agent.pause import PausedError, Pauses, UnknownBridge, sentence
from bridged.agent.reporting import Hold
from bridged.desired.state import State
from bridged.observe.host import Host
from bridged.plan.result import Plan, Verdict


def hold(pauses: Pauses, verdict: Verdict, host: Host | None) -> Hold | None:
    """Why nothing is done for an object, None where no pause keeps anything from being done.

    A port is held by the pause of the bridge that it is to be in, and by that of the one that it
    would be taken from.
    """
    if not pauses.active or not (verdict.actions or verdict.condition == "pending"):
        return None
    item = verdict.object
    bridges = [item.name if item.kind == "bridge" else verdict.bridge]
    if item.kind in {"port", "vlan"} and host is not None:
        link = host.link(item.name)
        controller = host.by_index.get(link.controller or 0) if link else None
        bridges += [controller.name] if controller else []
    pause = next((p for p in map(pauses.of, bridges) if p is not None), None)
    if pause is None:
        return None
    reason = sentence(pause)
    if item.kind == "guests":
        reason += "; these guests are plugged back in afterwards"
    remedy = f"wait; or end the pause: bridgedctl resume {pause.bridge}".rstrip()
    return Hold(reason, "paused", remedy, pause.until)


def shown(plan: Plan, pauses: Pauses, host: Host | None) -> Plan:
    """The plan as people are shown it: what a pause holds is set apart."""
    if not pauses.active:
        return plan
    held = {v.object for v in plan.verdicts if hold(pauses, v, host)}
    return replace(
        plan,
        verdicts=tuple(replace(v, actions=()) if v.object in held else v for v in plan.verdicts),
        paused=tuple(action for action in plan if action.object in held),
        pauses=pauses.reports,
    )


def left_alone(pauses: Pauses, state: State) -> frozenset[str]:
    """The declared devices of paused bridges: no rollback may change them either."""
    return frozenset(
        device
        for name, bridge in (state.bridges or {}).items()
        if pauses.of(name)
        for device in (name, *(port.device for port in bridge.ports))
    )


def refuse_apply(pauses: Pauses, allowed: frozenset[str]) -> None:
    """Raise `PausedError` where an operator asks for what a pause forbids altogether."""
    for scope in sorted({"", *allowed}):
        pause = pauses.of(scope)
        if pause is not None:
            whose = f"bridge {pause.bridge}" if pause.bridge else "the node"
            raise PausedError(
                f"{whose} is {sentence(pause)}; nothing was done",
                f"bridgedctl resume {pause.bridge}".rstrip() + ", then apply again",
            )


def refuse_resume(pauses: Pauses, bridges: tuple[str, ...]) -> None:
    """Raise `PausedError` where bridges are named and the whole node is paused."""
    node = pauses.node
    if bridges and node is not None:
        text = f"the whole node is {sentence(node)}"
        raise PausedError(text, "bridgedctl resume, without a name")


def refuse_unknown(bridges: tuple[str, ...], state: State | None, plan: Plan) -> None:
    """Raise `UnknownBridge` unless all these bridges are declared, or still there to go."""
    known = dict.fromkeys((state.bridges if state else None) or {})
    known |= dict.fromkeys(v.bridge for v in plan.verdicts if v.bridge)
    for name in bridges:
        if name not in known:
            raise UnknownBridge(name, list(known))
