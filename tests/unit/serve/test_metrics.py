"""A scrape, read back with the parser of prometheus_client."""

from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bridged.report import Report
from bridged.serve.catalogue import METRICS, markdown
from bridged.serve.metrics import make_registry
from tests.unit.serve.reports import (
    AS_DESIRED,
    BROKEN,
    CONTENDED,
    DRIFTING,
    LINKS,
    NOW,
    PAUSE,
    objects,
)

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(report: Report | None) -> Series:
    """Every sample of a scrape; fails where one comes twice."""
    text = generate_latest(make_registry(lambda: report, "0.1.0")).decode()
    samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
    series = {(s.name, frozenset(s.labels.items())): s.value for s in samples}
    assert len(series) == len(samples)
    return series


def value(series: Series, metric: str, /, **labels: str) -> float:
    return series[metric, frozenset(labels.items())]


def names(series: Series) -> set[str]:
    return {name for name, _ in series}


def test_before_the_first_report_only_the_version_is_told() -> None:
    own = {name for name in names(scrape(None)) if name.startswith("bridged_")}
    assert own == {"bridged_build_info"}


def test_objects_of_a_node_that_is_right() -> None:
    series = scrape(AS_DESIRED)
    labels = {"kind": "bridge", "name": "br-lan"}
    assert value(series, "bridged_object_converged", **labels) == 1
    assert value(series, "bridged_object_drift", **labels) == 0
    assert value(series, "bridged_object_condition", **labels, condition="converged") == 1
    assert value(series, "bridged_object_condition", **labels, condition="drift") == 0
    conditions = [key for key in series if key[0] == "bridged_object_condition"]
    assert len(conditions) == 9 * len(objects())


def test_objects_that_differ() -> None:
    series = scrape(DRIFTING)
    labels = {"kind": "bridge", "name": "br-dmz"}
    assert value(series, "bridged_object_converged", **labels) == 0
    assert value(series, "bridged_object_drift", **labels) == 2
    assert value(series, "bridged_object_condition", **labels, condition="drift") == 1


def test_what_is_not_offered_and_not_asked_for_is_no_alarm() -> None:
    item = replace(objects()[5], condition="unavailable")
    series = scrape(replace(AS_DESIRED, objects=(item,)))
    assert value(series, "bridged_object_converged", kind=item.kind, name=item.name) == 1


def test_counters() -> None:
    series = scrape(AS_DESIRED)
    repair = {"object": "bridge/br-lan", "cause": "stp", "outcome": "repaired"}
    assert value(series, "bridged_repairs_total", **repair) == 1
    assert value(series, "bridged_drift_total", object="bridge/br-lan", property="stp") == 1
    assert value(series, "bridged_wakeups_total", source="netlink") == 3
    assert value(series, "bridged_passes_total", outcome="still") == 12
    assert value(series, "bridged_passes_total", outcome="failed") == 0
    assert value(series, "bridged_errors_total", world="NetworkManager") == 2
    assert value(series, "bridged_netlink_overruns_total") == 0


@pytest.mark.parametrize(
    "buckets", [((0.01, 5), (0.1, 12), (float("inf"), 13)), ((0.01, 5), (0.1, 13))]
)
def test_the_histogram_ends_with_infinity(buckets: tuple[tuple[float, int], ...]) -> None:
    counters = replace(AS_DESIRED.counters, duration_buckets={"pass": buckets})
    series = scrape(replace(AS_DESIRED, counters=counters))
    name = "bridged_reconcile_duration_seconds"
    assert value(series, f"{name}_bucket", phase="pass", le="0.01") == 5
    assert value(series, f"{name}_bucket", phase="pass", le="+Inf") == 13
    assert value(series, f"{name}_count", phase="pass") == 13
    assert value(series, f"{name}_sum", phase="pass") == 0.5


def test_the_state_file() -> None:
    series = scrape(BROKEN)
    assert value(series, "bridged_state_file_valid") == 0
    assert value(series, "bridged_state_file_info", hash="ab" * 32, source="last-good") == 1
    assert value(series, "bridged_state_loaded_timestamp_seconds") == NOW - 86400


