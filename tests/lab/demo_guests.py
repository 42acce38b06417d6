"""Two guests that stream frames to each other, and count what got lost.

A guest is a network namespace with a cable (veth) whose other end, vnet0 or vnet1, is plugged into
the bridge by hand, as libvirt does with a machine's tap.  The frames are numbered and of an
Ethernet type of their own; no address is needed.

Run as a process of its own, so that the one that prints and measures does not disturb it::

    python3 -m tests.lab.demo_guests RATE      (frames per second in each direction)

It answers every line on stdin with what happened since the last one, as JSON.
"""

import ctypes
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import IO

GUESTS = {"vnet0": "guest-a", "vnet1": "guest-b"}
"""Port in the bridge: namespace of the guest."""
_TYPE = 0x88B5
"""IEEE 802 local experimental Ethernet type 1."""
_NUMBER = struct.Struct("!Q")
_CLONE_NEWNET = 0x40000000
_IN_FLIGHT = 0.05
"""Seconds that the last frames may be under way before they count as lost."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What happened since the last look: frames sent and lost, and the longest time in seconds in
    which nothing arrived in one of the directions."""

    sent: int
    lost: int
    gap: float


class Guests:
    """Both guests, plugged in and streaming; belongs to the process that shows them."""

    def __init__(self, rate: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.lab.demo_guests", str(rate)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ask()  # answers as soon as it streams

    def take(self) -> Traffic:
        """What happened since the last call."""
        told = self._ask()
        return Traffic(int(told["sent"]), int(told["lost"]), told["gap"])

    def _ask(self) -> dict[str, float]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write("\n")
        stdin.flush()
        answer: dict[str, float] = json.loads(stdout.readline())
        return answer

    def close(self) -> None:
        """Stop streaming."""
        self._process.kill()
        self._process.wait()


def plug_commands(bridge: str) -> list[str]:
    """The commands that make the guests and plug them in."""
    commands = []
    for port, namespace in GUESTS.items():
        commands += [
            f"ip netns add {namespace}",
            f"ip link add {port} type veth peer name eth0 netns {namespace}",
            f"ip -n {namespace} link set eth0 up",
            f"ip link set {port} master {bridge} up",
        ]
    return commands


class _Stream:
    """Frames from one guest to the other."""

    def __init__(self, source: socket.socket, target: socket.socket, rate: int) -> None:
        self._source, self._target, self._rate = source, target, rate
        self._lock = threading.Lock()
        self._sent = self._received = 0
        self._last = time.monotonic()
        self._gap = 0.0
        self._paused = threading.Event()
        for work in (self._send, self._receive):
            threading.Thread(target=work, daemon=True).start()

    def _send(self) -> None:
        address = self._source.getsockname()[4]
        head = b"\xff" * 6 + address + _TYPE.to_bytes(2, "big")
        number, due = 0, time.monotonic()
        while True:
            due = max(due + 1 / self._rate, time.monotonic() - 0.1)
            time.sleep(max(due - time.monotonic(), 0))
            if self._paused.is_set():
                continue
            self._source.send(head + _NUMBER.pack(number) + bytes(46))
            number += 1
            self._sent += 1

    def _receive(self) -> None:
        while True:
            frame = self._target.recv(2048)
            if frame[6:12] == self._target.getsockname()[4]:
                continue  # our own, on its way out
            now = time.monotonic()
            with self._lock:
                self._received += 1
                self._gap = max(self._gap, now - self._last)
                self._last = now

    def pause(self) -> None:
        self._paused.set()

    def take(self) -> Traffic:
        """Counts since the last call; goes on streaming."""
        with self._lock:
            # While nothing arrives the gap goes on; the pause before this call is no part of it.
            gap = max(self._gap, time.monotonic() - self._last - 2 * _IN_FLIGHT)
            traffic = Traffic(self._sent, max(self._sent - self._received, 0), gap)
            self._sent = self._received = 0
            self._gap, self._last = 0.0, time.monotonic()
        self._paused.clear()
        return traffic


def _open(namespace: str) -> socket.socket:
    """A packet socket on the guest's card."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net") as here, open(f"/run/netns/{namespace}") as there:
        _enter(libc, there)
        try:
            found = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_TYPE))
            found.bind(("eth0", _TYPE))
        finally:
            _enter(libc, here)
    return found


def _enter(libc: ctypes.CDLL, namespace: IO[str]) -> None:
    # os.setns came with Python 3.12.
    if libc.setns(namespace.fileno(), _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def main() -> None:
    """Stream until stdin ends."""
    rate = int(sys.argv[1])
    one, other = (_open(namespace) for namespace in GUESTS.values())
    streams = _Stream(one, other, rate), _Stream(other, one, rate)
    for _ in sys.stdin:
        for stream in streams:
            stream.pause()
        time.sleep(_IN_FLIGHT)
        both = [stream.take() for stream in streams]
        answer = {
            "sent": sum(traffic.sent for traffic in both),
            "lost": sum(traffic.lost for traffic in both),
            "gap": max(traffic.gap for traffic in both),
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
