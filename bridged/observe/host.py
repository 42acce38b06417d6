"""The host: one frozen observation of everything that the desired state may speak of.

Only types and look-ups live here; the readers beside this file fill them in.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypeVar

from bridged.desired.runtime import Containerd
from bridged.desired.vlans import Membership
from bridged.observe.node import Node

_T = TypeVar("_T")
Settings = Mapping[str, Mapping[str, Any]]
"""A NetworkManager profile, unpacked: setting -> key -> plain Python value (bytes for ``ay``)."""

_UPON = frozenset({"vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "macsec"})
"""Kinds of links that the kernel deletes with their parent."""


@dataclass(frozen=True, slots=True)
class Link:
    """One interface as a netlink dump shows it.

    `kind` is IFLA_INFO_KIND, empty for hardware.  `info` holds IFLA_INFO_DATA and `port`
    IFLA_INFO_SLAVE_DATA of a bridge port; keys are attribute names without IFLA_, in lower case
    (``br_stp_state``, ``brport_cost``), values plain numbers or text.  `controller` and `parent`
    are ifindexes, `path` is where hardware is plugged in, as udev's ID_PATH. `address_pinned` is
    False while the kernel may change the address by itself. `vlans` are those of a bridge port (or
    of the bridge itself), sorted by id. `speed` is in Mbit/s, None where the driver does not say.
    """

    index: int
    name: str
    kind: str = ""
    address: str = ""
    permanent_address: str = ""
    address_pinned: bool = True
    mtu: int = 1500
    up: bool = False
    carrier: bool = False
    operstate: str = "down"
    controller: int | None = None
    controller_kind: str = ""
    path: str = ""
    parent: int | None = None
    altnames: tuple[str, ...] = ()
    disable_ipv6: bool | None = None
    carrier_changes: int = 0
    speed: int | None = None
    duplex: str = ""
    driver: str = ""
    info: Mapping[str, Any] = field(default_factory=dict)
    port: Mapping[str, Any] = field(default_factory=dict)
    vlans: Membership = ()
    stats: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address on a link: `family` 4 or 6, `address` without prefix length."""

    index: int
    family: int
    address: str
    prefix: int


@dataclass(frozen=True, slots=True)
class Profile:
    """A NetworkManager connection profile.

    `filename` is empty for one that exists only in memory; `unsaved` means that what is in memory
    differs from the file; `generated` that NetworkManager made it up (an automatic default, or the
    mirror of something that exists in the kernel only).
    """

    path: str
    uuid: str
    settings: Settings
    filename: str = ""
    unsaved: bool = False
    generated: bool = False

    @property
    def in_memory(self) -> bool:
        """Whether a change should stay in memory too: there is no file on a disk to keep."""
        return not self.filename or self.filename.startswith("/run/")

    def get(self, setting: str, key: str, default: Any = None) -> Any:
        """The value of one key, `default` where the profile does not hold it."""
        return self.settings.get(setting, {}).get(key, default)

    @property
    def id(self) -> str:
        """The name that people see (connection.id)."""
        return str(self.get("connection", "id", ""))

    @property
    def type(self) -> str:
        """connection.type, e.g. ``bridge`` or ``802-3-ethernet``."""
        return str(self.get("connection", "type", ""))

    @property
    def interface(self) -> str:
        """connection.interface-name, empty where the profile is not tied to a name."""
        return str(self.get("connection", "interface-name", ""))

    @property
    def controller(self) -> str:
        """Name or UUID of the controller, by whichever name this NetworkManager uses."""
        return str(self.get("connection", "controller") or self.get("connection", "master") or "")

    @property
    def port_type(self) -> str:
        """``bridge`` for a bridge port, empty for a profile that is no port."""
        return str(
            self.get("connection", "port-type") or self.get("connection", "slave-type") or ""
        )

    @property
    def autoconnect(self) -> bool:
        """Whether NetworkManager may activate the profile by itself."""
        return bool(self.get("connection", "autoconnect", True))


@dataclass(frozen=True, slots=True)
class Device:
    """A device as NetworkManager sees it.

    `state` is NMDeviceState (10 unmanaged, 20 unavailable, 30 disconnected, 100 activated);
    `active` is the UUID of the profile in use, empty for none; `activating` tells that an
    activation is under way; `external` that NetworkManager only mirrors what somebody else made;
    `applied` is the profile as it was applied, None where it was not asked for; `activation` is
    the path of the active connection, another one after every activation.
    """

    path: str
    interface: str
    managed: bool
    state: int
    active: str = ""
    activating: bool = False
    external: bool = False
    autoconnect: bool = True
    applied: Settings | None = None
    activation: str = ""


