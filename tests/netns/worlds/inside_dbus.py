"""The bus: bounded, reconnecting, leaving nothing behind."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from bridged.dbus import Call, Listener, Match, Signals, SystemBus, name_owner
from bridged.errors import WorldError
from bridged.observe.networkmanager import MANAGER_PATH, SERVICE
from tests.netns.worlds.support import descriptors, needs_laboratory, run, wait_for

pytestmark = needs_laboratory

PROPERTIES = "org.freedesktop.DBus.Properties"
VERSION = Call(SERVICE, MANAGER_PATH, PROPERTIES, "Get", "(ss)", (SERVICE, "Version"))


@pytest.fixture
def bus() -> Iterator[SystemBus]:
    bus = SystemBus()
    yield bus
    bus.close()


@pytest.fixture
def own_daemon() -> Iterator[tuple[str, int]]:
    """A second bus, to be stopped and killed at will: its address and process id."""

    daemon = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert daemon.stdout is not None
    yield daemon.stdout.readline().strip(), daemon.pid
    daemon.kill()
    daemon.wait()


def kind(bus: SystemBus, call: Call, timeout: float = 2.0) -> str:
    with pytest.raises(WorldError) as caught:
        bus.call(call, timeout)
    assert "GDBus.Error" not in caught.value.message
    return caught.value.kind


def test_answers_are_plain(bus: SystemBus) -> None:
    assert bus.call(VERSION)[0] == "1"
    listed = Call("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "ListNames")
    assert SERVICE in bus.call(listed)


def test_errors_are_sorted_into_kinds(bus: SystemBus) -> None:
    nobody = VERSION._replace(service="org.example.Nobody")
    assert kind(bus, nobody) == "unavailable"
    assert kind(bus, VERSION._replace(path=MANAGER_PATH + "/Devices/9999")) == "vanished"
    assert kind(bus, VERSION._replace(interface="org.example.None")) == "vanished"
    assert kind(bus, VERSION._replace(method="Nonsense")) == "vanished"
    device = Call(SERVICE, MANAGER_PATH, SERVICE, "GetDeviceByIpIface", "(s)", ("nonsense",))
    assert kind(bus, device) == "vanished"


def test_a_service_that_hangs_is_a_timeout(bus: SystemBus) -> None:
    pid = int(run("lab", "nm-pid"))
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert kind(bus, VERSION, 0.3) == "timeout"
        answers = bus.call_many([VERSION] * 200, 0.3)
        assert {answer.kind for answer in answers} == {"timeout"}
        assert time.monotonic() - began < 2
    finally:
        os.kill(pid, signal.SIGCONT)
    assert bus.call(VERSION)[0] == "1"


def test_a_service_that_dies_with_the_call_in_hand_is_unavailable(bus: SystemBus) -> None:
    pid = int(run("lab", "nm-pid"))
    os.kill(pid, signal.SIGSTOP)
    timer = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
    timer.start()
    try:
        assert kind(bus, VERSION, 10) == "unavailable"
    finally:
        timer.join()
        run("lab", "nm-start")
    assert bus.call(VERSION)[0] == "1"


def test_many_calls_are_answered_in_order_with_errors_in_their_place(bus: SystemBus) -> None:
    calls = []
    for number in range(400):
        gone = VERSION._replace(path=f"{MANAGER_PATH}/Devices/{9000 + number}")
        calls.append(gone if number % 7 == 3 else VERSION)
    answers = bus.call_many(calls, 10)
    for number, answer in enumerate(answers):
        if number % 7 == 3:
            assert isinstance(answer, WorldError)
            assert answer.kind == "vanished"
        else:
            assert answer[0] == "1"


def test_no_bus_is_unavailable() -> None:
    bus = SystemBus("unix:path=/run/no-such-socket")
    assert kind(bus, VERSION) == "unavailable"


def test_a_bus_that_hangs_while_connecting_is_a_timeout(own_daemon: tuple[str, int]) -> None:
    address, pid = own_daemon
    os.kill(pid, signal.SIGSTOP)
    bus = SystemBus(address, connect_timeout=0.2)
    listed = Call("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "ListNames")
    threads = threading.active_count()
    for _ in range(5):
        began = time.monotonic()
        assert kind(bus, listed) == "timeout"
        assert time.monotonic() - began < 1
    assert threading.active_count() <= threads + 1
    os.kill(pid, signal.SIGCONT)
    wait_for(lambda: _works(bus, listed))
    bus.close()


def _last_is(causes: list[str], wanted: str) -> bool:
    return causes[-1:] == [wanted]


def _works(bus: SystemBus, call: Call) -> bool:
    try:
        return bool(bus.call(call, 1.0))
    except WorldError:
        return False


def test_a_bus_that_died_is_connected_again_and_no_descriptor_is_lost() -> None:

    listed = Call("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "ListNames")
    address = "unix:path=/run/test-bus"
    bus = SystemBus(address)
    counts = []
    for _ in range(30):
        daemon = subprocess.Popen(["dbus-daemon", "--session", "--nofork", f"--address={address}"])
        wait_for(lambda: _works(bus, listed))
        counts.append(descriptors())
        daemon.kill()
        daemon.wait()
        assert kind(bus, listed) == "unavailable"
        os.unlink("/run/test-bus")
    bus.close()
    # GLib's own thread may still be letting go of the last one.
    assert counts[-1] <= counts[2] + 2, counts


def test_closing_and_using_again_a_hundred_times_loses_nothing() -> None:
    bus = SystemBus()
    bus.call(VERSION)
    before, threads = descriptors(), threading.active_count()
    for _ in range(100):
        bus.close()
        bus.call(VERSION)
    wait_for(lambda: descriptors() <= before)
    assert threading.active_count() <= threads
    bus.close()


def test_a_listener_that_turns_to_something_narrower_keeps_what_came_before(bus: SystemBus) -> None:
    speaker = SystemBus()
    speaking = speaker.connection()
    interface = "org.example.Lab"

    def say(path: str) -> None:
        speaking.emit_signal(None, path, interface, "Said", None)
        speaking.flush_sync(None)

    def heard() -> list[str]:
        found = []
        while (came := listener.wait(0.3)) is not None:
            found.append(came.path)
        return found

    broad = Match(speaking.get_unique_name(), interface, "Said")
    try:
        with Listener(bus, broad) as listener:
            say("/one")
            say("/other")
            time.sleep(0.2)  # come, and not yet looked at
            listener.turn_to(broad._replace(path="/one"))
            say("/other")
            say("/one")
            assert heard() == ["/one", "/other", "/one"]
            listener.turn_to(broad._replace(path="/other"))
            say("/one")
            say("/other")
            assert heard() == ["/other"]
    finally:
        speaker.close()


def test_signals_wake_and_errors_of_the_handler_are_counted() -> None:
    causes: list[str] = []

    def fire(cause: str) -> None:
        causes.append(cause)
        if "StateChanged" in cause:
            raise RuntimeError("a faulty handler")

    signals = Signals([Match(SERVICE), name_owner(SERVICE)], fire)
    signals.start()
    wait_for(lambda: "subscribed" in causes)
    run("ip", "link", "add", "dummy-link", "type", "bridge")
    wait_for(lambda: any("DeviceAdded" in cause for cause in causes))
    run("ip", "link", "del", "dummy-link")
    run("lab", "nm-restart")
    wait_for(lambda: any("NameOwnerChanged" in cause for cause in causes))
    assert signals.errors > 0
    signals.stop()
    seen = len(causes)
    run("lab", "nm-restart")
    assert len(causes) == seen


def test_what_is_told_once_is_told_again_only_when_somebody_listens() -> None:
    """A thousand signals of a change that is under way wake nobody a thousand times."""
    causes: list[str] = []
    signals = Signals([], causes.append, once=Match(SERVICE))
    signals.start()
    wait_for(lambda: "subscribed" in causes)
    try:
        for name in ("once-a", "once-b"):
            seen = len(causes)
            run("ip", "link", "add", name, "type", "bridge")
            wait_for(partial(_more_than, causes, seen))
            seen = _calm(causes)  # some were under way already
            run("ip", "link", "set", name, "up")
            run("ip", "link", "del", name)
            time.sleep(1)
            assert len(causes) == seen
            assert signals.listen()
            assert signals.listen(), "twice is once"
    finally:
        signals.stop()
    assert signals.errors == 0


def _calm(causes: list[str]) -> int:
    """How many there are once none has come for a second."""
    seen = -1
    while seen != len(causes):
        seen = len(causes)
        time.sleep(1)
    return seen


def _more_than(causes: list[str], seen: int) -> bool:
    return len(causes) > seen


@pytest.mark.parametrize("once", [False, True])
def test_signals_survive_the_death_of_the_bus(once: bool) -> None:

    address = "unix:path=/run/test-signals"
    causes: list[str] = []
    match = Match("org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged")
    signals = Signals([] if once else [match], causes.append, address, match if once else None)
    signals.start()
    before = 0
    for round_ in range(4):
        daemon = subprocess.Popen(["dbus-daemon", "--session", "--nofork", f"--address={address}"])
        expected = "subscribed" if round_ == 0 else "the bus is back"
        wait_for(partial(_last_is, causes, expected), 10)
        before = before or descriptors()
        # A second connection makes the bus send a signal.
        other = SystemBus(address)
        other.call(Call("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "ListNames"))
        wait_for(lambda: any("NameOwnerChanged" in cause for cause in causes))
        other.close()
        causes.clear()
        daemon.kill()
        daemon.wait()
        wait_for(lambda: "the bus is lost" in causes)
        os.unlink("/run/test-signals")
    assert signals.losses == 4
    signals.stop()
    wait_for(lambda: descriptors() <= before)
