"""Kernel modules and sysctls, with real modules that come, go and refuse."""

import json
from collections.abc import Iterator

import pytest

from tests.lab.node import Node, wait_until
from tests.lab.vm import VmLab
from tests.vm import product
from tests.vm.product import ADMIN, LAN, MODULES, PATIENCE, SYSCTLS

NF = ("iptables", "ip6tables", "arptables")
KEYS = [f"net.bridge.bridge-nf-call-{name}" for name in NF]
RIVAL = "/etc/sysctl.d/zzz-somebody.conf"


@pytest.fixture
def node() -> Iterator[VmLab]:
    yield from product.running()


def values(node: Node) -> list[str | None]:
    return [node.sysctl(key) for key in KEYS]


def conditions(node: Node, *names: str) -> list[str]:
    return [product.item(node, name).get("condition", "") for name in names]


def test_the_module_comes_before_its_keys_whatever_the_order_in_the_file(vm: VmLab) -> None:
    """Cases 1 and 4: sysctls stand first, in both spellings; one pass does it all.

    A fresh node: br_netfilter has never been loaded.
    """
    assert "br_netfilter" not in vm.modules()
    assert values(vm) == [None, None, None]
    vm.install()
    text = [
        "version: 1",
        "sysctls:",
        *(f"  {key}: {value}" for key, value in SYSCTLS.items()),
        # The first separator decides: a dot in an interface's name stays a dot.
        f"  net.ipv6.conf.{LAN}/77.disable_ipv6: 1",
        f"  net.ipv4.conf.{ADMIN}.log_martians: 1",
        "bridges:",
        f"  br-x: {{ports: [{{vlan: 77, parent: {LAN}}}]}}",
        f"modules: [{', '.join(sorted(MODULES))}]",
    ]
    vm.write(product.STATE, "\n".join([*text, ""]))
    product.start(vm)
    told = product.converged(vm)
    assert vm.modules() >= MODULES
    assert {key: vm.sysctl(key) for key in SYSCTLS} == SYSCTLS
    assert vm.read(f"/proc/sys/net/ipv6/conf/{LAN}.77/disable_ipv6").strip() == "1"
    assert vm.sysctl(f"net.ipv4.conf.{ADMIN}.log_martians") == "1"
    assert not [r for r in told["repairs"] if r["outcome"] == "failed"], told["repairs"]

    # Case 11: kvm is loaded, as asked for; that there is no device node is told apart from it.
    if not vm.exists("/dev/kvm"):
        assert conditions(vm, "module/kvm") == ["converged"]
        assert "/dev/kvm" in product.finding(vm, "device-node")["message"]


def test_a_module_that_arrives_late_or_again_does_not_leave_its_defaults(node: VmLab) -> None:
    """Cases 2 and 3: undeclared, its keys are unavailable; whoever loads it, they are set."""
    zero = dict.fromkeys(KEYS, "0")
    wanted = json.dumps(dict.fromkeys(KEYS, 0)).replace('"', "")
    product.declare(node, product.reference(modules="[overlay]", sysctls=wanted))
    wait_until(lambda: values(node) == ["0", "0", "0"], PATIENCE, "declared 0")
    product.converged(node)
    # Somebody's own wish for a key that is not declared is his (rule 4).
    other = "net.bridge.bridge-nf-filter-vlan-tagged"

    node.run("rmmod", "br_netfilter")
    names = [f"sysctl/{key}" for key in KEYS]
    wait_until(lambda: conditions(node, *names) == ["unavailable"] * 3, PATIENCE, "unavailable")
    assert product.status(node)["converged"], "nobody asked for the module"
    assert "br_netfilter" not in node.modules()

    counted = product.total(node, "bridged_drift_total", object="sysctl/net.bridge.*")
    node.run("modprobe", "br_netfilter")
    node.run("sysctl", "-q", "-w", f"{other}=1")
    wait_until(lambda: {k: node.sysctl(k) for k in KEYS} == zero, PATIENCE, "0 again")
    product.converged(node)
    drifts = product.total(
        node, "bridged_drift_total", object="sysctl/net.bridge.*", property="value"
    )
    assert drifts >= counted + 3
    assert node.sysctl(other) == "1"

    # Reloaded in one go, too fast for anybody to see it away.
    node.sh("rmmod br_netfilter; modprobe br_netfilter")
    wait_until(lambda: values(node) == ["0", "0", "0"], PATIENCE, "0 after the reload")
    product.converged(node)


