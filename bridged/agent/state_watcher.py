"""Watching the state file's directories.

Directories, not files: an editor or a ConfigMap replaces the file, and a watch on the old one goes
deaf.  No event is believed, not even its path (a symlink swap names only ``..data``): every event
rings, and the content's hash decides.
"""

import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from watchfiles import watch

from bridged.report import WatchMode

_POLL = 1.0
"""Seconds between looks while there is no watch."""
_QUIET = 200
"""Milliseconds without a further event that end a burst: a half-written file gets time.  It is also
how often watchfiles wakes up on a still host."""


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
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self.is_alive():
            self.join(3)

    def run(self) -> None:
        """Watch while that works, poll while it does not, until stopped."""
        while not self._stopping.is_set():
            seen = self._identities()
            if seen:
                self._watch(seen)
            self.mode = "poll"
            self._ring("state-file")
            self._stopping.wait(_POLL)

    def _watch(self, seen: dict[Path, tuple[int, int]]) -> None:
        """Watch until stopped, until a directory was replaced, or until the watch fails.

        watchfiles raises an error of its own, a RuntimeError, when inotify instances run out
        (the limit may be the very thing that we are to raise), and OSError in other cases.
        """
        try:
            for changes in watch(
                *seen,
                recursive=False,
                watch_filter=None,
                debounce=600,
                step=_QUIET,
                rust_timeout=5000,
                yield_on_timeout=True,
                stop_event=self._stopping,
                raise_interrupt=False,
            ):
                self.mode = "inotify"
                if changes:
                    self._ring("state-file")
                if self._identities() != seen:
                    return
        except (OSError, RuntimeError):
            return

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
