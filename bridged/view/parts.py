"""What the sections of the page are made of: tables, pairs, names, times, symbols."""

from collections.abc import Iterable
from datetime import datetime
from xml.etree.ElementTree import Element

from bridged.telling.conditions import look
from bridged.telling.words import ago
from bridged.view.markup import Child, el
from bridged.view.svg import mark
from bridged.view.topology import Mark


def icon(kind: Mark) -> Element:
    """The symbol; words beside it say the same."""
    return el("svg", "icon", mark(kind), viewBox="-1 -1 18 18", aria_hidden="true")


def part(key: str, title: str, looks: str, *children: Child) -> Element:
    """A section, which the script swaps as a whole."""
    head = el("h2", "", title, id=f"{key}-title") if title else None
    return el(
        "section",
        looks,
        head,
        *children,
        id=key,
        data_part="",
        aria_labelledby=f"{key}-title" if title else None,
    )


def table(title: str, heads: Iterable[str], rows: list[list[Child]], looks: str) -> Element:
    """A table; on a narrow screen each row becomes a block, so roles and heads are written out."""
    heads = tuple(heads)
    top = el("tr", "", *(el("th", "", head, scope="col", role="columnheader") for head in heads))
    top.set("role", "row")
    body = [
        el(
            "tr",
            "",
            *(
                el("td", "", cell, data_head=head, role="cell")
                for head, cell in zip(heads, row, strict=True)
            ),
            role="row",
        )
        for row in rows
    ]
    return el(
        "table",
        looks,
        el("caption", "unseen", title),
        el("thead", "", top, role="rowgroup"),
        el("tbody", "", *body, role="rowgroup"),
        role="table",
    )


def pairs(facts: Iterable[tuple[str, Child]]) -> Element | None:
    """Words and what is said to them; those that nothing is said to are left out."""
    told = [(key, value) for key, value in facts if value is not None and value != ""]
    rows = [el("div", "", el("dt", "", key), el("dd", "", value)) for key, value in told]
    return el("dl", "", *rows) if rows else None


def mark_of(condition: str) -> Mark:
    """The symbol of a condition."""
    return look(condition)[0]  # type: ignore[return-value]


def state_word(kind: Mark, word: str) -> Element:
    """A symbol and its word."""
    return el("span", f"state {kind}", icon(kind), word)


def name_of(name: str) -> Element:
    """A name of the system's."""
    return el("span", "name", name)


def object_name(name: str) -> Element:
    """``kind/name`` for people."""
    kind, slash, rest = name.partition("/")
    if not slash:
        return name_of(name)
    return el("span", "", el("span", "kind", kind), " ", name_of(rest))


def value(text: str) -> Element:
    """A value as it would be written."""
    return el("span", "value", text)


def seen(text: str | None) -> Child:
    """What a world has; it agrees, or is not asked, where there is a dash."""
    return "–" if text is None else value(text)


def took_words(seconds: float) -> str:
    """A latency, empty where none was measured."""
    if not seconds:
        return ""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def moment(seconds: float, now: float) -> Element:
    """A time: how long ago, and as the node's clocks show it."""
    local = datetime.fromtimestamp(seconds).astimezone()
    shown_as = "%H:%M:%S" if now - seconds < 86400 else "%Y-%m-%d %H:%M"
    full = local.isoformat(timespec="seconds")
    return el(
        "time",
        "",
        ago(now - seconds),
        el("span", "below", local.strftime(shown_as)),
        datetime=full,
        title=full,
    )
