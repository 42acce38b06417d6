"""The ledger: per object, how repairing it went, and when it may be tried again.

Two brakes, both growing, so that nothing is written without bound: an object that cannot converge
waits longer after every failure, and one that does converge but is changed back again and again is
contended and waits longer after every repair.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

from bridged.plan.actions import ObjectId
from bridged.plan.result import Verdict
from bridged.report import Condition, Repair

_SHARE = 10
"""How many times as long as it was waited for an object waits for its next attempt."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, and numbers of repairs.  `contended_after` repairs within `window` are a contest;
    zero calls that brake off (for benchmarks)."""

    first_retry: float = 0.2
    last_retry: float = 60.0
    contended_after: int = 5
    window: float = 60.0
    last_hold: float = 30.0


@dataclass
class Entry:
    """What is known of one object; times are monotonic but for `since`, which people read."""

    condition: Condition = "converged"
    since: float = 0.0
    attempts: int = 0
    error: str = ""
    fingerprint: object = None
    not_before: float = 0.0
    forgiven: float = -inf
    repairs: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=64))
    last_repair: Repair | None = None
    drifted: frozenset[str] = frozenset()
    noticed: float = 0.0

    def forget(self) -> None:
        """Forget the failures: it may be tried again at once."""
        self.attempts, self.error, self.fingerprint, self.not_before = 0, "", None, 0.0


class Ledger:
    """Entries by object.  Belongs to the reconciling thread."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.entries: dict[ObjectId, Entry] = {}

    def entry(self, item: ObjectId) -> Entry:
        """The entry of an object, made when first asked for."""
        entry = self.entries.get(item)
        if entry is None:
            entry = self.entries[item] = Entry()
        return entry

    def due(self, verdict: Verdict, now: float) -> bool:
        """Whether the object's actions may be taken now.

        A failure is forgotten as soon as the object looks different: the reason may be gone.  Not
        again and again, though: what looks different at every look is no other for that.  Guests
        that have lost their bridge do not wait for one that cannot be had back.
        """
        entry = self.entry(verdict.object)
        if entry.attempts and entry.fingerprint != fingerprint(verdict):
            again = entry.forgiven + self.limits.last_retry
            if now >= again or verdict.object.kind == "guests":
                entry.forgiven = now
                entry.forget()
            else:
                entry.not_before = min(entry.not_before, again)
        return now >= entry.not_before

    def pardon(self) -> None:
        """Forget failures: something else is declared, of which they say nothing."""
        for entry in self.entries.values():
            if entry.attempts:
                entry.forget()
                entry.forgiven = -inf

    def untroubled(self, item: ObjectId, now: float) -> bool:
        """Whether nothing of the object failed or waits: it may be mended without a second
        thought."""
        entry = self.entries.get(item)
        return entry is None or (not entry.attempts and now >= entry.not_before)

    def failed(self, verdict: Verdict, error: str, now: float, waited: float = 0.0) -> None:
        """An attempt did not bring the object to its desired state; everything else `waited` so
        many seconds for it, and is to have most of the time."""
        entry = self.entry(verdict.object)
        entry.attempts += 1
        entry.error = error
        entry.fingerprint = fingerprint(verdict)
        delay = self.limits.first_retry * 2 ** min(entry.attempts - 1, 20)
        entry.not_before = now + max(min(delay, self.limits.last_retry), _SHARE * waited)

    def repaired(self, item: ObjectId, properties: Iterable[str], now: float) -> None:
        """The object was brought to its desired state, in these properties."""
        entry = self.entry(item)
        entry.forget()
        entry.repairs.extend((now, name) for name in properties)
        excess = self.undone(item, now) - self.limits.contended_after
        if self.limits.contended_after and excess >= 0:
            entry.not_before = now + min(2.0**excess, self.limits.last_hold)

    def contended(self, item: ObjectId, now: float) -> bool:
        """Whether something keeps changing the object back."""
        limit = self.limits.contended_after
        return bool(limit) and self.undone(item, now) >= limit

    def undone(self, item: ObjectId, now: float) -> int:
        """How often the same property had to be repaired lately: the most of any property.

        Many different repairs of one object are a busy colleague, not a contest.
        """
        entry = self.entries.get(item)
        if entry is None or not entry.repairs:
            return 0
        recent = Counter(name for time, name in entry.repairs if time > now - self.limits.window)
        return max(recent.values(), default=0)

    def next_attempt(self, verdicts: list[Verdict], now: float) -> float | None:
        """Seconds until the first object that waits may be tried again, None if none waits."""
        waits = [
            self.entry(verdict.object).not_before - now for verdict in verdicts if verdict.actions
        ]
        return max(min(waits), 0.0) if waits else None

    def forget(self, known: set[ObjectId]) -> None:
        """Drop the entries of objects that are no longer spoken of."""
        for item in set(self.entries) - known:
            del self.entries[item]


def fingerprint(verdict: Verdict) -> object:
    """What an object looks like: when it changes, an old failure says nothing any more."""
    return (
        verdict.drift,
        verdict.reason,
        tuple((type(action).__name__, action.describe()) for action in verdict.actions),
    )
