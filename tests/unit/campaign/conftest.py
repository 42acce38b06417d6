"""A campaign's passes log nothing: thousands of faults are no news."""

import pytest

from bridged.agent.logs import configure


@pytest.fixture(autouse=True)
def _quiet() -> None:
    configure("critical")
