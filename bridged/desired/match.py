"""A network card told by what it is, where its name differs from node to node."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from bridged.desired.base import Mac, Model, Refused, Text
from bridged.desired.errors import shown

_PCI = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")


def _path(text: str) -> str:
    bare = text.lower()
    if _PCI.fullmatch(bare) or _PCI.fullmatch(f"0000:{bare}"):
        whole = bare if _PCI.fullmatch(bare) else f"0000:{bare}"
        raise Refused(f'"{shown(text)}" is not a device path', f"write pci-{whole}")
    if not re.fullmatch(r"[a-z0-9]+-[!-~]+", text):
        raise Refused(
            f'"{shown(text)}" is not a device path such as pci-0000:0d:00.0',
            "udevadm info /sys/class/net/NIC prints it as ID_PATH",
        )
    return text


DevicePath = Annotated[
    str,
    AfterValidator(_path),
    Text("a device path such as pci-0000:0d:00.0", r"^[a-z0-9]+-[!-~]+$"),
]


class Match(Model):
    """What a card is known by; with both, both must fit."""

    mac: Annotated[
        Mac | None,
        Field(description="its permanent hardware address (`ip -details link` shows it: permaddr)"),
    ] = None
    path: Annotated[
        DevicePath | None,
        Field(description="where it is plugged in: what udev calls ID_PATH"),
    ] = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.mac is None and self.path is None:
            raise Refused("an empty `match` fits every card", "write mac: or path: in it")
        return self

    @property
    def label(self) -> str:
        """What stands for the card's name until it is known.  No interface can be called so."""
        return label(self.mac or "", self.path or "")

    @property
    def words(self) -> str:
        """``mac 52:54:00:12:34:56`` or ``path pci-0000:0d:00.0``, or both."""
        said = [f"{key} {value}" for key in ("mac", "path") if (value := getattr(self, key))]
        return " and ".join(said)


def label(mac: str, path: str) -> str:
    """What stands for the name of a card that is known by these."""
    # A colon is in every address, and a slash in front of every path: neither is in a name.
    return mac.lower() or (path if ":" in path else f"/{path}")


@dataclass(frozen=True, slots=True)
class Card:
    """A network card, or an interface that stands for one: its names, its permanent hardware
    address (the present one where the driver tells none, then `permanent` is False), its path."""

    name: str
    altnames: tuple[str, ...] = ()
    mac: str = ""
    permanent: bool = False
    path: str = ""

    @property
    def words(self) -> str:
        """``enp13s0f0 (mac 52:54:00:12:34:56, path pci-0000:0d:00.0)``."""
        said = [f"{key} {value}" for key in ("mac", "path") if (value := getattr(self, key))]
        return f"{self.name} ({', '.join(said)})" if said else self.name


def matching(match: Match, cards: Iterable[Card]) -> tuple[Card, ...]:
    """The cards that fit.

    An address that one card was made with and another one merely uses (a bond's port, a macvlan
    of a container) is the first one's.
    """
    fits = [
        card for card in cards if match.mac in (None, card.mac) and match.path in (None, card.path)
    ]
    if match.mac is not None and any(card.permanent for card in fits):
        fits = [card for card in fits if card.permanent]
    return tuple(fits)
