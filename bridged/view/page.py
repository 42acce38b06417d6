"""The page: (report as JSON, time) -> HTML.  Pure.

It works without its script, which only spares the reader the flicker of a reload.  Everything that
comes from a report passes through `markup.el`, which escapes it.
"""

from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element

from bridged.telling.sentences import headline
from bridged.telling.words import ago, escape, span
from bridged.view import sections
from bridged.view.markup import el, html, xml
from bridged.view.parts import icon
from bridged.view.svg import PALETTE, PICTURE_STYLE, mark
from bridged.view.topology import Mark

Document = dict[str, Any]

_HERE = Path(__file__).parent
STYLE = PALETTE + PICTURE_STYLE + (_HERE / "page.css").read_text("utf-8")
SCRIPT = (_HERE / "page.js").read_text("utf-8")
_REFRESH = 5
"""Seconds between reloads where no script runs."""
_MARKS: dict[str, Mark] = {"green": "ok", "yellow": "warn", "red": "bad"}
_SYMBOLS = {"ok": "✓", "warn": "!", "bad": "✗"}
_COLOURS = {"ok": "#1a7f4b", "warn": "#b07800", "bad": "#c0362c"}


def page_text(document: Document, now: float) -> str:
    """The page of a report (`report.as_json`); `now` in Unix seconds."""
    document = escape(document)
    sentence, colour = headline(document, document["objects"], now)
    kind = _MARKS[colour]
    host, _, said = sentence.partition(": ")
    head = el(
        "header",
        kind,
        icon(kind),
        el("div", "", el("h1", "", el("b", "", host), f": {said}"), _facts(document, now)),
        id="head",
        data_part="",
        data_said=f"{host}: {said.split(', last repair')[0]}",
    )
    parts = [
        sections.notes(document, now),
        sections.file_errors(document),
        _beside([sections.attention(document, now)], [sections.findings(document)]),
        _beside(
            [sections.picture(document), sections.state_file(document, now)],
            [sections.repairs(document, now)],
        ),
        sections.objects(document, now),
    ]
    main = el("main", "", *parts, id="page")
    return _whole(f"{_SYMBOLS[kind]} {sentence}", kind, head, main)


def waiting_text() -> str:
    """The page while the first pass is under way."""
    text = "bridged has started and is taking its first look at this node"
    head = el(
        "header",
        "warn",
        icon("warn"),
        el("div", "", el("h1", "", text)),
        id="head",
        data_part="",
        data_said=text,
    )
    hint = "This page shows it as soon as it is over. If that takes more than a minute: "
    body = el("p", "", hint, el("code", "", "journalctl -u bridged"))
    return _whole(text, "warn", head, el("main", "", body, id="page"))


def _facts(document: Document, now: float) -> Element:
    facts = [
        f"seen {ago(now - document['time'])}",
        f"bridged {document['version']}, up {span(now - document['started'])}",
    ]
    if document["network_manager_available"]:
        facts.append(f"NetworkManager {document['network_manager']}")
    facts.append(document["state"]["path"])
    return el("ul", "facts", *(el("li", "", fact) for fact in facts))


def _beside(left: list[Element | None], right: list[Element | None]) -> Element | None:
    """Two columns where the window is wide, and one where only one has something in it."""
    columns = [[part for part in column if part is not None] for column in (left, right)]
    filled = [el("div", "column", *column) for column in columns if column]
    return el("div", "beside" if len(filled) > 1 else "", *filled) if filled else None


def _whole(title: str, kind: Mark, head: Element, main: Element) -> str:
    gone = el("div", "note bad", icon("bad"), el("span", ""), id="gone", role="alert", hidden="")
    foot = el(
        "footer",
        "",
        "Read-only. Renews itself. ",
        el("a", "", "/metrics", href="/metrics"),
        " ",
        el("a", "", "/healthz", href="/healthz"),
        " ",
        el("a", "", "/api/status", href="/api/status"),
    )
    page = el(
        "html",
        "",
        el(
            "head",
            "",
            el("meta", charset="utf-8"),
            el("title", "", title),
            el("meta", name="viewport", content="width=device-width, initial-scale=1"),
            el("meta", name="color-scheme", content="light dark"),
            el("link", rel="icon", href=_favicon(kind)),
            el("style", "", STYLE),
            el("noscript", "", el("meta", http_equiv="refresh", content=_REFRESH)),
        ),
        el(
            "body",
            "",
            head,
            gone,
            el("p", "unseen", id="told", role="status"),
            main,
            foot,
            el("script", "", SCRIPT),
        ),
        lang="en",
    )
    return "<!DOCTYPE html>\n" + html(page) + "\n"


def _favicon(kind: Mark) -> str:
    picture = el("svg", "", mark(kind), viewBox="0 0 16 16", xmlns="http://www.w3.org/2000/svg")
    look = f".shape{{fill:{_COLOURS[kind]}}}.stroke{{fill:none;stroke:#fff;stroke-width:2}}"
    picture.insert(0, el("style", "", look))
    return "data:image/svg+xml," + quote(xml(picture))
