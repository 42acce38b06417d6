"""The benchmark page's part about bridged's own cost: each aim, its figure, met or why not."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from tests.bench.figures import Figures, duration, ratio

_MEGABYTE = 1000


class _Row(NamedTuple):
    what: str
    figure: str
    aim: str
    met: bool
    why: str = ""


def own(found: Mapping[str, Any], calls: int | None) -> str:
    """The aims as a table, then what was counted; `calls` is how many D-Bus calls a forced pass
    makes that finds nothing, None where that was not counted."""
    rows = [*_passes(found["scale"]), *_calls(calls), *_idle(found["idle"])]
    rows += [
        *_start(found["start"]),
        *_storm(found["storm"]),
        *_soak(found["soak"] | {"asked": found["asking"]}),
    ]
    lines = [
        "## What bridged itself costs",
        "",
        "| what | figure | aim | |",
        "| --- | --- | --- | --- |",
        *(f"| {r.what} | {r.figure} | {r.aim} | {'met' if r.met else r.why} |" for r in rows),
        "",
        "Many bridges: the links, their reading and their repair are real, NetworkManager is the "
        "one in memory; a real one takes minutes to make a thousand bridges.",
        "",
        "| bridges | pass that finds nothing: median | p99 | of it looking | planning | "
        "drift: until it is mended | the first plan |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for count, by in found["scale"].items():
        still = Figures.of(by["still"])
        cells = [f"{int(count):,}", duration(still.median), duration(still.p99)]
        cells += [duration(by["phases"][phase]) for phase in ("observe", "plan")]
        cells += [duration(Figures.of(by["drift_found"]).median), duration(by["plan_all"])]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _passes(scale: Mapping[str, Any]) -> Iterator[_Row]:
    medians = {int(count): Figures.of(by["still"]).median for count, by in scale.items()}
    for count, limit in ((3, 0.010), (1000, 0.150)):
        if count in medians:
            spent = scale[str(count)]["phases"]
            yield _Row(
                f"a pass that finds nothing, {count:,} bridges",
                duration(medians[count]),
                f"under {duration(limit)}",
                medians[count] < limit,
                f"not met: {duration(spent['observe'])} go into reading the links, "
                f"{duration(spent['plan'])} into comparing them",
            )
    large = sorted(count for count in medians if count >= 10)
    growth = [(medians[more] / medians[fewer]) / (more / fewer) for fewer, more in pairwise(large)]
    if growth:
        yield _Row(
            "its growth against that of the number of bridges",
            f"at most {ratio(max(growth))} times",
            "no faster (1.2 with noise)",
            max(growth) <= 1.2,
            "not met",
        )
    if 1000 in medians:
        found = Figures.of(scale["1000"]["drift_found"])
        yield _Row(
            "drift with 1,000 bridges, until the mending message",
            f"{duration(found.median)}, p99 {duration(found.p99)}",
            "p99 under 50 ms",
            found.p99 < 0.05,
            "not met: every repair is planned on a look at all links, whatever the event was about",
        )


def _calls(calls: int | None) -> Iterator[_Row]:
    if calls is not None:
        what = "D-Bus calls of a forced pass when nothing was signalled"
        yield _Row(what, str(calls), "none", calls == 0, "not met")


def _idle(idle: Mapping[str, Any]) -> Iterator[_Row]:
    seconds, memory = idle["seconds"], idle["memory"]
    share, wakes = 100 * idle["cpu"] / seconds, idle["wakeups"] / seconds
    yield _Row(
        f"idle for {seconds:.0f} s: processor",
        f"{share:.3f} % of one",
        "under 0.1 %",
        share < 0.1,
        "not met",
    )
    yield _Row("idle: wake-ups", f"{wakes:.2f} a second", "under 1", wakes < 1, "not met")
    yield _Row(
        "idle: memory",
        f"{memory['rss'] / _MEGABYTE:.0f} MB, {memory['pss'] / _MEGABYTE:.0f} MB when what is "
        "shared counts by share",
        "under 50 MB",
        memory["rss"] < 50 * _MEGABYTE,
        "not met: the interpreter takes 9 MB, pydantic 9, GLib and pydbus 6, structlog 6, HTTP and "
        "the metrics' library 5, OpenSSL 4 (hashlib), the code of bridged 4",
    )
    first, last = idle["descriptors"]
    yield _Row(
        "idle: file descriptors, threads",
        f"{first}, then {last}; {idle['threads']} threads",
        "flat",
        first == last,
        "not met",
    )


def _start(start: Mapping[str, Any]) -> Iterator[_Row]:
    bare = duration(Figures.of(start["bare"]).median)
    for what, key, limit in (
        ("start of the agent to READY, node right", "ready", 0.7),
        ("`bridgedctl status`", "status", 0.12),
    ):
        seen = Figures.of(start[key])
        yield _Row(
            what,
            f"{duration(seen.median)} (p99 {duration(seen.p99)}, n = {seen.n}; an interpreter that "
            f"does nothing {bare})",
            f"under {duration(limit)}",
            seen.median < limit,
            "not met",
        )


def _storm(storm: Mapping[str, Any]) -> Iterator[_Row]:
    before, after = (memory["rss"] / _MEGABYTE for memory in storm["memory"])
    yield _Row(
        f"{storm['events']:,} link events in {storm['seconds']:.0f} s",
        f"{storm['passes']} passes, {100 * storm['cpu'] / storm['seconds']:.0f} % of a processor, "
        f"{storm['overruns']} overruns; drift in the middle mended in "
        f"{duration(storm['mended'])}; still {duration(storm['still'])} after the last event; "
        f"{before:.0f} MB before, {after:.0f} after",
        "right in the end",
        storm["converged"],
        "not met",
    )


def _soak(soak: Mapping[str, Any]) -> Iterator[_Row]:
    for key, what in (
        ("memory", "passes in memory"),
        ("kernel", "readings of the kernel"),
        ("asked", "readings of NetworkManager"),
    ):
        by = soak[key]
        # The first samples are from before everything was used once.
        rss, files = by["rss"][2:], by["descriptors"]
        count = by.get("passes") or by["readings"]
        grown = rss[-1] / rss[0] - 1
        yield _Row(
            f"{count:,} {what}",
            f"{rss[0] / _MEGABYTE:.1f} to {rss[-1] / _MEGABYTE:.1f} MB, "
            f"{files[0]} to {files[-1]} descriptors",
            "flat (1 %)",
            grown < 0.01 and files[-1] <= files[0],
            "not met",
        )
