"""What planning gives: the state of every object, and the ordered actions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bridged.plan.actions import Action, ObjectId
from bridged.report import (
    Condition,
    Finding,
    PauseReport,
    PropertyDrift,
    StateFileReport,
)


@dataclass(frozen=True)
class Verdict:
    """One object as planning sees it.

    `actions` are what would bring it to its desired state, in order; an object that is not as
    declared and has no actions says why in `reason` and what a person can do in `remedy`.
    `left` are actions that the state file leaves to the operator (``enforce: false``).
    """

    object: ObjectId
    condition: Condition = "converged"
    reason: str = ""
    remedy: str = ""
    drift: tuple[PropertyDrift, ...] = ()
    actions: tuple[Action, ...] = ()
    bridge: str = ""
    findings: tuple[Finding, ...] = ()
    left: tuple[Action, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The whole plan.  `withheld` are actions not taken because guests would lose a bridge,
    `faults` what planning stumbled over for a fault of its own, by what was being planned.

    Planning knows of no pause and of no file: in a plan that is shown, `paused` are the actions
    that `pauses` hold, and `state` tells by which state it was made.
    """

    verdicts: tuple[Verdict, ...] = ()
    withheld: tuple[Action, ...] = ()
    findings: tuple[Finding, ...] = field(default=())
    paused: tuple[Action, ...] = ()
    pauses: tuple[PauseReport, ...] = ()
    state: StateFileReport | None = None
    faults: Mapping[str, Exception] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Action]:
        """Every action in the order in which it is to be taken."""
        return (action for verdict in self.verdicts for action in verdict.actions)

    def __bool__(self) -> bool:
        return any(verdict.actions for verdict in self.verdicts)

    @property
    def not_taken(self) -> tuple[Action, ...]:
        """What is withheld, and what the state file leaves to the operator."""
        left = (action for verdict in self.verdicts for action in verdict.left)
        return (*self.withheld, *left)

    def verdict(self, item: ObjectId) -> Verdict | None:
        """The verdict on one object, or None."""
        return self._by_object.get(item)

    @cached_property
    def _by_object(self) -> Mapping[ObjectId, Verdict]:
        return {verdict.object: verdict for verdict in self.verdicts}
