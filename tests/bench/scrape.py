"""A scrape of 3, 100 and 1,000 bridges, beside node_exporter's collectors of the same links.

    unshare -n python3 -m tests.bench.scrape N EXPORTER      (measure() does it by itself)

Runs in a network namespace of its own in which the links are real, so that node_exporter has
something to read.  bridged's server answers from its last report, which is made up here for the
same links: a scrape never asks the kernel.
"""

import argparse
import http.client
import json
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

from bridged.report import LinkReport, ObjectReport, Report
from bridged.serve.http import HttpServer
from bridged.serve.metrics import ReportCollector
from tests.bench import peers
from tests.lab import netns
from tests.unit.serve.reports import AS_DESIRED

_SIZES = (3, 100, 1000)
_PEER_PORT = 19100
_COLLECTORS = ("netdev", "netclass", "bonding")
"""What node_exporter knows of links; nothing else of it is on."""


def _make_links(count: int) -> None:
    """So many bridges with a card each."""
    lines = [
        line
        for number in range(count)
        for line in (
            f"link add br{number} up type bridge",
            f"link add nic{number} up master br{number} type veth peer name far{number}",
        )
    ]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)


def _links(count: int) -> tuple[LinkReport, ...]:
    names = ("rx_bytes", "tx_bytes", "rx_packets", "tx_packets", "rx_errors", "tx_errors",
             "rx_dropped", "tx_dropped")  # fmt: skip
    counters = {name: 12345678 + place for place, name in enumerate(names)}
    found = []
    for number in range(count):
        bridge = f"br{number}"
        link = LinkReport(bridge, "bridge", True, bridge, up=True, carrier=True, operstate="up")
        link = replace(link, mtu=1500, address="52:54:00:12:34:56", counters=counters)
        found += [link, replace(link, name=f"nic{number}", role="port")]
    return tuple(found)


def _objects(count: int) -> tuple[ObjectReport, ...]:
    return tuple(
        item
        for number in range(count)
        for item in (
            ObjectReport("bridge", f"br{number}", "converged", bridge=f"br{number}"),
            ObjectReport("port", f"nic{number}", "converged", bridge=f"br{number}"),
        )
    )


def _scrape(port: int, rounds: int) -> dict[str, Any]:
    """Seconds of each scrape, and the size of the last."""
    seconds = []
    size = lines = 0
    for _ in range(rounds + 3):
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/metrics")
        body = connection.getresponse().read()
        connection.close()
        seconds.append(time.perf_counter() - began)
        size, lines = len(body), sum(not line.startswith(b"#") for line in body.splitlines())
    return {"seconds": seconds[3:], "bytes": size, "series": lines}


def _parts(report: Report, rounds: int) -> dict[str, list[float]]:
    """Seconds that the page is made of, without the server and the way through the socket."""
    collector = ReportCollector(lambda: report, "0")
    found: dict[str, list[float]] = {"rows from the report": [], "text from the rows": []}
    for _ in range(rounds):
        began = time.perf_counter()
        sheet = collector.sheet()
        filled = time.perf_counter()
        sheet.text().encode()
        found["rows from the report"].append(filled - began)
        found["text from the rows"].append(time.perf_counter() - filled)
    return found


def _measure(count: int, rounds: int, peer: str) -> dict[str, Any]:
    _make_links(count)
    report = replace(AS_DESIRED, links=_links(count), objects=_objects(count))
    server = HttpServer(lambda: report, lambda: 0.0, version="0", port=0)
    server.start()
    flags = [f"--collector.{name}" for name in _COLLECTORS]
    flags += ["--collector.netdev.device-exclude=^(lo|far.*)$"]
    flags += ["--collector.netclass.ignored-devices=^(lo|far.*)$"]
    exporter = subprocess.Popen(
        [peer, f"--web.listen-address=127.0.0.1:{_PEER_PORT}", "--collector.disable-defaults",
         *flags, "--log.level=error"],
    )  # fmt: skip
    try:
        found = {"bridged": _scrape(server.address[1], rounds)}
        found["bridged"]["parts"] = _parts(report, rounds)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                found["node_exporter"] = _scrape(_PEER_PORT, rounds)
                break
            except OSError:
                time.sleep(0.1)
        return found
    finally:
        exporter.terminate()
        exporter.wait()
        server.stop()


def measure(rounds: int = 50) -> dict[str, Any]:
    """Samples by number of bridges, each taken in a namespace of its own; empty where this machine
    cannot have node_exporter."""
    peer = peers.bring_node_exporter(netns.tree("trixie").parent)
    if peer is None:
        print("scrape: not measured, there is no node_exporter", file=sys.stderr)
        return {}
    found = {}
    for count in _SIZES:
        command = [sys.executable, "-m", "tests.bench.scrape", str(count), str(peer)]
        command += ["--rounds", str(rounds)]
        done = subprocess.run(
            ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "-", *command],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        found[str(count)] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure one size, here."""
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("exporter")
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args()
    print(json.dumps(_measure(options.count, options.rounds, options.exporter)))


if __name__ == "__main__":
    main()
