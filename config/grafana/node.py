"""The dashboard of one node: is it right, what was done, what do its links do."""

from panels import (
    BLUE,
    CARDS,
    CONDITIONS,
    GREEN,
    NONE_IS_GOOD,
    RED,
    RIGHT,
    YELLOW,
    Json,
    column,
    dashboard,
    query,
    series,
    stat,
    table,
    texts,
    timeline,
    variable,
)

NODE = 'instance="$instance"'


def node() -> Json:
    """One node: is it right, what was done, what do its links do."""
    return dashboard(
        "bridged-node",
        "bridged: node",
        "Is this node as it is declared, and what was done to keep it so?",
        [variable("instance", "Node", "label_values(bridged_build_info, instance)")],
        {
            "Is it right?": [*_right(), *_wrong()],
            "What was done": _done(),
            "Links": _links(),
            "bridged itself": _process(),
        },
        [
            {
                "type": "link",
                "title": "All nodes",
                "url": "/d/bridged-fleet?var-datasource=${datasource}",
                "icon": "external link",
            }
        ],
    )


def _right() -> list[Json]:
    return [
        stat(
            "Wrong objects",
            f"sum(1 - bridged_object_converged{{{NODE}}})",
            what="Declared objects that are not as declared.",
            steps=NONE_IS_GOOD,
        ),
        stat(
            "Answers",
            f'up{{job="bridged", {NODE}}}',
            texts=RIGHT,
            what="Whether Prometheus gets an answer.",
        ),
        stat(
            "State file is good",
            f"bridged_state_file_valid{{{NODE}}}",
            texts=RIGHT,
            what="no: the last good state stays in force. `bridgedctl validate` says why.",
        ),
        stat("NetworkManager", f"bridged_networkmanager_up{{{NODE}}}", texts=RIGHT),
        stat(
            "Last look",
            f"time() - bridged_last_pass_timestamp_seconds{{{NODE}}}",
            unit="s",
            steps=((None, GREEN), (120, YELLOW), (300, RED)),
            what="Seconds since the last pass; at most about 60 on a still node.",
        ),
        stat(
            "Alerts",
            f'count(ALERTS{{alertname=~"Bridged.*", alertstate="firing", {NODE}}}) or vector(0)',
            steps=NONE_IS_GOOD,
        ),
        stat("Guest ports", f"sum(bridged_bridge_guest_ports{{{NODE}}})", steps=((None, BLUE),)),
        stat(
            "Version",
            f"bridged_build_info{{{NODE}}}",
            legend="{{version}}",
            name=True,
            steps=((None, BLUE),),
        ),
    ]


def _wrong() -> list[Json]:
    return [
        table(
            "Not as declared",
            {"": f"bridged_object_condition{{{CONDITIONS}, {NODE}}} == 1"},
            columns=["kind", "name", "condition"],
            what="`bridgedctl status` on the node says why and what to do.",
            width=10,
        ),
        table(
            "Findings",
            {"number": f"bridged_findings{{{NODE}}} > 0"},
            columns=["code", "number"],
            what="Things to know that are not drift.",
            width=5,
        ),
        table(
            "Alerts that fire",
            {"": f'ALERTS{{alertname=~"Bridged.*", alertstate="firing", {NODE}}}'},
            columns=["alertname", "severity", "kind", "name", "link"],
            what="docs/runbook.md has a section for each.",
            width=9,
        ),
    ]


def _done() -> list[Json]:
    each = "[$__rate_interval]"
    quantile = "histogram_quantile({}, sum by (phase, le) (rate({}_bucket{{{}}}{})))".format
    took = "bridged_reconcile_duration_seconds"
    return [
        series(
            "Objects by condition",
            query(f"sum by (condition) (bridged_object_condition{{{NODE}}})", "{{condition}}"),
            stacked=True,
        ),
        series(
            "Repairs",
            query(
                f"sum by (object, outcome) (increase(bridged_repairs_total{{{NODE}}}{each}))",
                "{{object}} {{outcome}}",
            ),
            bars=True,
            stacked=True,
        ),
        series(
            "Drift found",
            query(
                f"sum by (object, property) (increase(bridged_drift_total{{{NODE}}}{each}))",
                "{{object}} {{property}}",
            ),
            bars=True,
            stacked=True,
        ),
        series(
            "Properties that differ",
            query(
                f"sum by (kind, property) (bridged_object_property_drift{{{NODE}}})",
                "{{kind}} {{property}}",
            ),
            stacked=True,
            what="Nothing to see here is right: a property is shown while it differs.",
        ),
        series(
            "Time taken (9 of 10 passes)",
            query(quantile(0.9, took, NODE, each), "{{phase}}"),
            unit="s",
        ),
        series(
            "Passes",
            query(f"rate(bridged_passes_total{{{NODE}}}{each})", "{{outcome}}"),
            unit="ops",
        ),
        series(
            "What woke bridged",
            query(f"rate(bridged_wakeups_total{{{NODE}}}{each})", "{{source}}"),
            unit="ops",
        ),
        series(
            "Failed calls",
            query(f"increase(bridged_errors_total{{{NODE}}}{each})", "{{world}}"),
            query(f"increase(bridged_dbus_errors_total{{{NODE}}}{each})", "D-Bus {{kind}}"),
            query(f"increase(bridged_netlink_overruns_total{{{NODE}}}{each})", "netlink overruns"),
            bars=True,
        ),
        timeline(
            "How the state file is watched",
            f"bridged_watch_mode{{{NODE}}}",
            "{{mode}}",
            width=8,
            steps=((None, "transparent"), (1, BLUE)),
        ),
        series(
            "Transactions",
            query(f"increase(bridged_checkpoints_total{{{NODE}}}{each})", "{{outcome}}"),
            query(f"increase(bridged_rollbacks_total{{{NODE}}}{each})", "taken back: {{cause}}"),
            bars=True,
            what="Checkpoints of NetworkManager around changes of the network, and how they ended.",
        ),
        series(
            "Requests over HTTP",
            query(f"rate(bridged_http_requests_total{{{NODE}}}{each})", "{{code}}"),
            query(f"rate(bridged_http_tls_handshake_errors_total{{{NODE}}}{each})", "TLS refused"),
            unit="reqps",
        ),
        table(
            "Steps withheld",
            {"steps": f"bridged_withheld_steps{{{NODE}}} or on () vector(0)"},
            columns=["bridge", "steps"],
            width=8,
            what="Not taken, for guests would lose the bridge; `bridgedctl plan` shows them.",
        ),
    ]


