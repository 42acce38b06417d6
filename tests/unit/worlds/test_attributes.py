"""Netlink attributes taken apart by shape are those that a walk finds, whatever comes next."""

import struct
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridged.observe.attributes import Attributes, walk

NUMBERS = {1, 2, 3}
BLOCKS = st.lists(
    st.tuples(st.sampled_from([1, 2, 3, 4, 5, 0x8006]), st.binary(max_size=9)), max_size=6
)


def block(*attributes: tuple[int, bytes]) -> bytes:
    return b"".join(
        struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)
        for kind, data in attributes
    )


def walked(data: bytes, offset: int = 0) -> dict[int, int | bytes]:
    return {
        number: int.from_bytes(value, sys.byteorder) if number in NUMBERS else value
        for number, value in walk(data, offset)
    }


@given(st.lists(BLOCKS, max_size=8), st.integers(0, 12))
def test_any_sequence_of_blocks_reads_as_walked(
    blocks: list[list[tuple[int, bytes]]], cut: int
) -> None:
    reader = Attributes(NUMBERS)
    for attributes in blocks * 2:
        data = bytes(8) + block(*attributes)
        for part in (data, data[: max(len(data) - cut, 8)], data):
            assert reader.read(part, 8) == walked(part, 8)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ([(1, b"\1\0\0\0"), (4, b"abcd")], [(4, b"abcd"), (1, b"\1\0\0\0")]),
        ([(1, b"\1"), (2, b"\2\0")], [(1, b"\1\0\0\0"), (2, b"\2")]),
        ([(4, b"abc"), (5, b"")], [(4, b"ab"), (5, b"")]),
    ],
)
def test_the_same_length_in_another_shape_is_noticed(
    first: list[tuple[int, bytes]], then: list[tuple[int, bytes]]
) -> None:
    reader = Attributes(NUMBERS)
    assert len(block(*first)) == len(block(*then))
    for attributes in (first, then, first):
        assert reader.read(block(*attributes)) == walked(block(*attributes))


def test_the_memory_of_shapes_is_bounded() -> None:
    reader = Attributes()
    for size in range(3000):
        reader.read(block((9, bytes(size))))
    assert len(reader._shapes) <= 1024
