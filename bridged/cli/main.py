"""`bridgedctl`: looks at the node, and asks for what is to be done.

Exit codes: 0 as desired, 1 an error (wrong usage too, a state file that cannot be used, an agent
that hangs), 2 the node differs from what is declared (import and export: something could not be
carried over).

`bridgedctl status` has to be there at once, so this module and what it imports at the top stay
light; everything heavy is imported by the command that needs it.  A test watches over that.
"""

import argparse
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, NoReturn

from bridged.cli.client import Failure
from bridged.cli.exchange_options import add_commands
from bridged.cli.terminal import hush
from bridged.serve.defaults import CONTROL_SOCKET, LONGEST_PAUSE, STATE_DIR, STATE_FILE
from bridged.telling.words import duration, escape

AS_DESIRED, ERROR, DRIFT = 0, 1, 2
_INTERRUPTED = 130
_RUNS = {
    "status": "commands:status",
    "watch": "watch:watch",
    "ready": "commands:ready",
    "history": "history:history",
    "pause": "pause:pause",
    "resume": "pause:resume",
    "graph": "graph:graph",
    "plan": "commands:plan",
    "explain": "commands:explain",
    "doctor": "doctor:doctor",
    "names": "names:names",
    "apply": "commands:apply",
    "confirm": "commands:confirm",
    "rollback": "commands:rollback",
    "validate": "offline:validate",
    "schema": "offline:schema",
    "import": "exchange:import_",
    "export": "exchange:export",
    "render": "exchange:render",
}
"""What runs a command: module of this package, and function."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    # What nobody wants to see (>&-) goes nowhere; without a stderr print would take stdout.
    sys.stdout = sys.stdout or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    sys.stderr = sys.stderr or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    # What a terminal cannot show is shown in another way, never a reason to fail.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except Failure as failure:
        _complain(failure)
        code = ERROR
    except KeyboardInterrupt:
        print("bridgedctl: interrupted", file=sys.stderr)
        code = _INTERRUPTED
    except BrokenPipeError:
        hush(sys.stdout)  # the reader has seen enough (| head)
        code = ERROR
    except OSError as error:
        hush(sys.stdout)
        where = f"{error.filename}: " if error.filename else "the output cannot be written: "
        _complain(Failure(f"{where}{error.strerror or error}"))
        code = ERROR
    return code


def _run(arguments: list[str] | None) -> int:
    options = _parser().parse_args(arguments)
    # Not defaults of argparse's: a subcommand's would undo what was given before its name.
    options.explicit_state = hasattr(options, "state")
    options.state = getattr(options, "state", STATE_FILE)
    options.socket = getattr(options, "socket", CONTROL_SOCKET)
    options.state_dir = getattr(options, "state_dir", STATE_DIR)
    command = "watch" if getattr(options, "watch", False) else options.command
    module, _, function = _RUNS[command].partition(":")
    run: Callable[[argparse.Namespace], int] = getattr(
        import_module(f"bridged.cli.{module}"), function
    )
    return run(options)


def _complain(failure: Failure) -> None:
    print(f"bridgedctl: {escape(failure.message)}", file=sys.stderr)
    if failure.remedy:
        print(f"  next: {escape(failure.remedy)}", file=sys.stderr)


def _seconds(text: str) -> float:
    """``60``, ``60s`` or ``5m`` in seconds."""
    scale = {"s": 1, "m": 60}.get(text[-1:], 0)
    number = text[:-1] if scale else text
    if not number.isascii() or not number.isdigit() or not 0 < int(number) * (scale or 1) <= 600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 60s, up to 10m")
    return float(int(number) * (scale or 1))


def _span(text: str) -> float:
    """``30m``, ``1h30m`` or ``2d`` in seconds."""
    seconds = duration(text)
    if not seconds:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 90s, 30m, 1h30m or 2d")
    return seconds


def _pause_span(text: str) -> float:
    seconds = _span(text)
    if seconds > LONGEST_PAUSE:
        hours = f"{LONGEST_PAUSE / 3600:.0f} h"
        stop = "for longer: systemctl stop bridged"
        raise argparse.ArgumentTypeError(f"a pause lasts {hours} at most; {stop}")
    return seconds


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number, 0 for all")
    return int(text)


class _Parser(argparse.ArgumentParser):
    """argparse ends with 2 on wrong usage, which means drift here."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(ERROR, f"{self.prog}: {message}\n  next: {self.prog} --help\n")


class _Version(argparse.Action):
    """Looks the version up only when asked for it."""

    def __call__(self, parser: argparse.ArgumentParser, *arguments: Any) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"bridgedctl {version('bridged')}")
        except PackageNotFoundError:
            print("bridgedctl (version unknown: not installed as a package)")
        parser.exit(AS_DESIRED)


