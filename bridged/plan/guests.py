"""Planning the return of guest ports that lost their bridge: before anything else."""

from collections.abc import Iterator

from bridged.plan.actions import Action, ObjectId, SetController, SetLink, SetVlans
from bridged.plan.context import Context
from bridged.plan.memory import Guest, carries, has
from bridged.plan.remember import dropped
from bridged.plan.result import Verdict
from bridged.report import PropertyDrift


def plan_guests(context: Context) -> Iterator[Verdict]:
    """A verdict for every bridge that lost guests; none where all is well."""
    wronged: dict[str, list[Guest]] = {}
    for guest in context.memory.guests.values():
        if _reset(context, guest) or (guest.lost is not None and dropped(guest, context.host)):
            wronged.setdefault(guest.bridge, []).append(guest)
    for bridge, guests in wronged.items():
        item = ObjectId("guests", bridge)
        link = context.host.link(bridge)
        drift = tuple(map(_drift, guests))
        if link is None or link.kind != "bridge":
            # One that is no longer declared comes back only if its removal is rolled back.
            if bridge in (context.state.bridges or {}):
                yield Verdict(item, "pending", f"waits for {bridge}", drift=drift, bridge=bridge)
            continue
        actions = tuple(
            action for guest in guests for action in _put_back(context, item, guest, link.index)
        )
        yield Verdict(item, "drift", drift=drift, actions=actions, bridge=bridge)


def _reset(context: Context, guest: Guest) -> bool:
    """Whether a guest that is plugged in has not got back the settings that it had."""
    link = context.host.by_index.get(guest.index)
    if guest.lost is not None or link is None or not dropped(guest, context.host):
        return False
    return not has(link.port, guest.port) or not carries(link.vlans, guest.vlans)


def _drift(guest: Guest) -> PropertyDrift:
    if guest.lost is None:
        return PropertyDrift("guest", f"{guest.name} with its settings", "settings of a new port")
    return PropertyDrift("guest", f"{guest.name} in {guest.bridge}", "in no bridge")


def _put_back(context: Context, item: ObjectId, guest: Guest, bridge: int) -> Iterator[Action]:
    """Plug one guest in, if it is out, and give it the settings that it had."""
    reason = f"{guest.name} lost {guest.bridge}"
    link = context.host.by_index.get(guest.index)
    if guest.lost is not None:
        yield SetController(
            object=item,
            reason=reason,
            device=guest.name,
            index=guest.index,
            controller=guest.bridge,
            controller_index=bridge,
        )
    if link is not None and not has(link.port, guest.port):
        yield SetLink(
            object=item, reason=reason, device=guest.name, index=guest.index, port=guest.port
        )
    if link is not None and guest.vlans is not None and guest.vlans != link.vlans:
        yield SetVlans(
            object=item, reason=reason, device=guest.name, index=guest.index, vlans=guest.vlans
        )
