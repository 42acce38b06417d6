"""Names: which ones the kernel accepts, and when two spellings mean the same thing."""

import re

from bridged.desired.errors import shown

_MODULE = re.compile(r"[A-Za-z0-9_-]+\Z")
IFNAME_LIMIT = 15
"""IFNAMSIZ less the terminating zero."""


def is_port(text: str) -> bool:
    """Whether `text` is the number of a TCP port."""
    return re.fullmatch("[0-9]{1,9}", text) is not None and 0 < int(text) < 65536


def ifname_problem(name: str) -> str | None:
    """Why the kernel would refuse `name` for an interface, or None.

    Source: dev_valid_name() and __dev_alloc_name() in the kernel's net/core/dev.c; `all` and
    `default` would collide with the directories of /proc/sys/net/*/conf.
    """
    said = f'"{shown(name)}"'
    # In UTF-8, a character can take several bytes; the kernel counts bytes.
    length = len(name.encode(errors="surrogatepass"))
    if not name:
        return "an interface name cannot be empty"
    if length > IFNAME_LIMIT:
        unit = "characters" if name.isascii() else "bytes"
        return f"the interface name {said} has {length} {unit}, the kernel allows {IFNAME_LIMIT}"
    if name in {".", "..", "all", "default", "bonding_masters"}:
        return f"the kernel refuses {said} as an interface name"
    bad = sorted({c for c in name if c in "/:%" or c.isspace() or not c.isprintable()})
    if bad:
        chars = " and ".join("a space" if c == " " else f"`{shown(c)}`" for c in bad)
        return f"the interface name {said} contains {chars}, which the kernel does not allow"
    # isspace() in the kernel goes by bytes, and counts the no-break space of Latin-1.
    spaced = sorted({c for c in name if b"\xa0" in c.encode(errors="surrogatepass")})
    if spaced:
        chars = " and ".join(f"`{c}`" for c in spaced)
        return (
            f"the interface name {said} contains {chars}, whose byte 0xA0 in UTF-8 is a space to "
            "the kernel"
        )
    return None


def sysctl_path(key: str) -> str:
    """The path below /proc/sys that `key` names, e.g. ``net/ipv4/ip_forward``.

    The first separator decides, as in sysctl.d(5): after a slash the rest is literal; after a dot,
    dots and slashes change places, so that ``net.ipv6.conf.enp13s0f0/6.disable_ipv6`` can name an
    interface with a dot.
    """
    first = next((char for char in key if char in "./"), "/")
    if first == ".":
        key = key.translate(str.maketrans("./", "/."))
    return key


def sysctl_key(path: str) -> str:
    """The spelling of `path` that people expect: dots, or slashes where a part holds a dot."""
    return path if "." in path else path.replace("/", ".")


def sysctl_problem(key: str) -> str | None:
    """Why `key` cannot name a kernel parameter, or None."""
    said = f'"{shown(key)}"'
    parts = sysctl_path(key).split("/")
    if key.startswith("-"):
        # sysctl.d(5): "ignore errors when writing".
        return f"{said} begins with `-`, which has a meaning in sysctl.d files only"
    if len(parts) < 2 or any(part in {"", ".", ".."} for part in parts):
        return f"{said} is not a sysctl key such as net.ipv4.ip_forward"
    if any(char.isspace() or not char.isprintable() or char in "*?[]=" for char in key):
        return f"{said} contains characters that no sysctl key has"
    return None


def module_name(name: str) -> str:
    """The kernel's own spelling of a module: modprobe takes dashes and underscores alike."""
    return name.replace("-", "_")


def module_problem(name: str) -> str | None:
    """Why `name` cannot be a kernel module, or None."""
    if not _MODULE.match(name):
        said = f'"{shown(name)}"'
        return f"{said} is not the name of a kernel module (letters, digits, _ and -)"
    return None


def sysctl_value(value: str) -> str:
    """`value` as the kernel prints it: fields separated by single spaces, for comparing.

    The kernel answers multi-value keys with tabs whatever separator was written.
    """
    return " ".join(value.split())
