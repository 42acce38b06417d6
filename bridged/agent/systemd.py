"""Telling systemd how we are: sd_notify(3), without a library for ten lines."""

import os
import socket
from collections.abc import Mapping


class Notifier:
    """Sends READY, STATUS, WATCHDOG and the like; does nothing outside a systemd service.

    `watchdog` is the interval in seconds in which systemd wants to hear of us, None for never.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ, pid: int | None = None) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        meant_for = environ.get("WATCHDOG_PID", "")
        usec = environ.get("WATCHDOG_USEC", "")
        mine = not meant_for or meant_for == str(pid or os.getpid())
        self.watchdog = int(usec) / 1e6 if usec.isdigit() and int(usec) and mine else None

    def send(self, **fields: str | int) -> None:
        """Send fields such as ``READY=1``; an unreachable systemd is no reason to stop."""
        if not self._address:
            return
        address = self._address
        if address.startswith("@"):  # an abstract socket
            address = "\0" + address[1:]
        text = "\n".join(f"{name}={value}" for name, value in fields.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.settimeout(5 if "READY" in fields else 0)  # a full queue must not hold us up
                sock.sendto(text.encode(), address)
        except OSError:
            return
