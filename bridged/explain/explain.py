"""One object explained: (state, host, report, name, places) -> Explanation.  Pure."""

from bridged.desired.state import State
from bridged.explain.files import kept_parts
from bridged.explain.kernel import file_parts, module_parts, sysctl_parts
from bridged.explain.network import bridge_parts, port_parts
from bridged.explain.places import Places
from bridged.explain.records import BootLine, Explanation, ProfileView, PropertyView
from bridged.explain.resolve import resolve
from bridged.observe.host import Host
from bridged.plan.actions import ObjectId
from bridged.plan.context import Context
from bridged.plan.suspects import suspects
from bridged.report import Finding, ObjectReport, Report

_REPAIRS = 5


def explain(
    state: State, host: Host, report: Report, text: str, places: Places | None = None
) -> Explanation:
    """What is known about the object that `text` names.  Raises `resolve.Unknown`.

    `report` is the one on `host`; `places` tells where the state file says what.
    """
    places = places or Places()
    item = resolve(text, report, host)
    context = Context(state, host)
    drift = {d.property: d for d in item.drift}
    declared, facts = "", tuple[tuple[str, str], ...]()
    properties: tuple[PropertyView, ...] = ()
    profiles: tuple[ProfileView, ...] = ()
    boot: tuple[BootLine, ...] = ()
    if item.kind == "bridge" and item.name in (state.bridges or {}):
        properties, facts, profiles = bridge_parts(context, item.name, drift, places)
        declared = places.of("bridges", item.name)
    elif item.kind in {"port", "vlan"}:
        for bridge, _, port in state.ports():
            if port.device == item.name:
                properties, facts, profiles = port_parts(context, bridge, port, drift, places)
                declared = places.of("bridges", bridge, "ports", port.written)
    elif item.kind == "module":
        properties, facts, boot = module_parts(state, host, item.name, places)
        declared = properties[0].declared
    elif item.kind == "sysctl":
        properties, facts, boot = sysctl_parts(state, host, item.name, places)
        declared = properties[0].declared if properties else ""
    elif item.kind == "file":
        properties, facts, boot = file_parts(state, host, item.name)
        declared = "derived"
        if not properties:
            properties, facts, declared = kept_parts(state, host, item.name, drift, places)
    if not properties:  # of the rest of the node, no longer declared, or guests that wait
        properties = tuple(
            PropertyView(d.property, d.desired, "", d.kernel, d.network_manager, differs=True)
            for d in item.drift
        )
    others = suspects(state, host, ObjectId(item.kind, item.name))  # type: ignore[arg-type]
    findings = _findings(item, report)
    repairs = [repair for repair in report.repairs if repair.object == f"{item.kind}/{item.name}"]
    return Explanation(
        kind=item.kind,
        name=item.name,
        time=report.time,
        agent=report.agent,
        condition=item.condition,
        state_valid=report.state.valid,
        declared=declared,
        bridge=item.bridge,
        reason=item.reason.partition("; likely: ")[0],  # those are `others`
        remedy=item.remedy,
        since=item.since,
        attempts=item.attempts,
        next_attempt=item.next_attempt,
        properties=properties,
        facts=facts,
        profiles=profiles,
        boot=boot,
        others=others,
        findings=findings,
        repairs=tuple(repairs[-_REPAIRS:]),
        next_step=_next_step(item, report, others, findings),
        left_out=report.state.left_out,
    )


def _findings(item: ObjectReport, report: Report) -> tuple[Finding, ...]:
    """Findings about the object; those that name it only in their text count too."""
    name = f"{item.kind}/{item.name}"
    words = {item.name, item.name.replace(".", "/")}
    return tuple(
        finding
        for finding in report.findings
        if finding.object == name or (not finding.object and words & _words(finding.message))
    )


def _words(text: str) -> set[str]:
    return {word.strip(",;:()") for word in text.split()}


def _next_step(
    item: ObjectReport, report: Report, others: tuple[str, ...], findings: tuple[Finding, ...]
) -> str:
    """What somebody who reads the explanation does now."""
    if not report.state.valid:
        return "correct the state file: bridgedctl validate says what is wrong with it"
    remedies = [finding.remedy for finding in findings if finding.remedy]
    if item.condition == "contended" and remedies:
        return f"{remedies[0]}; then: bridgedctl apply"
    if item.condition == "contended" and others:
        return f"look at the likeliest first: {others[0]}; then: bridgedctl apply"
    if item.condition in {"failed", "blocked", "withheld", "contended", "unavailable"}:
        if item.remedy:
            return item.remedy
        if item.condition == "unavailable":
            return "nothing: the host does not offer it, and nobody asked bridged to bring it"
        return "act on the reason above, then: bridgedctl apply"
    if item.condition == "pending":
        return "wait a moment and look again; if it stays: journalctl -u bridged -u NetworkManager"
    if item.condition == "drift" and item.remedy:
        return item.remedy
    if item.condition == "drift" and report.agent:
        return "nothing, bridged is about to repair it; if it stays: journalctl -u bridged -e"
    if item.condition == "drift":
        return "sudo bridgedctl apply repairs it once; systemctl start bridged keeps it so"
    if remedies:
        return f"as declared; but {remedies[0]}"
    return "nothing to do, it is as declared"
