"""The layout's own hole, shown with frames and closed by one line."""

from collections.abc import Iterator

import pytest

from tests.lab.node import WIRE, Guest, Node, far, wait_until
from tests.lab.traffic import listening, probe, send, stream
from tests.lab.vm import VmLab
from tests.vm import product
from tests.vm.product import LAN, LINKS, PATIENCE

FAR = (WIRE, far(LAN))


@pytest.fixture
def node() -> Iterator[VmLab]:
    yield from product.running()


def tagged_by(node: Node, guest: Guest) -> dict[str, int]:
    """Frames by tag that the switch gets when the guest tags its own with VLAN 6."""
    with listening(node, far(LAN), netns=WIRE) as heard:
        send(node, guest.device, netns=guest.netns, vlan=6)
    return heard.tags


def vlans(node: Node, port: str) -> set[tuple[int, tuple[str, ...]]]:
    return {(v["vlan"], tuple(sorted(v.get("flags", ())))) for v in node.vlans().get(port, [])}


def test_isolate_keeps_guests_of_the_lan_out_of_the_web_vlan(node: VmLab) -> None:
    """Before, the frame gets out with the guest's tag; after, it does not.

    What is untagged, br-web and the guests among themselves go on without a lost frame; VLANs that
    a guest was given come back when somebody activates its bridge again.
    """
    one = node.add_guest("br-lan", "vnet1")
    two = node.add_guest("br-lan", "vnet2")
    web = node.add_guest("br-web", "vnet3")
    probe(node, (one.netns, one.device), FAR)
    assert tagged_by(node, one) == {"6": 10}, "the hole"
    found = product.finding(node, "vlan-injection")
    assert "VLAN 6" in found["message"]
    assert "isolate: true" in found["remedy"]

    standing = node.standing(*LINKS, "vnet1", "vnet2", "vnet3")
    with stream(node, one, two) as flow:
        product.declare(node, product.reference(br_lan=f"{{ports: [{LAN}], isolate: true}}"))
        wait_until(lambda: node.bridge_data("br-lan")["vlan_filtering"] == 1, PATIENCE, "closed")
        product.converged(node)
        assert tagged_by(node, one) == {}
    assert (flow.lost, flow.duplicates) == (0, 0), flow
    assert node.standing(*LINKS, "vnet1", "vnet2", "vnet3") == standing
    wait_until(lambda: not product.finding(node, "vlan-injection"), PATIENCE, "told")
    assert node.profile("br-lan")["bridge.vlan-filtering"] == "yes", "at the next boot too"
    for target in ((one.netns, one.device), (None, "br-lan")):
        probe(node, FAR, target)
    probe(node, (one.netns, one.device), FAR)
    for target in ((web.netns, web.device), (None, "br-web")):
        probe(node, FAR, target, vlan=6)
    with listening(node, far(LAN), netns=WIRE) as heard:
        send(node, web.device, netns=web.netns)
    assert heard.tags == {"6": 10}, "br-web still gets out by VLAN 6"

    node.sh("""
        bridge vlan add dev vnet1 vid 30
        bridge vlan add dev vnet2 vid 40 pvid untagged
        bridge vlan del dev vnet2 vid 1
        bridge link set dev vnet2 isolated on
    """)
    given = {name: vlans(node, name) for name in ("vnet1", "vnet2")}
    assert given["vnet2"] == {(40, ("Egress Untagged", "PVID"))}
    wait_until(lambda: product.converged(node), PATIENCE)
    node.run("bridgedctl", "apply")  # it has seen the settings
    node.run("nmcli", "connection", "up", "br-lan", timeout=120)
    wait_until(lambda: {"vnet1", "vnet2", LAN} <= node.ports("br-lan"), PATIENCE, "plugged back")
    for name, wanted in given.items():
        wait_until(lambda n=name, w=wanted: vlans(node, n) == w, PATIENCE, f"VLANs of {name}")  # type: ignore[misc]
    wait_until(lambda: node.port_data("vnet2")["isolated"] is True, PATIENCE, "isolated")
    told = product.converged(node)
    assert any(r["object"] == "guests/br-lan" for r in told["repairs"])
    assert tagged_by(node, one) == {}, "still closed"
