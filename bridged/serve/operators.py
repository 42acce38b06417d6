"""What operators ask for by name over the control socket: pauses and the history, checked."""

import pwd
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bridged.history import Wanted
from bridged.serve.defaults import LONGEST_PAUSE
from bridged.serve.peers import Peer
from bridged.serve.protocols import Agent, PauseOptions

_LONGEST_REASON = 300
_LARGEST = 1e15
"""Larger numbers mean nothing here, and are no floats some day."""


class BadParameter(ValueError):
    """A parameter that is not what it should be; the text says what it should be."""


def pause(agent: Agent, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
    """The answer to ``pause``: all pauses in force then."""
    known(params, {"seconds", "reason", "bridges"})
    seconds = _number(params, "seconds")
    if not 1 <= seconds <= LONGEST_PAUSE:
        raise BadParameter(f"seconds is a number from 1 to {LONGEST_PAUSE:g}")
    reason = " ".join(_text(params, "reason").split())
    if not reason or len(reason) > _LONGEST_REASON or not reason.isprintable():
        raise BadParameter(f"reason is a line of 1 to {_LONGEST_REASON} characters")
    options = PauseOptions(seconds, reason, who(peer), _names(params, "bridges"))
    return {"pauses": [asdict(item) for item in agent.pause(options)]}


def resume(agent: Agent, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
    """The answer to ``resume``: the pauses that were ended."""
    known(params, {"bridges"})
    ended = agent.resume(_names(params, "bridges"), who(peer))
    return {"ended": [asdict(item) for item in ended]}


def history(agent: Agent, params: dict[str, Any]) -> dict[str, Any]:
    """The answer to ``history``: entries, oldest first."""
    known(params, {"object", "since", "limit"})
    limit = _number(params, "limit", 0)
    if limit < 0 or limit != int(limit):
        raise BadParameter("limit is a whole number, 0 for all")
    wanted = Wanted(_text(params, "object"), _number(params, "since", 0), int(limit))
    return {"entries": [asdict(item) for item in agent.history(wanted)]}


def who(peer: Peer) -> str:
    """Who asked: the user, and by whose login where that was another (sudo)."""
    name = _user(peer.uid)
    try:
        login = int(Path(f"/proc/{peer.pid}/loginuid").read_text())
    except (OSError, ValueError):
        return name
    return name if login in {peer.uid, 0xFFFFFFFF} else f"{_user(login)} (as {name})"


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user id {uid}"


def known(params: dict[str, Any], names: set[str]) -> None:
    """Raise unless all parameters are among these."""
    for name in params.keys() - names:
        raise BadParameter(f"no parameter {name[:40]!r} here")


def _number(params: dict[str, Any], name: str, default: float | None = None) -> float:
    value: Any = params.get(name, default)
    # bool is an int
    if type(value) not in {int, float} or not -_LARGEST <= value <= _LARGEST:
        raise BadParameter(f"{name} is a number")
    return float(value)


def _text(params: dict[str, Any], name: str) -> str:
    value = params.get(name, "")
    if not isinstance(value, str):
        raise BadParameter(f"{name} is text")
    return value


def _names(params: dict[str, Any], name: str) -> tuple[str, ...]:
    value = params.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise BadParameter(f"{name} is a list of bridge names")
    return tuple(dict.fromkeys(value))
