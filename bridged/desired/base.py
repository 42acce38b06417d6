"""What all models of the state file share: strict, frozen, keys written with dashes."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bridged.desired.errors import shown
from bridged.desired.names import ifname_problem


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class Model(BaseModel):
    """Strict (no conversions), closed (unknown keys are errors) and frozen."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, alias_generator=_kebab, populate_by_name=True
    )


class Refused(ValueError):
    """A value that cannot be used: why, as a sentence, and what to write instead."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


def _ifname(name: str) -> str:
    problem = ifname_problem(name)
    if problem:
        raise Refused(problem, "choose another name")
    return name


@dataclass(frozen=True, slots=True)
class Text:
    """What a kind of text is called, and its pattern (ECMA 262) for editors."""

    what: str
    pattern: str


IfName = Annotated[
    str,
    AfterValidator(_ifname),
    Text(
        "an interface name",
        r"^(?!(\.|\.\.|all|default|bonding_masters)$)[^\s/:%]{1,15}$",
    ),
]

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


def _mac(text: str) -> str:
    mac = text.lower()
    if not _MAC.fullmatch(mac):
        digits = re.sub(r"[-:.]", "", mac)
        pairs = ":".join(digits[i : i + 2] for i in range(0, 12, 2))
        raise Refused(
            f'"{shown(text)}" is not a hardware address such as 52:54:00:12:34:56',
            f"write {pairs}" if re.fullmatch(r"[0-9a-f]{12}", digits) else "",
        )
    if mac == "00:00:00:00:00:00":
        raise Refused("the all-zero address cannot be given to an interface")
    if int(mac[:2], 16) & 1:
        # The lowest bit of the first byte marks a group; the next one, a locally chosen address.
        raise Refused(
            f"{mac} is a multicast address; an interface needs a unicast one",
            "make the first pair even, for instance 52",
        )
    return mac


Mac = Annotated[
    str,
    AfterValidator(_mac),
    Text("a hardware address such as 52:54:00:12:34:56", r"^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$"),
]


def integer(low: int, high: int) -> Any:
    """An annotation for a whole number from `low` to `high`, both included."""
    return Field(ge=low, le=high)
