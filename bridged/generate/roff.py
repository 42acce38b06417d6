"""Words for man(7): everything that is printed goes through `text`."""

import re
from collections.abc import Iterable
from textwrap import wrap


def text(words: str) -> str:
    """Words as roff takes them; `code` becomes bold, and dashes stay dashes."""
    escaped = words.replace("\\", "\\e").replace("-", "\\-")
    parts = re.split(r"`([^`]*)`", escaped)
    shown = "".join(f"\\fB{part}\\fP" if n % 2 else part for n, part in enumerate(parts))
    return re.sub(r"^([.'])", r"\\&\1", shown, flags=re.M)


def prose(words: str) -> str:
    """The same in lines that people can read; roff fills them anew."""
    lines = wrap(text(words), 78, break_long_words=False, break_on_hyphens=False)
    return "\n".join(re.sub(r"^([.'])", r"\\&\1", line) for line in lines)


def title(name: str, section: int, date: str, version: str) -> list[str]:
    """The first lines."""
    return [
        '.\\" Made from the code by: make generated',
        f'.TH {name.upper()} {section} {date} "bridged {version}" "bridged"',
    ]


def section(name: str, lines: Iterable[str]) -> list[str]:
    """A section."""
    body = list(lines)
    return [f".SH {name.upper()}", *body[body[:1] == [".PP"] :]]


def subsection(name: str, lines: Iterable[str]) -> list[str]:
    """A section within a section."""
    return [f'.SS "{text(name)}"', *lines]


def paragraphs(words: str) -> list[str]:
    """Paragraphs apart by an empty line; those whose lines begin with a dash are lists, those that
    are indented are shown as they stand."""
    lines: list[str] = []
    for number, part in enumerate(words.strip("\n").split("\n\n")):
        if part.startswith("    "):
            lines += example(part)
        elif part.startswith("- "):
            for item in re.split(r"^- ", part, flags=re.M)[1:]:
                lines += ['.IP "\\(bu" 2', prose(" ".join(item.split()))]
        else:
            lines += [".PP"] * (number > 0) + [prose(part)]
    return lines


def example(block: str) -> list[str]:
    """Lines as they stand, indented."""
    shown = [text(line.removeprefix("    ")) for line in block.splitlines()]
    return [".PP", ".RS 4", ".nf", *shown, ".fi", ".RE"]


def entry(term: str, words: str) -> list[str]:
    """A term, already roff, and what is said of it."""
    return [".TP", term, prose(words)]
