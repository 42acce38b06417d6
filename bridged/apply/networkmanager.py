"""Changes of NetworkManager: profiles, activations of ports, settings in place.

Every path is looked up by UUID or interface name at the moment of use.
"""

from collections.abc import Sequence
from typing import Any

from bridged.apply.activation import begin
from bridged.apply.manager import NO_PATH, Added, Manager, no_profile
from bridged.apply.protocols import Activation
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

    def add_profiles(self, actions: Sequence[AddProfile]) -> list[WorldError | None]:
        """On disk, and blocked from activating themselves until they are activated the first time.

        Sent together: NetworkManager looks through all devices for one to activate once it has time
        after a new profile, and between one and the next it has.
        """
        instance = self._manager.instance()
        calls = []
        for action in actions:
            settings = changed({}, for_version(action.settings, instance.version))
            args: tuple[Any, ...] = (settings, _TO_DISK | _BLOCK_AUTOCONNECT, {})
            calls.append((SETTINGS_PATH, SETTINGS, "AddConnection2", "(a{sa{sv}}ua{sv})", args))
        answers = self._manager.many(calls)
        for action, answer in zip(actions, answers, strict=True):
            kind = str(action.settings["connection"]["type"])
            # A bridge comes up with its ports.
            if kind != "bridge" and not isinstance(answer, WorldError):
                self._manager.note_added(action.uuid, Added(instance.name, answer[0], kind))
        return [_error(answer) for answer in answers]

    def update_profiles(self, actions: Sequence[UpdateProfile]) -> list[WorldError | None]:
        """Replace the changed keys only.

        Secrets are neither asked for nor sent: NetworkManager keeps the ones it has when an update
        brings none (update_auth_cb() in nm-settings-connection.c).
        """
        version = self._manager.instance().version
        errors: list[WorldError | None] = [None] * len(actions)
        paths = self._manager.many(
            (SETTINGS_PATH, SETTINGS, "GetConnectionByUuid", "(s)", (action.uuid,))
            for action in actions
        )
        for number, path in enumerate(paths):
            if isinstance(path, WorldError):
                errors[number] = no_profile(path)
        left = [number for number, error in enumerate(errors) if error is None]
        raws = self._manager.many(((paths[n], CONNECTION, "GetSettings") for n in left), raw=True)
        calls = []
        for number, raw in zip(left, raws, strict=True):
            if isinstance(raw, WorldError):
                errors[number] = raw
                continue
            action = actions[number]
            changes = for_version(action.changes, version)
            flags = _IN_MEMORY if action.in_memory else _TO_DISK
            args: tuple[Any, ...] = (changed(parse(raw.get_child_value(0)), changes), flags, {})
            calls.append((paths[number], CONNECTION, "Update2", "(a{sa{sv}}ua{sv})", args))
        left = [number for number in left if errors[number] is None]
        for number, answer in zip(left, self._manager.many(calls), strict=True):
            if isinstance(answer, WorldError):
                text = f"profile {actions[number].profile}: {answer.message}"
                errors[number] = WorldError(answer.kind, text)
        return errors

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
        changes = for_version(action.changes, self._manager.instance().version)
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

    def activate(self, actions: Sequence[Activate]) -> list[Activation | WorldError]:
        """Begin to activate profiles; `WorldError` where that is refused at once.

        Together: NetworkManager answers late while it activates, so that what has to be known for
        the next one is asked before the first.
        """
        return begin(self._manager, actions, self._activation)


def _error(answer: object) -> WorldError | None:
    return answer if isinstance(answer, WorldError) else None
