"""Every metric that bridged exports: its name, kind, labels and help, in one table.

The exporter takes its families from here and `docs/metrics.md` is printed from here
(``python -m bridged.serve.catalogue > docs/metrics.md``), so that neither can say something else.
"""

from dataclasses import dataclass
from typing import Literal

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


@dataclass(frozen=True, slots=True)
class Metric:
    """One row: the name as it is scraped, what it counts, and the names of its labels."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    help: str
    labels: tuple[str, ...] = ()

    @property
    def head(self) -> str:
        """The two lines ahead of the samples in the text format, version 0.0.4."""
        text = self.help.replace("\\", "\\\\")
        return f"# HELP {self.name} {text}\n# TYPE {self.name} {self.kind}\n"

    def family(self) -> Family:
        """An empty family for one scrape."""
        if self.kind == "counter":
            return CounterMetricFamily(self.name, self.help, labels=self.labels)
        if self.kind == "histogram":
            return HistogramMetricFamily(self.name, self.help, labels=self.labels)
        return GaugeMetricFamily(self.name, self.help, labels=self.labels)


_OBJECT = ("kind", "name")
_LINK = ("link", "bridge", "role")


def _traffic() -> tuple[Metric, ...]:
    """Received and sent, in the words of node_exporter's readers."""
    words = {
        "bytes": "Bytes {}.",
        "packets": "Packets {}.",
        "errors": "Errors counted by the kernel for packets {}.",
        "dropped": "Packets that the kernel dropped instead of having them {}.",
    }
    return tuple(
        Metric(f"bridged_link_{way}_{what}_total", "counter", text.format(done), _LINK)
        for way, done in (("receive", "received"), ("transmit", "sent"))
        for what, text in words.items()
    )


