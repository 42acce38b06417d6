"""Where everything of the picture stands: (topology) -> boxes and lines in pixels.  Pure.

Four columns, cards to guests, and a band of rows for each bridge.  Every declared port has a row of
its own, so its line runs straight from left to right.  A card that serves more than one row has a
rail beside it; rails that overlap stand in lanes of their own.
"""

from dataclasses import dataclass, field

from bridged.view.topology import Bridge, Card, Guest, Port, Topology, shown

BOX = 42
CHIP = 26
_PITCH = BOX + 12
_CHIP_PITCH = CHIP + 6
_BAND_GAP = 26
_TOP = 34
_MARGIN = 2
_CARD, _VLAN, _BRIDGE = 164, 164, 168
_GUTTER = 46
_LANE = 8
_GUESTS = 340
_ROWS = 2


@dataclass(frozen=True, slots=True)
class Place:
    """A box: its corner, width and height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line at `y`, from the rail at `rail` and height `start` where there is one."""

    x: float
    y: float
    end: float
    rail: float | None = None
    start: float = 0.0


@dataclass(slots=True)
class Layout:
    """The finished places."""

    width: float = 0.0
    height: float = 0.0
    heads: list[tuple[float, str]] = field(default_factory=list)
    cards: list[tuple[Card, Place]] = field(default_factory=list)
    vlans: list[tuple[Port, Place]] = field(default_factory=list)
    bridges: list[tuple[Bridge, Place]] = field(default_factory=list)
    guests: list[tuple[Guest, Place]] = field(default_factory=list)
    more: list[tuple[int, Place]] = field(default_factory=list)
    alone: list[tuple[Bridge, Place]] = field(default_factory=list)
    """Bridges that no guest is plugged into, and where that is said."""
    trunks: list[tuple[Card, Line]] = field(default_factory=list)
    """From a card to a VLAN."""
    plugs: list[tuple[Port, Line]] = field(default_factory=list)
    """From a port to its bridge."""
    buses: list[Line] = field(default_factory=list)
    """From a bridge through its guests."""


def lay_out(whole: Topology) -> Layout:
    """The places of all that `whole` has."""
    made = Layout()
    tags = any(port.vlan for bridge in whole.bridges for port in bridge.ports)
    chip = _chip_width(whole)
    per_row = max(int((_GUESTS + 6) // (chip + 6)), 1)
    rows = _rows(whole, per_row)
    lanes = _lanes(rows)
    gutter = _GUTTER + _LANE * max(lanes.values(), default=0)
    vlan_x = _MARGIN + _CARD + gutter
    bridge_x = vlan_x + (_VLAN + _GUTTER if tags else 0)
    guest_x = bridge_x + _BRIDGE + _GUTTER
    made.heads = [(_MARGIN, "cards"), (bridge_x, "bridges"), (guest_x, "guests")]
    if tags:
        made.heads.insert(1, (vlan_x, "VLANs"))
    cards = {card.name: card for card in whole.cards}
    places: dict[str, Place] = {}
    for bridge, top, height, lines in rows:
        box = Place(bridge_x, top, _BRIDGE, height)
        made.bridges.append((bridge, box))
        for port, y in lines:
            start: float = vlan_x
            if port.vlan:
                place = Place(vlan_x, y - BOX / 2, _VLAN, BOX)
                made.vlans.append((port, place))
                start = place.right
            if not port.card:
                if port.vlan:
                    made.plugs.append((port, Line(start, y, bridge_x)))
                continue
            if port.card not in places:
                places[port.card] = Place(_MARGIN, y - BOX / 2, _CARD, BOX)
                made.cards.append((cards[port.card], places[port.card]))
            home = places[port.card]
            rail = None if home.middle == y else home.right + 18 + _LANE * lanes[port.card]
            trunk = Line(home.right, y, vlan_x if port.vlan else bridge_x, rail, home.middle)
            if port.vlan:
                made.trunks.append((cards[port.card], trunk))
                made.plugs.append((port, Line(start, y, bridge_x)))
            else:
                made.plugs.append((port, trunk))
        _place_guests(made, bridge, box, guest_x, chip, per_row)
    made.width = guest_x + per_row * (chip + 6) - 6 + _MARGIN
    last = made.bridges[-1][1] if made.bridges else Place(0, _TOP, 0, 0)
    made.height = last.y + last.height + 4
    return made


def _rows(
    whole: Topology, per_row: int
) -> list[tuple[Bridge, float, float, list[tuple[Port, float]]]]:
    """For each bridge its top, its height and the height at which each of its ports stands."""
    rows = []
    top = float(_TOP)
    for bridge in whole.bridges:
        chips = min(-(-len(bridge.guests) // per_row), _ROWS)
        ports = len(bridge.ports)
        height = float(max(ports * _PITCH - 12, chips * _CHIP_PITCH - 6, BOX))
        first = top + (height - (ports * _PITCH - 12)) / 2 + BOX / 2
        lines = [(port, first + number * _PITCH) for number, port in enumerate(bridge.ports)]
        rows.append((bridge, top, height, lines))
        top += height + _BAND_GAP
    return rows


def _lanes(rows: list[tuple[Bridge, float, float, list[tuple[Port, float]]]]) -> dict[str, int]:
    """The lane of each card's rail, so that no two that overlap share one."""
    spans: dict[str, tuple[float, float]] = {}
    for _, _, _, lines in rows:
        for port, y in lines:
            if port.card:
                spans[port.card] = (spans.get(port.card, (y, y))[0], y)
    lanes: dict[str, int] = {}
    ends: list[float] = []
    for card, (begin, end) in sorted(spans.items(), key=lambda item: item[1]):
        free = next((n for n, until in enumerate(ends) if until < begin), len(ends))
        if begin == end:
            lanes[card] = 0
            continue
        ends[free : free + 1] = [end]
        lanes[card] = free
    return lanes


def _chip_width(whole: Topology) -> float:
    slots = 2 * _ROWS
    names = [g.name for b in whole.bridges for g in shown(b.guests, slots * 3)[0]]
    return float(min(max((len(name) for name in names), default=5), 15) * 7.3 + 34)


def _place_guests(
    made: Layout, bridge: Bridge, box: Place, x: float, chip: float, per_row: int
) -> None:
    guests, more = shown(bridge.guests, per_row * _ROWS)
    chips = len(guests) + (1 if more else 0)
    if not chips:
        made.alone.append((bridge, Place(x, box.y, _GUESTS, box.height)))
        return
    rows = -(-chips // per_row)
    top = box.middle - (rows * _CHIP_PITCH - 6) / 2
    for number in range(chips):
        row, column = divmod(number, per_row)
        place = Place(x + column * (chip + 6), top + row * _CHIP_PITCH, chip, CHIP)
        if number < len(guests):
            made.guests.append((guests[number], place))
        else:
            made.more.append((more, place))
    for row in range(rows):
        in_row = min(chips - row * per_row, per_row)
        end = x + in_row * (chip + 6) - 6 - chip / 2
        made.buses.append(Line(box.right, top + row * _CHIP_PITCH + CHIP / 2, end))
