"""Which actions of a plan are taken in a round: pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from bridged.agent.ledger import Ledger
from bridged.agent.reporting import Hold
from bridged.apply.executor import Outcome
from bridged.observe.host import Host
from bridged.plan.actions import SLOW, Action, Activate, ObjectId, SetController
from bridged.plan.result import Plan, Verdict

Taken = Mapping[ObjectId, list[Outcome]]
"""What was done in this pass, by object."""

_UNANSWERED = 4
"""Actions of an object that NetworkManager may leave without an answer in one pass."""
_AT_ONCE = frozenset({"sysctls", "modules", "files"})
"""Worlds in which what was done shows at once, if ever."""


def due(
    verdicts: Iterable[Verdict],
    taken: Taken,
    ledger: Ledger,
    held_back: Callable[[Verdict], Hold | None],
    now: float,
    force: bool,
) -> list[Action]:
    """The actions that may be taken in this round: none of an object that failed in this pass or
    needs one that did, unless its world had moved on meanwhile and the new look shows where to."""
    verdicts = tuple(verdicts)
    waited_for = {v.bridge for v in verdicts if v.object.kind == "guests"}
    failed = {item for item, outcomes in taken.items() if _failed(outcomes)}
    actions: list[Action] = []
    for verdict in verdicts:
        if failed and any(not failed.isdisjoint(action.needs) for action in verdict.actions):
            failed.add(verdict.object)  # what needs it comes later
        if verdict.object in failed or held_back(verdict):
            continue
        if force or ledger.due(verdict, now) or verdict.object in taken:
            done = taken.get(verdict.object, ())
            actions += [action for action in verdict.actions if not _in_vain(action, done)]
            if verdict.bridge in waited_for and any(map(_activates, verdict.actions)):
                break  # guests wait for this bridge: everything else comes after them
    return [action for action in actions if action.world not in SLOW] or actions


def enter(taken: dict[ObjectId, list[Outcome]], outcomes: Iterable[Outcome]) -> None:
    """Take down what was done."""
    for outcome in outcomes:
        taken.setdefault(outcome.action.object, []).append(outcome)


def ended(taken: Taken, plan: Plan) -> dict[ObjectId, list[Outcome]]:
    """Of what was done, what has come to its end where the pass is broken off: an object that was
    left half-way has not failed."""
    differs = {verdict.object for verdict in plan.verdicts if verdict.drift}
    return {item: outcomes for item, outcomes in taken.items() if item not in differs}


def at_once(actions: list[Action], host: Host | None) -> tuple[list[Action], bool]:
    """The actions to take now of those that are due, and whether some are left for after a fresh
    look.

    While NetworkManager is known from memory only, what netlink can mend is mended at once, and
    nothing is asked of NetworkManager.
    """
    if host is None or not host.remembered:
        return actions, False
    asked = {action.object for action in actions if action.asks_network_manager}
    quick = [
        action
        for action in actions
        if not action.asks_network_manager
        # What is known of the rest of the node is as old as the last full look.
        and action.world not in SLOW
        # A port whose profile changes as well is moved, which is no repair.
        and not (isinstance(action, SetController) and action.object in asked)
    ]
    return quick, len(quick) < len(actions)


def _in_vain(action: Action, done: Sequence[Outcome]) -> bool:
    """Whether the same was done in this pass already: the kernel takes a value and keeps another,
    modprobe says yes and loads nothing.  The next pass may try again, when it is due."""
    return action.world in _AT_ONCE and any(_done(o.action) == _done(action) for o in done)


def _done(action: Action) -> tuple[str, object]:
    """What an action does; its reason tells the present value, which may never be the same."""
    return action.describe(), getattr(action, "content", None)


def _failed(outcomes: Sequence[Outcome]) -> bool:
    """Whether there is no use in trying it again now.

    What was skipped waits for others.  What NetworkManager did not answer to in time, busy with
    many others before, it may have done since.
    """
    wrong = [
        (o.action, o.error.kind)
        for o in outcomes
        if o.error is not None and not o.skipped and o.error.kind != "vanished"
    ]
    unanswered = [kind == "timeout" and action.asks_network_manager for action, kind in wrong]
    return not all(unanswered) or len(unanswered) > _UNANSWERED


def _activates(action: Action) -> bool:
    return isinstance(action, Activate)
