"""The benchmark page's part about cold convergence: every way, its ratio to NetworkManager's own
floor, and what it does not do."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tests.bench.aim_cold import exponent, spent_of
from tests.bench.figures import Figures, duration, ratio
from tests.bench.processor import PARTS

Sizes = Mapping[str, Mapping[str, Mapping[str, Sequence[Any]]]]
"""Number -> way -> samples."""
FLOOR, NMCLI, BARE, TOLD = "nm floor", "nmcli", "netlink floor", "asked agent"


class _Way(NamedTuple):
    told: str
    lacks: str
    manager: bool = True
    """Whether NetworkManager runs and takes part."""


_NO_WATCH = "watches nothing"
WAYS = {
    BARE: _Way(
        "the bare netlink floor, without NetworkManager",
        "nothing is left after a boot, nothing is checked or watched",
        False,
    ),
    FLOOR: _Way(
        "NetworkManager's own floor: the changing calls, sent together",
        "looks at nothing, guards nothing, watches nothing; knows the node beforehand",
    ),
    TOLD: _Way("bridged: the running agent, told at once by `bridgedctl apply`", ""),
    "running agent": _Way("bridged: the running agent, from saving the file", ""),
    "bridgedctl apply": _Way("`bridgedctl apply` alone, from the start of its process",
                             "watches only while it runs"),
    NMCLI: _Way("the owner's nmcli commands, as a script",
                f"{_NO_WATCH}; run again, it makes every profile a second time; deletes the cards' "
                "own profiles; no way back"),
    "nmstate": _Way(
        "nmstate {nmstate}: `nmstatectl set`",
        f"{_NO_WATCH}; changes the cards' own profiles; the last release in pure Python (2020)",
    ),
    "netplan NetworkManager": _Way(
        "netplan {netplan.io}, NetworkManager: `netplan apply`",
        f"{_NO_WATCH}; stops NetworkManager and starts it again; does not adopt the cards' own "
        "profiles, which are deleted first; gives addresses of 169.254.0.0/16 where there are to "
        "be none",
    ),
    "netplan networkd": _Way(
        "netplan {netplan.io}, systemd-networkd {systemd}: `netplan apply`",
        "mends no attribute that others change; no profile of NetworkManager is taken over",
        False,
    ),
    "ifupdown2": _Way(
        "ifupdown2 {ifupdown2}: `ifreload -a`",
        f"{_NO_WATCH}; no way back; no profile of NetworkManager is taken over",
        False,
    ),
    "ifstate": _Way(
        "ifstate {ifstate}: `ifstatecli apply`",
        f"{_NO_WATCH}; deletes links and network namespaces that its file does not name, unless "
        "told to ignore them; no profile of NetworkManager is taken over",
        False,
    ),
}  # fmt: skip


def cold(lab: Mapping[str, Any]) -> str:
    """All ways from plain cards to the declared bridges, as a table."""
    found = lab["cold"]
    middles = {way: Figures.of(found[way]["right"]).median for way in found}
    tools = lab.get("tools", {})
    lines = [
        f"## From plain cards to the {lab['layout']} ({lab['where']})",
        "",
        "| way | to NetworkManager's floor | to nmcli | until the kernel has it: median | p99 | "
        "least to most | until it says so | D-Bus calls | of them changing | what it does not do |",
        f"| --- |{' ---: |' * 8} --- |",
    ]
    for way, said in WAYS.items():
        if way not in found:
            continue
        right, done = Figures.of(found[way]["right"]), Figures.of(found[way]["done"])
        calls = lab["calls"].get(way) if said.manager else None
        cells = [
            _named(said.told, tools),
            ratio(right.median / middles[FLOOR]) if FLOOR in middles else "",
            ratio(right.median / middles[NMCLI]),
            duration(right.median),
            duration(right.p99),
            f"{duration(right.low)} to {duration(right.high)}",
            duration(done.median),
            *([str(calls["calls"]), str(calls["changing"])] if calls else ["", ""]),
            said.lacks,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", _remarks(lab), ""]
    return "\n".join(lines)


def _named(told: str, tools: Mapping[str, str]) -> str:
    for name, version in tools.items():
        # Debian's revision tells nothing about the tool.
        told = told.replace(f"{{{name}}}", version.partition("-")[0])
    return told.partition("{")[0].rstrip() if "{" in told else told


def _remarks(lab: Mapping[str, Any]) -> str:
    still, calls = Figures.of(lab["still"]["seconds"]), lab["still"]["calls"]
    said = (
        f"n = {len(lab['cold'][NMCLI]['right'])} each, taking turns; {lab['commands']} commands "
        "are typed by hand (here by a script, which needs no time to think). Once right, a forced "
        f"pass that finds nothing to do takes {duration(still.median)} (p99 "
        f"{duration(still.p99)}, n = {still.n}) with {calls['calls']} D-Bus calls, "
        f"{calls['changing']} of them changing anything, {calls['links']} netlink events and "
        f"{calls['files']} files written."
    )
    if not lab["cold"].keys() & {"ifstate", "ifupdown2", "nmstate"}:
        return f"{said} {_in_the_machine(lab)}".rstrip()
    return (
        f"{said}\n\n"
        "The floors have started, connected and read what they need before the time runs, as the "
        "agent has; every other way begins with its own command, the start of its process "
        "included, its file being there. Tools that work without NetworkManager find it stopped "
        "and the cards up. `netplan apply` runs as it is, but no systemd does: `systemctl` is a "
        "stand-in that stops and starts NetworkManager and does nothing else, `udevadm` one that "
        "does nothing, which spares netplan what these take on a machine. NetworkManager's floor "
        "leaves the same profiles as bridged and sends the same changing calls, less the "
        "checkpoint. nmstate from 1.0 on reads the kernel through nispor, a library in Rust "
        "that is not on PyPI, and in Debian as source only: it does not run here and is not "
        "measured."
    )


def _in_the_machine(lab: Mapping[str, Any]) -> str:
    if "emulated" not in lab:
        return ""
    how = "The machine is emulated, many times slower than hardware for every way. "
    return (
        f"{how if lab['emulated'] else ''}nmstate, netplan, ifupdown2 and ifstate are not in its "
        "image: they are measured with two bridges, in the namespace laboratory."
    )


def many(found: Sizes) -> str:
    """Many bridges with a card each."""
    page = _sizes("From plain cards to many bridges", "bridges", found, "A card each")
    return page + _left_out(found, "nmcli and ifstate take many minutes")


def vlans(lab: Mapping[str, Any]) -> str:
    """Many bridges with a VLAN each."""
    where = f"{lab['where']}, emulated" if lab.get("emulated") else lab["where"]
    found: Sizes = lab["vlans"]
    said = "A bridge for every VLAN, all VLANs on one card"
    page = _sizes(f"From a plain card to many VLANs ({where})", "VLANs", found, said)
    return page + _left_out(found, "nmcli's six commands a VLAN take many minutes") + _spent(found)


def _spent(found: Sizes) -> str:
    """Whose processor time it is, of the two ways through NetworkManager."""
    rows = [
        [
            f"{int(count):,}",
            name,
            *(duration(of[part]) for part in PARTS),
            duration(sum(of.values())),
        ]
        for count, by in found.items()
        for way, name in ((FLOOR, "NetworkManager's floor"), (TOLD, "bridged, told at once"))
        if (of := spent_of(by, way))
    ]
    if not rows:
        return ""
    head = ["VLANs", "way", *PARTS, "together"]
    table = [
        "| " + " | ".join(row) + " |"
        for row in (head, ["---:", "---", *["---:"] * (len(PARTS) + 1)], *rows)
    ]
    said = "Whose processor time it is, until it says so; there is one processor, so it adds up."
    return "\n".join(["", said, "", *table, ""])


def _left_out(found: Sizes, why: str) -> str:
    if all(NMCLI in by for by in found.values()):
        return ""
    return f"Where a way has no figure it was not tried; {why}.\n"


def _sizes(title: str, what: str, found: Sizes, said: str) -> str:
    shown = [way for way in WAYS if any(way in by for by in found.values())]
    names = {TOLD: "bridged, told at once", FLOOR: "NetworkManager's floor", NMCLI: "nmcli",
             BARE: "bare netlink"}  # fmt: skip
    against = {"bridged to the floor": (TOLD, FLOOR)}
    if NMCLI in shown:
        against["nmcli to bridged"] = (NMCLI, TOLD)
    lines = [
        f"## {title}",
        "",
        f"| {what} | {' | '.join(names.get(way, way) for way in shown)} | {' | '.join(against)} |",
        f"| ---: |{' ---: |' * (len(shown) + len(against))}",
    ]
    taken: dict[str, list[tuple[int, float]]] = {way: [] for way in shown}
    for count, by in found.items():
        middles = {way: Figures.of(by[way]["right"]).median for way in shown if way in by}
        for way, middle in middles.items():
            taken[way].append((int(count), middle))
        cells = [duration(middles[way]) if way in middles else "" for way in shown]
        for one, other in against.values():
            both = one in middles and other in middles
            cells.append(ratio(middles[one] / middles[other]) if both else "")
        lines.append(f"| {int(count):,} | {' | '.join(cells)} |")
    if len(found) > 1:
        grown = [
            f"n^{exponent(min(of), max(of)):.2f}" if len(of) > 1 else "" for of in taken.values()
        ]
        lines.append(f"| growth | {' | '.join(grown)} |{' |' * len(against)}")
    numbers = [len(next(iter(by.values()))["right"]) for by in found.values()]
    rounds = " and ".join(map(str, dict.fromkeys(numbers)))
    lines += [
        "",
        f"{said}; the median until the kernel has all of it, n = {rounds}; the rest as above. "
        "Growth: from the smallest number to the largest that a way has.",
        "",
    ]
    return "\n".join(lines)
