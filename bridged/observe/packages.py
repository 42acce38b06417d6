"""Installed packages: dpkg's status file, or the rpm database asked by its own tool.

Read again only when the database changed.  Whether a repository knows a name is asked only of
what is missing; that takes the package tools, so whoever must not wait reads in a thread
(`agent/package_watch.py`).
"""

import difflib
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bridged.beyond import unconfined
from bridged.desired.packages import Database, equivalents
from bridged.errors import WorldError
from bridged.observe.node import Packages

_DPKG = "var/lib/dpkg/status"
_RPM = ("usr/lib/sysimage/rpm", "var/lib/rpm")
_RPM_FILES = ("rpmdb.sqlite", "rpmdb.sqlite-wal", "Packages.db", "Packages")
_LISTS = ("var/lib/apt/lists", "var/cache/dnf")
_ENVIRONMENT = {"PATH": "/usr/sbin:/sbin:/usr/bin:/bin", "LC_ALL": "C", "HOME": "/root"}
_NEAR = 3
_CLOSE = 0.75
Stamp = tuple[tuple[str, int, int], ...]


class PackageReader:
    """Reads below `root`."""

    def __init__(self, root: Path = Path("/"), timeout: float = 60.0) -> None:
        self._root = root
        self._timeout = timeout
        self._last: tuple[frozenset[str], Stamp, Packages] | None = None

    def read(self, names: Iterable[str]) -> Packages:
        """What is known of `names` and of what they may be called here."""
        wanted, stamp = frozenset(names), self.stamp()
        if self._last is not None and self._last[:2] == (wanted, stamp):
            return self._last[2]
        found = self._read(wanted)
        # What could not be read may be readable next time.
        self._last = None if found.reason else (wanted, stamp, found)
        return found

    def stamp(self) -> Stamp:
        """What changes whenever packages or package lists do; a few calls of stat."""
        files = [_DPKG, *(f"{folder}/{name}" for folder in _RPM for name in _RPM_FILES), *_LISTS]
        return tuple(self._stamps(files))

    def _stamps(self, files: Iterable[str]) -> Iterator[tuple[str, int, int]]:
        for name in files:
            try:
                seen = os.stat(self._root / name)
            except OSError:
                continue
            yield name, seen.st_mtime_ns, seen.st_ino

    def database(self) -> Database | None:
        """Which database this host's distribution goes by; its tools may both be installed."""
        words = set(_os_release(self._root / "etc/os-release"))
        dpkg = (self._root / _DPKG).is_file()
        rpm = self._rpm_folder() is not None
        if dpkg and (not rpm or words & {"debian", "ubuntu"}):
            return "dpkg"
        if rpm and (not dpkg or words & {"rhel", "fedora", "centos", "suse", "opensuse"}):
            return "rpm"
        return "dpkg" if dpkg else None

    def _rpm_folder(self) -> Path | None:
        folders = (self._root / folder for folder in _RPM)
        return next((f for f in folders if any((f / name).is_file() for name in _RPM_FILES)), None)

    def _read(self, wanted: frozenset[str]) -> Packages:
        database = self.database()
        if database is None:
            return Packages(reason="this host has neither dpkg nor rpm", asked=wanted)
        names = {other for name in wanted for other in equivalents(name, database)}
        try:
            if database == "dpkg":
                text = (self._root / _DPKG).read_text(errors="replace")
                installed, broken, provided = from_dpkg(text, names)
            else:
                installed, broken, provided = self._from_rpm(sorted(names))
        except (OSError, WorldError) as error:
            return Packages(reason=f"the {database} database cannot be read: {error}", asked=wanted)
        there = {*installed, *provided, *broken}
        missing = {
            name for name in wanted if not there & set(equivalents(name, database))
        }  # fmt: skip
        known, near = self._look_up(database, missing) if missing else ({}, {})
        return Packages(database, installed, broken, provided, known, near, "", wanted)

    # ------------------------------------------------------------------ rpm

    def _from_rpm(
        self, names: Sequence[str]
    ) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        folder = self._rpm_folder()
        query = ["rpm", "--dbpath", str(folder), "-q", "--qf"]
        installed: dict[str, str] = {}
        form = "%{NAME}\\t%{VERSION}-%{RELEASE}\\n"
        for name, _, version in _rows(self._ask([*query, form, "--", *names], fails=True)):
            if name in names and version:
                installed.setdefault(name, version)
        provided: dict[str, str] = {}
        for name in (name for name in names if name not in installed):
            rows = _rows(
                self._ask([*query, form, "--whatprovides", "--", name], fails=True)
            )  # fmt: skip
            provider = next((row[0] for row in rows if row[2]), None)
            if provider is not None:
                provided[name] = provider
        return installed, {}, provided

    # ------------------------------------------------------------------ what could be installed

    def _look_up(
        self, database: Database, missing: set[str]
    ) -> tuple[dict[str, bool | None], dict[str, tuple[str, ...]]]:
        """Whether a repository has the missing names, and names like those that none has."""
        names = {other for name in missing for other in equivalents(name, database)}
        everything = self._catalogue(database)
        if not everything:
            return dict.fromkeys(names, None), {}
        known: dict[str, bool | None] = {name: name in everything for name in names}
        near = {
            name: tuple(difflib.get_close_matches(name, everything, _NEAR, _CLOSE))
            for name in missing
            if not any(known[other] for other in equivalents(name, database))
        }
        return known, near

    def _catalogue(self, database: Database) -> frozenset[str]:
        """Every name that a repository has, as far as was fetched; empty where nobody can tell."""
        if self._root != Path("/"):
            return frozenset()
        command = ["apt-cache", "pkgnames"]
        if database == "rpm":
            command = ["dnf", "-q", "-C", "repoquery", "--qf", "%{name}\\n"]
        try:
            return frozenset(self._ask(command).split())
        except WorldError:
            return frozenset()

    def _run(self, command: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=self._timeout,
            env=_ENVIRONMENT,
        )

    def _ask(self, command: Sequence[str], fails: bool = False) -> str:
        """What a tool prints; `fails` where it ends badly for a name that it does not know.

        rpm calls every package not installed when it cannot open its database: what it complains
        of tells the one from the other.
        """
        try:
            done = self._run(unconfined(command, self._timeout, _ENVIRONMENT))
            if done.returncode and done.stderr.startswith(b"Failed to "):
                done = self._run(command)  # systemd did not run it for us
        except subprocess.TimeoutExpired:
            raise WorldError(
                "timeout", f"{command[0]} did not answer in {self._timeout:g} s"
            ) from (None)
        except OSError as error:
            raise WorldError("not-found", f"{command[0]}: {error.strerror}") from None
        words = " ".join(done.stderr.decode(errors="replace").split())
        if done.returncode and (not fails or "error:" in words):
            raise WorldError("failed", f"{command[0]}: {words or f'exit {done.returncode}'}")
        return done.stdout.decode(errors="replace")


