"""The exceptions of the project.

BridgedError
├── StateError      the state file cannot be used (desired/errors.py adds places and remedies)
├── WorldError      a world outside refused, vanished or did not answer
│   └── OwnFault    an exception that nobody expected, in place of a world's answer
├── PausedError     a pause forbids what was asked for (agent/pause.py)
└── UnknownBridge   a bridge was named that is none of ours (agent/pause.py)
"""

from typing import Literal

ErrorKind = Literal[
    "not-found", "refused", "permission", "timeout", "unavailable", "vanished", "failed"
]
"""not-found: what was asked for does not exist (a module that is not installed).  refused: the
other side said no (signature policy, unmanaged device).  permission: our own sandbox or privileges.
timeout: no answer in time.  unavailable: the whole world is away (NetworkManager stopped).
vanished: the object went away meanwhile.  failed: anything else."""


_TOLD = 200
"""Characters of an exception that are told; the journal has all."""
DAMAGED = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""What reading a document of ours can end with where it is none, or one of other types."""


class BridgedError(Exception):
    """Base of all errors that bridged raises on purpose."""


class WorldError(BridgedError):
    """A world outside refused, vanished or did not answer; `kind` is the word to sort by."""

    def __init__(self, kind: ErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind: ErrorKind = kind
        self.message = message


class OwnFault(WorldError):
    """An exception that nobody expected, `__cause__`: it fails what it came up in, not the rest."""

    def __init__(self, cause: Exception) -> None:
        super().__init__("failed", f"bridged has a fault of its own: {repr(cause)[:_TOLD]}")
        self.__cause__ = cause
