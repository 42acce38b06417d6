"""The topology as a tree in the terminal: (topology, terminal) -> text.  Pure."""

from bridged.cli.terminal import Terminal, cells, pad
from bridged.telling.words import count, listing
from bridged.view.topology import Bridge, Card, Port, Topology

_COLOURS = {"ok": "green", "warn": "yellow", "bad": "red"}
_BRANCHES = {True: ("├─ ", "└─ ", "│  "), False: ("|- ", "`- ", "|  ")}
_WIDEST = 40
"""Columns that names and their branches may take before what is said of them."""

Row = tuple[str, str, str, str]
"""Branches, mark, name, and what is said of it."""


def tree_text(whole: Topology, terminal: Terminal) -> str:
    """Cards, what is on them, and the guests of each bridge, a line each.

    A bridge stands in full below its first port and by name below the others.
    """
    rows: list[Row] = []
    told: set[str] = set()
    for card in whole.cards:
        rows += _card(card, whole, terminal, told)
    for bridge in whole.bridges:
        if bridge.name not in told:
            rows.append(("", bridge.mark, bridge.name, _bridge(bridge)))
            rows += _guests(bridge, "", terminal)
            told.add(bridge.name)
    if not rows:
        return "no bridge is declared\n"
    names = [cells(branch) + cells(name) for branch, kind, name, _ in rows if kind]
    width = min(max(names), _WIDEST)
    lines = [line for row in rows for line in _line(row, width, terminal)]
    return "\n".join(lines) + "\n"


def _card(card: Card, whole: Topology, terminal: Terminal, told: set[str]) -> list[Row]:
    rows: list[Row] = [("", card.mark, card.name, card.said)]
    ports = [
        (port, bridge)
        for bridge in whole.bridges
        for port in bridge.ports
        if port.card == card.name
    ]
    for number, (port, bridge) in enumerate(ports):
        here, below = _step("", number == len(ports) - 1, terminal)
        if port.vlan:
            rows.append((here, port.mark, port.name, port.said))
            here, below = _step(below, True, terminal)
        rows += _below(port, bridge, here, below, terminal, told)
    return rows


def _below(
    port: Port, bridge: Bridge, here: str, below: str, terminal: Terminal, told: set[str]
) -> list[Row]:
    loose = "" if port.plugged else f" · {port.name} not plugged in"
    if bridge.name in told:
        return [(here, bridge.mark, bridge.name, f"see above{loose}")]
    told.add(bridge.name)
    return [
        (here, bridge.mark, bridge.name, _bridge(bridge) + loose),
        *_guests(bridge, below, terminal),
    ]


def _bridge(bridge: Bridge) -> str:
    number = len(bridge.guests)
    return f"{bridge.said} · {count(number, 'guest') if number else 'no guests'}"


def _guests(bridge: Bridge, below: str, terminal: Terminal) -> list[Row]:
    """The guests in as many columns as there are; those that no frame passes first."""
    if not bridge.guests:
        return []
    here, _ = _step(below, True, terminal)
    ranked = sorted(bridge.guests, key=lambda guest: guest.up)
    names = [guest.name if guest.up else f"{guest.name} (down)" for guest in ranked]
    text = listing(names, max(terminal.width - cells(here), 12), cells)
    return [(here, "", text or str(len(names)), "")]


def _step(below: str, last: bool, terminal: Terminal) -> tuple[str, str]:
    """The branch that leads to a child, and what stands before its own children."""
    more, end, through = _BRANCHES[terminal.unicode]
    return below + (end if last else more), below + ("   " if last else through)


def _line(row: Row, width: int, terminal: Terminal) -> list[str]:
    branch, kind, name, said = row
    if not kind:
        return [branch + name]
    said = said.replace("·", terminal.symbol("dot"))
    head = f"{branch}{terminal.paint(terminal.symbol(kind), _COLOURS[kind])} "
    taken = cells(branch) + 2 + max(cells(name), width - cells(branch))
    looks = said if kind == "ok" else terminal.paint(said, _COLOURS[kind])
    if taken + 2 + cells(said) <= terminal.width:
        return [f"{head}{pad(name, width - cells(branch))}  {looks}"]
    if cells(branch) + 4 + cells(name) + cells(said) <= terminal.width:
        return [f"{head}{name}  {looks}"]
    return [head + name, *terminal.wrap(said, " " * (cells(branch) + 2))]
