"""The in-memory NetworkManager: profiles, devices, and what it does to the kernel and to guests.

It behaves as NetworkManager 1.42 to 1.58 were measured to: a bridge that is activated again drops
every port, its own come back, guests do not; what drifts in the kernel alone stays as it is.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from copy import deepcopy
from functools import partial
from typing import Any

from bridged.apply.protocols import Activation
from bridged.desired.bridge import Bridge
from bridged.desired.port import Nic, Vlan
from bridged.desired.properties import Row, rows
from bridged.errors import WorldError
from bridged.observe.host import Device, NetworkManager, Profile, Unavailable
from bridged.plan.actions import Activate, AddProfile, DeleteProfile, Reapply, UpdateProfile
from bridged.plan.compare import read
from tests.twins.faults import Faults
from tests.twins.kernel import FakeKernel

Sections = dict[str, dict[str, Any]]


def _tried(write: Callable[[], None]) -> WorldError | None:
    try:
        write()
    except WorldError as error:
        return error
    return None


class _Activated:
    def wait(self, meanwhile: Callable[[], None]) -> None:
        """Nothing to wait for."""


class FakeNetworkManager:
    """`running` False is a NetworkManager that is stopped; `unmanaged` names NICs it ignores,
    `unsaved` has the files below /run of profiles that somebody made to go with the next boot."""

    def __init__(self, kernel: FakeKernel, faults: Faults) -> None:
        self.kernel = kernel
        self.faults = faults
        self.running = True
        self.profiles: dict[str, Sections] = {}
        self.memory_only: set[str] = set()
        self.unsaved: dict[str, str] = {}
        self.active: dict[str, str] = {}
        self.applied: dict[str, Sections] = {}
        self.unmanaged: set[str] = set()
        self.blocked: set[str] = set()
        self.activations: dict[str, int] = {}
        self.kernel_lacks: set[str] = set()

    # ------------------------------------------------------------------ what others do

    def add(self, settings: Sections, in_memory: bool = False) -> str:
        """Somebody adds a profile; its UUID."""
        uuid: str = settings["connection"]["uuid"]
        self.profiles[uuid] = deepcopy(settings)
        if in_memory:
            self.memory_only.add(uuid)
        return uuid

    def up(self, uuid: str, device: str | None = None) -> None:
        """`nmcli connection up`: also a bridge that is up, whose ports are then dropped."""
        settings = self.profiles[uuid]
        kind = settings["connection"]["type"]
        name = device or settings["connection"].get("interface-name", "")
        if kind == "bridge":
            self._up_bridge(name, uuid)
        else:
            self._up_port(name, uuid, kind)

    def down(self, device: str) -> None:
        """`nmcli connection down`: a virtual device goes, a NIC leaves its bridge."""
        self.active.pop(device, None)
        self.applied.pop(device, None)
        link = self.kernel.link(device)
        if link is None:
            return
        if link.kind in {"bridge", "vlan"}:
            self.kernel.delete(device)
        elif link.controller is not None:
            self.kernel.unplug(device)

    def restart(self) -> None:
        """A restart leaves active devices as they are and autoconnects the others; memory goes."""
        self.running = True
        for uuid in self.memory_only:
            self.profiles.pop(uuid, None)
            self.active = {d: u for d, u in self.active.items() if u != uuid}
        self.memory_only.clear()
        self.blocked.clear()
        self.autoconnect()

    def autoconnect(self) -> None:
        """Activate what may activate itself, highest priority first."""
        self._forget_vanished()
        order = sorted(
            self.profiles,
            key=lambda u: -self.profiles[u]["connection"].get("autoconnect-priority", 0),
        )
        for uuid in order:
            settings = self.profiles[uuid]["connection"]
            name = settings.get("interface-name", "")
            usable = settings.get("autoconnect", True) and uuid not in self.blocked and name
            cabled = (link := self.kernel.link(name)) is None or link.carrier
            if usable and name not in self.active and cabled and self._possible(uuid, name):
                with suppress(WorldError):  # a port whose bridge nobody makes stays down
                    self.up(uuid)

    def _possible(self, uuid: str, name: str) -> bool:
        if self.profiles[uuid]["connection"]["type"] == "vlan":
            return self.kernel.link(self.profiles[uuid]["vlan"]["parent"]) is not None
        link = self.kernel.link(name)
        if self.profiles[uuid]["connection"]["type"] == "bridge":
            return link is None
        return link is not None and name not in self.unmanaged

    # ------------------------------------------------------------------ reading

    def read(self, devices: Iterable[str]) -> NetworkManager | Unavailable:
        """One reading, as the protocol asks."""
        if not self.running:
            return Unavailable("the service is not running")
        self._forget_vanished()
        profiles = tuple(
            Profile(
                path=f"/org/freedesktop/NetworkManager/Settings/{number}",
                uuid=uuid,
                settings=deepcopy(settings),
                filename=self._file(uuid),
                unsaved=uuid in self.memory_only or uuid in self.unsaved,
                generated=uuid in self.memory_only,
            )
            for number, (uuid, settings) in enumerate(self.profiles.items())
        )
        asked = set(devices)
        return NetworkManager(
            (1, 52, 1),
            profiles,
            tuple(
                Device(
                    path=f"/org/freedesktop/NetworkManager/Devices/{link.index}",
                    interface=link.name,
                    managed=link.name not in self.unmanaged,
                    state=self._state(link.name),
                    active=self.active.get(link.name, ""),
                    activation=f"/active/{self.activations.get(link.name, 0)}",
                    applied=deepcopy(self.applied.get(link.name)) if link.name in asked else None,
                )
                for link in self.kernel.links.values()
            ),
        )

    def _file(self, uuid: str) -> str:
        if uuid in self.memory_only:
            return ""
        return self.unsaved.get(uuid, f"/etc/{uuid}.nmconnection")

    def _state(self, name: str) -> int:
        if name in self.unmanaged:
            return 10
        if name in self.active:
            return 100
        return 30 if self.kernel.need(name).carrier else 20

    # ------------------------------------------------------------------ writing (the product)

    def _reach(self, call: str, what: str) -> None:
        if not self.running:
            raise WorldError("unavailable", "NetworkManager is not running")
        self.faults.write(call, what)

    def add_profiles(self, actions: Sequence[AddProfile]) -> list[WorldError | None]:
        """One after the other."""
        return [_tried(partial(self.add_profile, action)) for action in actions]

    def update_profiles(self, actions: Sequence[UpdateProfile]) -> list[WorldError | None]:
        """One after the other."""
        return [_tried(partial(self.update_profile, action)) for action in actions]

    def add_profile(self, action: AddProfile) -> None:
        """A profile that does not activate itself yet."""
        self._reach("add_profile", action.describe())
        if action.uuid in self.profiles:
            raise WorldError("refused", "a profile with this UUID exists")
        self.add({s: dict(keys) for s, keys in action.settings.items()})
        self.blocked.add(action.uuid)

    def update_profile(self, action: UpdateProfile) -> None:
        """Some keys of a profile."""
        self._reach("update_profile", action.describe())
        settings = self.profiles.get(action.uuid)
        if settings is None:
            raise WorldError("vanished", f"profile {action.profile} is gone")
        _verified(_merge(deepcopy(settings), action.changes))
        _merge(settings, action.changes)
        if not action.in_memory:
            self.unsaved.pop(action.uuid, None)

    def delete_profile(self, action: DeleteProfile) -> None:
        """A profile, and what is active of it."""
        self._reach("delete_profile", action.describe())
        self.profiles.pop(action.uuid, None)
        for device in [d for d, uuid in self.active.items() if uuid == action.uuid]:
            self.down(device)

    def activate(self, actions: Sequence[Activate]) -> list[Activation | WorldError]:
        """The activations of profiles on their devices, which are over at once."""
        return [self._activated(action) for action in actions]

    def _activated(self, action: Activate) -> Activation | WorldError:
        try:
            return self._activate(action)
        except WorldError as error:
            return error

    def _activate(self, action: Activate) -> _Activated:
        self._reach("activate", action.describe())
        if action.uuid not in self.profiles:
            raise WorldError("vanished", "the profile is gone")
        if not self._possible(action.uuid, action.device):
            raise WorldError("failed", f"{action.device} cannot be activated")
        self.up(action.uuid, action.device)
        return _Activated()

    def reapply(self, action: Reapply) -> None:
        """What is applied, and the kernel, follow the changes."""
        self._reach("reapply", action.describe())
        applied = self.applied.get(action.device)
        if applied is None:
            raise WorldError("failed", f"{action.device} is not active")
        _verified(_merge(deepcopy(applied), action.changes))
        _merge(applied, action.changes)
        self._commit(action.device, rows(Bridge), applied)

    # ------------------------------------------------------------------ its inner workings

    def _forget_vanished(self) -> None:
        present = {link.name for link in self.kernel.links.values()}
        for name in set(self.active) - present:
            self.active.pop(name)
            self.applied.pop(name, None)

    def _up_bridge(self, name: str, uuid: str) -> None:
        link = self.kernel.link(name)
        if link is None:
            self.kernel.add_link(name, "bridge", up=True)
        else:
            for port in self.kernel.ports(name):
                self.kernel.unplug(port)
                self.active.pop(port, None)
        self._take(name, uuid, rows(Bridge))
        self.kernel.change(name, up=True, address_pinned=True)
        settings = self.profiles[uuid]
        if settings.get("ipv6", {}).get("method") == "disabled":
            self.kernel.change(name, disable_ipv6=True)
        if link is not None:
            self.autoconnect()

    def _up_port(self, name: str, uuid: str, kind: str) -> None:
        settings = self.profiles[uuid]
        if kind == "vlan" and self.kernel.link(name) is None:
            parent = self.kernel.need(settings["vlan"]["parent"])
            self.kernel.add_link(
                name,
                "vlan",
                parent=parent.index,
                address=parent.address,
                info={"vlan_id": settings["vlan"]["id"], "vlan_flags": 0, "vlan_protocol": 0x8100},
            )
        controller = settings["connection"].get("controller")
        if controller:
            target = self.profiles.get(controller, {}).get("connection", {})
            bridge = str(target.get("interface-name", controller))
            if self.kernel.link(bridge) is None:
                self._up_bridge(bridge, self._bridge_profile(bridge))
            self.kernel.plug(name, bridge)
        index = self.kernel.need(name).index
        self.kernel.addresses = [a for a in self.kernel.addresses if a.index != index]
        self.kernel.change(name, up=True)
        self._take(name, uuid, rows(Vlan if kind == "vlan" else Nic))

    def _bridge_profile(self, bridge: str) -> str:
        for uuid, settings in self.profiles.items():
            connection = settings["connection"]
            if connection["type"] == "bridge" and connection["interface-name"] == bridge:
                return uuid
        raise WorldError("failed", f"no profile makes {bridge}")

    def _take(self, name: str, uuid: str, table: tuple[Row, ...]) -> None:
        self.active[name] = uuid
        self.activations[name] = self.activations.get(name, 0) + 1
        self.blocked.discard(uuid)
        self.applied[name] = deepcopy(self.profiles[uuid])
        self._commit(name, table, self.profiles[uuid])

    def _commit(self, name: str, table: tuple[Row, ...], settings: Sections) -> None:
        """Write a profile's values into the kernel; flag words are put together bit by bit."""
        for row in table:
            key = row.property.kernel
            value = read(row, settings)
            if key is None or row.property.nm is None or value in {None, "auto"}:
                continue
            if key.attribute in self.kernel_lacks:
                continue
            if key.attribute == "mtu" and not value:
                continue
            if key.layer == "vlans":
                if value:
                    self.kernel.change(name, vlans=value)
                continue
            raw = key.codec.encode(value) if key.layer != "ipv6" else 1
            link = self.kernel.need(name)
            if key.layer in {"info", "port"}:
                old = getattr(link, key.layer).get(key.attribute, 0)
                raw = raw if key.mask is None else old & ~key.mask | raw
                self.kernel.change(name, **{key.layer: {key.attribute: raw}})
            else:
                self.kernel.change(name, **{key.attribute: raw})


def _verified(settings: Sections) -> None:
    """As NetworkManager does before it takes a profile."""
    for family in ("ipv4", "ipv6"):
        present = settings.get(family, {})
        for key in ("addresses", "address-data", "gateway", "dns", "dns-data"):
            if present.get("method") == "disabled" and present.get(key):
                text = f"{family}.{key}: this property is not allowed for 'method=disabled'"
                raise WorldError("refused", text)


def _merge(settings: Sections, changes: Any) -> Sections:
    for section, keys in changes.items():
        target = settings.setdefault(section, {})
        for key, value in keys.items():
            if value is None:
                target.pop(key, None)
            else:
                target[key] = value
    return settings
