"""The commands that ask the agent, or look themselves where none runs."""

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from bridged.cli.client import Failure, NoAgent, ask
from bridged.cli.terminal import Terminal
from bridged.telling.conditions import RIGHT
from bridged.telling.sentences import agent_notes, too_old
from bridged.telling.words import escape

Document = dict[str, Any]

_AS_DESIRED, _ERROR, _DRIFT = 0, 1, 2
_PLAN_TIMEOUT = 60.0
_APPLY_TIMEOUT = 120.0
_REPAIRS = 20
_START = "start it with: systemctl start bridged"


def status(options: argparse.Namespace) -> int:
    """`bridgedctl status [BRIDGE]`."""
    document, note = ask_or_look_at_status(options)
    objects: list[Document] = document["objects"]
    if options.bridge is not None:
        from bridged.telling.members import members

        objects = members(document, options.bridge)
        if not note and not options.json:
            document["repairs"] = _repairs(options, document)
    if options.json:
        _print_json(document, note)
    else:
        from bridged.cli.render import status_text

        terminal = Terminal.of(sys.stdout, os.environ)
        print_note(note, terminal)
        sys.stdout.write(status_text(document, time.time(), terminal, options.bridge))
        _print_confirm(document)
    return _code(document, objects)


def ready(options: argparse.Namespace) -> int:
    """`bridgedctl ready`."""
    from bridged.cli.ready import is_ready, ready_document, ready_text

    document, note = ask_or_look_at_status(options)
    if "readiness" not in document:
        raise Failure("the bridged that runs is an earlier one", "systemctl restart bridged")
    if options.json:
        _print_json(ready_document(document, not _cannot_tell(document)), note)
    else:
        terminal = Terminal.of(sys.stdout, os.environ)
        now = time.time()
        for text in (note, *(agent_notes(document, now) if too_old(document, now) else ())):
            print_note(text, terminal)
        sys.stdout.write(ready_text(document, terminal))
    if _cannot_tell(document):
        return _ERROR
    return _AS_DESIRED if is_ready(document) else _DRIFT


def ask_or_look_at_status(options: argparse.Namespace) -> tuple[Document, str]:
    """The report as JSON and the note that goes with it; `Failure` where it lacks the bridge."""
    document, note = _ask_or_look(
        options,
        lambda: ask(options.socket, "status"),
        lambda: _local().status(options.state),
    )
    if getattr(options, "bridge", None) is not None:
        from bridged.telling.members import find_bridge

        meant = find_bridge(document, options.bridge)
        if meant or not document["objects"]:
            named = f"there are {', '.join(meant)}" if meant else "no bridge is declared"
            raise Failure(f"no bridge {options.bridge} is declared", named)
    return document, note


def _repairs(options: argparse.Namespace, document: Document) -> list[Document]:
    """The last repairs of a bridge, those before the agent's start too."""
    wanted = {"object": options.bridge, "limit": _REPAIRS}
    try:
        entries = ask(options.socket, "history", wanted)["entries"]
    except (Failure, NoAgent):  # an agent of an earlier version
        entries = []
    kept = [entry for entry in entries if entry["outcome"] in {"repaired", "failed"}]
    return kept or document["repairs"]


def plan(options: argparse.Namespace) -> int:
    """`bridgedctl plan`."""
    document, note = _ask_or_look(
        options,
        lambda: ask(options.socket, "plan", timeout=_PLAN_TIMEOUT),
        lambda: _local().plan(options.state),
    )
    from bridged.cli.plan import is_broken, plan_text

    if options.json:
        _print_json(document, note)
    else:
        terminal = Terminal.of(sys.stdout, os.environ)
        print_note(note, terminal)
        sys.stdout.write(plan_text(document, terminal, time.time()))
    if is_broken(document):
        return _ERROR
    differs = document["actions"] or document["withheld"] or document.get("paused")
    return _DRIFT if differs else _AS_DESIRED


