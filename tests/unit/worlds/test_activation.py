"""Activations are asked for together: what NetworkManager does not answer stays one error each."""

import itertools
from collections.abc import Sequence
from typing import Any, Self

import pytest

from bridged.apply import activation
from bridged.apply.activation import _may_be_over, _reason_of, begin
from bridged.apply.manager import Added, Manager
from bridged.dbus import Call, Match, Signal
from bridged.errors import WorldError
from bridged.observe.networkmanager import ACTIVE, DEVICE
from bridged.plan.actions import Activate, ObjectId

LATE = WorldError("timeout", "no answer")


class Bus:
    """A bus whose NetworkManager answers some methods, and nothing else in time."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[Call] = []
        self.patience = 0.0

    def call_many(self, calls: Sequence[Call], timeout: float = 1, raw: bool = False) -> list[Any]:
        self.asked += calls
        self.patience = timeout
        return [self.answers.get(call.method, LATE) for call in calls]


class Silence:
    """A listener that hears nothing."""

    def __init__(self, *of: Any) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None: ...

    def wait(self, seconds: float) -> None: ...

    def turn_to(self, match: Match) -> None: ...


@pytest.fixture(autouse=True)
def _nobody_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activation, "Listener", Silence)


def ports(*names: str) -> list[Activate]:
    return [
        Activate(object=ObjectId("port", name), reason="", uuid=name, device=name) for name in names
    ]


def manager(bus: Bus) -> Manager:
    return Manager(bus, 1.0, lambda: 0.0)  # type: ignore[arg-type]


def test_a_device_that_is_not_told_in_time_is_that_ports_error_and_nothing_is_activated() -> None:
    bus = Bus(GetConnectionByUuid="/profile")
    begun = begin(manager(bus), ports("a", "b"), 1.0)
    assert [getattr(each, "kind", None) for each in begun] == ["timeout", "timeout"]
    assert all(isinstance(call.path, str) for call in bus.asked)
    assert not [call for call in bus.asked if call.method == "ActivateConnection"]


def test_of_a_profile_just_made_only_the_device_is_asked_and_only_the_first_time() -> None:
    bus = Bus(GetDeviceByIpIface="/device")
    nm = manager(bus)
    nm.note_added("a", Added(":1.7", "/profile/a", "802-3-ethernet"))
    bus.asked.clear()
    begin(nm, ports("a"), 1.0)
    assert [(c.service, c.method) for c in bus.asked] == [
        ("org.freedesktop.NetworkManager", "GetDeviceByIpIface"),
        (":1.7", "ActivateConnection"),
    ]
    assert bus.asked[-1].args == ("/profile/a", "/device", "/")
    bus.asked.clear()
    begin(nm, ports("a"), 1.0)
    assert "GetConnectionByUuid" in {call.method for call in bus.asked}


def test_a_networkmanager_that_is_busy_for_us_is_given_more_time() -> None:
    """Sixty-four activations keep it from answering; systemd's watchdog (60 s) must not bark."""
    bus = Bus()
    busy = Manager(bus, 10.0)  # type: ignore[arg-type]
    question = busy.property("/d/1", DEVICE, "State")
    busy.many([question])
    at_rest = bus.patience
    busy.under_way = 64
    busy.many([question] * 128)
    assert at_rest + 20 < bus.patience < 50


class Slow(Bus):
    """A bus whose NetworkManager takes its time."""

    def __init__(self, **answers: Any) -> None:
        super().__init__(**answers)
        self.now = self.takes = 0.0

    def call_many(self, calls: Sequence[Call], timeout: float = 1, raw: bool = False) -> list[Any]:
        self.now += self.takes
        return super().call_many(calls, timeout, raw)


def test_a_networkmanager_that_answered_late_is_given_more_time_for_a_while() -> None:
    """Something else may keep it busy; the watchdog must not bark, whatever comes together."""
    bus = Slow(Get=(30,))
    nm = Manager(bus, 10.0, lambda: bus.now)  # type: ignore[arg-type]
    question = nm.property("/d/1", DEVICE, "State")
    bus.takes = 8.0
    nm.many([question])
    nm.many([question])
    assert 20 < bus.patience < 30
    nm.under_way = 64
    nm.many([question] * 128)
    assert bus.patience <= 50
    nm.under_way, bus.takes = 0, 0.01
    for _ in range(8):
        nm.many([question])
    assert bus.patience < 10.5


