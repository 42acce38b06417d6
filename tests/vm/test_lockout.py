"""A change that cuts the node off is taken back, under systemd and with a real NetworkManager."""

from collections.abc import Iterator

import pytest

from tests.lab.node import wait_until
from tests.lab.vm import VmLab
from tests.vm import product
from tests.vm.product import ADMIN, DMZ, LAN, PATIENCE

ROUTER = "192.168.20.1"


@pytest.fixture
def node() -> Iterator[VmLab]:
    yield from product.running()


def test_a_change_after_which_a_probe_is_silent_is_rolled_back_and_not_retried_at_once(
    node: VmLab,
) -> None:
    """Rule 12: the router in the LAN answered, so a state that takes the card away is undone."""
    mine = f"{{ports: [{LAN}], ipv4: keep}}"
    probes = f'["{ROUTER}"]'
    product.declare(node, product.reference(br_lan=mine, probes=probes))
    product.converged(node)
    node.sh(
        "nmcli connection modify br-lan ipv4.method manual ipv4.addresses 192.168.20.9/24\n"
        "nmcli device reapply br-lan"
    )
    wait_until(lambda: reached(node), PATIENCE, "the router answers")
    product.converged(node)
    where = product.cursor(node)

    # The card moves to the DMZ's bridge; br-web's VLAN is its own business.
    product.declare(
        node,
        product.reference(
            br_lan="{ipv4: keep}", br_dmz=f"{{ports: [{DMZ}, {LAN}]}}", probes=probes
        ),
    )
    wait_until(
        lambda: any("rolled_back" in line for line in product.journal(node, where)),
        PATIENCE,
        "rolled back",
    )
    wait_until(lambda: node.controller(LAN) == "br-lan", PATIENCE, "the card is back")
    wait_until(lambda: reached(node), PATIENCE, "the router answers again")

    def held() -> bool:
        objects = product.status(node)["objects"]
        return any(o["condition"] == "withheld" and ROUTER in o["reason"] for o in objects)

    wait_until(held, PATIENCE, "told, with the probe that was silent")
    assert node.run("bridgedctl", "status", check=False).returncode == 2
    assert not node.exists("/run/bridged/checkpoint")

    product.declare(node, product.reference(br_lan=mine, probes=probes))
    product.converged(node)
    assert node.controller(LAN) == "br-lan"
    assert reached(node)


def reached(node: VmLab) -> bool:
    """Whether the router answers ARP, as the kernel's own neighbour table tells."""
    node.run("ip", "neigh", "flush", "dev", "br-lan", check=False)
    node.run("bash", "-c", f"timeout 3 bash -c '</dev/tcp/{ROUTER}/9'", check=False)
    shown = node.run("ip", "neigh", "show", ROUTER, check=False).stdout
    return "lladdr" in shown


def test_the_card_that_carries_the_nodes_own_traffic_is_never_made_a_port(node: VmLab) -> None:
    """Rule 4: refused with the reason and the way out; everything else converges."""
    address, standing = node.addresses()[ADMIN], node.standing(ADMIN)
    profiles = {p.device: p.uuid for p in node.profiles() if p.device == ADMIN}
    product.declare(node, product.reference(br_dmz=f"{{ports: [{DMZ}, {ADMIN}], mtu: 1400}}"))
    wait_until(lambda: (node.link("br-dmz") or {})["mtu"] == 1400, PATIENCE, "the new state")
    refused = wait_until(lambda: product.item(node, f"port/{ADMIN}"), PATIENCE, "the port")
    assert refused["condition"] == "blocked"
    assert ADMIN in refused["reason"]
    assert refused["remedy"]
    assert (node.addresses()[ADMIN], node.standing(ADMIN)) == (address, standing)
    assert {p.device: p.uuid for p in node.profiles() if p.device == ADMIN} == profiles
    assert node.controller(DMZ) == "br-dmz"
