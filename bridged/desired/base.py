"""What all models of the state file share: strict, frozen, keys written with dashes."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from bridged.desired.names import ifname_problem


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class Model(BaseModel):
    """Strict (no conversions), closed (unknown keys are errors) and frozen."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, alias_generator=_kebab, populate_by_name=True
    )


def _ifname(name: str) -> str:
    problem = ifname_problem(name)
    if problem:
        raise ValueError(problem)
    return name


IfName = Annotated[
    str,
    AfterValidator(_ifname),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 15, "pattern": r"^[^\s/:%]+$"}),
]


def _unicast(mac: str) -> str:
    if int(mac[:2], 16) & 1:
        raise ValueError(f"{mac} is a multicast address; an interface needs a unicast one")
    if mac == "00:00:00:00:00:00":
        raise ValueError("the all-zero address cannot be given to an interface")
    return mac


Mac = Annotated[
    str,
    Field(pattern=r"^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$"),
    AfterValidator(str.lower),
    AfterValidator(_unicast),
]


def integer(low: int, high: int) -> Any:
    """An annotation for a whole number from `low` to `high`, both included."""
    return Field(ge=low, le=high)
