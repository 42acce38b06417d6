"""The virtual machine's part of the benchmark: the whole reference node, then many VLANs on a card.

The kernel of the namespace laboratory is the host's, which may know no VLANs.  Where the machine is
emulated everything in it takes many times what it takes on hardware, for all ways alike.
"""

from collections.abc import Callable, Sequence
from typing import Any

from tests.bench.others import Inside

Save = Callable[[dict[str, Any]], None]
"""Given what was found so far."""
SIZES = (10, 50)
_ROUNDS = 3
"""The most of each way: emulated, the ways and the way back to the beginning take half a minute."""
_MANY_ROUNDS = 2
_LARGE = 50
"""VLANs from which on one round has to do."""
_BY_HAND = 10
"""The most VLANs that nmcli makes: six commands each, a process of its own every one."""


def sizes(words: str) -> tuple[int, ...]:
    """Of the command line, ``10,50``.  ValueError where one is none that a card can carry."""
    found = tuple(sorted({int(word) for word in words.split(",")}))
    if not 1 <= found[0] <= found[-1] <= 2000:
        raise ValueError(words)
    return found


def measure(
    inside: Inside,
    rounds: int,
    many: Sequence[int] = SIZES,
    save: Save = lambda found: None,
) -> dict[str, Any]:
    """What `tests.bench.cold` and `cold_parts` find, and `vlans`: size -> way -> samples.  `save`
    gets what there is after each part."""
    words = ("--rounds", str(min(rounds, _ROUNDS)), "--still", "30", "--peers")
    found = inside("tests.bench.cold", "reference node", *words)
    found |= inside("tests.bench.cold_parts", "reference node", "--rounds", "3")
    save(found)
    found["vlans"] = {}
    for size in many:
        several = 1 if size >= _LARGE else min(rounds, _MANY_ROUNDS)
        of_size = (str(size), "--vlans", "--rounds", str(several))
        without = ("--without", "nmcli") if size > _BY_HAND else ()
        found["vlans"][str(size)] = inside("tests.bench.many", *of_size, *without)
        save(found)
    return found
