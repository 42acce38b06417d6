"""From NetworkManager's default profiles to the reference node, and still from then on."""

import time
from collections.abc import Iterator

import pytest

from tests.lab.node import WIRE, Node, far, wait_until
from tests.lab.traffic import listening, probe, send
from tests.lab.vm import VmLab
from tests.lab.watch import watching
from tests.vm import product
from tests.vm.product import ADMIN, DMZ, LAN, LINKS, PATIENCE, PORTS, WEB


@pytest.fixture
def node() -> Iterator[VmLab]:
    yield from product.running()


def hear(node: Node, interface: str, *, vlan: int | None = None) -> dict[str, int]:
    """Frames that each bridge gets of ten sent from the far end of `interface`'s cable."""
    with (
        listening(node, "br-lan") as lan,
        listening(node, "br-web") as web,
        listening(node, "br-dmz") as dmz,
    ):
        send(node, far(interface), netns=WIRE, vlan=vlan)
    return {"br-lan": lan.received, "br-web": web.received, "br-dmz": dmz.received}


def test_the_reference_node_converges_from_its_default_profiles_and_stays_so(vm: VmLab) -> None:
    """Rules 1 and 4; cases 1, 24, 46, 54 and 56.

    One story, for each step needs the one before: what was there, what came, what frames do, and
    that nothing is written from then on.
    """
    vm.install()
    before = {profile.device: profile for profile in vm.profiles() if profile.device}
    assert before[LAN].name.startswith("Wired connection")
    assert before[DMZ].name.startswith("Wired connection")
    assert vm.addresses()[LAN], "DHCP gave the card an address"
    assert "br_netfilter" not in vm.modules()
    standing, addresses = vm.standing(ADMIN), vm.addresses()[ADMIN]
    session = vm.spawn("sh", "-c", "while sleep 1; do echo alive; done")

    product.start(vm)
    assert vm.run("systemctl", "is-active", "bridged").stdout.strip() == "active"
    assert product.status(vm)["converged"], "READY comes after the first pass"
    product.assert_reference(vm)

    # Who carries the node's own traffic was not touched; its profile neither (rule 4).
    assert vm.standing(ADMIN) == standing
    assert vm.addresses()[ADMIN] == addresses
    profiles = {profile.uuid: profile for profile in vm.profiles()}
    assert profiles[before[ADMIN].uuid] == before[ADMIN]
    # The rivals are put out of the way, not deleted.
    for card in (LAN, DMZ):
        assert not profiles[before[card].uuid].autoconnect, card

    probe(vm, (WIRE, far(LAN)), (None, "br-lan"))
    assert hear(vm, LAN) == {"br-lan": 10, "br-web": 0, "br-dmz": 0}
    assert hear(vm, LAN, vlan=6) == {"br-lan": 0, "br-web": 10, "br-dmz": 0}
    assert hear(vm, DMZ) == {"br-lan": 0, "br-web": 0, "br-dmz": 10}

    # NetworkManager's restart changes none of it (cases 24, 35, 56).
    links = vm.standing(*LINKS)
    vm.run("systemctl", "restart", "NetworkManager")
    wait_until(lambda: vm.devices().get("br-dmz") == "connected", PATIENCE, "NetworkManager is up")
    product.converged(vm)
    product.assert_reference(vm)
    assert vm.standing(*LINKS) == links

    assert session.running, session.stderr
    assert session.stop().stdout.count("alive") > 3


def test_a_host_as_declared_is_written_to_by_nobody_and_its_journal_is_silent(node: VmLab) -> None:
    """Rule 1: asked for and by the timer, pass after pass, nothing on the bus, netlink or disk."""
    told = product.total(node, "bridged_passes_total", outcome="still")
    where = product.cursor(node)
    with watching(node, ["/run/bridged", "/var/lib/bridged", "/proc/sys/net/ipv6/conf"]) as seen:
        time.sleep(20)
    assert seen.still, seen
    assert product.journal(node, where) == []
    assert product.total(node, "bridged_passes_total", outcome="still") >= told + 3

    with watching(node, ["/run/bridged", "/var/lib/bridged"]) as seen:
        assert "as desired" in node.run("bridgedctl", "apply").stdout
        node.run("systemctl", "reload", "bridged")
        assert node.run("bridgedctl", "plan", "--json").stdout.count("action") == 1
        time.sleep(5)
    assert seen.still, seen
    assert set(PORTS) <= set(node.links())
    assert node.controller(WEB) == "br-web"
