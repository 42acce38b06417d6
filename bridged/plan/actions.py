"""The actions of a plan: frozen records of what is to be done, why, and what it costs guests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

from bridged.desired.vlans import PortVlan

Disruption = Literal["none", "port", "guests"]
"""`none`: set in place; `port`: that port loses frames for a moment; `guests`: guest ports lose
the bridge."""


_SHOWN = 4
"""More attributes than this are counted, not named, where a step is told in one line."""


class ObjectId(NamedTuple):
    """What an action or a status is about, printed as ``bridge/br-lan``."""

    kind: Literal[
        "bridge", "port", "vlan", "guests", "module", "sysctl", "file", "package", "runtime", "swap"
    ]
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


SLOW = frozenset({"packages", "runtime", "swap"})
"""Worlds that wait until everything else has been done."""

Changes = Mapping[str, Mapping[str, Any]]
"""Changes of a profile: setting -> key -> plain value, None to take the key out."""


@dataclass(frozen=True, kw_only=True)
class Action:
    """One step.  `needs` names the objects whose actions must have succeeded before;
    `asks_network_manager` tells that the step is planned on what NetworkManager says, `world` which
    world it changes."""

    object: ObjectId
    reason: str
    disruption: Disruption = "none"
    needs: frozenset[ObjectId] = frozenset()
    asks_network_manager: ClassVar[bool] = False
    world: ClassVar[str] = "network-manager"

    def describe(self) -> str:
        """The step in one line, for people."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class AddProfile(Action):
    """Make a profile on disk that NetworkManager does not activate by itself yet."""

    uuid: str
    settings: Changes
    asks_network_manager: ClassVar[bool] = True

    def describe(self) -> str:
        return f"add profile {self.settings['connection']['id']} for {self.object.name}"

    def taken_back(self, reason: str) -> "DeleteProfile":
        """What undoes it."""
        name = str(self.settings["connection"]["id"])
        return DeleteProfile(object=self.object, reason=reason, uuid=self.uuid, profile=name)


@dataclass(frozen=True, kw_only=True)
class UpdateProfile(Action):
    """Change some keys of a profile and keep everything else in it, on disk if it is on disk.

    `rival` tells that it is somebody else's, and nothing waits for it.
    """

    uuid: str
    profile: str
    changes: Changes
    in_memory: bool = False
    rival: bool = False
    asks_network_manager: ClassVar[bool] = True

    def describe(self) -> str:
        keys = ", ".join(f"{s}.{k}" for s, part in self.changes.items() for k in part)
        if not keys:
            return f"save profile {self.profile} on disk"
        return f"change {keys} of profile {self.profile}"


@dataclass(frozen=True, kw_only=True)
class DeleteProfile(Action):
    """Delete a profile that bridged itself made."""

    uuid: str
    profile: str
    asks_network_manager: ClassVar[bool] = True

    def describe(self) -> str:
        return f"delete profile {self.profile}"


@dataclass(frozen=True, kw_only=True)
class Activate(Action):
    """Activate a port's profile on its device (a bridge comes up with it).

    Never planned for a bridge that is up: NetworkManager would drop every guest port.
    """

    uuid: str
    device: str
    asks_network_manager: ClassVar[bool] = True

    def describe(self) -> str:
        return f"activate the profile of {self.device}"


@dataclass(frozen=True, kw_only=True)
class Reapply(Action):
    """Bring the settings applied to an active device along with its profile, in place."""

    device: str
    changes: Changes
    asks_network_manager: ClassVar[bool] = True

    def describe(self) -> str:
        keys = ", ".join(f"{s}.{k}" for s, part in self.changes.items() for k in part)
        return f"reapply {keys} on {self.device}"


@dataclass(frozen=True, kw_only=True)
class SetLink(Action):
    """Set attributes of a link by netlink.

    `link` may hold ``up`` (bool), ``mtu`` (int), ``address`` (text); `info` what the link is
    (``br_*``, ``vlan_flags``), `kind` its IFLA_INFO_KIND; `port` its ``brport_*`` attributes.
    `index` is the ifindex that was observed: another link of the same name is not touched.
    """

    device: str
    index: int
    kind: str = ""
    link: Mapping[str, Any] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)
    port: Mapping[str, Any] = field(default_factory=dict)
    world: ClassVar[str] = "netlink"

    def describe(self) -> str:
        what = [f"{k}={v}" for part in (self.link, self.info, self.port) for k, v in part.items()]
        if len(what) > _SHOWN:
            return f"set {len(what)} attributes of {self.device}"
        return f"set {' '.join(what)} on {self.device}"


