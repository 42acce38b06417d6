"""A node that its owner set up by hand is adopted as it stands."""

from tests.lab.byhand import set_up_by_hand
from tests.lab.node import wait_until
from tests.lab.traffic import stream
from tests.lab.vm import VmLab
from tests.vm import product
from tests.vm.product import ADMIN, LINKS, PATIENCE


def test_the_owners_node_is_adopted_and_no_guest_loses_a_frame(vm: VmLab) -> None:
    """Rules 2, 3 and 4; cases 30 and 40: same links, ports and profiles, no carrier change."""
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

    # What he adds later is his as well: only what is declared is put right.
    vm.run("nmcli", "connection", "modify", "br-dmz", "connection.zone", "dmz", "bridge.stp", "yes")
    wait_until(lambda: vm.profile("br-dmz")["bridge.stp"] == "no", PATIENCE, "put right")
    assert vm.profile("br-dmz")["connection.zone"] == "dmz"
