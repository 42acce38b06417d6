"""The engine: one pass, from waking to the report.  The same for the agent and for one-off use."""

import os
import time
from collections.abc import Callable, Collection
from dataclasses import replace

from bridged.agent.books import Books, Clocks
from bridged.agent.breaker import Breaker
from bridged.agent.due import at_once, due, ended, enter
from bridged.agent.firstaid import Glance, first_aid
from bridged.agent.ledger import Ledger
from bridged.agent.pause import PausedError, Pauses
from bridged.agent.pausing import hold, left_alone, refuse_resume, refuse_unknown, shown
from bridged.agent.readiness import readiness
from bridged.agent.reporting import (
    Hold,
    findings,
    link_reports,
    network_manager_version,
    withheld,
)
from bridged.agent.transaction import Transaction
from bridged.agent.trial import StateSource, Trial
from bridged.agent.wake import Hearing
from bridged.apply.executor import Executor, Outcome
from bridged.desired.probes import parse
from bridged.desired.state import State
from bridged.errors import WorldError
from bridged.explain.records import Explanation
from bridged.observe.host import Host, Interest, NetworkManager
from bridged.plan.actions import SLOW, Action, ObjectId
from bridged.plan.matching import matched, resolve
from bridged.plan.memory import Memory
from bridged.plan.planner import interest, make_plan
from bridged.plan.remember import remember
from bridged.plan.result import Plan, Verdict
from bridged.plan.runtime import SERVICE
from bridged.plan.suspects import KNOWN
from bridged.report import Counters, PauseReport, Report

_ROUNDS = 6
"""Rounds of observing and applying in one pass: some actions become possible only after others."""
_EMPTY = State(version=1)


