"""`bridgedctl import`, `export` and `render`: the state in other words, on stdout.

Exit codes: 0 all of it was carried over, 2 something was not (stderr says what), 1 an error.
"""

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Any

from bridged.cli.client import Failure
from bridged.cli.declared import declared_state, named_state
from bridged.cli.terminal import Terminal
from bridged.desired.errors import StateError
from bridged.desired.loader import load_sources
from bridged.desired.source import Source
from bridged.errors import BridgedError
from bridged.exchange.notes import Notes
from bridged.exchange.yaml_writer import Comments, documents_text, state_text
from bridged.telling.words import count, escape

_ALL, _LOST = 0, 2
_STREAM = "-"
"""In place of a file: stdin to read, stdout to write."""
_POLICY_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_POLICY_WORDS = "small letters, digits, dots and dashes, at most 253"
_HEADER = """\
The state of a node, written by bridgedctl import from {source}.

Read it, then: bridgedctl validate FILE, and sudo bridgedctl --state FILE plan.
Hardware addresses that are left out stay as they are."""


def import_(options: argparse.Namespace) -> int:
    """`bridgedctl import [--from nmstate|nncp FILE] [-o FILE]`."""
    notes = Notes()
    comments: Comments = {}
    if options.source == "host":
        if options.file:
            raise Failure(
                f"the host is imported without a file, and {options.file} was given",
                "bridgedctl import --from nmstate FILE, or -o FILE for the result",
            )
        source = f"the host {os.uname().nodename}"
        data, comments = _of_host(notes)
    else:
        if not options.file:
            raise Failure(
                f"--from {options.source} needs a file",
                f"bridgedctl import --from {options.source} FILE, or - for stdin",
            )
        source = "stdin" if options.file == _STREAM else options.file
        data = _of_file(options.source, options.file, notes)
    if not any(data.get(section) for section in ("bridges", "modules", "sysctls")):
        _print_notes(notes)
        raise Failure(
            f"there is nothing in {source} for a state file to declare",
            "write one by hand: docs/state-file.md lists every key",
        )
    text = state_text(data, comments, _HEADER.format(source=source))
    output = None if options.output == _STREAM else options.output
    wrong = _problems(text, output or "stdout")
    _write(text, output, options.force)
    _print_notes(notes)
    if wrong is not None:
        print(escape(wrong.render()), file=sys.stderr)
        number = count(len(wrong.problems), "problem")
        print(f"bridgedctl: the result is to be corrected: {number}", file=sys.stderr)
    if output:
        print(f"{output} is written; next: bridgedctl --state {output} plan")
    return _LOST if notes.lost or wrong is not None else _ALL


def export(options: argparse.Namespace) -> int:
    """`bridgedctl export [--format nmstate|nncp]`."""
    from bridged.exchange.nmstate_out import to_nmstate, to_policy

    if options.node and options.format != "nncp":
        raise Failure("--node is for policies only", "add --format nncp")
    for option, name in (("--name", options.name), ("--node", options.node or "any")):
        if len(name) > 253 or not _POLICY_NAME.fullmatch(name):
            raise Failure(f"{option} {name} is no name in Kubernetes", _POLICY_WORDS)
    notes = Notes()
    document = to_nmstate(named_state(options), notes)
    if options.format == "nncp":
        document = to_policy(document, options.name, options.node)
        if not options.node:
            notes.tell("", "the policy is for every node", "bridgedctl export --node NAME")
    header = f"From {options.state} by bridgedctl export."
    for note in notes.found:
        header += f"\n{'Not in here: ' if note.lost else ''}{note}"
    sys.stdout.write(documents_text([document], header))
    _print_notes(notes)
    return _LOST if notes.lost else _ALL


