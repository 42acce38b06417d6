"""What belongs to a bridge, in a report as JSON."""

from collections.abc import Iterable
from typing import Any

Document = dict[str, Any]


def repair_times(repairs: Iterable[Document | None]) -> list[float]:
    """When the repairs among `repairs` that went well were made."""
    return [repair["time"] for repair in repairs if repair and repair["outcome"] == "repaired"]


def members(document: Document, bridge: str) -> list[Document]:
    """The objects that make up a bridge."""
    return [
        item
        for item in document["objects"]
        if item["bridge"] == bridge or (item["kind"], item["name"]) == ("bridge", bridge)
    ]


def told_of(objects: list[Document], bridge: str) -> set[str]:
    """The full names under which repairs and findings tell of a bridge with these members.  Guests
    are an object only as long as they wait for it."""
    return {f"{item['kind']}/{item['name']}" for item in objects} | {f"guests/{bridge}"}


def bridge_names(document: Document) -> list[str]:
    """The bridges of the report, in its order."""
    return [item["name"] for item in document["objects"] if item["kind"] == "bridge"]


def find_bridge(document: Document, name: str) -> list[str]:
    """Empty where the report has the bridge `name`, else the names that may have been meant."""
    known = bridge_names(document)
    if name in known:
        return []
    from difflib import get_close_matches

    return get_close_matches(name, known, 3, 0.5) or known


def link_state(link: Document | None) -> str:
    """A link in a word or two."""
    if link is None or not link["present"]:
        return "missing"
    if not link["up"]:
        return "down"
    return "up" if link["carrier"] else "no carrier"