def explain(options: argparse.Namespace) -> int:
    """`bridgedctl explain OBJECT`."""
    text = " ".join(options.object)
    document, note = _ask_or_look(
        options,
        lambda: ask(options.socket, "explain", {"object": text}, timeout=_PLAN_TIMEOUT),
        lambda: _local().explain(options.state, text),
    )
    if options.json:
        _print_json(document, note)
    else:
        from bridged.cli.explain import explain_text

        terminal = Terminal.of(sys.stdout, os.environ)
        print_note(note, terminal)
        sys.stdout.write(explain_text(document, time.time(), terminal))
    if not document["state_valid"]:
        return _ERROR
    return _AS_DESIRED if document["as_desired"] else _DRIFT


def apply(options: argparse.Namespace) -> int:
    """`bridgedctl apply`."""
    terminal = Terminal.of(sys.stdout, os.environ)
    steps = sys.stderr if options.json else sys.stdout

    def progress(text: str) -> None:
        with suppress(OSError):  # a reader that left (| head) must not end the work halfway
            print(f"{terminal.symbol('dot')} {escape(text)}", file=steps, flush=True)

    params = {
        "allow_disruption": options.allow_disruption,
        "confirm": options.confirm,
        "timeout": _APPLY_TIMEOUT,
    }
    note = ""
    try:
        if options.explicit_state and options.confirm:
            params["candidate"] = os.path.abspath(options.state)
        elif options.explicit_state:
            refuse_other_state(
                options,
                "what another file says would not last",
                "bring {given} to {kept}, or first: systemctl stop bridged",
            )
        document = ask(
            options.socket, "apply", params, timeout=_APPLY_TIMEOUT + 15, progress=progress
        )
    except NoAgent:
        if options.confirm:
            raise Failure(
                "bridged is not running, so nobody would wait for your confirmation", _START
            ) from None
        note = f"bridged is not running: this is done once, nothing keeps it so; {_START}"
        print_note(note, terminal, steps)
        document = _local().apply(options.state, options.socket, options.allow_disruption, progress)
    if unknown := _unknown(options.allow_disruption, document):
        note = f"--allow-disruption {unknown}: nobody here is called that, so nothing was allowed"
        print_note(note, terminal, steps)
    if options.json:
        _print_json(document, "")
    else:
        _print_outcome(document, terminal)
        _print_confirm(document)
    return _code(document, document["objects"])


def _unknown(allowed: list[str], document: Document) -> str:
    """Those that were allowed to be disturbed and that nobody knows, empty for none."""
    known = {item[key] for item in document["objects"] for key in ("name", "bridge")}
    known |= {item["object"].partition("/")[2] for item in document["repairs"]}  # gone by now
    return ", ".join(name for name in allowed if name not in known)


def _print_confirm(document: Document) -> None:
    if document["confirm_by"] is not None:
        left = max(document["confirm_by"] - time.time(), 0.0)
        print(f"\nChanges go back in {left:.0f} s unless you say: bridgedctl confirm")


def confirm(options: argparse.Namespace) -> int:
    """`bridgedctl confirm`."""
    try:
        state = ask(options.socket, "status")["state"]
    except NoAgent:
        state = {"trial": ""}
    if not state["trial"]:
        return _end(options, "confirm", "the changes stay")
    _refuse_changed(state)
    # In its place first: the moment the trial ends, the file is what counts.
    target = str(state["path"])
    _install(state["trial"], target)
    try:
        return _end(options, "confirm", f"{target} is now what {state['trial']} was tried for")
    except Failure:
        _put(f"{target}.before", target)
        raise


def _refuse_changed(state: Document) -> None:
    """Raise where the candidate is no longer what was tried: that would be in force untried."""
    from bridged.desired.errors import StateError
    from bridged.desired.files import drop_ins_beside
    from bridged.desired.loader import load
    from bridged.observe.facts import facts_beside

    candidate, target = state["trial"], state["path"]
    drop_ins = drop_ins_beside(target)
    try:
        loaded = load(candidate, drop_ins, trusted=True, facts=facts_beside(target, trusted=True))
    except StateError:
        loaded = None
    if loaded is None or loaded.hash != state["hash"]:
        raise Failure(
            f"{candidate}, or a drop-in, has changed since it was tried",
            "bridgedctl rollback, then try it anew: "
            f"bridgedctl apply --state {candidate} --confirm 60s",
        )


