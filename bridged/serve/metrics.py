"""From one report to one scrape."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import get_args

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from bridged.report import Condition, Counters, LinkReport, ObjectReport, Report, StateFileReport
from bridged.serve.catalogue import BY_NAME, METRICS, Family

_CONDITIONS: tuple[str, ...] = get_args(Condition)
_MODES = ("inotify", "poll", "none")
_OUTCOMES = ("still", "repaired", "failed")
_BYTES_PER_MBIT = 1_000_000 / 8
"""As node_exporter: a link of 1000 Mbit/s shows 125000000."""
_TRAFFIC = {
    f"bridged_link_{way}_{what}_total": f"{short}_{what}"
    for way, short in (("receive", "rx"), ("transmit", "tx"))
    for what in ("bytes", "packets", "errors", "dropped")
}
"""Metric -> key of `LinkReport.counters`."""


class ReportCollector(Collector):
    """Reads `report` once per scrape: no lock, no series of what is gone, nothing half updated.

    Before the first report only the version is told.
    """

    def __init__(self, report: Callable[[], Report | None], version: str) -> None:
        self._report = report
        self._version = version

    def describe(self) -> Iterable[Family]:
        """Every family, empty: the registry learns the names without taking a report."""
        return [metric.family() for metric in METRICS]

    def collect(self) -> Iterable[Family]:
        """The families of the last report, in the order of the catalogue."""
        report = self._report()
        sheet = _Sheet()
        sheet.add("bridged_build_info", (self._version,), 1)
        if report is not None:
            _objects(sheet, report.objects)
            _findings(sheet, report)
            _readiness(sheet, report)
            _counters(sheet, report.counters)
            _state_file(sheet, report.state)
            _agent(sheet, report)
            _links(sheet, report.links)
        return list(sheet.families())


def make_registry(report: Callable[[], Report | None], version: str) -> CollectorRegistry:
    """A registry of its own with the report's metrics and those of this process."""
    registry = CollectorRegistry()
    registry.register(ReportCollector(report, version))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


class _Sheet:
    """The families of one scrape; only names that the catalogue has."""

    def __init__(self) -> None:
        self._families: dict[str, Family] = {}
        self._seen: set[tuple[str, tuple[str, ...]]] = set()

    def add(self, name: str, labels: Sequence[str], value: float) -> None:
        """One sample.  A second one of the same labels would spoil the scrape: the first stays."""
        key = name, tuple(labels)
        if key in self._seen:
            return
        self._seen.add(key)
        family = self._family(name)
        assert not isinstance(family, HistogramMetricFamily)
        family.add_metric(labels, value)

    def histogram(
        self, name: str, labels: Sequence[str], buckets: Sequence[tuple[float, int]], total: float
    ) -> None:
        """One histogram from cumulative buckets; the last one is given the bound +Inf if it has
        none, for the text format takes the count from there."""
        family = self._family(name)
        assert isinstance(family, HistogramMetricFamily)
        pairs = [
            ("+Inf" if bound == float("inf") else repr(float(bound)), float(count))
            for bound, count in buckets
        ]
        if not pairs or pairs[-1][0] != "+Inf":
            pairs.append(("+Inf", pairs[-1][1] if pairs else 0.0))
        family.add_metric(labels, buckets=pairs, sum_value=total)

    def families(self) -> Iterator[Family]:
        """Families that have samples, in the catalogue's order."""
        return (self._families[m.name] for m in METRICS if m.name in self._families)

    def _family(self, name: str) -> Family:
        if name not in self._families:
            self._families[name] = BY_NAME[name].family()
        return self._families[name]


def _objects(sheet: _Sheet, objects: Iterable[ObjectReport]) -> None:
    for item in objects:
        labels = (item.kind, item.name)
        sheet.add("bridged_object_converged", labels, item.as_desired)
        sheet.add("bridged_object_drift", labels, len(item.drift))
        for condition in _CONDITIONS:
            name = "bridged_object_condition"
            sheet.add(name, (*labels, condition), item.condition == condition)


def _findings(sheet: _Sheet, report: Report) -> None:
    codes = [finding.code for finding in report.findings]
    for code in sorted(set(codes)):
        sheet.add("bridged_findings", (code,), codes.count(code))


def _readiness(sheet: _Sheet, report: Report) -> None:
    if not report.readiness:
        return  # not looked at yet
    against = [check for check in report.readiness if check.outcome == "not-ready"]
    sheet.add("bridged_node_ready", (), not against)
    for check in report.readiness:
        sheet.add("bridged_node_ready_check", (check.name,), check.outcome != "not-ready")
        sheet.add("bridged_node_ready_warning", (check.name,), check.outcome == "warning")


def _counters(sheet: _Sheet, counters: Counters) -> None:
    for drifted, number in counters.drift.items():
        sheet.add("bridged_drift_total", drifted, number)
    for repair, number in counters.repairs.items():
        sheet.add("bridged_repairs_total", repair, number)
    # The known outcomes begin at zero, so that increase() sees the first of each.
    for outcome, number in {**dict.fromkeys(_OUTCOMES, 0), **counters.passes}.items():
        sheet.add("bridged_passes_total", (outcome,), number)
    for source, number in counters.wakeups.items():
        sheet.add("bridged_wakeups_total", (source,), number)
    for world, number in counters.errors.items():
        sheet.add("bridged_errors_total", (world,), number)
    sheet.add("bridged_netlink_overruns_total", (), counters.netlink_overruns)
    for phase, buckets in counters.duration_buckets.items():
        total = counters.duration_sum.get(phase, 0.0)
        sheet.histogram("bridged_reconcile_duration_seconds", (phase,), buckets, total)


def _state_file(sheet: _Sheet, state: StateFileReport) -> None:
    sheet.add("bridged_state_file_valid", (), state.valid)
    sheet.add("bridged_state_file_info", (state.hash, state.source), 1)
    sheet.add("bridged_state_loaded_timestamp_seconds", (), state.loaded or 0)


def _agent(sheet: _Sheet, report: Report) -> None:
    sheet.add("bridged_last_pass_timestamp_seconds", (), report.time)
    sheet.add("bridged_last_success_timestamp_seconds", (), report.last_success or 0)
    sheet.add("bridged_networkmanager_up", (), report.network_manager_available)
    for mode in _MODES:
        sheet.add("bridged_watch_mode", (mode,), report.watch_mode == mode)


def _links(sheet: _Sheet, links: Iterable[LinkReport]) -> None:
    for link in links:
        labels = (link.name, link.bridge, link.role)
        sheet.add("bridged_link_present", labels, link.present)
        sheet.add("bridged_link_up", labels, link.up)
        sheet.add("bridged_link_carrier", labels, link.carrier)
        if link.role == "bridge":
            sheet.add("bridged_bridge_guest_ports", (link.name,), len(link.guests))
        if not link.present:
            continue
        sheet.add("bridged_link_info", (*labels, link.operstate, link.address), 1)
        sheet.add("bridged_link_mtu_bytes", labels, link.mtu)
        if link.speed is not None and link.speed > 0:
            sheet.add("bridged_link_speed_bytes", labels, link.speed * _BYTES_PER_MBIT)
        sheet.add("bridged_link_carrier_changes_total", labels, link.carrier_changes)
        for name, key in _TRAFFIC.items():
            if key in link.counters:
                sheet.add(name, labels, link.counters[key])
