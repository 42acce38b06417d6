"""The loop: READY, watchdog, requests of other threads, and an end that leaves everything."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridged.agent.loop import Loop, Timing
from bridged.agent.systemd import Notifier
from bridged.agent.wake import Wake
from bridged.errors import WorldError
from bridged.plan.actions import Action
from tests.twins.machine import Machine
from tests.twins.source import engine
from tests.unit.reference import state


class Systemd:
    """The receiving end of sd_notify."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(5)
        self.environ = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "300000"}

    def receive(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines())

    def until(self, field: str) -> dict[str, str]:
        for _ in range(200):
            message = self.receive()
            if field in message:
                return message
        raise AssertionError(f"no {field}")


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    made = Systemd(tmp_path / "notify")
    yield made
    made.socket.close()


@pytest.fixture
def loop(machine: Machine, systemd: Systemd) -> Iterator[Loop]:
    made = Loop(
        engine(machine, state()),
        Wake(),
        Notifier(systemd.environ),
        time.monotonic,
        timing=Timing(resync=30, poll=5),
    )
    thread = threading.Thread(target=made.run)
    thread.start()
    yield made
    made.stop()
    thread.join(5)
    assert not thread.is_alive()


def test_ready_comes_after_the_first_pass(loop: Loop, machine: Machine, systemd: Systemd) -> None:
    assert systemd.until("READY")["STATUS"].startswith("as desired")
    assert machine.kernel.ports("br-lan") == {"enp13s0f0"}


def test_a_long_first_pass_is_no_start_that_hangs(loop: Loop, systemd: Systemd) -> None:
    """Each action moves the end of systemd's patience; a start without actions keeps its limit."""
    assert int(systemd.until("EXTEND_TIMEOUT_USEC")["EXTEND_TIMEOUT_USEC"]) >= 30_000_000
    systemd.until("READY")


def test_the_loop_itself_feeds_the_watchdog(loop: Loop, systemd: Systemd) -> None:
    """With an interval of 0.3 s, several signs of life come without any event."""
    systemd.until("READY")
    for _ in range(3):
        assert systemd.until("WATCHDOG")["WATCHDOG"] == "1"


def test_a_ring_leads_to_a_repair(loop: Loop, machine: Machine, systemd: Systemd) -> None:
    systemd.until("READY")
    machine.kernel.unplug("enp13s0f0")
    loop._wake.ring("netlink")
    deadline = time.monotonic() + 5
    while machine.kernel.ports("br-lan") != {"enp13s0f0"} and time.monotonic() < deadline:
        time.sleep(0.01)
    assert machine.kernel.ports("br-lan") == {"enp13s0f0"}


def test_apply_tries_at_once_what_would_wait_for_its_next_attempt(
    loop: Loop, machine: Machine, systemd: Systemd
) -> None:
    systemd.until("READY")
    assert list(loop.plan()) == []
    machine.kernel.installable.discard("kvm")
    machine.kernel.remove_module("kvm")
    for _ in range(9):  # each failure doubles the wait: now it is about a minute
        loop.apply()
    assert [action.describe() for action in loop.plan()] == ["load module kvm"]
    machine.kernel.installable.add("kvm")
    steps: list[str] = []
    report = loop.apply(progress=lambda action: steps.append(action.describe()))
    assert report.converged
    assert steps == ["load module kvm"]


def test_an_apply_that_gets_on_is_waited_for_however_long_it_takes(
    loop: Loop, machine: Machine, systemd: Systemd
) -> None:
    systemd.until("READY")
    for name in ("kvm", "tun", "vhost_net", "br_netfilter"):
        machine.kernel.remove_module(name)
    steps: list[str] = []

    def slow(action: Action) -> None:
        steps.append(action.describe())
        time.sleep(0.2)

    report = loop.apply(progress=slow, timeout=0.5)
    assert report.converged
    assert len(steps) >= 4


def test_a_long_pass_that_gets_on_is_no_agent_that_hangs(
    machine: Machine, systemd: Systemd
) -> None:
    """The report is that of the last pass until it is over."""
    now = [1000.0]
    made = Loop(engine(machine, state()), Wake(), Notifier(systemd.environ), lambda: now[0])
    report = made._pass()
    now[0] += 1200  # the last sign of life before this is as old
    made._alive()
    told = made.report()
    assert told is not None
    assert told.max_age >= 1200 + report.max_age
    assert replace(told, max_age=report.max_age) == report


def test_an_apply_that_does_not_get_on_is_given_up(loop: Loop, systemd: Systemd) -> None:
    systemd.until("READY")
    goes_on = threading.Event()
    loop._engine.run_pass = lambda **options: goes_on.wait(10)  # type: ignore
    try:
        with pytest.raises(WorldError, match="not got on with it for"):
            loop.apply(timeout=0.2)
    finally:
        goes_on.set()


def test_stopping_leaves_the_network_as_it_is(machine: Machine, systemd: Systemd) -> None:
    made = Loop(engine(machine, state()), Wake(), Notifier(systemd.environ), time.monotonic)
    thread = threading.Thread(target=made.run)
    thread.start()
    systemd.until("READY")
    writes = list(machine.faults.writes)
    made.stop()
    thread.join(5)
    assert systemd.until("STOPPING")
    assert machine.faults.writes == writes


def test_a_fault_of_our_own_is_told_and_does_not_end_the_agent(
    machine: Machine, systemd: Systemd, caplog: pytest.LogCaptureFixture
) -> None:
    made = engine(machine, state())
    original, made._observe = made._observe, lambda wanted: 1 / 0  # type: ignore[assignment]
    loop = Loop(made, Wake(), Notifier(systemd.environ), time.monotonic)
    thread = threading.Thread(target=loop.run)
    thread.start()
    systemd.until("READY")
    made._observe = original
    loop.apply()
    assert machine.kernel.ports("br-lan") == {"enp13s0f0"}
    loop.stop()
    thread.join(5)
