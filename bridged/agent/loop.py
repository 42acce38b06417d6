"""The loop: the one thread that reconciles, and what others may ask of it."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from bridged.agent.engine import Engine
from bridged.agent.pausing import refuse_apply
from bridged.agent.systemd import Notifier
from bridged.agent.wake import Hearing, Wake
from bridged.errors import BridgedError, WorldError
from bridged.explain.records import Explanation
from bridged.plan.actions import Action
from bridged.plan.memory import Memory
from bridged.plan.result import Plan
from bridged.report import Finding, LinkReport, PauseReport, Report, WatchMode

_DOUBTS = {"networkmanager", "reload", "state-file", "node"}
"""Causes after which everything is read, also what signals no change."""
_WATCHDOG_SHARE = 3
"""How often within systemd's watchdog interval the loop reports."""

_EXTENSION = 60_000_000
"""Microseconds that systemd is to wait longer for READY from each action of the first pass on."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: `resync` between full looks without a cause, `poll` between looks at what tells
    nobody when it changes (sysctls)."""

    resync: float = 60.0
    poll: float = 5.0

    @property
    def max_age(self) -> float:
        """How old the report of a loop that gets on may become at most."""
        return 3 * self.resync + 60


@dataclass
class _Request:
    """Something that another thread wants done on the loop's thread."""

    work: Callable[[], Any]
    begun: bool = False
    done: threading.Event = field(default_factory=threading.Event)
    result: Any = None
    error: Exception | None = None


@dataclass
class Senses:
    """What others know: how the state file is watched, lost netlink events, D-Bus calls that
    failed by kind of error, learned addresses by bridge, and findings of the servers."""

    watch_mode: Callable[[], WatchMode] = lambda: "none"
    overruns: Callable[[], int] = lambda: 0
    dbus_errors: Callable[[], dict[str, int]] = dict
    learned: Callable[[Iterable[str]], Mapping[str, int]] = lambda bridges: {}
    findings: Callable[[], tuple[Finding, ...]] = tuple


