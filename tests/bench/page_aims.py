"""The benchmark page's first table: each aim, its figure, met or why not.

Whether an aim is met follows from the samples.  Why not is written here, beside the aim, and is
shown only where the samples miss it; what was not measured says so.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tests.bench import aim_cold, aim_drift
from tests.bench.aim import Aim, Document, Outcome, at, figures, in_words, spread
from tests.bench.figures import Figures, duration, ratio

_MEGABYTE = 1000
_P99 = 0.050
"""The most that a scrape may take, or have others wait, in seconds."""


def aims(document: Document) -> str:
    """All aims as a table."""
    lines = [
        "## The aims",
        "",
        "| what | aim | figure (median) | ratio | p99; least to most | |",
        "| --- | --- | ---: | ---: | ---: | --- |",
        *(aim.row(document) for aim in AIMS),
        "",
    ]
    return "\n".join(lines)


# ---------------------------------------------------------------------- passes


def _still(count: int, limit: float) -> Callable[[Document], Outcome | None]:
    def measured(document: Document) -> Outcome | None:
        seen = figures(document, "own", "scale", str(count), "still")
        if seen is None:
            return None
        floor = figures(document, "own", "scale", str(count), "dump")
        times = f"{ratio(seen.median / floor.median)} of a dump unread" if floor else ""
        return Outcome(duration(seen.median), seen.median < limit, times, spread(seen))

    return measured


def _why_still(count: int) -> Callable[[Document], str]:
    def why(document: Document) -> str:
        spent = at(document, "own", "scale", str(count), "phases")
        return (
            f"{duration(spent['observe'])} go into reading the links, {duration(spent['plan'])} "
            f"into comparing them, {duration(spent['collect'])} into collecting garbage; see the "
            "profile"
        )

    return why


_EXPONENT = 1.05
"""What still counts as no faster than n: two sizes a decade apart, measured within a tenth."""


def _why_growth(document: Document) -> str:
    few, many = (at(document, "own", "scale", n) for n in ("100", "1000"))
    parts = {
        "the kernel's own dump": (Figures.of(few["dump"]).median, Figures.of(many["dump"]).median),
        "reading": (few["phases"]["observe"], many["phases"]["observe"]),
        "comparing": (few["phases"]["plan"], many["phases"]["plan"]),
    }
    told = ", ".join(f"{what} {ratio(high / low)} times" for what, (low, high) in parts.items())
    garbage = duration(many["phases"]["collect"])
    return f"{told} what it takes with 100; collecting garbage takes {garbage} of a pass"


def _growth(document: Document) -> Outcome | None:
    few, many = 100, 1000
    low, high = (figures(document, "own", "scale", str(n), "still") for n in (few, many))
    if low is None or high is None:
        return None
    exponent = aim_cold.exponent((few, low.median), (many, high.median))
    figure = f"n^{exponent:.2f} from {few} to {many:,} bridges"
    times = f"{ratio(high.median / low.median)} for {many // few} times as many"
    return Outcome(figure, exponent <= _EXPONENT, times)


def _silence(document: Document) -> Outcome | None:
    seen = at(document, "own", "quiet")
    if seen is None:
        return None
    figure = f"{seen['calls']} calls in {seen['seconds']:.0f} s and {seen['forced']} forced passes"
    return Outcome(figure, seen["calls"] == 0)


# ---------------------------------------------------------------------- the rest


def _processor(document: Document) -> Outcome | None:
    idle = at(document, "own", "idle")
    if idle is None:
        return None
    share = 100 * idle["cpu"] / idle["seconds"]
    return Outcome(f"{share:.3f} %", share < 0.1, "", f"over {idle['seconds']:.0f} s")


def _why_processor(document: Document) -> str:
    parts = at(document, "own", "idle_parts")
    if not parts:
        return "which of its parts take it was not measured"
    return f"{idle_parts(parts)}; caches that others have used meanwhile are cold"


def idle_parts(parts: Mapping[str, Any]) -> str:
    """What an idle agent's looks take, after sleeping and again without a pause; and its threads,
    which do all of it."""
    told = [
        f"a {part} takes {duration(Figures.of(times).median)} of processor "
        f"({duration(parts['warm'][part])} when repeated without a pause)"
        for part, times in parts["cold"].items()
        if times
    ]
    spent = sorted(parts["threads"].items(), key=lambda item: -item[1])[:4]
    a_minute = 60 / parts["seconds"]
    threads = ", ".join(f"{name} {duration(seconds * a_minute)}" for name, seconds in spent)
    return f"{'; '.join(told)}; by thread, a minute: {threads}"


def _wakeups(document: Document) -> Outcome | None:
    idle = at(document, "own", "idle")
    if idle is None:
        return None
    rate = idle["wakeups"] / idle["seconds"]
    return Outcome(f"{rate:.2f} a second", rate < 1, "", f"over {idle['seconds']:.0f} s")


def _why_woken(document: Document) -> str:
    idle = at(document, "own", "idle")
    by = sorted(idle["by_thread"].items(), key=lambda item: -item[1])[:4]
    return "by thread: " + ", ".join(f"{name} {n / idle['seconds']:.2f}" for name, n in by)


def _resident(document: Document) -> Outcome | None:
    idle = at(document, "own", "idle")
    if idle is None:
        return None
    held = idle["memory"]
    rss = [*idle.get("rss", ()), held["rss"]]
    return Outcome(
        f"{held['rss'] / _MEGABYTE:.1f} MB",
        max(rss) < 50 * _MEGABYTE,
        f"{held['pss'] / _MEGABYTE:.1f} MB by share (PSS)",
        f"{min(rss) / _MEGABYTE:.1f} to {max(rss) / _MEGABYTE:.1f} MB",
    )


def _why_resident(document: Document) -> str:
    imports = at(document, "own", "holding", "imports")
    if not imports:
        return "what holds it was not measured"
    most = sorted(imports.items(), key=lambda item: -item[1]["rss"])[:6]
    told = ", ".join(f"{name} {row['rss'] / _MEGABYTE:.0f}" for name, row in most)
    total = sum(row["rss"] for row in imports.values()) / _MEGABYTE
    return f"imports alone take {total:.0f} MB: {told}; see what holds the memory"


def _started(key: str, limit: float) -> Callable[[Document], Outcome | None]:
    def measured(document: Document) -> Outcome | None:
        seen = figures(document, "own", "start", key)
        bare = figures(document, "own", "start", "bare")
        if seen is None or bare is None:
            return None
        times = f"{ratio(seen.median / bare.median)} of a bare interpreter"
        return Outcome(duration(seen.median), seen.median < limit, times, spread(seen))

    return measured


def _why_started(document: Document) -> str:
    bare = figures(document, "own", "start", "bare")
    assert bare is not None
    return f"most of it is imports; an interpreter that does nothing takes {duration(bare.median)}"


def _scrape(document: Document) -> Outcome | None:
    seen = figures(document, "scrape", "1000", "bridged", "seconds")
    if seen is None:
        return None
    peer = figures(document, "scrape", "1000", "node_exporter", "seconds")
    times = f"{ratio(seen.median / peer.median)} of node_exporter" if peer else ""
    return Outcome(duration(seen.median), seen.p99 < _P99, times, spread(seen))


def _why_scraped(document: Document) -> str:
    rows = at(document, "scrape", "1000", "bridged")
    said = (
        f"{rows['series']:,} series, {rows['bytes'] / 1e6:.1f} MB of text are put together for it"
    )
    parts = {name: Figures.of(times).median for name, times in rows.get("parts", {}).items()}
    return ": ".join([said, *filter(None, [in_words(parts)])])


def _held_up(document: Document) -> Outcome | None:
    seen = figures(document, "own", "scale", "1000", "drift_scraped")
    alone = figures(document, "own", "scale", "1000", "drift")
    if seen is None or alone is None:
        return None
    figure = f"{duration(seen.median)}; unscraped {duration(alone.median)}"
    scrapes = len(at(document, "own", "scale", "1000", "scrapes") or ())
    times = f"{ratio(seen.median / alone.median)} of unscraped"
    return Outcome(figure, seen.p99 < _P99, times, f"{spread(seen)}; {scrapes} scrapes")


def _storm(document: Document) -> Outcome | None:
    storm = at(document, "own", "storm")
    if storm is None:
        return None
    figure = f"right {duration(storm['still'])} after the last; {storm['passes']} passes"
    spread = f"{storm['overruns']} overruns; drift amid it mended in {duration(storm['mended'])}"
    return Outcome(figure, bool(storm["converged"]), "", spread)


SOAKS = {
    "passes in memory": ("soak", "memory"),
    "readings of the kernel": ("soak", "kernel"),
    "readings of NetworkManager": ("asking",),
}
"""What was repeated, and where the samples have it."""
_WARM = 2
"""Samples of a soak that come before everything was used once."""


def _flat(document: Document) -> Outcome | None:
    found = {what: at(document, "own", *path) for what, path in SOAKS.items()}
    if not all(found.values()):
        return None
    grown = max(by["rss"][-1] / by["rss"][_WARM] - 1 for by in found.values())
    files = max(by["descriptors"][-1] - by["descriptors"][_WARM] for by in found.values())
    passes = found["passes in memory"]["passes"]
    return Outcome(
        f"{100 * grown:+.1f} % memory, {files:+d} descriptors",
        grown < 0.01 and files <= 0,
        "",
        f"{passes:,} passes; the most of three soaks",
    )


AIMS = (
    *(
        aim
        for layout, lab in (("reference node", "vm"), ("two bridges", "netns"))
        for aim in (
            Aim(
                f"cold convergence, {layout}, against NetworkManager's own floor",
                "within 1.3 times",
                aim_cold.against(aim_cold.floor_of, 1.3, lab),
                aim_cold.why_not_the_floor(lab),
            ),
            Aim(
                f"cold convergence, {layout}, against the owner's nmcli commands",
                "at least 4 times faster (0.25)",
                aim_cold.against(aim_cold.by_hand, 0.25, lab),
                aim_cold.why_not_four(lab),
            ),
        )
    ),
    Aim("no-op pass, 3 bridges", "under 10 ms", _still(3, 0.010), _why_still(3)),
    Aim("no-op pass, 1,000 bridges", "under 150 ms", _still(1000, 0.150), _why_still(1000)),
    Aim(
        "its growth with n",
        f"no faster than n (n^{_EXPONENT} with noise)",
        _growth,
        _why_growth,
    ),
    Aim("D-Bus when nothing was signalled", "no call at all", _silence),
    Aim(
        "drift, 2 bridges: median",
        "within 3 times the floor",
        aim_drift.median_of(aim_drift.few),
        aim_drift.why_few,
    ),
    Aim("drift, 2 bridges: p99", "under 50 ms", aim_drift.p99_of(aim_drift.few)),
    Aim(
        "drift, 1,000 bridges: median",
        "within 3 times the floor",
        aim_drift.median_of(aim_drift.many),
        aim_drift.why_many,
    ),
    Aim(
        "drift, 1,000 bridges: p99",
        "under 50 ms",
        aim_drift.p99_of(aim_drift.many),
        "what the agent does after a repair, it looks at everything, is in the way of the next one",
    ),
    Aim(
        "500 VLANs and 500 bridges",
        "at least 5 times faster than 99 s",
        aim_cold.vlans,
        aim_cold.why_not_vlans,
        "VLANs need the virtual machine (`--lab vm`)",
    ),
    Aim(
        "VLANs with a bridge each: growth with n",
        "no worse than NetworkManager's own",
        aim_cold.growth("vm", "vlans", "VLANs"),
        aim_cold.why_vlans_grow,
        "VLANs need the virtual machine (`--lab vm`)",
    ),
    Aim(
        "bridges with a card each: growth with n",
        "no worse than NetworkManager's own",
        aim_cold.growth("netns", "many", "bridges"),
        aim_cold.GROWN,
    ),
    Aim(
        "idle: processor",
        "under 0.1 % of a core",
        _processor,
        _why_processor,
    ),
    Aim("idle: wake-ups", "under 1 a second", _wakeups, _why_woken),
    Aim("idle: memory (RSS)", "under 50 MB", _resident, _why_resident),
    Aim("agent, start to READY", "under 700 ms", _started("ready", 0.7), _why_started),
    Aim("`bridgedctl status`", "under 120 ms", _started("status", 0.12), _why_started),
    Aim("scrape of 1,000 bridges", "p99 under 50 ms", _scrape, _why_scraped),
    Aim(
        "drift, 1,000 bridges, amid scrapes (10 a second)",
        "the loop not held up: p99 under 50 ms",
        _held_up,
        "the drift takes longer than that without scrapes, or they take the interpreter's lock",
    ),
    Aim("a storm of link events", "right in the end", _storm),
    Aim("a soak", "memory and descriptors flat (1 %)", _flat),
)
