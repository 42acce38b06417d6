"""Debian's Prometheus scrapes a live agent: metrics, rules, dashboards, and alerts that fire.

Rules are the shipped ones with `for:` shortened; how long they really wait is tried by promtool in
tests/unit/config.
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from tests.lab.netns import NetnsLab
from tests.lab.node import wait_until
from tests.lab.prometheus import Prometheus, fetch, missing
from tests.lab.traffic import stream
from tests.netns.agent import (
    ADMIN_NIC,
    DMZ_NIC,
    LAN_NIC,
    REFERENCE,
    STATE,
    Agent,
    agent_on,
    plug_two,
)
from tests.unit.config.support import ALERTS, DASHBOARDS, RECORDS, expressions, queries, rules

PORT = 9947
CONFIGURATION = f"""\
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: [rules.*.yml]
scrape_configs:
  - job_name: bridged
    static_configs: [{{targets: ["127.0.0.1:{PORT}"]}}]
    relabel_configs: [{{target_label: instance, replacement: lab}}]
"""
GRAFANA = {"$instance": "lab", "$job": ".*", "$__rate_interval": "1m"}
"""What Grafana puts in place of its variables."""
SPEED = "bridged_link_speed_bytes"
"""The one metric that the laboratory's cards do not have."""


@pytest.fixture(autouse=True)
def one_suite(suite: str) -> None:
    """Skips where there is no Prometheus; one suite is enough, for it is the machine's own."""
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    if suite != "trixie":
        pytest.skip("tried with the agent on trixie")


@pytest.fixture
def watched(lab: NetnsLab) -> Iterator[Agent]:
    """An agent that serves metrics, on a node that is as declared."""
    with agent_on(lab, "--metrics", f"127.0.0.1:{PORT}") as agent:
        agent.converge(REFERENCE)
        yield agent


@contextmanager
def prometheus(node: NetnsLab, patience: str = "2s") -> Iterator[Prometheus]:
    """Prometheus with the shipped rules, once it has evaluated all of them; every `for:` is
    `patience`."""
    shipped = {"rules.records.yml": RECORDS.read_text(), "rules.alerts.yml": _hasty(patience)}
    with Prometheus(node, CONFIGURATION, shipped) as running:
        wait_until(
            lambda: all(rule["health"] == "ok" for rule in running.rules()) and running.rules(),
            30,
            "every rule is evaluated",
        )
        yield running


def _hasty(patience: str) -> str:
    document: dict[str, Any] = yaml.safe_load(ALERTS.read_text())
    for group in document["groups"]:
        for rule in group["rules"]:
            if "for" in rule:
                rule["for"] = patience
    return yaml.safe_dump(document)


def as_asked(expr: str) -> str:
    """A dashboard's query as Grafana sends it."""
    for name, value in GRAFANA.items():
        expr = expr.replace(name, value)
    return expr


def test_a_scrape_is_clean_and_a_right_node_raises_no_alert(lab: NetnsLab, watched: Agent) -> None:
    """The target is up, promtool finds nothing to say, and no alert fires on a node that is as
    declared and has guests, though the agent is restarted.  The patience is for the watcher, which
    polls until it hears its first event, or none for 5 s."""
    status, text = fetch(lab, PORT, "/metrics")
    assert status == 200
    said = subprocess.run(
        ["promtool", "check", "metrics"], input=text, text=True, capture_output=True
    )
    assert (said.returncode, said.stdout + said.stderr) == (0, "")
    with prometheus(lab, "8s") as running, stream(lab, *plug_two(lab), rate=50):
        wait_until(lambda: [t["health"] for t in running.targets()] == ["up"], 20, "it is scraped")
        watched.restart()
        watched.wait_converged()
        watched.next_pass_of_its_own()
        time.sleep(15)
        fired = running.query("max_over_time(ALERTS{alertstate='firing'}[1m])")
        told = [" ".join(sample["metric"].values()) for sample in fired]
        assert not told, "\n".join(told)
        assert len(running.rules()) == len(rules(ALERTS)) + len(rules(RECORDS))


def test_every_query_is_accepted_and_every_panel_has_data(lab: NetnsLab, watched: Agent) -> None:
    """On a node with everything to show: guests that talk, a repair, a step that fails, a finding,
    a restart of NetworkManager, a state file with errors."""
    key = "kernel.panic"
    with prometheus(lab) as running, stream(lab, *plug_two(lab), rate=50):
        lab.write("/etc/sysctl.d/zzz-later.conf", "net.ipv4.ip_forward = 0\n")
        watched.declare(f"{REFERENCE}  {key}: 7\n")
        watched.wait_condition(f"sysctl/{key}", "failed")
        for _ in range(2):  # the second one counts on a series that is there
            lab.sh("ip link set br-dmz type bridge stp_state 1")
            wait_until(lambda: lab.bridge_data("br-dmz")["stp_state"] == 0, 10)
            time.sleep(2)
        lab.nm("stop")
        wait_until(lambda: not watched.status()["network_manager_available"], 15)
        lab.nm("start")
        lab.write(STATE, "bridges: [\n")
        wait_until(lambda: "BridgedStateFileInvalid" in running.firing(), 30)

        for where, expr in expressions():
            try:
                running.query(as_asked(expr))
            except AssertionError as error:
                raise AssertionError(f"{where}: {error}") from error

        def empty() -> list[str]:
            asked = [(p.name, *pair) for p in DASHBOARDS for pair in queries(p)]
            asked += [(RECORDS.name, rule["record"], rule["record"]) for rule in rules(RECORDS)]
            assert not running.query(SPEED), "a veth tells a speed now: look at it too"
            asked = [each for each in asked if SPEED not in each[2]]
            return [f"{n}: {t}: {e}" for n, t, e in asked if not running.query(as_asked(e))]

        wait_until(lambda: not (missing := empty()) or _fail(missing), 60, "data", 2)


