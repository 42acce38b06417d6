"""What the servers see of the loop: the protocol of serve/, in its words."""

from bridged.agent.history import History
from bridged.agent.loop import Loop
from bridged.explain.records import Explanation
from bridged.history import Entry, Wanted
from bridged.report import PauseReport, Report
from bridged.serve.protocols import ApplyOptions, PauseOptions, PlanView, Progress


class Facade:
    """The running agent as serve/ asks for it."""

    def __init__(self, loop: Loop, history: History) -> None:
        self._loop = loop
        self._history = history

    def report(self) -> Report | None:
        """The last report, None before the first pass is over."""
        return self._loop.report()

    def plan(self) -> PlanView:
        """What would be done now."""
        plan = self._loop.plan()
        return PlanView.of(plan, plan.not_taken, plan.paused, plan.pauses, plan.state)

    def explain(self, text: str) -> Explanation:
        """What is known about one object."""
        return self._loop.explain(text)

    def apply(self, options: ApplyOptions, timeout: float, progress: Progress) -> Report:
        """A pass now, each step told as it is taken."""
        return self._loop.apply(
            allowed=frozenset(options.allow_disruption),
            progress=lambda action: progress(action.describe()),
            timeout=timeout,
            confirm=options.confirm,
            candidate=options.candidate,
        )

    def reload(self) -> None:
        """Have the state file read again."""
        self._loop.reload()

    def confirm(self) -> bool:
        """Keep the changes that wait to be confirmed."""
        return self._loop.confirm()

    def rollback(self) -> bool:
        """Take them back."""
        return self._loop.rollback()

    def pause(self, options: PauseOptions) -> tuple[PauseReport, ...]:
        """Change nothing for a while."""
        return self._loop.pause(options.seconds, options.reason, options.by, options.bridges)

    def resume(self, bridges: tuple[str, ...], by: str) -> tuple[PauseReport, ...]:
        """End pauses."""
        return self._loop.resume(bridges, by)

    def history(self, wanted: Wanted) -> tuple[Entry, ...]:
        """What was repaired so far."""
        return self._history.select(wanted)
