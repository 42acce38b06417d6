"""`bridgedctl graph`: what hangs on what, as a tree, as DOT or as SVG."""

import argparse
import os
import sys

from bridged.cli.commands import ask_or_look_at_status, print_note
from bridged.cli.terminal import Terminal
from bridged.telling.words import escape


def graph(options: argparse.Namespace) -> int:
    """The picture on stdout; a note where it does not disturb one.  0 where it could be made."""
    document, note = ask_or_look_at_status(options)
    document = escape(document)
    from bridged.view.topology import topology

    whole = topology(document, options.bridge)
    terminal = Terminal.of(sys.stdout, os.environ)
    print_note(note, terminal, sys.stdout if options.format == "tree" else sys.stderr)
    if options.format == "tree":
        from bridged.cli.tree import tree_text

        sys.stdout.write(tree_text(whole, terminal))
    elif options.format == "dot":
        from bridged.view.dot import dot_text

        sys.stdout.write(dot_text(whole))
    else:
        from bridged.view.svg import svg_text

        sys.stdout.write(svg_text(whole))
    return 0
