"""What PyYAML's complaints mean, in words for somebody who writes a state file."""

import re

import yaml

from bridged.desired.errors import shown
from bridged.desired.source import Place, Text, invisible

_QUOTE = "put the value in quotes if it really begins so"

_WORDS: tuple[tuple[str, str, str], ...] = (
    ("found character '\\t'", "a tab stands here", "use spaces"),
    ("that cannot start any token", "a value cannot begin with `{char}`", _QUOTE),
    (
        "mapping values are not allowed",
        "a `:` cannot stand here",
        "look at the indentation of this line and at the end of the one above; "
        "put a value that contains `: ` in quotes",
    ),
    (
        "sequence entries are not allowed",
        "a list item (`-`) cannot stand here",
        "begin the list on a line of its own",
    ),
    (
        "could not find expected ':'",
        "a `:` is missing behind this key",
        "write `key: value`",
    ),
    (
        "expected <block end>",
        "this line does not belong to what stands around it",
        "give it the indentation of its neighbours, and close quotes and brackets above it",
    ),
    (
        "expected ',' or ']'",
        "a `,` or the closing `]` of the list that begins in line {from_line} is missing",
        "",
    ),
    (
        "expected ',' or '}'",
        "a `,` or the closing `}}` of the mapping that begins in line {from_line} is missing",
        "",
    ),
    (
        "unexpected end of stream",
        "the quotes that begin in line {from_line} are never closed",
        "",
    ),
    (
        "unexpected document separator",
        "the quotes that begin in line {from_line} are never closed",
        "",
    ),
    ("expected the node content", "a value is missing before `{char}`", _QUOTE),
    (
        "expected alphabetic or numeric character",
        "a value cannot begin with `*` or `&`",
        _QUOTE,
    ),
    (
        "unknown escape character",
        "`\\{char}` means nothing between double quotes",
        "use single quotes, or write `\\\\` for a backslash",
    ),
    (
        "expected escape sequence",
        "an escape between double quotes is incomplete",
        "use single quotes, or write `\\\\` for a backslash",
    ),
    (
        "expected '<document start>'",
        "the state ends above this line; a state file holds one document",
        "look for a line `...` or a bracket that closes too early, or remove what follows",
    ),
    ("incompatible YAML document", "this version of YAML is not known", "remove the line"),
    ("duplicate YAML directive", "the directive is written twice", "remove one of the lines"),
)


TYPOGRAPHIC = "\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb"
"""Quotes that text processors and web pages make of straight ones."""
_GLUED = re.compile(r"\s*(- )?[\w./-]+:(?=[^\s:])")
_ESCAPE = re.compile(r"\\U([0-9A-Fa-f]{8})")


def explain(error: yaml.MarkedYAMLError, text: Text) -> tuple[Place, str, str]:
    """Place, message and remedy of a complaint of PyYAML's parser."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    start = error.context_mark or mark
    said = error.problem or "this is not YAML"
    if line >= len(text.lines) - 1 and not text.lines[-1].strip():
        # Something is missing at the end of the file: show the last line that says anything.
        line = max((n for n, row in enumerate(text.lines) if row.strip()), default=0)
        column = len(text.lines[line].rstrip())
    row = text.lines[line]
    unseen = invisible(row)
    if unseen:
        return Place(text, line + 1, unseen[0] + 1), *unseen_words(unseen[1])
    if "mapping values are not allowed" in said or "could not find expected ':'" in said:
        glued = _glued(text, line)
        if glued:
            return glued, "a space is missing behind the `:`", "write `key: value`"
    if "could not find expected ':'" in said and start:
        # PyYAML points behind the end of the line; the key began where it began to look.
        line = start.line
        row = text.lines[line]
        column = len(row.rstrip())
    char = row[column : column + 1]
    if any(part in said for part in ("<block end>", "<document start>", "the node content")):
        if char in {"]", "}"}:
            return Place(text, line + 1, column + 1), f"there is a `{char}` too many", "remove it"
        if char == ":":
            return Place(text, line + 1, column + 1), "a key is missing before the `:`", ""
    words = {"char": shown(char), "from_line": str(start.line + 1) if start else "1"}
    place = Place(text, line + 1, column + 1)
    for part, message, remedy in _WORDS:
        if part in said:
            if part == "expected the node content" and not char:
                return place, "a value is missing at the end", ""
            return place, message.format_map(words), remedy
    return place, f"this is not YAML: {shown(said, 200)}", ""


def explain_number(text: Text) -> tuple[Place, str, str]:
    """The same for a number that PyYAML converted without looking at its size."""
    for found in _ESCAPE.finditer(text.content):
        if int(found[1], 16) > 0x10FFFF:
            return text.place(found.start()), f"`{found[0]}` is no character", "remove it"
    return text.place(0), "this is not YAML: it contains a number that is out of range", ""


def unseen_words(name: str) -> tuple[str, str]:
    """Message and remedy for a character that nobody can see."""
    return f"an invisible {name} stands here", "remove it, or type the text anew"


def typographic_words(word: str) -> tuple[str, str]:
    """Message and remedy for a value that begins with quotes of a text processor: to YAML they are
    letters of the name."""
    bare = word.strip(TYPOGRAPHIC)
    return f"the quotes of {shown(word)} are typographic ones", f'write "{shown(bare)}"'


def _glued(text: Text, line: int) -> Place | None:
    """Where `key:value` lacks its space, in this line or the last one above that says anything."""
    for number in range(line, max(line - 20, -1), -1):
        row = text.lines[number]
        found = _GLUED.match(row)
        if found and "//" not in row[found.end() : found.end() + 2]:
            return Place(text, number + 1, found.end() + 1)
        if number < line and row.strip() and not row.lstrip().startswith("#"):
            return None
    return None