@dataclass(frozen=True, kw_only=True)
class SetController(Action):
    """Make a link a port of a bridge by netlink, both named with the ifindex observed."""

    device: str
    index: int
    controller: str
    controller_index: int
    world: ClassVar[str] = "netlink"

    def describe(self) -> str:
        return f"plug {self.device} into {self.controller}"


@dataclass(frozen=True, kw_only=True)
class SetVlans(Action):
    """Give a bridge port exactly these VLANs by netlink, removing others."""

    device: str
    index: int
    vlans: tuple[PortVlan, ...]
    world: ClassVar[str] = "netlink"

    def describe(self) -> str:
        return f"set VLANs {', '.join(str(vlan.vid) for vlan in self.vlans)} on {self.device}"


@dataclass(frozen=True, kw_only=True)
class SetOffloads(Action):
    """Switch offloads of a card by ethtool; `offloads` by short name, 0 or 1."""

    device: str
    index: int
    offloads: Mapping[str, int]
    world: ClassVar[str] = "netlink"

    def describe(self) -> str:
        what = " ".join(f"{name} {'on' if on else 'off'}" for name, on in self.offloads.items())
        return f"switch {what} on {self.device}"


@dataclass(frozen=True, kw_only=True)
class DeleteLink(Action):
    """Delete a virtual link that bridged made (or a VLAN device that must be made anew).

    By netlink, but NetworkManager may make it again: its profile must be right before.
    """

    device: str
    index: int
    asks_network_manager: ClassVar[bool] = True
    world: ClassVar[str] = "netlink"

    def describe(self) -> str:
        return f"delete link {self.device}"


@dataclass(frozen=True, kw_only=True)
class RemoveAddress(Action):
    """Take an IP address off a link that is to have none."""

    device: str
    index: int
    address: str
    prefix: int
    world: ClassVar[str] = "netlink"

    def describe(self) -> str:
        return f"remove {self.address}/{self.prefix} from {self.device}"


@dataclass(frozen=True, kw_only=True)
class LoadModule(Action):
    """Have the kernel's module loader load a module."""

    module: str
    world: ClassVar[str] = "modules"

    def describe(self) -> str:
        return f"load module {self.module}"


@dataclass(frozen=True, kw_only=True)
class WriteSysctl(Action):
    """Write a kernel parameter; `path` is below /proc/sys."""

    path: str
    value: str
    world: ClassVar[str] = "sysctls"

    def describe(self) -> str:
        return f"write {self.value} to {self.path}"


@dataclass(frozen=True, kw_only=True)
class WriteFile(Action):
    """Replace a file that bridged owns; `content` None removes it."""

    path: str
    content: str | None
    world: ClassVar[str] = "files"

    def describe(self) -> str:
        return f"{'remove' if self.content is None else 'write'} {self.path}"


@dataclass(frozen=True, kw_only=True)
class KeepFile(Action):
    """Replace a file that is kept as declared; what was there is kept beside it.

    `owner` is ``USER:GROUP``, `mode` the permission bits.
    """

    path: str
    content: str
    owner: str
    mode: int
    world: ClassVar[str] = "files"

    def describe(self) -> str:
        return f"write {self.path} ({self.owner}, {self.mode:04o})"


@dataclass(frozen=True, kw_only=True)
class InstallPackage(Action):
    """Have the distribution's tool install a package.  Begun aside: it may take minutes."""

    package: str
    world: ClassVar[str] = "packages"

    def describe(self) -> str:
        return f"install {self.package}"


@dataclass(frozen=True, kw_only=True)
class RemovePackage(Action):
    """Have the distribution's tool remove a package, if nothing else goes with it.

    `along` are other packages that may go in the same step, for they are to be absent too.
    """

    package: str
    along: frozenset[str] = frozenset()
    world: ClassVar[str] = "packages"

    def describe(self) -> str:
        return f"remove {self.package}"


@dataclass(frozen=True, kw_only=True)
class EditFile(Action):
    """Change a file that somebody else wrote, if it still is as `before`; what it was is kept
    beside it under `backup`.  `before` None makes a file that is not there."""

    path: str
    before: str | None
    content: str
    backup: str
    world: ClassVar[str] = "runtime"

    def describe(self) -> str:
        return f"change {self.path}" if self.before is not None else f"write {self.path}"


@dataclass(frozen=True, kw_only=True)
class RestartService(Action):
    """Restart a service of systemd's.  Begun aside."""

    service: str
    world: ClassVar[str] = "runtime"

    def describe(self) -> str:
        return f"restart {self.service}"


@dataclass(frozen=True, kw_only=True)
class SwapOff(Action):
    """Switch a swap area off.  Begun aside: what is in it must be read back into memory."""

    device: str
    world: ClassVar[str] = "swap"

    def describe(self) -> str:
        return f"switch swap on {self.device} off"
