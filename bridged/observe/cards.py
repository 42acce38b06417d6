"""Network cards by what they are: for `match` and `nic-present` of the state file."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from bridged.desired.match import Card
from bridged.observe.host import Link

_CARD_KINDS = {"", "veth"}
"""Hardware, and what stands for it in containers.  Bridges, VLANs and bonds copy the address of a
card, and a tap is a guest."""
_PCI = re.compile(r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
_VIRTIO = re.compile(r"virtio\d+")
_ID_PATH = re.compile(r"^E:ID_PATH=(.+)$", re.MULTILINE)


def cards(links: Iterable[Link]) -> tuple[Card, ...]:
    """The links that can be meant by a `match`, in the order of the dump."""
    return tuple(
        Card(
            link.name,
            link.altnames,
            (link.permanent_address or link.address).lower(),
            bool(link.permanent_address),
            link.path,
        )
        for link in links
        if link.kind in _CARD_KINDS and link.name != "lo"
    )


def names(links: Iterable[Link]) -> tuple[Card, ...]:
    """All links for `nic-present`: those that no `match` can mean by their names alone."""
    links = tuple(links)
    known = cards(links)
    called = {card.name for card in known}
    others = (Card(link.name, link.altnames) for link in links if link.name not in called)
    return (*known, *others)


def device_path(interface: Path, record: Path) -> str:
    """Where the hardware of an interface is plugged in, as udev calls it (ID_PATH), "" if unknown.

    `interface` is its directory below /sys/class/net, `record` its file in udev's database.  A PCI
    device's name is its path, and that of the virtio device on it; for others udev is asked, which
    has more to say of them than fits here (udev's path_id, in systemd's udev-builtin-path_id.c).
    """
    try:
        parts = os.readlink(interface).split("/")
    except OSError:
        return ""
    above = parts[: parts.index("net")] if "net" in parts else []
    while above and _VIRTIO.fullmatch(above[-1]):
        above.pop()
    if above and _PCI.fullmatch(above[-1]):
        return f"pci-{above[-1]}"
    try:
        found = _ID_PATH.search(record.read_text(errors="replace"))
    except OSError:
        return ""
    return found[1] if found else ""
