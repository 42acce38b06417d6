"""Which object is meant by what somebody typed."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import get_args, get_type_hints

from bridged.desired.names import sysctl_key, sysctl_path
from bridged.errors import BridgedError
from bridged.observe.host import Host, Link
from bridged.plan.actions import ObjectId
from bridged.report import ObjectReport, Report
from bridged.spelling import is_called

KINDS: tuple[str, ...] = get_args(get_type_hints(ObjectId)["kind"])
_LINKS = {"bridge", "port", "vlan"}


class Unknown(BridgedError):
    """No object is meant by that, or several are; `remedy` names what may have been meant."""

    kind = "not-found"

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def resolve(text: str, report: Report, host: Host) -> ObjectReport:
    """The object of the report that `text` names: ``bridge/br-lan``, ``bridge br-lan``, ``br-lan``,
    a sysctl with dots or slashes, an alternative name of a card.  Raises Unknown."""
    kind, name = _parts(text)
    found = [
        item
        for item in report.objects
        if kind in {"", item.kind} and is_called(item.kind, item.name, name)
    ]
    if not found and (link := host.link(name)):
        found = [item for item in report.objects if _is(host.link(item.name), link)]
        found = [item for item in found if kind in {"", item.kind} and item.kind in _LINKS]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(f"{item.kind}/{item.name}" for item in found)
        raise Unknown(f"{name} is several objects", f"say which one: {names}")
    raise _unknown(kind, name, report, host)


def _parts(text: str) -> tuple[str, str]:
    """The kind, empty where none was said, and the name."""
    for kind in KINDS:
        for separator in ("/", " "):
            if text.startswith(kind + separator):
                return kind, text[len(kind) + 1 :].strip()
    return "", text.strip()


def _is(one: Link | None, other: Link) -> bool:
    return one is not None and one.index == other.index


def _unknown(kind: str, name: str, report: Report, host: Host) -> Unknown:
    near = _near(kind, name, report.objects)
    link = host.link(name) if kind in {"", *_LINKS} else None
    controller = host.controller(link) if link else None
    if link is not None and controller is not None and controller.kind == "bridge":
        return Unknown(
            f"{name} is not declared; it is plugged into {controller.name} as a guest port",
            f"bridgedctl explain bridge/{controller.name}"
            if _declared(controller.name, report.objects)
            else f"bridge link show dev {name}",
        )
    if link is not None:
        why = host.protected.get(link.name)
        reason = f" ({why})" if why else ""
        return Unknown(
            f"{name} is on this host{reason} but not declared, so bridged leaves it alone",
            f"ip -details link show {link.name}; or declare it in {report.state.path}",
        )
    left_out = report.state.left_out
    if left_out and not near:
        return Unknown(
            f"{name} is not declared; these drop-ins are left out on this node: "
            f"{'; '.join(left_out)}",
            f"correct `when` there if {name} belongs to this node",
        )
    if not report.objects:
        return Unknown("nothing is declared", f"declare something in {report.state.path}")
    what = f"{kind} {name}" if kind else name
    return Unknown(
        f"{what} is not declared",
        f"did you mean {' or '.join(near)}?" if near else "bridgedctl status lists what is",
    )


def _declared(name: str, objects: Iterable[ObjectReport]) -> bool:
    return any((item.kind, item.name) == ("bridge", name) for item in objects)


def _near(kind: str, name: str, objects: Iterable[ObjectReport]) -> list[str]:
    """At most three objects whose names are nearest to `name`, of `kind` if there are any."""
    table: dict[str, str] = {}
    for item in objects:
        if kind in {"", item.kind}:
            spelt = sysctl_key(sysctl_path(item.name)) if item.kind == "sysctl" else item.name
            table[spelt.lower()] = f"{item.kind}/{item.name}"
    plain = name.lower()
    if not kind or kind == "sysctl":
        plain = plain.removeprefix("/proc/sys/")
        plain = plain if "." in plain else plain.replace("/", ".")
    close = get_close_matches(plain, table, 3, 0.6)
    # The end of a sysctl's or file's name is what people remember.
    ends = [known for known in table if plain and known.endswith((f".{plain}", f"/{plain}"))]
    parts = [known for known in table if plain and plain in known]
    parts.sort(key=lambda part: (table[part].split("/")[0] not in _LINKS, part.find(plain)))
    return [table[known] for known in dict.fromkeys([*ends, *close, *parts])][:3]
