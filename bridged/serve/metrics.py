"""From one report to one scrape."""

import gzip
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import get_args
from urllib.parse import parse_qs

from prometheus_client import (
    CollectorRegistry,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from bridged.report import (
    Condition,
    Counters,
    LinkReport,
    ObjectReport,
    PauseReport,
    Report,
    StateFileReport,
)
from bridged.serve.catalogue import METRICS, Family
from bridged.serve.sheet import Sheet

_CONDITIONS: tuple[str, ...] = get_args(Condition)
_MODES = ("inotify", "poll", "none")
_OUTCOMES = ("still", "repaired", "failed")
_CHECKPOINTS = ("kept", "rolled-back", "rollback-failed", "lost", "not-made")
_CAUSES = ("unreachable", "unconfirmed", "operator")
_STP = {"disabled": 0, "listening": 1, "learning": 2, "forwarding": 3, "blocking": 4}
_BYTES_PER_MBIT = 1_000_000 / 8
"""As node_exporter: a link of 1000 Mbit/s shows 125000000."""
_OBJECT = ("kind", "name")
_LINK = ("link", "bridge", "role")
_INFO = ("operstate", "address", "duplex", "driver")
_TRAFFIC = {
    f"bridged_link_{way}_{what}_total": f"{short}_{what}"
    for way, short in (("receive", "rx"), ("transmit", "tx"))
    for what in ("bytes", "packets", "errors", "dropped")
}
"""Metric -> key of `LinkReport.counters`."""
TEXT = "text/plain; version=0.0.4; charset=utf-8"
"""The content type of the text format."""


@dataclass(frozen=True, slots=True)
class WebReport:
    """What the HTTP server knows of itself: requests by status, handshakes that failed, and its
    configuration: whether what is on disk is in force (None: it has none), since when, and until
    when its certificate is good (Unix seconds)."""

    requests: dict[str, int] = field(default_factory=dict)
    handshake_errors: int = 0
    config_current: bool | None = None
    config_loaded: float = 0.0
    certificate_expires: float | None = None


class ReportCollector(Collector):
    """Reads `report` once per scrape: no lock, no series of what is gone, nothing half updated.

    Before the first report only the version is told.  `name_guests` names guest ports too.
    """

    def __init__(
        self,
        report: Callable[[], Report | None],
        version: str,
        web: Callable[[], WebReport] = WebReport,
        name_guests: bool = False,
    ) -> None:
        self._report = report
        self._version = version
        self._web = web
        self._name_guests = name_guests

    def describe(self) -> Iterable[Family]:
        """Every family, empty: the registry learns the names without taking a report."""
        return [metric.family() for metric in METRICS]

    def collect(self) -> Iterable[Family]:
        """The families of the last report, in the order of the catalogue."""
        return list(self.sheet().families())

    def sheet(self) -> Sheet:
        """The samples of the last report."""
        report = self._report()
        sheet = Sheet()
        sheet.one("bridged_build_info", (self._version,), 1)
        if report is not None:
            _objects(sheet, report.objects)
            _findings(sheet, report)
            _pauses(sheet, report.pauses)
            _readiness(sheet, report)
            _counters(sheet, report.counters)
            _state_file(sheet, report.state)
            _agent(sheet, report)
            _links(sheet, report.links)
            if self._name_guests:
                _guests(sheet, report.links)
            _web(sheet, self._web())
        return sheet


class Exposition:
    """The page /metrics: the report's metrics and those of this process."""

    def __init__(self, collector: ReportCollector) -> None:
        self._collector = collector
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        PlatformCollector(registry=self._process)
        self._all = make_registry(collector)

    def page(
        self, query: str = "", accept: str = "*/*", compressed: bool = False
    ) -> tuple[bytes, list[tuple[str, str]]]:
        """Body and headers.  The text format, which every scraper takes, is quick; OpenMetrics is
        given to who takes nothing else, and a choice by ``name[]=`` is the library's."""
        names = parse_qs(query).get("name[]")
        text = "openmetrics" not in accept or "text/plain" in accept or "*/*" in accept
        if names or not text:
            encode, kind = choose_encoder(accept)
            body = encode(self._all.restricted_registry(names) if names else self._all)
        else:
            kind = TEXT
            body = self._collector.sheet().text().encode() + generate_latest(self._process)
        headers = [("Content-Type", kind)]
        if compressed:
            # More than the first level costs many times as much for little.
            body = gzip.compress(body, compresslevel=1)
            headers.append(("Content-Encoding", "gzip"))
        return body, headers


def make_registry(collector: ReportCollector) -> CollectorRegistry:
    """A registry of its own with the report's metrics and those of this process."""
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


def _objects(sheet: Sheet, objects: Iterable[ObjectReport]) -> None:
    converged = sheet.rows("bridged_object_converged")
    drift = sheet.rows("bridged_object_drift")
    since = sheet.rows("bridged_object_condition_since_timestamp_seconds")
    conditions = sheet.choices("bridged_object_condition", _CONDITIONS)
    for item in objects:
        labels = sheet.labels(_OBJECT, (item.kind, item.name))
        # What is not offered and not asked for has not drifted.
        differs = () if item.as_desired else item.drift
        converged[labels] = int(item.as_desired)
        drift[labels] = len(differs)
        since[labels] = item.since
        conditions[labels] = item.condition
        properties = Counter(d.property for d in differs) if differs else {}
        for name, number in properties.items():
            sheet.one("bridged_object_property_drift", (item.kind, item.name, name), number)


def _findings(sheet: Sheet, report: Report) -> None:
    codes = [finding.code for finding in report.findings]
    for code in sorted(set(codes)):
        sheet.one("bridged_findings", (code,), codes.count(code))


def _pauses(sheet: Sheet, pauses: Iterable[PauseReport]) -> None:
    sheet.one("bridged_paused", ("",), 0)  # unless the whole node is paused
    for pause in pauses:
        sheet.one("bridged_paused", (pause.bridge,), 1)
        sheet.one("bridged_pause_expires_timestamp_seconds", (pause.bridge,), pause.until)


def _readiness(sheet: Sheet, report: Report) -> None:
    if not report.readiness:
        return  # not looked at yet
    against = [check for check in report.readiness if check.outcome == "not-ready"]
    sheet.add("bridged_node_ready", "", int(not against))
    for check in report.readiness:
        sheet.one("bridged_node_ready_check", (check.name,), int(check.outcome != "not-ready"))
        sheet.one("bridged_node_ready_warning", (check.name,), int(check.outcome == "warning"))


def _counters(sheet: Sheet, counters: Counters) -> None:
    for drifted, number in counters.drift.items():
        sheet.one("bridged_drift_total", drifted, number)
    for repair, number in counters.repairs.items():
        sheet.one("bridged_repairs_total", repair, number)
    for entered, number in counters.conditions.items():
        sheet.one("bridged_object_condition_entered_total", entered, number)
    # What is known beforehand begins at zero, so that increase() sees the first of each.
    for name, known, counted in (
        ("bridged_passes_total", _OUTCOMES, counters.passes),
        ("bridged_checkpoints_total", _CHECKPOINTS, counters.checkpoints),
        ("bridged_rollbacks_total", _CAUSES, counters.rollbacks),
        ("bridged_wakeups_total", (), counters.wakeups),
        ("bridged_errors_total", (), counters.errors),
        ("bridged_observation_errors_total", (), counters.unread),
        ("bridged_dbus_errors_total", (), counters.dbus_errors),
        ("bridged_withheld_steps", (), counters.withheld),
    ):
        for key, number in {**dict.fromkeys(known, 0), **counted}.items():
            sheet.one(name, (key,), number)
    sheet.add("bridged_netlink_overruns_total", "", counters.netlink_overruns)
    sheet.add("bridged_breaker_open", "", int(counters.breaker_open))
    sheet.add("bridged_breaker_rollbacks", "", counters.breaker_rollbacks)
    for phase, buckets in counters.duration_buckets.items():
        total = counters.duration_sum.get(phase, 0.0)
        sheet.histogram("bridged_reconcile_duration_seconds", (phase,), buckets, total)


def _state_file(sheet: Sheet, state: StateFileReport) -> None:
    sheet.add("bridged_state_file_valid", "", int(state.valid))
    sheet.one("bridged_state_file_info", (state.hash, state.source), 1)
    sheet.add("bridged_state_loaded_timestamp_seconds", "", state.loaded or 0)
    sheet.add("bridged_state_file_modified_timestamp_seconds", "", state.modified or 0)


def _agent(sheet: Sheet, report: Report) -> None:
    sheet.add("bridged_last_pass_timestamp_seconds", "", report.time)
    sheet.add("bridged_last_success_timestamp_seconds", "", report.last_success or 0)
    sheet.add("bridged_confirm_deadline_timestamp_seconds", "", report.confirm_by or 0)
    sheet.add("bridged_networkmanager_up", "", int(report.network_manager_available))
    for mode in _MODES:
        sheet.one("bridged_watch_mode", (mode,), int(report.watch_mode == mode))


def _links(sheet: Sheet, links: Iterable[LinkReport]) -> None:
    present, up = sheet.rows("bridged_link_present"), sheet.rows("bridged_link_up")
    carrier = sheet.rows("bridged_link_carrier")
    traffic = [(sheet.rows(name), key) for name, key in _TRAFFIC.items()]
    operational = sheet.rows("bridged_link_operational")
    changes = sheet.rows("bridged_link_carrier_changes_total")
    mtu, known = sheet.rows("bridged_link_mtu_bytes"), sheet.rows("bridged_link_info")
    for link in links:
        values = (link.name, link.bridge, link.role)
        labels = sheet.labels(_LINK, values)
        present[labels] = int(link.present)
        up[labels] = int(link.up)
        carrier[labels] = int(link.carrier)
        operational[labels] = int(link.operstate in {"up", "unknown"})
        if link.role == "bridge":
            _bridge(sheet, link)
        if not link.present:
            continue
        info = (link.operstate, link.address, link.duplex, link.driver)
        known[sheet.labels(_INFO, info, labels)] = 1
        mtu[labels] = link.mtu
        changes[labels] = link.carrier_changes
        if link.stp_state:
            sheet.add("bridged_link_stp_state", labels, _STP[link.stp_state])
        if link.speed is not None and link.speed > 0:
            sheet.add("bridged_link_speed_bytes", labels, link.speed * _BYTES_PER_MBIT)
        for rows, key in traffic:
            if key in link.counters:
                rows[labels] = link.counters[key]


def _bridge(sheet: Sheet, link: LinkReport) -> None:
    sheet.one("bridged_bridge_guest_ports", (link.name,), len(link.guests))
    if link.fdb_entries is not None:
        sheet.one("bridged_bridge_fdb_entries", (link.name,), link.fdb_entries)


def _guests(sheet: Sheet, links: Iterable[LinkReport]) -> None:
    for link in links:
        for guest in link.guests:
            # The kernel takes names that are not UTF-8, and whoever scrapes does not.
            name = guest.encode(errors="surrogateescape").decode(errors="backslashreplace")
            sheet.one("bridged_bridge_guest_port_info", (link.name, name), 1)


def _web(sheet: Sheet, web: WebReport) -> None:
    for code, number in {"200": 0, **web.requests}.items():
        sheet.one("bridged_http_requests_total", (code,), number)
    sheet.add("bridged_http_tls_handshake_errors_total", "", web.handshake_errors)
    if web.config_current is not None:
        sheet.add("bridged_web_config_last_reload_successful", "", int(web.config_current))
        name = "bridged_web_config_last_reload_success_timestamp_seconds"
        sheet.add(name, "", web.config_loaded)
    if web.certificate_expires is not None:
        name = "bridged_web_certificate_expiry_timestamp_seconds"
        sheet.add(name, "", web.certificate_expires)
