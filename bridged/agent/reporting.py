"""From the last observation to the report: what is said of each object and link.  Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bridged.agent.ledger import Entry
from bridged.desired.port import Vlan
from bridged.desired.state import State
from bridged.observe.host import Host, Link, NetworkManager
from bridged.plan.actions import Action
from bridged.plan.result import Plan, Verdict
from bridged.report import Condition, Finding, LinkReport, ObjectReport

_STP_STATES = ("disabled", "listening", "learning", "forwarding", "blocking")
"""BR_STATE_* of linux/if_bridge.h, by number."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Why an object is not touched now, what that is called, and until when (Unix seconds, zero
    where nobody knows)."""

    reason: str
    condition: Condition = "withheld"
    remedy: str = "correct the state file; or: bridgedctl confirm, rollback, or apply to try again"
    until: float = 0.0


def condition(verdict: Verdict, entry: Entry, contended: bool, held_back: Hold | None) -> Condition:
    """What to call the state of an object, given what planning and the ledger know."""
    if held_back is not None:
        return held_back.condition
    if contended:
        return "contended"
    if entry.attempts and verdict.condition in {"drift", "pending"}:
        return "failed"
    return verdict.condition


def object_report(
    verdict: Verdict,
    entry: Entry,
    undone: int,
    held_back: Hold | None,
    wait: float,
    rivals: tuple[str, ...] = (),
) -> ObjectReport:
    """One object; `undone` is how often a repair of it was undone lately, `held_back` why it is not
    touched, `wait` when it is tried again (Unix seconds), zero where nothing waits, `rivals` who
    may be changing it back.

    `entry.condition` and `entry.since` are taken as they stand.
    """
    reason, remedy = verdict.reason, verdict.remedy
    if held_back is not None:
        reason, remedy = held_back.reason, held_back.remedy
    elif entry.condition == "failed" and verdict.condition != "failed":
        reason = entry.error
    elif entry.condition == "contended":
        likely = f"; likely: {'; '.join(rivals)}" if rivals else ""
        reason = f"repaired {undone} times within a minute, something changes it back{likely}"
        remedy = "find what else sets it: journalctl, /etc/sysctl.d, nmcli connection, other agents"
    return ObjectReport(
        kind=verdict.object.kind,
        name=verdict.object.name,
        condition=entry.condition,
        reason=reason,
        remedy=remedy,
        drift=verdict.drift,
        since=entry.since,
        attempts=entry.attempts,
        next_attempt=wait if wait > 0 else None,
        last_repair=entry.last_repair,
        bridge=verdict.bridge,
    )


def link_reports(state: State, host: Host) -> tuple[LinkReport, ...]:
    """The declared links, bridges first, each followed by its ports and their parents."""
    reports: dict[str, LinkReport] = {}
    for name, bridge in (state.bridges or {}).items():
        link = host.link(name)
        declared = {host.by_name[p.device].name for p in bridge.ports if p.device in host.by_name}
        guests: list[Link] = []
        if link is not None and link.kind == "bridge":
            guests = [port for port in host.ports(link) if port.name not in declared]
        reports[name] = _link(name, "bridge", link, name, guests)
        for port in bridge.ports:
            role = "vlan" if isinstance(port, Vlan) else "port"
            report = _link(port.device, role, host.link(port.device), name)
            if isinstance(port, Vlan):
                report = replace(report, parent=port.parent, vlan=port.vlan)
            reports[port.device] = report
    for _, _, port in state.ports():
        if isinstance(port, Vlan) and port.parent not in reports:
            reports[port.parent] = _link(port.parent, "parent", host.link(port.parent), "")
    return tuple(reports.values())


def _link(
    name: str, role: str, link: Link | None, bridge: str, guests: Sequence[Link] = ()
) -> LinkReport:
    if link is None:
        return LinkReport(name, role, False, bridge)  # type: ignore[arg-type]
    return LinkReport(
        name=name,
        role=role,  # type: ignore[arg-type]
        present=True,
        bridge=bridge,
        up=link.up,
        carrier=link.carrier,
        operstate=link.operstate,
        mtu=link.mtu,
        address=link.address,
        speed=link.speed,
        carrier_changes=link.carrier_changes,
        counters=link.stats,
        guests=tuple(guest.name for guest in guests),
        guests_down=tuple(guest.name for guest in guests if not (guest.up and guest.carrier)),
        duplex=link.duplex,
        driver=link.driver,
        stp_state=_stp_state(link),
        fdb_entries=link.info.get("br_fdb_n_learned"),
    )


def _stp_state(link: Link) -> str:
    state: int = link.port.get("brport_state", len(_STP_STATES))
    return _STP_STATES[state] if state < len(_STP_STATES) else ""


def withheld(plan: Plan) -> dict[str, int]:
    """Bridge -> steps that are not taken because its guests would lose it."""
    if not plan.withheld:
        return {}
    bridges = {verdict.object: verdict.bridge for verdict in plan.verdicts}

    def bridge(action: Action) -> str:
        return bridges.get(action.object) or action.object.name

    return dict(Counter(map(bridge, plan.withheld)))


def listing(names: Iterable[str], limit: int = 6) -> str:
    """Some of the names, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def network_manager_version(host: Host) -> str:
    """The version, or why there is none."""
    nm = host.network_manager
    return ".".join(map(str, nm.version)) if isinstance(nm, NetworkManager) else nm.reason


def findings(plan: Plan, host: Host) -> tuple[Finding, ...]:
    """The findings of the plan, of its objects, and worlds that could not be read."""
    found = list(plan.findings)
    for world, reason in host.problems.items():
        found.append(Finding("unreadable", f"{world} cannot be read: {reason}"))
    for verdict in plan.verdicts:
        found += (replace(f, object=f.object or str(verdict.object)) for f in verdict.findings)
    return tuple(found)
