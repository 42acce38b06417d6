"""A host with some links read again is the host that a whole look would have given."""

from dataclasses import replace

import pytest

from bridged.observe.host import Address, Host, Link

BRIDGE = Link(1, "br0", "bridge")
PORTS = (Link(2, "a", controller=1, altnames=("first", "b")), Link(3, "b", controller=1))
OTHER = Link(4, "br1", "bridge")
HOST = Host(links=(BRIDGE, *PORTS, OTHER), addresses=(Address(2, 4, "192.0.2.1", 24),))


@pytest.mark.parametrize(
    "now",
    [
        [],
        [replace(BRIDGE, up=True)],
        [replace(PORTS[0], up=True), replace(PORTS[1], mtu=1400)],
        [replace(PORTS[0], controller=4)],
        [replace(PORTS[0], controller=None), replace(BRIDGE, mtu=9000)],
        [replace(PORTS[0], altnames=("second",))],
        [replace(PORTS[0], altnames=()), replace(PORTS[1], altnames=("first",))],
    ],
)
def test_links_read_again(now: list[Link]) -> None:
    for name in ("a", "first", "b"):
        assert HOST.link(name) is not None  # and all is looked up beforehand
    seen = HOST.with_links(now)
    new = {link.index: link for link in now}
    whole = replace(HOST, links=tuple(new.get(link.index, link) for link in HOST.links))
    assert seen == replace(whole, remembered=True)
    assert seen.by_index == whole.by_index
    assert seen.by_name == whole.by_name
    for bridge in (BRIDGE, OTHER):
        assert seen.ports(bridge) == whole.ports(bridge)
    for link in seen.links:
        assert seen.addresses_of(link) == whole.addresses_of(link)
        assert seen.controller(link) == whole.controller(link)
