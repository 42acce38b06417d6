"""Who may be changing a contended object back: hints for a person, not proof."""

from collections.abc import Iterator, Mapping

from bridged.desired.names import sysctl_path
from bridged.desired.state import State
from bridged.observe.host import Host, NetworkManager
from bridged.plan.actions import ObjectId
from bridged.plan.identity import owner
from bridged.plan.kernel import satisfied

KNOWN = {
    "tuned": ("sysctl",),
    "dockerd": ("sysctl",),
    "kubelet": ("sysctl",),
    "k3s-server": ("sysctl",),
    "rke2": ("sysctl",),
    "libvirtd": ("sysctl", "bridge"),
    "virtnetworkd": ("sysctl", "bridge"),
    "nmstatectl": ("bridge", "port", "vlan"),
    "handler": ("bridge", "port", "vlan"),
    "systemd-networkd": ("bridge", "port", "vlan"),
    "cloud-init": ("port", "vlan"),
    "puppet": ("sysctl", "module", "bridge", "port", "vlan", "file"),
    "chef-client": ("sysctl", "module", "bridge", "port", "vlan", "file"),
    "salt-minion": ("sysctl", "module", "bridge", "port", "vlan", "file"),
    "cf-agent": ("sysctl", "module", "bridge", "port", "vlan", "file"),
    "dhclient": ("port",),
    "dhcpcd": ("port",),
    "connmand": ("bridge", "port", "vlan"),
    "wickedd": ("bridge", "port", "vlan"),
}
"""Name of a process -> kinds of objects that it is known to change.  ``handler`` is that of
kubernetes-nmstate."""


def suspects(state: State, host: Host, item: ObjectId) -> tuple[str, ...]:
    """The likeliest first: files, then profiles, then running programs."""
    found = [*_files(state, host, item), *_profiles(host, item), *_programs(host, item)]
    return tuple(dict.fromkeys(found))


def _files(state: State, host: Host, item: ObjectId) -> Iterator[str]:
    if item.kind != "sysctl":
        return
    path = sysctl_path(item.name)
    wishes: Mapping[str, object] = state.sysctls or {}
    wish = wishes.get(path)
    for assignment in host.boot_sysctls.get(path, ()):
        if wish is not None and not satisfied(wish, assignment.value, path):  # type: ignore[arg-type]
            yield f"{assignment.file} sets it to {assignment.value}"


def _profiles(host: Host, item: ObjectId) -> Iterator[str]:
    nm = host.network_manager
    if item.kind not in {"bridge", "port", "vlan"} or not isinstance(nm, NetworkManager):
        return
    for profile in nm.candidates(item.name):
        if profile.interface == item.name and owner(profile) != item:
            origin = profile.filename or "in memory only"
            yield f"profile {profile.id} ({profile.uuid}, {origin}) is for it too"


def _programs(host: Host, item: ObjectId) -> Iterator[str]:
    for name in sorted(host.processes):
        if item.kind in KNOWN.get(name, ()):
            yield f"{name} runs here, which is known to set such things"
