"""Two builds are alike, locks are hashed, and what comes from outside is listed."""

import hashlib
import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.unit.packaging.builds import CHECKOUT, Built, build, elsewhere

LOCKS = CHECKOUT / "packaging/requirements"


def digests(built: Built) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in built.folder.iterdir()}


@pytest.mark.parametrize("kind", ["deb", "rpm", "wheel"])
def test_the_same_sources_give_the_same_bytes(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Packages and bills of materials; elsewhere, with other times and modes, in another zone."""
    first: Built = request.getfixturevalue(kind)
    second = build(
        kind, tmp_path / "dist", elsewhere(tmp_path / "copy"), TZ="Asia/Tokyo", LC_ALL="C"
    )
    assert digests(first) == digests(second)


@pytest.mark.parametrize("lock", ["dev.txt", "libraries.txt"])
def test_every_locked_requirement_has_one_version_and_hashes_and_no_host(lock: str) -> None:
    text = (LOCKS / lock).read_text()
    entries = [e for e in re.split(r"\n(?=\S)", text) if not e.startswith("#")]
    assert len(entries) > 5
    for entry in entries:
        assert re.match(r"[\w.-]+==[\w.]+ (; .* )?\\\n +--hash=sha256:[0-9a-f]{64}", entry), entry
    assert "://" not in text
    assert "index" not in text


def test_the_lock_has_all_that_is_wanted() -> None:
    """A requirement that was added to pyproject.toml only is found here: make lock."""
    with (CHECKOUT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    text = (LOCKS / "dev.txt").read_text()
    locked = dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))
    for requirement in (*project["dependencies"], *project["optional-dependencies"]["dev"]):
        name, exactly = [*re.split(r"[>=<,]+", requirement), ""][:2]
        assert name.lower() in locked, requirement
        if "==" in requirement:
            assert locked[name.lower()] == exactly


def test_the_rpm_bundles_what_a_laboratory_runs() -> None:
    """Debian 12's laboratory is built of the same lock, by its hashes."""
    trees = (CHECKOUT / "tests/lab/trees").read_text()
    assert "packaging/requirements/libraries.txt" in trees
    assert "--require-hashes" in trees


@pytest.mark.parametrize(
    ("kind", "some"),
    [("deb", "python3-pydantic"), ("rpm", "pydantic-core"), ("wheel", "pyroute2")],
)
def test_a_package_has_its_bill_of_materials(
    kind: str, some: str, request: pytest.FixtureRequest
) -> None:
    built: Built = request.getfixturevalue(kind)
    bill = json.loads(built.one("*.cdx.json").read_text())
    package = built.one({"deb": "*.deb", "rpm": "*.x86_64.rpm", "wheel": "*.whl"}[kind])
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["hashes"] == [
        {"alg": "SHA-256", "content": hashlib.sha256(package.read_bytes()).hexdigest()}
    ]
    parts = {part["name"]: part for part in bill["components"]}
    assert some in parts
    if kind == "rpm":
        bundled = [p for p in parts.values() if p["purl"].startswith("pkg:pypi/")]
        assert all(part["version"] and part["licenses"] for part in bundled)
