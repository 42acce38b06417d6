"""NetworkManager: is it there, does it manage what is declared, what else does it have for it."""

import configparser
from collections.abc import Iterator
from fnmatch import fnmatchcase

from bridged.doctor.records import Check, ok, problem, unseen, warning
from bridged.doctor.subject import Subject
from bridged.observe.host import Profile, Unavailable
from bridged.plan.port_view import look_up
from bridged.plan.profiles import choose_bridge

OLDEST = (1, 42, 0)
"""The oldest NetworkManager that the tests run beside."""
_START = "systemctl enable --now NetworkManager; look with: journalctl -u NetworkManager -e"


def check_networkmanager(subject: Subject) -> Iterator[Check]:
    """Everything about NetworkManager."""
    nm = subject.nm
    if isinstance(nm, Unavailable) and "libraries are missing" in nm.reason:
        yield unseen("networkmanager", nm.reason, "bring the libraries first, see above")
    elif isinstance(nm, Unavailable) and "no system bus" in nm.reason:
        yield problem(
            "dbus",
            nm.reason,
            "NetworkManager is asked over the system bus only",
            "systemctl start dbus.socket; is DBUS_SYSTEM_BUS_ADDRESS right?",
        )
    elif isinstance(nm, Unavailable):
        yield problem(
            "networkmanager",
            nm.reason,
            "profiles are what makes the next boot right; without it only the kernel is kept",
            nm.remedy or _START,
        )
    elif nm.version < OLDEST:
        yield problem(
            "networkmanager",
            f"NetworkManager {_dotted(nm.version)}",
            f"older than {_dotted(OLDEST)}, the oldest that bridged is tested with",
            "upgrade NetworkManager",
        )
    else:
        yield ok("networkmanager", f"NetworkManager {_dotted(nm.version)} answers over D-Bus")
    yield from _configuration(subject)
    if not isinstance(nm, Unavailable):
        yield from _managed(subject)
        yield from _rivals(subject)
        yield from _volatile(subject)
    yield from _wait_online(subject)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def configuration(subject: Subject) -> configparser.ConfigParser | None:
    """NetworkManager's configuration with all its files merged, None where it does not tell."""
    answer = subject.read.ask("NetworkManager", "--print-config")
    if answer is None or answer.code != 0:
        return None
    parser = configparser.ConfigParser(
        interpolation=None, strict=False, delimiters=("=",), comment_prefixes=("#",)
    )
    try:
        parser.read_string(answer.text)
    except configparser.Error:
        return None
    return parser


def _configuration(subject: Subject) -> Iterator[Check]:
    config = configuration(subject)
    if config is None:
        yield unseen(
            "nm-configuration",
            "NetworkManager --print-config does not answer: it is not installed, or too old",
            "look at /etc/NetworkManager/NetworkManager.conf and conf.d yourself",
        )
        return
    plugins = _words(config.get("main", "plugins", fallback=""))
    if "ifcfg-rh" in plugins and plugins.index("ifcfg-rh") < _index(plugins, "keyfile"):
        yield warning(
            "nm-plugins",
            f"plugins={','.join(plugins)}: profiles are written as ifcfg files",
            "newer releases no longer read them, and not every bridge setting fits into one",
            "write plugins=keyfile under [main] in NetworkManager.conf, then: "
            "nmcli connection migrate",
        )
    else:
        yield ok("nm-plugins", f"profiles are kept as keyfiles (plugins: {', '.join(plugins)})")
    if "ifupdown" in plugins and not config.getboolean("ifupdown", "managed", fallback=False):
        named = sorted(subject.names & set(_interfaces(subject)))
        if named:
            yield problem(
                "nm-ifupdown",
                f"the ifupdown plugin leaves {', '.join(named)} unmanaged",
                "NetworkManager does not touch what /etc/network/interfaces names",
                "take them out of /etc/network/interfaces, then: systemctl restart NetworkManager",
            )
    if config.get("main", "no-auto-default", fallback=""):
        yield ok(
            "nm-auto-default", "NetworkManager makes no profiles by itself for the cards named"
        )
    else:
        yield ok(
            "nm-auto-default",
            "NetworkManager makes a DHCP profile for a free card; those of declared cards are "
            "put aside",
        )
    yield from _unmanaged_by_name(subject, config)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.replace(";", ",").split(",") if word.strip()]


def _index(words: list[str], word: str) -> int:
    return words.index(word) if word in words else len(words)


def _interfaces(subject: Subject) -> Iterator[str]:
    for line in (subject.read.text("/etc/network/interfaces") or "").splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "iface":
            yield words[1]


