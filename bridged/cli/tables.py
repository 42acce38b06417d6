"""What there is: bridges with their ports and guests, the kernel's settings, what was repaired."""

from collections.abc import Iterable
from typing import Any

from bridged.cli.terminal import Terminal, cells, pad
from bridged.telling.conditions import RIGHT, look, worst
from bridged.telling.members import bridge_names, link_state, members, repair_times
from bridged.telling.words import ago, count, listing

Document = dict[str, Any]

_GAP = "  "
_HEADS = ("BRIDGE", "STATE", "PORTS", "GUESTS", "REPAIRED")
_ROOM = 26
"""Columns that ports and guests need together for the table to be worth reading."""
_KINDS = {
    "module": "modules",
    "sysctl": "sysctls",
    "file": "files",
    "profile": "profiles",
    "package": "packages",
    "runtime": "runtime",
    "swap": "swap",
}
_REPAIRS = 5


class Row:
    """One bridge, put together from its objects and links."""

    __slots__ = ("condition", "guests", "name", "ports", "repaired")

    def __init__(self, name: str, objects: list[Document], links: dict[str, Document], now: float):
        times = repair_times(item["last_repair"] for item in objects)
        self.name = name
        self.condition = worst([item["condition"] for item in objects])
        self.ports = [
            f"{item['name']} {link_state(links.get(item['name']))}"
            for item in objects
            if item["kind"] in {"port", "vlan"}
        ]
        self.guests: list[str] = list(links[name]["guests"]) if name in links else []
        self.repaired = ago(now - max(times)) if times else "-"

    @property
    def said(self) -> str:
        """The condition in a word or two."""
        return "as desired" if self.condition in RIGHT else self.condition


def _rows(document: Document, now: float) -> list[Row]:
    """A row for each bridge, in one walk over the report: it may have a thousand."""
    links = {link["name"]: link for link in document["links"]}
    parts: dict[str, list[Document]] = {name: [] for name in bridge_names(document)}
    for item in document["objects"]:
        bridge = item["name"] if item["kind"] == "bridge" else item["bridge"]
        if bridge in parts:
            parts[bridge].append(item)
    return [Row(name, objects, links, now) for name, objects in parts.items()]


