"""All checks in order: (path of the state file, readings) -> checks.  Looks, changes nothing."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from bridged.desired import lastgood
from bridged.desired.state import State
from bridged.doctor.checks_bridged import check_service, check_state
from bridged.doctor.checks_kernel import check_cards, check_kernel
from bridged.doctor.checks_managers import check_managers
from bridged.doctor.checks_networkmanager import check_networkmanager
from bridged.doctor.libraries import check_libraries
from bridged.doctor.readings import Readings, RealReadings
from bridged.doctor.records import Check, unseen
from bridged.doctor.subject import Subject
from bridged.observe.host import Host
from bridged.plan.matching import matched, resolve
from bridged.serve.defaults import STATE_FILE

_KEPT = "/var/lib/bridged"
"""Where the agent keeps the last good state."""
_NOTHING_KNOWN = unseen(
    "other-managers",
    "who else manages the declared links: no state file tells which they are",
    "correct the state file first",
)


def examine(path: str, socket: str, read: Readings | None = None) -> tuple[Check, ...]:
    """Whether this host is fit for what the state file at `path` declares."""
    real = RealReadings()
    draft = os.path.realpath(path) != os.path.realpath(STATE_FILE)
    loaded, about_state = check_state(path, draft)
    state = loaded.state if loaded else None
    if loaded is None and not draft and (kept := lastgood.load(_KEPT)):
        state = kept.state
    subject = _named(Subject(state or State(version=1), read or real))
    parts: tuple[tuple[str, Callable[[], Iterable[Check]]], ...] = (
        ("bridged", lambda: [*about_state, *check_service(subject, socket), *check_libraries()]),
        ("NetworkManager", lambda: check_networkmanager(subject)),
        ("other managers", lambda: check_managers(subject) if state else [_NOTHING_KNOWN]),
        ("kernel", lambda: check_kernel(subject)),
        ("cards", lambda: check_cards(subject)),
    )
    found = [replace(check, group=group) for group, run in parts for check in _careful(group, run)]
    if real.denied:
        paths = sorted(set(real.denied))
        more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
        said = f"may not be read: {', '.join(paths[:3])}{more}"
        found.append(replace(unseen("permissions", said), group="bridged"))
    return tuple(found)


def _named(subject: Subject) -> Subject:
    """The subject with the names of its cards, where the state tells them by what they are."""
    if not matched(subject.state) or not isinstance(subject.links, tuple):
        return subject
    return replace(subject, state=resolve(subject.state, Host(links=subject.links)))


def _careful(group: str, run: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    """The checks of a group; a fault of one of ours does not take the other groups along."""
    try:
        yield from run()
    except Exception as error:
        said = f"this could not be checked: {type(error).__name__}: {error}"
        yield unseen(group, said, "report it with the output of: bridgedctl doctor --json")
