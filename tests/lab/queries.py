"""What a node has, as ip, bridge, nmcli and sysctl tell it."""

import json
import subprocess
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

Record = dict[str, Any]
"""One object of the JSON that ip and bridge print."""


class CommandFailed(subprocess.CalledProcessError):
    """A command inside a node ended with another status than 0."""

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.stdout}{self.stderr}"


class _Run(Protocol):
    def __call__(
        self, *argv: str, check: bool = True, netns: str | None = None
    ) -> subprocess.CompletedProcess[str]: ...


@dataclass(frozen=True)
class Profile:
    """One NetworkManager profile as `nmcli connection show` lists it."""

    name: str
    uuid: str
    type: str
    """As the profile has it: "bridge", "802-3-ethernet", "vlan"."""
    device: str
    """The device that it is active on, or ""."""
    state: str
    """"activated", "activating", ... or "" when it is not active."""
    filename: str
    autoconnect: bool


@dataclass(frozen=True)
class Standing:
    """What changes when a link flaps, is made anew or changes its controller, and else never."""

    ifindex: int
    carrier_changes: int
    controller: str | None


class Queries(ABC):
    """Questions to a node.  Each is one command; nothing is remembered between them."""

    @abstractmethod
    def run(
        self, *argv: str, check: bool = True, netns: str | None = None
    ) -> subprocess.CompletedProcess[str]: ...

    # ----------------------------------------------------------------------------------- links

    def links(self, netns: str | None = None) -> dict[str, Record]:
        """All links by name, each as `ip -d -j link` prints it, of a namespace or of the node."""
        return {link["ifname"]: link for link in self._json("ip", "-d", "-j", "link", netns=netns)}

    def link(self, name: str) -> Record | None:
        """One link, or None."""
        return self.links().get(name)

    def controller(self, name: str) -> str | None:
        """The name of the bridge that `name` is a port of, or None."""
        link = self.link(name)
        return None if link is None else link.get("master")

    def ports(self, bridge: str) -> set[str]:
        """The names of all ports of `bridge`, guests' included."""
        return {name for name, link in self.links().items() if link.get("master") == bridge}

    def bridge_data(self, name: str) -> Record:
        """A bridge's own settings ("stp_state", "vlan_filtering", ...); {} if it is none."""
        return self._info(name, "info_data")

    def port_data(self, name: str) -> Record:
        """A bridge port's settings ("state", "cost", "hairpin", ...); {} if it is none."""
        return self._info(name, "info_slave_data")

    def port_state(self, name: str) -> str | None:
        """A bridge port's STP state ("forwarding"), or None if it is no port."""
        state = self.port_data(name).get("state")
        return None if state is None else str(state)

    def vlans(self) -> dict[str, list[Record]]:
        """Each port's and bridge's own VLANs by its name, as `bridge -j vlan` prints them."""
        return {port["ifname"]: port["vlans"] for port in self._json("bridge", "-j", "vlan")}

    def addresses(self, netns: str | None = None) -> dict[str, list[str]]:
        """Each link's addresses by its name, "192.168.1.2/24", IPv6 link-local ones too."""
        return {
            link["ifname"]: [f"{a['local']}/{a['prefixlen']}" for a in link["addr_info"]]
            for link in self._json("ip", "-j", "address", netns=netns)
        }

    def routes(self) -> list[Record]:
        """The IPv4 routes of the main table."""
        return self._json("ip", "-j", "route")

    def standing(self, *names: str) -> dict[str, Standing]:
        """What would tell that one of these links had flapped: equal means nothing happened."""
        links = self.links()
        paths = [f"/sys/class/net/{name}/carrier_changes" for name in names]
        changes = self.run("cat", *paths).stdout.split()
        return {
            name: Standing(links[name]["ifindex"], int(count), links[name].get("master"))
            for name, count in zip(names, changes, strict=True)
        }

    # -------------------------------------------------------------------------- NetworkManager

    def profiles(self) -> list[Profile]:
        """All profiles that NetworkManager has."""
        fields = "NAME,UUID,TYPE,DEVICE,STATE,FILENAME,AUTOCONNECT"
        shown = self.run("nmcli", "-t", "-f", fields, "connection", "show").stdout
        rows = [_split(line) for line in shown.splitlines()]
        return [
            Profile(name, uuid, kind, device, state, filename, autoconnect == "yes")
            for name, uuid, kind, device, state, filename, autoconnect in rows
        ]

    def profile(self, name: str) -> dict[str, str]:
        """The settings of the profile with this name or UUID by property ("bridge.stp": "no")."""
        shown = self.run("nmcli", "-t", "connection", "show", name).stdout
        return dict(row for row in (_pair(line) for line in shown.splitlines()) if row)

    def devices(self) -> dict[str, str]:
        """The state of each device ("connected", "disconnected", "unmanaged", ...) by name."""
        shown = self.run("nmcli", "-t", "-f", "DEVICE,STATE", "device").stdout
        return {row[0]: row[1] for row in (_split(line) for line in shown.splitlines())}

    # ---------------------------------------------------------------------------------- kernel

    def sysctl(self, key: str) -> str | None:
        """The value of a sysctl, spelt with dots or slashes, or None where the key is not."""
        done = self.run("sysctl", "-n", key, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    def modules(self) -> set[str]:
        """The names of the loaded modules; empty where the kernel loads none."""
        loaded = self.run("cat", "/proc/modules", check=False).stdout
        return {line.split()[0] for line in loaded.splitlines()}

    # --------------------------------------------------------------------------------- private

    def _json(self, *argv: str, netns: str | None = None) -> list[Record]:
        # ip prints nothing at all, not [], where there is nothing.
        return list(json.loads(self.run(*argv, netns=netns).stdout or "[]"))

    def _info(self, name: str, kind: str) -> Record:
        link = self.link(name) or {}
        return dict(link.get("linkinfo", {}).get(kind, {}))


def _split(line: str) -> list[str]:
    """The fields of a line of `nmcli -t`, which puts a backslash before a colon of their own."""
    fields, escaped = [""], False
    for character in line:
        if escaped or character not in ":\\":
            fields[-1] += character
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            fields.append("")
    return fields


def _pair(line: str) -> tuple[str, str] | None:
    name, colon, value = line.partition(":")
    return (name, value) if colon else None
