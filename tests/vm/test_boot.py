"""The node after a reboot: right without the agent, and with it before anybody looks."""

from collections.abc import Iterator

import pytest

from tests.lab.node import WIRE, far, wait_until
from tests.lab.traffic import probe
from tests.lab.vm import VmLab
from tests.vm import product
from tests.vm.product import ADMIN, LAN, PATIENCE, PORTS

KUBELET = """\
[Unit]
Description=Looks at the kernel once, when it starts, as kubelet does
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'sysctl -n net.ipv4.ip_forward net/bridge/bridge-nf-call-iptables >/run/looked'
[Install]
WantedBy=multi-user.target
"""


@pytest.fixture
def node() -> Iterator[VmLab]:
    yield from product.running()


def test_a_node_whose_agent_is_off_boots_right_by_itself(node: VmLab) -> None:
    """Rule 10; cases 12 and 56: profiles, modules-load.d and sysctl.d are enough."""
    address = node.addresses()[ADMIN]
    node.sh("""
        systemctl disable bridged
        rm -f /etc/systemd/system/multi-user.target.wants/bridged.service
        mkdir -p /etc/sysctl.d
        echo net.ipv4.ip_forward=0 >/etc/sysctl.d/99-sysctl.conf
    """)
    node.reboot()
    assert product.pid(node) == 0, "the agent is off"
    for name, port in PORTS.items():
        wait_until(lambda b=name, p=port: node.controller(p) == b, PATIENCE, port)  # type: ignore[misc]
        wait_until(lambda b=name: node.devices().get(b) == "connected", PATIENCE, name)  # type: ignore[misc]
    product.assert_reference(node)
    assert node.addresses()[ADMIN][0] == address[0]
    probe(node, (WIRE, far(LAN)), (None, "br-web"), vlan=6)
    probe(node, (WIRE, far(LAN)), (None, "br-lan"))


def test_kernel_values_are_there_before_kubelet_looks_though_a_card_is_missing(
    node: VmLab,
) -> None:
    """Case 23: READY comes after modules and sysctls, and a missing card does not delay it."""
    node.write("/etc/systemd/system/kubelet.service", KUBELET)
    product.declare(node, product.reference(br_dmz="{ports: [enp99s9]}"))
    # Only the agent can do it: the boot files are gone.
    node.sh("""
        systemctl enable bridged kubelet
        systemctl stop bridged
        rm /etc/sysctl.d/zz-bridged.conf /etc/modules-load.d/bridged.conf
    """)
    node.reboot()
    wait_until(lambda: node.exists("/run/looked"), 180, "kubelet has started")
    assert node.read("/run/looked").split() == ["1", "1"]
    told = product.status(node)
    missing = next(o for o in told["objects"] if o["name"] == "enp99s9")
    assert missing["condition"] == "blocked"
    assert "there is no interface enp99s9" in missing["reason"]
    others = [o for o in told["objects"] if o["bridge"] != "br-dmz"]
    assert {o["condition"] for o in others} == {"converged"}, others
    assert node.run("bridgedctl", "status", check=False).returncode == 2
