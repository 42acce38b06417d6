"""Frames through a node: who gets which, and whether a stream loses any.

Who gets a frame that the switch sends::

    with listening(node, "br-web") as heard, listening(node, "br-lan") as elsewhere:
        send(node, far("enp13s0f0"), netns=WIRE, vlan=6)
    assert heard.received == 10 and elsewhere.received == 0

What a stream between two guests loses while something happens::

    with stream(node, guest_a, guest_b) as flow:
        ...
    assert flow.lost == 0
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.lab.node import Guest, Node, Process, wait_until

_SETTLE = 0.2
"""Seconds for the last frame to get through a node; an emulated one needs a few milliseconds."""


@dataclass
class Heard:
    """What a listener received; filled when its `with` block ends."""

    received: int = 0
    """Frames with different numbers."""
    duplicates: int = 0
    tags: dict[str, int] = field(default_factory=dict)
    """Frames by VLAN id, "6", or "none" for untagged ones."""
    sources: list[str] = field(default_factory=list)
    """The MAC addresses that the frames came from."""
    longest_gap_ms: float = 0


@dataclass
class Flow(Heard):
    """A stream from one place to another; filled when its `with` block ends."""

    sent: int = 0
    lost: int = 0


@contextmanager
def listening(
    node: Node, interface: str, *, netns: str | None = None, stream: int = 0
) -> Iterator[Heard]:
    """Counts the frames of `stream` that arrive on `interface` while the block runs."""
    heard = Heard()
    process = _start(node, "listen", interface, "--stream", str(stream), netns=netns)
    try:
        yield heard
        time.sleep(_SETTLE)
    finally:
        _fill(heard, _result(process))


def send(
    node: Node,
    interface: str,
    *,
    netns: str | None = None,
    count: int = 10,
    rate: float = 200,
    vlan: int | None = None,
    stream: int = 0,
) -> int:
    """Sends `count` broadcast frames from `interface`, `rate` a second, tagged `vlan` if given.

    Returns how many the kernel took.
    """
    argv = [*_frames(node), "send", interface, "--count", str(count), "--rate", str(rate)]
    argv += ["--stream", str(stream), *(["--vlan", str(vlan)] if vlan is not None else [])]
    done = node.run(*argv, netns=netns, timeout=60 + count / rate)
    return int(json.loads(done.stdout.splitlines()[-1])["sent"])


@contextmanager
def flowing(
    node: Node,
    source: tuple[str | None, str],
    target: tuple[str | None, str],
    *,
    rate: float = 200,
    vlan: int | None = None,
    stream: int = 1,
) -> Iterator[Flow]:
    """A stream from `source` to `target`, each (namespace, interface), while the block runs.

    It is known to arrive before the block begins, so a bridge that still learns costs nothing.
    """
    flow = Flow()
    probe(node, source, target, vlan=vlan)
    listener = _start(node, "listen", target[1], "--stream", str(stream), netns=target[0])
    more = [] if vlan is None else ["--vlan", str(vlan)]
    sender = _start(
        node, "send", source[1], "--stream", str(stream), "--rate", str(rate), *more,
        netns=source[0],
    )  # fmt: skip
    try:
        yield flow
    finally:
        sent = _result(sender)
        time.sleep(_SETTLE)
        _fill(flow, _result(listener))
        flow.sent = int(sent["sent"])
        flow.lost = flow.sent - flow.received


@contextmanager
def stream(node: Node, source: Guest, target: Guest, *, rate: float = 200) -> Iterator[Flow]:
    """A stream of frames from one guest to another while the block runs."""
    ends = (source.netns, source.device), (target.netns, target.device)
    with flowing(node, *ends, rate=rate) as flow:
        yield flow


def probe(
    node: Node,
    source: tuple[str | None, str],
    target: tuple[str | None, str],
    *,
    vlan: int | None = None,
    seconds: float = 20,
) -> None:
    """Waits until a frame gets from `source` to `target`; AssertionError if none does."""

    def arrives() -> bool:
        with listening(node, target[1], netns=target[0], stream=99) as heard:
            send(node, source[1], netns=source[0], vlan=vlan, count=3, stream=99)
        return heard.received == 3

    wait_until(arrives, seconds, f"frames get from {source[1]} to {target[1]}")


def _frames(node: Node) -> tuple[str, ...]:
    return (*node.python, f"{node.source}/tests/lab/frames.py")


def _start(node: Node, *argv: str, netns: str | None) -> Process:
    process = node.spawn(*_frames(node), *argv, netns=netns)
    wait_until(lambda: "ready" in process.stdout or not process.running, 30, "ready", interval=0.01)
    assert process.running, process.stderr
    return process


def _result(process: Process) -> dict[str, Any]:
    done = process.stop()
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _fill(heard: Heard, result: dict[str, Any]) -> None:
    heard.received = result["received"]
    heard.duplicates = result["duplicates"]
    heard.tags = result["tags"]
    heard.sources = result["sources"]
    heard.longest_gap_ms = result["longest_gap_ms"]
