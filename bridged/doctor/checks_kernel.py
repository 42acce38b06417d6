"""The kernel and the cards: can they do what is declared."""

import re
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath

from bridged.doctor.records import Check, ok, problem, unseen, warning
from bridged.doctor.subject import Subject

_INSTANCES, _WATCHES = 512, 65536
"""Below these a node with many pods runs out (cases of kubelet and of guests' agents)."""
_CALL = "net/bridge/bridge-nf-call-"
_VIRTUAL = "the platform's own switch drops frames of addresses that it does not know"
_DRIVERS = {
    "e1000e": (
        "some of these cards hang while segmenting for a bridge (Detected Hardware Unit Hang)",
        "if dmesg shows that, declare offloads: {tso: false, gso: false} for the card",
    ),
    "vmxnet3": (_VIRTUAL, "allow promiscuous mode and forged transmits for the port group"),
    "hv_netvsc": (_VIRTUAL, "Set-VMNetworkAdapter -MacAddressSpoofing On for this machine"),
    "ena": (_VIRTUAL, "guests behind a bridge need routing or address translation there"),
    "gve": (_VIRTUAL, "guests behind a bridge need routing or address translation there"),
    "r8152": ("a USB card may come back under another name", "pin its name with a .link file"),
}
"""Driver -> why it deserves a look as a bridge port, and what to do."""


def check_kernel(subject: Subject) -> Iterator[Check]:
    """Features, parameters and limits of the kernel."""
    yield from _feature(subject, "bridge", "bridges", bool(subject.bridges))
    yield from _feature(subject, "8021q", "VLAN devices", bool(subject.vlans))
    yield from _filtering(subject)
    yield from _writable(subject)
    yield from _modules(subject)
    yield from _netfilter(subject)
    yield from _inotify(subject)


def _listed(text: str | None, module: str) -> bool:
    """Whether modules.dep or modules.builtin has a module, compressed or not."""
    pattern = rf"(?:^|/){re.escape(module)}\.ko(?:\.\w+)?(?::|$)"
    return bool(re.search(pattern, text or "", re.M))


def _feature(subject: Subject, module: str, what: str, needed: bool) -> Iterator[Check]:
    read = subject.read
    here = f"/lib/modules/{read.release}"
    loaded = any(
        line.split(" ", 1)[0] == module for line in (read.text("/proc/modules") or "").splitlines()
    )
    kinds = {link.kind for link in subject.links} if isinstance(subject.links, tuple) else set()
    kind = "vlan" if module == "8021q" else module
    if loaded or kind in kinds:
        yield ok(f"kernel-{kind}", f"this kernel has {what}")
    elif _listed(read.text(f"{here}/modules.builtin"), module):
        yield ok(f"kernel-{kind}", f"{what} are built into this kernel")
    elif _listed(read.text(f"{here}/modules.dep"), module):
        yield ok(f"kernel-{kind}", f"the module {module} can be loaded")
    elif not read.exists(here):
        yield unseen(
            f"kernel-{kind}",
            f"there is no {here}, so nobody can tell whether this kernel has {what}",
            "if it lacks them, boot a kernel whose modules are installed",
        )
    elif needed:
        yield problem(
            f"kernel-{kind}",
            f"kernel {read.release} has no module {module}",
            f"without it there are no {what}, and some are declared",
            "install the kernel's modules (linux-modules-extra, kernel-modules) and boot it",
        )
    else:
        yield ok(f"kernel-{kind}", f"no module {module}; no {what} are declared")


def _filtering(subject: Subject) -> Iterator[Check]:
    wanted = any(bridge.filters_vlans for bridge in (subject.state.bridges or {}).values())
    config = subject.read.text(f"/boot/config-{subject.read.release}")
    by_link = [
        "br_vlan_filtering" in link.info
        for link in (subject.links if isinstance(subject.links, tuple) else ())
        if link.kind == "bridge"
    ]
    has: bool | None = None
    if config is not None:
        has = "CONFIG_BRIDGE_VLAN_FILTERING=y" in config
    if any(by_link):
        has = True
    if has:
        yield ok("vlan-filtering", "bridges of this kernel can filter VLANs")
    elif has is None and wanted:
        yield unseen(
            "vlan-filtering",
            f"no /boot/config-{subject.read.release}, and no bridge to try it on",
            "bridgedctl status tells as soon as there is a bridge",
        )
    elif has is False:
        grade = problem if wanted else warning
        yield grade(
            "vlan-filtering",
            "bridges of this kernel cannot filter VLANs",
            "isolate, vlan-filtering and VLANs per port need CONFIG_BRIDGE_VLAN_FILTERING",
            "boot a kernel that has it",
        )