def _unmanaged_by_name(subject: Subject, config: configparser.ConfigParser) -> Iterator[Check]:
    """What the configuration leaves alone by name, also what is not there yet."""
    rules = config.get("keyfile", "unmanaged-devices", fallback="")
    excepted = [rule[7:] for rule in _words(rules) if rule.startswith("except:")]
    hits = {
        name: rule
        for rule in _words(rules)
        for name in sorted(subject.names)
        if not rule.startswith("except:")
        and _covers(rule, name)
        and not any(_covers(other, name) for other in excepted)
    }
    for name, rule in hits.items():
        yield problem(
            "nm-unmanaged",
            f"unmanaged-devices={rule} covers {name}",
            f"NetworkManager does not make {name} at boot, and bridged can only mend the kernel",
            f"add except:interface-name:{name} to unmanaged-devices, then: nmcli general reload",
        )


def _covers(rule: str, name: str) -> bool:
    """Whether a device spec of NetworkManager.conf(5) names an interface by its name."""
    if rule == "*":
        return True
    pattern = rule.removeprefix("interface-name:")
    if pattern == rule and ":" in rule:
        return False  # by address, driver or type: what there is now is asked of NetworkManager
    return name == pattern[1:] if pattern.startswith("=") else fnmatchcase(name, pattern)


def _managed(subject: Subject) -> Iterator[Check]:
    there = {name: subject.context.device(subject.context.ifname(name)) for name in subject.names}
    unmanaged = sorted(name for name, device in there.items() if device and not device.managed)
    for name in unmanaged:
        yield problem(
            "nm-managed",
            f"NetworkManager does not manage {name}",
            "the next boot does not bring it up by itself",
            f"nmcli device set {name} managed yes; see unmanaged-devices, udev's NM_UNMANAGED",
        )
    managed = sorted(name for name, device in there.items() if device and device.managed)
    if managed and not unmanaged:
        yield ok("nm-managed", f"NetworkManager manages {', '.join(managed)}")


def _rivals(subject: Subject) -> Iterator[Check]:
    context, found = subject.context, False
    assert context.nm is not None
    choices = [(name, choose_bridge(context.nm, name)) for name in sorted(subject.bridges)]
    for bridge, spec, port in context.state.ports():
        choices.append((port.device, look_up(context, bridge, spec, port).choice))
    for name, choice in choices:
        for rival in choice.rivals:
            found = True
            yield warning(
                "rival-profile",
                f"profile {rival.id} ({rival.uuid}, {_file(rival)}) wants {name} too",
                "whichever NetworkManager takes first at boot wins",
                "none: bridged turns its autoconnect off; to be rid of it: "
                f"nmcli connection delete {rival.uuid}",
            )
    if choices and not found:
        yield ok("rival-profile", "no other profile would be activated on a declared link")


def _file(profile: Profile) -> str:
    return profile.filename or "in memory only"


def _volatile(subject: Subject) -> Iterator[Check]:
    """Profiles that a boot does not keep: rendered anew by somebody, or gone."""
    context = subject.context
    assert context.nm is not None
    for profile in context.nm.profiles:
        if profile.interface not in subject.names or not profile.filename.startswith("/run/"):
            continue
        netplan = "netplan" in profile.filename
        yield warning(
            "profile-in-run",
            f"profile {profile.id} of {profile.interface} lives in {profile.filename}",
            "netplan writes it anew at every boot, and what bridged changes in it is lost"
            if netplan
            else "it goes with the next boot, unless somebody writes it anew; bridged saves on "
            "disk what makes a declared bridge or port",
            f"take {profile.interface} out of netplan's configuration"
            if netplan
            else f"find what writes {profile.filename}, and have it leave this link alone",
        )


def _wait_online(subject: Subject) -> Iterator[Check]:
    """Waiting for the network at boot: by NetworkManager, and by nobody who has none to manage."""
    networkd = subject.unit("systemd-networkd-wait-online.service")
    active = subject.unit("systemd-networkd.service").get("ActiveState")
    if networkd.get("UnitFileState") == "enabled" and active != "active":
        yield warning(
            "wait-online",
            "systemd-networkd-wait-online is enabled while systemd-networkd does not run",
            "the boot waits two minutes for a network that nobody brings up",
            "systemctl disable systemd-networkd-wait-online",
        )
        return
    state = subject.unit("NetworkManager-wait-online.service").get("UnitFileState")
    if state:
        yield ok(
            "wait-online",
            f"NetworkManager-wait-online is {state}; bridged does not wait for it",
        )
