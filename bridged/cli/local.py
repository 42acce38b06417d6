"""Doing the work ourselves where no agent runs: the same code, in this process.

Imported only then, for it brings everything else with it.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bridged.agent import once
from bridged.cli.client import Failure
from bridged.errors import BridgedError
from bridged.explain.records import explanation_as_json
from bridged.plan.actions import Action
from bridged.report import as_json
from bridged.serve.control import AgentLock, lock_path
from bridged.serve.protocols import PlanView, plan_as_json

Document = dict[str, Any]


def status(state: str) -> Document:
    """The report on a look of our own, as JSON."""
    return _tell(lambda: as_json(once.status(state)))


def plan(state: str) -> Document:
    """What would be done, as JSON."""

    def work() -> Document:
        found = once.plan(state)
        view = PlanView.of(found, found.not_taken, found.paused, found.pauses, found.state)
        return plan_as_json(view)

    return _tell(work)


def explain(state: str, text: str) -> Document:
    """What is known about one object, as JSON."""
    return _tell(lambda: explanation_as_json(once.explain(state, text)))


def apply(
    state: str, control: str, allowed: Iterable[str], progress: Callable[[str], None]
) -> Document:
    """Do it, and give the report on what was seen afterwards.

    The agent's lock is held meanwhile: two may not work on one node.
    """
    if os.geteuid() != 0:
        raise Failure("apply changes the host, which needs root", "sudo bridgedctl apply")

    def told(action: Action) -> None:
        progress(action.describe())

    def work() -> Document:
        with AgentLock(lock_path(control)):
            return as_json(once.apply(state, frozenset(allowed), told, Path(control).parent))

    return _tell(work)


def _tell(work: Callable[[], Document]) -> Document:
    try:
        return work()
    except BridgedError as error:
        raise Failure(str(error), str(getattr(error, "remedy", ""))) from error
