"""The product installed in a virtual machine, handled as an operator would."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.lab.node import Node, wait_until
from tests.lab.qemu import Snapshot
from tests.lab.vm import VmLab, missing, with_checkout
from tests.lab.vm_image import locked

STATE = "/etc/bridged/state.yaml"
PATIENCE = 90
"""Seconds within which an emulated node does what a real one does in two."""

LAN, WEB, DMZ = "enp13s0f0", "enp13s0f0.6", "enp13s0f3"
"""The reference node's ports: the untagged LAN, VLAN 6 on the same card, the DMZ."""
PORTS = {"br-lan": LAN, "br-web": WEB, "br-dmz": DMZ}
ADMIN = "enp8s0"
MODULES = {"overlay", "br_netfilter", "kvm", "vhost_net", "dm_crypt"}
SYSCTLS = {
    "net.ipv4.ip_forward": "1",
    "net.bridge.bridge-nf-call-ip6tables": "1",
    "net.bridge.bridge-nf-call-iptables": "1",
    "net/bridge/bridge-nf-call-arptables": "1",
    "fs.inotify.max_user_watches": "1048576",
    "fs.inotify.max_user_instances": "8192",
}
LINKS = (*PORTS, *PORTS.values())

_RIGHT = ("converged", "unavailable")
_DROP_IN = "/etc/systemd/system/bridged.service.d/test.conf"


def running() -> Iterator[VmLab]:
    """A machine whose reference state bridged has converged; for a fixture to yield from."""
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    lab = VmLab(_converged_snapshot())
    yield lab
    lab.close()


def _converged_snapshot() -> Snapshot:
    base = with_checkout()
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    found = Snapshot(base.folder.with_name(f"{base.folder.name}-converged-{recipe}"))
    with locked("vm-converged"):
        if not found.folder.is_dir():
            lab = VmLab(base)
            lab.install()
            # What sends no event is found by the slow timer: here sooner than each minute.
            options(lab, "--resync", "5")
            start(lab)
            converged(lab)
            assert_reference(lab)
            # The kernel announces each port once more when forward_delay, 15 s, is over, though
            # nothing of it has changed; a node in which nothing happens comes after that.
            lab.run("sleep", "17", timeout=60)
            lab.save(found)
    return found


def start(node: Node) -> None:
    """Starts the service; returns when systemd has had its READY."""
    node.run("systemctl", "start", "bridged", timeout=180)


def options(node: Node, *words: str, service: str = "") -> None:
    """Gives the daemon command line options and its unit further lines, with a drop-in."""
    lines = ["[Service]", "ExecStart=", f"ExecStart=/usr/local/sbin/bridged {' '.join(words)}"]
    node.write(_DROP_IN, "\n".join([*lines, service, ""]))
    node.run("systemctl", "daemon-reload")


def pid(node: Node) -> int:
    """The daemon's process id, 0 while there is none."""
    return int(node.run("systemctl", "show", "-P", "MainPID", "bridged").stdout)


# ------------------------------------------------------------------------------- what it says


def status(node: Node) -> dict[str, Any]:
    """What `bridgedctl status --json` prints."""
    return dict(json.loads(node.run("bridgedctl", "status", "--json", check=False).stdout))


def item(node: Node, name: str) -> dict[str, Any]:
    """One object of the status, by "bridge/br-lan"; empty where there is none."""
    found = (o for o in status(node)["objects"] if f"{o['kind']}/{o['name']}" == name)
    return dict(next(found, {}))


def converged(node: Node, seconds: float = PATIENCE) -> dict[str, Any]:
    """The status, once it tells that everything is as declared."""

    def told() -> dict[str, Any]:
        document = status(node)
        wrong = [o for o in document["objects"] if o["condition"] not in _RIGHT]
        assert document["converged"], (wrong, document["state"]["problems"])
        return document

    return wait_until(told, seconds, "as desired", interval=0.5)


def finding(node: Node, code: str) -> dict[str, Any]:
    """A finding of the status by its code; empty where there is none."""
    return dict(next((f for f in status(node)["findings"] if f["code"] == code), {}))


