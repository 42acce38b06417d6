"""Loading texts, and asking what was found wrong with them."""

import pytest

from bridged.desired.errors import Problem, StateError
from bridged.desired.loader import Loaded, load_sources
from bridged.desired.source import Source

FILE = "/etc/bridged/state.yaml"


def sources(*texts: str | bytes) -> list[Source]:
    """The first text as the state file, the others as drop-ins 10.yaml, 20.yaml..."""
    names = [FILE, *(f"/etc/bridged/state.d/{n}0.yaml" for n in range(1, len(texts)))]
    return [
        Source(name, text if isinstance(text, bytes) else text.encode())
        for name, text in zip(names, texts, strict=True)
    ]


def load(*texts: str | bytes) -> Loaded:
    """The state that the texts declare."""
    return load_sources(sources(*texts))


def problems(*texts: str | bytes) -> tuple[Problem, ...]:
    """What is wrong with the texts."""
    with pytest.raises(StateError) as caught:
        load(*texts)
    assert "Value error" not in str(caught.value)
    assert "Input should" not in str(caught.value)
    return caught.value.problems


def problem(*texts: str | bytes) -> Problem:
    """The one thing that is wrong with the texts."""
    found = problems(*texts)
    assert len(found) == 1, "\n".join(map(str, found))
    return found[0]


def at(found: Problem) -> tuple[int, int]:
    """Line and column."""
    return found.line, found.column


def bridge(keys: str) -> str:
    """A state with one bridge `b` whose keys stand in line 3 from column 7 on."""
    return f"version: 1\nbridges:\n  b: {{{keys}}}\n"


def bridges(*rows: str) -> str:
    """A state with bridges in the lines from 3 on."""
    return "version: 1\nbridges:\n" + "".join(f"  {row}\n" for row in rows)


def port(keys: str) -> str:
    """A state with one port whose keys stand in line 3 from column 16 on."""
    return bridge(f"ports: [{{{keys}}}]")


def sysctl(value: str) -> str:
    """A state with one sysctl whose value stands in line 3 from column 16 on."""
    return f"version: 1\nsysctls:\n  kernel.panic: {value}\n"
