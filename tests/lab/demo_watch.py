"""Telling when the node went wrong and when it was right again, by the kernel's own messages.

The reference node is written down here once more, on purpose: what bridged is shown to keep must
not be judged by what bridged has read.
"""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.demo_links import Links

_FILE_INTERVAL = 0.002
"""Seconds between looks at a file under /proc or /sys, which sends no event."""
_SETTLED = 0.4
"""Seconds that the node has to stay right before a repair counts as ended."""

Right = Callable[[Links], bool]


@dataclass(frozen=True)
class Wanted:
    """What the node must have: bridge -> its declared ports, and where the guests are."""

    ports: Mapping[str, tuple[str, ...]]
    guests: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def right(self, links: Links) -> bool:
        """Whether every bridge is there, up, without spanning tree, with its ports and guests."""
        for bridge, ports in self.ports.items():
            link = links.named(bridge)
            if link is None or not link.up or link.stp:
                return False
            members = (*ports, *self.guests.get(bridge, ()))
            if not all(links.in_bridge(port, bridge) for port in members):
                return False
        return True

    def missing(self, links: Links) -> str:
        """The first thing that is not right, in words; empty if all is."""
        for bridge, ports in self.ports.items():
            link = links.named(bridge)
            if link is None:
                return f"there is no {bridge}"
            if not link.up:
                return f"{bridge} is down"
            if link.stp:
                return f"{bridge} has spanning tree on"
            for port in (*ports, *self.guests.get(bridge, ())):
                if not links.in_bridge(port, bridge):
                    return f"{port} is not an active port of {bridge}"
        return ""


def contains(path: str, text: str) -> Right:
    """Whether a file (under /proc or /sys) reads as `text`; one that is not there does not."""

    def right(links: Links) -> bool:
        with suppress(OSError):
            return Path(path).read_text().strip() == text
        return False

    return right


def loaded(module: str) -> Right:
    """Whether a kernel module is loaded."""
    return lambda links: Path("/sys/module", module).is_dir()


def every(*parts: Right) -> Right:
    """Whether all of these are right."""
    return lambda links: all(part(links) for part in parts)


@dataclass(frozen=True, slots=True)
class Repair:
    """How it went: whether the node was wrong at all, when (monotonic seconds), and for how long,
    None if it still is."""

    began: float | None
    seconds: float | None


class Watch:
    """Watches from its construction until `close`, in a thread of its own."""

    def __init__(self, right: Right, files: bool) -> None:
        """`files` tells that `right` reads files, whose changes send no message."""
        self._right = right
        self._files = files
        self._changes: list[tuple[float, bool]] = []
        self._stopping = False
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()

    def repaired(self, limit: float, grace: float = 1.0) -> Repair:
        """Wait until the node is right again and stays so, at most `limit` seconds; it has `grace`
        seconds to become wrong in the first place."""
        deadline = time.monotonic() + limit
        quiet = time.monotonic() + grace
        while time.monotonic() < deadline:
            time.sleep(0.02)
            changes = list(self._changes)
            if not changes:
                if time.monotonic() > quiet:
                    break
                continue
            last, right = changes[-1]
            if right and time.monotonic() - last > _SETTLED:
                break
        self.close()
        changes = list(self._changes)
        wrong = [when for when, right in changes if not right]
        if not wrong:
            return Repair(None, None)
        last, right = changes[-1]
        return Repair(wrong[0], last - wrong[0] if right else None)

    @property
    def became_right(self) -> float | None:
        """When (monotonic seconds) it was last seen to become right."""
        return next((when for when, right in reversed(self._changes) if right), None)

    def close(self) -> None:
        """Stop watching."""
        self._stopping = True
        self._thread.join()

    def _run(self) -> None:
        links = Links()
        before = self._right(links)
        self._ready.set()
        while not self._stopping:
            came = links.wait(_FILE_INTERVAL if self._files else 0.05)
            if came is None and not self._files:
                continue
            now = self._right(links)
            if now != before:
                self._changes.append((came or time.monotonic(), now))
                before = now
        links.close()
