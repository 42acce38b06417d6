"""Work that may take minutes, done beside the thread that reconciles.

One thread of its own takes it in order; what it has come to is seen by the next observation.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bridged.errors import WorldError
from bridged.observe.node import Job
from bridged.plan.actions import Action

Work = Callable[[Sequence[Action]], Mapping[Action, WorldError]]
"""Does some actions together; what went wrong with which of them."""

_FAILED = (60.0, 3600.0)
_LOCKED = (15.0, 120.0)
_DONE = (20.0, 1800.0)
"""Seconds until the same may be begun again, first and longest, doubled each time: after a failure,
while somebody holds a lock, and after a success that somebody undid."""
_FORGOTTEN = 3600.0
"""Seconds without a run after which earlier ones no longer count."""
_GATHER = 0.2
"""Seconds in which what belongs together comes in."""


@dataclass(frozen=True, slots=True)
class _Request:
    action: Action
    work: Work


class Aside:
    """`ended` is called whenever something has come to an end, from this class's thread."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        ended: Callable[[], None] = lambda: None,
        gather: float = _GATHER,
    ) -> None:
        self._monotonic = monotonic
        self._ended = ended
        self._gather = gather
        self._waiting: deque[_Request] = deque()
        self._jobs: dict[str, Job] = {}
        self._left: dict[str, int] = {}
        self._times: dict[str, float] = {}
        self._numbers = 0
        self._lock = threading.Condition()
        self._thread: threading.Thread | None = None

    def submit(self, action: Action, work: Work) -> None:
        """Have `action` done.  Returns at once.  What is under way for the same object is joined,
        and the job has ended when all of it has."""
        key = str(action.object)
        with self._lock:
            before = self._jobs.get(key)
            if before is None or not before.running:
                self._numbers += 1
                self._times[key] = self._monotonic()
                self._jobs[key] = Job(
                    action.describe(), attempts=self._attempts(before), number=self._numbers
                )
            else:
                self._jobs[key] = replace(before, what=f"{before.what}; {action.describe()}")
            self._left[key] = self._left.get(key, 0) + 1
            self._waiting.append(_Request(action, work))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="aside", daemon=True)
                self._thread.start()
            self._lock.notify_all()

    def jobs(self) -> Mapping[str, Job]:
        """Every job by the object that it is for, the last one of each."""
        with self._lock:
            return dict(self._jobs)

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is under way; False where that took too long."""
        with self._lock:
            return self._lock.wait_for(lambda: not any(self._left.values()), seconds)

    def _attempts(self, before: Job | None) -> int:
        recent = before is not None and self._monotonic() - before.retry < _FORGOTTEN
        return before.attempts + 1 if before is not None and recent else 1

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._lock.wait_for(lambda: self._waiting, 30.0):
                    self._thread = None  # the next one starts another
                    return
            time.sleep(self._gather)
            with self._lock:
                batch = [self._waiting.popleft()]
                while self._waiting and _together(self._waiting[0], batch[0]):
                    batch.append(self._waiting.popleft())
            errors = self._do(batch)
            with self._lock:
                for request in batch:
                    self._settle(request.action, errors.get(request.action))
                self._lock.notify_all()
            self._ended()

    @staticmethod
    def _do(batch: Sequence[_Request]) -> Mapping[Action, WorldError]:
        actions = [request.action for request in batch]
        try:
            return batch[0].work(actions)
        except WorldError as error:
            return dict.fromkeys(actions, error)
        except Exception as error:  # a fault of ours must not end the thread
            return dict.fromkeys(actions, WorldError("failed", f"bridged failed: {error!r}"))

    def _settle(self, action: Action, error: WorldError | None) -> None:
        key, now = str(action.object), self._monotonic()
        self._left[key] -= 1
        job = self._jobs[key]
        if error is not None and job.error is None:
            job = replace(job, error=error.kind, text=error.message)
        if not self._left[key]:
            locked = job.error == "unavailable"
            first, longest = _LOCKED if locked else _FAILED if job.error else _DONE
            wait = min(first * 2.0 ** min(job.attempts - 1, 12), longest)
            text = job.text or f"{job.what}: done, and it differs again"
            spent = now - self._times[key]
            job = replace(job, running=False, text=text, retry=now + wait, seconds=spent)
        self._jobs[key] = job


def _together(one: _Request, other: _Request) -> bool:
    return one.work == other.work
