"""The topology as SVG.  Pure, and the same text for the same topology.

Colours are CSS variables: on the page those of the page, in a file of its own those of `PALETTE`,
light or dark as the reader's system is.  Symbols and words say the same without them.
"""

from xml.etree.ElementTree import Element

from bridged.view.layout import Layout, Line, Place, lay_out
from bridged.view.markup import el, put, xml
from bridged.view.topology import Bridge, Card, Mark, Port, Topology

PALETTE = """
:root{color-scheme:light dark;--page:#f4f5f7;--surface:#fff;--text:#1b2026;--muted:#59636e;
--line:#d5dae0;--wire:#7b8794;--ok:#1a7f4b;--warn:#8f5f00;--bad:#b42318;
--warn-soft:#fff7e6;--bad-soft:#fef1ef;--soft:#f4f5f7}
@media(prefers-color-scheme:dark){:root{--page:#0f1216;--surface:#171b21;--text:#e6eaef;
--muted:#9ba6b2;--line:#2d353f;--wire:#75818e;--ok:#4cc38a;--warn:#e3b04b;--bad:#ff8a7d;
--warn-soft:#2a2315;--bad-soft:#311b1a;--soft:#1e242b}}
"""
PICTURE_STYLE = """
.picture text{fill:var(--text);font:11.5px system-ui,"DejaVu Sans",sans-serif}
.picture .name{font:600 12.5px ui-monospace,"DejaVu Sans Mono",monospace}
.picture .guest .name{font-weight:400;font-size:11.5px}
.picture .quiet,.picture .said{fill:var(--muted)}
.picture .box{fill:var(--surface);stroke:var(--line);stroke-width:1.2}
.picture .bridge .box{fill:var(--soft)}
.picture .warn .box{stroke:var(--warn);stroke-width:1.8;fill:var(--warn-soft)}
.picture .bad .box{stroke:var(--bad);stroke-width:2.4;fill:var(--bad-soft)}
.picture .warn .said{fill:var(--warn)}.picture .bad .said{fill:var(--bad)}
.picture .fold .box{stroke-dasharray:3 3}
.picture .wire{fill:none;stroke:var(--wire);stroke-width:1.8}
.picture .dashed{stroke-dasharray:6 4;stroke:var(--warn)}
.picture .dotted{stroke-dasharray:2 4;stroke:var(--bad)}
.mark.ok{color:var(--ok)}.mark.warn{color:var(--warn)}.mark.bad{color:var(--bad)}
.mark .shape{fill:currentColor}
.mark .stroke{fill:none;stroke:var(--surface);stroke-width:1.9;stroke-linecap:round;
stroke-linejoin:round}
"""
_MARKS = {
    # Three outlines as well as three colours: a disc, a triangle, a square that stands on its tip.
    "ok": ("M8 1a7 7 0 1 1 0 14a7 7 0 1 1 0-14z", "M4.8 8.2l2.3 2.3l4.2-4.6"),
    "warn": ("M8 .8l7.6 13.6q.3.8-.6.8H1q-.9 0-.6-.8z", "M8 5.6v4.2M8 12.4v.1"),
    "bad": ("M8 0l8 8l-8 8l-8-8z", "M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2"),
}
_LINK = {"up": "", "no carrier": "dashed"}
_PADDING = 16
"""Around the picture in a file of its own."""
_NAME = 17
"""Characters of a name that fit into a box; the whole name is in its title."""


def svg_text(whole: Topology) -> str:
    """A file of its own."""
    picture = svg(whole)
    width, height = float(picture.get("width", 0)), float(picture.get("height", 0))
    wide, high = width + 2 * _PADDING, height + 2 * _PADDING
    picture.set("xmlns", "http://www.w3.org/2000/svg")
    picture.set("viewBox", f"{-_PADDING} {-_PADDING} {wide:g} {high:g}")
    picture.set("width", f"{wide:g}")
    picture.set("height", f"{high:g}")
    ground = el("rect", x=-_PADDING, y=-_PADDING, width=wide, height=high, fill="var(--surface)")
    picture.insert(0, ground)
    picture.insert(0, el("style", "", PALETTE + PICTURE_STYLE))
    return xml(picture) + "\n"


