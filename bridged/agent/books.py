"""The books: what came of every pass, object by object, judged by the last observation."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import structlog

from bridged.agent.ledger import Ledger
from bridged.agent.reporting import Hold, condition, listing, object_report
from bridged.agent.tally import Tally
from bridged.apply.executor import Outcome
from bridged.desired.state import State
from bridged.errors import OwnFault
from bridged.observe.host import Host
from bridged.observe.node import Job
from bridged.plan.actions import (
    Action,
    InstallPackage,
    ObjectId,
    RemovePackage,
    RestartService,
    SwapOff,
)
from bridged.plan.result import Plan, Verdict
from bridged.plan.suspects import suspects
from bridged.report import ObjectReport, Repair

HeldBack = Callable[[Verdict], Hold | None]
"""Why an object is not touched now, None where it may be."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """`monotonic` orders and measures, `wall` is what people read (Unix seconds)."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]


class Books:
    """Keeps ledger, tally and the last repairs.  Belongs to the reconciling thread."""

    def __init__(self, clocks: Clocks, ledger: Ledger | None = None) -> None:
        self.ledger = ledger or Ledger()
        self.tally = Tally()
        self.repairs: deque[Repair] = deque(maxlen=100)
        self.last_success: float | None = None
        self.sentence = ""
        self.on_repair: Callable[[Repair, str], None] = lambda repair, bridge: None
        """Told every repair and the bridge that it belongs to; returns at once."""
        self._ended: dict[str, int] = {}
        self._faults: dict[str, dict[str, type]] = defaultdict(dict)
        self._clocks = clocks
        self._log = structlog.get_logger("bridged")

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Count how long a phase takes."""
        start = self._clocks.monotonic()
        try:
            yield
        finally:
            self.tally.took(phase, self._clocks.monotonic() - start)

    def count_drift(self, verdicts: Iterable[Verdict]) -> None:
        """Count each property that newly differs; one that stays different is counted once.

        What the host does not offer and nobody asked for has not drifted: it will have when it
        appears with another value (case 2).
        """
        for verdict in verdicts:
            entry = self.ledger.entry(verdict.object)
            offered = verdict.condition != "unavailable"
            names = frozenset(d.property for d in verdict.drift) if offered else frozenset()
            if names and not entry.drifted:
                entry.noticed = self._clocks.monotonic()
            for name in names - entry.drifted:
                self.tally.drift[str(verdict.object), name] += 1
            entry.drifted = names

    def stumbled(self, phase: str, faults: Mapping[str, Exception]) -> None:
        """Enter all that a phase stumbled over this time, by what was being read or planned."""
        for known in [what for what in self._faults[phase] if what not in faults]:
            del self._faults[phase][known]
        for what, fault in faults.items():
            self._stumbled(phase, what, fault)

    def _stumbled(self, phase: str, what: str, fault: BaseException | None) -> None:
        """Count a fault of our own, and tell where it came up unless that was told before."""
        self.tally.errors["bridged"] += 1
        if self._faults[phase].get(what) is not type(fault):
            self._faults[phase][what] = type(fault)
            self._log.error("fault", phase=phase, object=what, exc_info=fault)

    def ended_aside(self, jobs: Mapping[str, Job]) -> None:
        """Enter the work that has ended since the last look."""
        for key, job in jobs.items():
            if job.running or self._ended.get(key) == job.number:
                continue
            self._ended[key] = job.number
            kind, _, name = key.partition("/")
            item = ObjectId(kind, name)  # type: ignore[arg-type]
            cause = "+".join(sorted(self.ledger.entry(item).drifted)) or "unknown"
            outcome: Literal["repaired", "failed"] = "failed" if job.error else "repaired"
            error = job.text if job.error else ""
            wall = self._clocks.wall()
            repair = Repair(wall, key, cause, job.what, outcome, job.seconds, error)
            self.tally.repairs[key, cause, outcome] += 1
            self.ledger.entry(item).last_repair = repair
            self.repairs.append(repair)
            if not job.error:
                self.sentence = f"repaired {key}"
                self._log.info("repaired", object=key, did=job.what)
            elif job.attempts == 1:
                self._log.warning("repair_failed", object=key, did=job.what, error=error)

    def settle(
        self,
        plan: Plan,
        before: Mapping[ObjectId, Verdict],
        taken: Mapping[ObjectId, list[Outcome]],
        redeclared: bool,
        held_back: HeldBack,
    ) -> None:
        """Judge how every object ended.

        `plan` is of the last observation, `before` are the verdicts on which the actions of
        `taken` were taken; `redeclared` tells that the state file changed since the last pass.
        """
        done: list[Repair] = []
        news = False
        for item, outcomes in taken.items():
            repair = self._judge(plan.verdict(item), before[item], outcomes, redeclared)
            if repair is not None:
                done.append(repair)
                self._enter(item, repair, before[item].bridge)
                news = news or repair.outcome == "repaired" or self._first(item)
        for item, outcomes in taken.items():
            self._count_errors(str(item), outcomes)
        self.note(plan, held_back)
        self.ledger.forget({verdict.object for verdict in plan.verdicts} | set(taken))
        if redeclared:
            bridges = {v.object.name for v in plan.verdicts if v.object.kind == "bridge"}
            known = {str(item) for item in (*(v.object for v in plan.verdicts), *taken)}
            self.tally.forget(known | {f"guests/{name}" for name in bridges})
        self._summarise(plan, done, bool(taken), news)

    def note(self, plan: Plan, held_back: HeldBack) -> None:
        """Take down how every object was last seen, and since when it is so."""
        now, wall = self._clocks.monotonic(), self._clocks.wall()
        for verdict in plan.verdicts:
            entry = self.ledger.entry(verdict.object)
            contended = self.ledger.contended(verdict.object, now)
            new = condition(verdict, entry, contended, held_back(verdict))
            if new != entry.condition or not entry.since:
                self._log_condition(verdict, new, entry.condition)
                if new != "converged":
                    self.tally.conditions[str(verdict.object), new] += 1
                entry.condition, entry.since = new, wall

    def objects(
        self, plan: Plan, state: State, host: Host, held_back: HeldBack
    ) -> tuple[ObjectReport, ...]:
        """The report on every object of the plan."""
        now, wall = self._clocks.monotonic(), self._clocks.wall()
        found = []
        for verdict in plan.verdicts:
            entry = self.ledger.entry(verdict.object)
            contended = entry.condition == "contended"
            wait = entry.not_before - now if verdict.actions or contended else 0.0
            hold = held_back(verdict)
            due = wall + wait if wait > 0 else 0.0
            found.append(
                object_report(
                    verdict,
                    entry,
                    self.ledger.undone(verdict.object, now),
                    hold,
                    max(due, hold.until if hold else 0.0),
                    suspects(state, host, verdict.object) if contended else (),
                )
            )
        return tuple(found)

    def _count_errors(self, item: str, outcomes: Iterable[Outcome]) -> None:
        failed = [outcome for outcome in outcomes if outcome.error and not outcome.skipped]
        if not failed:
            self._faults["repair"].pop(item, None)
        for outcome in failed:
            if isinstance(outcome.error, OwnFault):
                self._stumbled("repair", item, outcome.error.__cause__)
            else:
                self.tally.errors[outcome.action.world] += 1

    def _judge(
        self, after: Verdict | None, before: Verdict, outcomes: list[Outcome], redeclared: bool
    ) -> Repair | None:
        """Whether what was done to an object brought it to its desired state; None where it is on
        its way and nobody can tell yet."""
        now, wall = self._clocks.monotonic(), self._clocks.wall()
        item = before.object
        properties = dict.fromkeys(d.property for d in before.drift)
        # A changed file is no drift: the operator changed his mind, nobody undid anything.
        cause = "state-file" if redeclared else "+".join(properties) or "unknown"
        errors = [str(outcome.error) for outcome in outcomes if outcome.error]
        action = "; ".join(
            o.action.describe() for o in outcomes if not o.skipped and not _begun(o.action)
        )
        seconds = sum(outcome.seconds for outcome in outcomes)
        latency = now - self.ledger.entry(item).noticed if before.drift else seconds
        if after is not None and after.condition == "failed" and not after.drift:
            return None  # planning stumbled over it
        if after is None or not after.drift or _did_its_part(after, before, errors):
            self.ledger.repaired(item, () if redeclared else properties, now)
            return Repair(wall, str(item), cause, action, "repaired", seconds, latency=latency)
        if not errors and not after.actions:
            return None
        error = errors[0] if errors else _unheeded(after)
        # Activations are waited for together with others, modprobe alone.
        self.ledger.failed(after, error, now, seconds if item.kind == "module" else 0.0)
        return Repair(wall, str(item), cause, action, "failed", seconds, error, latency)

    def _enter(self, item: ObjectId, repair: Repair, bridge: str) -> None:
        """Put a repair into the books; a failure is logged once, not at every attempt."""
        self.tally.repairs[repair.object, repair.cause, repair.outcome] += 1
        self.ledger.entry(item).last_repair = repair
        self.repairs.append(repair)
        self.on_repair(repair, bridge)
        told = {
            "object": repair.object,
            "cause": repair.cause,
            "action": repair.action,
            "outcome": repair.outcome,
            "duration": f"{repair.latency:.3f}s",
        }
        if repair.outcome == "repaired":
            self._log.info("repaired", **told)
        elif self._first(item):
            self._log.warning("repair_failed", **told, error=repair.error)

    def _first(self, item: ObjectId) -> bool:
        return self.ledger.entry(item).attempts == 1

    def _log_condition(self, verdict: Verdict, new: str, old: str) -> None:
        if new == "paused":
            drift = ", ".join(d.property for d in verdict.drift)
            self._log.info("left_alone", object=str(verdict.object), cause=drift)
        elif new in {"blocked", "contended", "withheld", "unavailable"}:
            self._log.warning(
                new, object=str(verdict.object), reason=verdict.reason, remedy=verdict.remedy
            )
        elif old in {"blocked", "contended", "withheld", "failed"} and new == "converged":
            self._log.info("recovered", object=str(verdict.object), was=old)

    def _summarise(self, plan: Plan, done: list[Repair], acted: bool, news: bool) -> None:
        """The sentence of the pass, and the counts."""
        failed = [repair.object for repair in done if repair.outcome == "failed"]
        if not failed and all(verdict.condition != "failed" for verdict in plan.verdicts):
            self.last_success = self._clocks.wall()
        if not acted:
            self.tally.passes["still"] += 1
            return
        self.tally.passes["failed" if failed else "repaired"] += 1
        good = [repair.object for repair in done if repair.outcome == "repaired"]
        parts = [f"repaired {listing(good)}"] if good else []
        if failed:
            parts.append(f"could not repair {listing(failed)}")
        self.sentence = "; ".join(parts) or "changes are under way"
        if news:
            self._log.info("pass", did=self.sentence)


def _begun(action: Action) -> bool:
    """Whether an action is only begun: its end is entered when it has come."""
    return isinstance(action, InstallPackage | RemovePackage | RestartService | SwapOff)


def _unheeded(after: Verdict) -> str:
    """What it means that the host took an action and is no other for it."""
    kind, name = after.object
    if kind == "module":
        return (
            f"modprobe reports success and {name} is not there: a blacklist or install line keeps "
            f"it out (grep -r {name} /etc/modprobe.d /usr/lib/modprobe.d), or it is another name "
            f"of a module (modprobe --resolve-alias {name})"
        )
    if kind == "sysctl" and after.drift:
        drift = after.drift[0]
        return (
            f"the kernel took {drift.desired} and shows {drift.kernel}: it limits or rounds the "
            "value, or something set it at once"
        )
    return "accepted, yet the host still differs"


def _did_its_part(after: Verdict, before: Verdict, errors: list[str]) -> bool:
    """A configuration that is right now, though it has still to be read by whom it is for."""
    left = {d.property for d in after.drift}
    return (
        after.object.kind == "runtime"
        and not errors
        and left == {"loaded"}
        and ({d.property for d in before.drift} != left)
    )
