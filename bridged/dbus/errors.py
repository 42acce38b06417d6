"""D-Bus errors sorted into the kinds of `bridged.errors`."""

from typing import Any

from bridged.dbus.gi import Gio
from bridged.errors import ErrorKind, WorldError

_KINDS: dict[ErrorKind, set[str]] = {
    "unavailable": {"ServiceUnknown", "NameHasNoOwner", "NoReply", "Disconnected", "NoServer"},
    "timeout": {"Timeout", "TimedOut"},
    "permission": {
        "AccessDenied",
        "AuthFailed",
        "InteractiveAuthorizationRequired",
        "PermissionDenied",
        "ReadOnlyConnection",
    },
    "vanished": {
        "UnknownObject",
        "UnknownMethod",
        "UnknownInterface",
        "UnknownProperty",
        "UnknownConnection",
        "UnknownDevice",
        "NotActive",
        "ConnectionNotActive",
        "VersionIdMismatch",
    },
    "failed": {"Failed", "NoMemory", "LimitsExceeded", "IOError", "SpawnFailed"},
}
"""By the last part of the error's name.  NoReply is what a bus says when the service died with the
call in hand; a path that is gone is UnknownObject or UnknownMethod, depending on the service."""


def kind_of(name: str) -> ErrorKind:
    """The word for a D-Bus error name, e.g. ``org.freedesktop.DBus.Error.ServiceUnknown``.

    Names of NetworkManager's (src/libnm-core-impl/nm-errors.c) that are not in the table are its
    refusals: InvalidProperty, IncompatibleConnection, UuidExists and the like.
    """
    last = name.rpartition(".")[2]
    for kind, names in _KINDS.items():
        if last in names:
            return kind
    return "refused" if name.startswith("org.freedesktop.NetworkManager") else "failed"


def world_error(error: Any, doing: str) -> WorldError:
    """The error of ours for a GLib.Error, with the other side's own words."""
    name = Gio.DBusError.get_remote_error(error)
    if name:
        # Gio puts the name in front of the text, and its own way of taking it off works on a copy.
        text = error.message.removeprefix(f"GDBus.Error:{name}: ")
        return WorldError(kind_of(name), f"{doing}: {text}")

    def is_any(*codes: Any) -> bool:
        return any(error.matches(Gio.io_error_quark(), code) for code in codes)

    if is_any(Gio.IOErrorEnum.TIMED_OUT, Gio.IOErrorEnum.CANCELLED):
        return WorldError("timeout", f"{doing}: no answer in time")
    if is_any(Gio.IOErrorEnum.CLOSED, Gio.IOErrorEnum.BROKEN_PIPE):
        return WorldError("unavailable", f"{doing}: the connection to the bus is closed")
    return WorldError("failed", f"{doing}: {error.message}")
