"""The nodes that are measured: how each is declared, how it is typed by hand, how it looks.

All begin as the owner's did: every card active on a plain Ethernet profile that has its name.
"""

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.lab.demo_links import Links

NICS = ("enp13s0f0", "enp13s0f3")
_KEPT = ("lo", "enp8s0")
"""Devices whose profiles stay: enp8s0 is the way into the machine."""
_VLANS = tuple(f"{nic}." for nic in NICS)
STATE = Path("/etc/bridged/state.yaml")
NOTHING = "version: 1\nbridges: {}\n"
_FIRST_VLAN = 100
_PATIENCE = "3600"
"""Seconds that nmcli waits for all deletions together, by itself ten."""
_AT_ONCE = 100
_TRIES = 3
_PROFILES = Path("/etc/NetworkManager/system-connections")
_PROFILE = """\
[connection]
id={nic}
uuid={uuid}
type=ethernet
interface-name={nic}

[ipv4]
method=disabled

[ipv6]
method=disabled
"""

# What the owner typed, less the listing at its end.  nmcli refuses the second line about vlan-6
# once the VLAN is a port; the owner went on, and so does the script.
_LAN = """\
nmcli con add type bridge con-name br-lan ifname br-lan ipv4.method disabled ipv6.method disabled \
bridge.stp no
nmcli con add type ethernet con-name br-lan-slave-1 ifname enp13s0f0 master br-lan
nmcli con up br-lan
"""
_WEB = """\
nmcli con add type vlan con-name vlan-6 dev enp13s0f0 id 6
nmcli con add type bridge con-name br-web ifname br-web ipv4.method disabled ipv6.method disabled \
bridge.stp no
nmcli connection modify vlan-6 master br-web slave-type bridge
nmcli connection modify vlan-6 ipv4.method disabled ipv6.method disabled
nmcli con up br-web
"""
_DMZ = """\
nmcli con add type bridge con-name br-dmz ifname br-dmz ipv4.method disabled ipv6.method disabled \
bridge.stp no
nmcli con add type ethernet con-name br-dmz-slave-1 ifname enp13s0f3 master br-dmz
nmcli con up br-dmz
"""
_DELETE = "nmcli connection delete enp13s0f0\nnmcli connection delete enp13s0f3\n"
_PORTS = "nmcli connection up br-lan-slave-1\nnmcli connection up br-dmz-slave-1\n"


@dataclass(frozen=True)
class Layout:
    """One node: `state` declares it, `script` is typed, `ports` (bridge -> port) is the outcome."""

    name: str
    state: str
    script: str
    ports: Mapping[str, str]

    @property
    def commands(self) -> int:
        """How many commands are typed."""
        return len(self.script.strip().splitlines())

    @property
    def cards(self) -> list[str]:
        """The cards that are ports, or carry the VLANs that are."""
        return list(dict.fromkeys(port.partition(".")[0] for port in self.ports.values()))

    @property
    def limit(self) -> float:
        """Seconds after which a way to it has failed."""
        return 300.0 + 10 * len(self.ports)

    def right(self, links: Links) -> bool:
        """Whether the kernel has it: bridges up without spanning tree, each with its port."""
        named = {link.name: link for link in links.by_index.values()}
        for bridge, port in self.ports.items():
            link, card = named.get(bridge), named.get(port)
            if link is None or card is None or link.stp or not (link.up and card.up):
                return False
            if card.controller != link.index:
                return False
        return True


TWO = Layout(
    "two bridges",
    "version: 1\nbridges:\n  br-lan: {ports: [enp13s0f0]}\n  br-dmz: {ports: [enp13s0f3]}\n",
    _DELETE + _LAN + _DMZ + _PORTS,
    {"br-lan": "enp13s0f0", "br-dmz": "enp13s0f3"},
)
REFERENCE = Layout(
    "reference node",
    "version: 1\nbridges:\n  br-lan: {ports: [enp13s0f0]}\n"
    "  br-web: {ports: [{vlan: 6, parent: enp13s0f0}]}\n  br-dmz: {ports: [enp13s0f3]}\n",
    _DELETE + _LAN + _WEB + _DMZ + _PORTS + "nmcli connection up vlan-6\n",
    {"br-lan": "enp13s0f0", "br-web": "enp13s0f0.6", "br-dmz": "enp13s0f3"},
)
LAYOUTS = {layout.name: layout for layout in (TWO, REFERENCE)}


def run(*command: str) -> str:
    """What a program prints; its failure is nobody's concern here."""
    return subprocess.run(command, text=True, capture_output=True).stdout


def many(count: int) -> Layout:
    """So many bridges with a card each; the cards are the laboratory's extra ones."""
    ports = {f"br{number}": f"port{number}" for number in range(count)}
    script = "".join(f"nmcli connection delete {card}\n" for card in ports.values())
    for bridge, card in ports.items():
        script += _DMZ.replace("br-dmz", bridge).replace("enp13s0f3", card)
    script += "".join(f"nmcli connection up {bridge}-slave-1\n" for bridge in ports)
    rows = (f"  {bridge}: {{ports: [{card}]}}\n" for bridge, card in ports.items())
    state = "version: 1\nbridges:\n" + "".join(rows)
    return Layout(f"{count} bridges", state, script, ports)


