"""bridged itself: its state file, its unit, whether it answers."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from bridged.desired.errors import StateError
from bridged.desired.loader import Loaded, load
from bridged.desired.probes import parse
from bridged.doctor.records import Check, ok, problem, unseen, warning
from bridged.doctor.subject import Subject
from bridged.observe.facts import facts_beside

_UNIT = "bridged.service"


def check_state(path: str, draft: bool = False) -> tuple[Loaded | None, list[Check]]:
    """The state, None where it cannot be used, and what is to be said of the file."""
    try:
        loaded = load(path, trusted=draft, facts=facts_beside(path, trusted=draft))
    except StateError as error:
        first, more = error.problems[0], len(error.problems) - 1
        said = f"{first.where}: {first.message}" + (f", and {more} more" if more else "")
        why = "nothing new is taken over from it; the last good state stays in force"
        if "no such file" in first.message:
            why = "bridged keeps what is declared there, and only that"
        if "not permitted" in first.message:
            return None, [unseen("state-file", said)]
        remedy = first.remedy or f"bridgedctl validate {path}"
        return None, [problem("state-file", said, why, remedy)]
    others = f" and {len(loaded.files) - 1} drop-ins" if len(loaded.files) > 1 else ""
    others += f" ({len(loaded.left_out)} left out on this node)" if loaded.left_out else ""
    who = "" if draft else ", and nobody else can write it"
    return loaded, [ok("state-file", f"{path}{others} can be used{who}")]


def check_service(subject: Subject, socket: str) -> Iterator[Check]:
    """The unit: installed, enabled, running, watched."""
    if not subject.read.exists("/run/systemd/system"):
        yield unseen("unit", "systemd does not run here", "run bridged by hand, or boot systemd")
        return
    unit = subject.unit(_UNIT)
    if not unit:
        yield warning(
            "unit",
            "bridged.service is not installed",
            "nothing keeps this node as declared",
            "sudo make install",
        )
        return
    yield from _running(unit, subject.read.exists(socket), socket)
    yield from _probes(unit, subject.state.probes)
    if unit.get("UnitFileState") not in {"enabled", "enabled-runtime"}:
        yield warning(
            "unit-enabled",
            f"bridged.service is {unit.get('UnitFileState') or 'not enabled'}",
            "after the next boot nothing keeps the node as declared",
            "systemctl enable bridged",
        )
    else:
        yield ok("unit-enabled", "bridged.service starts at boot")
    if unit.get("NeedDaemonReload") == "yes":
        yield warning(
            "unit-changed",
            "the unit file has changed since systemd read it",
            "systemd goes by the old one",
            "systemctl daemon-reload",
        )
    if unit.get("WatchdogUSec", "0") in {"0", "infinity"}:
        yield warning(
            "watchdog",
            "systemd does not watch bridged",
            "an agent that hangs would not be restarted",
            "remove WatchdogSec=0 from the drop-ins: systemctl cat bridged",
        )
    else:
        yield ok("watchdog", f"systemd restarts an agent that hangs for {unit['WatchdogUSec']}")


def _probes(unit: dict[str, str], probes: Iterable[str]) -> Iterator[Check]:
    """Probes that the unit's filter of addresses (systemd.resource-control(5)) keeps back."""
    allowed, denied = (_networks(unit.get(f"IPAddress{key}", "")) for key in ("Allow", "Deny"))
    addresses = dict.fromkeys(parse(text).address for text in probes)
    for address in map(ip_address, addresses):
        if any(address in net for net in denied) and not any(address in net for net in allowed):
            yield warning(
                "probe-denied",
                f"the unit does not let bridged ask {address}, which `probes` lists",
                "a change that cuts the node off from there would not be rolled back",
                f"systemctl edit bridged: [Service] IPAddressAllow={address}; "
                "then: systemctl restart bridged",
            )


def _networks(text: str) -> list[IPv4Network | IPv6Network]:
    found = []
    for word in text.split():
        with suppress(ValueError):
            found.append(ip_network(word, strict=False))
    return found


def _running(unit: dict[str, str], has_socket: bool, socket: str) -> Iterator[Check]:
    state, restarts = unit.get("ActiveState", ""), unit.get("NRestarts", "0")
    if state == "active":
        yield ok("unit", "bridged.service runs")
        if not has_socket:
            yield warning(
                "control-socket",
                f"there is no {socket}",
                "bridgedctl cannot ask the agent",
                "systemctl restart bridged",
            )
        if restarts.isdigit() and int(restarts):
            yield warning(
                "restarts",
                f"bridged was restarted {restarts} times since it was started by hand or boot",
                "it should never end by itself",
                "journalctl -u bridged",
            )
    elif state == "failed":
        yield problem(
            "unit",
            "bridged.service has failed",
            "nothing keeps this node as declared",
            "journalctl -u bridged -e; then: systemctl restart bridged",
        )
    else:
        yield warning(
            "unit",
            f"bridged.service is {state or 'not running'}",
            "nothing keeps this node as declared",
            "systemctl enable --now bridged",
        )
