"""The virtual machine is what the tests in it take it for."""

import time

import pytest

from tests.lab.byhand import set_up_by_hand
from tests.lab.node import WIRE, far, wait_until
from tests.lab.traffic import listening, probe, send
from tests.lab.vm import VmLab
from tests.lab.vm_image import CABLES
from tests.lab.watch import watching

NICS = {"enp8s0", *CABLES}
MODULES = ("8021q", "br_netfilter", "kvm", "vhost_net", "dm_crypt", "overlay")


def test_is_a_booted_node_as_a_fresh_installation_leaves_it(vm: VmLab) -> None:
    assert vm.run("systemctl", "is-system-running", check=False).stdout == "running\n"
    assert vm.nm_version[:2] == (1, 52)
    assert set(vm.links()) == NICS | {"lo"}
    assert set(vm.links(WIRE)) == {far(nic) for nic in CABLES} | {"lo"}
    active = {p.device: p.name for p in vm.profiles() if p.type == "802-3-ethernet"}
    assert set(active) == NICS
    assert all(name.startswith("Wired connection") for name in active.values())
    assert [route["dev"] for route in vm.routes() if route["dst"] == "default"] == ["enp8s0"]
    assert abs(float(vm.run("date", "+%s.%N").stdout) - time.time()) < 5
    assert vm.exists(f"{vm.source}/pyproject.toml")
    assert not vm.exists("/usr/local/sbin/bridged")


def test_what_one_test_does_is_gone_in_the_next(vm: VmLab, request: pytest.FixtureRequest) -> None:
    vm.sh("ip link add br-left type bridge; echo left >/root/left; modprobe br_netfilter; sync")
    other = VmLab(request.getfixturevalue("pristine_snapshot"))
    try:
        assert other.link("br-left") is None
        assert not other.exists("/root/left")
        assert "br_netfilter" not in other.modules()
    finally:
        other.close()


def test_modules_come_and_go_and_their_sysctls_with_them(vm: VmLab) -> None:
    assert vm.sysctl("net.bridge.bridge-nf-call-iptables") is None
    vm.run("modprobe", "-a", *MODULES)
    assert set(MODULES) <= vm.modules()
    assert vm.sysctl("net.bridge.bridge-nf-call-iptables") == "1"
    vm.run("modprobe", "-r", "br_netfilter")
    assert vm.sysctl("net.bridge.bridge-nf-call-iptables") is None


def test_a_tagged_frame_reaches_br_web_and_only_that(vm: VmLab) -> None:
    assert vm.has_vlan
    set_up_by_hand(vm)
    assert vm.controller("enp13s0f0") == "br-lan"
    assert vm.controller("enp13s0f0.6") == "br-web"
    lan, web = vm.add_guest("br-lan", "vnet0"), vm.add_guest("br-web", "vnet1")
    probe(vm, (WIRE, far("enp13s0f0")), (web.netns, web.device), vlan=6, seconds=60)
    with (
        listening(vm, web.device, netns=web.netns) as on_web,
        listening(vm, lan.device, netns=lan.netns) as on_lan,
        listening(vm, "br-dmz") as on_dmz,
    ):
        send(vm, far("enp13s0f0"), netns=WIRE, vlan=6, count=20)
    assert (on_web.received, on_web.tags) == (20, {"none": 20})
    assert (on_lan.received, on_dmz.received) == (0, 0)


def test_a_quiet_machine_is_still_and_a_change_is_seen(vm: VmLab) -> None:
    with watching(vm) as quiet:
        vm.devices()
        time.sleep(3)
    assert quiet.still, quiet
    with watching(vm) as seen:
        vm.run("nmcli", "connection", "add", "type", "bridge", "ifname", "br-x", "con-name", "x")
    assert any(".Settings.AddConnection" in call for call in seen.changes)
    assert any("/system-connections/x.nmconnection" in write for write in seen.files)


def test_a_pulled_cable_is_seen(vm: VmLab) -> None:
    vm.carrier("enp13s0f3", up=False)
    wait_until(lambda: "NO-CARRIER" in (vm.link("enp13s0f3") or {})["flags"], 30)
    vm.carrier("enp13s0f3", up=True)
    wait_until(lambda: "NO-CARRIER" not in (vm.link("enp13s0f3") or {})["flags"], 30)


def test_comes_back_after_a_reboot_with_what_is_on_its_disk(vm: VmLab) -> None:
    vm.sh("echo kept >/root/kept; ip link add br-gone type bridge")
    vm.reboot()
    assert vm.read("/root/kept") == "kept\n"
    assert vm.link("br-gone") is None
    wait_until(lambda: all(vm.devices().get(nic) == "connected" for nic in NICS), 60)
    assert set(vm.links(WIRE)) == {far(nic) for nic in CABLES} | {"lo"}
