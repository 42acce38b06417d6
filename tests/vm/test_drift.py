"""Each drift once, on one running node: repaired without a restart, told, and counted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.lab.node import Node, wait_until
from tests.lab.vm import VmLab
from tests.vm import product
from tests.vm.product import DMZ, LAN, LINKS, PATIENCE, WEB


@dataclass(frozen=True)
class Drift:
    """What somebody does, to which object, in which of its properties, and how it looks right."""

    name: str
    deed: str
    item: str
    property: str
    right: Callable[[Node], bool]
    moves: tuple[str, ...] = ()
    """Links that may lose carrier or be made anew meanwhile; all others stand still."""
    rivalled: bool = False
    """Whether NetworkManager mends it as well and may be the first: then nothing is left to see."""


def up(node: Node, name: str) -> bool:
    link = node.link(name)
    return link is not None and "UP" in link["flags"]


def vlan(node: Node) -> bool:
    link = node.link(WEB) or {}
    data = link.get("linkinfo", {}).get("info_data", {})
    right = data.get("id") == 6 and "REORDER_HDR" in data.get("flags", ())
    return right and up(node, WEB) and link.get("master") == "br-web"


def bridge(node: Node, name: str) -> bool:
    data = node.bridge_data(name)
    none = node.addresses().get(name) == []
    return data.get("stp_state") == 0 and up(node, name) and none


def mtu(node: Node, name: str) -> int:
    return int((node.link(name) or {}).get("mtu", 0))


def persisted(node: Node, device: str) -> bool:
    found = [p for p in node.profiles() if p.device == device]
    return len(found) == 1 and found[0].filename.startswith("/etc/NetworkManager/")


SYSCTL_FILE, MODULE_FILE = "/etc/sysctl.d/zz-bridged.conf", "/etc/modules-load.d/bridged.conf"
IN_PLACE = (
    Drift(
        "filtering-on",
        "ip link set br-web type bridge vlan_filtering 1",
        "bridge/br-web",
        "vlan-filtering",
        lambda n: n.bridge_data("br-web")["vlan_filtering"] == 0,
    ),
    Drift(
        "mtu-changed",
        "ip link set br-dmz mtu 1300",
        "bridge/br-dmz",
        "mtu",
        lambda n: mtu(n, "br-dmz") == 1400,
    ),
    Drift(
        "address-added",
        "ip address add 192.0.2.9/24 dev br-lan",
        "bridge/br-lan",
        "ipv4",
        lambda n: n.addresses()["br-lan"] == [],
    ),
    Drift(
        "module-removed",
        "rmmod dm_crypt",
        "module/dm_crypt",
        "state",
        lambda n: "dm_crypt" in n.modules(),
    ),
    Drift(
        "sysctl-changed",
        "sysctl -q -w net.ipv4.ip_forward=0",
        "sysctl/net.ipv4.ip_forward",
        "value",
        lambda n: n.sysctl("net.ipv4.ip_forward") == "1",
    ),
    Drift(
        "sysctl-file-removed",
        f"rm {SYSCTL_FILE}",
        f"file/{SYSCTL_FILE}",
        "content",
        lambda n: "net/ipv4/ip_forward = 1" in n.read(SYSCTL_FILE),
    ),
    Drift(
        "module-file-changed",
        f"echo nothing >{MODULE_FILE}",
        f"file/{MODULE_FILE}",
        "content",
        lambda n: "br_netfilter" in n.read(MODULE_FILE).split(),
    ),
)
SWITCHES = (
    Drift(
        "stp-on",
        "ip link set br-lan type bridge stp_state 1",
        "bridge/br-lan",
        "stp",
        lambda n: n.bridge_data("br-lan")["stp_state"] == 0,
        ("br-lan",),  # while the ports listen and learn again, the bridge has no carrier
    ),
    Drift(
        "bridge-down",
        "ip link set br-web down",
        "bridge/br-web",
        "state",
        lambda n: up(n, "br-web"),
        ("br-web",),
    ),
    Drift(
        "ipv6-switched-on",
        "sysctl -q -w net.ipv6.conf.br-dmz.disable_ipv6=0",
        "bridge/br-dmz",
        "ipv6",
        lambda n: (
            n.sysctl("net.ipv6.conf.br-dmz.disable_ipv6") == "1" and n.addresses()["br-dmz"] == []
        ),
    ),
    Drift(
        "port-down",
        f"ip link set {DMZ} down",
        f"port/{DMZ}",
        "state",
        lambda n: up(n, DMZ),
        ("br-dmz", DMZ),
    ),
)
PROFILES = (
    Drift(
        "profile-modified",
        "nmcli connection modify br-dmz bridge.stp yes",
        "bridge/br-dmz",
        "stp",
        lambda n: n.profile("br-dmz")["bridge.stp"] == "no",
    ),
    Drift(
        "autoconnect-off",
        "nmcli connection modify br-lan connection.autoconnect no",
        "bridge/br-lan",
        "autoconnect",
        lambda n: n.profile("br-lan")["connection.autoconnect"] == "yes",
    ),
    Drift(
        "port-profile-deleted",
        f"nmcli connection delete br-dmz-{DMZ}",
        f"port/{DMZ}",
        "profile",
        lambda n: persisted(n, DMZ) and n.controller(DMZ) == "br-dmz",
        ("br-dmz", DMZ),
    ),
    Drift(
        "bridge-profile-deleted",
        "nmcli connection delete br-web",
        "bridge/br-web",
        "profile",
        lambda n: persisted(n, "br-web") and bridge(n, "br-web") and vlan(n),
        ("br-web", WEB),
    ),
)
LOST = (
    Drift(
        "port-detached",
        f"ip link set {LAN} nomaster",
        f"port/{LAN}",
        "bridge",
        lambda n: n.controller(LAN) == "br-lan",
        ("br-lan", LAN, "br-web", WEB),
        rivalled=True,
    ),
    Drift(
        "bridge-deleted",
        "ip link del br-dmz",
        "bridge/br-dmz",
        "link",
        lambda n: bridge(n, "br-dmz") and n.controller(DMZ) == "br-dmz",
        ("br-dmz", DMZ),
        rivalled=True,
    ),
)
ELSEWHERE = (
    Drift(
        "vlan-deleted",
        f"ip link del {WEB}",
        f"vlan/{WEB}",
        "bridge",
        vlan,
        ("br-web", WEB),
        rivalled=True,
    ),
    Drift(
        "port-in-another-bridge",
        f"ip link set {DMZ} master br-lan",
        f"port/{DMZ}",
        "bridge",
        lambda n: n.controller(DMZ) == "br-dmz",
        ("br-dmz", DMZ),
        rivalled=True,
    ),
)


@pytest.fixture(scope="module")
def node() -> Iterator[VmLab]:
    """One node for all: each drift must leave it as it found it."""
    for lab in product.running():
        declare_more(lab)
        yield lab


def declare_more(node: Node) -> None:
    """Declares what the reference state leaves open, to see it drift as well."""
    dmz = f"{{ports: [{DMZ}], mtu: 1400}}"
    web = f"{{ports: [{{vlan: 6, parent: {LAN}}}], vlan-filtering: false}}"
    product.declare(node, product.reference(br_dmz=dmz, br_web=web))
    wait_until(lambda: mtu(node, "br-dmz") == 1400, PATIENCE, "declared")
    product.converged(node)


@pytest.mark.parametrize(
    "drifts",
    [IN_PLACE, SWITCHES, PROFILES, LOST, ELSEWHERE],
    ids=["in place", "switches", "profiles", "lost", "elsewhere"],
)
def test_every_drift_is_repaired_told_and_counted(node: VmLab, drifts: tuple[Drift, ...]) -> None:
    """Rules 3 and 7: no restart, and only what the deeds moved has moved.

    Drifts of different objects happen together; each is told and counted for itself.
    """
    daemon = product.pid(node)
    others = set(LINKS) - {name for drift in drifts for name in drift.moves}
    standing, counted = node.standing(*others), product.scrape(node)
    began = float(node.run("date", "+%s.%N").stdout)
    node.sh("\n".join(drift.deed for drift in drifts))

    def noticed() -> bool:
        now = product.scrape(node)
        return all(seen(now, d) > seen(counted, d) for d in drifts if not d.rivalled)

    for drift in drifts:
        wait_until(lambda d=drift: d.right(node), PATIENCE, drift.name, 0.3)  # type: ignore[misc]
    wait_until(noticed, PATIENCE, "every drift is counted", 0.5)
    told, now = product.converged(node), product.scrape(node)

    assert product.pid(node) == daemon, "without a restart"
    assert node.standing(*others) == standing
    for drift in drifts:
        repairs = [r for r in told["repairs"] if r["time"] >= began and r["object"] == drift.item]
        named = any(drift.property in r["cause"].split("+") for r in repairs)
        assert named or drift.rivalled, (drift.name, told["repairs"][-5:])
        assert all(r["outcome"] == "repaired" for r in repairs), repairs
        assert repaired(now, drift) > repaired(counted, drift) or drift.rivalled, drift.name
    product.assert_reference(node)


def seen(metrics: product.Metrics, drift: Drift) -> float:
    return metrics.total("bridged_drift_total", object=drift.item, property=drift.property)


def repaired(metrics: product.Metrics, drift: Drift) -> float:
    cause = f"*{drift.property}*"
    return metrics.total("bridged_repairs_total", object=drift.item, cause=cause)


def test_what_the_kernel_lost_is_repaired_while_networkmanager_is_away(node: VmLab) -> None:
    """Cases 35: netlink and the rest go on, and it is told.

    Here nobody else can have been the first: the repair is bridged's.
    """
    counted = product.total(node, "bridged_repairs_total", object=f"port/{DMZ}", cause="*bridge*")
    node.run("systemctl", "stop", "NetworkManager")
    node.sh(f"""
        ip link set {DMZ} nomaster
        ip link set br-lan down
        sysctl -q -w net.ipv4.ip_forward=0
    """)
    wait_until(lambda: node.controller(DMZ) == "br-dmz", PATIENCE, "the port is back")
    wait_until(lambda: up(node, "br-lan"), PATIENCE, "the bridge is up")
    wait_until(lambda: node.sysctl("net.ipv4.ip_forward") == "1", PATIENCE, "forwarding is on")
    wait_until(
        lambda: (
            product.total(node, "bridged_repairs_total", object=f"port/{DMZ}", cause="*bridge*")
            > counted
        ),
        PATIENCE,
        "counted",
    )
    told = product.status(node)
    assert not told["network_manager_available"]
    assert product.total(node, "bridged_networkmanager_up") == 0
    standing = node.standing(*LINKS)

    node.run("systemctl", "start", "NetworkManager")
    wait_until(lambda: product.status(node)["network_manager_available"], PATIENCE, "it is back")
    product.converged(node)
    product.assert_reference(node)
    assert node.standing(*LINKS) == standing, "what netlink did, NetworkManager takes as it is"
