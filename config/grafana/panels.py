"""Panels of a Grafana dashboard as plain data, as Grafana 10 and 11 read it (schema version 39)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Json = dict[str, Any]

WIDTH = 24
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
GREEN, YELLOW, RED, BLUE = "green", "orange", "red", "blue"
RIGHT = {"0": ("no", RED), "1": ("yes", GREEN)}
NONE_IS_GOOD = ((None, GREEN), (1, RED))
CARDS = 'role=~"port|parent"'
"""Matches what has a cable."""
CONDITIONS = 'condition!~"converged|unavailable"'
"""Matches what is not as declared."""


def query(expr: str, legend: str = "", *, instant: bool = False, table: bool = False) -> Json:
    """One question to Prometheus; `legend` is Grafana's format for the name of a series."""
    return {
        "datasource": SOURCE,
        "expr": expr,
        "legendFormat": legend or "__auto",
        "instant": instant,
        "range": not instant,
        "format": "table" if table else "time_series",
    }


def panel(
    kind: str,
    title: str,
    queries: Sequence[Json],
    *,
    width: int,
    height: int,
    what: str = "",
    unit: str = "short",
    steps: Sequence[tuple[float | None, str]] = ((None, GREEN),),
    texts: Mapping[str, tuple[str, str]] | None = None,
    options: Json | None = None,
    custom: Json | None = None,
    transformations: Sequence[Json] = (),
    overrides: Sequence[Json] = (),
) -> Json:
    """A panel.

    `what` is the help behind the title, `steps` are lower bounds with their colours, `texts` say a
    value in words: value -> (text, colour).
    """
    return {
        "type": kind,
        "title": title,
        "description": what,
        "datasource": SOURCE,
        "gridPos": {"w": width, "h": height, "x": 0, "y": 0},
        "targets": [{"refId": chr(ord("A") + n), **q} for n, q in enumerate(queries)],
        "transformations": list(transformations),
        "options": options or {},
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                "custom": custom or {},
                "color": {"mode": "thresholds" if kind in {"stat", "table"} else "palette-classic"},
                "thresholds": {
                    "mode": "absolute",
                    "steps": [{"value": bound, "color": colour} for bound, colour in steps],
                },
                "mappings": _mappings(texts or {}),
            },
            "overrides": list(overrides),
        },
    }


def stat(title: str, expr: str, *, width: int = 3, name: bool = False, **more: Any) -> Json:
    """One large number or word; `name` shows the legend instead of the value."""
    legend = more.pop("legend", "")
    return panel(
        "stat",
        title,
        [query(expr, legend, instant=True)],
        width=width,
        height=4,
        options={
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "background",
            "graphMode": "none",
            "textMode": "name" if name else "value",
        },
        **more,
    )


def series(title: str, *queries: Json, width: int = 8, stacked: bool = False, **more: Any) -> Json:
    """Lines over time, with a table of the last values below."""
    bars = more.pop("bars", False)
    custom: Json = {
        "drawStyle": "bars" if bars else "line",
        "fillOpacity": 60 if bars or stacked else 10,
        "lineWidth": 1,
        "showPoints": "never",
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "axisSoftMin": 0,
    }
    options = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return panel(
        "timeseries", title, queries, width=width, height=8, custom=custom, options=options, **more
    )


def timeline(title: str, expr: str, legend: str, *, width: int = 12, **more: Any) -> Json:
    """One bar for each series, coloured by its value."""
    made = panel(
        "state-timeline",
        title,
        [query(expr, legend)],
        width=width,
        height=8,
        options={"showValue": "never", "mergeValues": True, "rowHeight": 0.8},
        **more,
    )
    made["fieldConfig"]["defaults"]["color"] = {"mode": "thresholds"}
    return made


def table(
    title: str,
    queries: Mapping[str, str],
    *,
    columns: Sequence[str],
    width: int = 12,
    height: int = 8,
    overrides: Sequence[Json] = (),
    **more: Any,
) -> Json:
    """The present values as rows.

    `queries` are column -> expression, merged by their labels; `columns` are shown, in this order.
    An empty column name leaves the value out.
    """
    asked = [query(expr, instant=True, table=True) for expr in queries.values()]
    letters = [chr(ord("A") + n) for n in range(len(asked))]
    values = {
        f"Value #{letter}" if len(asked) > 1 else "Value": column
        for letter, column in zip(letters, queries, strict=True)
    }
    names = {value: column for value, column in values.items() if column}
    wanted = {column: column for column in columns if column not in names.values()} | names
    order = {field: columns.index(column) for field, column in wanted.items()}
    return panel(
        "table",
        title,
        asked,
        width=width,
        height=height,
        options={"showHeader": True, "cellHeight": "sm"},
        transformations=[
            {"id": "merge", "options": {}},
            {
                "id": "filterFieldsByName",
                "options": {"include": {"names": list(order)}},
            },
            {
                "id": "organize",
                "options": {"excludeByName": {}, "indexByName": order, "renameByName": names},
            },
        ],
        overrides=overrides,
        **more,
    )


def column(name: str, **properties: Any) -> Json:
    """How one column of a table looks: unit, links, mappings."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in properties.items()],
    }


def texts(words: Mapping[str, tuple[str, str]]) -> list[Json]:
    """The same as `texts` of a panel, for one column."""
    return _mappings(words)


def variable(name: str, label: str, definition: str, *, every: bool = False) -> Json:
    """A choice at the top of the dashboard, filled by `definition`."""
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": SOURCE,
        "definition": definition,
        "query": {"query": definition, "refId": "StandardVariableQuery"},
        "refresh": 2,
        "sort": 1,
        "multi": every,
        "includeAll": every,
        "allValue": ".*" if every else None,
        "current": {"text": "All", "value": "$__all"} if every else {},
    }


def dashboard(
    uid: str,
    title: str,
    description: str,
    variables: Iterable[Json],
    rows: Mapping[str, Sequence[Json]],
    links: Sequence[Json] = (),
) -> Json:
    """A whole dashboard: panels of each row flow from left to right and wrap."""
    source = {
        "type": "datasource",
        "name": "datasource",
        "label": "Prometheus",
        "query": "prometheus",
        "current": {},
    }
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["bridged"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "links": list(links),
        "templating": {"list": [source, *variables]},
        "annotations": {"list": []},
        "panels": _laid_out(rows),
    }


def _laid_out(rows: Mapping[str, Sequence[Json]]) -> list[Json]:
    panels: list[Json] = []
    y = 0
    for title, members in rows.items():
        place = {"x": 0, "y": y, "w": WIDTH, "h": 1}
        panels.append(
            {"type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}
        )
        x, y, tallest = 0, y + 1, 0
        for member in members:
            size = member["gridPos"]
            if x + size["w"] > WIDTH:
                x, y, tallest = 0, y + tallest, 0
            panels.append({**member, "gridPos": {**size, "x": x, "y": y}})
            x, tallest = x + size["w"], max(tallest, size["h"])
        y += tallest
    return [{"id": number, **made} for number, made in enumerate(panels, 1)]


def _mappings(words: Mapping[str, tuple[str, str]]) -> list[Json]:
    said = {value: {"text": text, "color": colour} for value, (text, colour) in words.items()}
    return [{"type": "value", "options": said}] if said else []