def _writable(subject: Subject) -> Iterator[Check]:
    mounts = [
        line.split() for line in (subject.read.text("/proc/self/mountinfo") or "").splitlines()
    ]
    flags = {row[4]: row[5].split(",") for row in mounts if len(row) > 5}
    wanted = [f"/proc/sys/{path}" for path in subject.state.sysctls or ["net/ipv4/ip_forward"]]
    points = {path: _mount_point(path, flags) for path in wanted}
    locked = sorted(path for path, point in points.items() if "ro" in flags.get(point, ()))
    if not any(point.startswith("/proc") for point in points.values()):
        yield unseen("proc-sys", "/proc/self/mountinfo does not tell how /proc is mounted")
    elif locked:
        yield problem(
            "proc-sys",
            f"{points[locked[0]]} is mounted read-only, so {locked[0]} cannot be written",
            "kernel parameters cannot be written: a container, or a unit with too much protection",
            "run bridged on the host itself, without ProtectKernelTunables",
        )
    else:
        yield ok("proc-sys", "kernel parameters can be written")


def _mount_point(path: str, mounted: Collection[str]) -> str:
    """The nearest mount above a path, "" where none is known."""
    above = (str(parent) for parent in (PurePosixPath(path), *PurePosixPath(path).parents))
    return next((point for point in above if point in mounted), "")


def _modules(subject: Subject) -> Iterator[Check]:
    locked = (subject.read.text("/proc/sys/kernel/modules_disabled") or "").strip()
    if locked == "1" and subject.state.modules:
        yield problem(
            "module-loading",
            "kernel.modules_disabled is 1",
            "no module can be loaded until the next boot",
            "find who sets it (sysctl.d, hardening) and have it done after bridged",
        )
    elif locked == "0":
        yield ok("module-loading", "modules can be loaded")


def _netfilter(subject: Subject) -> Iterator[Check]:
    on = []
    for name in ("iptables", "ip6tables", "arptables"):
        path = f"{_CALL}{name}"
        value = (subject.read.text(f"/proc/sys/{path}") or "").strip()
        if value == "1" and path not in (subject.state.sysctls or {}):
            on.append(f"bridge-nf-call-{name}")
    if on:
        yield warning(
            "br-netfilter",
            f"{', '.join(on)} = 1, and the state file does not say so",
            "frames between guests of one bridge pass the host's firewall; a FORWARD policy of "
            "DROP cuts them off",
            "declare it under sysctls: 1 where Kubernetes needs it, else 0",
        )
    elif subject.read.exists("/proc/sys/net/bridge"):
        declared = any(path.startswith(_CALL) for path in subject.state.sysctls or {})
        said = "as the state file declares it" if declared else "off"
        yield ok("br-netfilter", f"whether bridged frames pass the host's firewall is {said}")
    else:
        yield ok("br-netfilter", "br_netfilter is not loaded")


def _inotify(subject: Subject) -> Iterator[Check]:
    wanted = subject.state.sysctls or {}
    low = []
    for name, least in (("max_user_instances", _INSTANCES), ("max_user_watches", _WATCHES)):
        path = f"fs/inotify/{name}"
        value = (subject.read.text(f"/proc/sys/{path}") or "").strip()
        if value.isdigit() and int(value) < least and path not in wanted:
            low.append(f"fs.inotify.{name} is {value}")
    if low:
        yield warning(
            "inotify",
            ", ".join(low),
            "when pods have used them up, changes of the state file are noticed by polling only",
            "declare under sysctls, such as: fs.inotify.max_user_instances: {at-least: 8192}",
        )
    else:
        yield ok("inotify", "enough inotify instances and watches, or declared")


def check_cards(subject: Subject) -> Iterator[Check]:
    """The declared cards: are they there, and is one known for trouble on a bridge."""
    if isinstance(subject.links, str):
        yield unseen("cards", f"the kernel's links cannot be read: {subject.links}")
        return
    by_name = {name: link for link in subject.links for name in (link.name, *link.altnames)}
    offloads = subject.read.offloads(sorted(subject.cards & by_name.keys()))
    for name in sorted(subject.cards):
        link = by_name.get(name)
        if link is None:
            cards = sorted(
                other.name for other in subject.links if not other.kind and other.name != "lo"
            )
            yield problem(
                "card",
                f"there is no {name}",
                "what is declared on it stays blocked until it appears",
                f"correct the name, or plug it in; there are {', '.join(cards) or 'no cards'}",
            )
        elif subject.read.exists(f"/sys/class/net/{link.name}/phy80211"):
            yield problem(
                "card",
                f"{name} is a wireless card",
                "an access point takes frames of its own address only, so it cannot be a port",
                "use a wired card for the bridge",
            )
        elif offloads.get(name, {}).get("lro"):
            yield warning(
                "card",
                f"{name} has LRO on",
                "packets that were merged cannot be forwarded to guests as they came",
                f"declare offloads: {{lro: false}} for {name}",
            )
        elif link.driver in _DRIVERS:
            why, remedy = _DRIVERS[link.driver]
            yield warning("card", f"{name} is driven by {link.driver}", why, remedy)
        else:
            said = ", ".join(filter(None, (link.driver, link.operstate)))
            yield ok("card", f"{name} is there ({said})")