METRICS: tuple[Metric, ...] = (
    Metric("bridged_build_info", "gauge", "Always 1; the version that runs.", ("version",)),
    # The objects, from the last observation.
    Metric(
        "bridged_object_converged",
        "gauge",
        "1 where the object is as declared when last seen, or is something that this host does "
        "not offer and nobody asked for; else 0.",
        _OBJECT,
    ),
    Metric(
        "bridged_object_condition",
        "gauge",
        "1 for the condition that the object is in, 0 for the others: converged, drift, pending, "
        "unavailable, blocked, failed, contended, withheld, paused.",
        (*_OBJECT, "condition"),
    ),
    Metric(
        "bridged_object_drift",
        "gauge",
        "Number of the object's properties that differ from what is declared now.",
        _OBJECT,
    ),
    Metric(
        "bridged_object_property_drift",
        "gauge",
        "1 for each property that differs from what is declared now (for guests, how many); absent "
        "where none does.",
        (*_OBJECT, "property"),
    ),
    Metric(
        "bridged_object_condition_since_timestamp_seconds",
        "gauge",
        "Unix time at which the object came into the condition that it is in.",
        _OBJECT,
    ),
    Metric(
        "bridged_withheld_steps",
        "gauge",
        "Steps that are not taken now because guests would lose the bridge; absent where there is "
        "none.",
        ("bridge",),
    ),
    Metric(
        "bridged_findings",
        "gauge",
        "Number of findings by code: things to know that are not drift.",
        ("code",),
    ),
    Metric(
        "bridged_paused",
        "gauge",
        "1 while an operator wants nothing changed: on the whole node (empty label), or on the "
        "bridge.  The series without a bridge is always there.",
        ("bridge",),
    ),
    Metric(
        "bridged_pause_expires_timestamp_seconds",
        "gauge",
        "Unix time at which the pause ends by itself; absent where there is none.",
        ("bridge",),
    ),
    Metric(
        "bridged_node_ready",
        "gauge",
        "1 where nothing stands against running KubeVirt's virtual machines on this node.",
    ),
    Metric(
        "bridged_node_ready_check",
        "gauge",
        "0 for each check that stands against it, 1 for the others: state, kvm, cgroup, swap, "
        "modules, sysctls, packages, runtime, bridges, nics; what is not declared has no series.",
        ("check",),
    ),
    Metric(
        "bridged_node_ready_warning",
        "gauge",
        "1 for each check that holds and still deserves a look (a card known for trouble).",
        ("check",),
    ),
    # What was found and done since the start.
    Metric(
        "bridged_drift_total",
        "counter",
        "How often a property was found to differ; a lasting difference counts once.",
        ("object", "property"),
    ),
    Metric(
        "bridged_repairs_total",
        "counter",
        "Repairs by object, by what had drifted, and by how they ended (repaired, failed).",
        ("object", "cause", "outcome"),
    ),
    Metric(
        "bridged_object_condition_entered_total",
        "counter",
        "Times that an object came into a condition other than converged; contended counts "
        "contests, withheld disruptions that were held back.",
        ("object", "condition"),
    ),
    Metric(
        "bridged_checkpoints_total",
        "counter",
        "NetworkManager checkpoints by how they ended: kept, rolled-back, rollback-failed (gone, "
        "or a device was not restored), lost (gone before it was confirmed), not-made.",
        ("outcome",),
    ),
    Metric(
        "bridged_rollbacks_total",
        "counter",
        "Changes that were taken back, by cause: unreachable (what answered before did not any "
        "more), unconfirmed (nobody confirmed them in time), operator.",
        ("cause",),
    ),
    Metric(
        "bridged_breaker_open",
        "gauge",
        "1 while structural changes are held back because the state in force was rolled back.",
    ),
    Metric(
        "bridged_breaker_rollbacks",
        "gauge",
        "How often the state in force was rolled back; a changed file begins anew.",
    ),
    Metric(
        "bridged_confirm_deadline_timestamp_seconds",
        "gauge",
        "Unix time until which changes wait for `bridgedctl confirm`; 0 where none wait.",
    ),
    Metric(
        "bridged_passes_total",
        "counter",
        "Passes by outcome: still (nothing to do), repaired, failed.",
        ("outcome",),
    ),
    Metric("bridged_wakeups_total", "counter", "What woke the loop, and how often.", ("source",)),
    Metric(
        "bridged_errors_total",
        "counter",
        "Calls that failed, by the world or kind of action that they belong to.",
        ("world",),
    ),
    Metric(
        "bridged_observation_errors_total",
        "counter",
        "Observations in which something could not be read, by what it was.",
        ("world",),
    ),
    Metric(
        "bridged_dbus_errors_total",
        "counter",
        "Calls to NetworkManager over D-Bus that failed, by kind of error: not-found, refused, "
        "permission, timeout, unavailable, vanished, failed.",
        ("kind",),
    ),
    Metric(
        "bridged_netlink_overruns_total",
        "counter",
        "Times that the kernel dropped netlink events because they were not read fast enough.",
    ),
    Metric(
        "bridged_reconcile_duration_seconds",
        "histogram",
        "Time taken by phase: observe, plan, apply, and pass for the whole.",
        ("phase",),
    ),
    Metric(
        "bridged_last_pass_timestamp_seconds",
        "gauge",
        "Unix time at which the last report was made.",
    ),
    Metric(
        "bridged_last_success_timestamp_seconds",
        "gauge",
        "Unix time of the last pass in which nothing failed; 0 where there was none.",
    ),
    # The state file and what bridged itself stands on.
    Metric(
        "bridged_state_file_valid",
        "gauge",
        "1 where the state file as it is on disk now can be used; 0 while an earlier good one, or "
        "none, is in force.",
    ),
    Metric(
        "bridged_state_file_info",
        "gauge",
        "Always 1; SHA-256 of the state in force and where it came from (file, last-good, none).",
        ("hash", "source"),
    ),
    Metric(
        "bridged_state_loaded_timestamp_seconds",
        "gauge",
        "Unix time at which the state in force was loaded; 0 where there is none.",
    ),
    Metric(
        "bridged_state_file_modified_timestamp_seconds",
        "gauge",
        "Unix time at which the state file or a drop-in on disk was last written; 0 where it "
        "cannot be told.",
    ),
    Metric(
        "bridged_networkmanager_up",
        "gauge",
        "1 where NetworkManager answered the last observation.",
    ),
    Metric(
        "bridged_watch_mode",
        "gauge",
        "1 for the way in which the state file is watched now: inotify, poll or none.",
        ("mode",),
    ),
    # Declared links and their ports; those of guests are counted, not named.
    Metric("bridged_link_present", "gauge", "1 where the declared link exists.", _LINK),
    Metric("bridged_link_up", "gauge", "1 where the link is administratively up (IFF_UP).", _LINK),
    Metric("bridged_link_carrier", "gauge", "1 where the link has carrier.", _LINK),
    Metric(
        "bridged_link_operational",
        "gauge",
        "1 where the operational state (RFC 2863) lets frames pass: up, or unknown as drivers say "
        "that do not tell.",
        _LINK,
    ),
    Metric(
        "bridged_link_info",
        "gauge",
        "Always 1; operational state (RFC 2863), MAC address, duplex and driver of the link, the "
        "last two empty where nobody tells.",
        (*_LINK, "operstate", "address", "duplex", "driver"),
    ),
    Metric(
        "bridged_link_stp_state",
        "gauge",
        "Spanning tree state of a port of a bridge: 0 disabled, 1 listening, 2 learning, 3 "
        "forwarding, 4 blocking; absent where the link is no port.",
        _LINK,
    ),
    Metric("bridged_link_mtu_bytes", "gauge", "MTU of the link.", _LINK),
    Metric(
        "bridged_link_speed_bytes",
        "gauge",
        "Speed of the link in bytes per second; absent where the driver does not tell.",
        _LINK,
    ),
    Metric(
        "bridged_link_carrier_changes_total",
        "counter",
        "Times that the link gained or lost carrier since it was made.",
        _LINK,
    ),
    *_traffic(),
    Metric(
        "bridged_bridge_guest_ports",
        "gauge",
        "Ports of the bridge that the state does not declare: those of VMs and pods.",
        ("bridge",),
    ),
    Metric(
        "bridged_bridge_guest_port_info",
        "gauge",
        "Always 1 for each guest port; only with `--name-guests`, for the series come and go with "
        "the guests.",
        ("bridge", "port"),
    ),
    Metric(
        "bridged_bridge_fdb_entries",
        "gauge",
        "Hardware addresses that the bridge has learned; on kernels before 6.7 counted once in a "
        "resync interval.",
        ("bridge",),
    ),
    # The HTTP server itself.
    Metric(
        "bridged_http_requests_total",
        "counter",
        "Requests over HTTP by the status that they were answered with.",
        ("code",),
    ),
    Metric(
        "bridged_http_tls_handshake_errors_total",
        "counter",
        "Connections that ended before TLS was agreed upon: no or a wrong certificate, plain HTTP, "
        "silence.",
    ),
    Metric(
        "bridged_web_config_last_reload_successful",
        "gauge",
        "1 where the web configuration as it is on disk is in force; 0 while an earlier one is. "
        "Absent without `--web-config`.",
    ),
    Metric(
        "bridged_web_config_last_reload_success_timestamp_seconds",
        "gauge",
        "Unix time at which the web configuration in force was loaded.",
    ),
    Metric(
        "bridged_web_certificate_expiry_timestamp_seconds",
        "gauge",
        "Unix time at which the certificate expires that metrics are served with; absent without "
        "TLS.",
    ),
)

BY_NAME = {metric.name: metric for metric in METRICS}

_HEAD = """# Metrics

`bridged` serves these at `/metrics` (see the command line of `bridged` for the address). All
gauges of one scrape come from the last observation (its age is
`time() - bridged_last_pass_timestamp_seconds`; on a still host `--resync`, 60 s, at most); the
series of what vanished vanish with it.
Counters begin at zero when bridged starts, those of links when the kernel made the link.

This page is generated: `python -m bridged.serve.catalogue > docs/metrics.md`.

| metric | type | labels | meaning |
| --- | --- | --- | --- |
"""

_TAIL = """
Besides these, the usual `process_*` and `python_info` of the Prometheus client library.

Each traffic metric counts since the kernel made the link. `bridge` is the bridge that the link is
declared for (empty for the parent of a VLAN that is in no bridge), `role` is one of bridge, port,
vlan, parent.
"""


def markdown() -> str:
    """The page `docs/metrics.md`."""
    rows = [
        f"| `{m.name}` | {m.kind} | {', '.join(f'`{label}`' for label in m.labels)} | {m.help} |\n"
        for m in METRICS
    ]
    return _HEAD + "".join(rows) + _TAIL


if __name__ == "__main__":
    print(markdown(), end="")
