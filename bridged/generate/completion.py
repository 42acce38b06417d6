"""Shell completion of `bridgedctl`, from its own parser.

Words that name a bridge or an object are asked of `bridgedctl names` when the key is pressed.
"""

import argparse
from collections.abc import Iterator

import shtab

from bridged.cli.main import command_line

SHELLS = {"bash": "bridgedctl.bash", "zsh": "_bridgedctl", "fish": "bridgedctl.fish"}
"""Shell -> the name of the file that it looks for."""
_BY_METAVAR = {
    "BRIDGE": shtab.cmd("bridgedctl names bridges 2>/dev/null"),
    "OBJECT": shtab.cmd("bridgedctl names objects 2>/dev/null"),
    "PATH": shtab.FILE,
    "FILE": shtab.FILE,
}
_HEAD = "made from bridgedctl's own options by: make generated"


def script(shell: str) -> str:
    """The completion script for a shell."""
    parser = command_line()
    for action in _actions(parser):
        known = _BY_METAVAR.get(str(action.metavar))
        if known is not None:
            action.complete = known  # type: ignore[attr-defined]
    text: str = shtab.complete(parser, shell)
    lines = [line.rstrip() for line in text.splitlines() if "AUTOMATICALLY GENERATED" not in line]
    # The first line of a script for zsh is its #compdef.
    place = 1 if lines[0].startswith("#compdef") else 0
    lines.insert(place, f"# {_HEAD}")
    return "\n".join(lines).strip("\n") + "\n"


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _actions(below)
