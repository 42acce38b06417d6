"""Records what changes on a node: D-Bus calls, netlink events, file writes.  Runs inside it::

    buswatch.py [--path PATH]...     until SIGTERM

It prints a line `ready`, and at its end one line of JSON::

    {"seconds": 3.1,
     "calls": {"org.freedesktop.DBus.Properties.GetAll": 12, ...},   to NetworkManager, all of them
     "changes": ["org.freedesktop.NetworkManager.Device.Reapply", ...],   those that may change it
     "links": ["newlink br-lan: mtu=1500 up master=-", ...],
     "addresses": ["newaddr br-lan", ...], "routes": ["newroute enp8s0", ...],
     "files": ["modify /etc/sysctl.d/90-bridged.conf", ...]}

A method that is not known to only read counts as a change, so a new one cannot slip through.
Files are watched with inotify, sysctls too: a write to /proc/sys is a write like any other.  The
standard library and dbus-monitor only.
"""

import argparse
import ctypes
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import IO, cast

PATHS = (
    "/etc/NetworkManager",
    "/etc/bridged",
    "/etc/modules-load.d",
    "/etc/sysctl.d",
    "/etc/systemd",
    "/run/NetworkManager/system-connections",
    "/proc/sys/fs/inotify",
    "/proc/sys/net/bridge",
    "/proc/sys/net/ipv4/ip_forward",
)
"""What is watched anyway, with all folders below; what is not there is left out."""

_READING = {
    "org.freedesktop.DBus.Properties": {"Get", "GetAll"},
    "org.freedesktop.DBus.ObjectManager": {"GetManagedObjects"},
    "org.freedesktop.DBus.Introspectable": {"Introspect"},
    "org.freedesktop.DBus.Peer": {"Ping", "GetMachineId"},
    "org.freedesktop.NetworkManager": {
        "GetDevices", "GetAllDevices", "GetDeviceByIpIface", "GetPermissions", "GetLogging",
        "CheckConnectivity", "state",
    },
    "org.freedesktop.NetworkManager.Device": {"GetAppliedConnection"},
    "org.freedesktop.NetworkManager.Settings": {"ListConnections", "GetConnectionByUuid"},
    "org.freedesktop.NetworkManager.Settings.Connection": {"GetSettings", "GetSecrets"},
}  # fmt: skip
_MARKER = "/bridged/lab/marker"


