"""NetworkManager's own floor: the calls that change something, sent together, by a client that
knows everything beforehand.

    python3 -m tests.bench.nm_floor BRIDGE=PORT...

It connects, reads what it needs to know of the node, prints ``ready``, and works once a line comes
on stdin; then it prints ``done`` when NetworkManager calls every port active.  What it leaves are
the profiles that bridged leaves.  It looks at nothing meanwhile, judges nothing, guards nothing
with a checkpoint, and of what goes wrong it only tells.
"""

import sys
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

from gi.repository import Gio, GLib

_SERVICE = "org.freedesktop.NetworkManager"
_MANAGER = "/org/freedesktop/NetworkManager"
_SETTINGS = f"{_SERVICE}.Settings"
_PROFILE = f"{_SERVICE}.Settings.Connection"
_ACTIVE = f"{_SERVICE}.Connection.Active"
_TO_DISK, _BLOCK_AUTOCONNECT = 0x1, 0x20
_ADD, _UPDATE, _ACTIVATE = "(a{sa{sv}}ua{sv})", "(a{sa{sv}}ua{sv})", "(ooo)"
_ACTIVATED = 2
_PROPERTIES = "org.freedesktop.DBus.Properties"
_LIMIT = 60
"""Seconds after which it has failed, and as many again for every ten ports."""
_IN_FLIGHT = 96
"""A system bus refuses more than 128 calls of one client that await their answer."""

Settings = dict[str, dict[str, Any]]


def bridge(name: str) -> Settings:
    """A bridge without addresses and spanning tree."""
    return {
        "connection": _named(name, "bridge") | {"autoconnect-ports": _v("i", 1)},
        "bridge": {"stp": _v("b", False)},
        "ipv4": {"method": _v("s", "disabled")},
        "ipv6": {"method": _v("s", "disabled")},
    }


def port(name: str, controller: str) -> Settings:
    """A card, or with a dot in its name a VLAN of a card, as port of a bridge."""
    parent, _, vlan = name.partition(".")
    kind = "vlan" if vlan else "802-3-ethernet"
    more: Settings = {}
    if vlan:
        more = {"vlan": {"parent": _v("s", parent), "id": _v("u", int(vlan))}}
    return {
        "connection": _named(name, kind, f"{controller}-{name}")
        | {
            "controller": _v("s", controller),
            "port-type": _v("s", "bridge"),
            "autoconnect-priority": _v("i", 100),
        },
        **more,
    }


def _named(interface: str, kind: str, profile: str = "") -> dict[str, Any]:
    return {
        "id": _v("s", profile or interface),
        "uuid": _v("s", str(uuid.uuid4())),
        "type": _v("s", kind),
        "interface-name": _v("s", interface),
    }


def _v(kind: str, value: object) -> Any:
    return GLib.Variant(kind, value)