class Loop:
    """Waits for the bell, runs a pass, publishes the report, feeds the watchdog."""

    def __init__(
        self,
        engine: Engine,
        wake: Wake,
        notifier: Notifier,
        monotonic: Callable[[], float],
        changed: Callable[[Engine], bool] = lambda engine: False,
        timing: Timing | None = None,
        senses: Senses | None = None,
        keep: Callable[[Memory], None] = lambda memory: None,
    ) -> None:
        self._engine = engine
        self._wake = wake
        self._notifier = notifier
        self._monotonic = monotonic
        self._changed = changed
        self._timing = timing or Timing()
        self._senses = senses or Senses()
        self._keep = keep
        self._stopping = False
        self._report: Report | None = None
        self._requests: list[_Request] = []
        self._lock = threading.Lock()
        self._log = structlog.get_logger("bridged")
        self._last_pass = 0.0
        engine.hearing = Hearing.of(wake, "netlink")
        self._signs = 0
        engine.executor.alive = self._alive
        engine.executor.stopping = lambda: self._stopping

    # ------------------------------------------------------------------ the thread that reconciles

    def run(self) -> None:
        """Reconcile until `stop`.  READY is sent after the first pass, whatever it found."""
        self._pass()
        self._notifier.send(READY=1, STATUS=self._status())
        next_resync = self._monotonic() + self._timing.resync
        while not self._stopping:
            causes = self._wake.wait(self._patience(next_resync))
            self._alive()
            if self._stopping:
                break
            now = self._monotonic()
            served = self._serve()
            if (
                causes - {"request"}
                or now >= next_resync
                or self._retries()
                or (not served and self._changed(self._engine))
            ):
                self._pass(
                    fresh=now >= next_resync or bool(causes & _DOUBTS),
                    quick="netlink" in causes,
                    touched=self._wake.touched(),
                )
                if now >= next_resync:
                    next_resync = now + self._timing.resync
        self._engine.pauses.rest()
        self._notifier.send(STOPPING=1)

    def stop(self) -> None:
        """Let the loop end after the action at hand; the network stays as it is."""
        self._stopping = True
        self._wake.ring("stop")

    def _alive(self) -> None:
        """Tell the watchdog, and who waits for what is under way, that this thread gets on."""
        self._signs += 1
        self._notifier.send(WATCHDOG=1)
        report, usual = self._report, self._timing.max_age
        if report is not None and self.age() > report.max_age - usual / 2:
            # A long pass tells at its end; until then it counts that it gets on.
            self._report = replace(report, max_age=self.age() + usual)

    def _retries(self) -> bool:
        """Whether the time of something that waits for its next attempt has come."""
        retry = self._engine.next_attempt()
        return retry is not None and retry <= 0

    def _patience(self, next_resync: float) -> float:
        """How long to wait for the bell."""
        waits = [next_resync - self._monotonic(), self._timing.poll]
        if self._notifier.watchdog:
            waits.append(self._notifier.watchdog / _WATCHDOG_SHARE)
        retry = self._engine.next_attempt()
        if retry is not None:
            waits.append(retry)
        return max(min(waits), 0.0)

    def _pass(self, strict: bool = False, **options: Any) -> Report:
        """One pass.  A fault of our own must not end the agent: it is told, and tried again.

        `strict` lets errors that are meant for whoever asked for the pass through.
        """
        report: Report | None = None
        try:
            before = self._before(options.pop("progress", None))
            report = self._engine.run_pass(before=before, **options)
        except Exception as error:
            if strict and isinstance(error, BridgedError):
                raise
            self._log.exception("pass_failed")
            self._engine.books.tally.errors["bridged"] += 1
        self._keep(self._engine.memory)
        self._last_pass = self._monotonic()
        self._report = self._dress(report or self._engine.report())
        self._notifier.send(STATUS=self._status())
        return self._report

    def _before(self, progress: Callable[[Action], None] | None) -> Callable[[Action], None]:
        def before(action: Action) -> None:
            self._alive()
            if self._report is None:  # a long first pass is no start that hangs
                self._notifier.send(EXTEND_TIMEOUT_USEC=_EXTENSION)
            if progress is not None:
                progress(action)

        return before

    def _dress(self, report: Report) -> Report:
        """The engine's report with what only the loop knows."""
        return replace(
            report,
            watch_mode=self._senses.watch_mode(),
            max_age=self._timing.max_age,
            links=self._counted(report.links),
            findings=report.findings + self._senses.findings(),
            counters=replace(
                report.counters,
                wakeups=self._wake.counts(),
                netlink_overruns=self._senses.overruns(),
                dbus_errors=self._senses.dbus_errors(),
            ),
        )

    def _counted(self, links: tuple[LinkReport, ...]) -> tuple[LinkReport, ...]:
        """The links with the addresses that bridges have learned where the dump does not tell."""
        untold = [
            link.name
            for link in links
            if link.role == "bridge" and link.present and link.fdb_entries is None
        ]
        learned = self._senses.learned(untold) if untold else {}
        if not learned:
            return links
        return tuple(
            replace(link, fdb_entries=learned[link.name]) if link.name in learned else link
            for link in links
        )

    def _status(self) -> str:
        if self._report is None:
            return "starting"
        wrong = [item for item in self._report.objects if not item.as_desired]
        if self._report.pauses:
            scopes = ", ".join(pause.bridge or "the node" for pause in self._report.pauses)
            return f"paused: {scopes}; {len(wrong)} objects are not as desired"
        if not self._report.state.valid:
            return "the state file has errors, the last good state stays in force"
        if wrong:
            return f"{len(wrong)} of {len(self._report.objects)} objects are not as desired"
        return f"as desired, {len(self._report.objects)} objects"

    # ------------------------------------------------------------------ what other threads may ask

    def report(self) -> Report | None:
        """The report on the last pass, None before the first; answers at once."""
        return self._report

    def age(self) -> float:
        """Seconds since the last pass ended."""
        return self._monotonic() - self._last_pass

    def plan(self, timeout: float = 30.0) -> Plan:
        """What would be done now; looks, changes nothing."""
        result: Plan = self._ask(self._engine.preview, timeout)
        return result

    def explain(self, text: str, timeout: float = 30.0) -> Explanation:
        """What a fresh look tells of one object; looks, changes nothing."""
        result: Explanation = self._ask(lambda: self._engine.explain(text), timeout)
        return result

    def apply(
        self,
        allowed: frozenset[str] = frozenset(),
        progress: Callable[[Action], None] | None = None,
        timeout: float = 120.0,
        confirm: float = 0.0,
        candidate: str = "",
    ) -> Report:
        """Run a pass now, also for what waits for its next attempt; the report at its end.
        `timeout` seconds without a step of it end the waiting, however long it takes."""

        def work() -> Report:
            refuse_apply(self._engine.pauses, allowed)
            return self._pass(
                strict=True,
                allowed=allowed,
                progress=progress,
                force=True,
                trusting=True,
                confirm=confirm,
                candidate=candidate,
            )

        result: Report = self._ask(work, timeout)
        return result

    def confirm(self, timeout: float = 30.0) -> bool:
        """Keep the changes that wait to be confirmed; False where none do."""
        return self._end(self._engine.confirm, timeout)

    def rollback(self, timeout: float = 60.0) -> bool:
        """Take the changes that wait to be confirmed back; False where none do."""
        return self._end(self._engine.rollback, timeout)

    def pause(
        self,
        seconds: float,
        reason: str,
        by: str,
        bridges: tuple[str, ...] = (),
        timeout: float = 120.0,
    ) -> tuple[PauseReport, ...]:
        """Change nothing for a while; all pauses in force then.  Nothing is under way any more when
        it returns."""

        def work() -> tuple[PauseReport, ...]:
            self._engine.pause(seconds, reason, by, bridges)
            self._pass()
            return self._engine.pauses.reports

        result: tuple[PauseReport, ...] = self._ask(work, timeout)
        return result

    def resume(
        self, bridges: tuple[str, ...] = (), by: str = "", timeout: float = 120.0
    ) -> tuple[PauseReport, ...]:
        """End pauses; those that were ended.  What differs has been repaired when it returns."""

        def work() -> tuple[PauseReport, ...]:
            ended = self._engine.resume(bridges, by)
            if ended:
                self._pass()
            return ended

        result: tuple[PauseReport, ...] = self._ask(work, timeout)
        return result

    def _end(self, work: Callable[[], bool], timeout: float) -> bool:
        def ended() -> bool:
            done = work()
            self._pass()
            return done

        result: bool = self._ask(ended, timeout)
        return result

    def reload(self) -> None:
        """Have the state file read again."""
        self._wake.ring("reload")

    def _ask(self, work: Callable[[], Any], timeout: float) -> Any:
        request = _Request(work)
        with self._lock:
            self._requests.append(request)
        self._wake.ring("request")
        signs = self._signs
        while not request.done.wait(timeout):
            if request.begun and self._signs != signs:  # hundreds of bridges take minutes
                signs = self._signs
                continue
            with self._lock:  # nobody waits for it any more: it must not happen later
                if request in self._requests:
                    self._requests.remove(request)
            what = "has not got on with it for" if request.begun else "did not get to it within"
            raise WorldError("timeout", f"the agent {what} {timeout:g} s")
        if request.error is not None:
            raise request.error
        return request.result

    def _serve(self) -> bool:
        """Do what was asked for; whether there was anything."""
        with self._lock:
            requests, self._requests = self._requests, []
        for request in requests:
            request.begun = True
            try:
                request.result = request.work()
            except Exception as error:
                request.error = error
            request.done.set()
        return bool(requests)
