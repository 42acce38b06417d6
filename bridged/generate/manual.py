"""The manual pages, from the parsers of the commands and the tables of the state file."""

import argparse
import tomllib
from collections.abc import Iterator
from pathlib import Path

from bridged.agent.main import command_line as daemon
from bridged.cli.main import command_line as control
from bridged.desired.reference import HEAD, default, sections, words
from bridged.generate import roff

_DATE = "2026-11-25"
"""Of the last release: a page's date is not that of the day when it was made."""
_ROOT = Path(__file__).resolve().parents[2]

_CONTROL = """\
`bridgedctl` asks the running `bridged` over its control socket. Where none runs, `status`, `plan`,
`explain` and `apply` look at the node themselves, which needs root, and say so.

Members of the group `bridged` may look; only root may change things. Output is plain where it is
not read on a terminal, and as wide as the terminal is. With `--json` it is one JSON document, which
only grows: readers ignore keys that they do not know.
"""
_EXAMPLES = (
    ("bridgedctl status", "is the node right, and what was repaired"),
    ("bridgedctl explain br-lan", "everything about one bridge: declared where, seen where"),
    ("bridgedctl explain sysctl net.ipv4.ip_forward", "who sets a parameter, now and at boot"),
    ("bridgedctl --state draft.yaml plan", "what another state file would do"),
    ("bridgedctl apply --confirm 2m", "apply, and take it back unless confirmed in two minutes"),
)
_DAEMON = """\
`bridged` keeps the host bridges, VLANs, kernel modules and kernel parameters of this node as
`/etc/bridged/state.yaml` declares them, for as long as it runs. It is woken by the kernel, by
NetworkManager, by the state file and by a timer; it looks, repairs what differs, in place where
that is possible, and reports. Guests' ports are never taken out of a bridge.

systemd starts it (`bridged.service`), is told when the first pass is over, and restarts it when it
hangs. Stopping it leaves the network as it is. What it does is told by bridgedctl(1), by the
journal (`journalctl -u bridged`) and at `http://127.0.0.1:9947/metrics`.
"""
_SIGNALS = (
    ("SIGHUP", "read the state file again (`systemctl reload bridged`)"),
    ("SIGTERM, SIGINT", "end after the action at hand"),
)
_FILES = (
    ("/etc/bridged/state.yaml", "the state file, see bridged-state(5)"),
    ("/etc/bridged/state.d/*.yaml", "drop-ins that are laid over it"),
    ("/etc/bridged/labels", "labels of this node, KEY=VALUE lines, for `when:` in drop-ins"),
    ("/run/bridged/control.sock", "the control socket"),
    ("/var/lib/bridged", "the last good state"),
    ("/etc/modules-load.d/bridged.conf", "modules for the next boot, written by bridged"),
    ("/etc/sysctl.d/zz-bridged.conf", "parameters for the next boot, written by bridged"),
    ("/etc/sysctl.d/00-bridged-minimum.conf", "the same for those with a least value"),
)


