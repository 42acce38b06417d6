"""What an observation leaves behind for later planning: pure, memory in and memory out."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from bridged.desired.state import State
from bridged.observe.host import Device, Host, Link, NetworkManager
from bridged.plan.context import Context
from bridged.plan.identity import owned
from bridged.plan.memory import Guest, Memory, carries, has, settings

_GRACE = 10.0
"""Seconds in which a guest port outside its bridge may still turn out to have been dropped by a
re-activation that is under way."""
_TRIAL = 660.0
"""Seconds in which a bridge that is no longer declared may come back with its guests: the removal
may be on trial (for ten minutes at most)."""


def remember(memory: Memory, state: State, host: Host) -> Memory:
    """The memory after `host` was seen."""
    made = _made(memory, host)
    plugged = {
        guest.index: _settled(guest, memory.guests.get(guest.index), host)
        for guest in _plugged(state, host, made)
    }
    lost = {
        guest.index: guest
        for old in memory.guests.values()
        if old.index not in plugged and (guest := _outside(old, state, host)) is not None
    }
    return Memory(made=made, guests={**lost, **plugged})


def _made(memory: Memory, host: Host) -> dict[str, int]:
    """Virtual links made by bridged: a profile of ours was active on them while they had that
    ifindex."""
    made = {
        name: index
        for name, index in memory.made.items()
        if (link := host.by_index.get(index)) is not None and link.name == name
    }
    nm = host.network_manager
    if isinstance(nm, NetworkManager):
        for interface in _in_use(nm):
            link = host.link(interface)
            if link and link.kind in {"bridge", "vlan"}:
                made[link.name] = link.index
    return made


def _in_use(nm: NetworkManager) -> tuple[str, ...]:
    """The interfaces on which a profile of ours is active."""

    def conclude() -> tuple[str, ...]:
        ours = {profile.uuid for _, profile in owned(nm)}
        return tuple(device.interface for device in nm.devices if device.active in ours)

    return nm.once(("in use",), conclude)


def _plugged(state: State, host: Host, made: Iterable[str]) -> Iterator[Guest]:
    """The guest ports as they are now: of all declared bridges, and of those that we made."""
    context = Context(state, host)
    for name in dict.fromkeys([*(state.bridges or {}), *made]):
        bridge = host.link(name)
        if bridge is None:
            continue
        filters = bool(bridge.info.get("br_vlan_filtering"))
        for port in context.guests(name):
            yield Guest(
                name=port.name,
                index=port.index,
                bridge=name,
                bridge_index=bridge.index,
                activation=_activation(host, name),
                port=settings(port.port),
                vlans=port.vlans if port.vlans or filters else None,
            )


def _settled(now: Guest, before: Guest | None, host: Host) -> Guest:
    """A guest in its bridge; as it was before while the bridge is being activated again, and until
    it has the settings again that it had in the bridge's last incarnation.

    NetworkManager tells of a new activation before it drops the ports, and plugs a guest that it
    manages back in by itself, with the settings of a new port.  Whoever changes the settings of a
    guest whose bridge stayed the same means it; but whether it did has to be asked.

    That it has no VLANs at all is believed of the second look only: they are dumped after the
    links, and it may have been taken out in between.
    """
    if before is None or before.bridge != now.bridge:
        return replace(now, vlans=now.vlans or None)
    if _changing(host, now.bridge):
        return _as_it_was(replace(before, lost=None))
    if (before.bridge_index, before.activation) == (now.bridge_index, now.activation):
        return _in_doubt(now, before) if host.remembered else now
    kept = _as_it_was(replace(before, lost=None))
    return now if has(now.port, kept.port) and carries(now.vlans or (), kept.vlans) else kept


def _in_doubt(now: Guest, before: Guest) -> Guest:
    """A guest of whose bridge NetworkManager's last word is all that is known: with what it had, if
    that is not what it has."""
    former = before.former_port, before.former_vlans
    if before.former_port is None and (before.port, before.vlans) != (now.port, now.vlans):
        former = before.port, before.vlans
    return replace(now, former_port=former[0], former_vlans=former[1])


def _as_it_was(guest: Guest) -> Guest:
    """A guest to whose bridge something happened: what it has since is not what it is to have."""
    if guest.former_port is None:
        return guest
    return replace(
        guest,
        port=guest.former_port,
        vlans=guest.former_vlans,
        former_port=None,
        former_vlans=None,
    )


def _device(host: Host, bridge: str) -> Device | None:
    nm = host.network_manager
    return nm.device(bridge) if isinstance(nm, NetworkManager) else None


def _activation(host: Host, bridge: str) -> str:
    device = _device(host, bridge)
    return device.activation if device else ""


def _changing(host: Host, bridge: str) -> bool:
    device = _device(host, bridge)
    return device is not None and device.activating


def _outside(guest: Guest, state: State, host: Host) -> Guest | None:
    """A guest that is not in its bridge: still ours to put back, or None to forget it.

    One that is gone (its VM stopped), that is in another bridge, or that was taken out of a bridge
    to which nothing happened, is where somebody wanted it.
    """
    link = host.by_index.get(guest.index)
    if link is None or link.name != guest.name or link.controller is not None:
        return None
    since = host.time if guest.lost is None else guest.lost
    if not isinstance(host.network_manager, NetworkManager):
        return replace(guest, lost=host.time)  # nobody can tell now what happened to the bridge
    if dropped(guest, host):
        guest = _as_it_was(guest)
    elif host.time - since > _GRACE:
        return None
    if guest.bridge not in (state.bridges or {}) and host.time - since > _TRIAL:
        return None
    return replace(guest, lost=since)


def dropped(guest: Guest, host: Host) -> bool:
    """Whether the guest lost its bridge because the bridge went, not because it was unplugged."""
    bridge: Link | None = host.link(guest.bridge)
    if bridge is None or bridge.index != guest.bridge_index:
        return True
    device = _device(host, guest.bridge)
    if device is None:
        return False
    return device.activating or device.activation != guest.activation
