"""A scrape, read back with the parser of prometheus_client."""

from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as open_metrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from bridged.report import ObjectReport, PropertyDrift, Report
from bridged.serve.catalogue import METRICS, markdown
from bridged.serve.metrics import Exposition, ReportCollector, WebReport
from tests.unit.serve.reports import (
    AS_DESIRED,
    BROKEN,
    CONTENDED,
    DRIFTING,
    LINKS,
    NOW,
    PAUSE,
    link,
    objects,
)

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def exposition(report: Report | None, name_guests: bool = False) -> Exposition:
    web = WebReport(config_current=True, config_loaded=NOW, certificate_expires=NOW)
    return Exposition(ReportCollector(lambda: report, "0.1.0", lambda: web, name_guests))


def page(report: Report | None, name_guests: bool = False) -> str:
    return exposition(report, name_guests).page()[0].decode()


def read(text: str) -> Series:
    """Every sample of a scrape; fails where one comes twice."""
    samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
    series = {(s.name, frozenset(s.labels.items())): s.value for s in samples}
    assert len(series) == len(samples)
    return series


def scrape(report: Report | None) -> Series:
    return read(page(report))


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
    info = {**nic, "operstate": "up", "address": "52:54:00:00:00:01", "duplex": "full"}
    assert value(series, "bridged_link_info", **info, driver="igb") == 1
    assert value(series, "bridged_link_operational", **nic) == 1
    assert value(series, "bridged_link_stp_state", **nic) == 3
    assert value(series, "bridged_bridge_guest_ports", bridge="br-lan") == 3
    assert value(series, "bridged_bridge_fdb_entries", bridge="br-lan") == 12


def test_admin_state_carrier_and_operational_state_are_apart() -> None:
    nic = {"link": "enp13s0f0", "bridge": "br-lan", "role": "port"}
    unplugged = replace(LINKS[1], carrier=False, operstate="down")
    series = scrape(replace(AS_DESIRED, links=(unplugged,)))
    assert value(series, "bridged_link_up", **nic) == 1
    assert value(series, "bridged_link_carrier", **nic) == 0
    assert value(series, "bridged_link_operational", **nic) == 0
    silent = replace(LINKS[1], operstate="unknown")  # a tap's driver never tells
    series = scrape(replace(AS_DESIRED, links=(silent,)))
    assert value(series, "bridged_link_operational", **nic) == 1


def test_a_missing_link_has_no_counters() -> None:
    series = scrape(CONTENDED)
    nic = {"link": "enp13s0f3", "bridge": "br-dmz", "role": "port"}
    assert value(series, "bridged_link_present", **nic) == 0
    assert value(series, "bridged_link_carrier", **nic) == 0
    assert ("bridged_link_receive_bytes_total", frozenset(nic.items())) not in series
    assert value(series, "bridged_findings", code="vlan-injection") == 1


def test_series_of_vanished_things_vanish() -> None:
    current = [AS_DESIRED]
    exposed = Exposition(ReportCollector(lambda: current[0], "0.1.0"))
    before = exposed.page()[0].decode()
    gone = replace(AS_DESIRED, objects=objects()[:-1], links=LINKS[:-2])
    current[0] = gone
    after = exposed.page()[0].decode()
    assert 'name="enp13s0f3"' in before
    assert "enp13s0f3" not in after
    assert "br-dmz" in after  # the object is still declared
    assert 'link="br-dmz"' not in after


def test_guest_ports_are_counted_and_never_named() -> None:
    assert "vnet" not in page(AS_DESIRED)


def test_guest_ports_are_named_where_an_operator_asks_for_it() -> None:
    series = read(page(AS_DESIRED, name_guests=True))
    assert value(series, "bridged_bridge_guest_port_info", bridge="br-lan", port="vnet3") == 1


def test_a_guest_whose_name_is_not_utf_8_does_not_spoil_the_scrape() -> None:
    names = ("vnet\udcfe", "vnet\udcff", 'vnet"\\')
    odd = replace(AS_DESIRED, links=(link("br-lan", "bridge", "br-lan", names),))
    series = read(page(odd, name_guests=True))
    for name in ("vnet\\xfe", "vnet\\xff", 'vnet"\\'):
        assert value(series, "bridged_bridge_guest_port_info", bridge="br-lan", port=name) == 1


