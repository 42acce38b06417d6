"""Installing and removing packages with the distribution's own tool.

Every change is rehearsed first.  What would take other packages along is not done.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from bridged.apply.outside import Failed, rehearse, run_outside, tail
from bridged.desired.packages import Database
from bridged.errors import WorldError
from bridged.plan.actions import Action, InstallPackage, RemovePackage

_REHEARSAL = 120.0
_CHANGE = 1800.0
_LOCK = 60
"""Seconds to wait for whoever holds the lock; after that the object waits, not we."""
_SHOWN = 8


class PackageTool(Protocol):
    """The distribution's tool.  Both rehearsals give the packages that would be removed; every
    method raises `WorldError`, ``unavailable`` while somebody else holds the lock."""

    def rehearse_install(self, names: Sequence[str]) -> frozenset[str]: ...

    def rehearse_remove(self, names: Sequence[str]) -> frozenset[str]: ...

    def install(self, names: Sequence[str]) -> None: ...

    def remove(self, names: Sequence[str]) -> None: ...


class PackageWork:
    """Takes the actions of all packages together; `tool` is asked for when there is something."""

    def __init__(self, tool: Callable[[], PackageTool]) -> None:
        self._tool = tool

    def __call__(self, actions: Sequence[Action]) -> Mapping[Action, WorldError]:
        """Do them, those that cannot be done left out; what was wrong with which.

        What is to be present comes first: what is to be absent may only then be unneeded.
        """
        tool = self._tool()
        installs = [action for action in actions if isinstance(action, InstallPackage)]
        removals = [action for action in actions if isinstance(action, RemovePackage)]
        errors: dict[Action, WorldError] = {}
        self._change(installs, tool.rehearse_install, tool.install, errors)
        self._change(removals, tool.rehearse_remove, tool.remove, errors)
        return errors

    def _change(
        self,
        actions: Sequence[InstallPackage | RemovePackage],
        rehearse: Callable[[Sequence[str]], frozenset[str]],
        change: Callable[[Sequence[str]], None],
        errors: dict[Action, WorldError],
    ) -> None:
        good = []
        for action in actions:
            try:
                _refuse_more(action, rehearse([action.package]))
                good.append(action)
            except WorldError as error:
                errors[action] = error
        try:
            if len(good) > 1:  # each alone may be harmless and all of them not
                together = rehearse([action.package for action in good])
                for action in good:
                    _refuse_more(action, together - {other.package for other in good})
            if good:
                change([action.package for action in good])
        except WorldError as error:
            errors.update(dict.fromkeys(good, error))


def _refuse_more(action: InstallPackage | RemovePackage, going: Iterable[str]) -> None:
    """Raise where packages would go that nobody listed."""
    asked = {action.package}
    if isinstance(action, RemovePackage):
        asked |= action.along
    more = sorted(set(going) - asked)
    if more:
        rest = f" and {len(more) - _SHOWN} more" if len(more) > _SHOWN else ""
        raise WorldError(
            "refused", f"{action.describe()} would also remove {', '.join(more[:_SHOWN])}{rest}"
        )


class AptGet:
    """apt-get, never answering a question and never overwriting a configuration file."""

    _LOCKED = ("could not get lock", "unable to acquire the dpkg", "is another process using it")
    _QUIET: Mapping[str, str] = {
        "DEBIAN_FRONTEND": "noninteractive",
        "APT_LISTCHANGES_FRONTEND": "none",
        "NEEDRESTART_MODE": "l",
    }

    def __init__(self, options: Sequence[str] = ()) -> None:
        """`options` are added to every command, behind our own."""
        self._options = tuple(options)

    def rehearse_install(self, names: Sequence[str]) -> frozenset[str]:
        return self._rehearse("install", names)

    def rehearse_remove(self, names: Sequence[str]) -> frozenset[str]:
        return self._rehearse("remove", names)

    def install(self, names: Sequence[str]) -> None:
        self._change("install", ["--no-install-recommends", "--no-remove"], names)

    def remove(self, names: Sequence[str]) -> None:
        self._change("remove", [], names)

    def _rehearse(self, verb: str, names: Sequence[str]) -> frozenset[str]:
        options = ["--no-install-recommends"] if verb == "install" else []
        command = ["apt-get", "-s", "-q", *options, *self._options, verb, "--", *names]
        said = rehearse(command, _REHEARSAL, self._QUIET)
        return removed_by_apt(said)

    def _change(self, verb: str, options: Sequence[str], names: Sequence[str]) -> None:
        command = [
            "apt-get", "-q", "-y", "-o", f"DPkg::Lock::Timeout={_LOCK}",
            "-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold",
            *options, *self._options, verb, "--", *names,
        ]  # fmt: skip
        try:
            run_outside("packages", command, _CHANGE, self._QUIET)
        except Failed as error:
            raise _locked(error, self._LOCKED) from None


class Dnf:
    """dnf, with what it removes limited to what is named."""

    _LOCKED = ("waiting for process", "another app is currently holding", "already locked")
    _OPTIONS = (
        "-q", "-y", "--setopt=exit_on_lock=True", "--setopt=clean_requirements_on_remove=False",
        "--setopt=install_weak_deps=False",
    )  # fmt: skip

    def __init__(self, options: Sequence[str] = ()) -> None:
        """`options` are added to every command, behind our own."""
        self._options = (*self._OPTIONS, *options)

    def rehearse_install(self, names: Sequence[str]) -> frozenset[str]:
        return self._rehearse("install", names)

    def rehearse_remove(self, names: Sequence[str]) -> frozenset[str]:
        return self._rehearse("remove", names)

    def install(self, names: Sequence[str]) -> None:
        self._change("install", names)

    def remove(self, names: Sequence[str]) -> None:
        self._change("remove", names)

    def _rehearse(self, verb: str, names: Sequence[str]) -> frozenset[str]:
        options = [option for option in self._options if option not in {"-q", "-y"}]
        try:
            said = rehearse(["dnf", "--assumeno", *options, verb, *names], _REHEARSAL)
        except Failed as error:
            # "Operation aborted." is how it ends when it was told to answer no.
            if "operation aborted" not in error.output.lower():
                raise _locked(error, self._LOCKED) from None
            said = error.output
        return removed_by_dnf(said)

    def _change(self, verb: str, names: Sequence[str]) -> None:
        try:
            run_outside("packages", ["dnf", *self._options, verb, *names], _CHANGE, {})
        except Failed as error:
            raise _locked(error, self._LOCKED) from None


def tool_of(database: Database | None) -> PackageTool:
    """The tool of a package database.  Raises `WorldError` where there is none."""
    if database is None:
        raise WorldError("not-found", "this host has neither dpkg nor rpm")
    return AptGet() if database == "dpkg" else Dnf()


def removed_by_apt(said: str) -> frozenset[str]:
    """The packages that a simulation of apt-get removes: lines such as ``Remv docker.io [1.0]``."""
    return frozenset(re.findall(r"^(?:Remv|Purg) (\S+)", said, re.M))


def removed_by_dnf(said: str) -> frozenset[str]:
    """The packages under the headings of dnf's table that tell of removal."""
    found: set[str] = set()
    removing = False
    for line in said.splitlines():
        if re.match(r"(Removing|Obsoleting)\b.*:$", line.strip()):
            removing = True
        elif not line.startswith(" "):
            removing = False
        elif removing and len(fields := line.split()) >= 3:
            found.add(fields[0])
        for name in re.findall(r"^\s+replacing\s+(\S+)\.\S+ ", line):
            found.add(name)
    return frozenset(found)


def _locked(error: Failed, sayings: Iterable[str]) -> WorldError:
    """The error, told apart where somebody else is at work with the packages."""
    if any(saying in error.output.lower() for saying in sayings):
        return WorldError(
            "unavailable", f"somebody else is at work with the packages: {tail(error.output, 200)}"
        )
    return error
