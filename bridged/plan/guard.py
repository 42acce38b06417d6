"""One failure stays one failure, also where the fault is our own: what planning stumbles over is
told as failed and left as it is, and everything else is planned.
"""

from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from bridged.errors import OwnFault
from bridged.plan.actions import ObjectId
from bridged.plan.context import Context
from bridged.plan.result import Verdict
from bridged.report import Finding

REMEDY = "journalctl -u bridged tells where (traceback); please report it. It is tried again"
_P = ParamSpec("_P")
_T = TypeVar("_T")


class Guard:
    """Runs the planners of one plan.  `faults` are the exceptions that they ended with, by what was
    being planned."""

    def __init__(self, context: Context) -> None:
        self.faults: dict[str, Exception] = {}
        self._context = context

    def one(
        self,
        item: ObjectId,
        bridge: str,
        plan: Callable[_P, Verdict],
        *args: _P.args,
        **options: _P.kwargs,
    ) -> Verdict:
        """The verdict on one object, of `bridge` (empty for none): ``plan(*args, **options)``."""
        try:
            return plan(*args, **options)
        except Exception as error:
            return self._failed(item, error, bridge)

    def all(
        self, those: ObjectId, plan: Callable[[Context], Iterable[Verdict]]
    ) -> Iterable[Verdict]:
        """The verdicts of a planner that finds its objects itself; those before a fault stand, and
        `those`, which names what nobody can tell apart then, failed."""
        return self._until_fault(plan, lambda error: self._failed(those, error))

    def findings(self, find: Callable[[Context], Iterable[Finding]]) -> Iterable[Finding]:
        """What `find` finds, up to a fault, which is a finding too."""

        def told(error: Exception) -> Finding:
            self.faults[find.__name__] = error
            return Finding("fault", f"not every danger was looked for: {OwnFault(error)}", REMEDY)

        return self._until_fault(find, told)

    def _until_fault(
        self, plan: Callable[[Context], Iterable[_T]], told: Callable[[Exception], _T]
    ) -> Iterable[_T]:
        found: list[_T] = []
        try:
            found.extend(plan(self._context))
        except Exception as error:
            found.append(told(error))
        return found

    def _failed(self, item: ObjectId, error: Exception, bridge: str = "") -> Verdict:
        self.faults[str(item)] = error
        return Verdict(item, "failed", str(OwnFault(error)), REMEDY, bridge=bridge)
