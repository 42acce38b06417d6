"""Changes of NetworkManager: profiles, activations of ports, settings in place.

Every path is looked up by UUID or interface name at the moment of use.
"""

from bridged.apply.activation import Activation
from bridged.apply.manager import NO_PATH, Manager
from bridged.apply.settings import changed, for_version, parse
from bridged.dbus import SystemBus, plain
from bridged.errors import WorldError
from bridged.observe.networkmanager import CONNECTION, DEVICE, SETTINGS, SETTINGS_PATH
from bridged.plan.actions import Activate, AddProfile, DeleteProfile, Reapply, UpdateProfile

_TO_DISK, _IN_MEMORY, _BLOCK_AUTOCONNECT = 0x1, 0x2, 0x20
_PRESERVE_EXTERNAL_IP = 0x1
"""Reapply flag of 1.42 and later: addresses that others added stay."""
_REAPPLY_ATTEMPTS = 3


class NetworkManagerWriter:
    """Writes over `bus`.  Times are in seconds: `timeout` per call, `activation` for a device to be
    activated (a bridge with spanning tree does not make its port wait)."""

    def __init__(self, bus: SystemBus, timeout: float = 10.0, activation: float = 15.0) -> None:
        self._manager = Manager(bus, timeout)
        self._activation = activation

    def add_profile(self, action: AddProfile) -> None:
        """On disk, and blocked from activating itself until it is activated the first time."""
        settings = changed({}, for_version(action.settings, self._manager.version()))
        self._manager.call(
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
        path = self._manager.profile(action.uuid)
        raw = self._manager.settings(path)
        settings = changed(raw, for_version(action.changes, self._manager.version()))
        flags = _IN_MEMORY if action.in_memory else _TO_DISK
        self._manager.call(path, CONNECTION, "Update2", "(a{sa{sv}}ua{sv})", (settings, flags, {}))

    def delete_profile(self, action: DeleteProfile) -> None:
        """A profile that is already gone is as good as deleted."""
        try:
            self._manager.call(self._manager.profile(action.uuid), CONNECTION, "Delete")
        except WorldError as error:
            if error.kind != "vanished":
                raise

    def reapply(self, action: Reapply) -> None:
        """Change what is applied on an active device, in place.

        The version id guards against a change in between, which is then taken into account.
        """
        device = self._manager.device(action.device)
        if device == NO_PATH:
            raise WorldError("vanished", f"NetworkManager has no device {action.device}")
        changes = for_version(action.changes, self._manager.version())
        for attempt in range(_REAPPLY_ATTEMPTS):
            answer = self._manager.raw(device, DEVICE, "GetAppliedConnection", "(u)", (0,))
            raw, version_id = parse(answer.get_child_value(0)), plain(answer.get_child_value(1))
            args = (changed(raw, changes), version_id, _PRESERVE_EXTERNAL_IP)
            try:
                self._manager.call(device, DEVICE, "Reapply", "(a{sa{sv}}tu)", args)
                return
            except WorldError as error:
                if error.kind != "vanished" or attempt == _REAPPLY_ATTEMPTS - 1:
                    raise

    def activate(self, action: Activate) -> Activation:
        """Begin to activate a profile; `WorldError` where that is refused at once."""
        return Activation(self._manager, action, self._activation)
