"""Why NetworkManager says that a device changed its state, in words."""

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


def device_reason(number: int) -> str:
    """The sentence for an NMDeviceStateReason; 0 means that there is none."""
    return _REASONS.get(number, f"reason {number}") if number else "no reason given"
