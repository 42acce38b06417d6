"""What systemd says of the shipped unit's exposure is explained in docs/security.md."""

import json
import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNIT, PAGE = ROOT / "systemd/bridged.service", ROOT / "docs/security.md"
LIMIT = 2.5


def analyze(*options: str, unit: Path = UNIT) -> str:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", *options, str(unit)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def score(text: str) -> float:
    found = re.search(r"exposure level for \S+: ([\d.]+)", text)
    assert found is not None, text
    return float(found[1])


@pytest.fixture(scope="module", autouse=True)
def systemd() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    help_text = subprocess.run(["systemd-analyze", "--help"], capture_output=True, text=True).stdout
    if "--offline" not in help_text:
        pytest.skip("this systemd-analyze is older than 250 and cannot look at files")


def explained() -> set[str]:
    rows = re.findall(r"^\| `(\S+)` \| (?=\S)", PAGE.read_text(), re.MULTILINE)
    return {row.replace("\\|", "|") for row in rows}


def test_the_score_is_low_enough() -> None:
    assert score(analyze()) <= LIMIT


def test_every_exposure_is_explained() -> None:
    exposures = {row["name"] for row in json.loads(analyze("--json=short")) if row["exposure"]}
    assert exposures, "otherwise nothing was compared"
    assert exposures - explained() == set()


def test_the_page_names_the_scores(tmp_path: Path) -> None:
    """Of the unit, and with the drop-in that the page offers."""
    page = PAGE.read_text()
    assert f"gives {LIMIT}" in page
    told = re.search(r"\(score ([\d.]+)\):\n\n((?:    .*\n)+)", page)
    assert told is not None
    closed = tmp_path / "bridged.service"
    closed.write_text(f"{UNIT.read_text()}\n{textwrap.dedent(told[2])}")
    assert score(analyze(unit=closed)) == float(told[1])
