"""The VLANs of a bridge port in three forms: the kernel's, the state file's, nmstate's."""

from collections.abc import Iterable
from typing import Any

from bridged.desired.grammar import Integer
from bridged.desired.vlans import Membership
from bridged.exchange.documents import Part
from bridged.exchange.notes import Notes

_VID = Integer(1, 4094)
_PVID = Integer(0, 4094)
_RUN = 3
"""As many ids in a row are written as a range."""


def declaration(tagged: Iterable[int], pvid: int) -> dict[str, Any]:
    """The keys of the state file for a port with these VLANs: ``{vlans, vlan-ranges, pvid}``."""
    found: dict[str, Any] = {}
    single: list[int] = []
    ranges: list[str] = []
    for first, last in _runs(sorted(set(tagged) - {pvid})):
        if last - first + 1 >= _RUN:
            ranges.append(f"{first}-{last}")
        else:
            single += range(first, last + 1)
    if single:
        found["vlans"] = tuple(single)
    if ranges:
        found["vlan-ranges"] = tuple(ranges)
    if pvid != 1 or not found:
        found["pvid"] = pvid
    return found


def from_kernel(vlans: Membership) -> dict[str, Any] | None:
    """The same for what a port has now; None where the state file has no words for it (a VLAN that
    leaves untagged without being the PVID)."""
    pvids = [vlan for vlan in vlans if vlan.pvid]
    odd = any(vlan.untagged != vlan.pvid for vlan in vlans)
    if odd or len(pvids) > 1:
        return None
    return declaration((vlan.vid for vlan in vlans if not vlan.pvid), pvids[0].vid if pvids else 0)


def to_nmstate(membership: Membership) -> dict[str, Any] | None:
    """The `vlan` of an nmstate port; None for a port without any VLAN, which nmstate cannot say:
    to it (and to NetworkManager) a port without VLANs has the default one."""
    pvid = next((vlan.vid for vlan in membership if vlan.pvid), 0)
    tagged = [vlan.vid for vlan in membership if not vlan.pvid]
    if not tagged:
        return {"mode": "access", "tag": pvid} if pvid else None
    tags: list[dict[str, Any]] = []
    for first, last in _runs(tagged):
        if last - first + 1 >= _RUN:
            tags.append({"id-range": {"min": first, "max": last}})
        else:
            tags += [{"id": vid} for vid in range(first, last + 1)]
    found: dict[str, Any] = {"mode": "trunk", "trunk-tags": tags}
    return found | {"tag": pvid, "enable-native": True} if pvid else found


def from_nmstate(vlan: Part, notes: Notes) -> dict[str, Any]:
    """The keys of the state file for the `vlan` of an nmstate port."""
    trunk = vlan.text("mode").lower() == "trunk"
    tag = vlan.value("tag", _PVID)
    native = vlan.text("enable-native").lower() in {"1", "true", "yes", "on"}
    tagged: list[int] = []
    for path, item in vlan.items("trunk-tags"):
        tagged += _tag(Part(item, path, notes))
    vlan.rest("is not known")
    if not trunk:
        if tagged:
            notes.lose(vlan.at("trunk-tags"), "an access port has none", "write mode: trunk")
        return {} if tag is None else declaration((), tag)
    if tag and not native:
        notes.lose(vlan.at("tag"), "counts only with enable-native: true", "write that")
        tag = None
    if not tagged and not tag:
        return {}
    return declaration(tagged, tag or 0)


def _tag(tag: Part) -> list[int]:
    """The ids of an item of trunk-tags."""
    found: list[int] = []
    if tag.has("id"):
        vid = tag.value("id", _VID)
        found = [] if vid is None else [vid]
    if tag.has("id-range"):
        ends = tag.part("id-range")
        low, high = ends.value("min", _VID), ends.value("max", _VID)
        ends.rest("is not known")
        if low is not None and high is not None:
            found += range(low, high + 1)
    tag.rest("is not known")
    return found


def _runs(ids: Iterable[int]) -> list[tuple[int, int]]:
    """(first, last) of ids without a gap between them; `ids` are sorted."""
    runs: list[tuple[int, int]] = []
    for vid in ids:
        if runs and runs[-1][1] == vid - 1:
            runs[-1] = (runs[-1][0], vid)
        else:
            runs.append((vid, vid))
    return runs
