"""docs/benchmark.md and its plots, from the samples in docs/benchmark.json.

python3 -m tests.bench.page        writes them again without measuring
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.drift_parts import PARTS
from tests.bench.figures import Figures, duration, medians_of, ratio
from tests.bench.page_aims import aims
from tests.bench.page_more import guests, rival, scrape
from tests.bench.page_own import own, plots
from tests.bench.page_peers import cold, many, vlans
from tests.bench.plot import strips

DOCS = Path(__file__).resolve().parents[2] / "docs"
SAMPLES = DOCS / "benchmark.json"
_WAYS = ("nmcli", "bridgedctl apply", "running agent", "asked agent")
"""Those that the plot shows and the summary tells of."""

Document = dict[str, Any]


def write(document: Document) -> None:
    """Write the page and the plots."""
    SAMPLES.write_text(json.dumps(document, separators=(",", ":")) + "\n")
    labs = document["labs"]
    parts = [_head(document), aims(document)]
    parts += [cold(lab) for lab in labs.values()]
    parts.append("![cold convergence](benchmark-cold.svg)\n")
    parts += [many(lab["many"]) for lab in labs.values() if "many" in lab]
    parts += [vlans(lab) for lab in labs.values() if "vlans" in lab]
    for lab in labs.values():
        if "drift" in lab:
            parts.append(_drift(lab))
        if "guests" in lab:
            parts.append(guests(lab))
        if "rival" in lab:
            parts.append(rival(lab["rival"]))
    if document.get("scrape"):
        parts.append(scrape(document["scrape"]))
    if document.get("own"):
        parts.append(own(document["own"]))
        for name, plot in plots(document["own"]).items():
            (DOCS / name).write_text(plot)
    parts.append(_method(document))
    (DOCS / "benchmark.md").write_text("\n".join(parts))
    rows = []
    for lab in labs.values():
        samples = lab["cold"]
        rows.append((lab["layout"], {way: Figures.of(samples[way]["right"]) for way in _WAYS}))
    (DOCS / "benchmark-cold.svg").write_text(strips("From plain cards to the declared node", rows))
    for lab in labs.values():
        if "drift" in lab:
            drift = {
                fault: {who: Figures.of(_good(by[who])) for who in ("bridged", "floor")}
                for fault, by in lab["drift"].items()
            }
            (DOCS / "benchmark-drift.svg").write_text(
                strips("From the kernel's word that it is wrong to its word that it is right",
                       list(drift.items()))
            )  # fmt: skip


def _good(samples: list[float | None]) -> list[float]:
    return [sample for sample in samples if sample is not None]


def _head(document: Document) -> str:
    lines = ["# Benchmark", ""]
    lines.append(
        "What the same machine did in the same run. The ratios are what to rely on; the times are "
        "this machine's, and it is slow.\n"
    )
    for lab in document["labs"].values():
        took = {way: Figures.of(lab["cold"][way]["right"]).median for way in _WAYS}
        base = took["nmcli"]
        lines.append(
            f"- **{lab['layout']}, from plain cards**, against the owner's nmcli commands run as a "
            f"script ({duration(base)}): the running agent, told at once, is "
            f"{_against(base / took['asked agent'])} ({duration(took['asked agent'])}); left to "
            f"notice the saved file by itself, {_against(base / took['running agent'])} "
            f"({duration(took['running agent'])}: first it lets the file stand still); "
            f"`bridgedctl apply` without an agent, the start of its process included, "
            f"{_against(base / took['bridgedctl apply'])} "
            f"({duration(took['bridgedctl apply'])})."
        )
    for lab in document["labs"].values():
        if "drift" not in lab:
            continue
        ratios = {
            fault: Figures.of(_good(by["bridged"])).median / Figures.of(by["floor"]).median
            for fault, by in lab["drift"].items()
        }
        lowest, highest = min(ratios.values()), max(ratios.values())
        lines.append(
            f"- **Drift to repaired**: {ratio(lowest)} to {ratio(highest)} times the bare netlink "
            "floor, which knows one fault and mends it blindly. NetworkManager alone never repairs "
            f"{_never(lab['drift'])}."
        )
    lines += [
        "- **A pass over a node that is right** changes nothing: "
        + "; ".join(
            f"{lab['layout']} {duration(Figures.of(lab['still']['seconds']).median)}, "
            f"{lab['still']['calls']['calls']} calls that read, "
            f"{lab['still']['calls']['changing']} that change"
            for lab in document["labs"].values()
        )
        + ".",
        "",
    ]
    return "\n".join(lines)


def _against(times: float) -> str:
    """How our time compares, `times` being the other's over ours."""
    return f"{ratio(times)} times as fast" if times >= 1 else f"{ratio(1 / times)} times as slow"


def _never(drift: Mapping[str, Any]) -> str:
    names = [fault for fault, by in drift.items() if not _good(by["NetworkManager"])]
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else "".join(names)


