"""Watching the state file's directories.

Directories, not files: an editor or a ConfigMap replaces the file, and a watch on the old one goes
deaf.  No event is believed, not even its path (a symlink swap names only ``..data``): every event
rings, and the content's hash decides.
"""

import os
import socket
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from bridged.agent.doorbell import Doorbell
from bridged.narrow import narrow
from bridged.report import WatchMode

narrow("watchfiles")
from watchfiles._rust_notify import RustNotify  # noqa: E402

_POLL = 1.0
"""Seconds between looks while there is no watch."""
_QUIET, _BURST = 100, 600
"""Milliseconds without a further event that end a burst, and how long one may last: a half-written
file gets time."""
_LOOK = 30.0
"""Seconds between looks whether the directories are still the same ones.  One that is replaced
rings by itself; this is for what is mounted over them or moved above them."""


class StateWatcher(threading.Thread):
    """Rings when something happens in the directories; polls while it cannot watch.

    `directories` is asked again whenever a watch begins: links may lead elsewhere by then.
    """

    def __init__(
        self, directories: Callable[[], Iterable[Path]], ring: Callable[[str], None]
    ) -> None:
        super().__init__(name="state-watcher", daemon=True)
        self.mode: WatchMode = "poll"
        self._directories = directories
        self._ring = ring
        self._deaf = False
        self._stopping = threading.Event()
        self._stop_reader, self._stop_writer = socket.socketpair()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._stop_writer.send(b"x")
        if self.is_alive():
            self.join(3)

    def run(self) -> None:
        """Watch while that works, poll while it does not, until stopped."""
        while not self._stopping.is_set():
            seen = self._identities()
            if seen:
                self._watch(seen)
            self.mode, self._deaf = "poll", True
            self._ring("state-file")
            self._stopping.wait(_POLL)

    def _watch(self, seen: dict[Path, tuple[int, int]]) -> None:
        """Watch until stopped, until a directory was replaced, or until the watch fails.

        watchfiles raises an error of its own, a RuntimeError, when inotify instances run out
        (the limit may be the very thing that we are to raise), and OSError in other cases.
        """
        try:
            with RustNotify([*map(str, seen)], False, False, 0, False, False) as watcher:
                self.mode = "inotify"
                try:
                    with Doorbell(seen) as bell:
                        self._listen(watcher, seen, bell)
                except OSError:  # nothing left for a second instance: ask again and again
                    self._listen(watcher, seen, None)
        except (OSError, RuntimeError):
            return

    def _listen(
        self, watcher: RustNotify, seen: dict[Path, tuple[int, int]], bell: Doorbell | None
    ) -> None:
        """Ring once for every burst of events, and for what came while nothing was watched."""
        if self._deaf:
            self._ring("state-file")
        while not self._stopping.is_set() and self._identities() == seen:
            if bell is None:
                changes = watcher.watch(_BURST, _QUIET, int(_LOOK * 1000), self._stopping)
                if changes not in ("timeout", "stop"):
                    self._ring("state-file")
            elif bell.wait(_LOOK, self._stop_reader):
                watcher.watch(_BURST, _QUIET, _BURST, self._stopping)  # until the burst is over
                bell.hush()
                self._ring("state-file")

    def _identities(self) -> dict[Path, tuple[int, int]]:
        """Device and inode of each directory that is there: a replaced one must be watched anew."""
        found = {}
        for path in self._directories():
            try:
                status = os.stat(path)
            except OSError:
                continue
            found[path] = (status.st_dev, status.st_ino)
        return found
