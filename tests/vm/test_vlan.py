"""VLANs: made anew, over and beside bridges, by other names, without their card; by the dozen."""

import os
import time
from collections.abc import Iterator

import pytest

from tests.lab.node import WIRE, Node, far, wait_until
from tests.lab.traffic import probe
from tests.lab.vm import VmLab
from tests.vm import product
from tests.vm.product import ADMIN, DMZ, LAN, LINKS, PATIENCE, WEB


@pytest.fixture
def node() -> Iterator[VmLab]:
    yield from product.running()


def vlan_id(node: Node, name: str) -> int | None:
    data = (node.link(name) or {}).get("linkinfo", {}).get("info_data", {})
    return int(data["id"]) if "id" in data else None


def vlan_objects(node: Node) -> set[str]:
    """The VLANs that the status tells of."""
    return {o["name"] for o in product.status(node)["objects"] if o["kind"] == "vlan"}


def in_bridge(node: Node, name: str, bridge: str) -> None:
    wait_until(lambda: node.controller(name) == bridge, PATIENCE, f"{name} in {bridge}")


def test_another_vlan_id_makes_the_device_anew_and_nothing_else_flaps(node: VmLab) -> None:
    """Rule 3: the ifindex DIFFERS, everybody else's is EQUAL."""
    port = f"{{vlan: %d, parent: {LAN}, name: web0}}"
    product.declare(node, product.reference(br_web=f"{{ports: [{port % 6}]}}"))
    in_bridge(node, "web0", "br-web")
    wait_until(lambda: node.link(WEB) is None, PATIENCE, "the old one, which bridged made, goes")
    wait_until(lambda: vlan_objects(node) == {"web0"}, PATIENCE, "told")
    product.converged(node)
    others = [name for name in (*LINKS, ADMIN) if name not in (WEB, "br-web")]
    standing, before = node.standing(*others), node.standing("web0")["web0"]
    bridge = node.standing("br-web")["br-web"].ifindex

    product.declare(node, product.reference(br_web=f"{{ports: [{port % 7}]}}"))
    wait_until(lambda: vlan_id(node, "web0") == 7, PATIENCE, "VLAN 7")
    in_bridge(node, "web0", "br-web")
    product.converged(node)
    assert node.standing("web0")["web0"].ifindex != before.ifindex
    assert node.standing("br-web")["br-web"].ifindex == bridge
    assert node.standing(*others) == standing
    assert len([p for p in node.profiles() if p.type == "vlan"]) == 1
    probe(node, (WIRE, far(LAN)), (None, "br-web"), vlan=7)


def test_vlans_over_and_beside_bridges_and_their_end(node: VmLab) -> None:
    """A VLAN whose parent is a bridge, one on a card in no bridge, removal."""
    standing = node.standing("br-lan", LAN, "br-web", WEB, ADMIN)
    product.declare(
        node,
        product.reference(
            br_over="{ports: [{vlan: 9, parent: br-lan}]}",
            br_dmz="",
            br_beside=f"{{ports: [{{vlan: 5, parent: {DMZ}}}]}}",
        ),
    )
    in_bridge(node, "br-lan.9", "br-over")
    in_bridge(node, f"{DMZ}.5", "br-beside")
    wait_until(lambda: vlan_objects(node) == {WEB, "br-lan.9", f"{DMZ}.5"}, PATIENCE, "told")
    wait_until(lambda: node.link("br-dmz") is None, PATIENCE, "no longer declared, and ours")
    product.converged(node)
    assert node.controller(DMZ) is None
    assert vlan_id(node, "br-lan.9") == 9
    assert (node.link("br-lan.9") or {})["link"] == "br-lan"
    assert node.standing("br-lan", LAN, "br-web", WEB, ADMIN) == standing
    for name in ("br-over", "br-beside", "br-lan.9", f"{DMZ}.5"):
        assert node.addresses()[name] == [], name
    probe(node, (WIRE, far(DMZ)), (None, "br-beside"), vlan=5)
    guest = node.add_guest("br-over", "vnet9")
    probe(node, (WIRE, far(LAN)), (guest.netns, guest.device), vlan=9)
    node.remove_guest(guest)

    product.declare(node, product.reference())
    in_bridge(node, DMZ, "br-dmz")
    product.converged(node)
    gone = {"br-over", "br-beside", "br-lan.9", f"{DMZ}.5"}
    wait_until(lambda: not gone & set(node.links()), PATIENCE, "what is not declared goes")
    wait_until(lambda: vlan_objects(node) == {WEB}, PATIENCE, "told")
    assert [p.name for p in node.profiles() if "over" in p.name or "beside" in p.name] == []
    product.assert_reference(node)
    assert node.standing("br-lan", LAN, "br-web", WEB, ADMIN) == standing


