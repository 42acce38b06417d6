"""The samples of one scrape, and the two forms that they take.

The text is written here and not by the client library, whose objects cost 5 µs for each sample: a
node with 1,000 bridges has 60,000 of them, and who scrapes takes the processor from who repairs.
The library's families are made where somebody asks for another form, or for some names only.
"""

from collections.abc import Iterator, Sequence

from prometheus_client.core import HistogramMetricFamily

from bridged.serve.catalogue import BY_NAME, METRICS, Family

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Sheet:
    """Rows by metric; only names that the catalogue has.  Of two rows of the same labels, which
    would spoil the scrape, the last one stays."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, float]] = {}
        self._values: dict[str, Sequence[str]] = {"": ()}
        self._histograms: dict[str, list[tuple[str, list[tuple[str, float]], float]]] = {}

    def labels(self, names: Sequence[str], values: Sequence[str]) -> str:
        """What `add` takes for these labels: ``{link="br0"}``.  Made once, used for many rows."""
        text = pairs(names, values)
        text = f"{{{text}}}" if text else ""
        self._values[text] = values
        return text

    def extended(self, labels: str, ending: str, values: Sequence[str]) -> str:
        """`labels` with more of them at the end: `ending` as `pairs` made it, `values` are all."""
        text = f"{labels[:-1]},{ending}}}"
        self._values[text] = values
        return text

    def rows(self, name: str) -> dict[str, float]:
        """The rows of a metric, to be filled."""
        rows = self._rows.get(name)
        if rows is None:
            rows = self._rows[BY_NAME[name].name] = {}
        return rows

    def add(self, name: str, labels: str, value: float) -> None:
        """One sample; `labels` as `labels` gave them."""
        self.rows(name)[labels] = value

    def one(self, name: str, values: Sequence[str], value: float) -> None:
        """One sample of labels that are not used again."""
        self.add(name, self.labels(BY_NAME[name].labels, values), value)

    def histogram(
        self, name: str, values: Sequence[str], buckets: Sequence[tuple[float, int]], total: float
    ) -> None:
        """One histogram from cumulative buckets; the last one is given the bound +Inf if it has
        none, for the text format takes the count from there."""
        bounds = [
            ("+Inf" if bound == float("inf") else repr(float(bound)), float(count))
            for bound, count in buckets
        ]
        if not bounds or bounds[-1][0] != "+Inf":
            bounds.append(("+Inf", bounds[-1][1] if bounds else 0.0))
        labels = self.labels(BY_NAME[name].labels, values)
        self._histograms.setdefault(name, []).append((labels, bounds, total))

    def text(self) -> str:
        """The text format, version 0.0.4, in the catalogue's order."""
        parts: list[str] = []
        for metric in METRICS:
            name = metric.name
            if name in self._rows:
                parts.append(metric.head)
                rows = self._rows[name].items()
                parts += [f"{name}{labels} {value!r}\n" for labels, value in rows]
            elif name in self._histograms:
                parts.append(metric.head)
                for labels, bounds, total in self._histograms[name]:
                    inner = labels[1:-1] + "," if labels else ""
                    parts += [
                        f'{name}_bucket{{{inner}le="{bound}"}} {count!r}\n'
                        for bound, count in bounds
                    ]
                    parts.append(f"{name}_sum{labels} {total!r}\n")
                    parts.append(f"{name}_count{labels} {bounds[-1][1]!r}\n")
        return "".join(parts)

    def families(self) -> Iterator[Family]:
        """The same as objects of the client library."""
        for metric in METRICS:
            family = metric.family()
            if isinstance(family, HistogramMetricFamily):
                if metric.name not in self._histograms:
                    continue
                for labels, bounds, total in self._histograms[metric.name]:
                    family.add_metric(self._values[labels], buckets=bounds, sum_value=total)
            elif metric.name in self._rows:
                for labels, value in self._rows[metric.name].items():
                    family.add_metric(self._values[labels], value)
            else:
                continue
            yield family


def pairs(names: Sequence[str], values: Sequence[str]) -> str:
    """``link="br0",role="bridge"``."""
    told = "".join(values)
    if '"' in told or "\\" in told or "\n" in told:
        values = [value.translate(_ESCAPES) for value in values]
    return ",".join(map('{}="{}"'.format, names, values))
