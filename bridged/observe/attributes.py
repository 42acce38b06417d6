"""Netlink attributes, read by the shape of the message before.

The kernel writes the attributes of a thousand bridges in the same order and sizes.  Walking them
one by one in Python costs 0.5 µs each, a hundred and more to a bridge; taken apart in one go by a
shape that is known, and then checked to be of that shape, a message costs a tenth of that.
"""

import struct
import sys
from collections.abc import Collection
from typing import Any

_ATTRIBUTE = struct.Struct("=HH")
_TYPE_MASK = 0x3FFF
"""Without NLA_F_NESTED and NLA_F_NET_BYTEORDER."""
_WHOLE = {1: "B", 2: "H", 4: "I", 8: "Q"}
_SHAPES_OF_A_LENGTH, _LENGTHS = 8, 1024


class Attributes:
    """Takes blocks of attributes apart: number -> value, which is an int for those of `numbers`
    and bytes for all others.  Of an attribute that is there twice the last one counts."""

    def __init__(self, numbers: Collection[int] = ()) -> None:
        self._numbers = frozenset(numbers)
        self._shapes: dict[int, list[_Shape]] = {}

    def read(self, data: bytes, offset: int = 0) -> dict[int, Any]:
        """The attributes of `data` from `offset` on; one that is cut off ends them."""
        size = len(data) - offset
        shapes = self._shapes.get(size)
        if shapes is not None:
            for shape in shapes:
                found = shape.read(data, offset)
                if found is not None:
                    return found
        attributes = walk(data, offset)
        self._learn(attributes, data, offset)
        return {
            number: int.from_bytes(value, sys.byteorder) if number in self._numbers else value
            for number, value in attributes
        }

    def _learn(self, attributes: list[tuple[int, bytes]], data: bytes, offset: int) -> None:
        shape = _Shape([(n, len(v), n in self._numbers) for n, v in attributes], data, offset)
        if not shape.fits:
            return
        if len(self._shapes) >= _LENGTHS:
            self._shapes.clear()
        shapes = self._shapes.setdefault(len(data) - offset, [])
        shapes.insert(0, shape)
        del shapes[_SHAPES_OF_A_LENGTH:]


class _Shape:
    """Which attributes in which order and sizes.  `fits` tells whether it covers its own model."""

    def __init__(self, attributes: list[tuple[int, int, bool]], data: bytes, offset: int) -> None:
        code = ["="]
        for _, size, is_number in attributes:
            value = _WHOLE.get(size) if is_number else None
            code.append(f"HH{value or f'{size}s'}{-size % 4}x")
        self._struct = struct.Struct("".join(code))
        self._numbers = tuple(number for number, _, _ in attributes)
        self._odd = tuple(
            number for number, size, is_number in attributes if is_number and size not in _WHOLE
        )
        self._lengths = tuple(size + _ATTRIBUTE.size for _, size, _ in attributes)
        once = len(set(self._numbers)) == len(attributes) > 0
        self.fits = once and self._struct.size == len(data) - offset
        self._kinds = self._struct.unpack_from(data, offset)[1::3] if self.fits else ()

    def read(self, data: bytes, offset: int) -> dict[int, Any] | None:
        """The attributes, None where they are not of this shape."""
        values = self._struct.unpack_from(data, offset)
        if values[::3] != self._lengths or values[1::3] != self._kinds:
            return None
        found = dict(zip(self._numbers, values[2::3], strict=True))
        for number in self._odd:
            found[number] = int.from_bytes(found[number], sys.byteorder)
        return found


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
