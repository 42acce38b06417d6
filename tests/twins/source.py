"""A state source whose state is set by hand."""

from dataclasses import replace

from bridged.agent.books import Clocks
from bridged.agent.breaker import Breaker
from bridged.agent.engine import Engine
from bridged.agent.ledger import Ledger, Limits
from bridged.agent.pause import Pauses
from bridged.agent.transaction import Transaction
from bridged.desired.state import State
from bridged.report import StateFileReport
from tests.twins.machine import Machine


class FakeSource:
    """`state` may be replaced at any time; the next pass goes by it."""

    def __init__(self, state: State | None) -> None:
        self.state = state
        self.candidates: dict[str, State] = {}
        self._former: State | None = None
        self.report = StateFileReport("/etc/bridged/state.yaml", state is not None, "0" * 64)

    def refresh(self, complete: bool = False) -> bool:
        """Nothing to read."""
        return False

    def where(self, *path: str) -> str:
        """Built by hand: not from a file."""
        return ""

    def try_out(self, path: str) -> None:
        """One of the candidates."""
        self._former, self.state = self.state, self.candidates[path]
        self.report = replace(self.report, source="trial", hash=path, trial=path)

    def end_trial(self) -> None:
        """Back to the former state."""
        if self.report.source == "trial":
            self.state = self._former
            self.report = replace(self.report, source="file", hash="0" * 64, trial="")


def engine(
    machine: Machine,
    state: State | None,
    limits: Limits | None = None,
    pauses: Pauses | None = None,
    transaction: Transaction | None = None,
    breaker: Breaker | None = None,
) -> Engine:
    """An engine on a machine in memory, sharing its clock."""
    return Engine(
        FakeSource(state),
        machine.observe,
        machine.executor,
        Clocks(machine.clock, machine.clock),
        Ledger(limits),
        transaction=transaction,
        breaker=breaker,
        pauses=pauses,
        eyes=machine,
    )
