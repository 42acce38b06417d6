"""Keeping the history on disk, beside the work: a disk that is full, slow or read-only holds up no
repair.

Records are appended by a thread of its own, so that a power cut costs the last ones at most and
never the file.  Two files of at most a megabyte each; the older one goes when the newer is full.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import structlog

from bridged.history import NAME, OLDER, Entry, Wanted, read, select
from bridged.report import Finding, PauseReport, Repair

_MOST_BYTES = 1_000_000
_UNWRITTEN = 500
"""Records that wait for a disk to come back; the oldest go first."""
_RETRY = 30.0
"""Seconds between attempts while the disk does not take them."""
_OFTEN, _WITHIN = 5, 600.0
"""So many of the same within so many seconds are kept one by one; of what follows, one record
stands for all until it becomes quiet or as much time has passed."""


class History:
    """Taking down returns at once; the disk is for a thread of its own.  `directory` None keeps it
    in memory."""

    def __init__(self, directory: Path | None, wall: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._wall = wall
        self._unwritten: deque[Entry] = deque(maxlen=_UNWRITTEN)
        self._times: dict[tuple[str, str, str], deque[float]] = {}
        self._held: dict[tuple[str, str, str], Entry] = {}
        self._bell = threading.Condition()
        self._disk = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._log = structlog.get_logger("bridged")
        self._problem = ""

    # ------------------------------------------------------------------ what happened

    def repair(self, repair: Repair, bridge: str) -> None:
        """Take a repair down."""
        self._add(
            Entry(
                time=repair.time,
                object=repair.object,
                cause=repair.cause,
                action=repair.action,
                outcome=repair.outcome,
                bridge=bridge,
                seconds=round(repair.seconds, 6),
                latency=round(repair.latency, 6),
                error=repair.error,
            )
        )

    def pause(self, begins: bool, pause: PauseReport, by: str) -> None:
        """Take down that a pause begins or ends."""
        self._add(
            Entry(
                time=self._wall(),
                object=f"bridge/{pause.bridge}" if pause.bridge else "node",
                cause=pause.reason,
                action=f"{'paused' if begins else 'resumed'} by {by}" if by else "its time is over",
                outcome="paused" if begins else "resumed",
                bridge=pause.bridge,
            )
        )

    def _add(self, entry: Entry) -> None:
        with self._bell:
            key = entry.object, entry.cause, entry.outcome
            times = self._times.setdefault(key, deque(maxlen=_OFTEN))
            held = self._held.pop(key, None)
            entry = replace(entry, count=entry.count + (held.count if held else 0))
            if len(times) == _OFTEN and 0 <= entry.time - times[0] < _WITHIN:
                self._held[key] = entry
            else:
                times.append(entry.time)
                self._unwritten.append(entry)
            self._release(entry.time)
            self._bell.notify()

    def _release(self, now: float) -> None:
        """Forget what has become quiet; what stood for many is kept then."""
        for key, times in list(self._times.items()):
            if not 0 <= now - times[-1] < _WITHIN and key not in self._held:
                del self._times[key]
        for key, entry in list(self._held.items()):
            if not 0 <= now - entry.time < _WITHIN:
                self._unwritten.append(self._held.pop(key))

    # ------------------------------------------------------------------ what others ask

    def select(self, wanted: Wanted) -> tuple[Entry, ...]:
        """The wanted part, with what is not on disk yet.  Never fails."""
        kept: list[Entry] = []
        with self._disk:  # so that nothing is seen twice, or not at all
            if self._directory is not None:
                with suppress(OSError):  # the finding tells it
                    kept = list(read(self._directory))
            with self._bell:
                rest = [*self._unwritten, *self._held.values()]
        return select([*kept, *rest], wanted)

    def findings(self) -> tuple[Finding, ...]:
        """That the history is not kept, where that is so."""
        problem = self._problem
        if not problem:
            return ()
        remedy = f"make room in {self._directory}, or make it writable: it is tried again by itself"
        return (Finding("history-not-kept", problem, remedy),)

    # ------------------------------------------------------------------ the disk

    def start(self) -> None:
        """Begin to write."""
        if self._directory is not None:
            self._thread = threading.Thread(target=self._run, name="history", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Write what is left, waiting a moment for it at most."""
        with self._bell:
            self._unwritten.extend(self._held.values())
            self._held.clear()
            self._closing = True
            self._bell.notify()
        if self._thread is not None:
            self._thread.join(2.0)

    def _run(self) -> None:
        failed = False
        while True:
            with self._bell:
                if not self._closing and (failed or not self._unwritten):
                    self._bell.wait(_RETRY if failed else None)
                closing = self._closing
            failed = not self._write()
            if closing:
                return

    def _write(self) -> bool:
        """Write what waits; whether the disk took it."""
        with self._disk:
            with self._bell:
                entries = list(self._unwritten)
            if not entries or self._directory is None:
                return True
            try:
                _append(self._directory, b"".join(entry.line() for entry in entries))
            except OSError as error:
                self._tell(f"the history is not kept on disk: {error.strerror or error}")
                return False
            with self._bell:
                while self._unwritten and entries and self._unwritten[0] is entries[0]:
                    self._unwritten.popleft()
                    entries.pop(0)
            self._tell("")
        return True

    def _tell(self, problem: str) -> None:
        """Log once that it fails, and once that it works again."""
        before, self._problem = self._problem, problem
        if problem and not before:
            self._log.warning("history_not_kept", path=str(self._directory), error=problem)
        elif before and not problem:
            self._log.info("history_kept_again", path=str(self._directory))


def _append(directory: Path, lines: bytes) -> None:
    """Append whole lines, on disk before it returns; what was there stays as it was if it fails."""
    path = directory / NAME
    try:
        full = path.stat().st_size + len(lines) > _MOST_BYTES
    except FileNotFoundError:
        full = False
    if full:
        os.replace(path, directory / OLDER)
    # Something else in its place, such as a full FIFO, is not waited for.
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    file = os.open(path, flags, 0o600)
    try:
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            lines = b"\n" + lines  # the last line is torn: what follows is not
        try:
            if os.write(file, lines) < len(lines):
                raise OSError(28, "No space left on device")
            os.fsync(file)
        except OSError:
            os.ftruncate(file, size)
            raise
    finally:
        os.close(file)
