"""`bridgedctl`: looks at the node, and asks for what is to be done.

Exit codes: 0 as desired, 1 an error (wrong usage too, and a state file that cannot be used), 2 the
node differs from what is declared.

`bridgedctl status` has to be there at once, so this module and what it imports at the top stay
light; everything heavy is imported by the command that needs it.  A test watches over that.
"""

import argparse
import os
import sys
from typing import Any, NoReturn

from bridged.cli.client import Failure
from bridged.cli.words import escape
from bridged.serve.defaults import CONTROL_SOCKET, STATE_FILE

AS_DESIRED, ERROR, DRIFT = 0, 1, 2
_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
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
        # The reader has seen enough (| head).  Python would complain again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ERROR
    return code


def _run(arguments: list[str] | None) -> int:
    options = _parser().parse_args(arguments)
    # Not defaults of argparse's: a subcommand's would undo what was given before its name.
    options.explicit_state = hasattr(options, "state")
    options.state = getattr(options, "state", STATE_FILE)
    options.socket = getattr(options, "socket", CONTROL_SOCKET)
    if options.command not in {"validate", "schema"}:
        from bridged.cli import commands

        run = {
            "status": commands.status,
            "ready": commands.ready,
            "plan": commands.plan,
            "apply": commands.apply,
            "confirm": commands.confirm,
            "rollback": commands.rollback,
        }
        return run[options.command](options)
    from bridged.cli import offline

    if options.command == "validate":
        return offline.validate(options)
    return offline.schema(options)


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
    ready = command("ready", "whether this node is ready for KubeVirt, with each reason")
    ready.add_argument("--json", **as_json)
    plan = command("plan", "what would be done now, without doing it")
    plan.add_argument("--json", **as_json)
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
    validate = command("validate", "check a state file")
    validate.add_argument("file", nargs="?", metavar="FILE", help="instead of the state file")
    schema = command("schema", "print the JSON Schema of the state file")
    schema.add_argument("--status", action="store_true", help="that of status --json instead")
    return parser


if __name__ == "__main__":
    sys.exit(main())
