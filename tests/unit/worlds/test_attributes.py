"""Netlink attributes taken apart by shape are those that a walk finds, whatever comes next."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridged.observe.attributes import Attributes, Wanted, walk
from tests.unit.worlds.messages import attribute

WANTED = {1: "one", 2: "two", 4: "four", 6: {1: "inner one", 5: {4: "innermost"}}}
NUMBERS = {"one", "two", "inner one"}


def block(*attributes: tuple[int, bytes]) -> bytes:
    return b"".join(attribute(kind, data) for kind, data in attributes)


BLOCKS = st.lists(
    st.tuples(st.sampled_from([1, 2, 3, 4, 5, 0x8006]), st.binary(max_size=9)), max_size=6
)
NESTED = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([1, 2, 3, 4, 5]), st.binary(max_size=9)),
        st.tuples(st.just(0x8006), BLOCKS.map(lambda attributes: block(*attributes))),
        st.tuples(
            st.just(6),
            BLOCKS.map(lambda attributes: block((1, b"\1"), (5, block(*attributes)), (3, b""))),
        ),
    ),
    max_size=6,
)


def walked(data: bytes, offset: int = 0, wanted: Wanted = WANTED) -> dict[str, int | bytes]:
    found: dict[str, int | bytes] = {}
    for number, value in walk(data, offset):
        key = wanted.get(number)
        if isinstance(key, str):
            found[key] = int.from_bytes(value, sys.byteorder) if key in NUMBERS else value
        elif key is not None:
            found |= walked(value, 0, key)
    return found


@given(st.lists(NESTED, max_size=8), st.integers(0, 12))
def test_any_sequence_of_blocks_reads_as_walked(
    blocks: list[list[tuple[int, bytes]]], cut: int
) -> None:
    reader = Attributes(WANTED, NUMBERS, offset=8)
    for attributes in blocks * 2:
        data = bytes(8) + block(*attributes)
        for part in (data, data[: max(len(data) - cut, 8)], data):
            assert reader.read(part) == walked(part, 8)


@given(NESTED, NESTED, st.data())
def test_what_counts_being_the_same_everything_else_is_too(
    one: list[tuple[int, bytes]], other: list[tuple[int, bytes]], draw: st.DataObject
) -> None:
    passing: Wanted = {4: "four", 6: {5: {4: "innermost"}}}
    reader = Attributes(WANTED, NUMBERS, 8, passing, head=4)
    data = bytes(8) + block(*one)
    shape = reader.shape(data)
    changed = bytearray(data)
    changed[draw.draw(st.integers(0, len(data) - 1))] ^= draw.draw(st.integers(1, 255))
    for another in (bytes(changed), bytes(8) + block(*other)):
        if shape.lasting(another) == shape.lasting(data):
            found = walked(another, 8)
            same = found.keys() - {"four", "innermost"}
            assert found.keys() == walked(data, 8).keys()
            assert {key: found[key] for key in same} == {k: walked(data, 8)[k] for k in same}
            assert another[4:8] == data[4:8]
            assert shape.take(another) == found


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ([(1, b"\1\0\0\0"), (4, b"abcd")], [(4, b"abcd"), (1, b"\1\0\0\0")]),
        ([(1, b"\1"), (2, b"\2\0")], [(1, b"\1\0\0\0"), (2, b"\2")]),
        ([(4, b"abc"), (5, b"")], [(4, b"ab"), (5, b"")]),
        ([(6, block((1, b"\1"), (2, b"\2")))], [(6, block((2, b"\1"), (1, b"\2")))]),
        ([(4, block((1, b"\1")))], [(6, block((1, b"\1")))]),
    ],
)
def test_the_same_length_in_another_shape_is_noticed(
    first: list[tuple[int, bytes]], then: list[tuple[int, bytes]]
) -> None:
    reader = Attributes(WANTED, NUMBERS)
    assert len(block(*first)) == len(block(*then))
    for attributes in (first, then, first):
        assert reader.read(block(*attributes)) == walked(block(*attributes))


def test_the_memory_of_shapes_is_bounded() -> None:
    reader = Attributes({9: "nine"})
    for size in range(3000):
        reader.read(block((9, bytes(size))))
    assert len(reader._shapes) <= 1024