def command_line() -> argparse.ArgumentParser:
    """The parser, for the manual and for completion."""
    return _parser()


def _parser() -> argparse.ArgumentParser:
    common = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--socket", metavar="PATH", help=f"control socket ({CONTROL_SOCKET})")
    common.add_argument("--state", metavar="PATH", help=f"state file ({STATE_FILE})")
    as_json: dict[str, Any] = {"action": "store_true", "help": "JSON, for programs"}
    parser = _Parser(
        prog="bridgedctl",
        description="What bridged keeps on this node, and how that is going.",
        epilog="exit codes: 0 as desired, 1 error, 2 the node differs from what is declared",
        parents=[common],
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=_Parser
    )

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text, parents=[common])

    status = command("status", "what is, what should be, what was repaired")
    status.add_argument("bridge", nargs="?", metavar="BRIDGE", help="this bridge only, in full")
    status.add_argument("--json", **as_json)
    status.add_argument(
        "--watch",
        "-w",
        action="store_true",
        help="again and again, with what changes, until Ctrl-C",
    )
    ready = command("ready", "whether this node is ready for KubeVirt, with each reason")
    ready.add_argument("--json", **as_json)
    graph = command("graph", "what hangs on what: cards, VLANs, bridges, guests")
    graph.add_argument("bridge", nargs="?", metavar="BRIDGE", help="this bridge only")
    graph.add_argument(
        "--format",
        choices=("tree", "dot", "svg"),
        default="tree",
        help="tree for the terminal (default), dot for Graphviz, svg for a browser",
    )
    plan = command("plan", "what would be done now, without doing it")
    plan.add_argument("--json", **as_json)
    explain = command(
        "explain", "one object: what is declared and where, what is, who else sets it"
    )
    explain.add_argument(
        "object",
        nargs="+",
        metavar="OBJECT",
        help="br-lan, vlan/enp13s0f0.6, port enp13s0f3, module/kvm, sysctl net.ipv4.ip_forward",
    )
    explain.add_argument("--json", **as_json)
    doctor = command("doctor", "whether this host is fit for bridged; looks, changes nothing")
    doctor.add_argument("--json", **as_json)
    names = command("names", "names of what is declared, one a line, for scripts")
    names.add_argument("of", nargs="?", choices=("objects", "bridges"), default="objects")
    apply = command("apply", "do it now, and tell each step")
    apply.add_argument("--json", **as_json)
    apply.add_argument(
        "--allow-disruption",
        action="append",
        default=[],
        metavar="BRIDGE",
        help="allow steps that take BRIDGE away from its guests, this once; "
        "`containerd` allows its restart",
    )
    apply.add_argument(
        "--confirm",
        type=_seconds,
        default=0.0,
        metavar="60s",
        help="take structural changes back unless they are confirmed within this time",
    )
    command("confirm", "keep the changes that wait to be confirmed")
    command("rollback", "take the changes that wait to be confirmed back")
    history = command("history", "what was repaired, when, why and how fast")
    history.add_argument(
        "object", nargs="?", metavar="OBJECT", help="bridge/br-lan or br-lan: all about it"
    )
    history.add_argument("--since", type=_span, metavar="1h", help="within this time only")
    history.add_argument(
        "-n", dest="number", type=_number, metavar="N", help="the last N, 0 for all (20)"
    )
    history.add_argument("--json", **as_json)
    history.add_argument(
        "--state-dir",
        metavar="PATH",
        default=argparse.SUPPRESS,
        help=f"where it is read while bridged is not running ({STATE_DIR})",
    )
    pause = command("pause", "change nothing on the node, or on some bridges, for a while")
    pause.add_argument("bridges", nargs="*", metavar="BRIDGE", help="these only")
    pause.add_argument(
        "--for",
        dest="seconds",
        type=_pause_span,
        required=True,
        metavar="30m",
        help="for how long, up to 24h",
    )
    pause.add_argument("--reason", required=True, metavar="TEXT", help="why, for others to read")
    resume = command("resume", "end pauses ahead of their time")
    resume.add_argument("bridges", nargs="*", metavar="BRIDGE", help="these only")
    validate = command("validate", "check a state file")
    validate.add_argument("file", nargs="?", metavar="FILE", help="instead of the state file")
    other = "judge `when:` for another node: "
    validate.add_argument("--hostname", metavar="NAME", help=f"{other}its host name")
    for option, name, text in (
        ("--label", "KEY=VALUE", "a label of it"),
        ("--nic", "NAME", "an interface of it"),
    ):
        validate.add_argument(
            option, action="append", metavar=name, help=f"{other}{text} (repeatable)"
        )
    schema = command("schema", "print the JSON Schema of the state file")
    schema.add_argument("--status", action="store_true", help="that of status --json instead")
    add_commands(command, common)
    return parser


if __name__ == "__main__":
    sys.exit(main())
