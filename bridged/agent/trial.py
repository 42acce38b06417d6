"""A state on trial: kept only if an operator confirms it in time."""

from collections.abc import Callable
from typing import Protocol

from bridged.agent.breaker import Breaker
from bridged.agent.tally import Tally
from bridged.agent.transaction import Transaction
from bridged.desired.state import State
from bridged.report import StateFileReport


class StateSource(Protocol):
    """Where the desired state comes from.

    `refresh` reads it again and tells whether what is in force changed, `complete` that it need not
    wait for who may still be writing; `state` is what is in
    force, None before any good one was seen.  `try_out` puts another file in force for a while.
    `where` gives ``FILE:LINE`` of what is declared at a path (`Loaded.where`), "" where unknown.
    """

    @property
    def state(self) -> State | None: ...

    @property
    def report(self) -> StateFileReport: ...

    def refresh(self, complete: bool = False) -> bool: ...

    def where(self, *path: str) -> str: ...

    def try_out(self, path: str) -> None: ...

    def end_trial(self) -> None: ...


class Trial:
    """Whether there is one, and its end.  Belongs to the reconciling thread."""

    def __init__(
        self,
        source: StateSource,
        transaction: Transaction | None,
        breaker: Breaker,
        tally: Tally,
        monotonic: Callable[[], float],
    ) -> None:
        self._source = source
        self._transaction = transaction
        self._breaker = breaker
        self._tally = tally
        self._monotonic = monotonic
        self._ends: float | None = None

    def begin(self, seconds: float, candidate: str = "") -> None:
        """Changes from now on are kept only if they are confirmed within `seconds`; `candidate` is
        the state file that is in force until then, empty for the one that is."""
        self._ends = self._monotonic() + seconds
        if candidate:
            self._source.try_out(candidate)

    @property
    def over(self) -> bool:
        """Whether there was one whose time is over, and nobody has ended it."""
        left = self.left()
        return left is not None and left <= 0

    def left(self) -> float | None:
        """Seconds until it ends, not positive when it is over; None where there is none."""
        return None if self._ends is None else self._ends - self._monotonic()

    def confirm(self) -> bool:
        """Keep what waits to be confirmed; False where nothing does.

        A candidate is in force only as long as the trial: who confirms puts it in its place.
        """
        waited, self._ends = self._ends is not None, None
        if self._transaction is not None:
            self._transaction.confirm()
        self._source.end_trial()
        return waited

    def rollback(self, reason: str, cause: str) -> bool:
        """Take back what waits to be confirmed; False where nothing does.

        Structural changes go back by the checkpoint, everything else because the former state is
        in force again.  `reason` is for people, `cause` for the count.
        """
        waited, self._ends = self._ends is not None, None
        if not waited:
            return False
        self._tally.rollbacks[cause] += 1
        undone, trial = self._source.report, self._source.report.source == "trial"
        if self._transaction is not None:
            self._transaction.rollback()
        self._source.end_trial()
        if not trial:  # the same file would be applied again at once
            self._breaker.trip(undone.hash, reason)
        return True
