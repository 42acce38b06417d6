"""The samples of one scrape, and the two forms that they take.

The text is written here and not by the client library, whose objects cost 5 µs for each sample: a
node with 1,000 bridges has 60,000 of them, and who scrapes takes the processor from who repairs.
The library's families are made where somebody asks for another form, or for some names only.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from prometheus_client.core import HistogramMetricFamily

from bridged.serve.catalogue import BY_NAME, METRICS, Family, Metric

_PAIRS = 16384
"""Labels that are remembered: most of a scrape's are those of the one before."""
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Sheet:
    """Rows by metric; only names that the catalogue has.  Of two rows of the same labels, which
    would spoil the scrape, the last one stays."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, float]] = {}
        self._values: dict[str, Sequence[str]] = {"": ()}
        self._histograms: dict[str, list[tuple[str, list[tuple[str, float]], float]]] = {}
        self._choices: dict[str, tuple[Sequence[str], dict[str, str]]] = {}

    def labels(self, names: tuple[str, ...], values: tuple[str, ...], after: str = "") -> str:
        """What `add` takes for these labels: ``{link="br0"}``.  Made once, used for many rows.
        With `after`, made here before, they follow those."""
        text = pairs(names, values)
        if after:
            text = f"{after[:-1]},{text}}}"
            values = (*self._values[after], *values)
        else:
            text = f"{{{text}}}" if text else ""
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

    def one(self, name: str, values: tuple[str, ...], value: float) -> None:
        """One sample of labels that are not used again."""
        self.add(name, self.labels(BY_NAME[name].labels, values), value)

    def choices(self, name: str, words: Sequence[str]) -> dict[str, str]:
        """The rows of a metric that is 1 for one of `words` and 0 for the others, its last label:
        to be filled with the word by what `labels` gave for the labels before it."""
        return self._choices.setdefault(BY_NAME[name].name, (words, {}))[1]

    def histogram(
        self, name: str, values: tuple[str, ...], buckets: Sequence[tuple[float, int]], total: float
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
        # One string a metric: all the lines at once would take memory that the next pass pays for.
        return "".join(
            [f"{metric.head}{rows}" for metric in METRICS if (rows := self._text(metric))]
        )

    def _text(self, metric: Metric) -> str:
        name = metric.name
        if name in self._rows:
            return "".join(
                [f"{name}{labels} {value!r}\n" for labels, value in self._rows[name].items()]
            )
        if name in self._choices:
            words, chosen = self._choices[name]
            forms = {word: _choice(name, metric.labels[-1], words, word) for word in words}
            times = len(words)
            return "".join(
                [forms[word] % ((labels[1:-1],) * times) for labels, word in chosen.items()]
            )
        return "".join(
            [_histogram(name, *histogram) for histogram in self._histograms.get(name, ())]
        )

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
            elif metric.name in self._choices:
                words, chosen = self._choices[metric.name]
                for labels, is_so in chosen.items():
                    for word in words:
                        family.add_metric((*self._values[labels], word), int(word == is_so))
            else:
                continue
            yield family


def _choice(name: str, label: str, words: Sequence[str], chosen: str) -> str:
    """The rows of all `words`, with ``%s`` where the other labels belong."""
    return "".join(
        f"{name}{{%s,{pairs((label,), (word,))}}} {int(word == chosen)!r}\n" for word in words
    )


def _histogram(name: str, labels: str, bounds: Sequence[tuple[str, float]], total: float) -> str:
    inner = labels[1:-1] + "," if labels else ""
    buckets = [f'{name}_bucket{{{inner}le="{bound}"}} {count!r}\n' for bound, count in bounds]
    ends = f"{name}_sum{labels} {total!r}\n{name}_count{labels} {bounds[-1][1]!r}\n"
    return "".join(buckets) + ends


@lru_cache(_PAIRS)
def pairs(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    """``link="br0",role="bridge"``."""
    told = "".join(values)
    if '"' in told or "\\" in told or "\n" in told:
        values = tuple(value.translate(_ESCAPES) for value in values)
    return ",".join([f'{name}="{value}"' for name, value in zip(names, values, strict=True)])
