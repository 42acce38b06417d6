"""From what a card is to what it is called on this node: (State, Host) -> State.  Pure.

Everything behind this goes by names: profiles, their UUIDs, the kernel, what people read.  So a
`match` becomes a name once, right after an observation, and the rest of the pipeline does not know
of it.  A card that the same `match` finds under another name later is another port: the former one
is no longer declared, and goes as such.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bridged.desired.match import Card, Match, matching
from bridged.desired.names import IFNAME_LIMIT, ifname_problem
from bridged.desired.port import Nic, Port, Vlan
from bridged.desired.state import State
from bridged.observe.cards import cards
from bridged.observe.host import Host

_SHOWN = 6
"""Cards that are listed where none or several fit."""


def matched(state: State) -> bool:
    """Whether anything in `state` is told by a `match`."""
    return any(port.match for _, _, port in state.ports())


def resolve(state: State, host: Host) -> State:
    """`state` with the names that its matches have on `host`.

    A port that stays without (none fits, several do, or the one that fits is declared already) is
    `known` False, and called by its label; `unresolved` says why.
    """
    if not matched(state):
        return state
    known = cards(host.links)
    taken = {port.device for _, _, port in state.ports() if port.match is None}
    bridges = {}
    for name, bridge in (state.bridges or {}).items():
        ports: list[Port] = []
        for port in bridge.ports:
            found = _named(port, known, taken)
            taken.add(found.device)
            ports.append(found)
        bridges[name] = bridge.model_copy(update={"ports": tuple(ports)})
    return state.model_copy(update={"bridges": bridges})


def _named(port: Port, known: Iterable[Card], taken: set[str]) -> Port:
    """The port under its name, under its label where it cannot have one."""
    if port.match is None:
        return port
    fits = matching(port.match, known)
    named = _called(port, fits[0].name) if len(fits) == 1 else _called(port, None)
    if named.device in taken or ifname_problem(named.device):
        return _called(port, None)
    return named


def _called(port: Port, name: str | None) -> Port:
    return port.model_copy(update={"card" if isinstance(port, Nic) else "carrier": name})


def unresolved(state: State) -> Iterator[tuple[str, Port]]:
    """The ports of a resolved state that have no name, each with its bridge."""
    return ((name, port) for name, _, port in state.ports() if not port.known)


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Why a `match` gave no name, and what to do."""

    reason: str
    remedy: str


def why_unresolved(state: State, host: Host, port: Port) -> Unresolved:
    """Why `port` of the resolved `state` has no name on `host`."""
    assert port.match is not None
    known = cards(host.links)
    fits = matching(port.match, known)
    if not fits:
        return Unresolved(
            f"port missing: no card has {port.match.words}; there are {_list(known)}",
            "connect the card, or correct `match` in the state file",
        )
    if len(fits) > 1:
        return Unresolved(
            f"several cards have {port.match.words}: {_list(fits)}",
            f"write {_another(port.match)} into `match` too, or the card's name instead of it",
        )
    name = fits[0].name
    device = _called(port, name).device
    problem = ifname_problem(device)
    if problem and isinstance(port, Vlan):
        return Unresolved(
            f"{port.match.words} is {name}, and {problem}",
            f"give the VLAN a name of at most {IFNAME_LIMIT} characters, such as "
            f"`name: vlan{port.vlan}`",
        )
    where = next((b for b, _, p in state.ports() if p.known and p.device == device), "")
    return Unresolved(
        f"{port.match.words} is {name}, and {device} is declared as a port of {where} already",
        "take one of the two out of the state file",
    )


def _another(match: Match) -> str:
    return "path" if match.mac else "mac"


def _list(known: Iterable[Card]) -> str:
    cards = [card.words for card in known]
    more = f" and {len(cards) - _SHOWN} more" if len(cards) > _SHOWN else ""
    return (", ".join(cards[:_SHOWN]) + more) or "none at all"
