"""A state source whose state is set by hand."""

from bridged.agent.books import Clocks
from bridged.agent.engine import Engine
from bridged.agent.ledger import Ledger, Limits
from bridged.desired.state import State
from bridged.report import StateFileReport
from tests.twins.machine import Machine


class FakeSource:
    """`state` may be replaced at any time; the next pass goes by it."""

    def __init__(self, state: State | None) -> None:
        self.state = state
        self.report = StateFileReport("/etc/bridged/state.yaml", state is not None, "0" * 64)

    def refresh(self) -> bool:
        """Nothing to read."""
        return False


def engine(machine: Machine, state: State | None, limits: Limits | None = None) -> Engine:
    """An engine on a machine in memory, sharing its clock."""
    return Engine(
        FakeSource(state),
        machine.observe,
        machine.executor,
        Clocks(machine.clock, machine.clock),
        Ledger(limits),
    )
