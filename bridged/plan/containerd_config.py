"""containerd's configuration by what it means, and the smallest change that makes it right.

Sources: containerd's docs/man/containerd-config.toml.5 and docs/cri/config.md.  Before 2.0 a file
that is imported replaces the whole section of a plugin; later ones merge it.  So the values are
put into the last file that has the section, where both readings find them, and no drop-in is added:
on 1.x it would throw away what the main file says of registries and images.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from bridged.desired.runtime import Containerd
from bridged.observe.node import ConfigFile

_SECTION = {2: "io.containerd.grpc.v1.cri", 3: "io.containerd.cri.v1.runtime"}
_CRI = frozenset({"cri", "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime"})
_TYPE = "io.containerd.runc.v2"
"""The shim; which program it starts is BinaryName's."""
_DEFAULT_SOCKET = "/run/containerd/containerd.sock"

Keys = tuple[str, ...]


class Unclear(Exception):
    """The configuration cannot be changed safely: why, and what to do by hand."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Reading:
    """What containerd makes of its files: the values that matter here.

    `version` is that of the format, `file` the one whose word counts, None where there is none.
    """

    version: int
    file: ConfigFile | None
    default: str
    runtime: Mapping[str, Any]
    socket: str
    disabled: frozenset[str]


def read(files: Sequence[ConfigFile], name: str) -> Reading:
    """The meaning of the files for the OCI runtime `name`.  Raises Unclear."""
    if not files:
        return Reading(2, None, "runc", {}, _DEFAULT_SOCKET, frozenset())
    version = _version(files[0])
    section = ("plugins", _SECTION[version])
    file = next((f for f in reversed(files) if _get(f.data, section) is not None), files[0])
    cri: Any = {}
    for each in files:
        own = _get(each.data, section)
        if own is not None:
            cri = _laid_over(cri, own) if version == 3 else own
    own = _table(cri, ("containerd",), file)
    runtime = _table(own, ("runtimes", name), file)
    _table(runtime, ("options",), file)
    address = [_get(each.data, ("grpc", "address")) for each in files]
    disabled = {str(n) for each in files for n in _list(each, "disabled_plugins")}
    return Reading(
        version,
        file,
        str(own.get("default_runtime_name") or "runc"),
        runtime,
        next((str(a) for a in reversed(address) if a), _DEFAULT_SOCKET),
        frozenset(disabled),
    )


def wanted(spec: Containerd, program: str, version: int) -> Iterator[tuple[str, Keys, Any]]:
    """The values that are to hold: what people call each, its keys, the value."""
    base: Keys = ("plugins", _SECTION[version], "containerd")
    runtime = (*base, "runtimes", spec.oci_runtime)
    yield "default-runtime", (*base, "default_runtime_name"), spec.oci_runtime
    yield "runtime-type", (*runtime, "runtime_type"), _TYPE
    yield "runtime-program", (*runtime, "options", "BinaryName"), program
    yield "systemd-cgroup", (*runtime, "options", "SystemdCgroup"), spec.cgroup_driver == "systemd"


def differences(spec: Containerd, program: str, seen: Reading) -> list[tuple[str, Any, Any]]:
    """What differs: what it is called, the value wanted, the one in force."""
    found: list[tuple[str, Any, Any]] = []
    options = _get(seen.runtime, ("options",)) or {}
    have = {
        "default-runtime": seen.default,
        "runtime-type": seen.runtime.get("runtime_type"),
        "runtime-program": options.get("BinaryName"),
        "systemd-cgroup": options.get("SystemdCgroup", False),
    }
    if spec.oci_runtime == "runc":  # containerd knows it without being told
        have["runtime-type"] = have["runtime-type"] or _TYPE
        have["runtime-program"] = have["runtime-program"] or program
    if have["runtime-program"] == spec.oci_runtime:  # looked for by its name
        have["runtime-program"] = program
    for name, _, value in wanted(spec, program, seen.version):
        if have[name] != value:
            found.append((name, value, have[name]))
    if seen.disabled & _CRI:
        found.append(("cri", "enabled", "disabled"))
    return found


def edited(spec: Containerd, program: str, seen: Reading) -> str:
    """The text of `seen.file` with the values that are wanted, everything else as it was.

    Raises Unclear where that cannot be done, or would change anything else.
    """
    try:
        import tomlkit
    except ModuleNotFoundError:
        raise Unclear(
            "its configuration cannot be changed: there is no tomlkit", "install python3-tomlkit"
        ) from None
    text = seen.file.text if seen.file else ""
    goal: dict[str, Any] = deepcopy(dict(seen.file.data)) if seen.file else {}
    names = {name for name, _, _ in differences(spec, program, seen)}
    if "version" not in goal:
        text, goal["version"] = f"version = {seen.version}\n{text}", seen.version
    try:
        document = tomlkit.parse(text)
        for name, keys, value in wanted(spec, program, seen.version):
            if name in names:
                _put(document, keys, value, tomlkit.table)
                _put(goal, keys, value, dict)
        if frozenset(map(str, goal.get("disabled_plugins", ()))) & _CRI:
            left = [name for name in goal["disabled_plugins"] if str(name) not in _CRI]
            document["disabled_plugins"] = goal["disabled_plugins"] = left
        result = tomlkit.dumps(document)
    # Its own errors are ValueErrors; an inline table cannot take what a table can.
    except (ValueError, TypeError, AttributeError) as error:
        raise Unclear(f"its configuration cannot be changed: {error}", _by_hand(seen)) from None
    if _parsed(result) != goal:
        raise Unclear("a change of its configuration would touch something else", _by_hand(seen))
    if result == text:
        raise Unclear("another file of its configuration disables the CRI plugin", _by_hand(seen))
    return result


def _by_hand(seen: Reading) -> str:
    path = seen.file.path if seen.file else "its configuration"
    return (
        f"set default_runtime_name and the runtime's options in {path} by hand, and take cri out "
        "of disabled_plugins"
    )


def _table(data: Any, keys: Keys, file: ConfigFile) -> Mapping[str, Any]:
    """The table at `keys`, an empty one where there is none.  Raises Unclear where something else
    is there: containerd does not start with that, and everything else must not wait for it."""
    found = _get(data, keys)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise _misshapen(file, keys[-1], "a table")
    return found


def _list(file: ConfigFile, key: str) -> list[Any]:
    found = file.data.get(key, [])
    if not isinstance(found, list):
        raise _misshapen(file, key, "a list")
    return found


def _misshapen(file: ConfigFile, key: str, what: str) -> Unclear:
    return Unclear(
        f"{key} in {file.path} is not {what}", "correct it, then: containerd config dump"
    )


def _version(file: ConfigFile) -> int:
    version = file.data.get("version", 1)
    if isinstance(version, int) and version in _SECTION:
        return version
    if version == 1 and not file.data.get("plugins"):
        return 2  # nothing in it means anything else in version 2
    raise Unclear(
        f"{file.path} has the form of version {version!r}, bridged knows 2 and 3",
        f"containerd config migrate >{file.path}.new, look at it and put it in place",
    )


def _get(data: Any, keys: Keys) -> Any:
    for key in keys:
        if not isinstance(data, Mapping) or key not in data:
            return None
        data = data[key]
    return data


def _put(data: Any, keys: Keys, value: Any, table: Any) -> None:
    for key in keys[:-1]:
        if key not in data:
            data[key] = table()
        data = data[key]
    data[keys[-1]] = value


def _laid_over(base: Any, later: Any) -> Any:
    if not isinstance(base, Mapping) or not isinstance(later, Mapping):
        return later
    both = {key: _laid_over(base[key], later[key]) for key in base.keys() & later.keys()}
    return {**base, **later, **both}


def _parsed(text: str) -> dict[str, Any] | None:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