@dataclass(frozen=True)
class Metrics:
    """One scrape."""

    text: str

    def total(self, metric: str, **labels: str) -> float:
        """The sum of a metric's series with these labels, which may be patterns: "*mtu*"."""
        found = 0.0
        for line in self.text.splitlines():
            match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if match is None or match[1] != metric:
                continue
            have = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
            if all(fnmatchcase(have.get(name, ""), value) for name, value in labels.items()):
                found += float(match[3])
        return found


def scrape(node: Node) -> Metrics:
    """What Prometheus would get."""
    script = """
        exec 3<>/dev/tcp/127.0.0.1/9947
        printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3
        cat <&3
    """
    return Metrics(node.sh(script).stdout.replace("\r", ""))


def total(node: Node, metric: str, **labels: str) -> float:
    """`Metrics.total` of a scrape made now."""
    return scrape(node).total(metric, **labels)


def cursor(node: Node) -> str:
    """A place in the journal, for `journal`."""
    node.run("journalctl", "--sync")
    shown = node.run("journalctl", "-n", "0", "--show-cursor", "-q").stdout
    return shown.split("cursor: ")[1].strip()


def journal(node: Node, after: str) -> list[str]:
    """What bridged and systemd about it wrote to the journal since `cursor`."""
    node.run("journalctl", "--sync")
    shown = node.run("journalctl", "-u", "bridged", "-q", "-o", "cat", f"--after-cursor={after}")
    return shown.stdout.splitlines()


# ------------------------------------------------------------------------------ what it is told


def declare(node: Node, text: str) -> None:
    """Writes the state file, as an editor that renames does."""
    node.write(STATE, text, replace=True)


def reference(**changes: str) -> str:
    """The reference state in short; keywords replace a bridge's or a section's text.

    `reference(br_lan="{ports: [enp13s0f0], mtu: 1400}", modules="[kvm]")`; "" leaves it out.
    """
    bridges = {
        "br-lan": f"{{ports: [{LAN}]}}",
        "br-web": f"{{ports: [{{vlan: 6, parent: {LAN}}}]}}",
        "br-dmz": f"{{ports: [{DMZ}]}}",
    }
    sections = {
        "modules": f"[{', '.join(sorted(MODULES))}]",
        "sysctls": f"{{{', '.join(f'{key}: {value}' for key, value in SYSCTLS.items())}}}",
    }
    for keyword, text in changes.items():
        name = keyword.replace("_", "-") if keyword.startswith("br_") else keyword
        (bridges if name.startswith("br-") else sections)[name] = text
    lines = ["version: 1", "bridges:"]
    lines += [f"  {name}: {text}" for name, text in bridges.items() if text]
    lines += [f"{name}: {text}" for name, text in sections.items() if text]
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------------------------- checks


def assert_reference(node: Node) -> None:
    """Every row of the reference node that links, NetworkManager and the kernel can show."""
    links, addresses = node.links(), node.addresses()
    for bridge, port in PORTS.items():
        assert links[port].get("master") == bridge, (port, links[port].get("master"))
        data = links[bridge]["linkinfo"]["info_data"]
        assert data["stp_state"] == 0, bridge
        assert "UP" in links[bridge]["flags"], bridge
        assert "UP" in links[port]["flags"], port
        assert (addresses[bridge], addresses[port]) == ([], []), bridge
    vlan = links[WEB]
    assert vlan["link"] == LAN
    assert vlan["linkinfo"]["info_data"]["id"] == 6
    assert "REORDER_HDR" in vlan["linkinfo"]["info_data"]["flags"]
    active = {p.device: p for p in node.profiles() if p.device}
    uuids = [active[bridge].uuid for bridge in PORTS]
    fields = ("nmcli", "-g", "ipv4.method,ipv6.method,bridge.stp", "connection", "show", *uuids)
    assert node.run(*fields).stdout.split() == ["disabled", "disabled", "no"] * len(PORTS)
    for bridge, port in PORTS.items():
        for profile in (active[bridge], active[port]):
            assert profile.state == "activated", profile
            assert profile.filename.startswith("/etc/NetworkManager/"), profile
            assert profile.autoconnect, profile
    assert node.modules() >= MODULES
    assert {key: node.sysctl(key) for key in SYSCTLS} == SYSCTLS