def svg(whole: Topology) -> Element:
    """The picture as an element to be put into a page that has `PALETTE` and `PICTURE_STYLE`."""
    made = lay_out(whole)
    bridges = len(whole.bridges)
    about = f"{bridges} bridge{'' if bridges == 1 else 's'} with cards, VLANs and guests"
    height = made.height + (26 if whole.folded else 0)
    picture = el(
        "svg",
        "picture",
        el("title", "", f"{whole.hostname}: {about}"),
        viewBox=f"0 0 {made.width:g} {height:g}",
        width=made.width,
        height=height,
        role="img",
    )
    put(picture, *(_text(x, 16, title, "quiet") for x, title in made.heads))
    _draw_lines(picture, made)
    for card, place in made.cards:
        put(picture, _box("card", card, place))
    for port, place in made.vlans:
        put(picture, _box("vlan", port, place))
    for bridge, place in made.bridges:
        put(picture, _box("bridge", bridge, place))
    _draw_guests(picture, made)
    if whole.folded:
        text = f"+{whole.folded} more bridges (bridgedctl graph shows them all)"
        put(picture, _text(made.bridges[-1][1].x, made.height + 18, text, "quiet"))
    return picture


def mark(kind: Mark, x: float = 0, y: float = 0, size: float = 16) -> Element:
    """The symbol of a condition."""
    shape, stroke = _MARKS[kind]
    place = f"translate({x:g} {y:g}) scale({size / 16:g})"
    return el(
        "g",
        f"mark {kind}",
        el("path", "shape", d=shape),
        el("path", "stroke", d=stroke),
        transform=place,
    )


def _draw_lines(picture: Element, made: Layout) -> None:
    for card, line in made.trunks:
        put(picture, el("path", _wire(_LINK.get(card.link, "dotted")), d=_path(line)))
    for port, line in made.plugs:
        style = _LINK.get(port.link, "dotted") if port.plugged else "dotted"
        put(picture, el("path", _wire(style), d=_path(line)))
        if not port.plugged and port.link != "missing":
            put(picture, _text(line.end - 6, line.y - 6, "not plugged in", "quiet", "end"))
    for line in made.buses:
        put(picture, el("path", "wire", d=_path(line)))


def _draw_guests(picture: Element, made: Layout) -> None:
    for guest, place in made.guests:
        kind: Mark = "ok" if guest.up else "warn"
        group = el(
            "g",
            f"guest {kind}",
            el("title", "", f"{guest.name}: {'up' if guest.up else 'down'}"),
            _rect(place),
            mark(kind, place.x + 8, place.middle - 5.5, 11),
            _text(place.x + 25, place.middle + 4, _short(guest.name, 15), "name"),
        )
        put(picture, group)
    for more, place in made.more:
        text = _text(place.x + place.width / 2, place.middle + 4, f"+{more} more", "", "middle")
        put(picture, el("g", "guest fold", _rect(place), text))
    for _, place in made.alone:
        put(picture, _text(place.x, place.middle + 4, "no guests", "quiet"))


def _box(kind: str, item: Card | Port | Bridge, place: Place) -> Element:
    said = item.said
    if isinstance(item, Bridge) and len(item.guests) > 1:
        said += f" · {len(item.guests)} guests"
    return el(
        "g",
        f"{kind} {item.mark}",
        el("title", "", f"{kind} {item.name}: {said}"),
        _rect(place),
        mark(item.mark, place.x + 10, place.middle - 7.5, 15),
        _text(place.x + 34, place.middle - 3, _short(item.name, _NAME), "name"),
        _text(place.x + 34, place.middle + 13, item.said, "said"),
    )


def _rect(place: Place) -> Element:
    return el(
        "rect",
        "box",
        x=place.x,
        y=place.y,
        width=place.width,
        height=place.height,
        rx=7,
    )


def _text(x: float, y: float, text: str, look: str, anchor: str | None = None) -> Element:
    return el("text", look, text, x=float(x), y=float(y), text_anchor=anchor)


def _path(line: Line) -> str:
    if line.rail is None:
        return f"M{line.x:g} {line.y:g}H{line.end:g}"
    bend = 8 if line.y > line.start else -8
    return (
        f"M{line.x:g} {line.start:g}H{line.rail - 8:g}"
        f"Q{line.rail:g} {line.start:g} {line.rail:g} {line.start + bend:g}"
        f"V{line.y - bend:g}Q{line.rail:g} {line.y:g} {line.rail + 8:g} {line.y:g}H{line.end:g}"
    )


def _wire(style: str) -> str:
    return f"wire {style}".rstrip()


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