def test_a_declared_module_that_is_taken_out_comes_back_with_its_keys(node: VmLab) -> None:
    """Cases 2 and 3 the other way round: declared, it is loaded again, and its keys are set."""
    node.run("rmmod", "br_netfilter")
    wait_until(lambda: "br_netfilter" in node.modules(), PATIENCE, "loaded again")
    wait_until(lambda: values(node) == ["1", "1", "1"], PATIENCE, "set again")
    product.converged(node)


def test_modules_that_cannot_be_had_are_named_and_everything_else_converges(node: VmLab) -> None:
    """Rule 6; cases 7 and 10: missing, overridden, blacklisted, and a key that no kernel has."""
    node.sh("""
        rmmod dm_crypt
        echo 'install dm_crypt /bin/true' >/etc/modprobe.d/test.conf
        echo 'blacklist dummy' >>/etc/modprobe.d/test.conf
    """)
    sysctls = {**SYSCTLS, "net.bridge.bridge-nf-call-nonsense": "1"}
    product.declare(
        node,
        product.reference(
            modules="[overlay, br_netfilter, kvm, vhost_net, dm_crypt, dummy, no_such_module]",
            sysctls=f"{{{', '.join(f'{key}: {value}' for key, value in sysctls.items())}}}",
            br_dmz="{ports: [enp13s0f3], mtu: 1400}",
        ),
    )
    wrong = ("module/dm_crypt", "module/dummy", "module/no_such_module")
    wait_until(lambda: conditions(node, *wrong) == ["failed"] * 3, PATIENCE, "named")
    wait_until(lambda: (node.link("br-dmz") or {})["mtu"] == 1400, PATIENCE, "the rest goes on")
    told = {f"{o['kind']}/{o['name']}": o for o in product.status(node)["objects"]}
    assert "not found" in told["module/no_such_module"]["reason"]
    assert "dm_crypt" not in node.modules(), "modprobe says 0: only looking tells (last case)"
    nonsense = told["sysctl/net.bridge.bridge-nf-call-nonsense"]
    assert nonsense["condition"] == "blocked", nonsense
    good = [o for name, o in told.items() if name not in wrong and o is not nonsense]
    assert {o["condition"] for o in good} == {"converged"}, good
    assert node.run("bridgedctl", "status", check=False).returncode == 2
    assert {key: node.sysctl(key) for key in SYSCTLS} == SYSCTLS

    # Tried again ever more slowly, not each second.
    wait_until(lambda: product.item(node, wrong[0])["attempts"] >= 3, PATIENCE, "tried again")
    later = product.item(node, wrong[0])
    assert later["next_attempt"] > later["since"]

    # The reason goes away: it heals by itself, or by asking.
    node.run("rm", "/etc/modprobe.d/test.conf")
    node.run("bridgedctl", "apply", check=False)
    assert conditions(node, "module/dm_crypt", "module/dummy") == ["converged"] * 2
    assert node.modules() >= MODULES | {"dummy"}


def test_a_value_that_others_write_is_put_back_and_their_files_are_left_alone(
    node: VmLab,
) -> None:
    """Cases 12 and 13: systemd-sysctl with a later file, and an outsider who sends no event."""
    text = "net.ipv4.ip_forward=0\n"
    node.write(RIVAL, text)
    name = "sysctl/net.ipv4.ip_forward"
    counted = product.total(node, "bridged_drift_total", object=name)
    node.run("systemctl", "restart", "systemd-sysctl")
    wait_until(lambda: node.sysctl("net.ipv4.ip_forward") == "1", PATIENCE, "put back")
    product.converged(node)
    assert product.total(node, "bridged_drift_total", object=name) == counted + 1
    assert node.read(RIVAL) == text
    found = product.finding(node, "boot-sysctl")
    assert RIVAL in found["message"]
    assert RIVAL in found["remedy"]

    node.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=0")
    wait_until(lambda: node.sysctl("net.ipv4.ip_forward") == "1", PATIENCE, "put back again")
    product.converged(node)
    assert product.total(node, "bridged_drift_total", object=name) == counted + 2
