"""Why NetworkManager says that a device changed its state or an activation ended, in words."""

_REASONS = {
    1: "for a reason that it does not know",
    3: "the device is now unmanaged",
    4: "the device could not be configured",
    5: "no IP configuration was to be had",
    6: "the IP configuration has expired",
    7: "secrets were required and nobody gave them",
    11: "802.1X authentication took too long",
    35: "the device has no firmware",
    36: "the device was removed",
    37: "the system is going to sleep",
    38: "the profile was deleted or changed",
    39: "somebody disconnected it",
    40: "the carrier changed",
    50: "something that it depends on failed",
    54: "a secondary connection failed",
    60: "another activation took its place",
    61: "the parent device changed",
    62: "the parent device is managed differently now",
    64: "a duplicate IP address was found",
    65: "the IP method is not supported here",
    66: "the SR-IOV settings could not be applied",
    67: "the other end of the veth was not found",
    68: "its device handler failed",
    69: "it does not manage such devices by default",
}
"""NMDeviceStateReason (nm-dbus-interface.h of libnm), those that a wired device can get."""

_ENDINGS = {
    2: "somebody disconnected it",
    3: "its device was disconnected",
    4: "a service that it needs stopped",
    5: "the IP configuration is not valid",
    6: "it took too long",
    9: "secrets were required and nobody gave them",
    11: "the profile was deleted",
    12: "something that it depends on failed",
    13: "the device could not be made",
    14: "the device was removed",
}
"""NMActiveConnectionStateReason (the same file), likewise; 0 and 1 mean that there is none."""


def device_reason(number: int) -> str:
    """The sentence for an NMDeviceStateReason; 0 means that there is none."""
    return _REASONS.get(number, f"reason {number}") if number else "no reason given"


def activation_reason(number: int) -> str:
    """The sentence for an NMActiveConnectionStateReason."""
    return _ENDINGS.get(number, f"reason {number}") if number > 1 else "no reason given"
