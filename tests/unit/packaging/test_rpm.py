"""The .rpm: what is in it, what it asks for and what its scripts do.  It is not run here: there is
neither a Rocky Linux nor a Python 3.12."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.unit.packaging.builds import CHECKOUT, Built, run

VENDOR = "/usr/lib/bridged/vendor/"


def query(rpm: Built, *words: str) -> list[str]:
    return run("rpm", "-qp", *words, rpm.one("*.x86_64.rpm")).splitlines()


@pytest.fixture(scope="module")
def tree(rpm: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    package = rpm.one("*.x86_64.rpm")
    command = 'rpm2archive - <"$0" | tar -xzf -'
    subprocess.run(["sh", "-c", command, package], cwd=folder, check=True)
    return folder


def bundled(rpm: Built) -> dict[str, str]:
    said = "\n".join(query(rpm, "--provides"))
    return dict(re.findall(r"bundled\(python3dist\(([\w-]+)\)\) = (\S+)", said))


def locked() -> dict[str, str]:
    text = (CHECKOUT / "packaging/requirements/libraries.txt").read_text()
    return dict(re.findall(r"^([\w-]+)==(\S+)", text, re.MULTILINE))


def test_it_has_what_an_operator_looks_for(rpm: Built) -> None:
    assert set(query(rpm, "-l")) >= {
        "/etc/bridged/state.d",
        "/usr/sbin/bridged",
        "/usr/bin/bridgedctl",
        "/usr/lib/bridged/bridged/agent/main.py",
        "/usr/lib/systemd/system/bridged.service",
        "/usr/lib/sysusers.d/bridged.conf",
        "/usr/lib/tmpfiles.d/bridged.conf",
        "/usr/share/bridged/state.yaml",
        "/usr/share/man/man5/bridged-state.5.gz",
        "/usr/share/zsh/site-functions/_bridgedctl",
        "/usr/share/licenses/bridged/LICENSE",
    }
    assert "/etc/bridged/state.yaml" not in query(rpm, "-l"), "that is for the operator to write"


def test_what_is_bundled_is_the_lock_and_says_its_name_and_licence(rpm: Built, tree: Path) -> None:
    """Scanners read the Provides; nobody else's import finds the files."""
    assert bundled(rpm) == locked()
    have = {p.name.rsplit(".", 1)[0] for p in (tree / VENDOR[1:]).glob("*.dist-info")}
    assert {name.replace("_", "-").lower() for name in have} == {
        f"{name}-{version}" for name, version in locked().items()
    }
    texts = tree / "usr/share/licenses/bridged"
    for name in locked():
        assert any(len(p.read_bytes()) > 25 for p in (texts / name.replace("-", "_")).iterdir())
    assert not [p for p in query(rpm, "-l") if "site-packages" in p]


def test_compiled_parts_are_for_the_interpreter_that_is_asked_for(rpm: Built) -> None:
    """CPython 3.12; and a glibc that is not newer than Rocky Linux 10's 2.39."""
    modules = [p for p in query(rpm, "-l") if p.endswith(".so")]
    assert {m.removeprefix(VENDOR).split("/")[0] for m in modules} == {
        "pydantic_core",
        "watchfiles",
    }
    for module in modules:
        assert ".cpython-312-x86_64-" in module, module
    requires = query(rpm, "--requires")
    assert "python(abi) = 3.12" in requires
    assert "/usr/bin/python3.12" in requires
    versions = re.findall(r"GLIBC_2\.(\d+)", "\n".join(requires))
    assert max(map(int, versions)) <= 39


def test_every_dependency_is_bundled_or_asked_for_and_new_enough(rpm: Built) -> None:
    """One that was added to pyproject.toml only would be missed on the node."""
    with (CHECKOUT / "pyproject.toml").open("rb") as file:
        wanted = tomllib.load(file)["project"]["dependencies"]
    have = bundled(rpm)
    for requirement in wanted:
        name, _, least = requirement.lower().partition(">=")
        if name == "pyyaml":
            assert f"python3-pyyaml >= {least}" in query(rpm, "--requires")
        else:
            assert numbers(have[name]) >= numbers(least), requirement


def numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def test_it_asks_for_what_rocky_has_and_for_nothing_of_its_own(rpm: Built) -> None:
    requires = query(rpm, "--requires")
    for wanted in ("NetworkManager >= 1:1.42", "python3-gobject-base", "python3-pyyaml >= 6.0"):
        assert wanted in requires
    assert not [r for r in requires if "dist(" in r or "pydantic" in r]
    assert not [p for p in query(rpm, "--provides") if ".so" in p]


def test_the_programs_search_our_libraries_first(tree: Path) -> None:
    for program in ("usr/sbin/bridged", "usr/bin/bridgedctl"):
        text = (tree / program).read_text()
        assert text.startswith("#!/usr/bin/python3.12 -I\n")
        paths = re.findall(r'^ +"(.*)",$', text, re.MULTILINE)
        assert paths == ["/usr/lib/bridged", "/usr/lib/bridged/vendor"]
    # Every import that is not the standard library's, Rocky's or our own is there.
    for module in ("pydbus", "pyroute2", "pydantic", "watchfiles", "structlog", "anyio",
                   "prometheus_client", "annotated_types", "idna", "tomlkit"):  # fmt: skip
        assert (tree / VENDOR[1:] / module).is_dir(), module


def test_its_scripts_start_nothing_and_never_ask_a_package_index(rpm: Built) -> None:
    text = "\n".join(query(rpm, "--scripts"))
    run("sh", "-n", "-c", re.sub(r"^(post|pre)\w+ (scriptlet|program).*$", "", text, flags=re.M))
    assert "systemctl try-restart bridged.service" in text, "an upgrade restarts one that runs"
    assert "systemctl --no-reload preset bridged.service" in text
    assert "systemd-sysusers bridged.conf" in text
    assert "leftovers" in text, "removal says how to take the profiles along"
    # "enable --now" is in the text for the operator, after which nothing is run.
    assert not re.search(r"^\s*(pip|nmcli|ip) |systemctl start", text, re.MULTILINE)


def test_the_source_package_needs_nothing_from_outside(rpm: Built) -> None:
    sources = run("rpm", "-qpl", rpm.one("*.src.rpm")).split()
    assert len([s for s in sources if s.endswith(".tar.gz")]) == 2
    assert "bridged.spec" in sources
