"""The bell: everything that may have changed something rings it, and one loop listens."""

from collections import Counter
from collections.abc import Callable
from threading import Condition
from time import monotonic


class Wake:
    """Coalesces any number of rings into one answer and never loses the last one.

    Level-triggered: a ring during a pass is kept for the next wait, so what happens while the loop
    is busy is looked at afterwards.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._condition = Condition()
        self._causes: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._clock = clock

    def ring(self, source: str) -> None:
        """Wake the loop; `source` says who rang.  Safe from any thread."""
        with self._condition:
            self._causes.add(source)
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

    def counts(self) -> dict[str, int]:
        """How often each source rang since the start."""
        with self._condition:
            return dict(self._counts)
