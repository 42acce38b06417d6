"""D-Bus values: making them, and taking out of them what is wanted and nothing more."""

from collections.abc import Mapping, Sequence
from typing import Any

from bridged.dbus.gi import GLib

Variant = Any
"""A GLib.Variant: a D-Bus value that still knows its type."""

Objects = dict[str, dict[str, dict[str, Any]]]
"""Objects of a service: interface -> object path -> property -> plain value."""


def variant(signature: str, value: Any) -> Variant:
    """A D-Bus value of that type; parts that are variants already stay as they are."""
    return GLib.Variant(signature, value)


def plain(value: Variant) -> Any:
    """The Python value behind a variant; byte arrays become bytes, tuples stay tuples."""
    kind = value.get_type_string()
    if kind == "ay":
        return bytes(value.get_data_as_bytes().get_data() or b"")
    if kind == "v":
        return plain(value.get_variant())
    if kind[0] not in "a(":
        return value.unpack()
    children = (value.get_child_value(i) for i in range(value.n_children()))
    if kind.startswith("a{"):
        return {plain(c.get_child_value(0)): plain(c.get_child_value(1)) for c in children}
    return tuple(map(plain, children)) if kind[0] == "(" else [plain(c) for c in children]


def entries(value: Variant) -> dict[str, Variant]:
    """One level of a dictionary with text keys: its entries, their values still typed."""
    found = {}
    for i in range(value.n_children()):
        entry = value.get_child_value(i)
        item = entry.get_child_value(1)
        found[entry.get_child_value(0).get_string()] = (
            item.get_variant() if item.get_type_string() == "v" else item
        )
    return found


def pick(objects: Variant, wanted: Mapping[str, Sequence[str]]) -> Objects:
    """Some properties of some interfaces out of what GetManagedObjects returned, plain.

    Every interface of `wanted` is there, with an object even where it has none of the properties.
    Unpacking everything would take two thirds of the time of the call.
    """
    found: Objects = {interface: {} for interface in wanted}
    for path, offered in entries(objects).items():
        for interface, names in wanted.items():
            properties = offered.lookup_value(interface, None)
            if properties is None:
                continue
            values = ((name, properties.lookup_value(name, None)) for name in names)
            found[interface][path] = {n: plain(value) for n, value in values if value is not None}
    return found
