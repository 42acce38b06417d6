"""What a declarable property is: one row that says where each world keeps it.

A row is the annotation of a field in `bridge.py` or `port.py`.  The JSON schema, the reference
for operators, the comparison with the host, the NetworkManager profile and the netlink message
all follow from it, so adding a property means adding one row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel

Layer = Literal["link", "info", "port", "ipv6", "vlans", "offload"]
"""Where the kernel keeps a value: the link itself, its IFLA_INFO_DATA (what a bridge or VLAN is),
its IFLA_INFO_SLAVE_DATA (what it is as a bridge port), its IPv6 settings,
its VLANs as a bridge port, or the offloads of a card."""


@dataclass(frozen=True, slots=True)
class Codec:
    """Translates between the value an operator writes and the value a world keeps."""

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


def choice(**names: int | str) -> Codec:
    """A codec between words and a world's own constants, e.g. ``choice(auto=1, disabled=0)``."""
    back = {raw: word for word, raw in names.items()}
    return Codec(names.__getitem__, lambda raw: back.get(raw, raw))


SAME = Codec(_same, _same)
BOOL = Codec(bool, bool)
SWITCH = Codec(int, bool)
"""A truth value that the kernel keeps as 0 or 1 (STP may also read 2: user space STP)."""
CENTISECONDS = Codec(lambda s: s * 100, lambda cs: cs // 100 if cs % 100 == 0 else cs / 100)
"""Seconds for the operator, clock ticks of 1/100 s (USER_HZ) for the kernel."""
MAC = Codec(str.lower, str.lower)
MAC_BYTES = Codec(
    lambda text: bytes.fromhex(text.replace(":", "")),
    lambda raw: ":".join(f"{b:02x}" for b in raw),
)
"""NetworkManager keeps hardware addresses as byte arrays."""


def bit(mask: int) -> Codec:
    """A truth value kept as one bit of a flag word."""
    return Codec(lambda on: mask if on else 0, lambda raw: bool(raw & mask))


@dataclass(frozen=True, slots=True)
class NmKey:
    """Where a NetworkManager profile keeps a property.

    `signature` is the D-Bus type; `default` is what an absent key means (GetSettings leaves out
    what is at its default), None where absence has no fixed meaning; `reapply` tells whether
    Device.Reapply accepts a change of it on an active device; `mask` limits the row to some bits.
    """

    setting: str
    key: str
    signature: str
    codec: Codec = SAME
    default: Any = None
    reapply: bool = True
    mask: int | None = None


@dataclass(frozen=True, slots=True)
class KernelKey:
    """Where the kernel keeps a property: layer and netlink attribute (without IFLA_, lower case).

    `live` is False for what cannot change while the link exists (the id of a VLAN).
    """

    layer: Layer
    attribute: str
    codec: Codec = SAME
    live: bool = True
    mask: int | None = None


@dataclass(frozen=True, slots=True)
class Property:
    """The row: help for the operator, and where NetworkManager and the kernel keep the value."""

    doc: str
    nm: NmKey | None = None
    kernel: KernelKey | None = None
    example: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A property together with the field that carries it.

    `field` is the Python attribute, `key` the word in the state file.
    """

    field: str
    key: str
    property: Property
    default: Any

    def declared(self, model: BaseModel) -> Any:
        """The value that `model` declares, None where it declares nothing."""
        return getattr(model, self.field)


@cache
def rows(model: type[BaseModel]) -> tuple[Row, ...]:
    """The table of a kind of object: every field of `model` that is annotated with a Property."""
    fields = tuple(
        Row(name, field.alias or name, item, field.default)
        for name, field in model.model_fields.items()
        for item in field.metadata
        if isinstance(item, Property)
    )
    # What several fields make together is a row too: its value is a property of the model.
    joint: tuple[Row, ...] = getattr(model, "joint_rows", ())
    return fields + joint
