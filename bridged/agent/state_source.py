"""The desired state in force: the file as long as it is good, else the last good one."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from bridged.desired import files, lastgood
from bridged.desired.errors import Problem, StateError
from bridged.desired.loader import (
    STATE_FILE,
    FactsReader,
    Loaded,
    Parsed,
    load_sources,
    no_facts,
    parse_sources,
)
from bridged.desired.source import Source, digest
from bridged.desired.state import State
from bridged.errors import WorldError
from bridged.report import Finding, StateFileReport

_STILL = 0.05
"""Seconds without a change after which a changed file is believed."""
_LOOKS = 20
_RETRY = 30.0
"""Seconds between attempts to keep the last good state while the disk does not take it."""

_HIDDEN = ("/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/")
"""What the unit shows the daemon empty (ProtectHome=, PrivateTmp=)."""


class FileSource:
    """Reads the state file and its drop-ins; what is unchanged is not parsed again.

    `facts` reads what decides for which nodes a drop-in is; it is asked at every refresh while a
    drop-in depends on it.  `directory` is where the last good state is kept, None to keep none.
    `error` is what is wrong with what is on disk, None where nothing is.
    """

    def __init__(
        self,
        path: Path | str = STATE_FILE,
        directory: Path | None = None,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        facts: FactsReader = no_facts,
    ) -> None:
        self._in_force: State | None = None
        self._loaded: Loaded | None = None
        self._tried: Loaded | None = None
        self._report = StateFileReport(str(path), False)
        self._trial: tuple[State, StateFileReport] | None = None
        self.error: StateError | None = None
        self._path = Path(path)
        self._directory = directory
        self._wall = wall
        self._sleep = sleep
        self._facts = facts
        self._parsed: Parsed | None = None
        self._left_out: tuple[str, ...] | None = None
        self._former: tuple[str, ...] | None = None
        self._seen: object = None
        self._modified: float | None = None
        self._unkept: tuple[Loaded, float] | None = None
        self._retry = 0.0
        self._problem = ""
        self._log = structlog.get_logger("bridged")

    @property
    def directories(self) -> tuple[Path, ...]:
        """The directories in which a change may be a change of the state, links followed too."""
        return tuple(sorted(files.watched(self._path)))

    @property
    def state(self) -> State | None:
        """What is in force, None before any good state was seen."""
        return self._trial[0] if self._trial else self._in_force

    @property
    def report(self) -> StateFileReport:
        """What is said of it."""
        report = self._trial[1] if self._trial else self._report
        return replace(report, modified=self._modified)

    def where(self, *path: str) -> str:
        """``FILE:LINE`` of what is declared at `path`, "" where that is not known: after a start
        with a broken file only the values of the last good one are."""
        loaded = self._tried if self._trial else self._loaded
        return loaded.where(*path) if loaded else ""

    def findings(self) -> tuple[Finding, ...]:
        """That the state in force is not kept, where that is so: an older one would come back."""
        if not self._problem:
            return ()
        message = f"{self._problem}; a restart while the state file has errors would go by an older"
        remedy = f"make room in {self._directory}, or make it writable: it is tried again by itself"
        return (Finding("last-good-not-kept", message, remedy),)

    def try_out(self, path: str) -> None:
        """Put another file in force until `end_trial`; with the same drop-ins.

        Raises StateError where it cannot be used; everything stays as it is then.
        """
        try:
            loaded = load_sources(files.read(path, files.drop_ins_beside(self._path)), self._facts)
        except StateError as error:
            raise _hidden(path, error) from None
        report = StateFileReport(
            str(self._path), True, loaded.hash, self._wall(), "trial", trial=path,
            left_out=tuple(map(str, loaded.left_out)),
        )  # fmt: skip
        self._trial, self._tried = (loaded.state, report), loaded
        self._log.info("trial_begins", path=path, hash=loaded.hash[:12])

    def end_trial(self) -> None:
        """What is on disk is in force again."""
        if self._trial is not None:
            self._trial = self._tried = None
            self._log.info("trial_ended", path=str(self._path))

    def refresh(self, complete: bool = False) -> bool:
        """Read again; whether what is in force, or what is said of it, changed.  `complete` tells
        that whoever wrote the files says that he has finished."""
        self._modified = files.modified(self._path)
        if self._unkept and time.monotonic() >= self._retry:
            self._keep(*self._unkept)
        try:
            sources = self._read(complete)
        except StateError as error:
            return self._refuse(error, str(error))
        fingerprint = digest(sources)
        if fingerprint == self._seen and not self._others_count():
            return False
        return self._take(sources, fingerprint)

    def _others_count(self) -> bool:
        """Whether other drop-ins than before are for this node now, or it can be told no more."""
        if self._parsed is None or not self._parsed.needs:
            return False
        try:
            return self._parsed.left_out(self._facts(self._parsed.needs)) != self._left_out
        except StateError as error:
            return str(error) != str(self.error)

    def _read(self, complete: bool) -> Sequence[Source]:
        """The files; a change is looked at again until it stands still."""
        try:
            sources: Sequence[Source] = files.read(self._path)
        except StateError as error:
            if self._in_force is None or str(error) == self._seen:
                raise
            self._sleep(_STILL)  # it may be gone for the moment of a rename only
            sources = files.read(self._path)
        if self._seen is not None and not complete and digest(sources) != self._seen:
            sources = self._settled(sources)
        return sources

    def _settled(self, sources: Sequence[Source]) -> Sequence[Source]:
        """The files once they stand still: half of a file can be a valid file with less in it."""
        for _ in range(_LOOKS):
            last = files.touched(self._path)
            if last is not None and time.time() - last >= _STILL:
                break  # it stood still before it was read
            self._sleep(_STILL)
            again = files.read(self._path)
            if digest(again) == digest(sources):
                break
            sources = again
        return sources

    def _take(self, sources: Sequence[Source], fingerprint: str) -> bool:
        self._parsed = self._left_out = None
        try:
            self._parsed = parsed = parse_sources(sources)
            left_out = self._judged(parsed)
            self._left_out = self._former = left_out
            loaded = parsed.load(left_out)
        except StateError as error:
            self._seen = None
            return self._refuse(error, fingerprint)
        self._seen, self.error = fingerprint, None
        now = self._wall()
        again = loaded.hash == self._report.hash and self._report.source == "file"
        self._in_force, self._loaded = loaded.state, loaded
        self._report = StateFileReport(
            str(self._path), True, loaded.hash, now, "file",
            left_out=tuple(map(str, loaded.left_out)),
        )  # fmt: skip
        self._log.info(
            "state_loaded",
            path=str(self._path),
            hash=loaded.hash[:12],
            **({"left_out": list(self._report.left_out)} if loaded.left_out else {}),
        )
        if not again:
            self._keep(loaded, now)
        return True

    def _judged(self, parsed: Parsed) -> tuple[str, ...]:
        """For each file why it is left out.  What would leave out others than before is looked at
        until it stands still: half of the labels can be labels too.  Raises StateError."""
        left_out = parsed.left_out(self._facts(parsed.needs))
        if self._former is None or "labels" not in parsed.needs:
            return left_out
        last = self._former
        for _ in range(_LOOKS):
            if left_out == last:
                break
            self._sleep(_STILL)
            last, left_out = left_out, parsed.left_out(self._facts(parsed.needs))
        return left_out

    def _refuse(self, error: StateError, fingerprint: str) -> bool:
        """What is on disk cannot be used: the last good state stays in force."""
        if fingerprint == self._seen:
            return False
        self._seen, self.error = fingerprint, error
        before, problems = self._report, tuple(map(str, error.problems))
        if self._in_force is None:
            self._fall_back(problems)
        else:
            self._report = StateFileReport(
                before.path, False, before.hash, before.loaded, "last-good", problems,
                left_out=before.left_out,
            )  # fmt: skip
        for problem in error.problems:
            self._log.error(
                "state_refused",
                where=problem.where,
                problem=problem.message,
                remedy=problem.remedy,
            )
        return True

    def _fall_back(self, problems: tuple[str, ...]) -> None:
        """Right after a start, what was in force before it."""
        kept = lastgood.load(self._directory) if self._directory else None
        if kept is None:
            self._report = StateFileReport(str(self._path), False, problems=problems)
            return
        self._in_force = kept.state
        self._report = StateFileReport(
            str(self._path), False, kept.hash, kept.time, "last-good", problems
        )

    def _keep(self, loaded: Loaded, now: float) -> None:
        if self._directory is None:
            return
        before = self._problem
        try:
            lastgood.save(self._directory, loaded, now)
        except WorldError as error:
            self._unkept, self._problem = (loaded, now), str(error)
            self._retry = time.monotonic() + _RETRY
            if self._problem != before:
                self._log.warning("last_good_state_not_kept", error=self._problem)
            return
        self._unkept, self._problem = None, ""
        if before:
            self._log.info("last_good_state_kept_again", path=str(self._directory))


def _hidden(path: str, error: StateError) -> StateError:
    """The error, or that the unit hides the candidate, which the operator sees."""
    if not path.startswith(_HIDDEN) or "no such file" not in error.problems[0].message:
        return error
    message = "bridged cannot see this file: its unit hides home directories and /tmp from it"
    return StateError([Problem(path, 0, 0, message, "put it beside the state file: /etc/bridged")])
