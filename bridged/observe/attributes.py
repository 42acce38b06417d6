"""Netlink attributes, read by the shape of the message before.

The kernel writes the attributes of a thousand bridges in the same order and sizes.  Walking them
one by one in Python costs 0.5 µs each, a hundred and more to a bridge.  But where a walk goes
depends on nothing but the length of the message and the headers that it passes: a message that has
the same headers in the same places is taken apart in one go, at the places of the one before.
"""

import struct
import sys
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

_ATTRIBUTE = struct.Struct("=HH")
_TYPE_MASK = 0x3FFF
"""Without NLA_F_NESTED and NLA_F_NET_BYTEORDER."""
_WHOLE = {1: "B", 2: "H", 4: "I", 8: "Q"}
_SHAPES_OF_A_LENGTH, _LENGTHS = 8, 1024

Wanted = Mapping[int, "str | Wanted"]
"""Number of an attribute -> what to call it, or what is wanted of the attributes inside it."""


class _Place(NamedTuple):
    """Where a walk found an attribute: its header, and its value from `start` to `stop`.  `key` is
    what it is called, empty for one that is not wanted."""

    header: int
    start: int
    stop: int
    key: str


class Attributes:
    """Takes messages apart whose attributes begin at `offset`: those `wanted` by what they are
    called, an int for those called so in `numbers` and bytes for all others.  Of an attribute that
    is there twice the last one counts; one that is cut off ends them.  The values of `passing` and
    the first `head` bytes do not count where a message is told from the one before."""

    def __init__(
        self,
        wanted: Wanted,
        numbers: Collection[str] = (),
        offset: int = 0,
        passing: Wanted = MappingProxyType({}),
        head: int = 0,
    ) -> None:
        self._wanted = wanted
        self._numbers = frozenset(numbers)
        self._offset = offset
        self._passing = passing
        self._head = head
        self._shapes: dict[int, list[Shape]] = {}

    def read(self, data: bytes) -> dict[str, Any]:
        """What is wanted of those in `data`."""
        return self.shape(data).take(data)

    def shape(self, data: bytes) -> "Shape":
        """Where everything is in `data`, and in messages like it."""
        number = int.from_bytes(data, sys.byteorder)
        for shape in self._shapes.get(len(data), ()):
            if shape.fits(number):
                return shape
        return self._learn(data)

    def _learn(self, data: bytes) -> "Shape":
        if len(self._shapes) >= _LENGTHS:
            self._shapes.clear()
        shapes = self._shapes.setdefault(len(data), [])
        places = list(_places(self._wanted, data, self._offset, len(data)))
        passing = [p for p in _places(self._passing, data, self._offset, len(data)) if p.key]
        shapes.insert(0, Shape(places, self._numbers, data, passing, self._head))
        del shapes[_SHAPES_OF_A_LENGTH:]
        return shapes[0]


class Shape:
    """The headers of a message, where its values are, and which of its bytes count."""

    def __init__(
        self,
        places: list[_Place],
        numbers: frozenset[str],
        data: bytes,
        passing: list[_Place],
        head: int,
    ) -> None:
        mask = bytearray(len(data))
        for place in places:
            mask[place.header : place.header + _ATTRIBUTE.size] = b"\xff" * _ATTRIBUTE.size
        self._mask = int.from_bytes(mask, sys.byteorder)
        self._headers = int.from_bytes(data, sys.byteorder) & self._mask
        code, end = ["="], 0
        wanted = [place for place in places if place.key]
        for place in wanted:
            size = place.stop - place.start
            value = _WHOLE.get(size) if place.key in numbers else None
            code.append(f"{place.start - end}x{value or f'{size}s'}")
            end = place.stop
        self._values = struct.Struct("".join(code))
        self._keys = tuple(place.key for place in wanted)
        self._odd = tuple(
            p.key for p in wanted if p.key in numbers and p.stop - p.start not in _WHOLE
        )
        self._length = len(data)
        lasting = bytearray(b"\xff" * len(data))
        for start, stop in [(0, head), *((place.start, place.stop) for place in passing)]:
            lasting[start:stop] = bytes(stop - start)
        self._lasting = int.from_bytes(lasting, sys.byteorder)
        self._passing = {place.key: (place.start, place.stop) for place in passing}

    def fits(self, number: int) -> bool:
        """Whether a message of the same length, as one number, is of this shape."""
        return number & self._mask == self._headers

    def lasting(self, data: bytes) -> int | None:
        """What counts of a message, None where its length is another: a message of which it is the
        same is of the same shape, and tells the same but for what is passing."""
        if len(data) != self._length:
            return None
        return int.from_bytes(data, sys.byteorder) & self._lasting

    def passing(self, data: bytes, key: str) -> bytes:
        """The value of a passing attribute in a message of this shape, empty where it has none."""
        start, stop = self._passing.get(key, (0, 0))
        return data[start:stop]

    def take(self, data: bytes) -> dict[str, Any]:
        """What is wanted of a message of this shape."""
        found = dict(zip(self._keys, self._values.unpack_from(data), strict=True))
        for key in self._odd:
            if isinstance(found[key], bytes):
                found[key] = int.from_bytes(found[key], sys.byteorder)
        return found


def _places(wanted: Wanted, data: bytes, offset: int, end: int) -> Iterator[_Place]:
    """Every header up to `end`, in order, and where what is wanted is."""
    while offset + _ATTRIBUTE.size <= end:
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        start, stop = offset + _ATTRIBUTE.size, min(offset + length, end)
        inside = wanted.get(kind & _TYPE_MASK, "")
        key = inside if isinstance(inside, str) and length >= _ATTRIBUTE.size else ""
        yield _Place(offset, start, stop, key)
        if length < _ATTRIBUTE.size:
            return
        if not isinstance(inside, str):
            yield from _places(inside, data, start, stop)
        offset += (length + 3) & ~3


def walk(data: bytes, offset: int = 0) -> list[tuple[int, bytes]]:
    """Number and value of every attribute, in order."""
    found = []
    end = len(data)
    while offset + _ATTRIBUTE.size <= end:
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size:
            break
        found.append((kind & _TYPE_MASK, data[offset + _ATTRIBUTE.size : offset + length]))
        offset += (length + 3) & ~3
    return found
