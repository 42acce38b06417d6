"""`make demo`: the reference node converges before one's eyes, drifts, and is repaired.

    python3 -m tests.lab.demo [--lab netns|vm] [--fast]

It all happens in a laboratory: network namespaces on a small Debian tree where this machine's
kernel can make VLANs, else a virtual machine.  Neither can reach this machine's network, which is
looked at before and after.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.lab import netns
from tests.lab.demo_screen import WIDTH, Screen
from tests.lab.node import Node

_CONFIG = """\
[main]
no-auto-default=
[keyfile]
unmanaged-devices=interface-name:vnet*
"""
"""What a node has and the laboratory's own configuration has not: automatic profiles for its cards,
and guests that NetworkManager leaves alone, as udev's rules for veth and libvirt's for vnet do."""


_INTERRUPTED = 130
"""Exit status of what ^C ended."""


def _vlan_here() -> bool:
    """Whether this machine's kernel can make VLANs."""
    probe = "ip link add p type dummy && ip link add link p name p.2 type vlan id 2"
    command = ["unshare", "--net", "sh", "-c", probe]
    return subprocess.run(command, capture_output=True).returncode == 0


def _here() -> dict[str, Any]:
    """This machine's network, as far as it could be touched: links, addresses, routes."""
    found: dict[str, Any] = {}
    for what in ("link", "address", "route"):
        shown = subprocess.run(["ip", "-j", what], capture_output=True, text=True).stdout
        found[what] = [
            {k: v for k, v in item.items() if k not in _MOVING}
            | {"addr_info": [(a["local"], a["prefixlen"]) for a in item.get("addr_info", [])]}
            for item in json.loads(shown or "[]")
        ]
    return found


_MOVING = {"valid_life_time", "preferred_life_time", "flags", "operstate", "addr_info"}
"""What changes by itself on a machine that nobody touches."""


def _open(lab: str) -> Node:
    """The laboratory, running."""
    if lab == "netns":
        why = netns.missing("trixie")
        if why and os.geteuid() == 0:
            subprocess.run([Path(__file__).with_name("trees"), "trixie"], check=True)
            why = netns.missing("trixie")
        if why:
            raise SystemExit(f"demo: {why}")
        node = netns.NetnsLab("trixie", config=_CONFIG, start_nm=False)
        node.spawn("lab", "nm-start")  # its start-up ends when the cards have given up on DHCP
        return node
    from tests.lab import vm

    return vm.open_demo()


def main() -> int:
    """Run the demonstration; its exit status."""
    parser = argparse.ArgumentParser(prog="demo", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--lab", choices=("netns", "vm"), help="which laboratory to use")
    parser.add_argument("--fast", action="store_true", help="no pauses for a reader")
    parser.add_argument("--colour", action="store_true", default=sys.stdout.isatty())
    options = parser.parse_args()
    screen = Screen(options.fast, colour=options.colour)
    vlan = _vlan_here()
    lab = options.lab or ("netns" if vlan else "vm")
    before = _here()
    screen.line(screen.paint("bridged: the reference node, from nothing".center(WIDTH), "title"))
    screen.line()
    began = time.monotonic()
    node = _open(lab)
    try:
        screen.say(_introduction(lab, vlan, time.monotonic() - began))
        if lab == "netns" and not vlan:
            screen.line()
            screen.say(
                "NOT THE WHOLE REFERENCE NODE: this machine's kernel has no VLANs (8021q), so "
                "br-web is left out here. --lab vm shows all of it.", "bad",
            )  # fmt: skip
        screen.line()
        code = _tell(node, lab, vlan, options)
    except KeyboardInterrupt:
        code = _INTERRUPTED
    finally:
        node.close()
    return _farewell(screen, before == _here(), code)


def _tell(node: Node, lab: str, vlan: bool, options: argparse.Namespace) -> int:
    """Run the story inside, on this terminal; its exit status."""
    command = [*node.python, "-m", "tests.lab.demo_story"]
    command += ["--fast"] * options.fast + ["--colour"] * options.colour
    if lab == "netns":
        command += ["--no-modules"] + ["--no-vlan"] * (not vlan)
    else:
        command += ["--limit", "90", "--rate", "50"]
    return subprocess.run(node.outer(command), stdin=subprocess.DEVNULL).returncode


def _introduction(lab: str, vlan: bool, seconds: float) -> str:
    if lab == "netns":
        return (
            "Everything below happens in network namespaces of its own, with a NetworkManager, a "
            f"D-Bus and a root file system of its own: made in {seconds:.1f} s, gone at the end. "
            "Kernel modules cannot be shown here; --lab vm has them."
        )
    return (
        f"Everything below happens in a virtual machine, ready after {seconds:.0f} s: Debian with "
        "systemd and a kernel of its own. It is emulated where there is no hardware support, and "
        "all times are then many times what they are on a node."
    )


def _farewell(screen: Screen, untouched: bool, code: int) -> int:
    screen.line()
    if code == _INTERRUPTED:
        screen.say("Interrupted; the laboratory is gone.")
    elif code == 0:
        screen.say("Everything was repaired.", "good")
    else:
        screen.say(f"SOMETHING WAS NOT REPAIRED (exit status {code}); see above.", "bad")
    if untouched:
        screen.say(
            "Your own network was not touched: links, addresses and routes of this machine are as "
            "they were before."
        )
        return code
    screen.say(
        "This machine's links, addresses or routes have changed meanwhile. The laboratory cannot "
        "reach them; something else on this machine does."
    )
    return code


if __name__ == "__main__":
    sys.exit(main())
