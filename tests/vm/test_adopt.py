"""A node that its owner set up by hand is adopted as it stands."""

from tests.lab.byhand import set_up_by_hand
from tests.lab.traffic import stream
from tests.lab.vm import VmLab
from tests.vm import product
from tests.vm.product import ADMIN, LINKS


def test_the_owners_node_is_adopted_and_no_guest_loses_a_frame(vm: VmLab) -> None:
    """Rules 2 and 3: same links, ports and profiles, no carrier change, every frame arrives."""
    vm.install()
    set_up_by_hand(vm)
    one = vm.add_guest("br-lan", "vnet1")
    two = vm.add_guest("br-lan", "vnet2")
    standing = vm.standing(*LINKS, ADMIN, "vnet1", "vnet2")
    profiles = {p.uuid: (p.name, p.device, p.filename) for p in vm.profiles()}
    with stream(vm, one, two) as flow:
        product.start(vm)
        product.converged(vm)
        vm.run("systemctl", "restart", "bridged", timeout=180)
        product.converged(vm)
    assert (flow.lost, flow.duplicates) == (0, 0), flow
    assert flow.sent > 500
    assert vm.standing(*LINKS, ADMIN, "vnet1", "vnet2") == standing
    assert {p.uuid: (p.name, p.device, p.filename) for p in vm.profiles()} == profiles
    product.assert_reference(vm)
    guests = {link["name"]: link["guests"] for link in product.status(vm)["links"]}
    assert guests["br-lan"] == ["vnet1", "vnet2"]


def test_what_the_owner_added_to_his_profiles_survives_the_adoption(vm: VmLab) -> None:
    """Case 40: a zone and a description are his; rule 4: so is every profile not declared."""
    vm.install()
    set_up_by_hand(vm)
    vm.sh("""
        nmcli connection modify br-dmz connection.zone dmz connection.stable-id mine bridge.stp yes
        nmcli connection add type dummy con-name his ifname his0 ipv4.method disabled \
            ipv6.method disabled
    """)
    product.start(vm)
    product.converged(vm)
    settings = vm.profile("br-dmz")
    assert settings["bridge.stp"] == "no"
    assert (settings["connection.zone"], settings["connection.stable-id"]) == ("dmz", "mine")
    assert next(p for p in vm.profiles() if p.name == "his").device == "his0"
    product.assert_reference(vm)
