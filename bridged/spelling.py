"""How people spell the names of objects: a sysctl and a module have more than one way."""

from bridged.desired.names import module_name, sysctl_path

_PROC = "/proc/sys/"


def is_called(kind: str, name: str, text: str) -> bool:
    """Whether `text` is the object of that kind and name: a sysctl with dots, with slashes or as
    its path is copied, a module with dashes."""
    if kind == "sysctl":
        return bool(text) and sysctl_path(name) in {sysctl_path(text), text.removeprefix(_PROC)}
    if kind == "module":
        return name == module_name(text)
    return name == text