def bridge_table(document: Document, now: float, terminal: Terminal) -> list[str]:
    """The bridges: a table, or a block each where the terminal is too narrow for one."""
    rows = _rows(document, now)
    if not rows:
        return []
    names = max(cells(_HEADS[0]), *(cells(row.name) + 2 for row in rows))
    states = max(cells(_HEADS[1]), *(cells(row.said) for row in rows))
    repairs = max(cells(_HEADS[4]), *(cells(row.repaired) for row in rows))
    room = terminal.width - names - states - repairs - 4 * len(_GAP)
    if room < _ROOM:
        head = terminal.paint("BRIDGES", "bold")
        return [head, *(line for row in rows for line in _stacked(row, terminal))]
    wanted = max(cells(_HEADS[2]), *(cells(", ".join(row.ports)) for row in rows))
    ports = min(wanted, max(room // 2, *(cells(port) for row in rows for port in row.ports), 0))
    ports = min(ports, room - 8)
    guests = min(
        max(cells(_HEADS[3]), *(cells(_guests(row.guests, 10**6)) for row in rows)), room - ports
    )
    widths = (names, states, ports, guests, repairs)
    lines = [_GAP.join(map(pad, _HEADS, widths)).rstrip()]
    lines[0] = terminal.paint(lines[0], "bold")
    for row in rows:
        lines += _table_row(row, widths, terminal)
    return lines


def _table_row(row: Row, widths: tuple[int, ...], terminal: Terminal) -> list[str]:
    symbol, colour = look(row.condition)
    parts = _flow(row.ports, widths[2]) or ["none"]
    first = _GAP.join(
        (
            terminal.paint(terminal.symbol(symbol), colour) + " " + pad(row.name, widths[0] - 2),
            terminal.paint(row.said, colour) + " " * (widths[1] - cells(row.said)),
            pad(parts[0], widths[2]),
            pad(_guests(row.guests, widths[3]), widths[3]),
            row.repaired,
        )
    )
    indent = " " * (widths[0] + widths[1] + 2 * len(_GAP))
    return [first.rstrip(), *(indent + part for part in parts[1:])]


def _stacked(row: Row, terminal: Terminal) -> list[str]:
    symbol, colour = look(row.condition)
    lines = [terminal.paint(f"{terminal.symbol(symbol)} {row.name}  {row.said}", colour)]
    lines += terminal.wrap(", ".join(row.ports) or "none", "    ports   ")
    lines.append(f"    guests  {_guests(row.guests, terminal.width - 12)}")
    if row.repaired != "-":
        lines.append(f"    repaired {row.repaired}")
    return lines


def _flow(parts: Iterable[str], width: int) -> list[str]:
    """`parts` in lines of at most `width`, each part whole."""
    lines: list[str] = []
    for part in parts:
        if lines and cells(lines[-1]) + 2 + cells(part) <= width:
            lines[-1] += f", {part}"
        else:
            lines.append(part)
    return lines


def _guests(guests: list[str], room: int) -> str:
    """Guest ports counted, and named as far as there is room."""
    if not guests:
        return "none"
    number = str(len(guests))
    names = listing(guests, room - len(number) - 2, cells)
    return f"{number}: {names}" if names else number


def kernel_lines(document: Document, terminal: Terminal) -> list[str]:
    """Modules, sysctls and files: a line each while they are right."""
    lines: list[str] = []
    for kind, title in _KINDS.items():
        objects = [item for item in document["objects"] if item["kind"] == kind]
        if not objects:
            continue
        good = [item["name"] for item in objects if item["condition"] == "converged"]
        absent = [item["name"] for item in objects if item["condition"] == "unavailable"]
        bad = len(objects) - len(good) - len(absent)
        colour = look("drift" if bad else "converged")
        head = f"{terminal.symbol(colour[0])} {pad(title, 10)}  "
        said = f"{len(good)} of {len(objects)}" if bad or absent else str(len(good))
        text = f"{said} as desired"
        names = listing(good, terminal.width - cells(head) - cells(text) - 2, cells)
        if kind == "module" and not bad and names:
            text += f": {names}"
        lines.append(terminal.paint(head[:1], colour[1]) + head[1:] + text)
        if absent:
            offered = f"not offered by this host: {', '.join(absent)}"
            lines += terminal.wrap(offered, " " * cells(head))
    return lines


def repair_lines(
    repairs: list[Document], now: float, terminal: Terminal, bridge: str | None = None
) -> list[str]:
    """The last repairs, newest first: how long ago, of what, why, and what was done."""
    newest = sorted(repairs, key=lambda repair: -repair["time"])
    if not newest:
        return []
    lines = [terminal.paint("LAST REPAIRS", "bold")]
    ages = [ago(now - repair["time"]) for repair in newest[:_REPAIRS]]
    width = max(map(len, ages))
    for age, repair in zip(ages, newest, strict=False):
        failed = repair["outcome"] != "repaired"
        symbol, colour = ("bad", "red") if failed else ("ok", "green")
        text = f"{repair['object'].replace('/', ' ', 1)}: "
        if repair["cause"] == "state-file":
            text += "declared anew; "
        elif repair["cause"] != "unknown":
            text += f"{repair['cause'].replace('+', ', ')} drifted; "
        text += repair["action"]
        if failed:
            text += f" failed: {repair['error']}"
        first = f"{terminal.symbol(symbol)} {age.rjust(width)}  "
        rows = terminal.wrap(text, first, " " * (cells(first) if terminal.width >= 60 else 4))
        lines += [terminal.paint(rows[0][:1], colour) + rows[0][1:], *rows[1:]]
    if len(newest) > _REPAIRS:
        more = f"bridgedctl history {bridge or ''}".rstrip()
        lines.append(f"  and {count(len(newest) - _REPAIRS, 'earlier one')} ({more})")
    return lines


def bridge_detail(document: Document, name: str, terminal: Terminal) -> list[str]:
    """One bridge in full: every port with its link, every guest by name."""
    links = {link["name"]: link for link in document["links"]}
    shown = [name, *(o["name"] for o in members(document, name) if o["kind"] in {"port", "vlan"})]
    lines: list[str] = []
    width = max(map(cells, shown)) if terminal.width >= 60 else 0
    for link_name in shown:
        link = links.get(link_name)
        parts = [link_state(link)]
        if link is not None and link["present"]:
            parts += [f"mtu {link['mtu']}", link["address"]]
            parts += [f"{link['speed']} Mbit/s"] if link["speed"] else []
            parts.append(count(link["carrier_changes"], "carrier change"))
            parts += _errors(link["counters"])
        kind = "bridge" if link_name == name else "port" if link is None else link["role"]
        lines += terminal.wrap(
            ", ".join(filter(None, parts)), f"{pad(kind, 6)}  {pad(link_name, width)}  "
        )
    guests = links[name]["guests"] if name in links else []
    text = f"{len(guests)}: {', '.join(guests)}" if guests else "none"
    return lines + terminal.wrap(text, f"{pad('guests', 6)}  ")


def _errors(counters: dict[str, int]) -> list[str]:
    """Errors on a link since it was made, empty where there were none.

    Drops are no news: a bridge drops what nobody wants.
    """
    numbers = ((counters.get(f"{way}_errors", 0), way) for way in ("rx", "tx"))
    return [count(number, f"{way} error") for number, way in numbers if number]
