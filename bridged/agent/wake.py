"""The bell: everything that may have changed something rings it, and one loop listens."""

import os
import select
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, RLock
from time import monotonic
from typing import Protocol, Self


class Ring(Protocol):
    """What rings the bell."""

    def __call__(self, source: str, touched: Collection[int] = ()) -> None: ...


class Source(Protocol):
    """What the listening thread hears itself, and so without another one in between."""

    def descriptors(self) -> Mapping[int, int]:
        """What to wait for: the events of poll(2) by file descriptor."""
        ...

    def hear(self, ring: Ring, ready: Collection[int]) -> None:
        """Take in what has come, and ring for it; `ready` are the descriptors that have news."""
        ...


class Wake:
    """Coalesces any number of rings into one answer and never loses the last one.

    Level-triggered: a ring during a pass is kept for the next wait, so what happens while the loop
    is busy is looked at afterwards.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._lock = RLock()  # a signal's handler may ring amid anything
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._asleep = False
        self._sources: list[Source] = []
        self._causes: set[str] = set()
        self._touched: set[int] = set()
        self._counts: Counter[str] = Counter()
        self._clock = clock

    def __del__(self) -> None:
        with suppress(AttributeError, OSError):
            os.close(self._bell)

    def attach(self, source: Source) -> None:
        """Hear `source` too, from the next wait on."""
        self._sources.append(source)

    def ring(self, source: str, touched: Collection[int] = ()) -> None:
        """Wake the loop; `source` says who rang, `touched` which links (ifindexes) it is about,
        where that is known.  Safe from any thread."""
        with self._lock:
            self._causes.add(source)
            self._touched.update(touched)
            self._counts[source] += 1
            if self._asleep:
                os.eventfd_write(self._bell, 1)

    def wait(self, timeout: float) -> frozenset[str]:
        """The sources that rang since the last call, after at most `timeout` seconds."""
        deadline = self._clock() + timeout
        while True:
            with self._lock:
                left = deadline - self._clock()
                if self._causes or left <= 0:
                    causes, self._causes = frozenset(self._causes), set()
                    return causes
                self._asleep = True
            self._hear(left)

    def _hear(self, patience: float) -> None:
        """Take in what the sources have to tell within that time, or until somebody rings."""
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        for source in self._sources:
            for descriptor, events in source.descriptors().items():
                poll.register(descriptor, events)
        ready = {descriptor for descriptor, _ in poll.poll(patience * 1000)}
        with self._lock:
            self._asleep = False
            if self._bell in ready:
                os.eventfd_read(self._bell)
        if ready - {self._bell}:
            for source in self._sources:
                source.hear(self.ring, ready)

    def touched(self) -> frozenset[int]:
        """The links that rings were about since the last call; there may have been others."""
        with self._lock:
            touched, self._touched = frozenset(self._touched), set()
        return touched

    def mark(self, source: str) -> int:
        """How often `source` has rung until now, for `covered`; for the thread that waits."""
        if self._sources:
            self._hear(0)
        with self._lock:
            return self._counts[source]

    def covered(self, source: str, mark: int) -> None:
        """What `source` rang for until `mark` has been looked at since: it need not be again."""
        with self._lock:
            if self._counts[source] == mark:
                self._causes.discard(source)

    def counts(self) -> dict[str, int]:
        """How often each source rang since the start."""
        with self._lock:
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