def _links() -> list[Json]:
    return [
        timeline(
            "Carrier",
            f"bridged_link_carrier{{{NODE}}}",
            "{{link}}",
            width=8,
            steps=((None, RED), (1, GREEN)),
            texts={"0": ("no carrier", RED), "1": ("carrier", GREEN)},
        ),
        table(
            "Links",
            {
                "there": f"bridged_link_present{{{NODE}}}",
                "up": f"bridged_link_up{{{NODE}}}",
                "carrier": f"bridged_link_carrier{{{NODE}}}",
                "MTU": f"bridged_link_mtu_bytes{{{NODE}}}",
                "speed": f"bridged_link_speed_bytes{{{NODE}}} * 8",
                "carrier changes": f"bridged_link_carrier_changes_total{{{NODE}}}",
            },
            columns=[
                "link",
                "role",
                "bridge",
                "there",
                "up",
                "carrier",
                "speed",
                "MTU",
                "carrier changes",
            ],
            width=16,
            overrides=[
                *(column(name, mappings=texts(RIGHT)) for name in ("there", "up", "carrier")),
                column("speed", unit="bps"),
            ],
        ),
        *(_traffic(title, what) for title, what in (("Received", "receive"), ("Sent", "transmit"))),
        _spoilt("Broken packets", "errors"),
        _spoilt("Dropped packets", "dropped"),
        series(
            "Packets",
            query(
                f"rate(bridged_link_receive_packets_total{{{NODE}}}[$__rate_interval])",
                "{{link}} received",
            ),
            query(
                f"rate(bridged_link_transmit_packets_total{{{NODE}}}[$__rate_interval])",
                "{{link}} sent",
            ),
            unit="pps",
        ),
        series(
            "Carrier changes",
            query(
                "increase(bridged_link_carrier_changes_total"
                f"{{{CARDS}, {NODE}}}[$__rate_interval])",
                "{{link}}",
            ),
            bars=True,
        ),
        series(
            "Guest ports",
            query(f"bridged_bridge_guest_ports{{{NODE}}}", "{{bridge}}"),
            stacked=True,
        ),
        series("Addresses learned", query(f"bridged_bridge_fdb_entries{{{NODE}}}", "{{bridge}}")),
        timeline(
            "Ports",
            f"bridged_link_stp_state{{{NODE}}}",
            "{{link}}",
            width=8,
            what="Whether the bridge sends through the port: its spanning tree state.",
            steps=((None, RED), (1, YELLOW), (3, GREEN), (4, RED)),
            texts={
                "0": ("disabled", RED),
                "1": ("listening", YELLOW),
                "2": ("learning", YELLOW),
                "3": ("forwarding", GREEN),
                "4": ("blocking", RED),
            },
        ),
        table(
            "Cards and addresses",
            {"": f"bridged_link_info{{{NODE}}}"},
            columns=["link", "operstate", "address", "duplex", "driver"],
            width=16,
        ),
    ]


def _traffic(title: str, way: str) -> Json:
    return series(
        title,
        query(f"rate(bridged_link_{way}_bytes_total{{{NODE}}}[$__rate_interval]) * 8", "{{link}}"),
        unit="bps",
    )


def _spoilt(title: str, what: str) -> Json:
    return series(
        title,
        *(
            query(
                f"rate(bridged_link_{way}_{what}_total{{{NODE}}}[$__rate_interval])",
                f"{{{{link}}}} {said}",
            )
            for way, said in (("receive", "received"), ("transmit", "sent"))
        ),
        unit="pps",
    )


def _process() -> list[Json]:
    ours = f'{{job="bridged", {NODE}}}'
    return [
        series(
            "Processor",
            query(f"rate(process_cpu_seconds_total{ours}[$__rate_interval])", "share of one"),
            unit="percentunit",
        ),
        series("Memory", query(f"process_resident_memory_bytes{ours}", "resident"), unit="bytes"),
        series("Open files", query(f"process_open_fds{ours}", "open")),
        stat(
            "Running for",
            f"time() - process_start_time_seconds{ours}",
            unit="s",
            width=4,
            steps=((None, BLUE),),
        ),
        stat(
            "State loaded",
            f"time() - bridged_state_loaded_timestamp_seconds{{{NODE}}}",
            unit="s",
            width=4,
            steps=((None, BLUE),),
            what="How long the state in force has been so.",
        ),
        stat(
            "Last pass without a failure",
            f"time() - bridged_last_success_timestamp_seconds{{{NODE}}}",
            unit="s",
            width=4,
            steps=((None, GREEN), (300, YELLOW)),
        ),
        table(
            "State in force",
            {"": f"bridged_state_file_info{{{NODE}}}"},
            columns=["source", "hash"],
            width=12,
            height=4,
        ),
    ]
