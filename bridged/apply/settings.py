"""Profiles on their way back to NetworkManager: changed entries typed, all others as they came.

What was read of a profile cannot be sent back after it was unpacked: types are lost, and settings
that this program has never heard of would be too.  So the raw variants are kept and only the
changed entries replaced.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from bridged.dbus import Variant, entries, variant
from bridged.desired.bridge import Bridge
from bridged.desired.offloads import Offloads
from bridged.desired.port import Nic, Vlan
from bridged.desired.properties import rows
from bridged.errors import WorldError
from bridged.plan.actions import Changes

Raw = dict[str, dict[str, Variant]]
"""A profile with typed values: setting -> key -> variant."""

_NEW_NAMES_SINCE = (1, 46)
"""Before, ``port-type`` and ``autoconnect-ports`` are unknown properties and refused."""
_ALIASES = {
    "controller": "master",
    "port-type": "slave-type",
    "autoconnect-ports": "autoconnect-slaves",
}
_PLAN = {
    ("connection", "id"): "s",
    ("connection", "uuid"): "s",
    ("connection", "type"): "s",
    ("connection", "interface-name"): "s",
    ("connection", "autoconnect"): "b",
    ("connection", "autoconnect-priority"): "i",
    ("connection", "autoconnect-retries"): "i",
    ("connection", "controller"): "s",
    ("connection", "master"): "s",
    ("connection", "port-type"): "s",
    ("connection", "slave-type"): "s",
    ("connection", "autoconnect-ports"): "i",
    ("connection", "autoconnect-slaves"): "i",
    ("vlan", "parent"): "s",
    ("802-3-ethernet", "mac-address"): "ay",
}
"""Types of what the plan writes by itself, beside the rows of the declared properties."""

_VLAN = {"vid-start": "q", "vid-end": "q", "pvid": "b", "untagged": "b"}
"""Types within an entry of bridge-port.vlans."""


@cache
def _signatures() -> Mapping[tuple[str, str], str]:
    declared = {
        (key.setting, key.key): key.signature
        for model in (Bridge, Nic, Vlan, Offloads)
        for row in rows(model)
        if (key := row.property.nm) is not None
    }
    return _PLAN | declared


def typed(setting: str, key: str, value: Any) -> Variant:
    """The value as NetworkManager wants it; `WorldError` (``failed``) for a key without a type."""
    signature = _signatures().get((setting, key))
    if signature is None:
        raise WorldError("failed", f"no D-Bus type is known for {setting}.{key}")
    if signature == "aa{sv}":
        value = [{k: variant(_VLAN[k], item) for k, item in entry.items()} for entry in value]
    return variant(signature, value)


def parse(settings: Variant) -> Raw:
    """A profile (``a{sa{sv}}``) taken apart down to its typed values."""
    return {setting: entries(keys) for setting, keys in entries(settings).items()}


def changed(raw: Raw, changes: Changes) -> Raw:
    """The profile with `changes` put in; None takes a key out."""
    result = {setting: dict(keys) for setting, keys in raw.items()}
    for setting, keys in changes.items():
        section = result.setdefault(setting, {})
        for key, value in keys.items():
            if value is None:
                section.pop(key, None)
            else:
                section[key] = typed(setting, key, value)
    return result


def for_version(changes: Changes, version: tuple[int, int, int]) -> Changes:
    """The changes in names that this NetworkManager knows, with all aliases of one thing alike.

    1.52 takes both names but goes by the old one where they differ, and returns the old ones only;
    newer versions return both, and a profile in which only one was cleared could not be detached
    (nmstate pull request 2520).  So both are written alike.
    """
    connection = changes.get("connection")
    if not connection or not _ALIASES.keys() & connection.keys():
        return changes
    translated: dict[str, Any] = {}
    for key, value in connection.items():
        old = _ALIASES.get(key)
        if old is None or version >= _NEW_NAMES_SINCE:
            translated[key] = value
        if old is not None:
            translated[old] = value
    return {**changes, "connection": translated}
