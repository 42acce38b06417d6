"""What the servers ask of the agent, and the records that travel over the control socket.

Every method is called from a connection's thread, never from the reconciling one.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from bridged.explain.records import Explanation
from bridged.history import Entry, Wanted
from bridged.plan.actions import Action, Disruption
from bridged.report import PauseReport, Report, StateFileReport


@dataclass(frozen=True, slots=True)
class Step:
    """One planned action as people and programs read it: `action` is ``load-module`` and the like,
    `object` ``module/kvm``, `description` the step in one line."""

    action: str
    object: str
    description: str
    reason: str
    disruption: Disruption

    @classmethod
    def of(cls, action: Action) -> "Step":
        """The step that an action is."""
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(action).__name__).lower()
        return cls(name, str(action.object), action.describe(), action.reason, action.disruption)


@dataclass(frozen=True, slots=True)
class PlanView:
    """What would be done now, in order; `withheld` would be done if the operator allowed it,
    `paused` when the `pauses` are over; `left_out` are the drop-ins that are not for this node,
    with the reason; `state` tells by which state, and whether what is on disk can be used."""

    actions: tuple[Step, ...] = ()
    withheld: tuple[Step, ...] = ()
    paused: tuple[Step, ...] = ()
    pauses: tuple[PauseReport, ...] = ()
    left_out: tuple[str, ...] = ()
    state: StateFileReport | None = None

    @classmethod
    def of(
        cls,
        actions: Iterable[Action],
        withheld: Iterable[Action] = (),
        paused: Iterable[Action] = (),
        pauses: tuple[PauseReport, ...] = (),
        state: StateFileReport | None = None,
    ) -> "PlanView":
        """The view of the actions of a plan."""
        return cls(
            tuple(map(Step.of, actions)),
            tuple(map(Step.of, withheld)),
            tuple(map(Step.of, paused)),
            pauses,
            state.left_out if state else (),
            state,
        )


def plan_as_json(view: PlanView) -> dict[str, Any]:
    """The documented form of a plan: lists of ``actions``, ``withheld``, ``paused``, ``pauses``
    and ``left_out``, and the ``state`` as in the report."""
    return asdict(view)


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """`allow_disruption`: bridges whose guests may lose them for this one pass; `confirm`: seconds
    within which changes must be confirmed or go back, 0 for no such condition; `candidate`: path of
    a state file that is in force until then, empty for none."""

    allow_disruption: tuple[str, ...] = ()
    confirm: float = 0.0
    candidate: str = ""


@dataclass(frozen=True, slots=True)
class PauseOptions:
    """Nothing is to be changed for so many seconds, on these bridges or (none) the whole node."""

    seconds: float
    reason: str
    by: str
    bridges: tuple[str, ...] = ()


Progress = Callable[[str], None]
"""Told one line per step.  Returns at once, whatever the reader at the other end does."""


class Agent(Protocol):
    """The running agent.  Errors are raised as `BridgedError`."""

    def report(self) -> Report | None:
        """The last report, at once; None before the first pass is over."""
        ...

    def plan(self) -> PlanView:
        """What would be done now, from a fresh observation.  Bounded by the agent's own limits."""
        ...

    def explain(self, text: str) -> Explanation:
        """What a fresh look tells of the object that `text` names; `BridgedError` where none is."""
        ...

    def apply(self, options: ApplyOptions, timeout: float, progress: Progress) -> Report:
        """Ask for a pass and return its report; `WorldError` ``timeout`` where it has not begun
        within `timeout` s, or got no further for so long."""
        ...

    def reload(self) -> None:
        """Have the state file read again.  Returns at once: the next report tells the outcome."""
        ...

    def confirm(self) -> bool:
        """Keep the changes that wait to be confirmed; False where none do (any more)."""
        ...

    def rollback(self) -> bool:
        """Take the changes that wait to be confirmed back; False where none do (any more)."""
        ...

    def pause(self, options: PauseOptions) -> tuple[PauseReport, ...]:
        """Change nothing for a while; the pauses in force then."""
        ...

    def resume(self, bridges: tuple[str, ...], by: str) -> tuple[PauseReport, ...]:
        """End the pauses of these bridges, or all; those that were ended."""
        ...

    def history(self, wanted: Wanted) -> tuple[Entry, ...]:
        """What was repaired, oldest first.  Reads a file: no thread may wait for it."""
        ...