@pytest.mark.parametrize("name_guests", [False, True])
def test_guests_that_came_and_went_leave_no_series(name_guests: bool) -> None:
    """The count of series is that of before, however many guests there were meanwhile."""
    current = [AS_DESIRED]
    exposed = Exposition(ReportCollector(lambda: current[0], "1", name_guests=name_guests))

    def count() -> int:
        return len(read(exposed.page()[0].decode()))

    before = count()
    for start in range(0, 1000, 100):
        guests = tuple(f"guest{number}" for number in range(start, start + 100))
        bridge = replace(LINKS[0], guests=LINKS[0].guests + guests)
        current[0] = replace(AS_DESIRED, links=(bridge, *LINKS[1:]))
        assert count() == before + 100 * name_guests
    current[0] = AS_DESIRED
    assert count() == before


def test_what_drifts_is_told_by_property_only_while_it_does() -> None:
    labels = {"kind": "bridge", "name": "br-dmz"}
    series = scrape(DRIFTING)
    assert value(series, "bridged_object_property_drift", **labels, property="stp") == 1
    assert value(series, "bridged_object_property_drift", **labels, property="mtu") == 1
    assert "bridged_object_property_drift" not in names(scrape(AS_DESIRED))


def test_what_the_agent_went_through() -> None:
    counters = replace(
        AS_DESIRED.counters,
        conditions={("sysctl/net.ipv4.ip_forward", "contended"): 2},
        checkpoints={"rolled-back": 1},
        rollbacks={"unreachable": 1},
        unread={"sysctls": 3},
        dbus_errors={"timeout": 4},
        withheld={"br-lan": 2},
        breaker_open=True,
        breaker_rollbacks=1,
    )
    series = scrape(replace(AS_DESIRED, counters=counters, confirm_by=NOW + 60))
    entered = {"object": "sysctl/net.ipv4.ip_forward", "condition": "contended"}
    assert value(series, "bridged_object_condition_entered_total", **entered) == 2
    assert value(series, "bridged_checkpoints_total", outcome="rolled-back") == 1
    assert value(series, "bridged_checkpoints_total", outcome="kept") == 0
    assert value(series, "bridged_rollbacks_total", cause="unreachable") == 1
    assert value(series, "bridged_observation_errors_total", world="sysctls") == 3
    assert value(series, "bridged_dbus_errors_total", kind="timeout") == 4
    assert value(series, "bridged_withheld_steps", bridge="br-lan") == 2
    assert value(series, "bridged_breaker_open") == 1
    assert value(series, "bridged_confirm_deadline_timestamp_seconds") == NOW + 60


@pytest.mark.parametrize("report", [AS_DESIRED, DRIFTING, CONTENDED, BROKEN, None])
def test_both_forms_say_the_same(report: Report | None) -> None:
    """The text is written by us, OpenMetrics by the client library."""
    body, headers = exposition(report).page(accept="application/openmetrics-text;version=1.0.0")
    assert dict(headers)["Content-Type"].startswith("application/openmetrics-text")
    samples = [s for family in open_metrics_families(body.decode()) for s in family.samples]
    library = {(s.name, frozenset(s.labels.items())): s.value for s in samples}
    ours = scrape(report)
    assert {key for key in library if key[0].startswith("bridged_")} == {
        key for key in ours if key[0].startswith("bridged_")
    }
    for key, number in library.items():
        if key[0].startswith("bridged_"):
            assert ours[key] == number


def test_any_text_can_stand_in_a_label() -> None:
    name = 'a "b" \\c\n\tä'
    item = ObjectReport("module", name, "drift", drift=(PropertyDrift(name, "1"),))
    series = scrape(replace(AS_DESIRED, objects=(item,)))
    assert value(series, "bridged_object_converged", kind="module", name=name) == 0
    labels = {"kind": "module", "name": name, "condition": "drift"}
    assert value(series, "bridged_object_condition", **labels) == 1


def test_a_link_that_is_told_twice_does_not_spoil_the_scrape() -> None:
    assert scrape(replace(AS_DESIRED, links=(*LINKS, LINKS[0])))


def test_names_are_conventional_and_each_has_a_help() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert metric.name.startswith("bridged_")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.help.endswith(".")


def test_every_metric_of_the_catalogue_is_exported() -> None:
    counted = {"errors": {"netlink": 1}, "unread": {"links": 1}, "dbus_errors": {"timeout": 1}}
    entered = {("bridge/br-lan", "withheld"): 1}
    counters = replace(
        AS_DESIRED.counters,
        conditions=entered,
        withheld={"br-lan": 1},
        **counted,  # type: ignore[arg-type]
    )
    report = replace(DRIFTING, findings=CONTENDED.findings, counters=counters, pauses=(PAUSE,))
    exported = names(read(page(report, name_guests=True)))
    for metric in METRICS:
        suffix = "_bucket" if metric.kind == "histogram" else ""
        assert metric.name + suffix in exported


def test_one_metric_can_be_asked_for_by_name() -> None:
    text = exposition(AS_DESIRED).page("name[]=bridged_link_up")[0].decode()
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
