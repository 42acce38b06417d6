"""`bridgedctl ready`: is this node ready for KubeVirt, and why not.  Pure but for its callers."""

from typing import Any

from bridged.cli.terminal import Terminal, cells, pad
from bridged.telling.words import count, escape

Document = dict[str, Any]

_LOOKS = {"ready": ("ok", "green"), "warning": ("warn", "yellow"), "not-ready": ("bad", "red")}


def is_ready(document: Document) -> bool:
    """Whether nothing stands against it; what is only worth a look does not."""
    return all(check["outcome"] != "not-ready" for check in document["readiness"])


def ready_document(document: Document, current: bool = True) -> Document:
    """What `--json` prints: the verdict and every check.  Nobody is ready by what is not
    `current`."""
    return {
        "hostname": document["hostname"],
        "time": document["time"],
        "ready": current and is_ready(document),
        "checks": document["readiness"],
    }


def ready_text(document: Document, terminal: Terminal) -> str:
    """The verdict, and a line for every check with its reason and remedy."""
    document = escape(document)
    checks: list[Document] = document["readiness"]
    against = sum(check["outcome"] == "not-ready" for check in checks)
    said = f"{document['hostname']}: ready for KubeVirt"
    if against:
        said = f"{document['hostname']}: not ready for KubeVirt, {count(against, 'reason')}"
    symbol, colour = ("bad", "red") if against else ("ok", "green")
    lines = terminal.wrap(said, f"{terminal.symbol(symbol)} ", "  ")
    lines = [terminal.paint(line, colour, "bold") for line in lines] + [""]
    width = max((cells(check["name"]) for check in checks), default=0)
    for check in checks:
        lines += _check(check, width, terminal)
    return "\n".join(lines) + "\n"


def _check(check: Document, width: int, terminal: Terminal) -> list[str]:
    symbol, colour = _LOOKS[check["outcome"]]
    first = f"{terminal.symbol(symbol)} {pad(check['name'], width)}  "
    indent = " " * cells(first)
    rows = terminal.wrap(check["reason"] or "ready", first, indent)
    rows[0] = terminal.paint(rows[0][:1], colour) + rows[0][1:]
    if check["remedy"] and check["outcome"] != "ready":
        rows += terminal.wrap(check["remedy"], f"{indent}do: ", f"{indent}    ")
    return rows
