"""The dashboards for Grafana are what their source says, and hang together."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.config.support import DASHBOARDS, GRAFANA


def test_they_are_what_the_source_makes(tmp_path: Path) -> None:
    """After a change: python3 config/grafana/generate.py."""
    subprocess.run([sys.executable, "-B", GRAFANA / "generate.py", tmp_path], check=True)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_text() for path in DASHBOARDS}


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_ask_the_chosen_prometheus_and_do_not_overlap(path: Path) -> None:
    board: dict[str, Any] = json.loads(path.read_text())
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not taken & cells, panel["title"]
        assert max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
        for target in panel.get("targets", ()):
            assert target["datasource"]["uid"] == "${datasource}", panel["title"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