class Bus:
    """All method calls to NetworkManager, through `dbus-monitor --profile`."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.changes: list[str] = []
        self._markers = 0
        self._monitor = subprocess.Popen(
            ["dbus-monitor", "--system", "--profile", "type='method_call'"],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self.stream = cast(IO[bytes], self._monitor.stdout)
        os.set_blocking(self.stream.fileno(), False)
        self._rest = b""

    def read(self) -> None:
        """Takes in what the monitor has printed."""
        while chunk := self.stream.read(65536):
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for line in lines:
                self._note(line.decode().split("\t"))

    def _note(self, fields: list[str]) -> None:
        if len(fields) < 8 or fields[0] != "mc":
            return
        path, interface, member = fields[5], fields[6], fields[7]
        if path == _MARKER:
            self._markers += 1
            return
        ours = interface.startswith("org.freedesktop.NetworkManager")
        standard = path.startswith("/org/freedesktop") and interface in _READING
        if not ours and not (standard and _to_network_manager(fields[4], path)):
            return
        name = f"{interface}.{member}"
        self.calls[name] += 1
        if member not in _READING.get(interface, ()):
            self.changes.append(f"{name} {path}")

    def synchronise(self, seconds: float = 30) -> None:
        """Returns once the monitor has shown all that was on the bus before; it may be starting."""
        limit, before = time.monotonic() + seconds, self._markers
        while self._markers == before:
            if time.monotonic() > limit:
                raise SystemExit("buswatch: dbus-monitor does not answer")
            subprocess.run(
                ["dbus-send", "--system", "--print-reply", "--dest=org.freedesktop.DBus",
                 _MARKER, "org.freedesktop.DBus.GetId"],
                check=False,
                capture_output=True,
            )  # fmt: skip
            for _ in range(20):
                self.read()
                if self._markers > before:
                    break
                time.sleep(0.01)

    def close(self) -> None:
        self._monitor.kill()
        self._monitor.wait()


def _to_network_manager(destination: str, path: str) -> bool:
    # A unique name as destination says nothing; the path then does, all of NetworkManager's but
    # the object manager's begin so.
    return destination == "org.freedesktop.NetworkManager" or (
        destination.startswith(":")
        and (path == "/org/freedesktop" or path.startswith("/org/freedesktop/NetworkManager"))
    )


_MESSAGES = {16: "newlink", 17: "dellink", 20: "newaddr", 21: "deladdr", 24: "newroute",
             25: "delroute"}  # fmt: skip


class Netlink:
    """Changes of links, addresses and routes, as the kernel announces them."""

    # RTMGRP_LINK, IPV4_IFADDR, IPV4_ROUTE, IPV6_IFADDR, IPV6_ROUTE
    _GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
    _IFNAME, _MTU, _MASTER = 3, 4, 10
    _UP = 1

    def __init__(self) -> None:
        self.links: list[str] = []
        self.addresses: list[str] = []
        self.routes: list[str] = []
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)
        self.socket.bind((0, self._GROUPS))
        self.socket.setblocking(False)
        self._names = dict(socket.if_nameindex())

    def read(self) -> None:
        """Takes in what has been announced."""
        while True:
            try:
                data = self.socket.recv(1 << 16)
            except BlockingIOError:
                return
            while len(data) >= 16:
                length, kind = struct.unpack_from("=IH", data)
                self._note(_MESSAGES.get(kind, str(kind)), data[16:length])
                data = data[(length + 3) & ~3 :]

    def _note(self, event: str, body: bytes) -> None:
        if "link" in event:
            family, _, index, flags, _ = struct.unpack_from("=BxHiII", body)
            attributes = _attributes(body[16:])
            if self._IFNAME in attributes:
                self._names[index] = attributes[self._IFNAME].rstrip(b"\0").decode()
            up = "up" if flags & self._UP else "down"
            controller = self._names.get(_number(attributes.get(self._MASTER)), "-")
            text = f"{event} {self._name(index)}: {up} mtu={_number(attributes.get(self._MTU))}"
            text += f" controller={controller}"
            # The bridge announces its ports' settings with a family of their own.
            self.links.append(text + (" (bridge)" if family == socket.AF_BRIDGE else ""))
        elif "addr" in event:
            (index,) = struct.unpack_from("=I", body, 4)
            self.addresses.append(f"{event} {self._name(index)}")
        elif "route" in event:
            output = _number(_attributes(body[12:]).get(4))
            self.routes.append(f"{event} {self._name(output)}")

    def _name(self, index: int) -> str:
        return self._names.get(index, f"#{index}")


def _attributes(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            break
        found[kind & 0x3FFF] = data[4:length]
        data = data[(length + 3) & ~3 :]
    return found


def _number(data: bytes | None) -> int:
    return int.from_bytes(data[:4], "little") if data else 0


_INOTIFY_EVENTS = {0x2: "modify", 0x4: "attrib", 0x40: "moved-from", 0x80: "moved-to",
                   0x100: "create", 0x200: "delete"}  # fmt: skip


class Files:
    """Writes below the watched folders, with inotify."""

    _NOT_BLOCKING = 0x800

    def __init__(self, paths: list[str]) -> None:
        self.written: list[str] = []
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self._libc.inotify_init1(self._NOT_BLOCKING)
        if self.descriptor < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        self._watched: dict[int, str] = {}
        for path in paths:
            if not os.path.exists(path):
                continue
            self._watch(path)
            for folder, folders, files in os.walk(path):
                # A folder under /proc tells nothing of its files; they are watched one by one.
                names = files if path.startswith("/proc/") else folders
                for name in names:
                    self._watch(os.path.join(folder, name))

    def _watch(self, path: str) -> None:
        mask = sum(_INOTIFY_EVENTS)
        watch = self._libc.inotify_add_watch(self.descriptor, path.encode(), mask)
        if watch < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch", path)
        self._watched[watch] = path

    def read(self) -> None:
        """Takes in what has been written."""
        while True:
            try:
                data = os.read(self.descriptor, 1 << 16)
            except BlockingIOError:
                return
            while data:
                watch, mask, _, length = struct.unpack_from("=iIII", data)
                name = data[16 : 16 + length].rstrip(b"\0").decode()
                path = str(Path(self._watched.get(watch, "?")) / name)
                for bit, event in _INOTIFY_EVENTS.items():
                    if mask & bit:
                        self.written.append(f"{event} {path}")
                data = data[16 + length :]


def main() -> None:
    """Watches until SIGTERM, then prints what was seen."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--path", action="append", default=[], help="watch this file or folder too")
    options = parser.parse_args()
    # The signal is read like any other event; taken before `ready`, it cannot kill us.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    # (dbus-monitor inherits the mask, hence is killed below.)
    bus, netlink, files = Bus(), Netlink(), Files([*PATHS, *options.path])
    bus.synchronise()
    bus.calls.clear()
    bus.changes.clear()
    chooser = selectors.DefaultSelector()
    chooser.register(bus.stream, selectors.EVENT_READ, bus.read)
    chooser.register(netlink.socket, selectors.EVENT_READ, netlink.read)
    chooser.register(files.descriptor, selectors.EVENT_READ, files.read)
    print("ready", flush=True)
    started = time.monotonic()
    while signal.SIGTERM not in signal.sigpending():
        for key, _ in chooser.select(0.05):
            key.data()
    seconds = time.monotonic() - started
    bus.synchronise()
    bus.close()
    netlink.read()
    files.read()
    print(
        json.dumps(
            {
                "seconds": round(seconds, 3),
                "calls": bus.calls,
                "changes": bus.changes,
                "links": netlink.links,
                "addresses": netlink.addresses,
                "routes": netlink.routes,
                "files": files.written,
            }
        )
    )


if __name__ == "__main__":
    main()
