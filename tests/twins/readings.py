"""A host as the doctor reads it, in memory: a fit one unless told otherwise."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from bridged.doctor.readings import Answer
from bridged.observe.host import Device, Link, NetworkManager, Unavailable

RELEASE = "6.12.0-test"
CONFIG = "[main]\nplugins=keyfile\n"
MOUNTS = "21 28 0:20 / /proc rw,nosuid shared:12 - proc proc rw\n"
UNIT = """\
LoadState=loaded
UnitFileState=enabled
ActiveState=active
SubState=running
NRestarts=0
WatchdogUSec=1min
NeedDaemonReload=no
"""


def _files() -> dict[str, str]:
    return {
        "/proc/modules": "bridge 311296 1 br_netfilter, Live 0x0\nvfat 20480 1 - Live 0x0\n",
        f"/lib/modules/{RELEASE}/modules.dep": "kernel/net/8021q/8021q.ko.xz: kernel/net/mrp.ko\n",
        f"/boot/config-{RELEASE}": "CONFIG_BRIDGE_VLAN_FILTERING=y\n",
        "/proc/self/mountinfo": MOUNTS,
        "/proc/sys/kernel/modules_disabled": "0\n",
        "/proc/sys/fs/inotify/max_user_instances": "8192\n",
        "/proc/sys/fs/inotify/max_user_watches": "1048576\n",
        "/run/systemd/system/": "",
        "/run/bridged/control.sock": "",
    }


def _links() -> tuple[Link, ...]:
    cards = ("enp8s0", "enp13s0f0", "enp13s0f3")
    return tuple(Link(n, name, up=True, driver="igb") for n, name in enumerate(cards, 2))


def _nm() -> NetworkManager:
    cards = ("enp8s0", "enp13s0f0", "enp13s0f3")
    return NetworkManager((1, 52, 1), (), tuple(Device(f"/{n}", n, True, 100) for n in cards))


@dataclass
class FakeReadings:
    """`files` by path, directories end in a slash; `units` and `config` are what systemd and
    NetworkManager print, None where the program is not there."""

    files: dict[str, str] = field(default_factory=_files)
    units: dict[str, str] = field(default_factory=lambda: {"bridged.service": UNIT})
    config: str | None = CONFIG
    processes: set[str] = field(default_factory=set)
    present: tuple[Link, ...] | str = field(default_factory=_links)
    features: dict[str, dict[str, bool]] = field(default_factory=dict)
    manager: NetworkManager | Unavailable = field(default_factory=_nm)
    root: bool = True
    release: str = RELEASE

    def text(self, path: str) -> str | None:
        return self.files.get(path)

    def names(self, path: str) -> tuple[str, ...]:
        here = PurePosixPath(path)
        return tuple(
            sorted(PurePosixPath(f).name for f in self.files if PurePosixPath(f).parent == here)
        )

    def exists(self, path: str) -> bool:
        return any(file == path or file.startswith(f"{path}/") for file in self.files)

    def ask(self, *argv: str) -> Answer | None:
        if argv[0] == "NetworkManager":
            return None if self.config is None else Answer(0, self.config)
        return Answer(0, self.units.get(argv[-1], "LoadState=not-found\n"))

    def running(self, names: frozenset[str]) -> frozenset[str]:
        return names & self.processes

    def links(self) -> tuple[Link, ...] | str:
        return self.present

    def offloads(self, names: Iterable[str]) -> Mapping[str, Mapping[str, bool]]:
        return {name: self.features[name] for name in names if name in self.features}

    def network_manager(self) -> NetworkManager | Unavailable:
        return self.manager
