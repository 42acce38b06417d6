"""Pauses: an operator wants nothing changed for a while, on the node or on some bridges.

How long one lasts is measured by a clock that nobody can set (CLOCK_BOOTTIME, which goes on while
the machine sleeps); the wall clock counts only across a reboot, and there it can make a pause
shorter, never longer than what was left of it.
"""

import json
import math
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol

import structlog

from bridged.errors import DAMAGED, BridgedError
from bridged.folders import document
from bridged.report import Finding, PauseReport
from bridged.serve.defaults import LONGEST_PAUSE

NODE = ""
"""The scope that is the whole node."""
_SLACK = 2.0
"""Seconds by which the wall clock may be adjusted before the time of the end is told anew."""


class PausedError(BridgedError):
    """Something was asked for that a pause forbids."""

    kind = "paused"

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class UnknownBridge(BridgedError):
    """A bridge was named that is none of ours."""

    kind = "not-found"

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"no bridge {name} is declared")
        near = get_close_matches(name, known, 3, 0.5) or known
        self.remedy = f"there are {', '.join(near)}" if near else "no bridge is declared at all"


@dataclass(frozen=True, slots=True)
class Pause:
    """`until` is Unix seconds and for people; what counts is `left` seconds from the moment at
    which the clock of the boot `boot` showed `at`."""

    begun: float
    until: float
    reason: str
    by: str
    boot: str
    at: float
    left: float

    def remaining(self, now: float) -> float:
        """Seconds left when the clock of the same boot shows `now`."""
        return self.left - (now - self.at)

    def report(self, bridge: str) -> PauseReport:
        """What readers are told of it."""
        return PauseReport(bridge, self.begun, self.until, self.reason, self.by)


class PauseStore(Protocol):
    """Where pauses outlive the agent.  OSError where they cannot be kept."""

    def load(self) -> dict[str, Pause]: ...

    def save(self, pauses: dict[str, Pause]) -> None: ...


