"""What planning remembers of earlier observations, as one frozen record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest port as it was last seen in its bridge: `port` are its brport attributes."""

    name: str
    index: int
    bridge: str
    port: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Memory:
    """`made` are the virtual links that exist because of bridged, name to ifindex; `guests` the
    guest ports by ifindex, `bridges` the ifindex and activation that their bridges had then."""

    made: Mapping[str, int] = field(default_factory=dict)
    guests: Mapping[int, Guest] = field(default_factory=dict)
