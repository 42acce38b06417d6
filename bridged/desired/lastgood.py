"""The last good state on disk: what stays in force when the file is broken after a restart."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridged.desired.loader import Loaded
from bridged.desired.state import State
from bridged.errors import WorldError
from bridged.folders import at_once

FILE = "last-good.json"
FORMAT = 1
LIMIT = 16 * 1024 * 1024
"""Bytes; more than any state that was ever accepted can take."""


@dataclass(frozen=True)
class LastGood:
    """A state that was in force: the state, the hash and the files it came from, and when it was
    loaded (Unix seconds)."""

    state: State
    hash: str
    files: tuple[str, ...]
    time: float


def save(directory: Path | str, loaded: Loaded, time: float) -> None:
    """Keep `loaded` as the last good state of `directory`.

    The file is replaced in one step and synced before, so that a crash leaves the old one or the
    new one.  Raises WorldError.
    """
    folder = Path(directory)
    record = {
        "format": FORMAT,
        "time": time,
        "hash": loaded.hash,
        "files": list(loaded.files),
        "state": loaded.data,
    }
    body = json.dumps({**record, "checksum": checksum(record)}, indent=1) + "\n"
    try:
        _replace(folder, body.encode())
    except OSError as error:
        raise WorldError(
            "permission" if isinstance(error, PermissionError) else "failed",
            f"the last good state cannot be kept in {folder}: {error.strerror or error}",
        ) from error


def load(directory: Path | str) -> LastGood | None:
    """The last good state of `directory`.

    None where there is none, or where it is damaged, unreadable, writable by others, or not made of
    the keys and values that this version knows.  Rules between them are not asked: whoever kept the
    state had asked them, and one that came later must not leave a node with nothing in force.
    """
    try:
        record = json.loads(_read(Path(directory) / FILE))
        kept = record.pop("checksum")
        if record["format"] != FORMAT or kept != checksum(record):
            return None
        # From JSON, so that lists can become tuples: Python values are taken strictly.
        state = State.model_validate_json(json.dumps(record["state"]))
        return LastGood(
            state, str(record["hash"]), tuple(map(str, record["files"])), float(record["time"])
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def checksum(record: Mapping[str, Any]) -> str:
    """SHA-256 of a record without its checksum, in hexadecimal."""
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _read(file: Path) -> bytes:
    with open(file, "rb", opener=at_once) as stream:
        status = os.fstat(stream.fileno())
        if status.st_mode & 0o022 or status.st_uid not in {0, os.geteuid()}:
            raise PermissionError(f"{file} can be written by others")
        return stream.read(LIMIT)


def _replace(folder: Path, body: bytes) -> None:
    # Always the same name, so that kills leave no heap of temporary files.
    temporary = folder / f".{FILE}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(temporary, flags, 0o600), "wb") as stream:
        stream.write(body)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, folder / FILE)
    # The new name is on disk only once its directory is.
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