def test_the_agent() -> None:
    series = scrape(replace(AS_DESIRED, last_success=None, network_manager_available=False))
    assert value(series, "bridged_networkmanager_up") == 0
    assert value(series, "bridged_last_success_timestamp_seconds") == 0
    assert value(series, "bridged_last_pass_timestamp_seconds") == NOW - 4
    assert value(series, "bridged_watch_mode", mode="inotify") == 1
    assert value(series, "bridged_watch_mode", mode="poll") == 0


def test_links() -> None:
    series = scrape(AS_DESIRED)
    nic = {"link": "enp13s0f0", "bridge": "br-lan", "role": "port"}
    assert value(series, "bridged_link_up", **nic) == 1
    assert value(series, "bridged_link_speed_bytes", **nic) == 125_000_000
    assert value(series, "bridged_link_mtu_bytes", **nic) == 1500
    assert value(series, "bridged_link_receive_bytes_total", **nic) == 1000
    assert value(series, "bridged_link_receive_dropped_total", **nic) == 3
    assert value(series, "bridged_link_carrier_changes_total", **nic) == 2
    info = {**nic, "operstate": "up", "address": "52:54:00:00:00:01"}
    assert value(series, "bridged_link_info", **info) == 1
    assert value(series, "bridged_bridge_guest_ports", bridge="br-lan") == 3


def test_a_missing_link_has_no_counters() -> None:
    series = scrape(CONTENDED)
    nic = {"link": "enp13s0f3", "bridge": "br-dmz", "role": "port"}
    assert value(series, "bridged_link_present", **nic) == 0
    assert value(series, "bridged_link_carrier", **nic) == 0
    assert ("bridged_link_receive_bytes_total", frozenset(nic.items())) not in series
    assert value(series, "bridged_findings", code="vlan-injection") == 1


def test_series_of_vanished_things_vanish() -> None:
    current = [AS_DESIRED]
    registry = make_registry(lambda: current[0], "0.1.0")
    before = generate_latest(registry).decode()
    gone = replace(AS_DESIRED, objects=objects()[:-1], links=LINKS[:-2])
    current[0] = gone
    after = generate_latest(registry).decode()
    assert 'name="enp13s0f3"' in before
    assert "enp13s0f3" not in after
    assert "br-dmz" in after  # the object is still declared
    assert 'link="br-dmz"' not in after


def test_guest_ports_are_counted_and_never_named() -> None:
    assert "vnet" not in generate_latest(make_registry(lambda: AS_DESIRED, "1")).decode()


def test_a_link_that_is_told_twice_does_not_spoil_the_scrape() -> None:
    assert scrape(replace(AS_DESIRED, links=(*LINKS, LINKS[0])))


def test_names_are_conventional_and_each_has_a_help() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert metric.name.startswith("bridged_")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.help.endswith(".")


def test_every_metric_of_the_catalogue_is_exported() -> None:
    report = replace(AS_DESIRED, findings=CONTENDED.findings, pauses=(PAUSE,))
    exported = names(scrape(report))
    for metric in METRICS:
        suffix = "_bucket" if metric.kind == "histogram" else ""
        assert metric.name + suffix in exported


def test_one_metric_can_be_asked_for_by_name() -> None:
    registry = make_registry(lambda: AS_DESIRED, "1").restricted_registry(["bridged_link_up"])
    text = generate_latest(registry).decode()
    assert "bridged_link_up" in text
    assert "bridged_link_carrier" not in text


def test_the_documentation_is_current() -> None:
    page = Path(__file__).parents[3] / "docs" / "metrics.md"
    assert page.read_text() == markdown()


def test_a_pause_is_told_with_its_end_and_zero_is_told_too() -> None:
    series = scrape(replace(AS_DESIRED, pauses=(PAUSE,)))
    assert value(series, "bridged_paused", bridge="br-lan") == 1
    assert value(series, "bridged_paused", bridge="") == 0
    end = value(series, "bridged_pause_expires_timestamp_seconds", bridge="br-lan")
    assert end == PAUSE.until
    assert value(scrape(AS_DESIRED), "bridged_paused", bridge="") == 0
    node = scrape(replace(AS_DESIRED, pauses=(replace(PAUSE, bridge=""),)))
    assert value(node, "bridged_paused", bridge="") == 1
