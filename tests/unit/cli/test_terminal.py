"""Finding out what the terminal can do, and small words."""

import io
from collections.abc import Mapping

import pytest

from bridged.cli.terminal import DEFAULT_WIDTH, Terminal, cells
from bridged.telling.words import ago, count, listing, span


class Stream(io.StringIO):
    """A text stream that may be a terminal and has an encoding."""

    def __init__(self, tty: bool, encoding: str = "utf-8") -> None:
        super().__init__()
        self._tty = tty
        self._encoding = encoding

    def isatty(self) -> bool:
        return self._tty

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding


@pytest.mark.parametrize(
    ("tty", "environ", "colour"),
    [
        (True, {"TERM": "xterm"}, True),
        (False, {"TERM": "xterm"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
        (True, {}, False),
    ],
)
def test_colour(tty: bool, environ: Mapping[str, str], colour: bool) -> None:
    assert Terminal.of(Stream(tty), environ).colour is colour


@pytest.mark.parametrize(
    ("encoding", "environ", "unicode"),
    [
        ("utf-8", {}, True),
        ("utf-8", {"LC_ALL": "C"}, False),
        ("utf-8", {"TERM": "linux"}, False),
        ("iso-8859-1", {}, False),
        ("ascii", {}, False),
    ],
)
def test_characters(encoding: str, environ: Mapping[str, str], unicode: bool) -> None:
    assert Terminal.of(Stream(True, encoding), environ).unicode is unicode


@pytest.mark.parametrize(
    ("environ", "width"),
    [
        ({}, DEFAULT_WIDTH),
        ({"COLUMNS": "52"}, 52),
        ({"COLUMNS": "5"}, 30),
        ({"COLUMNS": "x"}, 100),
        ({"COLUMNS": "9" * 5000}, 99999),
    ],
)
def test_width(environ: Mapping[str, str], width: int) -> None:
    assert Terminal.of(Stream(False), environ).width == width


def test_wrapping_keeps_long_words_whole() -> None:
    lines = Terminal(30).wrap("net.bridge.bridge-nf-call-iptables-and-more is long", "* ")
    assert lines == ["* net.bridge.bridge-nf-call-iptables-and-more", "  is long"]


def test_wide_characters_count_twice() -> None:
    assert cells("桥") == 2
    assert cells("é") == 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (4.4, "4 s"), (89, "89 s"), (180, "3 min"), (7200, "2 h"), (3 * 86400, "3 d")],
)
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_words() -> None:
    assert ago(0.2) == "just now"
    assert ago(180) == "3 min ago"
    assert (count(1, "object"), count(2, "object")) == ("1 object", "2 objects")
    assert listing(["a", "b"], 10) == "a, b"
    assert listing(["aaaa", "bbbb", "cccc"], 9) == "aaaa, +2"
    assert listing(["aaaa", "bbbb"], 3) == ""