def _drift(lab: Document) -> str:
    lines = [
        "## Drift to repaired",
        "",
        "| what is changed | ratio to the floor | bridged: median | p99 | least to most | "
        "floor: median | p99 | NetworkManager alone |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    failed = 0
    for fault, by in lab["drift"].items():
        failed += by["bridged"].count(None)
        ours, floor = Figures.of(_good(by["bridged"])), Figures.of(_good(by["floor"]))
        alone = _good(by["NetworkManager"])
        unaided = duration(Figures.of(alone).median) if alone else "never"
        lines.append(
            f"| {fault} | {ratio(ours.median / floor.median)} | {duration(ours.median)} | "
            f"{duration(ours.p99)} | {duration(ours.low)} to {duration(ours.high)} | "
            f"{duration(floor.median)} | {duration(floor.p99)} | {unaided} |"
        )
    first = next(iter(lab["drift"].values()))
    lines += [
        "",
        f"n = {len(first['bridged'])} of each for bridged, {len(first['floor'])} for the floor; "
        f"{failed or 'none'} of bridged's not repaired. `never`: not within 3 s, "
        "tried three times. Where NetworkManager repairs too, it takes part in both columns. "
        "The deletion of a bridge takes the kernel itself most of the floor's time; there the "
        "floor works without NetworkManager, bridged with it, and both guests must be back.",
        "",
        "![drift to repaired](benchmark-drift.svg)",
        "",
        *_drift_parts(lab.get("drift_parts", {})),
    ]
    return "\n".join(lines)


def _drift_parts(parts: Mapping[str, Sequence[Mapping[str, float]]]) -> list[str]:
    """What a repair consists of, the median of each part."""
    if not parts:
        return []
    lines = [
        f"| one after the other | {' | '.join(PARTS)} | in between |",
        f"| --- |{' ---: |' * (len(PARTS) + 1)}",
    ]
    for fault, repairs in parts.items():
        medians = (medians_of(repairs)[part] for part in (*PARTS, "in between"))
        lines.append(f"| {fault} | {' | '.join(map(duration, medians))} |")
    number = len(next(iter(parts.values())))
    return [
        *lines,
        "",
        f"n = {number} of each, in a run of its own. The time begins when the observer is told, on "
        "the other processor often after the agent. A process that slept finds its code and data "
        "gone from the processor's caches: reading one link takes 15 µs when it is repeated "
        "without a pause, and planning one bridge 30. The floor, which does little, pays little "
        "for that.",
        "",
    ]


def _method(document: Document) -> str:
    machine = document["machine"]
    lines = [
        "## Method",
        "",
        "- Each way begins at the same node: every card active on a plain Ethernet profile that "
        "has its name, no bridge, NetworkManager idle (nothing under way, its process asleep for "
        "0.3 s; in the virtual machine its dispatcher stopped, which it starts anew after ten "
        "idle seconds). The ways take turns, and their order changes from round to round.",
        "- *The kernel has it*: every bridge exists, is up, has spanning tree off and its port in "
        "it, as the kernel's own messages tell a listener (`tests/lab/demo_links.py`) that shares "
        "no code with bridged and takes no part. It must stay so for half a second; the time is "
        "that of the message that completed it.",
        "- *It says so*: the script or `bridgedctl apply` returns; the agent reports `converged`.",
        "- The virtual machine: the same ways and the same clock, inside. Where it is emulated, "
        "everything in it takes many times as long as on hardware, and what needs no processor "
        "takes as long as ever: the ratios are nearer to the truth than the times.",
        "- D-Bus calls: all method calls to NetworkManager, counted by `tests/lab/buswatch.py` in "
        "runs of their own, which are not timed.",
        "- Drift: one netlink message causes it. The time runs from the kernel's announcement of "
        "the wrong state to that of the right one, so what both sides pay (waking a process) is "
        "paid once by each. Faults come singly, 60 to 140 ms after the last was repaired. The "
        "agent runs with `--contended-after 0`, or it would rightly see a contest.",
        "- The floor (`tests/bench/floor.py`): wait for a message, look, send the mending message. "
        "The same language, without a desired state, a plan, NetworkManager or a journal.",
        "- NetworkManager alone: the node as bridged left it, bridged stopped.",
        "- Guests: two namespaces with a veth each in br-lan; numbered frames in both directions; "
        "every way makes its own bridge, each event meets a new one, and the frames of the four "
        "seconds after it count with it. Scripts act at once: nobody has to notice first.",
        "",
        "## Machine and versions",
        "",
        f"{machine['cpus']} processors ({machine['model']}), kernel {machine['kernel']}; "
        f"{_company(machine)} Measured {document['date']}. {document.get('earlier', '')}".rstrip(),
        "",
        "| laboratory | NetworkManager | Python | pyroute2 | kernel |",
        "| --- | --- | --- | --- | --- |",
    ]
    for lab in document["labs"].values():
        v = lab["versions"]
        lines.append(
            f"| {lab['where']} | {v['NetworkManager']} | {v['Python']} | {v['pyroute2']} | "
            f"{v['kernel']} |"
        )
    lines += [
        "",
        "## How to repeat it",
        "",
        "    make bench                                  # all of it, an hour",
        "    python3 -m tests.bench --lab netns          # without the virtual machine",
        "    python3 -m tests.bench --lab vm             # only the virtual machine, 15 minutes",
        "    python3 -m tests.bench --lab vm --vlans 10,500  # more VLANs; hours, where emulated",
        "    python3 -m tests.bench --rounds 3 --drifts 20   # a quick look",
        "    python3 -m tests.bench.others               # cold convergence beside other tools",
        "    python3 -m tests.bench.own                  # what bridged itself costs, half an hour",
        "    python3 -m tests.bench.page                 # this page again, from the samples",
        "",
        "The samples are in [benchmark.json](benchmark.json), in seconds. This page is written by "
        "`tests/bench/page.py` from them.",
        "",
    ]
    return "\n".join(lines)


def _company(machine: Mapping[str, Any]) -> str:
    """Whether the machine had anything else to do."""
    if "load" not in machine:
        return "its load average was not noted."
    first, last = machine["load"]
    said = f"load average {first} when it began and {last} at the end."
    if max(first, last) < 1.5:
        return said
    how = "ahead of it (SCHED_RR)" if machine["above"] else "with no priority over it"
    return f"{said} Other work ran beside it; what ran in namespaces ran {how}."


if __name__ == "__main__":
    write(json.loads(SAMPLES.read_text()))
