"""From the running host to a state file: what somebody set up there, and nothing else."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridged.desired.names import module_name
from bridged.desired.port import Nic, Vlan
from bridged.exchange import boot
from bridged.exchange.host_values import bridge_values, port_values
from bridged.exchange.notes import Notes
from bridged.exchange.yaml_writer import device
from bridged.observe.boot_files import BootFile
from bridged.observe.host import Host, Interest, Link, NetworkManager, Profile
from bridged.plan.profiles import choose_bridge, choose_nic, choose_vlan

_OWNERS = (
    (r"docker\d+|docker_gwbridge|br-[0-9a-f]{12}", "Docker makes it"),
    (r"virbr\d+(-nic)?", "libvirt makes it"),
    (r"cni\d+|cni-podman\d+|podman\d+|nerdctl\d+|kube-bridge|cbr\d+", "a CNI makes it"),
    (r"lxcbr\d+|lxdbr\d+|incusbr\d+", "LXC, LXD or Incus makes it"),
)
"""Bridges of programs that make and remove them by themselves, by the names that they give."""
_LOOPBACK = "lo"
Data = dict[str, Any]


@dataclass(frozen=True)
class Imported:
    """The data of a state file (as `Loaded.data`), and comments by path."""

    data: Data
    comments: Mapping[tuple[str, ...], str]


def interest(files: Sequence[BootFile]) -> Interest:
    """What must be observed to import."""
    found = boot.parse(files, Notes())
    return Interest(
        modules=frozenset({*found.modules, *map(module_name, boot.FOR_MACHINES)}),
        sysctls=frozenset(found.sysctls),
    )


def from_host(host: Host, files: Sequence[BootFile], notes: Notes) -> Imported:
    """The state that `host` has.  NetworkManager must have been read: it tells what somebody set
    up from what came about."""
    nm = host.network_manager
    assert isinstance(nm, NetworkManager)
    data: Data = {"version": 1}
    comments: dict[tuple[str, ...], str] = {}
    bridges: Data = {}
    for link in host.links:
        if link.kind == "bridge" and _worth_declaring(nm, link, notes):
            bridges[link.name] = _Bridge(host, nm, link, notes, comments).declare()
    _missing(host, nm, notes)
    if bridges:
        data["bridges"] = bridges
    found = boot.parse(files, notes)
    modules, sources = boot.modules_section(found, host.modules, notes)
    if modules:
        data["modules"] = tuple(modules)
        comments |= _attributed("modules", sources)
    sysctls, sources = boot.sysctls_section(found, host, notes)
    if sysctls:
        data["sysctls"] = sysctls
        comments |= _attributed("sysctls", sources)
    declared = {*bridges, *(device(port) for b in bridges.values() for port in b.get("ports", ()))}
    protect = sorted({*host.protected} - declared - {_LOOPBACK})
    if protect:
        data["protect"] = tuple(protect)
        reasons = {name: f"{name} {host.protected[name]}" for name in protect}
        comments |= _attributed("protect", reasons)
    return Imported(data, comments)


def _attributed(section: str, sources: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """Comments for a section: one above it where all of it comes from one place."""
    if len(set(sources.values())) == 1:
        return {(section,): next(iter(sources.values()))}
    return {(section, name): text for name, text in sources.items()}


def _worth_declaring(nm: NetworkManager, link: Link, notes: Notes) -> bool:
    """Whether somebody set the bridge up to stay; else it is told why it is left out."""
    for names, owner in _OWNERS:
        if re.fullmatch(names, link.name):
            notes.tell(link.name, f"left out: {owner}, by its name", "declare it if it is yours")
            return False
    profile = choose_bridge(nm, link.name).profile
    if profile is None or profile.generated:
        notes.tell(
            link.name,
            "left out: no NetworkManager profile makes it, so it goes with the next boot or a "
            "program makes it",
            f"write `{link.name}: {{ports: [...]}}` under bridges to keep it",
        )
        return False
    return True


def _missing(host: Host, nm: NetworkManager, notes: Notes) -> None:
    """Bridges that have a profile and are not there."""
    for profile in nm.profiles:
        name = profile.interface
        if profile.type == "bridge" and name and host.link(name) is None and not profile.generated:
            notes.tell(
                name,
                f"left out: the profile {profile.id} would make it, and it does not exist now",
                f"nmcli connection up {profile.uuid} and import again, or declare it",
            )


def _source(profile: Profile | None) -> str:
    if profile is None:
        return "plugged in, and no NetworkManager profile keeps it so"
    where = f", {profile.filename}" if profile.filename else ""
    return f'NetworkManager profile "{profile.id}"{where}'


class _Bridge:
    """One bridge on its way into the state file."""

    def __init__(
        self,
        host: Host,
        nm: NetworkManager,
        link: Link,
        notes: Notes,
        comments: dict[tuple[str, ...], str],
    ) -> None:
        self._host, self._nm, self._link = host, nm, link
        self._notes, self._comments = notes, comments
        self._name = link.name

    def declare(self) -> Data:
        """Its keys in the state file."""
        path = ("bridges", self._name)
        profile = choose_bridge(self._nm, self._name).profile
        values, comments = bridge_values(
            self._host, self._link, profile, f"bridges.{self._name}", self._notes
        )
        self._comments[path] = _source(profile)
        for key, text in comments.items():
            self._comments[(*path, key)] = text
        guests: list[str] = []
        ports = []
        for link in sorted(self._host.ports(self._link), key=lambda port: port.index):
            port = self._port(link, guests)
            if port is not None:
                ports.append(port)
        if guests:
            shown = ", ".join(guests[:5]) + (f" and {len(guests) - 5} more" if guests[5:] else "")
            self._notes.tell(self._name, f"guest ports are not declared: {shown}")
        return ({"ports": tuple(ports)} if ports else {}) | values

    def _port(self, link: Link, guests: list[str]) -> Data | None:
        """The keys of one port, None for one that is not to be declared."""
        host, nm, bridge = self._host, self._nm, self._name
        path = f"bridges.{bridge}.ports.{link.name}"
        port: Data
        model: type[Nic] | type[Vlan] = Nic
        if link.kind == "vlan":
            parent = host.by_index.get(link.parent or 0)
            vid = link.info.get("vlan_id")
            if parent is None or vid is None:
                self._notes.lose(path, "its parent cannot be seen", "declare it by hand")
                return None
            port, model = {"vlan": vid, "parent": parent.name}, Vlan
            if link.name != f"{parent.name}.{vid}":
                port["name"] = link.name
            profile = choose_vlan(nm, link.name, parent.name, vid, bridge).profile
        else:
            port = {"name": link.name}
            profile = choose_nic(nm, link.name, link, bridge).profile
            if profile is None and link.kind:
                if _guest(link):
                    guests.append(link.name)
                else:
                    self._notes.lose(
                        path,
                        f"is a {link.kind}, neither card nor VLAN; it stays in the bridge",
                        "leave it to NetworkManager",
                    )
                return None
        values, comments = port_values(model, host, link, profile, path, self._notes)
        at = ("bridges", bridge, "ports", link.name)
        about = [f"{key} {text}" for key, text in comments.items()]
        if profile is None or about:
            self._comments[at] = "; ".join([_source(profile), *about])
        return port | values


def _guest(link: Link) -> bool:
    """Whether a port is the near end of a guest or container."""
    return link.kind in {"tun", "veth", "macvtap", "vhost"}
