"""The table of packages: which ones this node has to have, and which ones it must not have."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from bridged.desired.base import Model, Refused, Text
from bridged.desired.errors import shown

Database = Literal["dpkg", "rpm"]
"""Who keeps a distribution's packages: Debian's family, or that of Red Hat and SUSE."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*\Z")
_ALIASES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("device-mapper-multipath",), ("multipath-tools",)),
    (("docker", "docker-ce", "moby-engine"), ("docker.io", "docker-ce", "docker")),
    (("NetworkManager",), ("network-manager",)),
    (("bind-utils",), ("bind9-dnsutils", "dnsutils")),
    (("conntrack-tools",), ("conntrack",)),
    (("iproute",), ("iproute2",)),
    (("iscsi-initiator-utils",), ("open-iscsi",)),
    (("libvirt-daemon",), ("libvirt-daemon-system",)),
    (("nfs-utils",), ("nfs-common",)),
    (("procps-ng",), ("procps",)),
    (("qemu-kvm",), ("qemu-system-x86",)),
    (("vim-enhanced",), ("vim",)),
)
"""The same software under the names of rpm and of dpkg; the one to install first."""


def equivalents(name: str, database: Database) -> tuple[str, ...]:
    """The names under which `name` may be installed here, its own one first."""
    for rpm, dpkg in _ALIASES:
        if name in rpm or name in dpkg:
            names = dpkg if database == "dpkg" else rpm
            return tuple(dict.fromkeys((name, *names)))
    return (name,)


def _package(name: str) -> str:
    if not _NAME.match(name):
        said = f'"{shown(name)}" is not the name of a package'
        bare = re.split(r"[=<>:\s]", name.strip())[0]
        remedy = "write the name as apt-cache or dnf list it, without version and architecture"
        raise Refused(said, f"write {bare}" if bare != name and _NAME.match(bare) else remedy)
    return name


PackageName = Annotated[
    str,
    AfterValidator(_package),
    Text("the name of a package", r"^[A-Za-z0-9][A-Za-z0-9+._-]*$"),
]


class Packages(Model):
    """Packages of the distribution; what is not listed is left as it is."""

    present: Annotated[
        tuple[PackageName, ...],
        Field(description="packages that have to be installed, under the name of any distribution"),
    ] = ()
    absent: Annotated[
        tuple[PackageName, ...], Field(description="packages that must not be installed")
    ] = ()
    enforce: Annotated[
        bool,
        Field(
            description="true: bridged installs and removes them with apt-get or dnf, never taking "
            "anything along that is not listed; false: differences are only reported"
        ),
    ] = False
