"""A link is taken from the dump before only where every byte that counts is the same."""

import struct

import pytest

from bridged.observe.former import FormerLinks
from bridged.observe.host import Link
from bridged.observe.linkmessage import LinkMessage
from tests.unit.worlds.messages import attribute

HEADER = 16
COUNTERS = struct.pack("=24Q", *range(100, 124))
TIMER = b"\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8"
PORT_TIMER = b"\xc1\xc2\xc3\xc4\xc5\xc6\xc7\xc8"


def message(index: int = 7, counters: bytes = COUNTERS, timer: bytes = TIMER) -> bytes:
    """A bridge that is a port of another (IFLA_BR_AGEING_TIME 4, IFLA_BR_GC_TIMER 19; IFLA_BRPORT_
    COST 3, IFLA_BRPORT_HOLD_TIMER 23)."""
    data = attribute(4, struct.pack("=I", 30000)) + attribute(19, timer)
    port = attribute(3, struct.pack("=I", 100)) + attribute(23, PORT_TIMER)
    info = attribute(1, b"bridge\0") + attribute(2, data)
    info += attribute(4, b"bridge\0") + attribute(5, port)
    body = attribute(3, b"br0\0") + attribute(4, struct.pack("=I", 1500))
    body += attribute(7, counters[:96]) + attribute(23, counters) + attribute(18, info)
    body += attribute(99, b"nobody knows what")
    return bytes(HEADER) + struct.pack("=BxHiII", 0, 1, index, 0, 0) + body


def link_of(data: bytes, address_pinned: bool = True) -> Link:
    told = LinkMessage(data)
    return Link(
        told.index, told.name, told.kind, address_pinned=address_pinned,
        info=told.info, port=told.port, stats=told.stats,
    )  # fmt: skip


@pytest.fixture
def former() -> FormerLinks:
    links = FormerLinks()
    links.keep([(message(), link_of(message()))])
    return links


def passing() -> set[int]:
    """Where counters and timers are in the message."""
    data, found = message(), set()
    for values in (COUNTERS, COUNTERS[:96], TIMER, PORT_TIMER):
        start = data.rindex(values) if values == COUNTERS else data.index(values)
        found |= set(range(start, start + len(values)))
    return found


def test_every_byte_counts_but_those_of_counters_and_timers(former: FormerLinks) -> None:
    data, moving = message(), passing()
    assert len(moving) == 192 + 96 + 8 + 8
    for place in range(HEADER, len(data)):
        other = bytearray(data)
        other[place] ^= 0x01
        same = former.same(bytes(other))
        assert (same is not None) == (place in moving), f"byte {place}"
        if same is not None:
            assert same.stats == LinkMessage(bytes(other)).stats


def test_sequence_number_and_sender_do_not_count(former: FormerLinks) -> None:
    data = message()
    assert former.same(b"\xff" * HEADER + data[HEADER:]) == link_of(data)


def test_a_still_link_is_the_very_same(former: FormerLinks) -> None:
    first = former.same(message())
    assert first is not None
    assert former.same(message(timer=bytes(8))) is first
    more = struct.pack("=24Q", *range(24))
    now = former.same(message(counters=more))
    assert now is not None
    assert now.stats == LinkMessage(message(counters=more)).stats != first.stats


def test_longer_and_unknown_messages_are_read_anew(former: FormerLinks) -> None:
    assert former.same(message() + attribute(98, b"new")) is None
    assert former.same(message(index=8)) is None
    assert FormerLinks().same(message()) is None


def test_what_was_not_in_the_last_dump_is_forgotten(former: FormerLinks) -> None:
    former.keep([(message(index=8), link_of(message(index=8)))])
    assert former.same(message()) is None
    assert former.same(message(index=8)) is not None


def test_what_was_learned_beside_the_message_is_kept(former: FormerLinks) -> None:
    former.keep([(message(), link_of(message(), address_pinned=False))])
    found = former.same(message())
    assert found is not None
    assert not found.address_pinned
