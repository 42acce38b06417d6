"""Changes of links by netlink, addressed by ifindex.

An ifindex is not given out again while the kernel runs (it counts up), so it names one link for
good; the name is compared all the same, since a link that was renamed is not the one that the plan
was about.
"""

import errno
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bridged.desired.vlans import PortVlan
from bridged.errors import WorldError
from bridged.ethtool import Ethtool
from bridged.observe.linkmessage import LinkMessage
from bridged.observe.port_vlans import AF_BRIDGE, PVID, UNTAGGED, read_port_vlans
from bridged.plan.actions import (
    DeleteLink,
    RemoveAddress,
    SetController,
    SetLink,
    SetOffloads,
    SetVlans,
)
from bridged.rtnetlink import (
    RTM_DELADDR,
    RTM_DELLINK,
    RTM_NEWLINK,
    RTM_SETLINK,
    KernelRefusal,
    Rtnetlink,
    world_error,
)

_IFF_UP = 0x1
_ADDRESS_ABSENT = 99
"""EADDRNOTAVAIL: the address is not on the link."""
_LARGEST_MTU = 65535


class LinkWriter:
    """For one thread.  `root` is where /proc/sys is found, `timeout` in seconds bounds each
    request."""

    def __init__(self, root: Path = Path("/"), timeout: float = 5.0) -> None:
        self._conf = root / "proc/sys/net/ipv6/conf"
        self._netlink = Rtnetlink.lasting(timeout)

    def set_link(self, action: SetLink) -> None:
        """Set what can be set; raises `WorldError` with all that was refused, the rest is set.

        One request per layer, and of the link itself one for each value, since the kernel stops a
        request at the first thing it refuses.
        """

        def change(netlink: Rtnetlink) -> None:
            link = _checked(netlink, action.index, action.device)
            steps: list[Callable[[], None]] = []
            if action.info:
                steps.append(lambda: _set_info(netlink, link, action.kind, action.info))
            if action.port:
                steps.append(lambda: _set_port(netlink, action.index, action.port))
            steps += self._link_steps(netlink, link, action)
            problems = []
            for step in steps:
                try:
                    step()
                except KernelRefusal as error:
                    problems.append(
                        world_error(error.errno or 0, f"set {action.device}", error.reason)
                    )
                except WorldError as error:
                    problems.append(error)
            if problems:
                raise WorldError(problems[0].kind, "; ".join(p.message for p in problems))

        self._do(f"set {action.device}", change)

    def set_controller(self, action: SetController) -> None:
        """Plug a link into a bridge; its attributes as a port are then the kernel's defaults."""

        def change(netlink: Rtnetlink) -> None:
            _checked(netlink, action.index, action.device)
            _checked(netlink, action.controller_index, action.controller)
            netlink.change(
                RTM_NEWLINK,
                {"index": action.index},
                [("IFLA_MASTER", action.controller_index)],
            )

        self._do(f"plug {action.device} into {action.controller}", change)

    def set_vlans(self, action: SetVlans) -> None:
        """Make these the VLANs of a bridge port; what it has and should not goes."""

        def change(netlink: Rtnetlink) -> None:
            _checked(netlink, action.index, action.device)
            present = set(read_port_vlans(netlink).get(action.index, ()))
            # Setting a VLAN that is there changes its flags in place, and the PVID moves by itself;
            # a VLAN that stays must not be taken away first, or the port loses frames.
            for vlan in sorted(set(action.vlans) - present):
                _vlan(netlink, RTM_SETLINK, action.index, vlan)
            wanted = {vlan.vid for vlan in action.vlans}
            for vlan in sorted(vlan for vlan in present if vlan.vid not in wanted):
                _vlan(netlink, RTM_DELLINK, action.index, vlan)

        self._do(f"set the VLANs of {action.device}", change)

    def set_offloads(self, action: SetOffloads) -> None:
        """By name, for ethtool knows no ifindex; the name is checked just before."""

        def change(netlink: Rtnetlink) -> None:
            link = _checked(netlink, action.index, action.device)
            with Ethtool() as ethtool:
                ethtool.set(link.name, action.offloads)

        self._do(f"switch offloads of {action.device}", change)

    def delete_link(self, action: DeleteLink) -> None:
        """Delete a link; one that is gone already is `vanished`."""

        def change(netlink: Rtnetlink) -> None:
            _checked(netlink, action.index, action.device)
            netlink.change(RTM_DELLINK, {"index": action.index})

        self._do(f"delete {action.device}", change)

    def remove_address(self, action: RemoveAddress) -> None:
        """Take an address off a link; one that is not there any more is no error."""
        family = socket.AF_INET6 if ":" in action.address else socket.AF_INET

        def change(netlink: Rtnetlink) -> None:
            _checked(netlink, action.index, action.device)
            try:
                netlink.change(
                    RTM_DELADDR,
                    {"index": action.index, "family": family, "prefixlen": action.prefix},
                    # IFA_ADDRESS would be the far end's where the address has a peer.
                    [("IFA_LOCAL", action.address)],
                )
            except KernelRefusal as error:
                if error.errno != _ADDRESS_ABSENT:
                    raise

        self._do(f"remove {action.address} from {action.device}", change)

    def _do(self, doing: str, change: Callable[[Rtnetlink], None]) -> None:
        try:
            change(self._netlink())
        except KernelRefusal as error:
            raise world_error(error.errno or 0, doing, error.reason) from error
        except OSError as error:
            raise world_error(error.errno or 0, doing) from error

    def _link_steps(
        self, netlink: Rtnetlink, link: LinkMessage, action: SetLink
    ) -> list[Callable[[], None]]:
        """What sets the values of the link itself, in order."""
        wanted, index = dict(action.link), action.index
        steps: list[Callable[[], None]] = []
        if "address" in wanted:
            # Giving a bridge the address that it has already pins it (addr_assign_type 3).
            address = [("IFLA_ADDRESS", wanted.pop("address"))]
            steps.append(lambda: netlink.change(RTM_NEWLINK, {"index": index}, address))
        if "mtu" in wanted:
            mtu = wanted.pop("mtu")
            if action.kind == "bridge" and link.number("IFLA_MTU") == mtu:
                steps.append(lambda: _set_mtu(netlink, index, _another_mtu(mtu)))
            steps.append(lambda: _set_mtu(netlink, index, mtu))
        if "disable_ipv6" in wanted:
            ipv6 = wanted.pop("disable_ipv6")
            steps.append(lambda: self._set_ipv6(link.name, ipv6))
        if "up" in wanted:
            flags = _IFF_UP if wanted.pop("up") else 0
            fields = {"index": index, "flags": flags, "change": _IFF_UP}
            steps.append(lambda: netlink.change(RTM_NEWLINK, fields))
        if wanted:
            raise WorldError("failed", f"{action.device}: nobody can set {', '.join(wanted)}")
        return steps

    def _set_ipv6(self, name: str, value: int) -> None:
        """By path, where a dot in the name of the interface needs no care."""
        try:
            (self._conf / name / "disable_ipv6").write_text(f"{int(value)}\n")
        except OSError as error:
            raise world_error(error.errno or 0, f"set disable_ipv6 of {name}") from error


