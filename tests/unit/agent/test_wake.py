"""The bell: coalescing, and never losing the last ring."""

import os
import select
import signal
import socket
import threading
import time
from collections.abc import Collection, Iterator, Mapping

import pytest

from bridged.agent.kernel_events import KernelEvents
from bridged.agent.wake import News, Ring, Wake


class Wire:
    """A source: what is said at one end of a wire rings with that word."""

    def __init__(self) -> None:
        self.end, self._other = socket.socketpair()

    def close(self) -> None:
        self.end.close()
        self._other.close()

    def descriptors(self) -> Mapping[int, int]:
        return {self._other.fileno(): select.POLLIN}

    def hear(self, ring: Ring, ready: Collection[int]) -> None:
        assert list(ready) == [self._other.fileno()], "only what has news"
        ring(self._other.recv(100).decode(), {7})


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.close()


def test_rings_coalesce_into_one_answer() -> None:
    wake = Wake()
    for _ in range(1000):
        wake.ring("netlink")
    wake.ring("timer")
    assert wake.wait(0) == {"netlink", "timer"}
    assert wake.wait(0) == frozenset()
    assert wake.counts() == {"netlink": 1000, "timer": 1}


def test_a_ring_while_the_loop_is_busy_is_kept() -> None:
    wake = Wake()
    assert wake.wait(0) == frozenset()
    wake.ring("netlink")
    assert wake.wait(10) == {"netlink"}


def test_a_ring_from_another_thread_ends_the_wait() -> None:
    wake = Wake()
    threading.Timer(0.05, wake.ring, ["networkmanager"]).start()
    start = time.monotonic()
    assert wake.wait(10) == {"networkmanager"}
    assert time.monotonic() - start < 5


def test_the_links_that_rings_were_about_are_told_once() -> None:
    wake = Wake()
    wake.ring("netlink", {3, 4})
    wake.ring("netlink", {4, 5})
    assert wake.touched() == {3, 4, 5}
    assert wake.touched() == frozenset()


def test_what_a_source_says_ends_the_wait_and_is_no_busy_one_afterwards(wire: Wire) -> None:
    wake = Wake()
    wake.attach(wire)
    threading.Timer(0.05, wire.end.send, [b"netlink"]).start()
    assert wake.wait(10) == {"netlink"}
    assert wake.touched() == {7}
    began, worked = time.monotonic(), time.thread_time()
    assert wake.wait(0.3) == frozenset()
    assert time.monotonic() - began >= 0.3
    assert time.thread_time() - worked < 0.2


def test_a_look_hears_what_came_before_it_and_answers_for_that(wire: Wire) -> None:
    wake = Wake()
    wake.attach(wire)
    wire.end.send(b"netlink")
    mark = wake.mark("netlink")
    wake.covered("netlink", mark)
    assert wake.wait(0) == frozenset()
    mark = wake.mark("netlink")
    wire.end.send(b"netlink")
    wake.mark("netlink")
    wake.covered("netlink", mark)
    assert wake.wait(0) == {"netlink"}, "that came during the look"


def test_a_signal_may_ring_while_the_loop_waits() -> None:
    wake = Wake()
    before = signal.signal(signal.SIGUSR1, lambda number, frame: wake.ring("stop"))
    try:
        threading.Timer(0.05, os.kill, [os.getpid(), signal.SIGUSR1]).start()
        assert wake.wait(10) == {"stop"}
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_rings_from_many_threads_all_arrive() -> None:
    wake, heard = Wake(), 0
    threads = [
        threading.Thread(target=lambda: [wake.ring("netlink") for _ in range(500)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        heard += bool(wake.wait(0.01))
    heard += bool(wake.wait(0))
    assert wake.counts() == {"netlink": 4000}
    assert heard
    assert wake.wait(0) == frozenset()


def test_the_kernels_events_are_a_source_that_lets_go_of_everything() -> None:
    before = len(os.listdir("/proc/self/fd"))
    events = KernelEvents()
    assert all(events.descriptors())
    events.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_clearing_news_listens_again_and_where_nothing_may_be_heard_all_is_news() -> None:
    news, heard = News(), []
    news.listen = lambda: heard.append(news.is_set()) or True
    news.set()
    news.clear()
    assert heard == [False], "cleared ahead of listening, or what is heard then is forgotten"
    assert not news.is_set()
    news.listen = lambda: False
    news.clear()
    assert news.is_set()