def version() -> str:
    """The version in pyproject.toml."""
    with (_ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def bridgedctl() -> str:
    """bridgedctl(1)."""
    parser = control()
    commands = _subcommands(parser)
    common = {option for action in parser._actions for option in action.option_strings}
    lines = [
        *roff.title("bridgedctl", 1, _DATE, version()),
        *roff.section("Name", [f"bridgedctl \\- {roff.text(_about(parser))}"]),
        *roff.section("Synopsis", [".B bridgedctl", "[options] \\fIcommand\\fP [arguments]"]),
        *roff.section("Description", roff.paragraphs(_CONTROL)),
        ".SH COMMANDS",
    ]
    for name, command in commands.items():
        lines += roff.subsection(name, [_synopsis(f"bridgedctl {name}", command, common), ".br"])
        lines.append(roff.prose(_sentence(command.description or "")))
        lines += _options(command, common)
    lines += roff.section("Options", _options(parser, set()))
    lines += roff.section("Exit status", _exit_status())
    lines += roff.section("Environment", _environment())
    lines += [".SH EXAMPLES"]
    for example, words_ in _EXAMPLES:
        lines += roff.entry(f".B {roff.text(example)}", words_)
    lines += roff.section("Files", _entries(_FILES[:4]))
    lines += roff.section("See also", [_see(("bridged", 8), ("bridged-state", 5), ("nmcli", 1))])
    return "\n".join(lines) + "\n"


def bridged() -> str:
    """bridged(8)."""
    parser = daemon()
    lines = [
        *roff.title("bridged", 8, _DATE, version()),
        *roff.section("Name", [f"bridged \\- {roff.text(_about(parser))}"]),
        *roff.section("Synopsis", [".B bridged", "[options]"]),
        *roff.section("Description", roff.paragraphs(_DAEMON)),
        *roff.section("Options", _options(parser, set())),
        *roff.section("Signals", _entries(_SIGNALS)),
        *roff.section("Exit status", _entries((("0", "ended by a signal"), ("1", "cannot start")))),
        *roff.section("Files", _entries(_FILES)),
        *roff.section(
            "See also",
            [_see(("bridgedctl", 1), ("bridged-state", 5), ("NetworkManager", 8), ("bridge", 8))],
        ),
    ]
    return "\n".join(lines) + "\n"


def state() -> str:
    """bridged-state(5)."""
    head = "\n".join(line for line in HEAD.splitlines() if not line.startswith("# "))
    example = (_ROOT / "config/state.yaml").read_text()
    shown = [line for line in example.splitlines() if line and not line.lstrip().startswith("#")]
    lines = [
        *roff.title("bridged-state", 5, _DATE, version()),
        *roff.section("Name", ["bridged\\-state \\- the state file of bridged"]),
        *roff.section("Synopsis", _places()),
        *roff.section("Description", roff.paragraphs(head)),
    ]
    for name, record, before in sections():
        lines += roff.section(name, roff.paragraphs(before) if before else [])
        for key in record.keys.values():
            said = words(key.expected)
            if key.example and " such as " not in said:
                said += f", such as `{key.example}`"
            said += "; required" if key.required else f"; if left out: {default(key, record)}"
            lines += [".TP", f".B {roff.text(key.name)}", roff.prose(f"({said})"), ".br"]
            lines.append(roff.prose(_sentence(key.doc)))
    lines += roff.section("Example", roff.example("\n".join(f"    {line}" for line in shown)))
    lines += roff.section("See also", [_see(("bridged", 8), ("bridgedctl", 1), ("sysctl.d", 5))])
    return "\n".join(lines) + "\n"


def _places() -> list[str]:
    return ["/etc/bridged/state.yaml", ".br", "/etc/bridged/state.d/*.yaml"]


def _sentence(text: str) -> str:
    """With a capital, unless it begins with a word of the file, and one full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _about(parser: argparse.ArgumentParser) -> str:
    text = (parser.description or "").rstrip(".")
    return text[:1].lower() + text[1:]


def _subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _synopsis(name: str, parser: argparse.ArgumentParser, common: set[str]) -> str:
    parts = [f"\\fB{roff.text(name)}\\fP"]
    for action in parser._actions:
        if set(action.option_strings) & common:
            continue
        word = _word(action)
        if not action.option_strings:
            many = " ..." if action.nargs in {"*", "+"} else ""
            word += many
        parts.append(word if not action.option_strings and action.required else f"[{word}]")
    return " ".join(parts)


def _word(action: argparse.Action) -> str:
    """An option with its value, or an argument, as roff."""
    value = action.metavar or (
        "|".join(map(str, action.choices)) if action.choices else action.dest.upper()
    )
    shown = f"\\fI{roff.text(str(value))}\\fP"
    if not action.option_strings:
        return shown
    names = ", ".join(f"\\fB{roff.text(name)}\\fP" for name in action.option_strings)
    return names if action.nargs == 0 else f"{names} {shown}"


def _options(parser: argparse.ArgumentParser, common: set[str]) -> list[str]:
    lines: list[str] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) or set(action.option_strings) & common:
            continue
        said = (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%")
        if said or not action.option_strings:
            lines += roff.entry(_word(action), said or f"one of {', '.join(action.choices or ())}")
        elif action.choices:
            lines += roff.entry(_word(action), f"`{action.default}` unless given")
    return lines


def _exit_status() -> list[str]:
    return _entries(
        (
            ("0", "as desired; for `doctor` no problem, though there may be warnings"),
            (
                "1",
                "an error: wrong usage, no answer or an old one, a state file that cannot be used",
            ),
            ("2", "the node differs from what is declared; for `doctor` there are problems"),
        )
    )


def _environment() -> list[str]:
    return _entries(
        (
            ("NO_COLOR", "no colour, whatever the terminal can do"),
            ("COLUMNS", "the width to print for, instead of the terminal's"),
            ("DBUS_SYSTEM_BUS_ADDRESS", "the system bus, where it is not at its usual place"),
        )
    )


def _entries(pairs: tuple[tuple[str, str], ...]) -> list[str]:
    return [line for term, said in pairs for line in roff.entry(f".B {roff.text(term)}", said)]


def _see(*pages: tuple[str, int]) -> str:
    return ", ".join(f"\\fB{roff.text(name)}\\fP({number})" for name, number in pages)


def pages() -> Iterator[tuple[str, str]]:
    """File name and text of each page."""
    yield "bridgedctl.1", bridgedctl()
    yield "bridged.8", bridged()
    yield "bridged-state.5", state()
