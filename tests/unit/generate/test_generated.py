"""What is made from the code is as the code would make it, and other programs take it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import bridged.generate.__main__ as generated
from bridged.generate import manual
from bridged.generate.completion import SHELLS

PACKAGING = Path(__file__).resolve().parents[3] / "packaging"
PAGES = ("bridgedctl.1", "bridged.8", "bridged-state.5")

needs = {
    program: pytest.mark.skipif(shutil.which(program) is None, reason=f"needs {program}")
    for program in ("mandoc", "groff", "bash", "zsh", "fish")
}


def test_everything_is_up_to_date() -> None:
    assert generated.stale() == [], "run: make generated"


def said(*argv: str) -> str:
    """All that a program prints."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout


@needs["mandoc"]
@pytest.mark.parametrize("page", PAGES)
def test_mandoc_finds_nothing_wrong(page: str) -> None:
    assert said("mandoc", "-Tlint", str(PACKAGING / "man" / page)) == ""


@needs["groff"]
@pytest.mark.parametrize("page", PAGES)
def test_groff_has_no_warnings(page: str) -> None:
    assert said("groff", "-man", "-ww", "-z", "-Tutf8", str(PACKAGING / "man" / page)) == ""


def test_every_command_and_option_has_its_place() -> None:
    page = manual.bridgedctl()
    for name, command in manual._subcommands(manual.control()).items():
        assert f'.SS "{name}"' in page
        for action in command._actions:
            for option in action.option_strings:
                assert option.replace("-", "\\-") in page, (name, option)


def test_text_of_ours_cannot_become_a_request() -> None:
    from bridged.generate import roff

    assert roff.text(".so /etc/passwd") == "\\&.so /etc/passwd"
    assert roff.text("a\\b -c `d-e`") == "a\\eb \\-c \\fBd\\-e\\fP"
    assert "\n." not in roff.prose("word " * 15 + ".hidden " * 15)


# ---------------------------------------------------------------------- completion


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH on which bridgedctl is one that knows three objects."""
    program = tmp_path / "bridgedctl"
    program.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        '"names bridges") printf "br-lan\\nbr-dmz\\n" ;;\n'
        '"names objects") printf "bridge/br-lan\\nbridge/br-dmz\\nmodule/kvm\\n" ;;\n'
        "esac\n"
    )
    program.chmod(0o755)
    return f"{tmp_path}:{os.environ['PATH']}"


WANTED = [
    ("bridgedctl expl", {"explain"}),
    ("bridgedctl explain bri", {"bridge/br-lan", "bridge/br-dmz"}),
    ("bridgedctl status br-d", {"br-dmz"}),
    ("bridgedctl apply --allow-disruption br-l", {"br-lan"}),
    ("bridgedctl apply --conf", {"--confirm"}),
]


@needs["bash"]
@pytest.mark.parametrize(("line", "wanted"), WANTED)
def test_bash_completes(line: str, wanted: set[str], path: str) -> None:
    script = PACKAGING / "completion" / SHELLS["bash"]
    code = f"""
        source {script}
        words=({line}); COMP_WORDS=("${{words[@]}}"); COMP_CWORD=$((${{#words[@]}} - 1))
        COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}
        function=$(complete -p bridgedctl | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        $function bridgedctl "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", code], env={"PATH": path}, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) == wanted, done.stderr


@needs["fish"]
@pytest.mark.parametrize(("line", "wanted"), WANTED)
def test_fish_completes(line: str, wanted: set[str], path: str, tmp_path: Path) -> None:
    script = PACKAGING / "completion" / SHELLS["fish"]
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"],
        env={"PATH": path, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {row.split("\t")[0] for row in done.stdout.splitlines()} == wanted, done.stderr


@needs["zsh"]
def test_zsh_takes_the_script() -> None:
    assert said("zsh", "-n", str(PACKAGING / "completion" / SHELLS["zsh"])) == ""
