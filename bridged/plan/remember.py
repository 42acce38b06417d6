"""What an observation leaves behind for later planning: pure, memory in and memory out."""

from bridged.desired.state import State
from bridged.observe.host import Host, NetworkManager
from bridged.plan.identity import owner
from bridged.plan.memory import Memory


def remember(memory: Memory, state: State, host: Host) -> Memory:
    """The memory after `host` was seen.

    A virtual link counts as made by bridged while a profile of ours is active on it; it stays so
    until the link with that ifindex is gone.
    """
    made = {
        name: index
        for name, index in memory.made.items()
        if (link := host.by_index.get(index)) is not None and link.name == name
    }
    nm = host.network_manager
    if isinstance(nm, NetworkManager):
        for device in nm.devices:
            profile = nm.profile(device.active) if device.active else None
            link = host.link(device.interface)
            if profile and link and link.kind in {"bridge", "vlan"} and owner(profile):
                made[link.name] = link.index
    return Memory(made=made, guests=memory.guests)