@dataclass(frozen=True)
class NetworkManager:
    """One reading of NetworkManager.  `version` is (major, minor, micro)."""

    version: tuple[int, int, int]
    profiles: tuple[Profile, ...] = ()
    devices: tuple[Device, ...] = ()

    @cached_property
    def _devices(self) -> Mapping[str, Device]:
        return {device.interface: device for device in self.devices}

    @cached_property
    def _profiles(self) -> Mapping[str, Profile]:
        return {profile.uuid: profile for profile in self.profiles}

    @cached_property
    def _bound(self) -> Mapping[str, tuple[Profile, ...]]:
        bound: dict[str, list[Profile]] = {}
        for profile in self.profiles:
            bound.setdefault(profile.interface, []).append(profile)
        return {interface: tuple(profiles) for interface, profiles in bound.items()}

    def device(self, interface: str) -> Device | None:
        """The device of that name, or None."""
        return self._devices.get(interface)

    def profile(self, uuid: str) -> Profile | None:
        """The profile with that UUID, or None."""
        return self._profiles.get(uuid)

    @cached_property
    def _concluded(self) -> dict[Hashable, Any]:
        return {}

    def once(self, key: Hashable, conclude: Callable[[], _T]) -> _T:
        """What follows from this reading alone, concluded once: it may stand for many passes."""
        if key not in self._concluded:
            self._concluded[key] = conclude()
        found: _T = self._concluded[key]
        return found

    def is_settled(self, what: Hashable, by: tuple[object, ...]) -> bool:
        """Whether of this reading and `by` it was concluded before that `what` has nothing left to
        do here."""
        return self._concluded.get(("settled", what)) == by

    def settle(self, what: Hashable, by: tuple[object, ...]) -> None:
        """Remember that conclusion, so that it need not be drawn in every pass."""
        self._concluded["settled", what] = by

    def candidates(self, interface: str) -> tuple[Profile, ...]:
        """Profiles tied to that interface name, and those tied to no name."""
        return self._bound.get(interface, ()) + (self._bound.get("", ()) if interface else ())


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A world that could not be read, with the reason in one sentence; `remedy` is the command that
    ends it, where there is one."""

    reason: str
    remedy: str = ""


ModuleState = Literal["loaded", "builtin", "absent"]


@dataclass(frozen=True, slots=True)
class Sysctl:
    """One kernel parameter: `value` with single spaces, None while the key does not exist."""

    value: str | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A line of a sysctl.d file: `file` is its path, `name` what the order goes by."""

    file: str
    value: str
    name: str


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that is kept as declared: `content` is None where there is none.

    `owner` is ``USER:GROUP``, by number where there is no name, `ids` are their numbers.
    `obstacle` is why it cannot be replaced, empty where it can, `remedy` what to do about that;
    `unseen` tells that the obstacle is in the way of reading too.
    """

    content: str | None = None
    owner: str = ""
    ids: tuple[int, int] = (0, 0)
    mode: int = 0
    obstacle: str = ""
    remedy: str = ""
    unseen: bool = False

    def belongs_to(self, owner: str) -> bool:
        """Whether it belongs to ``USER:GROUP``, by name or number."""
        pairs = zip(owner.split(":"), self.owner.split(":"), self.ids, strict=False)
        return all(wanted in {name, str(number)} for wanted, name, number in pairs)


@dataclass(frozen=True, slots=True)
class Kubeadm:
    """What the node's kubeadm says of the declared kubeadm.conf.

    ``absent``: there is no kubeadm.  ``asking``: it has not answered yet.  ``silent``: it did not
    answer, or could not be run; `said` has the reason, as for ``refuses``.
    """

    answer: Literal["absent", "asking", "accepts", "refuses", "silent"] = "absent"
    said: str = ""


@dataclass(frozen=True)
class Host:
    """What the machine has.

    `modules` is keyed by the kernel's spelling, `sysctls` by path below /proc/sys, `files` by
    absolute path with None for a missing file; each holds what was asked for (`Interest`).
    `nodes` tells of device nodes by path whether they are there; `boot_sysctls` lists who sets
    a declared sysctl at boot, in the order of application, `boot_modules` which lines load or
    forbid a module (where asked for). `kept` are the files that are kept as declared, by path,
    `kubeadm` what kubeadm says of its own. `protected` maps an interface that
    carries the node's own traffic to the reason; `time` is when the observation was made, in
    seconds of a clock that never jumps; `remembered` that NetworkManager was not asked again
    because it had signalled no change, `stale` that it had, but there was no time. `node` is what
    the last slow look saw. `problems` maps a world that could not be read (``links``,
    ``network-manager``, ``modules``, ``sysctls``, ``files``, ``sessions``, ``machine-id``,
    ``node``) to the reason; that something of it is not here says nothing.  `faults` are the
    exceptions among those reasons that nobody expected.
    """

    links: tuple[Link, ...] = ()
    addresses: tuple[Address, ...] = ()
    network_manager: NetworkManager | Unavailable = Unavailable("not read")
    modules: Mapping[str, ModuleState] = field(default_factory=dict)
    sysctls: Mapping[str, Sysctl] = field(default_factory=dict)
    files: Mapping[str, str | None] = field(default_factory=dict)
    kept: Mapping[str, KeptFile] = field(default_factory=dict)
    kubeadm: Kubeadm = Kubeadm()
    nodes: Mapping[str, bool] = field(default_factory=dict)
    processes: frozenset[str] = frozenset()
    offloads: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    boot_sysctls: Mapping[str, tuple[Assignment, ...]] = field(default_factory=dict)
    boot_modules: Mapping[str, tuple[Assignment, ...]] = field(default_factory=dict)
    protected: Mapping[str, str] = field(default_factory=dict)
    machine_id: str = ""
    time: float = 0.0
    remembered: bool = False
    stale: bool = False
    node: Node = field(default_factory=Node)
    problems: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, Exception] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> Mapping[str, Link]:
        """Links by name and by every alternative name."""
        table = {alt: link for link in self.links for alt in link.altnames}
        return table | {link.name: link for link in self.links}

    @cached_property
    def by_index(self) -> Mapping[int, Link]:
        """Links by ifindex."""
        return {link.index: link for link in self.links}

    def link(self, name: str) -> Link | None:
        """The interface of that name (or alternative name), or None."""
        return self.by_name.get(name)

    def controller(self, link: Link) -> Link | None:
        """The controller that `link` is a port of, or None."""
        return self.by_index.get(link.controller) if link.controller is not None else None

    @cached_property
    def _ports(self) -> Mapping[int, tuple[Link, ...]]:
        return _grouped(self.links, lambda link: link.controller)

    @cached_property
    def _upon(self) -> Mapping[int, tuple[Link, ...]]:
        return _grouped(self.links, lambda link: link.parent if link.kind in _UPON else None)

    @cached_property
    def _addresses(self) -> Mapping[int, tuple[Address, ...]]:
        return _grouped(self.addresses, lambda address: address.index)

    def with_links(self, now: Collection[Link]) -> "Host":
        """The same host, NetworkManager remembered, with these of its links read again.

        What was looked up of it stays looked up: with a thousand bridges that is most of the work.
        """
        pairs = [(self.by_index[link.index], link) for link in now]
        new = {link.index: link for link in now}
        by_index = {**self.by_index, **new}  # in the order of the dump
        host = replace(self, links=tuple(by_index.values()), remembered=True)
        kept: dict[str, Any] = {"by_index": by_index, "_addresses": self._addresses}
        if all((was.name, was.altnames) == (link.name, link.altnames) for was, link in pairs):
            names = {
                name: link
                for was, link in pairs
                for name in (link.name, *link.altnames)
                if self.by_name[name] is was
            }
            kept["by_name"] = {**self.by_name, **names}
        if all(was.controller == link.controller for was, link in pairs):
            kept["_ports"] = _renewed(self._ports, {link.controller for link in now}, new)
        if all((was.parent, was.kind) == (link.parent, link.kind) for was, link in pairs):
            kept["_upon"] = _renewed(self._upon, {link.parent for link in now}, new)
        vars(host).update(kept)
        return host

    def addresses_of(self, link: Link) -> tuple[Address, ...]:
        """The IP addresses on `link`, in the order of the dump."""
        return self._addresses.get(link.index, ())

    def ports(self, bridge: Link) -> tuple[Link, ...]:
        """The ports of `bridge`, in the order of the dump."""
        return self._ports.get(bridge.index, ())

    def upon(self, link: Link) -> tuple[Link, ...]:
        """What was made on top of `link` and goes when it goes, in the order of the dump."""
        return self._upon.get(link.index, ())


def _grouped(items: Iterable[_T], of: Callable[[_T], int | None]) -> Mapping[int, tuple[_T, ...]]:
    """The items by the ifindex that they belong to, in their order; those of none are left out."""
    found: dict[int, list[_T]] = {}
    for item in items:
        index = of(item)
        if index is not None:
            found.setdefault(index, []).append(item)
    return {index: tuple(those) for index, those in found.items()}


def _renewed(
    groups: Mapping[int, tuple[Link, ...]], touched: Set[int | None], new: Mapping[int, Link]
) -> Mapping[int, tuple[Link, ...]]:
    """The groups with the new links in those that are touched."""
    renewed = {
        index: tuple(new.get(link.index, link) for link in groups[index])
        for index in touched
        if index is not None and index in groups
    }
    return {**groups, **renewed}


@dataclass(frozen=True, slots=True)
class Interest:
    """What an observation is to look at beside links, addresses and profiles.

    `devices` are the interfaces whose applied profile is wanted, `offloads`
    those whose offloads are; `processes` are names
    of programs of which those that run are wanted; `boot_modules` are those whose boot files are
    wanted; `kept` are the files that are kept as declared, `kubeadm_conf` is the text that kubeadm
    is asked about, empty where it is not; `fresh` asks for everything to be read, also what no
    signal says has changed, `trusting` leaves NetworkManager out of that, `quick` asks for
    NetworkManager's last word even where a signal says that it has. `packages` are names of
    packages, `containerd` what is declared of it; both are read only where the look is fresh.
    `impatient` has what failed aside tried again at once.
    """

    devices: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    sysctls: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    offloads: frozenset[str] = frozenset()
    processes: frozenset[str] = frozenset()
    boot_modules: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    kubeadm_conf: str = ""
    fresh: bool = True
    trusting: bool = False
    quick: bool = False
    packages: frozenset[str] = frozenset()
    containerd: Containerd | None = None
    impatient: bool = False
