"""Sends and receives numbered Ethernet frames on one interface.  Runs inside a node::

    frames.py send INTERFACE [--count N | until SIGTERM] [--rate R] [--vlan ID] [--stream S]
    frames.py listen INTERFACE [--stream S]               until SIGTERM

Each prints one line `ready`, and at its end one line of JSON: `send` {"sent", "refused"}, where
refused counts those that the kernel did not take; `listen` {"received": distinct frames,
"duplicates", "highest": the highest number or -1, "tags": {VLAN id or "none": frames},
"sources": the MAC addresses that sent them, "longest_gap_ms": between two arrivals}.

Frames are of the EtherType for local experiments, so nothing else answers or counts.  The standard
library only.
"""

import argparse
import json
import select
import signal
import socket
import struct
import time
from types import FrameType
from typing import Any

ETHERTYPE = 0x88B5
_VLAN = 0x8100
_ALL = 0x0003
_OUTGOING = 4
_SOL_PACKET, _PACKET_AUXDATA, _ADD_MEMBERSHIP, _PROMISC = 263, 8, 1, 1
_RECEIVE_BUFFER_FORCE = 33
_AUXDATA = struct.Struct("=IIIHHHH")
_TAG_VALID = 0x10
_PAYLOAD = struct.Struct("!4sIQ")
_MAGIC = b"brdg"

_stopped = False


def _stop(_number: int, _frame: FrameType | None) -> None:
    global _stopped
    _stopped = True


def _open(interface: str) -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
    opened.bind((interface, _ALL))
    return opened


def send(options: argparse.Namespace) -> dict[str, int]:
    """Sends the frames at the asked rate; returns how many went and how many were refused."""
    opened = _open(options.interface)
    head = bytes.fromhex(options.destination.replace(":", "")) + opened.getsockname()[4]
    if options.vlan is not None:
        head += struct.pack("!HH", _VLAN, options.vlan)
    head += struct.pack("!H", ETHERTYPE)
    sent = refused = 0
    print("ready", flush=True)
    started = time.monotonic()
    while not _stopped and (options.count is None or sent + refused < options.count):
        number = sent + refused
        delay = started + number / options.rate - time.monotonic()
        if delay > 0:
            time.sleep(delay)
        payload = _PAYLOAD.pack(_MAGIC, options.stream, number)
        try:
            opened.send((head + payload).ljust(options.size, b"\0"))
            sent += 1
        except OSError:
            refused += 1
    return {"sent": sent, "refused": refused}


def listen(options: argparse.Namespace) -> dict[str, Any]:
    """Receives frames until stopped; returns what came of the stream."""
    opened = _open(options.interface)
    index = socket.if_nametoindex(options.interface)
    membership = struct.pack("=iHH8s", index, _PROMISC, 0, b"")
    opened.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, membership)
    opened.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
    opened.setsockopt(socket.SOL_SOCKET, _RECEIVE_BUFFER_FORCE, 8 << 20)
    opened.setblocking(False)
    numbers: set[int] = set()
    tags: dict[str, int] = {}
    sources: set[str] = set()
    total, gap, before = 0, 0.0, None
    print("ready", flush=True)
    while True:
        # What had arrived when the signal came is still read.
        readable = bool(select.select([opened], [], [], 0 if _stopped else 0.05)[0])
        if not readable:
            if _stopped:
                break
            continue
        try:
            frame, extra, _, address = opened.recvmsg(2048, 256)
        except OSError:  # the interface went down; it may come back
            continue
        if address[2] == _OUTGOING:
            continue
        tag, payload = _untag(frame, extra)
        if payload is None or payload[1] != options.stream:
            continue
        now = time.monotonic()
        if before is not None:
            gap = max(gap, now - before)
        before = now
        total += 1
        numbers.add(payload[2])
        name = "none" if tag is None else str(tag)
        tags[name] = tags.get(name, 0) + 1
        sources.add(frame[6:12].hex(":"))
    return {
        "received": len(numbers),
        "duplicates": total - len(numbers),
        "highest": max(numbers, default=-1),
        "tags": tags,
        "sources": sorted(sources),
        "longest_gap_ms": round(gap * 1000, 1),
    }


def _untag(frame: bytes, extra: list[tuple[int, int, bytes]]) -> tuple[int | None, Any]:
    """The VLAN id, wherever the kernel left it, and the payload (magic, stream, number) or None."""
    tag: int | None = None
    for level, kind, data in extra:
        if level == _SOL_PACKET and kind == _PACKET_AUXDATA:
            fields = _AUXDATA.unpack(data[: _AUXDATA.size])
            if fields[0] & _TAG_VALID:
                tag = fields[5] & 0xFFF
    start = 12
    kind = int.from_bytes(frame[start : start + 2], "big")
    if kind == _VLAN:
        tag = int.from_bytes(frame[start + 2 : start + 4], "big") & 0xFFF
        start += 4
        kind = int.from_bytes(frame[start : start + 2], "big")
    rest = frame[start + 2 :]
    if kind != ETHERTYPE or len(rest) < _PAYLOAD.size or not rest.startswith(_MAGIC):
        return tag, None
    return tag, _PAYLOAD.unpack(rest[: _PAYLOAD.size])


def main() -> None:
    """Parses the command line and does it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    actions = parser.add_subparsers(required=True)
    sender = actions.add_parser("send")
    sender.set_defaults(action=send)
    sender.add_argument("--count", type=int)
    sender.add_argument("--rate", type=float, default=200, help="frames a second")
    sender.add_argument("--vlan", type=int, help="an 802.1Q tag with this id")
    sender.add_argument("--destination", default="ff:ff:ff:ff:ff:ff")
    sender.add_argument("--size", type=int, default=64, help="bytes without checksum")
    listener = actions.add_parser("listen")
    listener.set_defaults(action=listen)
    for command in (sender, listener):
        command.add_argument("interface")
        command.add_argument("--stream", type=int, default=0)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _stop)
    print(json.dumps(options.action(options)), flush=True)


if __name__ == "__main__":
    main()
