"""What holds for all unit tests."""

from collections.abc import Iterator

import pytest

from bridged.errors import OwnFault


@pytest.fixture(autouse=True)
def _no_fault_of_our_own(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A fault that fails one object only must fail its test, but where it is what the test is
    about (marked ``own_fault``)."""
    faults: list[Exception] = []
    made = OwnFault.__init__

    def noted(self: OwnFault, cause: Exception) -> None:
        faults.append(cause)
        made(self, cause)

    monkeypatch.setattr(OwnFault, "__init__", noted)
    yield
    if faults and request.node.get_closest_marker("own_fault") is None:
        raise faults[0]