def vlans(count: int) -> Layout:
    """So many bridges with a VLAN each, all on one card, which keeps its profile."""
    card = NICS[0]
    ids = {f"br{number}": number + _FIRST_VLAN for number in range(count)}
    script = rows = ""
    for bridge, vlan in ids.items():
        script += _WEB.replace("br-web", bridge).replace("vlan-6", f"vlan-{vlan}")
        script = script.replace(f"dev {card} id 6\n", f"dev {card} id {vlan}\n")
        rows += f"  {bridge}: {{ports: [{{vlan: {vlan}, parent: {card}}}]}}\n"
    script += "".join(f"nmcli connection up vlan-{vlan}\n" for vlan in ids.values())
    ports = {bridge: f"{card}.{vlan}" for bridge, vlan in ids.items()}
    return Layout(f"{count} VLANs", f"version: 1\nbridges:\n{rows}", script, ports)


def start_over(nics: Sequence[str] = NICS) -> None:
    """The node before anything: bridges, VLANs, profiles and bridged's memory gone, every card
    active on the profile of its name, NetworkManager idle."""
    for folder in (Path("/run/bridged"), Path("/var/lib/bridged")):
        for path in folder.glob("*"):
            with suppress(OSError):
                path.unlink()
    old = _profiles()
    if len(old) > _AT_ONCE:
        _forget(old)
    else:
        _delete(old)
    change_links([f"link del {name}" for name in _made()])
    change_links([f"link set {nic} nomaster up" for nic in nics])
    for nic in nics:
        profile = _PROFILES / f"{nic}.nmconnection"
        profile.touch(0o600)
        profile.write_text(_PROFILE.format(nic=nic, uuid=uuid.uuid4()))
    run("nmcli", "connection", "reload")  # and with that NetworkManager activates them
    wanted = {f"{nic}:connected:{nic}" for nic in nics}
    for _ in range(_TRIES):
        settle()
        rows = run("nmcli", "-t", "-f", "DEVICE,STATE,CONNECTION", "device").splitlines()
        missing, left, stayed = sorted(wanted - set(rows)), _made(), set(old) & set(_profiles())
        for row in missing:  # what had just lost its profile may not be activated by itself
            run("nmcli", "connection", "up", row.partition(":")[0])
        _delete(sorted(stayed))
        change_links([f"link del {name}" for name in left])
        if not missing and not left and not stayed:
            return
    raise RuntimeError(f"not as they were to be: {missing[:3]}, {left[:3]}, {len(stayed)} profiles")


def _profiles() -> dict[str, str]:
    """UUID -> file of the profiles that are there, but for those that stay."""
    lines = run("nmcli", "-t", "-f", "UUID,DEVICE,FILENAME", "connection").splitlines()
    rows = (line.split(":", 2) for line in lines)
    return {one: file for one, device, file in rows if device not in _KEPT}


def _delete(profiles: Iterable[str]) -> None:
    if those := tuple(profiles):
        run("nmcli", "--wait", _PATIENCE, "connection", "delete", *those)


def _forget(profiles: Mapping[str, str]) -> None:
    """Have NetworkManager begin without them: to delete a thousand takes it a quarter of an hour,
    and more at once than the bus lets nmcli await."""
    network_manager("stop")
    for file in profiles.values():
        Path(file).unlink(missing_ok=True)
    change_links([f"link del {name}" for name in _made()])
    network_manager("start")


def network_manager(verb: str) -> None:
    """Stop or start it, as a laboratory does or as a machine."""
    if shutil.which("lab"):
        run("lab", f"nm-{verb}")
    else:
        run("systemctl", verb, "NetworkManager")


def _made() -> list[str]:
    """The bridges and VLANs that are there."""
    return [
        path.name
        for path in Path("/sys/class/net").iterdir()
        if (path / "bridge").is_dir() or path.name.startswith(_VLANS)
    ]


def change_links(lines: Sequence[str]) -> None:
    """Have `ip` take many lines at once; a VLAN may have gone with another link, so failures are
    none."""
    batch = ["ip", "-force", "-batch", "-"]
    subprocess.run(batch, input="\n".join(lines), text=True, stderr=subprocess.DEVNULL)


def settle() -> None:
    """Wait until NetworkManager's process is idle and it has nothing under way."""
    (pid,) = run("pidof", "NetworkManager").split()
    calm = 0
    while True:
        before = cpu_seconds(pid)
        time.sleep(0.1)
        calm = calm + 1 if cpu_seconds(pid) <= before + 1 / os.sysconf("SC_CLK_TCK") else 0
        if calm >= 3:
            # Asked last, for the question makes it work too.
            if "connecting" not in run("nmcli", "-t", "-f", "STATE", "device"):
                return
            calm = 0


def rest() -> None:
    """Have every way begin alike: NetworkManager's dispatcher, a process that it starts anew after
    ten idle seconds, has ended.  Whoever came sooner after the last event would be spared that."""
    if shutil.which("lab"):  # the namespace laboratory has none
        return
    run("systemctl", "stop", "NetworkManager-dispatcher.service")
    if run("pidof", "NetworkManager"):
        settle()


def cpu_seconds(pid: int | str) -> float:
    """Seconds of processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
