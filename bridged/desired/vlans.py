"""VLAN membership of a bridge port: which frames it takes in, and which keep their tag."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridged.desired.errors import shown
from bridged.desired.properties import Codec


@dataclass(frozen=True, slots=True, order=True)
class PortVlan:
    """One VLAN that a bridge port carries; `pvid` takes untagged frames in, `untagged` sends them
    out without the tag."""

    vid: int
    pvid: bool = False
    untagged: bool = False


Membership = tuple[PortVlan, ...]
"""All VLANs of a port, sorted by id."""


_SPAN = re.compile(r"([0-9]{1,9})-([0-9]{1,9})", re.ASCII)


def span(text: str) -> range:
    """The ids of a range such as ``10-20``; ValueError tells what is wrong with it."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f'"{shown(text)}" is not a range of VLAN ids such as 10-20')
    first, last = map(int, found.groups())
    if not 1 <= first <= last <= 4094:
        raise ValueError(f'"{text}" is not a range within 1-4094')
    return range(first, last + 1)


def membership(tagged: Iterable[int], pvid: int) -> Membership:
    """The VLANs of a port: `pvid` for untagged frames (0 for none), the others tagged."""
    found = {vid: PortVlan(vid) for vid in tagged}
    if pvid:
        found[pvid] = PortVlan(pvid, pvid=True, untagged=True)
    return tuple(sorted(found.values()))


def _encode(vlans: Membership) -> list[dict[str, Any]]:
    """As NetworkManager keeps them: ranges of ids that are treated alike."""
    ranges: list[dict[str, Any]] = []
    for vlan in vlans:
        last = ranges[-1] if ranges else None
        kind = {"pvid": vlan.pvid, "untagged": vlan.untagged}
        if (
            last
            and not vlan.pvid
            and last["vid-end"] == vlan.vid - 1
            and last.items() >= kind.items()
        ):
            last["vid-end"] = vlan.vid
        else:
            ranges.append({"vid-start": vlan.vid, "vid-end": vlan.vid, **kind})
    return ranges


def _decode(ranges: Sequence[Mapping[str, Any]]) -> Membership:
    return tuple(
        sorted(
            PortVlan(vid, bool(r.get("pvid", False)), bool(r.get("untagged", False)))
            for r in ranges
            for vid in range(r["vid-start"], r.get("vid-end", r["vid-start"]) + 1)
        )
    )


VLANS = Codec(_encode, _decode)
"""Between a membership and ``aa{sv}`` of NetworkManager's bridge-port.vlans."""


def show(vlans: Membership) -> str:
    """A membership for people: ``1 untagged, 10-20``."""
    parts = []
    for item in _encode(vlans):
        ids = str(item["vid-start"])
        if item["vid-end"] != item["vid-start"]:
            ids += f"-{item['vid-end']}"
        parts.append(f"{ids} untagged" if item["untagged"] else ids)
    return ", ".join(parts) or "none"
