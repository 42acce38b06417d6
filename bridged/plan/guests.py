"""Planning the return of guest ports that lost their bridge: before anything else."""

from collections.abc import Iterator, Mapping
from typing import Any

from bridged.plan.actions import Action, ObjectId, SetController, SetLink, SetVlans
from bridged.plan.context import Context
from bridged.plan.memory import Guest
from bridged.plan.remember import dropped
from bridged.plan.result import Verdict
from bridged.report import PropertyDrift

_SETTINGS = (
    "brport_cost",
    "brport_priority",
    "brport_mode",
    "brport_guard",
    "brport_protect",
    "brport_fast_leave",
    "brport_learning",
    "brport_unicast_flood",
    "brport_mcast_flood",
    "brport_bcast_flood",
    "brport_mcast_to_ucast",
    "brport_neigh_suppress",
    "brport_isolated",
    "brport_locked",
)
"""What of a port's attributes is a setting; the rest is its state."""


def settings(port: Mapping[str, Any]) -> dict[str, Any]:
    """The settings among a port's attributes."""
    return {key: port[key] for key in _SETTINGS if port.get(key) is not None}


def plan_guests(context: Context) -> Iterator[Verdict]:
    """A verdict for every bridge that lost guests; none where all is well."""
    lost: dict[str, list[Guest]] = {}
    for guest in context.memory.guests.values():
        if guest.lost is not None and dropped(guest, context.host):
            lost.setdefault(guest.bridge, []).append(guest)
    for bridge, guests in lost.items():
        item = ObjectId("guests", bridge)
        link = context.host.link(bridge)
        drift = tuple(
            PropertyDrift("guest", f"{guest.name} in {bridge}", "in no bridge")
            for guest in sorted(guests, key=lambda guest: guest.index)
        )
        if link is None or link.kind != "bridge":
            yield Verdict(item, "pending", f"waits for {bridge}", drift=drift, bridge=bridge)
            continue
        actions = tuple(action for guest in guests for action in _put_back(item, guest, link.index))
        yield Verdict(item, "drift", drift=drift, actions=actions, bridge=bridge)


def _put_back(item: ObjectId, guest: Guest, bridge: int) -> Iterator[Action]:
    """Plug one guest in and give it the settings that it had."""
    reason = f"{guest.name} lost {guest.bridge}"
    yield SetController(
        object=item,
        reason=reason,
        device=guest.name,
        index=guest.index,
        controller=guest.bridge,
        controller_index=bridge,
    )
    had = settings(guest.port)
    if had:
        yield SetLink(object=item, reason=reason, device=guest.name, index=guest.index, port=had)
    if guest.vlans:
        yield SetVlans(
            object=item, reason=reason, device=guest.name, index=guest.index, vlans=guest.vlans
        )
