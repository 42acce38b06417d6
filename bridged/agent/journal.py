"""The journal's own protocol: one datagram per entry, every key of an event a field.

As in systemd's "Native Journal Protocol": ``FIELD=value`` lines, or for a value with line ends the
name, a line end, the length and the value.  What does not fit into a datagram goes in a sealed
memory file.
"""

import errno
import fcntl
import os
import socket
import struct
from collections.abc import Mapping, MutableMapping
from time import monotonic
from typing import Any

SOCKET = "/run/systemd/journal/socket"
PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3, "exception": 3, "critical": 2}
"""syslog priorities (sd-daemon(3))."""
_OURS = {"MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "EVENT"}
_LONGEST_NAME = 64
_PATIENCE, _AVOIDED = 0.2, 5.0
"""Seconds: how long an entry may take, and how long a journald that hangs is let alone."""
_F_ADD_SEALS, _SEALS = 1033, 0xF
"""F_ADD_SEALS, and no more shrinking, growing, writing or sealing."""


def is_ours(environ: Mapping[str, str], descriptor: int = 2) -> bool:
    """Whether what is written to `descriptor` goes to the journal.

    JOURNAL_STREAM (systemd.exec(5)) alone does not tell: it is inherited even where the output was
    sent elsewhere.
    """
    device, _, inode = environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        status = os.fstat(descriptor)
        return (int(device), int(inode)) == (status.st_dev, status.st_ino)
    except (OSError, ValueError):
        return False


def fields(event: Mapping[str, Any], message: str, level: str) -> dict[str, str]:
    """The fields of an event; `message` is what people read of it."""
    found = {
        "MESSAGE": message,
        "PRIORITY": str(PRIORITY.get(level, 6)),
        "SYSLOG_IDENTIFIER": "bridged",
        "EVENT": str(event.get("event", "")),
    }
    for key, value in event.items():
        name = _name(key)
        if key != "event" and name and value != "":
            found[f"BRIDGED_{name}" if name in _OURS else name] = str(value)
    return found


def _name(key: str) -> str:
    """The field for a key: capitals, digits and underscores, beginning with a letter."""
    name = "".join(char if char.isascii() and char.isalnum() else "_" for char in key.upper())
    return name.lstrip("_0123456789")[:_LONGEST_NAME]


def encode(entry: Mapping[str, str]) -> bytes:
    """One entry of the protocol."""
    parts = []
    for name, value in entry.items():
        data = value.encode(errors="backslashreplace")
        if b"\n" in data:
            parts.append(name.encode() + b"\n" + struct.pack("<Q", len(data)) + data + b"\n")
        else:
            parts.append(name.encode() + b"=" + data + b"\n")
    return b"".join(parts)


class Journal:
    """Sends entries.  OSError where journald is not there, TimeoutError (one too) where it hangs:
    logging holds up no repair for longer than a moment."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(_PATIENCE)
        self._avoided = 0.0

    def send(self, entry: Mapping[str, str]) -> None:
        """Send one entry."""
        if monotonic() < self._avoided:
            raise TimeoutError
        data = encode(entry)
        try:
            self._socket.sendto(data, self._path)
        except TimeoutError:
            self._avoided = monotonic() + _AVOIDED
            raise
        except OSError as error:
            if not _too_long(error):
                raise
            self._send_file(data)

    def _send_file(self, data: bytes) -> None:
        file = os.memfd_create("bridged-journal", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            with open(file, "wb", closefd=False) as stream:
                stream.write(data)
            fcntl.fcntl(file, _F_ADD_SEALS, _SEALS)
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", file))
            self._socket.sendmsg([b""], [rights], 0, self._path)
        finally:
            os.close(file)


def _too_long(error: OSError) -> bool:
    return error.errno in {errno.EMSGSIZE, errno.ENOBUFS}


class JournalRenderer:
    """The last processor of structlog's: sends an event to the journal and gives what is to be
    printed, which is nothing where that went well."""

    def __init__(self, journal: Journal, otherwise: Any) -> None:
        self._journal = journal
        self._otherwise = otherwise

    def __call__(self, logger: Any, name: str, event: MutableMapping[str, Any]) -> str:
        line: str = self._otherwise(logger, name, dict(event))
        # Each line of a traceback bears the prefix for a stream; the first one is the message.
        message = "\n".join(part.removeprefix(_prefix(name)) for part in line.split("\n"))
        kept = {key: value for key, value in event.items() if key not in {"level", "timestamp"}}
        try:
            self._journal.send(fields(kept, message, name))
        except TimeoutError:
            return ""  # whoever reads our output is the same journald
        except OSError:
            return line
        return ""


def _prefix(name: str) -> str:
    return f"<{PRIORITY.get(name, 6)}>"