def from_dpkg(
    text: str, names: Iterable[str]
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Versions of the installed ones among `names`, states of those that are neither installed nor
    removed, and which installed package provides a name."""
    wanted = frozenset(names)
    installed: dict[str, str] = {}
    broken: dict[str, str] = {}
    provided: dict[str, str] = {}
    for block in text.split("\n\n"):
        name = _field(block, "Package")
        provides = _field(block, "Provides")
        if name not in wanted and not provides:
            continue
        state = _field(block, "Status").split()[-1:] or [""]
        if state[0] == "installed":
            if name in wanted:
                installed[name] = _field(block, "Version")
            offers = (item.split("(")[0].strip() for item in provides.split(","))
            provided.update({offer: name for offer in offers if offer in wanted})
        elif name in wanted and state[0] not in {"not-installed", "config-files", ""}:
            broken[name] = state[0]
    return installed, broken, {n: p for n, p in provided.items() if n not in installed}


def _field(block: str, name: str) -> str:
    """One field of a block of the status file; those asked for here have one line each."""
    start = 0 if block.startswith(f"{name}:") else block.find(f"\n{name}:") + 1
    if not start and not block.startswith(f"{name}:"):
        return ""
    end = block.find("\n", start)
    return block[start + len(name) + 1 : end if end >= 0 else None].strip()


def _rows(text: str) -> list[tuple[str, str, str]]:
    return [line.partition("\t") for line in text.splitlines()]


def _os_release(path: Path) -> list[str]:
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return []
    values: Mapping[str, str] = dict(re.findall(r"^(ID|ID_LIKE)=[\"']?([^\"'\n]*)", text, re.M))
    return " ".join(values.values()).lower().split()
