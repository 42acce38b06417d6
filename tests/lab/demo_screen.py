"""What the demonstration puts on the terminal: titles, commands with their output, a table.

Made for 80 columns.  Colour only where somebody watches; the pace is a reader's, or none.
"""

import os
import re
import subprocess
import sys
import termios
import textwrap
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TextIO

WIDTH = 80
_LOOKS = {"title": "1;36", "command": "1;33", "good": "1;32", "bad": "1;31", "dim": "2", "key": "1"}
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_SECONDS_A_LINE = 0.25
"""How long a reader takes for a line that he is to read; most he only looks over."""


class Screen:
    """Prints; `fast` waits for nobody."""

    def __init__(self, fast: bool, stream: TextIO = sys.stdout, colour: bool | None = None) -> None:
        self._fast = fast
        self._stream = stream
        self._colour = stream.isatty() if colour is None else colour
        self._blank = True

    def paint(self, text: str, look: str) -> str:
        """`text` in one of the looks, where colour is wanted."""
        return f"\x1b[{_LOOKS[look]}m{text}\x1b[0m" if self._colour else text

    def line(self, text: str = "") -> None:
        """A line as it is; never two empty ones in a row."""
        if text or not self._blank:
            print(text, file=self._stream, flush=True)
        self._blank = not text

    def title(self, text: str) -> None:
        """A new scene."""
        self.line()
        self.line(self.paint(f"── {text} ".ljust(WIDTH, "─"), "title"))
        self.line()
        self.pause(0.6)

    def say(self, text: str, look: str = "") -> None:
        """A paragraph."""
        lines = textwrap.wrap(" ".join(text.split()), WIDTH, break_on_hyphens=False)
        for row in lines:
            self.line(self.paint(row, look) if look else row)
        self.pause(_SECONDS_A_LINE * len(lines) * 2)

    def fact(self, label: str, text: str, look: str = "") -> None:
        """Something seen: a label of up to ten columns, and what is said of it."""
        indent = " " * 14
        rows = textwrap.wrap(
            text, WIDTH, initial_indent=indent, subsequent_indent=indent,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        for number, row in enumerate(rows or [indent]):
            shown = row[14:]
            head = f"    {'' if number else label:<10}"
            self.line(head + (self.paint(shown, look) if look else shown))
        self.pause(_SECONDS_A_LINE)

    def command(self, command: str, look: str = "command") -> None:
        """A command as it would be typed on the node."""
        first, rest = "node# ", "      "
        rows = textwrap.wrap(
            command, WIDTH, initial_indent=first, subsequent_indent=rest,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        for row in rows:
            self.line(self.paint(row[:6], "dim") + self.paint(row[6:], look))
        self.pause(0.5)

    def show(self, command: str, lines: int = 60) -> int:
        """Type a command, run it, show what it prints (at most `lines`); its exit status."""
        self.command(command)
        status, said = on_terminal(command) if self._colour else _plain(command)
        output = said.rstrip().splitlines()
        for row in output[:lines]:
            self.line(cropped(row))
        if len(output) > lines:
            self.line(self.paint(f"... and {len(output) - lines} more lines", "dim"))
        self.line()
        self.pause(_SECONDS_A_LINE * min(len(output), 16))
        return status

    def pause(self, seconds: float) -> None:
        """Give the reader time."""
        if not self._fast:
            time.sleep(seconds)

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]], right: set[int]) -> None:
        """A table; the columns in `right` are set to the right."""
        rows = [tuple(row) for row in rows]
        widths = [max(len(row[i]) for row in [tuple(head), *rows]) for i in range(len(head))]
        for number, row in enumerate([tuple(head), *rows]):
            parts = [
                cell.rjust(width) if i in right else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            text = "  ".join(parts).rstrip()
            self.line(self.paint(text, "key") if number == 0 else text)
        self.line()


def run(command: str) -> subprocess.CompletedProcess[str]:
    """Run a shell command on the node, as wide as the screen."""
    return subprocess.run(
        command, shell=True, text=True, capture_output=True, stdin=subprocess.DEVNULL
    )


def _plain(command: str) -> tuple[int, str]:
    done = run(command)
    return done.returncode, _ESCAPE.sub("", done.stdout + done.stderr)


def on_terminal(command: str) -> tuple[int, str]:
    """Run a shell command as on a terminal of our width; its exit status and what it printed, with
    its colours."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (50, WIDTH))
    process = subprocess.Popen(
        command, shell=True, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "PAGER": "cat"},
    )  # fmt: skip
    os.close(theirs)
    said = b""
    with suppress(OSError), os.fdopen(ours, "rb", buffering=0) as terminal:
        while part := terminal.read(65536):  # ends with EIO when the last writer is gone
            said += part
    return process.wait(), said.decode(errors="replace").replace("\r\n", "\n")


def cropped(text: str, width: int = WIDTH) -> str:
    """`text` in at most `width` columns; what has colours and is too long loses them."""
    plain = _ESCAPE.sub("", text)
    return text if len(plain) <= width else plain[: width - 1] + "…"


def duration(seconds: float) -> str:
    """A time as one says it: ``0.8 ms``, ``23 ms``, ``4.1 s``."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.1f} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"
