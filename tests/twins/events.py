"""What can happen to a node, as named events for a campaign: each is done to a machine in memory.

An event that makes no sense at the moment (unplugging what is not there) does nothing.
"""

from collections.abc import Callable
from random import Random

from tests.twins.kernel import FakeKernel
from tests.twins.machine import Machine

Event = Callable[[Machine, Random], None]
BRIDGES = ("br-lan", "br-web", "br-dmz")
PORTS = ("enp13s0f0", "enp13s0f0.6", "enp13s0f3")


def _present(kernel: FakeKernel, names: tuple[str, ...], random: Random) -> str | None:
    there = [name for name in names if kernel.link(name)]
    return random.choice(there) if there else None


def unplug_port(machine: Machine, random: Random) -> None:
    """`ip link set PORT nomaster`"""
    if name := _present(machine.kernel, PORTS, random):
        machine.kernel.unplug(name)


def delete_bridge(machine: Machine, random: Random) -> None:
    """`ip link del BRIDGE`"""
    if name := _present(machine.kernel, BRIDGES, random):
        machine.kernel.delete(name)


def delete_vlan(machine: Machine, random: Random) -> None:
    """`ip link del enp13s0f0.6`"""
    if machine.kernel.link("enp13s0f0.6"):
        machine.kernel.delete("enp13s0f0.6")


def change_attribute(machine: Machine, random: Random) -> None:
    """STP on, another MAC, IPv6 back, admin-down."""
    if name := _present(machine.kernel, BRIDGES, random):
        change = random.choice(
            [
                {"info": {"br_stp_state": 1}},
                {"address": "52:54:00:99:99:99"},
                {"disable_ipv6": False},
                {"up": False},
                {"address_pinned": False},
            ]
        )
        machine.kernel.change(name, **change)


def reactivate_bridge(machine: Machine, random: Random) -> None:
    """`nmcli connection up BRIDGE`, which drops the guests."""
    name = random.choice(BRIDGES)
    for uuid, settings in list(machine.nm.profiles.items()):
        connection = settings["connection"]
        if machine.nm.running and connection.get("interface-name") == name:
            machine.nm.up(uuid)
            return


def disconnect_port(machine: Machine, random: Random) -> None:
    """`nmcli device disconnect PORT`"""
    if machine.nm.running and (name := _present(machine.kernel, PORTS, random)):
        machine.nm.down(name)


def down_bridge(machine: Machine, random: Random) -> None:
    """`nmcli connection down BRIDGE`"""
    if machine.nm.running and (name := _present(machine.kernel, BRIDGES, random)):
        machine.nm.down(name)


def delete_profile(machine: Machine, random: Random) -> None:
    """`nmcli connection delete` of one of ours"""
    ours = [
        uuid
        for uuid, settings in machine.nm.profiles.items()
        if settings["connection"].get("interface-name") in BRIDGES + PORTS
    ]
    if machine.nm.running and ours:
        uuid = random.choice(ours)
        del machine.nm.profiles[uuid]
        for device in [d for d, u in machine.nm.active.items() if u == uuid]:
            machine.nm.down(device)


def edit_profile(machine: Machine, random: Random) -> None:
    """`nmcli connection modify`: STP on, autoconnect off"""
    for uuid, settings in machine.nm.profiles.items():
        if settings["connection"].get("interface-name") == random.choice(BRIDGES):
            if random.random() < 0.5:
                settings.setdefault("bridge", {})["stp"] = True
            else:
                settings["connection"]["autoconnect"] = False
            assert uuid
            return


def rival_profile(machine: Machine, random: Random) -> None:
    """cloud-init writes a profile for a declared NIC and it takes the NIC"""
    name = random.choice(("enp13s0f0", "enp13s0f3"))
    uuid = f"11111111-0000-4000-8000-{random.randrange(16**12):012x}"
    machine.nm.add(
        {
            "connection": {
                "id": f"cloud-init {name}",
                "uuid": uuid,
                "type": "802-3-ethernet",
                "interface-name": name,
                "autoconnect-priority": 999,
            },
            "802-3-ethernet": {},
            "ipv4": {"method": "auto"},
        }
    )
    if machine.nm.running and machine.kernel.link(name):
        machine.kernel.unplug(name)
        machine.nm.up(uuid)


def restart_network_manager(machine: Machine, random: Random) -> None:
    """`systemctl restart NetworkManager`"""
    machine.nm.restart()


def stop_network_manager(machine: Machine, random: Random) -> None:
    """`systemctl stop NetworkManager`"""
    machine.nm.running = False


def nic_unplugged(machine: Machine, random: Random) -> None:
    """A card is pulled."""
    if machine.kernel.link("enp13s0f3"):
        machine.kernel.delete("enp13s0f3")


def nic_back(machine: Machine, random: Random) -> None:
    """The card returns, with a new ifindex."""
    if not machine.kernel.link("enp13s0f3"):
        machine.kernel.add_nic("enp13s0f3")


def lose_carrier(machine: Machine, random: Random) -> None:
    """The cable is pulled, or comes back."""
    if name := _present(machine.kernel, ("enp13s0f0", "enp13s0f3"), random):
        machine.kernel.change(name, carrier=random.random() < 0.5)


def unload_module(machine: Machine, random: Random) -> None:
    """`modprobe -r`"""
    machine.kernel.remove_module(random.choice(("br_netfilter", "kvm", "overlay")))


def set_sysctl(machine: Machine, random: Random) -> None:
    """`sysctl -w`"""
    machine.kernel.parameters["net/ipv4/ip_forward"] = "0"


def lose_boot_file(machine: Machine, random: Random) -> None:
    """A boot file is edited or removed."""
    machine.kernel.text_files.pop("/etc/sysctl.d/zz-bridged.conf", None)


def fail_calls(machine: Machine, random: Random) -> None:
    """The next calls of some kind fail."""
    call = random.choice(
        (
            "activate",
            "add_profile",
            "update_profile",
            "set_link",
            "set_controller",
            "sysctl",
            "load",
        )
    )
    machine.faults.fail(call, "failed", times=random.randint(1, 3))


def start_guest(machine: Machine, random: Random) -> None:
    """A VM starts: its tap is plugged into a bridge."""
    if name := _present(machine.kernel, BRIDGES, random):
        guest = f"vnet{random.randrange(1000)}"
        if machine.kernel.link(guest) is None:
            machine.kernel.add_link(guest, "tun", up=True)
            machine.kernel.plug(guest, name)


def stop_guest(machine: Machine, random: Random) -> None:
    """A VM stops: its tap is gone."""
    guests = tuple(n.name for n in machine.kernel.links.values() if n.name.startswith("vnet"))
    if name := _present(machine.kernel, guests, random):
        machine.kernel.delete(name)


EVENTS: tuple[Event, ...] = (
    unplug_port,
    delete_bridge,
    delete_vlan,
    change_attribute,
    reactivate_bridge,
    disconnect_port,
    down_bridge,
    delete_profile,
    edit_profile,
    rival_profile,
    restart_network_manager,
    stop_network_manager,
    nic_unplugged,
    nic_back,
    lose_carrier,
    unload_module,
    set_sysctl,
    lose_boot_file,
    fail_calls,
    start_guest,
    stop_guest,
)
