"""`systemctl stop` amid a long pass: nothing new is begun, and what goes on is not waited for."""

import itertools
import threading
import time
from collections.abc import Callable, Sequence

import pytest

from bridged.agent.loop import Loop
from bridged.agent.systemd import Notifier
from bridged.agent.wake import Wake
from bridged.apply.protocols import Activation
from bridged.errors import WorldError
from bridged.plan.actions import Activate
from tests.twins.machine import Machine
from tests.twins.source import engine
from tests.unit.reference import state


class _Slow:
    """What goes on until somebody who waits for it has enough."""

    def wait(self, meanwhile: Callable[[], None]) -> None:
        while True:
            meanwhile()
            time.sleep(0.01)


def _stopped_amid(machine: Machine, begun: threading.Event) -> Loop:
    """The loop, stopped when something has begun; asserts that it ends soon."""
    made = Loop(engine(machine, state()), Wake(), Notifier({}), time.monotonic)
    thread = threading.Thread(target=made.run)
    thread.start()
    assert begun.wait(10)
    made.stop()
    thread.join(5)
    assert not thread.is_alive()
    return made


def _failed(loop: Loop) -> list[str]:
    report = loop.report()
    assert report is not None
    return [repair.object for repair in report.repairs if repair.outcome == "failed"]


def test_a_module_that_loads_for_long_is_left_and_no_other_is_begun(machine: Machine) -> None:
    begun, tried = threading.Event(), list[str]()

    def load(module: str, meanwhile: Callable[[], None]) -> None:
        tried.append(module)
        begun.set()
        _Slow().wait(meanwhile)

    machine.kernel.load = load
    loop = _stopped_amid(machine, begun)
    assert len(tried) == 1
    assert not machine.faults.writes
    assert not _failed(loop), "what was broken off has not failed"


def test_an_activation_goes_on_without_us(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()

    def activate(actions: Sequence[Activate]) -> list[Activation | WorldError]:
        begun.set()
        return [_Slow() for _ in actions]

    monkeypatch.setattr(machine.nm, "activate", activate)
    loop = _stopped_amid(machine, begun)
    assert not _failed(loop)
    monkeypatch.undo()
    machine.executor.stopping = lambda: False
    assert engine(machine, state()).run_pass().converged


@pytest.mark.parametrize("after", range(0, 40, 3))
def test_stopped_after_any_action_a_new_start_converges(machine: Machine, after: int) -> None:
    taken = itertools.count()
    made = engine(machine, state())
    made.executor.stopping = lambda: next(taken) >= after
    made.run_pass()
    assert not [r for r in made.report().repairs if r.outcome == "failed"]
    made.executor.stopping = lambda: False
    assert engine(machine, state()).run_pass().converged