class Floor:
    """`ports`: bridge -> port."""

    def __init__(self, ports: Mapping[str, str]) -> None:
        self._bus = Gio.bus_get_sync(Gio.BusType.SYSTEM, None)
        self._loop = GLib.MainLoop()
        self._waiting: list[tuple[str, str, str, Any, Any]] = []
        self._flying = 0
        self._failed = ""
        self._left: set[str] = set()
        self._bus.signal_subscribe(
            _SERVICE, _ACTIVE, "StateChanged", None, None, 0, self._on_state
        )  # fmt: skip
        self._limit = _LIMIT + _LIMIT * len(ports) // 10
        # A card that only carries VLANs keeps its profile.
        cards = {name for name in ports.values() if "." not in name}
        self._updates = [update for card in sorted(cards) if (update := self._off(card))]
        self._work = []
        for name, under in ports.items():
            device = "/" if "." in under else self._device(under)
            of_port = port(under, name)
            self._left.add(of_port["connection"]["uuid"].get_string())
            self._work.append((bridge(name), of_port, device))

    def _sync(self, path: str, interface: str, method: str, args: Any = None) -> Any:
        answer = self._bus.call_sync(_SERVICE, path, interface, method, args, None, 0, -1, None)
        return answer.get_child_value(0)

    def _device(self, interface: str) -> str:
        args = _v("(s)", (interface,))
        path: str = self._sync(_MANAGER, _SERVICE, "GetDeviceByIpIface", args).get_string()
        return path

    def _off(self, card: str) -> tuple[str, Any] | None:
        """The card's present profile without autoconnect: its path, and the settings."""
        args = _v("(ss)", (f"{_SERVICE}.Device", "ActiveConnection"))
        active = self._sync(self._device(card), _PROPERTIES, "Get", args).get_variant().get_string()
        if active == "/":
            return None
        args = _v("(ss)", (_ACTIVE, "Connection"))
        path = self._sync(active, _PROPERTIES, "Get", args).get_variant().get_string()
        raw = self._sync(path, _PROFILE, "GetSettings")
        settings: Settings = {}
        for index in range(raw.n_children()):
            group = raw.get_child_value(index)
            keys = group.get_child_value(1)
            settings[group.get_child_value(0).get_string()] = {
                pair.get_child_value(0).get_string(): pair.get_child_value(1).get_variant()
                for pair in (keys.get_child_value(place) for place in range(keys.n_children()))
            }
        settings["connection"]["autoconnect"] = _v("b", False)
        return path, _v(_UPDATE, (settings, _TO_DISK, {}))

    def run(self) -> None:
        """Send everything; return when every port is active.  RuntimeError where one is not."""
        settings = f"{_MANAGER}/Settings"
        flags = _TO_DISK | _BLOCK_AUTOCONNECT
        for path, update in self._updates:
            self._send(path, _PROFILE, "Update2", update)
        for of_bridge, of_port, device in self._work:
            self._send(settings, _SETTINGS, "AddConnection2", _v(_ADD, (of_bridge, flags, {})))
            # The port's profile is activated as soon as it has a path.
            self._send(
                settings, _SETTINGS, "AddConnection2", _v(_ADD, (of_port, flags, {})),
                partial(self._activate, device),
            )  # fmt: skip
        GLib.timeout_add_seconds(self._limit, self._fail, f"not active within {self._limit} s")
        self._loop.run()
        if self._failed:
            raise RuntimeError(self._failed)

    def _activate(self, device: str, answer: Any) -> None:
        args = _v(_ACTIVATE, (answer.get_child_value(0).get_string(), device, "/"))
        # Ahead of what still waits to be sent, for here NetworkManager has to wait for the kernel.
        self._waiting.insert(0, (_MANAGER, _SERVICE, "ActivateConnection", args, None))

    def _send(self, path: str, interface: str, method: str, args: Any, then: Any = None) -> None:
        self._waiting.append((path, interface, method, args, then))
        self._pump()

    def _pump(self) -> None:
        while self._waiting and self._flying < _IN_FLIGHT:
            path, interface, method, args, then = self._waiting.pop(0)
            self._flying += 1
            self._bus.call(
                _SERVICE, path, interface, method, args, None, 0, self._limit * 1000, None,
                self._on_answer, then,
            )  # fmt: skip

    def _on_answer(self, bus: Any, result: Any, then: Any) -> None:
        self._flying -= 1
        try:
            answer = bus.call_finish(result)
        except GLib.Error as error:
            self._fail(error.message)
            return
        if then is not None:
            then(answer)
        self._pump()

    def _on_state(self, bus: Any, sender: str, path: str, *rest: Any) -> None:
        # The bridge comes up for its port and activates its ports by itself: what we asked for is
        # replaced by another activation of the same profile on the way, so the profile counts.
        if rest[2].get_child_value(0).get_uint32() == _ACTIVATED:
            args = _v("(ss)", (_ACTIVE, "Uuid"))
            self._send(path, _PROPERTIES, "Get", args, self._on_active)

    def _on_active(self, answer: Any) -> None:
        self._left.discard(answer.get_child_value(0).get_variant().get_string())
        if not self._left:
            self._loop.quit()

    def _fail(self, why: str) -> bool:
        self._failed = self._failed or why
        self._loop.quit()
        return False


def main() -> None:
    """Prepare, wait to be told, work."""
    floor = Floor(dict(word.split("=", 1) for word in sys.argv[1:]))
    print("ready", flush=True)
    sys.stdin.readline()
    floor.run()
    print("done", flush=True)


if __name__ == "__main__":
    main()
