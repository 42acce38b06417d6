"""The activation of profiles: begun together, each waited for whichever activation got it there.

NetworkManager answers late while it activates, so what has to be known of all of them is asked
before the first is sent.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from bridged.apply.manager import NO_PATH, Added, Manager, no_profile
from bridged.apply.protocols import Activation
from bridged.apply.reasons import activation_reason, device_reason
from bridged.apply.settings import parse
from bridged.dbus import Call, Listener, Match, Signal, plain
from bridged.errors import WorldError
from bridged.observe.networkmanager import (
    ACTIVE,
    CONNECTION,
    DEVICE,
    MANAGER_PATH,
    SERVICE,
    SETTINGS,
    SETTINGS_PATH,
)
from bridged.plan.actions import Activate

_ACTIVATED, _DEACTIVATING = 2, 3
_POLL = 2.5
"""Seconds after which the state is read even if no signal came: signals only make it quicker, and
a NetworkManager that is busy with the activation is not to be asked meanwhile."""
_STATE_ACTIVATED, _STATE_DEACTIVATING = 100, 110
"""NMDeviceState: that an activation has succeeded, and from which on (failed is 120) it is over."""
_EACH = 1.0
"""Seconds that an activation may take longer for each that is under way beside it."""
_NEW_ACTIVATION = 60
_MAYBE_REPLACED = {DEVICE: (0, _NEW_ACTIVATION), ACTIVE: (0, 1, 3)}
"""Reasons, by who gives them, with which an activation is lost to another of the same profile too:
an activation says of both that it has none, or that its device was disconnected."""
_REPLACEMENT = 2.0
"""Seconds that another activation of the same profile may take to show up after ours was lost."""
_VIRTUAL = ("bridge", "vlan")
_ATTEMPTS = 3
_PAUSE = 0.25
"""Seconds before the second activation attempt, doubling: just after a link appears the device is
still "strictly unmanaged" until udev and NetworkManager are done with it."""


class _Target(NamedTuple):
    """What is activated, as NetworkManager has it now: whose it is (empty: whichever runs), the
    profile's path and kind, the device's path, and the path of what is active on it."""

    owner: str
    profile: str
    kind: str
    device: str
    before: str


def begin(
    manager: Manager, actions: Sequence[Activate], limit: float
) -> list[Activation | WorldError]:
    """Ask for all of them; `limit` in seconds is for each attempt, were it the only one.  Each that
    is begun has to be waited for, also to let go of what listens.

    A bridge that exists is refused, whatever the plan says: NetworkManager would release all of its
    ports, and nobody puts those of the guests back.
    """
    targets = _targets(manager, actions)
    begun: list[Activation | WorldError] = []
    asked: list[tuple[_UnderWay, _Target]] = []
    for action, target in zip(actions, targets, strict=True):
        if isinstance(target, WorldError):
            begun.append(target)
        elif target.kind == "bridge" and target.device != NO_PATH:
            text = f"{action.device} is up, and activating a bridge drops its guest ports"
            begun.append(WorldError("refused", text))
        else:
            under_way = _UnderWay(manager, action, limit)
            begun.append(under_way)
            asked.append((under_way, target))
    _ask(manager, asked)
    manager.under_way += len(asked)
    return begun


def _targets(manager: Manager, actions: Sequence[Activate]) -> list[_Target | WorldError]:
    """What is to be activated, or why it cannot be.

    Of a profile that was just made only the device has to be asked.  Should it be gone already, or
    NetworkManager another, the activation is refused, and the next attempt asks everything.
    """
    added = [manager.take_added(action.uuid) for action in actions]
    asked: list[Any] = [
        new.path if new else (SETTINGS_PATH, SETTINGS, "GetConnectionByUuid", "(s)", (a.uuid,))
        for new, a in zip(added, actions, strict=True)
    ]
    asked += [(MANAGER_PATH, SERVICE, "GetDeviceByIpIface", "(s)", (a.device,)) for a in actions]
    answers = manager.many_of(asked)
    profiles, devices = answers[: len(actions)], answers[len(actions) :]
    profiles = [no_profile(p) if isinstance(p, WorldError) else p for p in profiles]
    devices = [NO_PATH if _vanished(device) else device for device in devices]
    present = [isinstance(device, str) and device != NO_PATH for device in devices]
    more: list[Any] = [
        (p, CONNECTION, "GetSettings") if isinstance(p, str) and not new else p
        for new, p in zip(added, profiles, strict=True)
    ]
    more += [
        manager.property(device, DEVICE, "ActiveConnection") if there and not new else device
        for new, device, there in zip(added, devices, present, strict=True)
    ]
    answers = manager.many_of(more, raw=True)
    settings, actives = answers[: len(actions)], answers[len(actions) :]
    found = zip(profiles, settings, devices, actives, added, actions, strict=True)
    return [_target(*answers) for answers in found]


def _target(
    profile: Any, settings: Any, device: Any, active: Any, added: Added | None, action: Activate
) -> _Target | WorldError:
    """One target from the four answers."""
    active = "" if _vanished(active) else active
    for answer in (profile, settings, device, active):
        if isinstance(answer, WorldError):
            return answer
    if added:
        kind, before = added.kind, ""
    else:
        kind = plain(parse(settings.get_child_value(0)).get("connection", {})["type"])
        before = active if isinstance(active, str) else plain(active)[0]
    # Without a device NetworkManager makes the one that the profile describes (a VLAN).
    if device == NO_PATH and kind not in _VIRTUAL:
        return WorldError("vanished", f"NetworkManager has no device {action.device}")
    return _Target(added.owner if added else "", profile, kind, device, before)


def _vanished(answer: Any) -> bool:
    return isinstance(answer, WorldError) and answer.kind == "vanished"


def _ask(manager: Manager, asked: Sequence[tuple["_UnderWay", _Target]]) -> None:
    """Send them; what is refused is told when it is waited for."""
    for under_way, target in asked:
        under_way.listen(target)
    answers = manager.many(
        Call(
            target.owner or SERVICE,
            MANAGER_PATH,
            SERVICE,
            "ActivateConnection",
            "(ooo)",
            (target.profile, target.device, NO_PATH),
        )
        for _, target in asked
    )
    for (under_way, target), answer in zip(asked, answers, strict=True):
        gone = isinstance(answer, WorldError) and answer.kind == "unavailable" and target.owner
        if _vanished(answer) or gone:  # so it names a controller without a profile
            answer = WorldError("refused", answer.message)
        under_way.answered(answer)


class _TooLong(WorldError):
    """An activation that takes too long: another attempt would only begin it anew."""


class _Reason(NamedTuple):
    """Why something came down, 0 for no reason, and whether a device says so or an activation."""

    whose: str
    number: int

    def __bool__(self) -> bool:
        return self.number != 0

    def __str__(self) -> str:
        told = device_reason if self.whose == DEVICE else activation_reason
        return told(self.number)


class _UnderWay:
    """One that was asked for."""

    def __init__(self, manager: Manager, action: Activate, limit: float) -> None:
        self._manager = manager
        self._action = action
        self._limit = limit
        self._before = ""
        self._device = NO_PATH
        self._path = ""
        self._heard = DEVICE
        self._error: WorldError | None = None
        self._listener: Listener | None = None

    def listen(self, target: _Target) -> None:
        """Take note of signals from now on: those of the device alone, for each that NetworkManager
        sends costs both sides; without a device those of activations, which are fewer."""
        self._before, self._device = target.before, target.device
        there = target.device != NO_PATH
        self._heard = DEVICE if there else ACTIVE
        match = _changes(self._heard, target.device if there else None)
        self._listener = Listener(self._manager.bus, match)
        self._listener.__enter__()

    def answered(self, answer: Any) -> None:
        """What NetworkManager says to being asked: the path of the activation, or an error."""
        refused = isinstance(answer, WorldError)
        self._error, self._path = (answer, "") if refused else (None, answer)
        if self._heard == ACTIVE and not refused and self._listener is not None:
            self._listener.turn_to(_changes(ACTIVE, self._path))

    def wait(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Return when the profile is active; `WorldError` with NetworkManager's reason if it cannot
        be had."""
        try:
            self._attempts(meanwhile)
        finally:
            self._manager.under_way -= 1

    def _attempts(self, meanwhile: Callable[[], None]) -> None:
        for attempt in range(_ATTEMPTS):
            if attempt:
                meanwhile()
                self._again()
            try:
                self._end(meanwhile)
                return
            except WorldError as error:
                last = attempt == _ATTEMPTS - 1 or isinstance(error, _TooLong)
                if last or error.kind not in ("refused", "failed"):
                    raise
                time.sleep(_PAUSE * 2**attempt)

    def _again(self) -> None:
        (target,) = _targets(self._manager, [self._action])
        if isinstance(target, WorldError):
            raise target
        _ask(self._manager, [(self, target)])

    def _end(self, meanwhile: Callable[[], None]) -> None:
        listener, self._listener = self._listener, None
        assert listener is not None
        try:
            if self._error is not None:
                raise self._error
            self._follow(listener, meanwhile)
        finally:
            listener.__exit__(None, None, None)

    def _follow(self, listener: Listener, meanwhile: Callable[[], None]) -> None:
        """Wait until the profile is active on the device, whichever activation got it there.

        A bridge that comes up for its port activates its ports too (autoconnect-ports), so that
        the activation asked for is replaced by another of the same profile on the way.
        """
        name = self._action.device
        limit = self._limit + _EACH * (self._manager.under_way - 1)
        deadline = time.monotonic() + limit
        meanwhile()
        lost, reason = 0.0, self._news(listener)
        while (now := time.monotonic()) < deadline:
            meanwhile()
            path, uuid, state = self._active()
            ours = uuid == self._action.uuid and path != self._before
            if ours and state == _ACTIVATED:
                return
            if self._heard == ACTIVE and self._device != NO_PATH:
                # By now there is one, for whoever activates it; it may have changed meanwhile.
                self._heard = DEVICE
                listener.turn_to(_changes(DEVICE, self._device))
                continue
            if ours and state < _DEACTIVATING:
                lost = 0.0
            else:
                lost = lost or now
                replaced = reason.number in _MAYBE_REPLACED[reason.whose]
                if now - lost > (_REPLACEMENT if replaced else 0):
                    raise WorldError("failed", f"{name}: activation failed, {reason}")
            reason = self._news(listener) or reason
        raise _TooLong("failed", f"{name}: not activated within {limit:g} s")

    def _active(self) -> tuple[str, str, int]:
        """What is active on the device: path, profile and state."""
        if self._device == NO_PATH:
            self._device = self._manager.device(self._action.device)
        found = self._manager.active(self._device, self._path)
        self._path = found[0]
        if not self._path:  # it may be another device by now
            self._device = NO_PATH
        return found

    def _news(self, listener: Listener) -> "_Reason":
        """Wait until a signal tells that the activation may be over; the reason.

        The states on the way there are no news: asking at each of them would keep NetworkManager
        from going on.
        """
        reason, until = _Reason(self._heard, 0), time.monotonic() + _POLL
        signal = listener.wait(_POLL)
        while signal is not None:
            reason = _reason_of(signal, self._path) or reason
            over = _may_be_over(signal, self._path)
            signal = listener.wait(0 if over else max(until - time.monotonic(), 0))
            if over:
                until = 0.0  # only what has come already
        return reason


def _changes(interface: str, path: str | None) -> Match:
    """What tells of states: of all devices or activations, or of the one at that path."""
    return Match(SERVICE, interface, "StateChanged", path)


def _may_be_over(signal: Signal, active: str) -> bool:
    """What comes down to be activated anew is on its way up.  `active` is the path of the
    activation, empty where another may have taken its place."""
    if signal.interface == DEVICE:
        state, _, reason = signal.args
        failed = state >= _STATE_DEACTIVATING and reason != _NEW_ACTIVATION
        return bool(state == _STATE_ACTIVATED or failed)
    return bool(active in (signal.path, "") and signal.args[0] >= _ACTIVATED)


def _reason_of(signal: Signal, active: str) -> _Reason:
    """The reason in a StateChanged, of a device (new, old, reason) or an activation (state,
    reason).

    Only on the way down: a device that just appeared becomes managed for a reason, too.
    """
    if signal.interface == DEVICE:
        new, old, reason = signal.args
        told = new < old or new >= _STATE_DEACTIVATING
    else:
        state, reason = signal.args
        told = active in (signal.path, "") and state >= _DEACTIVATING
    return _Reason(signal.interface, reason if told else 0)
