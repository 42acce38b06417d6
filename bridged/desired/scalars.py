"""Single values: what the text of a scalar means, by rules stricter than YAML's.

YAML 1.1 (PyYAML, Ansible) and 1.2 (editors) read the same text differently: 010 is 8 or 10,
52:54:00:12:34:56 is a number or text, 1e3 is text or a number.  Here a value means what its
property expects, and text that two readers would take for different values is refused.
"""

import re
from dataclasses import dataclass
from typing import Literal

from bridged.desired.errors import shown

Reading = Literal["null", "boolean", "letter", "integer", "number", "text"]
"""How YAML takes a plain scalar.  letter: y or n, a truth value to some readers and text to others;
integer: a decimal number without ornaments; number: any other number."""

TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_LETTERS = {"y": "true", "Y": "true", "n": "false", "N": "false"}
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)
_BASES = re.compile(r"([-+]?)0([xXoObB])([0-9a-fA-F_]+)", re.ASCII)
_ORNAMENTED = re.compile(r"[-+]?[0-9][0-9_]*", re.ASCII)
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    re.ASCII,
)
_DIGITS = 20
"""No parameter of the kernel has more digits; int() refuses thousands of them."""


class Mistake(Exception):
    """A value that does not fit: what it is instead (to follow "not"), and the remedy."""

    def __init__(self, got: str, remedy: str = "") -> None:
        super().__init__(got)
        self.got = got
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Word:
    """The text of a scalar, and whether it stood in quotes (or in a block)."""

    text: str
    quoted: bool

    @property
    def reading(self) -> Reading:
        """How YAML would take it."""
        return "text" if self.quoted else reading(self.text)

    def __str__(self) -> str:
        """The value as it is repeated in a message."""
        if self.quoted or self.reading == "text":
            return f'the text "{shown(self.text)}"'
        return shown(self.text) if self.text else "nothing"


def reading(text: str) -> Reading:
    """How YAML 1.1 or 1.2 would take the plain scalar `text`."""
    if text in _NULL:
        return "null"
    if text in TRUE or text in FALSE:
        return "boolean"
    if text in _LETTERS:
        return "letter"
    if _INTEGER.fullmatch(text):
        return "integer"
    if _BASES.fullmatch(text) or _ORNAMENTED.fullmatch(text) or _FLOAT.fullmatch(text):
        return "number"
    return "text"


def boolean(word: Word) -> bool:
    """The truth value of `word`.  Raises Mistake."""
    if word.reading == "boolean":
        return word.text in TRUE
    if word.quoted and word.text in TRUE | FALSE:
        raise Mistake(str(word), f"remove the quotes: {word.text}")
    if word.text in _LETTERS:
        raise Mistake(str(word), f"write {_LETTERS[word.text]}")
    if word.text in {"0", "1"}:
        raise Mistake(str(word), f"write {'true' if word.text == '1' else 'false'}")
    raise Mistake(str(word))


def integer(word: Word) -> int:
    """The whole number that `word` is.  Raises Mistake."""
    if word.reading == "integer":
        if len(word.text) > _DIGITS:
            raise Mistake(str(word))
        return int(word.text)
    if word.quoted and _INTEGER.fullmatch(word.text) and len(word.text) <= _DIGITS:
        raise Mistake(str(word), f"remove the quotes: {word.text}")
    if word.reading == "number":
        raise Mistake(_ornament(word.text), _decimal_remedy(word.text))
    raise Mistake(str(word))


def text(word: Word) -> str:
    """The text of `word`.  Raises Mistake where YAML would not take it as text."""
    return _quote_unless_text(word, f'put it in quotes: "{shown(word.text)}"')


def choice(word: Word, words: tuple[str, ...]) -> str:
    """`word`, if it is one of `words`.  Raises Mistake."""
    if word.text in words:
        return word.text
    raise Mistake(str(word))


def parameter(word: Word) -> int | str:
    """The value of a kernel parameter: a whole number or text.  Raises Mistake.

    A truth value is refused because the kernel takes 1, not True; so is any number that is not
    plainly decimal, because nobody can tell which one was meant.
    """
    if word.reading == "integer":
        return integer(word)
    if word.reading in {"boolean", "letter"}:
        number = 1 if word.text in TRUE or _LETTERS.get(word.text) == "true" else 0
        raise Mistake(
            shown(word.text),
            f'write {number}, or "{word.text}" in quotes where the kernel takes that word',
        )
    if word.reading == "number":
        remedy = _decimal_remedy(word.text)
        quoted = f'"{shown(word.text)}" in quotes where the kernel takes that text'
        raise Mistake(
            _ornament(word.text), f"{remedy}, or {quoted}" if remedy else f"write {quoted}"
        )
    return _quote_unless_text(word, "write the value, or remove the line")


def _quote_unless_text(word: Word, remedy: str) -> str:
    # y and n are text to PyYAML and to YAML 1.2; where text is expected they can mean nothing else.
    if word.reading in {"text", "letter"}:
        return word.text
    what = {"null": "nothing", "boolean": "a truth value to YAML"}
    got = what.get(word.reading, "a number to YAML")
    raise Mistake(f"{shown(word.text)}, which is {got}" if word.text else got, remedy)


def _ornament(text: str) -> str:
    """`text` and why it is no plain whole number."""
    digits = text.lstrip("+-")
    reason = ""
    if len(text) > _DIGITS:
        return shown(text)
    if _BASES.fullmatch(text):
        reason = "which is not decimal"
    elif "_" in digits:
        reason = "which is a number to one reader and text to another"
    elif re.fullmatch(r"0[0-7]+", digits):
        reason = f"which is {int(digits, 8)} to one reader and {int(digits)} to another"
        if int(digits, 8) == int(digits):
            reason = "which has a leading zero"
    elif re.fullmatch(r"0[0-9]+", digits):
        reason = "which has a leading zero"
    return f"{shown(text)}, {reason}" if reason else shown(text)


def _decimal_remedy(text: str) -> str:
    """What to write instead of the number `text`, empty where that cannot be told."""
    if len(text) > _DIGITS:
        return ""
    based = _BASES.fullmatch(text)
    try:
        if based:
            sign, base, digits = based.groups()
            number = int(digits.replace("_", ""), {"x": 16, "o": 8, "b": 2}[base.lower()])
            return f"write {'-' if sign == '-' else ''}{number}"
        if _ORNAMENTED.fullmatch(text):
            number = int(text.replace("_", ""))
            digits = text.lstrip("+-")
            octal = int(digits, 8) if re.fullmatch(r"0[0-7]+", digits) else abs(number)
            also = f" (or {octal}, if it was meant as octal)" if octal != abs(number) else ""
            return f"write {number}{also}"
        if float(text) == int(float(text)) and abs(float(text)) < 10**15:
            return f"write {int(float(text))}"
    except (ValueError, OverflowError):
        pass
    return ""