def render(options: argparse.Namespace) -> int:
    """`bridgedctl render nad [BRIDGE...]`; `kubeadm` and `cilium` have a module of their own."""
    if options.what != "nad":
        from bridged.cli import kubernetes

        return kubernetes.render(options)
    from bridged.exchange.nad import NadError, Wanted, definitions

    notes = Notes()
    wanted = Wanted(
        tuple(options.bridges),
        options.namespace,
        options.vlan,
        options.plugin,
        options.macspoofchk,
    )
    try:
        manifests = definitions(declared_state(options), wanted, notes)
    except NadError as error:
        raise Failure(str(error), error.remedy) from None
    if not manifests:
        raise Failure("no bridge is declared", f"declare one under bridges in {options.state}")
    sys.stdout.write(documents_text(manifests))
    _print_notes(notes)
    return _LOST if notes.lost else _ALL


def _of_host(notes: Notes) -> tuple[dict[str, Any], Comments]:
    from bridged.agent.once import look
    from bridged.exchange.host import from_host, interest
    from bridged.observe.boot_files import BootFiles
    from bridged.observe.host import NetworkManager

    files = BootFiles().read()
    try:
        host = look(interest(files))
    except BridgedError as error:
        raise Failure(str(error), "sudo bridgedctl import") from None
    if not isinstance(host.network_manager, NetworkManager):
        raise Failure(
            f"NetworkManager tells what was set up to stay, and cannot be asked: "
            f"{host.network_manager.reason}",
            "systemctl start NetworkManager, then import again (with sudo)",
        )
    for world, problem in host.problems.items():
        notes.lose(world, problem, "run it again with sudo")
    found = from_host(host, files, notes)
    return found.data, found.comments


def _of_file(source: str, name: str, notes: Notes) -> dict[str, Any]:
    from bridged.exchange.documents import DocumentError, read_documents
    from bridged.exchange.nmstate_in import from_nmstate_documents, from_policies

    try:
        data = _stdin() if name == _STREAM else Path(name).read_bytes()
        documents = read_documents(data, "stdin" if name == _STREAM else name)
        if not documents:
            raise DocumentError(f"{name} holds nothing", "is it the right file?")
        convert = from_policies if source == "nncp" else from_nmstate_documents
        return convert(documents, notes)
    except OSError as error:
        raise Failure(f"{name} cannot be read: {error.strerror or error}") from None
    except BridgedError as error:
        raise Failure(str(error), str(getattr(error, "remedy", ""))) from None


def _stdin() -> bytes:
    if sys.stdin is None:  # closed (<&-)
        raise Failure("stdin is closed", "give a file, or a pipe that leads here")
    return sys.stdin.buffer.read()


def _problems(text: str, name: str) -> StateError | None:
    """What is wrong with the result, as far as no host is needed to tell: rules between objects
    that nmstate, or nobody, insists on."""
    try:
        load_sources([Source(name, text.encode(errors="replace"))])
    except StateError as error:
        return error
    return None


def _write(text: str, path: str | None, force: bool) -> None:
    if path is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        if not force:
            with open(path, "x", encoding="utf-8") as file:
                file.write(text)
            return
        beside = f"{path}.new"
        with open(beside, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(beside, 0o644)
        os.replace(beside, path)
    except FileExistsError:
        raise Failure(
            f"{path} is there already and stays as it is",
            "write to another file and compare, or add --force",
        ) from None
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror or error}") from None


def _print_notes(notes: Notes) -> None:
    """On stderr: first what is not in the result, then what is worth knowing."""
    terminal = Terminal.of(sys.stderr, os.environ)
    for note in sorted(notes.found, key=lambda note: not note.lost):
        symbol, colour = ("bad", "yellow") if note.lost else ("dot", "")
        lost = "not carried over: " if note.lost else ""
        first = f"{terminal.symbol(symbol)} "
        where = f"{note.path}: " if note.path else ""
        remedy = f" ({note.remedy})" if note.remedy else ""
        lines = terminal.wrap(escape(f"{lost}{where}{note.message}{remedy}"), first, "  ")
        for line in lines:
            print(terminal.paint(line, colour) if colour else line, file=sys.stderr)