def _fail(missing: list[str]) -> bool:
    raise AssertionError("\n".join(missing))


Act = Callable[[NetnsLab, Agent], object]


def _mend_file(lab: NetnsLab, agent: Agent) -> None:
    lab.write(STATE, REFERENCE, replace=True)


def _unmanaged_card(lab: NetnsLab, agent: Agent) -> None:
    lab.run("nmcli", "device", "set", ADMIN_NIC, "managed", "no")
    more = f"  br-x: {{ports: [{ADMIN_NIC}]}}\nsysctls:"
    lab.write(STATE, REFERENCE.replace("sysctls:", more), replace=True)


FAULTS: dict[str, tuple[dict[str, str], Act, Act]] = {
    "BridgedStateFileInvalid": (
        {},
        lambda lab, agent: lab.write(STATE, "bridges: [\n"),
        _mend_file,
    ),
    "BridgedCarrierLost": (
        {"link": LAN_NIC, "bridge": "br-lan"},
        lambda lab, agent: lab.carrier(LAN_NIC, False),
        lambda lab, agent: lab.carrier(LAN_NIC, True),
    ),
    "BridgedLinkMissing": (
        {"link": DMZ_NIC, "bridge": "br-dmz"},
        lambda lab, agent: lab.run("lab", "del-nic", DMZ_NIC),
        lambda lab, agent: lab.run("lab", "add-nic", DMZ_NIC),
    ),
    "BridgedNetworkManagerDown": (
        {},
        lambda lab, agent: lab.nm("stop"),
        lambda lab, agent: lab.nm("start"),
    ),
    "BridgedObjectFailed": (
        {"kind": "sysctl", "name": "kernel.panic"},
        lambda lab, agent: lab.write(STATE, f"{REFERENCE}  kernel.panic: 7\n"),
        _mend_file,
    ),
    "BridgedObjectBlocked": ({"kind": "port", "name": ADMIN_NIC}, _unmanaged_card, _mend_file),
    "BridgedDown": (
        {},
        lambda lab, agent: agent.stop(),
        lambda lab, agent: agent.start(),
    ),
}
"""alert -> (labels of it, what makes it fire, what ends it)."""


def test_a_fault_makes_its_alert_fire_and_the_repair_ends_it(
    lab: NetnsLab, watched: Agent, record_property: Callable[[str, object], None]
) -> None:
    """One fault after the other; for each the time to firing and, from its repair, to resolved is
    told.  `for:` is 2 s here, scrapes and evaluations come every second."""
    with prometheus(lab) as running:

        def fires(alert: str, labels: dict[str, str]) -> bool:
            return any(labels.items() <= found.items() for found in running.firing().get(alert, ()))

        for alert, (labels, fault, repair) in FAULTS.items():
            assert alert not in running.firing()
            began = time.monotonic()
            fault(lab, watched)
            wait_until(lambda a=alert, ls=labels: fires(a, ls), 60, f"{alert} fires")  # type: ignore[misc]
            fired = time.monotonic()
            repair(lab, watched)
            wait_until(lambda a=alert: a not in running.firing(), 60, f"{alert} ends")  # type: ignore[misc]
            ended = time.monotonic()
            told = f"{fired - began:.1f} s to firing, {ended - fired:.1f} s to resolved"
            print(f"{alert}: {told}")
            record_property(alert, told)
            watched.wait_converged()


def test_a_rival_is_told_of_while_it_lasts(
    lab: NetnsLab, watched: Agent, record_property: Callable[[str, object], None]
) -> None:
    """Contended: repaired five times within a minute.  It ends a minute after the rival has."""
    forward = "net.ipv4.ip_forward"
    with prometheus(lab) as running:
        began = time.monotonic()
        rival = lab.spawn("bash", "-c", f"while :; do sysctl -q -w {forward}=0; sleep 0.2; done")
        alert = "BridgedObjectContended"
        wait_until(lambda: alert in running.firing(), 60, "it fires")
        assert {label["name"] for label in running.firing()[alert]} == {forward}
        fired = time.monotonic()
        rival.kill()
        wait_until(lambda: alert not in running.firing(), 150, "it ends")
        ended = time.monotonic()
        told = f"{fired - began:.1f} s to firing, {ended - fired:.1f} s to resolved"
        print(f"{alert}: {told}")
        record_property(alert, told)
        watched.wait_converged()
