"""The bare netlink floor of a cold convergence: make each bridge, put its card in, nothing else.

    python3 -m tests.bench.netlink_floor BRIDGE=CARD...

It prints ``ready``, works once a line comes on stdin, and prints ``done``.  NetworkManager does not
take part, and after a boot nothing of it is there.
"""

import socket
import sys

from tests.lab.demo_links import Changes


def main() -> None:
    """Prepare, wait to be told, work."""
    pairs = [word.split("=", 1) for word in sys.argv[1:]]
    cards = {card: socket.if_nametoindex(card) for _, card in pairs}
    changes = Changes()
    print("ready", flush=True)
    sys.stdin.readline()
    for number, (bridge, card) in enumerate(pairs):
        changes.add_bridge(bridge, f"52:54:00:be:{number >> 8:02x}:{number & 0xFF:02x}")
        changes.controller(cards[card], socket.if_nametoindex(bridge))
    print("done", flush=True)


if __name__ == "__main__":
    main()
