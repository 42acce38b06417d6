"""Changes of NetworkManager: profiles, activations of ports, settings in place.

Every path is looked up by UUID or interface name at the moment of use.
"""

import time
from typing import Any

from bridged.apply.reasons import device_reason
from bridged.apply.settings import Raw, changed, for_version, parse
from bridged.dbus import Call, Listener, Match, Signal, SystemBus, plain
from bridged.errors import WorldError
from bridged.observe.networkmanager import (
    ACTIVE,
    CONNECTION,
    DEVICE,
    MANAGER_PATH,
    SERVICE,
    SETTINGS,
    SETTINGS_PATH,
    version_numbers,
)
from bridged.plan.actions import Activate, AddProfile, DeleteProfile, Reapply, UpdateProfile

_TO_DISK, _IN_MEMORY, _BLOCK_AUTOCONNECT = 0x1, 0x2, 0x20
_PRESERVE_EXTERNAL_IP = 0x1
"""Reapply flag of 1.42 and later: addresses that others added stay."""
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
_REAPPLY_ATTEMPTS = 3
_NO_PATH = "/"


class NetworkManagerWriter:
    """Writes over `bus`.  Times are in seconds: `timeout` per call, `activation` for a device to be
    activated (a bridge with spanning tree does not make its port wait)."""

    def __init__(self, bus: SystemBus, timeout: float = 10.0, activation: float = 15.0) -> None:
        self._bus = bus
        self._timeout = timeout
        self._activation = activation

    def add_profile(self, action: AddProfile) -> None:
        """On disk, and blocked from activating itself until it is activated the first time."""
        settings = changed({}, for_version(action.settings, self._version()))
        self._call(
            SETTINGS_PATH,
            SETTINGS,
            "AddConnection2",
            "(a{sa{sv}}ua{sv})",
            (settings, _TO_DISK | _BLOCK_AUTOCONNECT, {}),
        )

    def update_profile(self, action: UpdateProfile) -> None:
        """Replace the changed keys only.

        Secrets are neither asked for nor sent: NetworkManager keeps the ones it has when an update
        brings none (update_auth_cb() in nm-settings-connection.c).
        """
        path = self._profile(action.uuid)
        raw = self._settings(path)
        settings = changed(raw, for_version(action.changes, self._version()))
        flags = _IN_MEMORY if action.in_memory else _TO_DISK
        self._call(path, CONNECTION, "Update2", "(a{sa{sv}}ua{sv})", (settings, flags, {}))

    def delete_profile(self, action: DeleteProfile) -> None:
        """A profile that is already gone is as good as deleted."""
        try:
            self._call(self._profile(action.uuid), CONNECTION, "Delete")
        except WorldError as error:
            if error.kind != "vanished":
                raise

    def reapply(self, action: Reapply) -> None:
        """Change what is applied on an active device, in place.

        The version id guards against a change in between, which is then taken into account.
        """
        device = self._device(action.device)
        if device == _NO_PATH:
            raise WorldError("vanished", f"NetworkManager has no device {action.device}")
        changes = for_version(action.changes, self._version())
        for attempt in range(_REAPPLY_ATTEMPTS):
            answer = self._raw(device, DEVICE, "GetAppliedConnection", "(u)", (0,))
            raw, version_id = parse(answer.get_child_value(0)), plain(answer.get_child_value(1))
            args = (changed(raw, changes), version_id, _PRESERVE_EXTERNAL_IP)
            try:
                self._call(device, DEVICE, "Reapply", "(a{sa{sv}}tu)", args)
                return
            except WorldError as error:
                if error.kind != "vanished" or attempt == _REAPPLY_ATTEMPTS - 1:
                    raise

    def activate(self, action: Activate) -> None:
        """Activate a profile and wait for it; `WorldError` with NetworkManager's reason if not.

        A bridge that exists is refused, whatever the plan says: NetworkManager would release all
        of its ports, and nobody puts those of the guests back.
        """
        profile = self._profile(action.uuid)
        connection = self._settings(profile).get("connection", {})
        kind = plain(connection["type"])
        if kind == "bridge" and self._device(action.device) != _NO_PATH:
            raise WorldError(
                "refused", f"{action.device} is up, and activating a bridge drops its guest ports"
            )
        for attempt in range(_ATTEMPTS):
            try:
                self._activate_once(action, profile, kind in _VIRTUAL)
                return
            except WorldError as error:
                if error.kind not in ("refused", "failed") or attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(_PAUSE * 2**attempt)

    def _activate_once(self, action: Activate, profile: str, virtual: bool) -> None:
        with Listener(self._bus, Match(SERVICE, signal="StateChanged")) as listener:
            # Without a device NetworkManager makes the one that the profile describes (a VLAN).
            device = self._device(action.device)
            if device == _NO_PATH and not virtual:
                raise WorldError("vanished", f"NetworkManager has no device {action.device}")
            before, _, _ = self._active(device)
            args = (profile, device, _NO_PATH)
            try:
                self._call(MANAGER_PATH, SERVICE, "ActivateConnection", "(ooo)", args)
            except WorldError as error:
                if error.kind == "vanished":  # so it names a controller without a profile
                    raise WorldError("refused", error.message) from error
                raise
            self._follow(action, listener, before)

    def _follow(self, action: Activate, listener: Listener, before: str) -> None:
        """Wait until the profile is active on the device, whichever activation got it there.

        A bridge that comes up for its port activates its ports too (autoconnect-ports), so that
        the activation asked for is replaced by another of the same profile on the way.
        """
        deadline = time.monotonic() + self._activation
        reason, lost = 0, 0.0
        while (now := time.monotonic()) < deadline:
            device = self._device(action.device)
            path, uuid, state = self._active(device)
            ours = uuid == action.uuid and path != before
            if ours and state == _ACTIVATED:
                return
            if ours and state < _DEACTIVATING:
                lost = 0.0
            else:
                lost = lost or now
                replaced = reason in (0, _NEW_ACTIVATION)
                if now - lost > (_REPLACEMENT if replaced else 0):
                    text = f"{action.device}: activation failed, {device_reason(reason)}"
                    raise WorldError("failed", text)
            signal = listener.wait(_POLL)
            while signal is not None:
                reason = _reason_of(signal, device) or reason
                signal = listener.wait(0)
        raise WorldError("timeout", f"{action.device}: not activated within {self._activation:g} s")

    def _active(self, device: str) -> tuple[str, str, int]:
        """Path, profile and state of what is active on a device, empty and 0 for nothing."""
        try:
            active = self._get(device, DEVICE, "ActiveConnection") if device != _NO_PATH else None
            if not active or active == _NO_PATH:
                return "", "", 0
            return active, self._get(active, ACTIVE, "Uuid"), self._get(active, ACTIVE, "State")
        except WorldError as error:
            if error.kind == "vanished":
                return "", "", 0
            raise

    def _get(self, path: str, interface: str, name: str) -> Any:
        properties = "org.freedesktop.DBus.Properties"
        return self._call(path, properties, "Get", "(ss)", (interface, name))

    def _version(self) -> tuple[int, int, int]:
        return version_numbers(self._get(MANAGER_PATH, SERVICE, "Version"))

    def _profile(self, uuid: str) -> str:
        """Path of a profile; `WorldError` (``vanished``) where there is none."""
        try:
            path: str = self._call(SETTINGS_PATH, SETTINGS, "GetConnectionByUuid", "(s)", (uuid,))
        except WorldError as error:
            if error.kind == "refused":  # InvalidConnection is how it says "no such profile"
                raise WorldError("vanished", error.message) from error
            raise
        return path

    def _settings(self, path: str) -> Raw:
        return parse(self._raw(path, CONNECTION, "GetSettings").get_child_value(0))

    def _device(self, interface: str) -> str:
        """Path of a device, "/" where there is none."""
        try:
            path: str = self._call(MANAGER_PATH, SERVICE, "GetDeviceByIpIface", "(s)", (interface,))
        except WorldError as error:
            if error.kind == "vanished":
                return _NO_PATH
            raise
        return path

    def _call(
        self, path: str, interface: str, method: str, signature: str = "()", args: Any = ()
    ) -> Any:
        call = Call(SERVICE, path, interface, method, signature, tuple(args))
        return self._bus.call(call, self._timeout)

    def _raw(
        self, path: str, interface: str, method: str, signature: str = "()", args: Any = ()
    ) -> Any:
        call = Call(SERVICE, path, interface, method, signature, tuple(args))
        return self._bus.call_raw(call, self._timeout)


def _reason_of(signal: Signal, device: str) -> int:
    """The reason in a device's StateChanged (new, old, reason); 0 for anything else.

    Only on the way down: a device that just appeared becomes managed for a reason, too.
    """
    if signal.interface != DEVICE or device not in (signal.path, _NO_PATH):
        return 0
    new, old, reason = signal.args
    return int(reason) if new < old or new >= _STATE_DEACTIVATING else 0
