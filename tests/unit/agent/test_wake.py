"""The bell: coalescing, and never losing the last ring."""

import threading
import time

from bridged.agent.wake import News, Wake


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
