"""Fixtures (as a plugin) of the tests of netlink: a writer, and a bridge with a card in it."""

from collections.abc import Iterator

import pytest

from bridged.apply.netlink import LinkWriter
from tests.netns.worlds.support import NICS, clean, index_of, run


@pytest.fixture
def writer() -> LinkWriter:
    return LinkWriter()


@pytest.fixture(autouse=True)
def bridge() -> Iterator[int]:
    clean()
    run("ip", "link", "add", "br-test", "type", "bridge")
    run("ip", "link", "set", "br-test", "up")
    run("ip", "link", "set", NICS[0], "master", "br-test")
    yield index_of("br-test")
    clean()
