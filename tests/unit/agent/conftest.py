"""Logs as they are under systemd: plain lines, cheap tracebacks; and the reference node, kept."""

import pytest

from bridged.agent.engine import Engine
from bridged.agent.logs import configure
from tests.twins.machine import Machine, reference_machine
from tests.twins.source import engine
from tests.unit.reference import state


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    configure("info", {"JOURNAL_STREAM": "8:1"})


@pytest.fixture
def machine() -> Machine:
    return reference_machine()


@pytest.fixture
def running(machine: Machine) -> Engine:
    made = engine(machine, state())
    assert made.run_pass().converged
    machine.faults.writes.clear()
    machine.clock.advance(600)
    return made
