"""What a state declares by name, looked up once for the state that was asked about last: first aid
has no time to go over a thousand bridges for one."""

from collections.abc import Collection, Mapping

from bridged.desired.bridge import Bridge
from bridged.desired.port import Port
from bridged.desired.state import State

_Declared = tuple[str, Bridge, Port]
_Table = Mapping[str, list[tuple[int, _Declared]]]
_LAST: list[tuple[State, _Table]] = []
"""At most one state, with its ports by device, numbered; states are frozen."""


def ports_of(state: State, devices: Collection[str]) -> list[_Declared]:
    """The ports declared under these names as (name of its bridge, the bridge, the port), in the
    order of the state."""
    table = _table(state)
    found = [pair for device in devices if device in table for pair in table[device]]
    if len(found) == 1:  # of a thousand almost every one
        return [found[0][1]]
    numbered = dict(found)
    return [numbered[number] for number in sorted(numbered)]


def _table(state: State) -> _Table:
    for known, table in _LAST:
        if known is state:
            return table
    ports: dict[str, list[tuple[int, _Declared]]] = {}
    for number, declared in enumerate(state.ports()):
        ports.setdefault(declared[2].device, []).append((number, declared))
    _LAST[:] = [(state, ports)]
    return ports