def test_a_vlan_that_exists_under_another_name_is_blocked_with_the_remedy(node: VmLab) -> None:
    """The kernel has one device per VLAN: the operator is told which, and how to write it."""
    node.run("ip", "link", "add", "link", DMZ, "name", "byhand", "type", "vlan", "id", "8")
    ifindex = node.standing("byhand")["byhand"].ifindex
    product.declare(node, product.reference(br_eight=f"{{ports: [{{vlan: 8, parent: {DMZ}}}]}}"))
    wait_until(lambda: product.item(node, f"vlan/{DMZ}.8"), PATIENCE, "the new state")
    told = product.item(node, f"vlan/{DMZ}.8")
    assert told["condition"] == "blocked"
    assert "byhand" in told["reason"]
    assert "name: byhand" in told["remedy"]
    assert node.standing("byhand")["byhand"].ifindex == ifindex, "it is somebody's (rule 4)"
    assert all(
        o["condition"] == "converged"
        for o in product.status(node)["objects"]
        if o["bridge"] != "br-eight"
    )

    product.declare(
        node,
        product.reference(br_eight=f"{{ports: [{{vlan: 8, parent: {DMZ}, name: byhand}}]}}"),
    )
    in_bridge(node, "byhand", "br-eight")
    product.converged(node)
    assert node.standing("byhand")["byhand"].ifindex == ifindex, "adopted as it stands"


def test_a_card_that_is_unplugged_and_comes_back_gets_its_vlan_and_bridges_again(
    node: VmLab,
) -> None:
    """Rule 6: its objects are blocked by name, all others stay as they are."""
    device = node.run("readlink", f"/sys/class/net/{LAN}/device").stdout.strip().rpartition("/")[2]
    driver = "/sys/bus/virtio/drivers/virtio_net"
    guest = node.add_guest("br-lan", "vnet1")
    standing = node.standing("br-lan", "br-web", "br-dmz", DMZ, ADMIN, "vnet1")
    node.sh(f"echo {device} >{driver}/unbind")
    assert node.link(LAN) is None
    assert node.link(WEB) is None

    def blocked() -> bool:
        return all(
            product.item(node, name)["condition"] == "blocked"
            and LAN in product.item(node, name)["reason"]
            for name in (f"port/{LAN}", f"vlan/{WEB}")
        )

    wait_until(blocked, PATIENCE, "told")
    told = product.status(node)
    assert not told["converged"]
    assert {o["condition"] for o in told["objects"] if o["bridge"] == "br-dmz"} == {"converged"}
    assert node.ports("br-lan") == {"vnet1"}

    node.sh(f"echo {device} >{driver}/bind")
    in_bridge(node, LAN, "br-lan")
    in_bridge(node, WEB, "br-web")
    product.converged(node)
    product.assert_reference(node)
    now = node.standing("br-lan", "br-web", "br-dmz", DMZ, ADMIN, "vnet1")
    assert {n: s.ifindex for n, s in now.items()} == {n: s.ifindex for n, s in standing.items()}
    assert (now["br-dmz"], now[DMZ], now[ADMIN]) == (
        standing["br-dmz"],
        standing[DMZ],
        standing[ADMIN],
    )
    probe(node, (WIRE, far(LAN)), (None, "br-web"), vlan=6)
    probe(node, (WIRE, far(LAN)), (guest.netns, guest.device))


def test_many_vlans_in_a_bridge_each(node: VmLab) -> None:
    """Scale: as many as BRIDGED_VLANS says.  The time is in the output (pytest -s), and the bound
    has much room: this machine is emulated."""
    count = int(os.environ.get("BRIDGED_VLANS", "20"))
    standing = node.standing("br-lan", LAN, "br-web", WEB, ADMIN)
    lines = [
        f"  v{number}: {{ports: [{{vlan: {number}, parent: {DMZ}}}]}}"
        for number in range(100, 100 + count)
    ]
    began = time.monotonic()
    bridges = "\n".join(["bridges:", *lines])
    product.declare(node, product.reference(br_dmz="").replace("bridges:", bridges))
    names = {f"{DMZ}.{number}" for number in range(100, 100 + count)}
    wait_until(lambda: names <= vlan_objects(node), PATIENCE + count * 3, "told", interval=2)
    product.converged(node, PATIENCE + count * 5)
    print(f"\n{count} VLANs and {count} bridges: {time.monotonic() - began:.1f} s")
    links = node.links()
    for number in range(100, 100 + count):
        assert links[f"{DMZ}.{number}"]["master"] == f"v{number}"
    assert vlan_id(node, f"{DMZ}.100") == 100
    assert node.standing("br-lan", LAN, "br-web", WEB, ADMIN) == standing
    probe(node, (WIRE, far(DMZ)), (None, "v100"), vlan=100)