def test_a_networkmanager_that_does_not_answer_is_not_given_more_time_for_that() -> None:
    bus = Slow()
    bus.takes = 10.0
    nm = Manager(bus, 10.0, lambda: bus.now)  # type: ignore[arg-type]
    for _ in range(3):
        nm.many([nm.property("/d/1", DEVICE, "State")])
    assert bus.patience < 10.5


def test_a_path_of_a_networkmanager_that_is_gone_is_given_to_no_other() -> None:
    """What the path means to the next one might be another profile, of a bridge with guests."""
    gone = WorldError("unavailable", "ActivateConnection: the name is not activatable")
    bus = Bus(GetDeviceByIpIface="/d", ActivateConnection=gone)
    nm = manager(bus)
    nm.note_added("a", Added(":1.7", "/profile/a", "vlan"))
    bus.answers["GetConnectionByUuid"] = WorldError("vanished", "no such profile")
    (begun,) = begin(nm, ports("a"), 1.0)
    assert not isinstance(begun, WorldError)
    with pytest.raises(WorldError, match="no such profile"):
        begun.wait()
    activated = [call for call in bus.asked if call.method == "ActivateConnection"]
    assert [call.service for call in activated] == [":1.7"]


def test_who_waits_is_told_that_it_goes_on_until_the_time_is_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The watchdog and the checkpoint do not wait as long; two take longer than one."""
    now = 0.0

    def hear(listener: Silence, seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(Silence, "wait", hear)
    monkeypatch.setattr(activation.time, "monotonic", lambda: now)
    nm = manager(Bus(GetDeviceByIpIface="/device",
                     ActivateConnection="/active"))  # fmt: skip
    nm.active = lambda device, guess="": ("/active", "a", 1)  # type: ignore[method-assign]
    for name in "ab":
        nm.note_added(name, Added(":1.7", f"/profile/{name}", "802-3-ethernet"))
    first, _ = begin(nm, ports("a", "b"), 20.0)
    assert not isinstance(first, WorldError)
    beats: list[float] = []
    with pytest.raises(WorldError, match="within 21 s"):
        first.wait(lambda: beats.append(now))
    assert max(after - before for before, after in itertools.pairwise(beats)) <= 3
    assert beats[-1] > 15


def of_device(new: int, old: int, reason: int) -> Signal:
    return Signal("/device", DEVICE, "StateChanged", (new, old, reason))


def of_activation(state: int, reason: int, path: str = "/active") -> Signal:
    return Signal(path, ACTIVE, "StateChanged", (state, reason))


@pytest.mark.parametrize(
    ("signal", "over"),
    [
        (of_device(70, 60, 0), False),
        (of_device(100, 90, 0), True),
        (of_device(110, 100, 60), False),  # down, to be activated anew
        (of_device(120, 50, 4), True),
        (of_activation(1, 0), False),
        (of_activation(2, 1), True),
        (of_activation(4, 12), True),
        (of_activation(4, 12, "/another"), False),
    ],
)
def test_what_may_be_the_end_of_an_activation(signal: Signal, over: bool) -> None:
    assert _may_be_over(signal, "/active") is over


def test_the_reason_is_taken_on_the_way_down_and_of_ones_own() -> None:
    assert not _reason_of(of_device(30, 20, 42), "/active")
    assert str(_reason_of(of_device(120, 50, 4), "/active")) == "the device could not be configured"
    assert not _reason_of(of_activation(2, 1), "/active")
    failed = _reason_of(of_activation(4, 12), "/active")
    assert str(failed) == "something that it depends on failed"
    assert not _reason_of(of_activation(4, 12, "/another"), "/active")
    assert str(_reason_of(of_activation(4, 1), "/active")) == "no reason given"
