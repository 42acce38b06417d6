"""The facts of this node that decide which drop-ins are for it."""

import os
from collections.abc import Callable
from pathlib import Path

from bridged.desired import files
from bridged.desired.errors import Problem, StateError
from bridged.desired.match import Card
from bridged.desired.source import decode
from bridged.desired.when import Facts, parse_labels
from bridged.errors import WorldError
from bridged.observe.cards import names
from bridged.observe.netlink import NetlinkReader
from bridged.observe.protocols import LinkReader


def _hostname() -> str:
    return os.uname().nodename


class FactReader:
    """Reads what is asked for, anew each time.

    `labels` is the file of the node's labels; it need not exist.  `trusted` skips the question who
    may write it.
    """

    def __init__(
        self,
        labels: Path | str,
        links: LinkReader | None = None,
        hostname: Callable[[], str] = _hostname,
        trusted: bool = False,
    ) -> None:
        self._labels = Path(labels)
        self._links = links or NetlinkReader()
        self._hostname = hostname
        self._trusted = trusted

    def __call__(self, needs: frozenset[str]) -> Facts:
        """The facts named in `needs` (`When.needs`); the others are empty."""
        labels, problems = self._read_labels() if "labels" in needs else ({}, ())
        return Facts(
            hostname=self._hostname() if "hostname" in needs else "",
            labels=labels,
            label_file=str(self._labels),
            cards=self._read_cards() if "cards" in needs else (),
            problems=problems,
        )

    def _read_cards(self) -> tuple[Card, ...] | None:
        try:
            return names(self._links.read().links)
        except WorldError:
            return None

    def _read_labels(self) -> tuple[dict[str, str], tuple[Problem, ...]]:
        """None are set where there is no file: a node without labels is a node."""
        if not os.path.lexists(self._labels):
            return {}, ()
        try:
            text = decode(files.read_file(self._labels, trusted=self._trusted))
        except StateError as error:
            return {}, error.problems
        labels, problems = parse_labels(text.file, text.content)
        if not labels and not problems:
            # As likely half of it is written: going by it would undo what drop-ins declare.
            remedy = "write role=kvm, or remove the file if the node has no labels"
            problems = (Problem(text.file, 0, 0, "the file sets no label", remedy),)
        return labels, problems


def facts_beside(state: Path | str, trusted: bool = False) -> FactReader:
    """The reader of the facts for the state file at `state`: its labels are beside it."""
    return FactReader(Path(state).parent / "labels", trusted=trusted)
