"""The bell: everything that may have changed something rings it, and one loop listens."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from threading import Condition, Event
from time import monotonic
from typing import Self


class Wake:
    """Coalesces any number of rings into one answer and never loses the last one.

    Level-triggered: a ring during a pass is kept for the next wait, so what happens while the loop
    is busy is looked at afterwards.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._condition = Condition()
        self._causes: set[str] = set()
        self._touched: set[int] = set()
        self._counts: Counter[str] = Counter()
        self._clock = clock

    def ring(self, source: str, touched: Collection[int] = ()) -> None:
        """Wake the loop; `source` says who rang, `touched` which links (ifindexes) it is about,
        where that is known.  Safe from any thread."""
        with self._condition:
            self._causes.add(source)
            self._touched.update(touched)
            self._counts[source] += 1
            self._condition.notify()

    def wait(self, timeout: float) -> frozenset[str]:
        """The sources that rang since the last call, after at most `timeout` seconds."""
        deadline = self._clock() + timeout
        with self._condition:
            while not self._causes:
                left = deadline - self._clock()
                if left <= 0 or not self._condition.wait(left):
                    break
            causes, self._causes = frozenset(self._causes), set()
        return causes

    def touched(self) -> frozenset[int]:
        """The links that rings were about since the last call; there may have been others."""
        with self._condition:
            touched, self._touched = frozenset(self._touched), set()
        return touched

    def mark(self, source: str) -> int:
        """How often `source` has rung, for `covered`."""
        with self._condition:
            return self._counts[source]

    def covered(self, source: str, mark: int) -> None:
        """What `source` rang for until `mark` has been looked at since: it need not be again."""
        with self._condition:
            if self._counts[source] == mark:
                self._causes.discard(source)

    def counts(self) -> dict[str, int]:
        """How often each source rang since the start."""
        with self._condition:
            return dict(self._counts)


class News(Event):
    """Set while something was signalled that nobody has looked at since.

    Whoever looks clears it first, and with that has the signals come again that stopped with the
    first: `listen`, which tells whether they do.  Where they may not, all counts as news.
    """

    def __init__(self) -> None:
        super().__init__()
        self.listen: Callable[[], bool] = lambda: True

    def clear(self) -> None:
        """Whatever was signalled until now is about to be looked at."""
        super().clear()
        # Behind the clearing: what is heard from now on must not be cleared away.
        if not self.listen():
            self.set()


@dataclass(frozen=True, slots=True)
class Hearing:
    """Events, for whoever looks by himself: `mark` tells how many there were, `covered` that those
    until then need no look of their own any more."""

    mark: Callable[[], int] = lambda: 0
    covered: Callable[[int], None] = lambda mark: None

    @classmethod
    def of(cls, wake: Wake, source: str) -> Self:
        """What `source` rang for."""
        return cls(lambda: wake.mark(source), lambda mark: wake.covered(source, mark))
