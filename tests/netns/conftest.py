"""Fixtures of the namespace laboratory: each test has a fresh node, on each suite in turn."""

from collections.abc import Callable, Iterator

import pytest

from tests.conftest import SUITES
from tests.lab import netns
from tests.lab.netns import NetnsLab
from tests.lab.node import Node
from tests.netns.agent import agent, running  # noqa: F401 - fixtures


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "suite" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--suite") or SUITES
        metafunc.parametrize("suite", chosen, indirect=True, scope="session")


@pytest.fixture(scope="session")
def suite(request: pytest.FixtureRequest) -> str:
    """The Debian suite that the node is made of.  Skips where the laboratory cannot run."""
    name = str(request.param)
    reason = netns.missing(name)
    if reason is not None:
        pytest.skip(reason)
    return name


@pytest.fixture
def make_lab(suite: str) -> Iterator[Callable[..., NetnsLab]]:
    """Makes nodes with the arguments of `NetnsLab`; they end with the test."""
    made: list[NetnsLab] = []

    def make(**options: object) -> NetnsLab:
        made.append(NetnsLab(suite, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for lab in made:
        lab.close()


@pytest.fixture
def lab(make_lab: Callable[..., NetnsLab]) -> NetnsLab:
    """A node with the reference NICs and NetworkManager running."""
    return make_lab()


@pytest.fixture
def node(lab: NetnsLab) -> Node:
    """The same, for scenarios that run in the virtual machine too."""
    return lab
