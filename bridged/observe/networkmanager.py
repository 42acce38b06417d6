"""One reading of NetworkManager: everything by paths of that reading, none kept for the next.

Object paths are renumbered when NetworkManager restarts, so a path that was kept could mean
another device.  One GetManagedObjects gives devices, active connections and the paths of the
profiles; their settings follow pipelined, as that is the only way to get them.
"""

import re
from collections.abc import Iterable
from typing import Any

from bridged.dbus import Bus, Call, Objects
from bridged.errors import WorldError
from bridged.observe.host import Device, NetworkManager, Profile, Settings, Unavailable

SERVICE = "org.freedesktop.NetworkManager"
MANAGER_PATH = "/org/freedesktop/NetworkManager"
SETTINGS_PATH = MANAGER_PATH + "/Settings"
SETTINGS = SERVICE + ".Settings"
CONNECTION = SETTINGS + ".Connection"
DEVICE = SERVICE + ".Device"
ACTIVE = SERVICE + ".Connection.Active"
STATE_ACTIVATED = 100
_CHANGING = (40, 50, 60, 70, 80, 90, 110)
"""NMDeviceState: from PREPARE to SECONDARIES, and DEACTIVATING; none of them lasts."""

_WANTED = {
    SERVICE: ("Version", "State"),
    SETTINGS: (),
    CONNECTION: ("Filename", "Unsaved", "Flags"),
    DEVICE: ("Interface", "Managed", "State", "ActiveConnection", "Autoconnect", "Real"),
    ACTIVE: ("Uuid", "State", "StateFlags"),
}
_ASLEEP = 10
"""NMState: it manages nothing, and has taken down what it had made."""
_ON = "nmcli networking on"
_GENERATED = 0x2
"""NMSettingsConnectionFlags: made up by NetworkManager itself."""
_ACTIVATING = 1
_EXTERNAL = 0x80
"""NMActivationStateFlags: NetworkManager made the profile up to mirror what it found."""
_EACH = 0.02
"""Seconds that each of many answers may take."""


class NetworkManagerReader:
    """Reads profiles and devices over `bus`; `timeout` in seconds bounds each of the two steps, the
    second with some more for each profile."""

    def __init__(self, bus: Bus, timeout: float = 10.0) -> None:
        self._bus = bus
        self._timeout = timeout

    def read(self, devices: Iterable[str] = ()) -> NetworkManager | Unavailable:
        """What there is, with the applied settings of `devices`; never raises."""
        try:
            return self._read(frozenset(devices))
        except WorldError as error:
            return Unavailable(_absence(error))
        except Exception as error:  # an answer of a shape nobody has seen: the rest goes on
            return Unavailable(f"NetworkManager's answer is not understood: {error!r}")

    def _read(self, wanted: frozenset[str]) -> NetworkManager | Unavailable:
        objects = self._bus.objects(SERVICE, "/org/freedesktop", _WANTED, self._timeout)
        if MANAGER_PATH not in objects[SERVICE] or SETTINGS_PATH not in objects[SETTINGS]:
            return Unavailable("NetworkManager is starting")
        if objects[SERVICE][MANAGER_PATH].get("State") == _ASLEEP:
            reason = f"its networking is switched off; on again with: {_ON}"
            return Unavailable(reason, _ON)
        paths = list(objects[CONNECTION])
        active = [
            path
            for path, device in objects[DEVICE].items()
            if device["Interface"] in wanted and device["ActiveConnection"] in objects[ACTIVE]
        ]
        calls = [Call(SERVICE, path, CONNECTION, "GetSettings") for path in paths]
        calls += [
            Call(SERVICE, path, DEVICE, "GetAppliedConnection", "(u)", (0,)) for path in active
        ]
        answers = self._bus.call_many(calls, self._timeout + _EACH * len(calls))
        for answer in answers:
            if isinstance(answer, WorldError) and answer.kind in ("unavailable", "timeout"):
                raise answer
        # Any other error is of an object that went away between the calls.
        settings = _answered(paths, answers[: len(paths)])
        applied = _answered(active, answers[len(paths) :])
        return NetworkManager(
            version_numbers(objects[SERVICE][MANAGER_PATH]["Version"]),
            tuple(_profile(path, settings[path], objects) for path in settings),
            tuple(
                _device(path, objects, applied[path][0] if path in applied else None)
                for path, device in objects[DEVICE].items()
                # NetworkManager keeps a placeholder for a virtual device that it could make.
                if device.get("Real", True)
            ),
        )


def _answered(paths: list[str], answers: list[Any]) -> dict[str, Any]:
    pairs = zip(paths, answers, strict=True)
    return {path: answer for path, answer in pairs if not isinstance(answer, WorldError)}


def _profile(path: str, settings: Settings, objects: Objects) -> Profile:
    properties = objects[CONNECTION][path]
    return Profile(
        path,
        str(settings.get("connection", {}).get("uuid", "")),
        settings,
        properties.get("Filename", ""),
        properties.get("Unsaved", False),
        bool(properties.get("Flags", 0) & _GENERATED),
    )


def _device(path: str, objects: Objects, applied: Settings | None) -> Device:
    device = objects[DEVICE][path]
    active = objects[ACTIVE].get(device["ActiveConnection"], {})
    return Device(
        path,
        device["Interface"],
        device["Managed"],
        device["State"],
        active.get("Uuid", ""),
        active.get("State") == _ACTIVATING or device["State"] in _CHANGING,
        bool(active.get("StateFlags", 0) & _EXTERNAL),
        device["Autoconnect"],
        applied,
        device["ActiveConnection"],
    )


def version_numbers(text: str) -> tuple[int, int, int]:
    """``1.52.1``, ``1.53.2-dev`` or ``1.54`` as numbers; what is not a number counts as 0."""
    numbers = [int(part) for part in re.findall(r"\d+", text)[:3]] + [0, 0, 0]
    return numbers[0], numbers[1], numbers[2]


def _absence(error: WorldError) -> str:
    if error.kind in ("unavailable", "vanished"):
        return f"NetworkManager is not running ({error.message})"
    if error.kind == "timeout":
        return f"NetworkManager does not answer ({error.message})"
    return f"NetworkManager cannot be read ({error.message})"
