"""The pictures: the tree, DOT and SVG, compared with those that somebody has looked at.

``BRIDGED_GOLDEN=write`` writes them anew; look at them before you commit them.
"""

import os
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bridged.cli.terminal import Terminal, cells
from bridged.cli.tree import tree_text
from bridged.report import Report, as_json
from bridged.telling.words import escape
from bridged.view.dot import dot_text
from bridged.view.layout import Place, lay_out
from bridged.view.svg import svg_text
from bridged.view.topology import Topology, topology
from tests.unit.serve.reports import AS_DESIRED, CONTENDED, DRIFTING, LINKS, link
from tests.unit.view.test_topology import many

GOLDEN = Path(__file__).with_name("golden")
HOSTILE = "\"><script>alert(1)</script>\\N';--\x1b[31m&"


def seen(report: Report, bridge: str | None = None) -> Topology:
    return topology(escape(as_json(report)), bridge)


def hostile() -> Report:
    """The reference node, with names that somebody chose to do harm."""
    objects = tuple(
        replace(item, bridge=item.bridge.replace("br-lan", HOSTILE), reason=HOSTILE)
        for item in AS_DESIRED.objects
    )
    objects = tuple(
        replace(item, name=HOSTILE) if item.name == "br-lan" else item for item in objects
    )
    links = (replace(LINKS[0], name=HOSTILE, guests=(HOSTILE, HOSTILE[::-1])), *LINKS[1:])
    return replace(AS_DESIRED, objects=objects, links=links, hostname=HOSTILE)


def crowded() -> Report:
    """A bridge of two cards and a VLAN with many guests, beside the others."""
    names = tuple(f"tap{number:02x}b3c9d1e4" for number in range(40))
    bond = (
        replace(link("enp1s0", "port", "br-lan"), speed=2500),
        replace(link("enp2s0", "port", "br-lan"), carrier=False),
    )
    report = replace(
        AS_DESIRED,
        links=(replace(LINKS[0], guests=names, guests_down=names[7:8]), *LINKS[1:], *bond),
    )
    port = next(item for item in report.objects if item.name == "enp13s0f0")
    more = tuple(replace(port, name=item.name) for item in bond)
    return replace(report, objects=(*report.objects, *more))


REPORTS = {"still": AS_DESIRED, "contended": CONTENDED, "crowded": crowded(), "drift": DRIFTING}


def golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("BRIDGED_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


@pytest.mark.parametrize("name", REPORTS)
def test_tree(name: str) -> None:
    golden(f"{name}.txt", tree_text(seen(REPORTS[name]), Terminal(80)))


def test_tree_without_unicode() -> None:
    text = tree_text(seen(CONTENDED), Terminal(80, unicode=False))
    golden("contended-ascii.txt", text)
    assert text.isascii()


@pytest.mark.parametrize("width", [30, 40, 80, 120])
def test_no_line_of_the_tree_is_wider_than_the_terminal(width: int) -> None:
    for report in REPORTS.values():
        for line in tree_text(seen(report), Terminal(width)).splitlines():
            assert cells(line) <= width, line


def test_colour_only_repeats_what_the_tree_says() -> None:
    plain = tree_text(seen(CONTENDED), Terminal(80))
    coloured = tree_text(seen(CONTENDED), Terminal(80, colour=True))
    assert coloured != plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_nothing_declared() -> None:
    empty = replace(AS_DESIRED, objects=(), links=())
    assert tree_text(seen(empty), Terminal(80)) == "no bridge is declared\n"
    ElementTree.fromstring(svg_text(seen(empty)))


def test_dot() -> None:
    golden("contended.dot", dot_text(seen(CONTENDED)))


@pytest.mark.parametrize("name", ["still", "contended", "crowded"])
def test_svg(name: str) -> None:
    golden(f"{name}.svg", svg_text(seen(REPORTS[name])))


@pytest.mark.parametrize("report", [*REPORTS.values(), many(100)])
def test_no_boxes_overlap_and_all_lie_within(report: Report) -> None:
    made = lay_out(seen(report))
    pairs = (*made.cards, *made.vlans, *made.bridges, *made.guests, *made.more)
    boxes: list[Place] = [place for _, place in pairs]
    for number, one in enumerate(boxes):
        assert 0 <= one.x <= one.right <= made.width
        assert 0 <= one.y <= one.y + one.height <= made.height
        for other in boxes[number + 1 :]:
            apart = one.right <= other.x or other.right <= one.x
            assert apart or one.y + one.height <= other.y or other.y + other.height <= one.y


def test_rails_that_overlap_have_lanes_of_their_own() -> None:
    report = crowded()
    made = lay_out(seen(report))
    rails = {line.rail for _, line in made.trunks if line.rail is not None}
    rails |= {line.rail for _, line in made.plugs if line.rail is not None}
    assert rails
    apart = lay_out(seen(many(40)))
    assert len({line.rail for _, line in apart.trunks if line.rail is not None}) == 1


def test_names_stay_names() -> None:
    whole = seen(hostile())
    root = ElementTree.fromstring(svg_text(whole))
    assert not [element for element in root.iter() if "script" in element.tag]
    for line in dot_text(whole).splitlines():
        bare = line.replace("\\\\", "").replace('\\"', "")
        assert bare.count('"') % 2 == 0, line
    assert "\x1b" not in tree_text(whole, Terminal(80)) + dot_text(whole)
