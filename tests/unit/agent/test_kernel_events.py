"""The kernel's events: what the loop hears of them, whatever the socket does."""

import errno
import select
import struct
from collections.abc import Collection, Iterator

import pytest

from bridged.agent import kernel_events
from bridged.agent.kernel_events import KernelEvents
from bridged.rtnetlink import RTM_NEWLINK

LINK = struct.pack("=IH10x4xi", 24, RTM_NEWLINK, 7)
"""A message about the link with ifindex 7, cut off behind that."""


class Wire:
    """A socket with that to receive, then nothing; an error is raised.  For ever: without end."""

    def __init__(self, *said: bytes | OSError, for_ever: bool = False) -> None:
        self.said = list(said)
        self.for_ever = for_ever
        self.taken = 0
        self.closed = False

    def fileno(self) -> int:
        return 999

    def recv(self, size: int) -> bytes:
        if self.taken == len(self.said) and not self.for_ever:
            raise BlockingIOError
        self.taken += 1
        said = self.said[0 if self.for_ever else self.taken - 1]
        if isinstance(said, OSError):
            raise said
        return said

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def events() -> Iterator[KernelEvents]:
    made = KernelEvents()
    yield made
    made.close()


def heard(events: KernelEvents, wire: Wire) -> list[tuple[str, set[int]]]:
    """What rings when `wire` is the socket of the links and has something to say."""
    rung: list[tuple[str, set[int]]] = []

    def ring(source: str, touched: Collection[int] = ()) -> None:
        rung.append((source, set(touched)))

    events._links.close()
    events._links = wire  # type: ignore[assignment]
    assert events.descriptors()[999] == select.POLLIN
    events.hear(ring, {999})
    return rung


def test_a_burst_rings_once_with_the_links_that_it_is_about(events: KernelEvents) -> None:
    other = struct.pack("=IH10x4xi", 24, RTM_NEWLINK, 9)
    assert heard(events, Wire(LINK, LINK + other)) == [("netlink", {7, 9})]


def test_too_many_links_are_named_singly_no_more(events: KernelEvents) -> None:
    many = [struct.pack("=IH10x4xi", 24, RTM_NEWLINK, index) for index in range(1, 200)]
    assert heard(events, Wire(*many)) == [("netlink", set())]


def test_a_storm_that_does_not_end_lets_the_loop_look(events: KernelEvents) -> None:
    wire = Wire(LINK, for_ever=True)
    assert heard(events, wire) == [("netlink", {7})]
    assert wire.taken < 5000


def test_lost_events_are_counted_and_ring(events: KernelEvents) -> None:
    wire = Wire(OSError(errno.ENOBUFS, "lost"))
    assert heard(events, wire) == [("netlink", set())]
    assert events.overruns == 1
    assert not wire.closed


def test_a_socket_that_fails_is_opened_anew(
    events: KernelEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel_events.time, "sleep", lambda seconds: None)
    wire = Wire(OSError(errno.EIO, "broken"))
    assert heard(events, wire) == [("netlink", set())]
    assert wire.closed
    assert events._links.fileno() != 999


def test_one_that_cannot_be_opened_anew_is_tried_again_and_ends_nothing(
    events: KernelEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(kernel_events.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(events, "_open_links", refuse)
    wire = Wire(OSError(errno.EIO, "broken"))
    assert heard(events, wire) == [("netlink", set())]
    assert events.descriptors()[999] == select.POLLIN
