"""What the tests of the worlds share: programs that judge, and how to start from nothing.

The tests run inside a namespace laboratory and ask `ip` and `nmcli` what there is, never the code
under test alone.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from bridged.plan.actions import AddProfile, ObjectId

NICS = ("enp13s0f0", "enp13s0f3", "enp8s0")
BRIDGE = ObjectId("bridge", "br-lan")
BRIDGE_UUID = "6f2f1c1e-54a5-5d7e-9a53-000000000001"
PORT_UUID = "6f2f1c1e-54a5-5d7e-9a53-000000000002"
MAC = "52:54:00:11:22:33"

needs_laboratory = pytest.mark.skipif(
    os.environ.get("NMLAB") != "1", reason="runs inside the namespace laboratory"
)


def run(*command: str, check: bool = True) -> str:
    """What a program prints."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout


def ip_link(name: str) -> dict[str, Any]:
    """The link as `ip` sees it."""
    found: list[dict[str, Any]] = json.loads(run("ip", "-d", "-j", "link", "show", "dev", name))
    return found[0]


def index_of(name: str) -> int:
    """The ifindex of a link."""
    return int(ip_link(name)["ifindex"])


def nmcli(*arguments: str, check: bool = True) -> str:
    """What nmcli prints, terse."""
    return run("nmcli", "-t", *arguments, check=check).strip()


def wait_for(
    condition: Callable[[], Any], seconds: float = 5.0, why: str = "did not come about in time"
) -> float:
    """Seconds until the condition held; fails the test if it never does."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, why
        time.sleep(0.005)
    return time.monotonic() - began


def descriptors() -> int:
    """Open files of this process; GLib's own thread may hold one for a moment longer."""
    return len(os.listdir("/proc/self/fd"))


def clean() -> None:
    """Only the NICs of the laboratory, up, in no bridge; no profile but the loopback's."""
    for line in nmcli("-f", "UUID,TYPE", "connection", check=False).splitlines():
        uuid, _, kind = line.partition(":")
        if kind != "loopback":
            nmcli("connection", "delete", "uuid", uuid, check=False)
    for link in json.loads(run("ip", "-j", "link")):
        if link["ifname"] not in (*NICS, "lo"):
            run("ip", "link", "del", link["ifname"], check=False)
    for nic in NICS:
        run("ip", "link", "set", nic, "nomaster")
        run("ip", "link", "set", nic, "up", "mtu", "1500")
        run("lab", "carrier", nic, "up")


def bridge_profile(**bridge: Any) -> AddProfile:
    """A bridge for virtual machines, as the plan would make it."""
    return AddProfile(
        object=BRIDGE,
        reason="test",
        uuid=BRIDGE_UUID,
        settings={
            "connection": {
                "id": "br-lan",
                "uuid": BRIDGE_UUID,
                "type": "bridge",
                "interface-name": "br-lan",
                "autoconnect": True,
                "autoconnect-ports": 1,
            },
            "bridge": {"stp": False, "mac-address": bytes.fromhex(MAC.replace(":", ""))} | bridge,
            "802-3-ethernet": {},
            "ipv4": {"method": "disabled"},
            "ipv6": {"method": "disabled"},
        },
    )


def port_profile(nic: str = NICS[0]) -> AddProfile:
    """The profile of a NIC that is a port of br-lan."""
    return AddProfile(
        object=ObjectId("port", nic),
        reason="test",
        uuid=PORT_UUID,
        settings={
            "connection": {
                "id": f"br-lan-{nic}",
                "uuid": PORT_UUID,
                "type": "802-3-ethernet",
                "interface-name": nic,
                "controller": "br-lan",
                "port-type": "bridge",
                "autoconnect": True,
                "autoconnect-priority": 100,
            },
            "802-3-ethernet": {},
            "bridge-port": {},
        },
    )


def add_guest(name: str = "vnet0") -> None:
    """A guest's port in br-lan, plugged by hand as libvirt would."""
    run("ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}-vm")
    run("ip", "link", "set", f"{name}-vm", "up")
    run("ip", "link", "set", name, "master", "br-lan", "up")
