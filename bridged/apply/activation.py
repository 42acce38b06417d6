"""The activation of a profile: begun, and waited for whichever activation got it there."""

import time

from bridged.apply.manager import NO_PATH, Manager
from bridged.apply.reasons import device_reason
from bridged.dbus import Listener, Match, Signal, plain
from bridged.errors import WorldError
from bridged.observe.networkmanager import DEVICE, MANAGER_PATH, SERVICE
from bridged.plan.actions import Activate

_ACTIVATED, _DEACTIVATING = 2, 3
_POLL = 0.25
"""Seconds after which the state is read even if no signal came: signals only make it quicker."""
_STATE_DEACTIVATING = 110
"""NMDeviceState from which on (failed is 120) an activation is over."""
_NEW_ACTIVATION = 60
_REPLACEMENT = 2.0
"""Seconds that another activation of the same profile may take to show up after ours was lost."""
_VIRTUAL = ("bridge", "vlan")
_ATTEMPTS = 3
_PAUSE = 0.25
"""Seconds before the second activation attempt, doubling: just after a link appears the device is
still "strictly unmanaged" until udev and NetworkManager are done with it."""


class Activation:
    """One that was asked for; `limit` in seconds is for each attempt.

    A bridge that exists is refused, whatever the plan says: NetworkManager would release all of its
    ports, and nobody puts those of the guests back.  `wait` has to be called, also to let go of
    what listens.
    """

    def __init__(self, manager: Manager, action: Activate, limit: float) -> None:
        self._manager = manager
        self._action = action
        self._limit = limit
        self._profile = manager.profile(action.uuid)
        connection = manager.settings(self._profile).get("connection", {})
        kind = plain(connection["type"])
        if kind == "bridge" and manager.device(action.device) != NO_PATH:
            raise WorldError(
                "refused", f"{action.device} is up, and activating a bridge drops its guest ports"
            )
        self._virtual = kind in _VIRTUAL
        self._before = ""
        self._listener: Listener | None = None
        self._error: WorldError | None = None
        self._begin()

    def wait(self) -> None:
        """Return when the profile is active; `WorldError` with NetworkManager's reason if it cannot
        be had."""
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._begin()
            try:
                self._end()
                return
            except WorldError as error:
                if error.kind not in ("refused", "failed") or attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(_PAUSE * 2**attempt)

    def _begin(self) -> None:
        """Ask for it; what goes wrong is told by `_end`."""
        self._error = None
        self._listener = Listener(self._manager.bus, Match(SERVICE, signal="StateChanged"))
        self._listener.__enter__()
        try:
            self._ask()
        except WorldError as error:
            self._error = error

    def _ask(self) -> None:
        # Without a device NetworkManager makes the one that the profile describes (a VLAN).
        device = self._manager.device(self._action.device)
        if device == NO_PATH and not self._virtual:
            raise WorldError("vanished", f"NetworkManager has no device {self._action.device}")
        self._before, _, _ = self._manager.active(device)
        args = (self._profile, device, NO_PATH)
        try:
            self._manager.call(MANAGER_PATH, SERVICE, "ActivateConnection", "(ooo)", args)
        except WorldError as error:
            if error.kind == "vanished":  # so it names a controller without a profile
                raise WorldError("refused", error.message) from error
            raise

    def _end(self) -> None:
        listener, self._listener = self._listener, None
        assert listener is not None
        try:
            if self._error is not None:
                raise self._error
            self._follow(listener)
        finally:
            listener.__exit__(None, None, None)

    def _follow(self, listener: Listener) -> None:
        """Wait until the profile is active on the device, whichever activation got it there.

        A bridge that comes up for its port activates its ports too (autoconnect-ports), so that
        the activation asked for is replaced by another of the same profile on the way.
        """
        name = self._action.device
        deadline = time.monotonic() + self._limit
        reason, lost = 0, 0.0
        while (now := time.monotonic()) < deadline:
            device = self._manager.device(name)
            path, uuid, state = self._manager.active(device)
            ours = uuid == self._action.uuid and path != self._before
            if ours and state == _ACTIVATED:
                return
            if ours and state < _DEACTIVATING:
                lost = 0.0
            else:
                lost = lost or now
                replaced = reason in (0, _NEW_ACTIVATION)
                if now - lost > (_REPLACEMENT if replaced else 0):
                    text = f"{name}: activation failed, {device_reason(reason)}"
                    raise WorldError("failed", text)
            signal = listener.wait(_POLL)
            while signal is not None:
                reason = _reason_of(signal, device) or reason
                signal = listener.wait(0)
        raise WorldError("timeout", f"{name}: not activated within {self._limit:g} s")


def _reason_of(signal: Signal, device: str) -> int:
    """The reason in a device's StateChanged (new, old, reason); 0 for anything else.

    Only on the way down: a device that just appeared becomes managed for a reason, too.
    """
    if signal.interface != DEVICE or device not in (signal.path, NO_PATH):
        return 0
    new, old, reason = signal.args
    return int(reason) if new < old or new >= _STATE_DEACTIVATING else 0
