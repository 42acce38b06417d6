"""What hangs on what, as the pictures need to know it."""

from dataclasses import replace

from bridged.report import LinkReport, ObjectReport, PropertyDrift, Report, as_json
from bridged.view.topology import Topology, fold, shown, topology
from tests.unit.serve.reports import AS_DESIRED, CONTENDED, LINKS, change, link


def seen(report: Report, bridge: str | None = None) -> Topology:
    return topology(as_json(report), bridge)


def many(number: int) -> Report:
    """VLAN bridges on two cards in turn; the last but one drifts."""
    objects: list[ObjectReport] = []
    links: list[LinkReport] = [link("eth0", "parent", ""), link("eth1", "parent", "")]
    for place in range(number):
        bridge, card = f"br{place}", f"eth{place % 2}"
        vlan = f"{card}.{place + 1}"
        condition = "drift" if place == number - 2 else "converged"
        objects.append(ObjectReport("bridge", bridge, condition, bridge=bridge))  # type: ignore[arg-type]
        objects.append(ObjectReport("vlan", vlan, "converged", bridge=bridge))
        links.append(link(bridge, "bridge", bridge))
        links.append(replace(link(vlan, "vlan", bridge), parent=card, vlan=place + 1))
    return replace(AS_DESIRED, objects=tuple(objects), links=tuple(links))


def test_a_card_that_is_port_and_parent_is_one_card() -> None:
    whole = seen(AS_DESIRED)
    assert [card.name for card in whole.cards] == ["enp13s0f0", "enp13s0f3"]
    lan, web, _ = whole.bridges
    assert (lan.ports[0].card, lan.ports[0].vlan) == ("enp13s0f0", False)
    assert (web.ports[0].card, web.ports[0].tag, web.ports[0].said) == (
        "enp13s0f0",
        6,
        "VLAN 6 · up",
    )
    assert [guest.name for guest in lan.guests] == ["vnet0", "vnet3", "tap7"]
    assert lan.said == "as desired · up"
    assert whole.cards[0].said == "up · 1 Gbit/s"


def test_a_card_that_is_missing_is_said_and_not_plugged_in() -> None:
    whole = seen(CONTENDED)
    assert (whole.cards[1].mark, whole.cards[1].said) == ("bad", "blocked · missing")
    assert not whole.bridges[2].ports[0].plugged


def test_a_port_that_is_elsewhere_is_not_plugged_in() -> None:
    drift = (PropertyDrift("bridge", "br-lan", "in no bridge"),)
    port = seen(change(AS_DESIRED, "port", "enp13s0f0", condition="drift", drift=drift)).bridges[0]
    assert not port.ports[0].plugged
    assert port.ports[0].mark == "warn"


def test_no_carrier_is_marked_although_it_is_no_drift() -> None:
    links = tuple(replace(item, carrier=False) for item in LINKS)
    whole = seen(replace(AS_DESIRED, links=links))
    assert {card.mark for card in whole.cards} == {"warn"}
    assert whole.cards[0].said == "no carrier"


def test_a_bridge_that_nothing_is_plugged_into_needs_no_carrier() -> None:
    only = ObjectReport("bridge", "br0", "converged", bridge="br0")
    links = (replace(link("br0", "bridge", "br0"), carrier=False),)
    whole = seen(replace(AS_DESIRED, objects=(only,), links=links))
    assert whole.bridges[0].mark == "ok"
    assert whole.cards == ()


def test_one_bridge_brings_its_card_along() -> None:
    whole = seen(AS_DESIRED, "br-web")
    assert [bridge.name for bridge in whole.bridges] == ["br-web"]
    assert [card.name for card in whole.cards] == ["enp13s0f0"]


def test_bridges_that_share_a_card_stand_together() -> None:
    cards = [bridge.ports[0].card for bridge in seen(many(6)).bridges]
    assert cards == ["eth0"] * 3 + ["eth1"] * 3


def test_folding_keeps_what_is_wrong() -> None:
    folded = fold(seen(many(100)), 10)
    assert len(folded.bridges) == 10
    assert folded.folded == 90
    assert "br98" in [bridge.name for bridge in folded.bridges]
    assert fold(seen(many(10)), 10).folded == 0


def test_guests_are_folded_and_those_that_are_down_come_first() -> None:
    names = tuple(f"vnet{number}" for number in range(1000))
    links = (replace(LINKS[0], guests=names, guests_down=("vnet777",)), *LINKS[1:])
    guests, more = shown(seen(replace(AS_DESIRED, links=links)).bridges[0].guests, 6)
    assert (len(guests), more) == (5, 995)
    assert (guests[0].name, guests[0].up) == ("vnet777", False)


def test_the_report_of_an_older_agent_is_drawn_too() -> None:
    document = as_json(AS_DESIRED)
    for item in document["links"]:
        del item["parent"], item["vlan"], item["guests_down"]
    whole = topology(document)
    assert whole.bridges[2].ports[0].name == "enp13s0f0.6"
