"""Others who would manage the declared links or parameters too."""

import configparser
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from bridged.desired.names import sysctl_path
from bridged.doctor.records import Check, ok, problem, warning
from bridged.doctor.subject import Subject

_NETWORKD = ("/etc/systemd/network", "/run/systemd/network")
_DAEMONS = {
    "connmand": ("ConnMan", "connman"),
    "wickedd": ("wicked", "wickedd"),
}
_TUNED = ("/etc/tuned/profiles", "/etc/tuned", "/usr/lib/tuned/profiles", "/usr/lib/tuned")
_DEEPEST = 8
"""TuneD profiles that include one another."""
_TWO = "two managers undo each other's work"


def check_managers(subject: Subject) -> Iterator[Check]:
    """Every other manager that is known to be used on such nodes."""
    found = [
        *_networkd(subject),
        *_netplan(subject),
        *_ifupdown(subject),
        *_dhcpcd(subject),
        *_daemons(subject),
        *_nmstate(subject),
        *_cloud_init(subject),
        *_tuned(subject),
    ]
    yield from found
    if not any(check.grade in {"warning", "problem"} for check in found):
        yield ok("other-managers", "nothing else manages the declared links")


def _networkd(subject: Subject) -> Iterator[Check]:
    if subject.unit("systemd-networkd.service").get("ActiveState") != "active":
        return
    hits = [
        f"{path} ({', '.join(names)})"
        for folder in _NETWORKD
        for name in subject.read.names(folder)
        if name.endswith((".network", ".netdev"))
        and (names := _matched(subject, path := f"{folder}/{name}"))
    ]
    if hits:
        yield problem(
            "systemd-networkd",
            f"systemd-networkd runs, and its files are about declared links: {'; '.join(hits)}",
            _TWO,
            "systemctl disable --now systemd-networkd systemd-networkd.socket, or give those "
            "files Unmanaged=yes under [Link]",
        )
    else:
        yield warning(
            "systemd-networkd",
            "systemd-networkd runs; none of its files names a declared link",
            "a file that is added later would manage them beside NetworkManager",
            "if nothing needs it: systemctl disable --now systemd-networkd",
        )


def _matched(subject: Subject, path: str) -> list[str]:
    """The declared links that a file of networkd is about."""
    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        parser.read_string(subject.read.text(path) or "")
    except configparser.Error:
        return []
    if parser.get("Link", "Unmanaged", fallback="no") in {"yes", "true", "1"}:
        return []
    patterns = (parser.get("NetDev", "Name", fallback=None) or "").split()
    patterns += (parser.get("Match", "Name", fallback=None) or "").split()
    whole = {"ether", "*"} & set((parser.get("Match", "Type", fallback=None) or "").split())
    if not patterns and whole:
        return sorted(subject.cards)
    return sorted(n for n in subject.names if any(fnmatchcase(n, p) for p in patterns))


def _netplan(subject: Subject) -> Iterator[Check]:
    for name in subject.read.names("/etc/netplan"):
        if not name.endswith(".yaml"):
            continue
        path = f"/etc/netplan/{name}"
        text = _uncommented(subject.read.text(path) or "")
        named = _mentioned(text, subject.names)
        if not named:
            continue
        through = "NetworkManager" if re.search(r"renderer:\s*NetworkManager", text) else "networkd"
        grade = warning if through == "NetworkManager" else problem
        yield grade(
            "netplan",
            f"{path} is about {', '.join(named)}, by way of {through}",
            "netplan writes its profiles anew at every boot and `netplan apply`",
            f"take {', '.join(named)} out of {path}",
        )


def _uncommented(text: str) -> str:
    return "\n".join(line.split("#", 1)[0] for line in text.splitlines())


def _mentioned(text: str, names: Iterable[str]) -> list[str]:
    return [n for n in sorted(names) if re.search(rf"(?<![\w.-]){re.escape(n)}(?![\w.-])", text)]


def _ifupdown(subject: Subject) -> Iterator[Check]:
    folder = "/etc/network/interfaces.d"
    files = ["/etc/network/interfaces"]
    files += [f"{folder}/{name}" for name in subject.read.names(folder)]
    for path in files:
        for number, line in enumerate((subject.read.text(path) or "").splitlines(), 1):
            words = line.split()
            if not words or words[0] not in _STANZAS:
                continue
            named = sorted(subject.names & set(words[1:]))
            if named:
                yield problem(
                    "ifupdown",
                    f"{path}:{number} names {', '.join(named)}: {line.strip()}",
                    "ifupdown brings it up at boot, and NetworkManager leaves it alone",
                    f"take {', '.join(named)} out of {path}, then: "
                    "systemctl restart NetworkManager",
                )
                break  # one line a file is enough to find the place


