"""NetworkManager as the writers ask for it: calls, and what is where at the moment of use."""

import time
from collections.abc import Callable
from typing import Any

from bridged.apply.settings import Raw, parse
from bridged.dbus import Call, SystemBus
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

NO_PATH = "/"
_SAME = 10.0
"""Seconds for which the version is taken to be the same: an upgrade restarts NetworkManager."""


class Manager:
    """Calls over `bus`, each within `timeout` seconds; every method raises `WorldError`."""

    def __init__(
        self, bus: SystemBus, timeout: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.bus = bus
        self._timeout = timeout
        self._monotonic = monotonic
        self._known: tuple[tuple[int, int, int], float] | None = None

    def call(
        self, path: str, interface: str, method: str, signature: str = "()", args: Any = ()
    ) -> Any:
        """The answer as plain Python."""
        call = Call(SERVICE, path, interface, method, signature, tuple(args))
        return self.bus.call(call, self._timeout)

    def raw(
        self, path: str, interface: str, method: str, signature: str = "()", args: Any = ()
    ) -> Any:
        """The answer as the variant that it is."""
        call = Call(SERVICE, path, interface, method, signature, tuple(args))
        return self.bus.call_raw(call, self._timeout)

    def get(self, path: str, interface: str, name: str) -> Any:
        """A property."""
        properties = "org.freedesktop.DBus.Properties"
        return self.call(path, properties, "Get", "(ss)", (interface, name))

    def version(self) -> tuple[int, int, int]:
        """(major, minor, micro)."""
        now = self._monotonic()
        if self._known is None or now - self._known[1] > _SAME:
            self._known = version_numbers(self.get(MANAGER_PATH, SERVICE, "Version")), now
        return self._known[0]

    def profile(self, uuid: str) -> str:
        """Path of a profile; `WorldError` (``vanished``) where there is none."""
        try:
            path: str = self.call(SETTINGS_PATH, SETTINGS, "GetConnectionByUuid", "(s)", (uuid,))
        except WorldError as error:
            if error.kind == "refused":  # InvalidConnection is how it says "no such profile"
                raise WorldError("vanished", error.message) from error
            raise
        return path

    def settings(self, path: str) -> Raw:
        """What a profile holds."""
        return parse(self.raw(path, CONNECTION, "GetSettings").get_child_value(0))

    def device(self, interface: str) -> str:
        """Path of a device, `NO_PATH` where there is none."""
        try:
            path: str = self.call(MANAGER_PATH, SERVICE, "GetDeviceByIpIface", "(s)", (interface,))
        except WorldError as error:
            if error.kind == "vanished":
                return NO_PATH
            raise
        return path

    def active(self, device: str) -> tuple[str, str, int]:
        """Path, profile and state of what is active on a device, empty and 0 for nothing."""
        try:
            active = self.get(device, DEVICE, "ActiveConnection") if device != NO_PATH else None
            if not active or active == NO_PATH:
                return "", "", 0
            return active, self.get(active, ACTIVE, "Uuid"), self.get(active, ACTIVE, "State")
        except WorldError as error:
            if error.kind == "vanished":
                return "", "", 0
            raise