def _install(candidate: str, target: str) -> None:
    """Put a candidate in the state file's place in one step, and keep what was there."""
    try:
        shutil.copyfile(target, f"{target}.before")
        _put(candidate, target)
    except OSError as error:
        raise Failure(
            f"{candidate} cannot be put in place of {target}: {error.strerror}",
            f"do it yourself, then: bridgedctl confirm; or: bridgedctl rollback ({target})",
        ) from None


def _put(source: str, target: str) -> None:
    """Make `target` what `source` is, in one step; a link stays one, and what it leads to is
    replaced."""
    target = os.path.realpath(target)
    shutil.copyfile(source, f"{target}.new")
    os.chmod(f"{target}.new", 0o644)
    os.replace(f"{target}.new", target)


def rollback(options: argparse.Namespace) -> int:
    """`bridgedctl rollback`."""
    return _end(options, "rollback", "the changes were taken back; bridgedctl status shows it")


def _end(options: argparse.Namespace, method: str, done: str) -> int:
    try:
        ask(options.socket, method, timeout=_PLAN_TIMEOUT)
    except NoAgent:
        raise Failure("bridged is not running: nothing waits to be confirmed", _START) from None
    print(done)
    return _AS_DESIRED


def _ask_or_look(
    options: argparse.Namespace, remote: Callable[[], Document], look: Callable[[], Document]
) -> tuple[Document, str]:
    """The agent's answer, or that of a look of our own and the note that says so.

    A state file given with --state that is not the agent's is looked at by ourselves: that is how
    one asks what a new file would do.
    """
    try:
        if options.explicit_state:
            theirs = _agents_state(options.socket)
            if not _same(theirs, options.state):
                note = f"bridged keeps {theirs}: this is a look of my own at {options.state}"
                return look(), note
        return remote(), ""
    except NoAgent:
        return look(), f"bridged is not running: this is a look of my own; {_START}"


def refuse_other_state(options: argparse.Namespace, why: str, remedy: str) -> None:
    """`Failure` where the state file that was given is not the agent's; `remedy` may name both, as
    ``{given}`` and ``{kept}``."""
    theirs = _agents_state(options.socket)
    if not _same(theirs, options.state):
        raise Failure(
            f"bridged runs and keeps {theirs}; {why}",
            remedy.format(given=options.state, kept=theirs),
        )


def _agents_state(path: str) -> str:
    return str(ask(path, "status")["state"]["path"])


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _local() -> Any:
    from bridged.cli import local

    return local


def _code(document: Document, objects: list[Document]) -> int:
    if _cannot_tell(document):
        return _ERROR
    right = all(item["condition"] in RIGHT for item in objects)
    return _AS_DESIRED if right else _DRIFT


def _cannot_tell(document: Document) -> bool:
    """Whether the report, whatever is in it, says nothing of the node as it is declared now."""
    return not document["state"]["valid"] or too_old(document, time.time()) > 0


def _print_json(document: Document, note: str) -> None:
    """The document alone on stdout; the note where it does not disturb a program."""
    if note:
        print(f"bridgedctl: {note}", file=sys.stderr)
    json.dump(document, sys.stdout, indent=2)
    print()


def print_note(note: str, terminal: Terminal, stream: Any = None) -> None:
    """The note above what it is about."""
    if note:
        lines = terminal.wrap(note, f"{terminal.symbol('warn')} ", "  ")
        print("\n".join(terminal.paint(line, "yellow") for line in lines), end="\n\n", file=stream)


def _print_outcome(document: Document, terminal: Terminal) -> None:
    """The headline after an apply; what is still wrong follows, for it may need somebody."""
    from bridged.cli.problems import object_block
    from bridged.telling.conditions import wrong
    from bridged.telling.sentences import headline

    document = escape(document)
    now = time.time()
    sentence, colour = headline(document, document["objects"], now)
    symbol = {"green": "ok", "yellow": "warn", "red": "bad"}[colour]
    lines = terminal.wrap(sentence, f"{terminal.symbol(symbol)} ", "  ")
    print("\n".join(terminal.paint(line, colour, "bold") for line in lines))
    for item in wrong(document["objects"]):
        print("\n" + "\n".join(object_block(item, now, terminal, document["agent"])))
