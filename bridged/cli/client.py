"""Asking the running agent over its control socket."""

import json
import os
import socket
import struct
from collections.abc import Callable
from typing import Any

JOURNAL = "look with: journalctl -u bridged -e"

_REPORT = {
    *("agent", "confirm_by", "findings", "hostname", "last_success", "links", "network_manager"),
    *("network_manager_available", "objects", "repairs", "sentence", "started", "state", "time"),
    "version",
}
_ANSWERS: dict[str, set[str]] = {
    "status": _REPORT,
    "apply": _REPORT,
    "plan": {"actions", "withheld"},
    "explain": {
        *("agent", "as_desired", "attempts", "boot", "bridge", "condition", "declared", "facts"),
        *("findings", "kind", "name", "next_attempt", "next_step", "others", "profiles"),
        *("properties", "reason", "repairs", "since", "state_valid"),
    },
    "history": {"entries"},
    "pause": {"pauses"},
    "resume": {"ended"},
}
"""What each answer must hold to be of any use; one of another version may not."""


class Failure(Exception):
    """What `bridgedctl` ends with: what went wrong, and the next step."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy


class NoAgent(Exception):
    """Nobody serves the socket."""


def ask(
    path: str,
    method: str,
    params: dict[str, Any] | None = None,
    *,
    timeout: float = 5.0,
    progress: Callable[[str], None] = lambda text: None,
) -> Any:
    """The result of one request; `timeout` in seconds holds between two lines of the answer.

    Raises `NoAgent` where nobody listens and `Failure` where the agent refuses, fails or is silent.
    """
    request = json.dumps({"method": method, "params": params or {}}).encode() + b"\n"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        _connect(connection, path)
        try:
            connection.sendall(request)
        except BrokenPipeError:
            pass  # turned away: the reason is there to be read
        except OSError as error:
            raise _ended(error, timeout) from error
        with connection.makefile("rb") as lines:
            while True:
                message = _line(lines, timeout)
                if "progress" not in message:
                    break
                progress(str(message["progress"]))
    if "result" in message:
        result = message["result"]
        if isinstance(result, dict) and _ANSWERS.get(method, frozenset()) <= result.keys():
            return result
    told = message.get("error")
    if not isinstance(told, dict) or not told.get("message"):
        raise Failure(
            "bridged gave an answer that is none, or it is of another version than bridgedctl",
            "systemctl restart bridged",
        )
    raise Failure(str(told["message"]), str(told.get("remedy", "")))


def _connect(connection: socket.socket, path: str) -> None:
    try:
        connection.connect(path)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        raise NoAgent(path) from None
    except PermissionError:
        raise Failure(
            f"you may not talk to bridged at {path}",
            "use sudo, or join the group bridged and log in again",
        ) from None
    except (BlockingIOError, TimeoutError):
        raise Failure(
            f"bridged does not take connections at {path}: it hangs or is overrun",
            f"{JOURNAL}; then: systemctl restart bridged",
        ) from None
    except OSError as error:
        raise Failure(f"cannot connect to {path}: {error.strerror or error}") from None
    # Of a client the peer is the process that called listen().
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    owner = struct.unpack("3i", raw)[1]
    if owner not in {0, os.geteuid()}:
        raise Failure(
            f"what answers at {path} runs as user {owner}, not as root: it may tell anything",
            f"look who may write there (ls -ld {os.path.dirname(path)} {path}); then: "
            "systemctl restart bridged",
        )


def _line(lines: Any, timeout: float) -> dict[str, Any]:
    try:
        line = lines.readline()
    except OSError as error:
        raise _ended(error, timeout) from error
    if not line:
        raise Failure("bridged ended before it answered", JOURNAL)
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise Failure("what answers at the socket is no bridged")
    return message


def _ended(error: OSError, timeout: float) -> Failure:
    if isinstance(error, TimeoutError):
        return Failure(
            f"bridged runs but has not answered within {timeout:g} s",
            f"{JOURNAL}; then: systemctl restart bridged",
        )
    return Failure(f"the connection to bridged broke: {error.strerror or error}", JOURNAL)
