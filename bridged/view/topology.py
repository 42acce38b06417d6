"""What hangs on what: (report as JSON) -> cards, VLANs, bridges and guests.  Pure.

The records are the same for every picture: the tree in the terminal, DOT, SVG, and the list on the
page that a screen reader gets.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from bridged.telling.conditions import RIGHT, look, worst
from bridged.telling.members import bridge_names, link_state, members

Document = dict[str, Any]
Mark = Literal["ok", "warn", "bad"]
"""The symbol of a thing; words say the same beside it."""


@dataclass(frozen=True, slots=True)
class Card:
    """An interface that leads out of the node: a port itself, the parent of VLANs, or both.

    `condition` is empty where no port is declared on it; `link` is a word (``up``, ``down``, ``no
    carrier``, ``missing``); `speed` is in Mbit/s.
    """

    name: str
    condition: str
    link: str
    speed: int | None = None

    @property
    def mark(self) -> Mark:
        return _mark(self.condition, self.link)

    @property
    def said(self) -> str:
        """Its state in words."""
        fast = rate(self.speed) if self.speed and self.link == "up" else ""
        return _said(self.condition, "", self.link, fast)


@dataclass(frozen=True, slots=True)
class Port:
    """A declared port of a bridge: the card itself, or a VLAN (`tag`) on it.

    `plugged` tells whether it is in its bridge.
    """

    name: str
    bridge: str
    card: str
    condition: str
    link: str
    plugged: bool = True
    tag: int | None = None
    vlan: bool = False

    @property
    def mark(self) -> Mark:
        return _mark(self.condition, self.link)

    @property
    def said(self) -> str:
        """Its state in words."""
        return _said(self.condition, f"VLAN {self.tag}" if self.tag else "", self.link)


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest port; `up` tells whether frames pass."""

    name: str
    up: bool


@dataclass(frozen=True, slots=True)
class Bridge:
    """A declared bridge with what is plugged in, or should be."""

    name: str
    condition: str
    link: str
    ports: tuple[Port, ...] = ()
    guests: tuple[Guest, ...] = ()

    @property
    def mark(self) -> Mark:
        # A bridge that nothing is plugged into has no carrier, and nobody misses it.
        idle = self.link == "no carrier" and not self.ports and not self.guests
        return _mark(self.condition, "up" if idle else self.link)

    @property
    def said(self) -> str:
        """Its state in words."""
        right = "as desired" if self.condition in RIGHT else ""
        return _said(self.condition, right, self.link)

    @property
    def right(self) -> bool:
        """Whether it and its ports are as declared and up."""
        return self.mark == "ok" and all(port.mark == "ok" for port in self.ports)


@dataclass(frozen=True, slots=True)
class Topology:
    """The node's network as far as it is declared; `folded` bridges were left out."""

    hostname: str
    cards: tuple[Card, ...]
    bridges: tuple[Bridge, ...]
    folded: int = 0


def topology(document: Document, bridge: str | None = None) -> Topology:
    """The topology of a report, or of one `bridge` of it.

    Bridges are in the report's order, those that share a card beside each other.
    """
    links = {link["name"]: link for link in document["links"]}
    conditions = {
        item["name"]: item["condition"] for item in document["objects"] if item["kind"] == "port"
    }
    parts: dict[str, list[Document]] = {}
    if bridge is not None:
        parts[bridge] = members(document, bridge)
    else:
        parts = {name: [] for name in bridge_names(document)}
        for item in document["objects"]:
            owner = item["name"] if item["kind"] == "bridge" else item["bridge"]
            if owner in parts:
                parts[owner].append(item)
    bridges = [_bridge(name, objects, links) for name, objects in parts.items()]
    names = dict.fromkeys(port.card for one in bridges for port in one.ports if port.card)
    order = {name: number for number, name in enumerate(names)}
    bridges.sort(key=lambda one: min((order[p.card] for p in one.ports if p.card), default=1 << 30))
    cards = (
        Card(name, conditions.get(name, ""), link_state(links.get(name)), _speed(links.get(name)))
        for name in names
    )
    return Topology(document["hostname"], tuple(cards), tuple(bridges))


def fold(whole: Topology, most: int) -> Topology:
    """`whole` with at most `most` bridges: those that are not right first, then the first ones."""
    if len(whole.bridges) <= most:
        return whole
    ranked = sorted(whole.bridges, key=lambda bridge: bridge.right)[:most]
    kept = {bridge.name for bridge in ranked}
    bridges = tuple(bridge for bridge in whole.bridges if bridge.name in kept)
    used = {port.card for bridge in bridges for port in bridge.ports}
    return replace(
        whole,
        cards=tuple(card for card in whole.cards if card.name in used),
        bridges=bridges,
        folded=len(whole.bridges) - most,
    )


def shown(guests: tuple[Guest, ...], slots: int) -> tuple[tuple[Guest, ...], int]:
    """The guests to show in `slots` places and how many more there are.

    Those that no frame passes come first, and "+N more" takes a place too.
    """
    ranked = tuple(sorted(guests, key=lambda guest: guest.up))
    if len(ranked) <= slots:
        return ranked, 0
    return ranked[: slots - 1], len(ranked) - slots + 1


def rate(speed: int) -> str:
    """Mbit/s in words: ``100 Mbit/s``, ``2.5 Gbit/s``."""
    return f"{speed / 1000:g} Gbit/s" if speed >= 1000 else f"{speed} Mbit/s"


def _bridge(name: str, objects: Iterable[Document], links: dict[str, Document]) -> Bridge:
    condition = "converged"
    ports = []
    for item in objects:
        if item["kind"] == "bridge":
            condition = item["condition"]
        elif item["kind"] in {"port", "vlan"}:
            ports.append(_port(name, item, links.get(item["name"])))
    link = links.get(name)
    down = set(link.get("guests_down", ()) if link else ())
    guests = tuple(Guest(guest, guest not in down) for guest in (link["guests"] if link else ()))
    return Bridge(name, condition, link_state(link), tuple(ports), guests)


def _port(bridge: str, item: Document, link: Document | None) -> Port:
    state = link_state(link)
    vlan = item["kind"] == "vlan"
    return Port(
        name=item["name"],
        bridge=bridge,
        card=(link or {}).get("parent", "") if vlan else item["name"],
        condition=item["condition"],
        link=state,
        plugged=state != "missing" and all(d["property"] != "bridge" for d in item["drift"]),
        tag=(link or {}).get("vlan") if vlan else None,
        vlan=vlan,
    )


def _speed(link: Document | None) -> int | None:
    return link["speed"] if link else None


def _mark(condition: str, link: str) -> Mark:
    symbol = look(worst([condition] if condition else []))[0]
    if symbol == "ok" and link != "up":
        return "warn"
    return symbol  # type: ignore[return-value]


def _said(condition: str, first: str, link: str, last: str = "") -> str:
    wrong = condition if condition and condition not in RIGHT else ""
    return " · ".join(filter(None, (first, wrong, link, last)))
