"""The exceptions of the project.

BridgedError
├── StateError      the state file cannot be used (desired/errors.py adds places and remedies)
├── WorldError      a world outside refused, vanished or did not answer
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
