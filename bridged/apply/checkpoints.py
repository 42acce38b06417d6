"""NetworkManager's checkpoints: it goes back by itself unless told in time that all is well."""

import time
from collections.abc import Iterable
from typing import Any

from bridged.dbus import Call, SystemBus
from bridged.errors import WorldError
from bridged.observe.networkmanager import MANAGER_PATH, SERVICE

_CHECKPOINT = f"{SERVICE}.Checkpoint"
_PROMPT = 15_000
"""Milliseconds in which NetworkManager has made a checkpoint, or the call has timed out."""
_TOLERANCE = 50
"""Milliseconds by which its clock may seem to be behind, as it converts from another one."""
_OK = 0
"""NMRollbackResult of a device that was restored."""


class Checkpoints:
    """Creates and ends checkpoints.  Paths are D-Bus object paths; an empty one means none."""

    def __init__(self, bus: SystemBus, timeout: float = 10.0) -> None:
        self._bus = bus
        self._timeout = timeout

    def create(self, devices: Iterable[str], seconds: int) -> str:
        """A checkpoint of these devices (object paths), rolled back after `seconds` unless ended.

        No flags: those would delete others' new profiles or disconnect taps born meanwhile.  An
        empty list would mean every device of the machine, so it is refused here.  `WorldError`
        ``refused`` where another client's checkpoint holds one of the devices.
        """
        paths = list(devices)
        if not paths:
            raise ValueError("a checkpoint of no devices would be one of all devices")
        return str(self._call("CheckpointCreate", "(aouu)", (paths, seconds, 0)))

    def extend(self, path: str, seconds: int) -> None:
        """Roll back `seconds` from now instead."""
        self._call("CheckpointAdjustRollbackTimeout", "(ou)", (path, seconds))

    def destroy(self, path: str) -> bool:
        """Keep what was done; False where the checkpoint is no longer there."""
        return self._end("CheckpointDestroy", path) is not None

    def rollback(self, path: str) -> bool:
        """Go back to what was; False where the checkpoint is gone or a device was not restored."""
        results = self._end("CheckpointRollback", path)
        return results is not None and all(result == _OK for result in (results or {}).values())

    def stamp(self) -> int:
        """Now, by the clock that checkpoints are dated with, in milliseconds."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def made(self, devices: Iterable[str], since: int) -> tuple[str, ...]:
        """The checkpoints of these devices that were made right after `since` (a stamp): those of
        whoever noted it.  A checkpoint does not tell whose it is, and forgets devices that go."""
        wanted = set(devices)
        return tuple(
            path
            for path in self._get(MANAGER_PATH, SERVICE, "Checkpoints")
            if wanted.issuperset(self._get(path, _CHECKPOINT, "Devices"))
            and -_TOLERANCE <= self._get(path, _CHECKPOINT, "Created") - since <= _PROMPT
        )

    def _get(self, path: str, interface: str, name: str) -> Any:
        properties = "org.freedesktop.DBus.Properties"
        call = Call(SERVICE, path, properties, "Get", "(ss)", (interface, name))
        return self._bus.call(call, self._timeout)

    def _end(self, method: str, path: str) -> dict[str, int] | None:
        try:
            answer: dict[str, int] | None = self._call(method, "(o)", (path,))
        except WorldError as error:
            if error.kind in {"vanished", "refused", "failed"}:
                return None
            raise
        return answer or {}

    def _call(self, method: str, signature: str, arguments: tuple[object, ...]) -> Any:
        call = Call(SERVICE, MANAGER_PATH, SERVICE, method, signature, arguments)
        return self._bus.call(call, self._timeout)
