"""The benchmark page's parts about guests, a rival, and scrapes."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from tests.bench.figures import Figures, duration
from tests.bench.operators import CHANGES
from tests.bench.peers import VERSION

_WAYS = {
    "bridged": "bridged",
    "NetworkManager alone": "NetworkManager alone",
    "nmcli": "a script with nmcli",
    "nmstate": f"nmstate {VERSION}, applied again",
}


def guests(lab: Mapping[str, Any]) -> str:
    """Frames lost for each event and way, as a table."""
    rate, found = lab["rate"], lab["guests"]
    lines = [
        "## What guests notice",
        "",
        f"Two guests on br-lan send each other {rate:,} frames a second in each direction. Frames "
        "lost, the median of the rounds (the most in parentheses, where it differs), and for how "
        "long nothing arrived in one direction.",
        "",
        f"| what happens | {' | '.join(_WAYS.values())} |",
        f"| --- | {' | '.join('---:' for _ in _WAYS)} |",
    ]
    for event, by in found.items():
        cells = (_lost(by[way]) if way in by else "" for way in _WAYS)
        lines.append(f"| {event} | {' | '.join(cells)} |")
    rounds = len(next(iter(found.values()))["bridged"])
    lines += [
        "",
        f"n = {rounds} each. *For good*: at the end of the watched time both guests, or one, were "
        "still without their bridge, and nothing was under way that would bring them back. Changed "
        f"one by one: {', '.join(change.bridged[0] for change in CHANGES)}; with nmcli by `nmcli "
        "device reapply`, and by `nmcli connection up` where NetworkManager refuses that; "
        "*without*: what was then still as before; nmstate is not asked for a priority, which it "
        "takes only with the spanning tree on. After a "
        "restart of NetworkManager nobody does anything.",
        "",
    ]
    return "\n".join(lines)


def _lost(rounds: Sequence[Mapping[str, Any]]) -> str:
    gone = [seen for seen in rounds if not seen["plugged"] or seen["gap"] > 3]
    if gone:
        return "**for good**" if len(gone) == len(rounds) else f"for good in {len(gone)}"
    lost = sorted(int(seen["lost"]) for seen in rounds)
    middle, most = int(median(lost)), lost[-1]
    missed = sorted({name for seen in rounds for name in seen["missed"]})
    without = f", without {', '.join(missed)}" if missed else ""
    if most == 0:
        return f"**0**{without}"
    more = f" ({most:,})" if most != middle else ""
    return f"{middle:,}{more}, {duration(median(seen['gap'] for seen in rounds))}{without}"


def rival(seen: Mapping[str, Any]) -> str:
    """What a minute with a rival came to."""
    repairs = seen["other_repairs"]
    others = "as declared" if set(seen["others"]) == {"converged"} else ", ".join(seen["others"])
    told = f"after {duration(seen['told'])}" if seen["told"] is not None else "not"
    return "\n".join(
        [
            "## A rival",
            "",
            f"Somebody writes 0 into net.ipv4.ip_forward, declared as 1, ten times a second for "
            f"{seen['seconds']:.0f} s.",
            "",
            "| what | figure |",
            "| --- | --- |",
            f"| the rival's writes | {seen['rival']} |",
            f"| bridged's writes | {seen['ours']} |",
            f"| told as `contended` | {told} |",
            f"| bridged's processor time | {100 * seen['cpu'] / seen['seconds']:.1f} % of one |",
            f"| the other objects at the end | {others} |",
            f"| another object's drift meanwhile | {len(repairs)} times repaired, the slowest in "
            f"{duration(max(repairs))} |",
            f"| when the rival has gone: right again | {duration(seen['after'])} |",
            "",
        ]
    )


def scrape(found: Mapping[str, Any]) -> str:
    """Scrapes by number of bridges, beside node_exporter."""
    lines = [
        "## A scrape",
        "",
        "Bridges with a card each. node_exporter runs with the collectors that know of links only "
        "(netdev, netclass, bonding) and reads the kernel; bridged answers from its last report, "
        "made up here for the same links, and tells of every object and property besides.",
        "",
        "| bridges | bridged: median | p99 | series | size | "
        "node_exporter: median | p99 | series | size |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for count, by in found.items():
        cells = [f"{int(count):,}"]
        for who in ("bridged", "node_exporter"):
            if who not in by:
                cells += ["not measured", "", "", ""]
                continue
            seen = Figures.of(by[who]["seconds"])
            size = by[who]["bytes"] / 1000
            cells += [duration(seen.median), duration(seen.p99), f"{by[who]['series']:,}"]
            cells += [f"{size:,.0f} kB"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])
