"""The dashboard of all nodes: which of them needs somebody?"""

from panels import (
    BLUE,
    CARDS,
    CONDITIONS,
    NONE_IS_GOOD,
    RIGHT,
    Json,
    column,
    dashboard,
    query,
    series,
    stat,
    table,
    texts,
    variable,
)

TO_NODE = "/d/bridged-node?var-instance=${__data.fields.instance}&var-datasource=${datasource}"


def fleet() -> Json:
    """All nodes: which of them needs somebody?"""
    return dashboard(
        "bridged-fleet",
        "bridged: fleet",
        "Which node needs somebody?",
        [variable("job", "Job", "label_values(bridged_build_info, job)", every=True)],
        {"Which node needs somebody?": [*_counts(), *_nodes()], "Over time": _over_time()},
    )


def _counts() -> list[Json]:
    wrong = 'sum by (instance) (1 - bridged_object_converged{job=~"$job"}) > 0'
    return [
        stat("Nodes", 'count(up{job=~"$job"})', steps=((None, BLUE),)),
        stat("Silent", 'sum(1 - up{job=~"$job"})', steps=NONE_IS_GOOD, what="They do not answer."),
        stat(
            "Not right",
            f"count({wrong}) or vector(0)",
            steps=NONE_IS_GOOD,
            what="Nodes with an object that is not as declared.",
        ),
        stat(
            "State file broken",
            'sum(1 - bridged_state_file_valid{job=~"$job"})',
            steps=NONE_IS_GOOD,
        ),
        stat("No carrier", _lost("sum"), steps=NONE_IS_GOOD, what="Cards that lost their carrier."),
        stat(
            "Alerts",
            'count(ALERTS{alertname=~"Bridged.*", alertstate="firing", job=~"$job"}) or vector(0)',
            steps=NONE_IS_GOOD,
        ),
        stat("Objects", 'count(bridged_object_converged{job=~"$job"})', steps=((None, BLUE),)),
        stat("Guest ports", 'sum(bridged_bridge_guest_ports{job=~"$job"})', steps=((None, BLUE),)),
    ]


def _lost(by: str) -> str:
    return f'{by} (1 - bridged_link_carrier{{{CARDS}, job=~"$job"}})'


def _nodes() -> list[Json]:
    def asked(expr: str) -> str:
        return f'sum by (instance) ({expr}{{job=~"$job"}})'

    return [
        table(
            "Nodes",
            {
                "answers": asked("up"),
                "wrong": asked("1 - bridged_object_converged"),
                "state file": asked("bridged_state_file_valid"),
                "NetworkManager": asked("bridged_networkmanager_up"),
                "findings": asked("bridged_findings"),
                "guests": asked("bridged_bridge_guest_ports"),
                "last look": asked("time() - bridged_last_pass_timestamp_seconds"),
            },
            columns=[
                "instance",
                "answers",
                "wrong",
                "state file",
                "NetworkManager",
                "findings",
                "guests",
                "last look",
            ],
            width=14,
            height=10,
            overrides=[
                column("instance", links=[{"title": "This node", "url": TO_NODE}]),
                *(
                    column(name, mappings=texts(RIGHT))
                    for name in ("answers", "state file", "NetworkManager")
                ),
                column("last look", unit="s"),
            ],
        ),
        table(
            "Alerts that fire",
            {"": 'ALERTS{alertname=~"Bridged.*", alertstate="firing", job=~"$job"}'},
            columns=["severity", "alertname", "instance", "kind", "name", "link"],
            width=10,
            height=10,
            what="docs/runbook.md has a section for each.",
        ),
        table(
            "Not as declared",
            {"": f'bridged_object_condition{{{CONDITIONS}, job=~"$job"}} == 1'},
            columns=["instance", "kind", "name", "condition"],
            width=14,
        ),
        table(
            "Versions",
            {"nodes": 'count by (version) (bridged_build_info{job=~"$job"})'},
            columns=["version", "nodes"],
            width=5,
        ),
        table(
            "Findings",
            {"nodes": 'count by (code) (bridged_findings{job=~"$job"} > 0)'},
            columns=["code", "nodes"],
            width=5,
        ),
    ]


def _over_time() -> list[Json]:
    each = "[$__rate_interval]"
    cards = f'{{{CARDS}, job=~"$job"}}'
    worst = "topk(10, sum by (instance) ({}))".format
    took = f'rate(bridged_reconcile_duration_seconds_bucket{{phase="pass", job=~"$job"}}{each})'
    return [
        series(
            "Wrong objects",
            query(worst('1 - bridged_object_converged{job=~"$job"}'), "{{instance}}"),
            stacked=True,
        ),
        series(
            "Objects by condition",
            query(
                f'sum by (condition) (bridged_object_condition{{{CONDITIONS}, job=~"$job"}})',
                "{{condition}}",
            ),
            stacked=True,
        ),
        series("Cards without carrier", query(_lost("sum by (instance)"), "{{instance}}")),
        series(
            "Repairs",
            query(worst(f'increase(bridged_repairs_total{{job=~"$job"}}{each})'), "{{instance}}"),
            bars=True,
            stacked=True,
        ),
        series(
            "Time taken (9 of 10 passes)",
            query(
                f"topk(10, histogram_quantile(0.9, sum by (instance, le) ({took})))",
                "{{instance}}",
            ),
            unit="s",
        ),
        series(
            "Guest ports",
            query(worst('bridged_bridge_guest_ports{job=~"$job"}'), "{{instance}}"),
            stacked=True,
        ),
        series(
            "Received and sent by cards",
            *(
                query(
                    worst(f"rate(bridged_link_{way}_bytes_total{cards}{each}) * 8"),
                    f"{{{{instance}}}} {said}",
                )
                for way, said in (("receive", "received"), ("transmit", "sent"))
            ),
            unit="bps",
        ),
        series(
            "Processor",
            query(worst(f'rate(process_cpu_seconds_total{{job=~"$job"}}{each})'), "{{instance}}"),
            unit="percentunit",
            what="Of bridged, as a share of one processor.",
        ),
        series(
            "Memory",
            query(worst('process_resident_memory_bytes{job=~"$job"}'), "{{instance}}"),
            unit="bytes",
            what="Of bridged.",
        ),
    ]