_STANZAS = {
    "auto",
    "iface",
    "allow-hotplug",
    "allow-auto",
    "bridge_ports",
    "bridge-ports",
    "vlan_raw_device",
    "vlan-raw-device",
}


def _dhcpcd(subject: Subject) -> Iterator[Check]:
    if "dhcpcd" not in subject.read.running(frozenset({"dhcpcd"})):
        return
    denied: list[str] = []
    for line in (subject.read.text("/etc/dhcpcd.conf") or "").splitlines():
        words = line.split()
        if words[:1] == ["denyinterfaces"]:
            denied += words[1:]
    open_to = sorted(n for n in subject.names if not any(fnmatchcase(n, p) for p in denied))
    if open_to:
        yield problem(
            "dhcpcd",
            f"dhcpcd runs and may give addresses to {', '.join(open_to)}",
            "a port with an address of its own answers beside its bridge",
            f"add to /etc/dhcpcd.conf: denyinterfaces {' '.join(open_to)}",
        )


def _daemons(subject: Subject) -> Iterator[Check]:
    running = subject.read.running(frozenset(_DAEMONS))
    for process in sorted(running):
        name, unit = _DAEMONS[process]
        yield problem(name.lower(), f"{name} runs", _TWO, f"systemctl disable --now {unit}")


def _nmstate(subject: Subject) -> Iterator[Check]:
    for name in subject.read.names("/etc/nmstate"):
        path = f"/etc/nmstate/{name}"
        named = _mentioned(_uncommented(subject.read.text(path) or ""), subject.names)
        if name.endswith((".yml", ".yaml")) and named:
            yield warning(
                "nmstate",
                f"{path} is about {', '.join(named)}",
                "nmstate.service applies it once at boot, and bridged puts its own back",
                f"take {', '.join(named)} out of {path}",
            )
    if "handler" in subject.read.running(frozenset({"handler"})):
        yield warning(
            "kubernetes-nmstate",
            "a process named handler runs, as that of kubernetes-nmstate is",
            "its policies may be about the declared links, and it rolls back checkpoints of others",
            "kubectl get nncp; keep the declared links out of its policies",
        )


def _cloud_init(subject: Subject) -> Iterator[Check]:
    read = subject.read
    if not read.exists("/etc/cloud/cloud.cfg") or read.exists("/etc/cloud/cloud-init.disabled"):
        return
    texts = [read.text("/etc/cloud/cloud.cfg") or ""]
    folder = "/etc/cloud/cloud.cfg.d"
    texts += [read.text(f"{folder}/{n}") or "" for n in read.names(folder) if n.endswith(".cfg")]
    disabled = re.compile(r"^network:\s*(\{\s*config:\s*disabled|\n\s+config:\s*disabled)", re.M)
    if not any(disabled.search(text) for text in texts):
        yield warning(
            "cloud-init",
            "cloud-init may write network profiles at boot",
            "its profiles for a declared card are rivals of the ports'",
            f"echo 'network: {{config: disabled}}' >{folder}/99-bridged.cfg",
        )


def _tuned(subject: Subject) -> Iterator[Check]:
    if "tuned" not in subject.read.running(frozenset({"tuned"})):
        return
    active = (subject.read.text("/etc/tuned/active_profile") or "").split()
    declared = set(subject.state.sysctls or {})
    hits = [
        f"{key} in {path}"
        for path, keys in _tuned_sysctls(subject, active)
        for key in keys
        if sysctl_path(key) in declared
    ]
    if hits:
        yield warning(
            "tuned",
            f"TuneD's profile {' '.join(active)} sets declared parameters: {', '.join(hits)}",
            "they are set anew whenever TuneD starts or changes its profile",
            "take them out of the profile, or out of the state file",
        )
    else:
        yield ok("tuned", f"TuneD runs; its profile {' '.join(active)} sets nothing declared")


def _tuned_sysctls(
    subject: Subject, profiles: Iterable[str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """File and keys of each profile, those that it includes too."""
    waiting, seen = list(profiles), set[str]()
    while waiting and len(seen) < _DEEPEST:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for folder in _TUNED:
            path = f"{folder}/{name}/tuned.conf"
            text = subject.read.text(path)
            if text is None:
                continue
            parser = configparser.ConfigParser(
                interpolation=None, strict=False, delimiters=("=",), allow_no_value=True
            )
            parser.optionxform = str  # type: ignore[assignment,method-assign]
            try:
                parser.read_string(text)
            except configparser.Error:
                break
            waiting += re.split(r"[\s,]+", parser.get("main", "include", fallback="") or "")
            if parser.has_section("sysctl"):
                yield path, tuple(parser.options("sysctl"))
            break
