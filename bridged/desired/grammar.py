"""What may be written in a state file, read off the models.

A property that is added to a model is thereby known to the reader of the file, to the JSON schema
and to the reference: all of them walk this tree and none of them names a property.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bridged.desired import base
from bridged.desired.properties import Property
from bridged.desired.state import State


@dataclass(frozen=True, slots=True)
class Boolean:
    """true or false."""

    words = "true or false"


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number; a bound that is None is none."""

    low: int | None = None
    high: int | None = None

    @property
    def words(self) -> str:
        """What is expected, in words."""
        if self.low is None and self.high is None:
            return "a whole number"
        if self.high is None:
            return f"a whole number from {self.low} up"
        return f"a whole number from {self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words; a number only in `version`."""

    options: tuple[str | int, ...]

    @property
    def words(self) -> str:
        """What is expected, in words."""
        return " or ".join(f"`{option}`" for option in self.options)


@dataclass(frozen=True, slots=True)
class Text:
    """Text of some kind."""

    what: str = "text"
    pattern: str = ""

    @property
    def words(self) -> str:
        """What is expected, in words."""
        return self.what


@dataclass(frozen=True, slots=True)
class List:
    """A list."""

    item: "Expected"
    words = "a list"


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping whose keys are the operator's own."""

    key: Text
    item: "Expected"
    words = "a mapping"


@dataclass(frozen=True, slots=True)
class Key:
    """A key that a record may have."""

    name: str
    expected: "Expected"
    required: bool
    default: Any
    doc: str
    example: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with fixed keys.

    `models` are the kinds of object that it may turn out to be, `keys` all of their keys.
    `shorthand` is the key that a lone text stands for, if any.
    """

    models: tuple[type[BaseModel], ...]
    keys: Mapping[str, Key] = field(hash=False)
    shorthand: str = ""

    @property
    def words(self) -> str:
        """What is expected, in words."""
        return "a name or a mapping" if self.shorthand else "a mapping"

    def kinds(self) -> tuple["Record", ...]:
        """The records of the single kinds."""
        return tuple(record(model) for model in self.models)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A whole number or text, or a record."""

    record: Record

    @property
    def words(self) -> str:
        """What is expected, in words."""
        return "a whole number or text"


Expected = Boolean | Integer | Choice | Text | List | Table | Record | Parameter


@cache
def record(*models: type[BaseModel]) -> Record:
    """The record that any of `models` can be read from."""
    keys: dict[str, Key] = {}
    for model in models:
        for name, info in model.model_fields.items():
            key = _key(info.alias or name, info)
            keys.setdefault(key.name, key)
    # The commonest kind of port can be written as its name alone.
    short = next(filter(None, (getattr(model, "shorthand", "") for model in models)), "")
    return Record(models, keys, shorthand=short)


def grammar() -> Record:
    """What the whole file may hold."""
    return record(State)


def _key(name: str, info: FieldInfo) -> Key:
    row = next((item for item in info.metadata if isinstance(item, Property)), None)
    return Key(
        name=name,
        expected=_expected(info.annotation, info.metadata),
        required=info.is_required(),
        default=None if info.is_required() else info.default,
        doc=row.doc if row else (info.description or ""),
        example=row.example if row else "",
    )


def _expected(annotation: Any, metadata: list[Any]) -> Expected:
    """The shape that an annotation asks for."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return _expected(inner, [*more, *metadata])
    if origin in {Union, UnionType}:
        return _union([arg for arg in get_args(annotation) if arg is not NoneType], metadata)
    if origin is Literal:
        return Choice(get_args(annotation))
    if origin is tuple:
        return List(_expected(get_args(annotation)[0], []))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        key, item = get_args(annotation)
        text = _expected(key, [])
        return Table(text if isinstance(text, Text) else Text(), _expected(item, []))
    if annotation is bool:
        return Boolean()
    if annotation is int:
        return Integer(_bound(metadata, "ge"), _bound(metadata, "le"))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return record(annotation)
    if annotation is str:
        kind = next((item for item in metadata if isinstance(item, base.Text)), None)
        return Text(kind.what, kind.pattern) if kind else Text()
    raise TypeError(f"the state file has no form for {annotation}")


def _union(alternatives: list[Any], metadata: list[Any]) -> Expected:
    if len(alternatives) == 1:
        return _expected(alternatives[0], metadata)
    models = [model for model in map(_model, alternatives) if model]
    if len(models) == len(alternatives):
        return record(*models)
    if len(models) == 1 and {int, str} <= set(alternatives):
        return Parameter(record(models[0]))
    raise TypeError(f"the state file has no form for {alternatives}")


def _model(annotation: Any) -> type[BaseModel] | None:
    if get_origin(annotation) is Annotated:
        return _model(get_args(annotation)[0])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None


def _bound(metadata: list[Any], name: str) -> int | None:
    """The bound of that name; pydantic keeps bounds as annotated-types objects."""
    return next((getattr(item, name) for item in metadata if hasattr(item, name)), None)
