"""The benchmark page's part about bridged's own cost: many bridges, idle, storms and soaks, and
where time and memory go.  The aims are in `page_aims`."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.bench.aim import at
from tests.bench.figures import Figures, duration, ratio
from tests.bench.page_aims import SOAKS, idle_parts
from tests.bench.plot_lines import Line, flat, growth

_MEGABYTE = 1000
Samples = Mapping[str, Any]


def own(found: Samples) -> str:
    """Everything but the aims."""
    parts = [_scale(found["scale"]), *_idle(found), *_storm(found["storm"])]
    parts += [*_soaks(found), "![memory and descriptors](benchmark-flat.svg)\n"]
    if "holding" in found:
        parts.append(_holding(found["holding"]))
    if "profile" in found:
        parts.append(_profiles(found["profile"]))
    return "\n".join(parts)


def plots(found: Samples) -> dict[str, str]:
    """The plots as SVG, by the name of their file."""
    scale = {int(count): by for count, by in found["scale"].items()}

    def line(name: str, key: str, colour: int = 0, floor: bool = False) -> Line:
        by = {n: Figures.of(_mended(one[key])) for n, one in scale.items() if _mended(one[key])}
        return Line(name, by, colour, floor)

    lines = [
        line("pass that finds nothing", "still"),
        line("a dump, unread", "dump", floor=True),
        line("drift to repaired", "drift", 1),
        line("the floor's repair", "floor", floor=True),
    ]
    runs = {"idle": found["idle"]} | {w: at(found, *path) for w, path in SOAKS.items()}
    panels = {
        "memory (RSS), MB": {w: [kb / _MEGABYTE for kb in by["rss"]] for w, by in runs.items()},
        "file descriptors": {w: by["descriptors"] for w, by in runs.items()},
    }
    return {
        "benchmark-scale.svg": growth("A pass and a drift, by number of bridges", lines),
        "benchmark-flat.svg": flat("Idle and at work", panels),
    }


def _mended(samples: list[float | None]) -> list[float]:
    return [sample for sample in samples if sample is not None]


def _scale(scale: Samples) -> str:
    lines = [
        "## Many bridges",
        "",
        "A port each. The links, their reading and their repair are real; NetworkManager is the "
        "one in memory, for a real one takes minutes to make a thousand bridges, so what a cold "
        "start takes of bridged's own is the planning. Drift: spanning tree is put on at one "
        "bridge by netlink; from the kernel's announcement of that to that of the repair.",
        "",
        "| bridges | cold: the plan | pass that finds nothing: median | p99 | of it looking | "
        "planning | a dump, unread | drift to repaired: median | p99 | the floor's: median | p99 | "
        "ratio |",
        f"|{' ---: |' * 12}",
    ]
    for count, by in scale.items():
        still, dump = Figures.of(by["still"]), Figures.of(by["dump"])
        ours, floor = Figures.of(_mended(by["drift"])), Figures.of(_mended(by["floor"]))
        cells = [f"{int(count):,}", duration(by["plan_all"]), duration(still.median)]
        cells += [duration(still.p99)]
        cells += [duration(by["phases"][phase]) for phase in ("observe", "plan")]
        cells += [duration(dump.median), duration(ours.median), duration(ours.p99)]
        cells += [duration(floor.median), duration(floor.p99), ratio(ours.median / floor.median)]
        lines.append(f"| {' | '.join(cells)} |")
    lost = sum(by[who].count(None) for by in scale.values() for who in ("drift", "floor"))
    numbers = sorted({len(by["drift"]) for by in scale.values()})
    lines += [
        "",
        f"n = {len(next(iter(scale.values()))['still'])} passes and "
        f"{' or '.join(map(str, numbers))} drifts of each size; {lost or 'none'} not repaired. "
        "Each drift meets an agent that has finished with the one before; one that came amid a "
        "pass would wait for its end.",
        "",
        "![a pass and a drift by number of bridges](benchmark-scale.svg)",
        "",
    ]
    return "\n".join(lines)


def _idle(found: Samples) -> Iterator[str]:
    idle = found["idle"]
    seconds, held = idle["seconds"], idle["memory"]
    by = sorted(idle["by_thread"].items(), key=lambda item: -item[1])[:6]
    woken = ", ".join(f"{name} {count / seconds:.2f}" for name, count in by)
    yield from (
        "## Idle, at work, for long",
        "",
        "| what | figure |",
        "| --- | --- |",
        f"| idle for {seconds:.0f} s: processor | {100 * idle['cpu'] / seconds:.3f} % of one |",
        *([f"| of it | {idle_parts(found['idle_parts'])} |"] if "idle_parts" in found else []),
        f"| wake-ups a second | {idle['wakeups'] / seconds:.2f}; by thread: {woken} |",
        f"| memory | {held['rss'] / _MEGABYTE:.1f} MB resident, {held['pss'] / _MEGABYTE:.1f} when "
        f"what is shared counts by share, {held['own'] / _MEGABYTE:.1f} nobody else's |",
        f"| file descriptors, threads | {idle['descriptors'][0]}, then {idle['descriptors'][-1]}; "
        f"{idle['threads']} threads |",
    )


def _storm(storm: Samples) -> Iterator[str]:
    before, after = (memory["rss"] / _MEGABYTE for memory in storm["memory"])
    yield (
        f"| a storm: {storm['events']:,} link events in {storm['seconds']:.0f} s | "
        f"{storm['passes']} passes, {100 * storm['cpu'] / storm['seconds']:.0f} % of a processor, "
        f"{storm['overruns']} overruns; drift in the middle of it mended in "
        f"{duration(storm['mended'])}; still {duration(storm['still'])} after the last event; "
        f"{before:.1f} MB before, {after:.1f} after |"
    )


def _soaks(found: Samples) -> Iterator[str]:
    for what, path in SOAKS.items():
        by = at(found, *path)
        count = by.get("passes") or by["readings"]
        seconds = by["seconds"]
        if not isinstance(seconds, list):
            what += f", in {seconds:.0f} s"
        rss, files = by["rss"], by["descriptors"]
        yield (
            f"| a soak: {count:,} {what} | {rss[0] / _MEGABYTE:.1f} to {rss[-1] / _MEGABYTE:.1f} "
            f"MB, {files[0]} to {files[-1]} descriptors |"
        )
    yield (
        "\nA pass in memory is one of the agent's on a machine in memory, five seconds apart by "
        "its clock; every hundredth has a drift to mend. A day has 17,280 of them."
    )
    yield ""


def _holding(found: Samples) -> str:
    lines = [
        "<details><summary>What holds the memory</summary>",
        "",
        "Imports, one after the other, in a process that does nothing else. A module that several "
        "need counts with the first of them; the last column is what a group adds where all others "
        "but bridged are there already.",
        "",
        "| import | adds, MB | of it on the heap | modules | were it alone missing |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    total = 0
    for group, row in found["imports"].items():
        total += row["rss"]
        alone = found["alone"].get(group)
        cells = [group, f"{row['rss'] / _MEGABYTE:.1f}", f"{row['anonymous'] / _MEGABYTE:.1f}"]
        cells += [str(row["modules"]), "" if alone is None else f"{alone / _MEGABYTE:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    running = found["running"]["rss"] / _MEGABYTE
    lines += [
        f"| together | {total / _MEGABYTE:.1f} | | | |",
        "",
        f"The agent at work has {running:.1f} MB and {found['threads']} threads. It maps: "
        + ", ".join(f"{n} {r['rss'] / _MEGABYTE:.1f}" for n, r in found["mappings"].items())
        + ". Python objects by package, as tracemalloc counts them, MB: "
        + ", ".join(f"{name} {kb / _MEGABYTE:.1f}" for name, kb in found["packages"].items())
        + ".",
        "",
        "</details>",
        "",
    ]
    return "\n".join(lines)


_TOLD = {
    ("still", "own"): "A pass that finds nothing, by own time",
    ("still", "all"): "The same, by time with what is called",
    ("drift", "own"): "What one drift causes, by own time",
    ("drift", "all"): "The same, by time with what is called",
}


def _profiles(found: Samples) -> str:
    lines = [
        f"<details><summary>Where the time goes, {found['count']:,} bridges</summary>",
        "",
        "cProfile, which slows everything down and calls most of all: the shares count, not the "
        "times. Times in ms and calls are those of one pass, or of one drift with all passes that "
        "it causes; by time with what is called only bridged's own functions are told.",
        "",
    ]
    for (which, key), told in _TOLD.items():
        lines += [f"{told}:", "", "| function | calls | own | with what it calls |"]
        lines.append("| --- | ---: | ---: | ---: |")
        for row in found[which][key]:
            spent = f"{row['own']:.1f} | {row['all']:.1f}"
            lines.append(f"| `{row['function']}` | {row['calls']:,.0f} | {spent} |")
        lines.append("")
    return "\n".join([*lines, "</details>", ""])