def _checked(netlink: Rtnetlink, index: int, name: str) -> LinkMessage:
    """The link with that index, if it still has that name (or alternative name)."""
    data = netlink.link_raw(index)
    if data is None:
        raise KernelRefusal(errno.ENODEV, "")
    link = LinkMessage(data)
    if name != link.name and name not in link.altnames:
        raise WorldError("vanished", f"the link that was {name} is called {link.name} now")
    return link


def _vlan(netlink: Rtnetlink, request: int, index: int, vlan: PortVlan) -> None:
    """Add (RTM_SETLINK) or remove (RTM_DELLINK) one VLAN of a port."""
    flags = (PVID if vlan.pvid else 0) | (UNTAGGED if vlan.untagged else 0)
    info = ("IFLA_BRIDGE_VLAN_INFO", {"flags": flags, "vid": vlan.vid})
    netlink.change(
        request,
        {"family": AF_BRIDGE, "index": index},
        [("IFLA_AF_SPEC", {"attrs": [info]})],
    )


def _set_mtu(netlink: Rtnetlink, index: int, mtu: int) -> None:
    netlink.change(RTM_NEWLINK, {"index": index}, [("IFLA_MTU", mtu)])


def _another_mtu(mtu: int) -> int:
    """What is set first for an MTU that the bridge has already to be pinned by setting it again.

    The bridge code remembers that somebody chose the MTU only when the value changes (the core
    skips a set to the same value), and until then the smallest port drags it down.  So it is set
    to one byte more for a moment, which nobody notices: frames are forwarded by the MTU of the
    port that they leave by, and the host's own fit into a larger one.
    """
    return mtu + 1 if mtu < _LARGEST_MTU else mtu - 1


def _set_info(netlink: Rtnetlink, link: LinkMessage, kind: str, wanted: Mapping[str, Any]) -> None:
    """What the link is: IFLA_INFO_DATA of a bridge or a VLAN."""
    data: list[tuple[str, Any]] = []
    for name, value in wanted.items():
        if name == "vlan_flags":
            # The kernel takes the bits under the mask only, and refuses bits that it never heard
            # of; so the mask is what differs from the present word.
            present = int(link.info["vlan_flags"])
            value = {"flags": value, "mask": present ^ value}
        data.append((f"IFLA_{name.upper()}", value))
    netlink.change(
        RTM_NEWLINK,
        {"index": link.index},
        [
            (
                "IFLA_LINKINFO",
                {"attrs": [("IFLA_INFO_KIND", kind), ("IFLA_INFO_DATA", {"attrs": data})]},
            )
        ],
    )


def _set_port(netlink: Rtnetlink, index: int, wanted: Mapping[str, Any]) -> None:
    """What the link is as a port of a bridge: IFLA_INFO_SLAVE_DATA."""
    data = [(f"IFLA_{name.upper()}", value) for name, value in wanted.items()]
    netlink.change(
        RTM_NEWLINK,
        {"index": index},
        [
            (
                "IFLA_LINKINFO",
                {
                    "attrs": [
                        ("IFLA_INFO_SLAVE_KIND", "bridge"),
                        ("IFLA_INFO_SLAVE_DATA", {"attrs": data}),
                    ]
                },
            )
        ],
    )
