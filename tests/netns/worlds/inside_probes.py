"""Gateways asked at a cable: by ARP and by neighbour discovery, whatever their addresses."""

import socket
from collections.abc import Iterator

import pytest

from bridged.desired.probes import Probe
from bridged.observe.probes import Prober
from tests.netns.worlds.support import needs_laboratory, run, wait_for

pytestmark = needs_laboratory

HERE, THERE = "probe0", "probe1"


@pytest.fixture(autouse=True)
def cable() -> Iterator[None]:
    """Two ends with addresses; the far one answers to nobody's echo."""
    run("ip", "netns", "add", "far")
    run("ip", "link", "add", HERE, "type", "veth", "peer", "name", THERE, "netns", "far")
    for command, device, host in ((("ip",), HERE, 1), (("ip", "-n", "far"), THERE, 2)):
        run(*command, "link", "set", device, "up")
        run(*command, "address", "add", f"203.0.113.{host}/24", "dev", device)
        for network in ("2001:db8::", "fe80::"):
            run(*command, "address", "add", f"{network}{host}/64", "dev", device, "nodad")
    run("ip", "netns", "exec", "far", "sysctl", "-q", "-w", "net.ipv4.icmp_echo_ignore_all=1")
    run("ip", "netns", "exec", "far", "sysctl", "-q", "-w", "net.ipv6.icmp.echo_ignore_all=1")
    wait_for(lambda: "tentative" not in run("ip", "-6", "address", "show", "dev", HERE))
    yield
    run("ip", "link", "del", HERE)
    run("ip", "netns", "del", "far")


@pytest.mark.parametrize("address", ["203.0.113.2", "2001:db8::2", "fe80::2"])
def test_a_gateway_that_drops_echoes_answers_all_the_same(address: str) -> None:
    gateway = Probe("gateway", address, interface=HERE)
    wait_for(lambda: Prober().answering([gateway]) == {gateway})


@pytest.mark.parametrize("address", ["203.0.113.9", "2001:db8::9", "fe80::9"])
def test_one_that_is_not_there_does_not_answer(address: str) -> None:
    gateway = Probe("gateway", address, interface=HERE)
    assert Prober(timeout=0.2).answering([gateway]) == frozenset()


def test_nothing_is_left_open() -> None:
    """A probe is asked many times in a transaction."""
    before = socket.socket()
    number = before.fileno()
    before.close()
    Prober(timeout=0.1).answering([Probe("gateway", "2001:db8::2", interface=HERE)] * 20)
    after = socket.socket()
    assert after.fileno() == number
    after.close()
