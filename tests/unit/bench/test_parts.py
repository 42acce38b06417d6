"""What a span of time consists of."""

import pytest

from tests.bench.drift_parts import _parts
from tests.bench.stopwatch import within


def test_parts_are_clipped_and_what_is_left_lies_in_between() -> None:
    spans = {"look": [(0.0, 2.0), (5.0, 9.0)], "plan": [(2.0, 3.0)]}
    assert within(spans, ("look", "plan", "never"), 1.0, 6.0) == {
        "look": 2.0,
        "plan": 1.0,
        "in between": 2.0,
    }


@pytest.mark.parametrize("heard", [9.8, 10.2])
def test_a_repair_is_told_from_its_own_event_whoever_heard_that_first(heard: float) -> None:
    spans = {
        "hearing the event": [(1.0, 1.1), (heard, heard + 0.1), (10.6, 10.7)],
        "reading the link": [(1.2, 1.3), (10.4, 10.5)],
    }
    found = _parts(spans, 10.0, 10.8)
    assert found["being woken"] == pytest.approx(max(heard - 10.0, 0.0))
    assert found["reading the link"] == pytest.approx(0.1)
    assert sum(found.values()) == pytest.approx(0.8)
    assert min(found.values()) >= 0.0
