"""The bare netlink floor of a cold convergence: make each bridge, put its card or VLAN in, nothing
else.

    python3 -m tests.bench.netlink_floor BRIDGE=PORT...

It prints ``ready``, works once a line comes on stdin, and prints ``done``.  NetworkManager does not
take part, and after a boot nothing of it is there.
"""

import socket
import sys

from tests.lab.demo_links import Changes


def main() -> None:
    """Prepare, wait to be told, work."""
    pairs = [word.split("=", 1) for word in sys.argv[1:]]
    names = {port.partition(".")[0] for _, port in pairs}
    cards = {name: socket.if_nametoindex(name) for name in names}
    changes = Changes()
    print("ready", flush=True)
    sys.stdin.readline()
    for number, (bridge, port) in enumerate(pairs):
        changes.add_bridge(bridge, f"52:54:00:be:{number >> 8:02x}:{number & 0xFF:02x}")
        card, _, vlan = port.partition(".")
        if vlan:
            changes.add_vlan(port, cards[card], int(vlan))
        index = socket.if_nametoindex(port) if vlan else cards[card]
        changes.controller(index, socket.if_nametoindex(bridge))
    print("done", flush=True)


if __name__ == "__main__":
    main()