class PauseFile:
    """Pauses in a file, replaced in one step; a damaged one is told and holds nothing up."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> dict[str, Pause]:
        """The pauses by scope."""
        try:
            found: dict[str, Any] = document(self._path)
            return {str(scope): _decode(fields) for scope, fields in found.items()}
        except FileNotFoundError:
            return {}
        except (*DAMAGED, OSError) as error:
            structlog.get_logger("bridged").warning(
                "pause_lost", path=str(self._path), error=str(error)
            )
            return {}

    def save(self, pauses: dict[str, Pause]) -> None:
        """Write them, on disk before it returns; no file where there are none."""
        if not pauses:
            self._path.unlink(missing_ok=True)
            return
        beside = self._path.with_suffix(".new")
        with beside.open("w") as file:
            json.dump({scope: asdict(pause) for scope, pause in pauses.items()}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self._path)


def _decode(fields: dict[str, Any]) -> Pause:
    pause = Pause(
        begun=float(fields["begun"]),
        until=float(fields["until"]),
        reason=str(fields["reason"]),
        by=str(fields["by"]),
        boot=str(fields["boot"]),
        at=float(fields["at"]),
        left=float(fields["left"]),
    )
    if not all(map(math.isfinite, (pause.begun, pause.until, pause.at, pause.left))):
        raise ValueError("a time that is none")
    return replace(pause, left=min(pause.left, LONGEST_PAUSE))


class Unkept:
    """Keeps nothing: a pause ends with the process."""

    def load(self) -> dict[str, Pause]:
        """None."""
        return {}

    def save(self, pauses: dict[str, Pause]) -> None:
        """Nothing to do."""


def boot_id() -> str:
    """What names this boot, empty where the kernel does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def boottime() -> float:
    """Seconds since the machine booted, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Pauses:
    """The pauses in force.  Belongs to the reconciling thread; `reports` may be read by others."""

    def __init__(
        self,
        store: PauseStore | None = None,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = boottime,
        boot: str = "",
    ) -> None:
        self._store = store or Unkept()
        self._wall = wall
        self._clock = clock
        self._boot = boot
        self._pauses: dict[str, Pause] = {}
        self._stale = False
        self._log = structlog.get_logger("bridged")
        self.problem = ""
        """Why the pauses as they are now would not survive a restart, empty where they would."""
        self.reports: tuple[PauseReport, ...] = ()
        self.on_change: Callable[[bool, PauseReport, str], None] = lambda begins, pause, by: None
        """Told that a pause begins, or ends, and who wants it (empty: nobody, its time is over)."""
        self._load()

    @property
    def active(self) -> bool:
        """Whether anything is paused."""
        return bool(self._pauses)

    @property
    def node(self) -> PauseReport | None:
        """The pause of the whole node."""
        pause = self._pauses.get(NODE)
        return pause.report(NODE) if pause else None

    def of(self, bridge: str) -> PauseReport | None:
        """The pause that holds for a bridge (empty: for what belongs to none)."""
        for scope in dict.fromkeys((NODE, bridge)):
            if scope in self._pauses:
                return self._pauses[scope].report(scope)
        return None

    def begin(self, seconds: float, reason: str, by: str, bridges: Iterable[str] = ()) -> None:
        """Pause these bridges, or the node where none is named; what was paused is paused anew."""
        now, wall = self._clock(), self._wall()
        seconds = min(seconds, LONGEST_PAUSE)
        pause = Pause(wall, wall + seconds, reason, by, self._boot, now, seconds)
        scopes = tuple(bridges) or (NODE,)
        self._pauses |= dict.fromkeys(scopes, pause)
        self._keep()
        for scope in scopes:
            self._log.warning(
                "paused",
                scope=scope or "node",
                seconds=round(seconds),
                until=clock_time(pause.until),
                reason=reason,
                by=by,
            )
            self.on_change(True, pause.report(scope), by)

    def end(self, bridges: Iterable[str] = (), by: str = "") -> tuple[PauseReport, ...]:
        """End the pauses of these bridges, or all where none is named; those that were ended."""
        scopes = [s for s in (tuple(bridges) or tuple(self._pauses)) if s in self._pauses]
        ended = tuple(self._pauses.pop(scope).report(scope) for scope in scopes)
        if ended:
            self._keep()
        for report in ended:
            self._log.warning("resumed", scope=report.bridge or "node", by=by, reason=report.reason)
            self.on_change(False, report, by)
        return ended

    def tick(self) -> bool:
        """Let those end whose time is over; whether any did."""
        now, wall = self._clock(), self._wall()
        over = [scope for scope, pause in self._pauses.items() if pause.remaining(now) <= 0]
        for scope in over:
            pause = self._pauses.pop(scope)
            self._log.warning("pause_over", scope=scope or "node", reason=pause.reason, by=pause.by)
            self.on_change(False, pause.report(scope), "")
        set_clock = False
        for scope, pause in self._pauses.items():
            until = wall + pause.remaining(now)
            if abs(until - pause.until) > _SLACK:  # somebody set the wall clock
                self._pauses[scope] = replace(pause, until=until)
                set_clock = True
        if over or set_clock:
            self._keep()
        return bool(over)

    def left(self) -> float | None:
        """Seconds until the first pause ends, None where there is none."""
        now = self._clock()
        ends = [pause.remaining(now) for pause in self._pauses.values()]
        return max(min(ends), 0.0) if ends else None

    def finding(self) -> tuple[Finding, ...]:
        """That a pause would not survive a restart, where that is so."""
        if not self.problem:
            return ()
        remedy = "make room or make the state directory writable, then bridgedctl pause again"
        if not self._pauses:
            remedy = "make the state directory writable, then bridgedctl resume"
        return (Finding("pause-not-kept", self.problem, remedy),)

    def rest(self) -> None:
        """Take down what is left of every pause: when the agent begins, for it may be another
        boot, and when it ends, for there may be one."""
        if self._pauses or self._stale:
            now = self._clock()
            self._pauses = {
                scope: replace(pause, at=now, left=pause.remaining(now))
                for scope, pause in self._pauses.items()
            }
            self._stale = False
            self._keep()

    def _load(self) -> None:
        """Take over what an earlier agent kept."""
        now, wall = self._clock(), self._wall()
        kept = self._store.load()
        for scope, pause in kept.items():
            if self._boot and pause.boot == self._boot and pause.at <= now:
                left = pause.remaining(now)
            else:  # another boot: this one's whole age has passed since, and maybe more
                left = min(pause.left - now, pause.until - wall)
            if left > 0:  # false for a NaN too
                fresh = replace(pause, boot=self._boot, at=now, left=left)
                self._pauses[scope] = fresh
                self._log.warning(
                    "still_paused",
                    scope=scope or "node",
                    until=clock_time(wall + left),
                    reason=pause.reason,
                    by=pause.by,
                )
        self._stale = bool(kept)
        self.reports = tuple(pause.report(scope) for scope, pause in self._pauses.items())

    def _keep(self) -> None:
        self.reports = tuple(pause.report(scope) for scope, pause in self._pauses.items())
        try:
            self._store.save(dict(self._pauses))
        except OSError as error:
            why = error.strerror or str(error)
            self.problem = f"a pause would be forgotten at a restart: {why}"
            if not self._pauses:
                self.problem = f"a pause that is over would come back at a restart: {why}"
            self._log.warning("pause_not_kept", error=why)
        else:
            self.problem = ""


def clock_time(wall: float) -> str:
    """A moment as people read it: the day only where it is not today."""
    local = time.localtime(wall)
    today = time.localtime()[:3] == local[:3]
    return time.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S", local)


def sentence(pause: PauseReport) -> str:
    """``paused until 14:05:00 by alice: firmware update``."""
    return f"paused until {clock_time(pause.until)} by {pause.by}: {pause.reason}"