class Engine:
    """Observes, plans, applies, observes again and reports.  Belongs to one thread."""

    def __init__(
        self,
        source: StateSource,
        observe: Callable[[Interest], Host],
        executor: Executor,
        clocks: Clocks,
        ledger: Ledger | None = None,
        version: str = "",
        transaction: Transaction | None = None,
        breaker: Breaker | None = None,
        pauses: Pauses | None = None,
        eyes: Glance | None = None,
        hearing: Hearing | None = None,
    ) -> None:
        self.source = source
        self.books = Books(clocks, ledger)
        self.memory = Memory()
        self.plan = Plan()
        self.host: Host | None = None
        self._observe = observe
        self._eyes = eyes
        self.hearing = hearing or Hearing()
        self.executor = executor
        self.transaction = transaction
        self.breaker = breaker or Breaker(None, clocks.wall)
        self.pauses = pauses or Pauses(wall=clocks.wall, clock=clocks.monotonic)
        self._clocks = clocks
        self._version = version
        self._named = _EMPTY
        self._cards = Host()
        self.trial = Trial(source, transaction, self.breaker, self.books.tally, clocks.monotonic)
        self._deferred = False
        self._started = clocks.wall()

    # ------------------------------------------------------------------ the pass

    def run_pass(
        self,
        allowed: frozenset[str] = frozenset(),
        before: Callable[[Action], None] = lambda action: None,
        force: bool = False,
        fresh: bool = True,
        trusting: bool = False,
        quick: bool = False,
        confirm: float = 0.0,
        candidate: str = "",
        touched: Collection[int] = (),
    ) -> Report:
        """One pass; the report of what was seen at its end.

        `allowed` names the bridges whose guests may be disturbed this once, `before` is called
        ahead of each action, `force` tries what would otherwise wait for its next attempt.
        `fresh` False goes by what NetworkManager said last while it signals no change; what is
        asked of NetworkManager is planned on a fresh reading in any case.  `quick` goes by it even
        so at first, to mend at once what netlink can mend; the fresh look follows.  `trusting` goes
        by it while it signals no change, and looks at everything else anew.  `confirm` keeps
        changes only if an operator confirms them within so many seconds; `candidate` is the state
        file that is in force until then.  `touched` are links (ifindexes) that changed: what
        netlink can put right there is put right first of all.
        """
        start = self._clocks.monotonic()
        self.pauses.tick()
        before_repair: dict[ObjectId, Verdict] = {}
        taken: dict[ObjectId, list[Outcome]] = {}
        if touched:
            self._first_aid(touched, before, before_repair, taken)
        before_hash = self.source.report.hash
        if confirm:
            self.trial.begin(confirm, candidate)
        self.source.refresh(complete=force)
        if force:
            self.breaker.reset()
        if self.trial.over:
            self.trial.rollback("nobody confirmed it in time", "unconfirmed")
            fresh = True
        changed = bool(before_hash) and self.source.report.hash != before_hash
        if changed:
            self.books.ledger.pardon()
        redeclared = changed or self._deferred
        # What a pause keeps from being done now is a changed state still when it is over.
        self._deferred = self.pauses.active and redeclared
        state = self.source.state or _EMPTY
        allowed |= self._maintained(state)
        quick = quick and not redeclared
        trusting = trusting and not redeclared
        host = self.look(
            state,
            allowed,
            fresh=(fresh and not quick) or redeclared,
            quick=quick,
            trusting=trusting,
            impatient=force,
            acting=True,
        )
        owed = host.stale or (fresh and host.remembered and not trusting) or self.memory.doubtful
        for _ in range(_ROUNDS):
            if self.executor.stopping():
                taken = ended(taken, self.plan)
                break
            wanted = due(
                self.plan.verdicts,
                taken,
                self.books.ledger,
                self.held_back,
                self._clocks.monotonic(),
                force,
            )
            actions, left = at_once(wanted, self.host)
            if not wanted and not owed:
                break
            for item in {action.object for action in actions} - before_repair.keys():
                before_repair[item] = self.plan.verdict(item) or Verdict(item)
            if actions:
                with self.books.timed("apply"):
                    outcomes = self._take(actions, state, before, confirm, redeclared)
                enter(taken, outcomes)
            asked = any(action.asks_network_manager for action in actions)
            moved = any(outcome.error for outcomes in taken.values() for outcome in outcomes)
            slow = any(action.world in SLOW for action in actions)
            fresh = left or asked or moved or slow or owed
            self.look(state, allowed, fresh=fresh, acting=True)
            owed = False
        self.books.settle(self.plan, before_repair, taken, redeclared, self.held_back)
        pending = self.transaction is not None and self.transaction.pending is not None
        if not self.plan and self.source.report.valid and not pending:
            self.breaker.reset()
        self.books.tally.took("pass", self._clocks.monotonic() - start)
        return self.report()

    def _first_aid(
        self,
        touched: Collection[int],
        before: Callable[[Action], None],
        before_repair: dict[ObjectId, Verdict],
        taken: dict[ObjectId, list[Outcome]],
    ) -> None:
        """Put right what can be put right at these links, as the host was seen last otherwise."""
        host = self.host
        waits = self.pauses.active or self.trial.over
        if waits or self._eyes is None or host is None or "links" in host.problems:
            return
        try:
            verdicts = first_aid(self._eyes, self._named, host, self.memory, touched)
        except WorldError:
            return  # the pass finds out for itself, and tells
        now = self._clocks.monotonic()
        verdicts = tuple(v for v in verdicts if self.books.ledger.untroubled(v.object, now))
        self.books.count_drift(verdicts)
        with self.books.timed("apply"):
            outcomes = self.executor.run([a for v in verdicts for a in v.actions], before)
        before_repair |= {verdict.object: verdict for verdict in verdicts}
        enter(taken, outcomes)

    def _maintained(self, state: State) -> frozenset[str]:
        """The bridges whose guests may be disturbed now because the operator said when."""
        window = state.maintenance
        now = time.strftime("%H:%M", time.localtime(self._clocks.wall()))
        if window is None or not window.open_at(now):
            return frozenset()
        ours = {v.bridge for v in self.plan.verdicts if v.condition == "withheld" and v.bridge}
        return frozenset(state.bridges or {}) | ours | {SERVICE}

    def _take(
        self,
        actions: list[Action],
        state: State,
        before: Callable[[Action], None],
        confirm: float,
        redeclared: bool,
    ) -> list[Outcome]:
        """Take the actions, structural changes of the network in a transaction."""
        if self.transaction is None or self.host is None:
            return self.executor.run(actions, before)
        # What goes is no longer declared, and must come back too.
        touched = {a.object.name for a in actions if a.object.kind in {"bridge", "port", "vlan"}}
        outcomes, undone = self.transaction.run(
            actions,
            self.host,
            (interest(self._named).devices | touched) - left_alone(self.pauses, self._named),
            [parse(target) for target in state.probes],
            before,
            confirm,
            redeclared,
        )
        if undone:
            self.books.tally.rollbacks["unreachable"] += 1
            self.breaker.trip(self.source.report.hash, undone)
        return outcomes

    def look(
        self,
        state: State,
        allowed: frozenset[str] = frozenset(),
        fresh: bool = True,
        quick: bool = False,
        trusting: bool = False,
        impatient: bool = False,
        closely: bool = False,
        acting: bool = False,
    ) -> Host:
        """Observe and plan, without changing anything; what was seen.  `closely` looks also at what
        only explains, `acting` tells that the plan is acted upon; for the others see
        `Interest`."""
        with self.books.timed("observe"):
            state = resolve(state, self._cards)
            wanted = replace(
                interest(state), fresh=fresh, quick=quick, trusting=trusting, impatient=impatient
            )
            if any(entry.condition == "contended" for entry in self.books.ledger.entries.values()):
                wanted = replace(wanted, processes=frozenset(KNOWN))
            if closely:
                wanted = replace(wanted, processes=frozenset(KNOWN), boot_modules=wanted.modules)
            mark = self.hearing.mark()
            self.host = self._observe(wanted)
            if acting and "links" not in self.host.problems:
                self.hearing.covered(mark)
            if matched(state):
                # What the names of before do not tell is looked at under those of now.
                former, state = interest(state), self._name(state, self.host)
                if (now := interest(state)) != former:
                    wanted = replace(wanted, devices=now.devices, offloads=now.offloads)
                    self.host = self._observe(wanted)
                    state = self._name(state, self.host)
        self._named = state
        self.books.tally.unread.update(self.host.problems.keys())
        if "links" not in self.host.problems:  # unseen is not gone
            self.memory = remember(self.memory, state, self.host)
        with self.books.timed("plan"):
            self.plan = make_plan(state, self.host, self.memory, allowed)
        self.books.stumbled("observation", self.host.faults)
        self.books.stumbled("planning", self.plan.faults)
        self.books.ended_aside(self.host.node.jobs)
        self.books.count_drift(self.plan.verdicts)
        return self.host

    def _name(self, state: State, host: Host) -> State:
        """The state with the names of `host`, of the last one seen where its links are not: a card
        that is not seen is not gone."""
        if "links" not in host.problems:
            self._cards = host
        return resolve(state, self._cards)

    def held_back(self, verdict: Verdict) -> Hold | None:
        """Why an object is not touched now, None where it may be: a pause, and for the network that
        changes wait for an operator's word or that the state was rolled back."""
        paused = hold(self.pauses, verdict, self.host)
        if paused is not None:
            return paused
        if not any(a.asks_network_manager for a in verdict.actions):
            return None
        if self.transaction is not None and self.transaction.pending is not None:
            return Hold("changes wait to be confirmed")
        reason = self.breaker.holds(self.source.report.hash)
        return Hold(reason) if reason else None

    def preview(self, closely: bool = False) -> Plan:
        """What would be done now: for `bridgedctl plan`.  The report tells what was seen."""
        self.source.refresh()
        self.look(self.source.state or _EMPTY, closely=closely)
        self.books.note(self.plan, self.held_back)
        self.plan = replace(self.plan, state=self.source.report)
        return shown(self.plan, self.pauses, self.host)

    def explain(self, text: str, agent: bool = True) -> Explanation:
        """What a fresh look tells of one object; `agent` tells that one runs, which repairs.
        Raises `explain.resolve.Unknown`."""
        # Not needed by most agents in all their life.
        from bridged.explain.explain import explain
        from bridged.explain.places import Places

        self.preview(closely=True)
        report = replace(self.report(), agent=agent)
        state, host = self._named, self.host or Host()
        return explain(state, host, report, text, Places(self.source.where))

    # ------------------------------------------------------------------ pauses

    def pause(self, seconds: float, reason: str, by: str, bridges: tuple[str, ...] = ()) -> None:
        """Change nothing for a while, on the node or on these bridges.  `PausedError` where that
        cannot be promised, `UnknownBridge` where a name is none of ours."""
        if self.trial.left() is not None:
            raise PausedError(
                "changes wait to be confirmed, and going back would change the node",
                "first: bridgedctl confirm, or bridgedctl rollback",
            )
        refuse_unknown(bridges, self.source.state, self.plan)
        self.pauses.begin(seconds, reason, by, bridges)

    def resume(self, bridges: tuple[str, ...] = (), by: str = "") -> tuple[PauseReport, ...]:
        """End these pauses, or all; those that were ended.  `PausedError` where bridges are named
        and the whole node is paused."""
        refuse_resume(self.pauses, bridges)
        return self.pauses.end(bridges, by)

    # ------------------------------------------------------------------ the report

    def report(self) -> Report:
        """The report on the last observation."""
        state, host = self._named, self.host or Host()
        wall = self._clocks.wall()
        objects = self.books.objects(self.plan, state, host, self.held_back)
        links = link_reports(state, host)
        return Report(
            time=wall,
            hostname=os.uname().nodename,
            version=self._version,
            started=self._started,
            state=self.source.report,
            objects=objects,
            links=links,
            readiness=readiness(self.source.report, state, host, objects, links),
            findings=findings(self.plan, host) + self.pauses.finding(),
            repairs=tuple(self.books.repairs),
            network_manager=network_manager_version(host),
            network_manager_available=isinstance(host.network_manager, NetworkManager),
            last_success=self.books.last_success,
            sentence=self.books.sentence,
            confirm_by=None if (left := self.trial.left()) is None else wall + left,
            pauses=self.pauses.reports,
            counters=self._counters(),
        )

    def _counters(self) -> Counters:
        """What the tally holds, and what only the engine knows."""
        tripped, in_force = self.breaker.tripped, self.source.report.hash
        ours = tripped is not None and tripped.hash == in_force
        return replace(
            self.books.tally.counters(),
            checkpoints=dict(self.transaction.outcomes) if self.transaction else {},
            withheld=withheld(self.plan),
            breaker_open=bool(self.breaker.holds(in_force)),
            breaker_rollbacks=tripped.times if ours and tripped else 0,
        )

    def confirm(self) -> bool:
        """Keep what waits to be confirmed; False where nothing does."""
        return self.trial.confirm()

    def rollback(self) -> bool:
        """Take back what waits to be confirmed; False where nothing does."""
        return self.trial.rollback("an operator took it back", "operator")

    def next_attempt(self) -> float | None:
        """Seconds until something that waits may be tried again, None if nothing waits."""
        now = self._clocks.monotonic()
        trial = self.trial.left()
        if trial is not None:
            return max(trial, 0.0)
        waiting = [v for v in self.plan.verdicts if v.actions and not self.held_back(v)]
        waits = (self.books.ledger.next_attempt(waiting, now), self.pauses.left())
        return min((wait for wait in waits if wait is not None), default=None)
