"""Drop-ins that are not for this node, and why: the same words wherever it is told."""

from collections.abc import Iterable

from bridged.cli.terminal import Terminal
from bridged.telling.words import count, escape


def left_out_lines(left_out: Iterable[object], terminal: Terminal) -> list[str]:
    """What of the state files is left out; nothing where nothing is."""
    items = [escape(str(item)) for item in left_out]
    if not items:
        return []
    lines = terminal.wrap(f"{count(len(items), 'drop-in')} left out, not for this node:")
    for item in items:
        lines += terminal.wrap(item, "  ", "    ")
    return lines
