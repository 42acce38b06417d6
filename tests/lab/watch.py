"""What changed on a node while a block ran::

with watching(node) as seen:
    ...
assert seen.still, seen
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.lab.node import Node, wait_until


@dataclass
class Seen:
    """What `buswatch.py` recorded; filled when the `with` block ends."""

    seconds: float = 0
    calls: dict[str, int] = field(default_factory=dict)
    """How often each D-Bus method of NetworkManager was called, by anybody."""
    changes: list[str] = field(default_factory=list)
    """The calls that may have changed something: "interface.method path"."""
    links: list[str] = field(default_factory=list)
    """The kernel's announcements: "newlink br-lan: up mtu=1500 controller=-"."""
    addresses: list[str] = field(default_factory=list)
    routes: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    """Writes to configuration and sysctls: "modify /etc/sysctl.d/90-bridged.conf"."""

    @property
    def still(self) -> bool:
        """Whether nothing was changed, by anybody: no call, no link, no address, no file.

        Routes do not count: the kernel announces those that expire or are refreshed, too.
        """
        return not (self.changes or self.links or self.addresses or self.files)

    @property
    def total_calls(self) -> int:
        """All D-Bus calls to NetworkManager, reading ones included."""
        return sum(self.calls.values())


@contextmanager
def watching(node: Node, paths: Sequence[str] = ()) -> Iterator[Seen]:
    """Records what changes on the node while the block runs; `paths` are watched as well."""
    seen = Seen()
    more = [word for path in paths for word in ("--path", path)]
    process = node.spawn(*node.python, f"{node.source}/tests/lab/buswatch.py", *more)
    wait_until(lambda: "ready" in process.stdout or not process.running, 60, "ready", interval=0.01)
    assert process.running, process.stderr
    try:
        yield seen
    finally:
        done = process.stop(timeout=60)
        assert done.returncode == 0, done.stderr
        for name, value in json.loads(done.stdout.splitlines()[-1]).items():
            setattr(seen, name, value)
