"""`make bench`: runs the benchmark in both laboratories and writes docs/benchmark.md.

    python3 -m tests.bench [--lab netns|vm] [--rounds N] [--drifts N] [--guests N] [--vlans N,N]

The namespace laboratory runs at the machine's own speed; there the two bridges converge and drifts
are timed.  The virtual machine has the whole reference node, and many VLANs.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench import emulated, operators, others, own, page, peers, scrape
from tests.bench.emulated import Save
from tests.lab import netns, vm
from tests.lab.node import CHECKOUT, Node

_VERSIONS = """
import json, platform, subprocess
from importlib.metadata import version
print(json.dumps({
    "NetworkManager": subprocess.run(["NetworkManager", "--version"], text=True,
                                     capture_output=True).stdout.strip(),
    "Python": platform.python_version(), "pyroute2": version("pyroute2"),
    "kernel": platform.release().split("-")[0],
}))
"""
_WHERE = {"netns": "namespace laboratory", "vm": "virtual machine"}


def inside_of(node: Node, *arguments: str) -> dict[str, Any]:
    """What a measuring module prints last when it runs inside."""
    done = subprocess.run(
        node.outer([*node.python, "-m", *arguments]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _measure(lab: str, options: argparse.Namespace, save: Save) -> dict[str, Any]:
    """All samples of one laboratory; `save` gets what there is of it after each part."""
    why = vm.missing() if lab == "vm" else netns.missing("trixie")
    if why:
        raise SystemExit(f"bench: {why}")
    if lab == "vm":
        return _measure_machine(options, save)
    brought = peers.bring(netns.tree("trixie").parent)
    node: Node = netns.NetnsLab("trixie", binds={brought: str(operators.NMSTATE)})
    try:
        versions = json.loads(node.run(*node.python, "-c", _VERSIONS).stdout)
        found = others.measure(
            lambda node: partial(inside_of, node), options.rounds, 200, options.quick
        )
        save(found)
        found |= inside_of(node, "tests.bench.guests", "--rounds", str(options.guests))
        found |= inside_of(node, "tests.bench.rival")
        save(found)
        found |= inside_of(node, "tests.bench.drift", "--rounds", str(options.drifts))
        found |= inside_of(node, "tests.bench.drift_parts")
        save(found)
        lengths = own.Lengths.of(options)
        found["own"] = own.measure(lambda *words: inside_of(node, *words), lengths)
        save(found)
        return found | {"where": _WHERE[lab], "versions": versions}
    finally:
        node.close()


def _measure_machine(options: argparse.Namespace, save: Save) -> dict[str, Any]:
    """All samples of the virtual machine."""
    node = vm.open_demo()
    try:
        _bring(node)
        versions = json.loads(node.run(*node.python, "-c", _VERSIONS).stdout)
        found = emulated.measure(partial(inside_of, node), options.rounds, options.vlans, save)
        slow = node.machine.accel == "tcg"
        return found | {"where": _WHERE["vm"], "versions": versions, "emulated": slow}
    finally:
        node.close()


def _save(document: dict[str, Any], lab: str, found: dict[str, Any]) -> None:
    """All that was measured so far, should a later part fail: hours are not lost for minutes."""
    path = Path(tempfile.gettempdir(), "bridged-bench.json")
    path.write_text(json.dumps({**document, "labs": {**document["labs"], lab: found}}))
    print(f"bench: so far in {path}", file=sys.stderr, flush=True)


def _above_others() -> int | None:
    """Run, with all that is started from here, ahead of whatever else the machine has to do; the
    scheduling policy before, None where that is not allowed."""
    before = os.sched_getscheduler(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        return None
    return before


def _bring(node: Node) -> None:
    """Bring these modules into a machine that has only what is installed."""
    packing = subprocess.run(
        ["tar", "-C", str(CHECKOUT), "--exclude=__pycache__", "-cf", "-", "tests/bench"],
        stdout=subprocess.PIPE,
        check=True,
    )
    command = node.outer(["tar", "-C", node.source, "--no-same-owner", "-xf", "-"])
    subprocess.run(command, input=packing.stdout, check=True)


def _model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def main() -> int:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--lab", choices=_WHERE, action="append", help="only this laboratory")
    parser.add_argument("--rounds", type=int, default=5, help="cold convergences each")
    parser.add_argument("--guests", type=int, default=2, help="events of each kind to guests")
    parser.add_argument("--drifts", type=int, default=200, help="faults of each kind")
    parser.add_argument(
        "--vlans", type=emulated.sizes, default=emulated.SIZES, metavar="N,N",
        help="how many VLANs and bridges, in the virtual machine",
    )  # fmt: skip
    own.arguments(parser)
    options = parser.parse_args()
    load = [round(os.getloadavg()[0], 1)]
    normal = _above_others()
    document: dict[str, Any] = {"labs": {}}
    if options.lab and page.SAMPLES.exists():  # the other laboratory's samples stay
        document = json.loads(page.SAMPLES.read_text())
    for lab in options.lab or reversed(_WHERE):  # many VLANs first: they fail the most easily
        if normal is not None:
            if lab == "vm":  # an emulator would take a processor for itself
                os.sched_setscheduler(0, normal, os.sched_param(0))
            else:
                _above_others()
        save = partial(_save, document, lab)
        document["labs"][lab] = _measure(lab, options, save)
    document["labs"] = {lab: document["labs"][lab] for lab in _WHERE if lab in document["labs"]}
    if "scrape" not in document or options.lab != ["vm"]:
        document["scrape"] = scrape.measure()
    if cost := document["labs"].get("netns", {}).pop("own", None):
        document["own"] = cost
    document["machine"] = {
        "model": _model(),
        "cpus": os.cpu_count(),
        "kernel": platform.release().split("-")[0],
        "above": normal is not None,
        "load": [*load, round(os.getloadavg()[0], 1)],
    }
    document["date"] = datetime.date.today().isoformat()
    page.write(document)
    print("written: docs/benchmark.md", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
