"""Reading from disk: links, drop-ins, and who may write them."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridged.desired import trust
from bridged.desired.errors import Problem, StateError
from bridged.desired.files import LIMIT, read
from bridged.desired.loader import load

STATE = "version: 1\nmodules: [kvm]\n"


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """A configuration directory with a state file."""
    folder = tmp_path / "bridged"
    folder.mkdir()
    (folder / "state.yaml").write_text(STATE)
    return folder


def problem(path: Path, drop_ins: Path | None = None) -> Problem:
    with pytest.raises(StateError) as caught:
        read(path, drop_ins)
    (found,) = caught.value.problems
    return found


def names(folder: Path) -> list[str]:
    return [Path(source.name).name for source in read(folder / "state.yaml")]


def test_a_state_file_alone_is_enough(etc: Path) -> None:
    loaded = load(etc / "state.yaml")
    assert loaded.state.modules == ("kvm",)
    assert loaded.files == (str(etc / "state.yaml"),)
    assert len(loaded.hash) == 64


def test_drop_ins_are_read_in_the_order_of_their_names(etc: Path) -> None:
    (etc / "state.d").mkdir()
    for name in ("b.yaml", "10-a.yaml", "9.yaml", "Z.yaml"):
        (etc / "state.d" / name).write_text("modules: []\n")
    assert names(etc) == ["state.yaml", "10-a.yaml", "9.yaml", "Z.yaml", "b.yaml"]


@pytest.mark.parametrize(
    "name",
    [
        ".hidden.yaml",
        ".#a.yaml",
        "#a.yaml#",
        "a.yaml~",
        "a.yaml.swp",
        ".a.yaml.swp",
        "4913",
        "a.yaml.rpmsave",
        "a.yaml.dpkg-old",
        "README",
    ],
)
def test_what_editors_and_packages_leave_behind_is_no_drop_in(etc: Path, name: str) -> None:
    (etc / "state.d").mkdir()
    (etc / "state.d" / name).write_bytes(b"\xff nonsense")
    assert names(etc) == ["state.yaml"]


@pytest.mark.parametrize("ending", ["yml", "YAML", "Yml"])
def test_a_drop_in_with_the_wrong_ending_is_not_left_out_in_silence(etc: Path, ending: str) -> None:
    (etc / "state.d").mkdir()
    (etc / "state.d" / f"10.{ending}").write_text("modules: []\n")
    assert problem(etc / "state.yaml").remedy == "rename it to 10.yaml"


def test_the_directory_of_drop_ins_can_be_given(etc: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.yaml").write_text("modules: [overlay]\n")
    assert load(etc / "state.yaml", other).state.modules == ("kvm", "overlay")


def test_a_missing_file_is_an_error(etc: Path) -> None:
    (etc / "state.yaml").unlink()
    found = problem(etc / "state.yaml")
    assert found.message == "there is no such file"
    assert str(found).startswith(f"{etc}/state.yaml: there is no such file")


def test_a_missing_file_with_another_ending_is_recognised(etc: Path) -> None:
    (etc / "state.yaml").rename(etc / "state.yml")
    assert problem(etc / "state.yaml").remedy == "rename state.yml to state.yaml"


def test_a_missing_directory_is_an_error(etc: Path) -> None:
    assert problem(etc / "no" / "state.yaml").message == "there is no such file"


def test_a_file_as_directory_is_an_error(etc: Path) -> None:
    found = problem(etc / "state.yaml" / "state.yaml", etc)
    assert found.message == "a part of its path is not a directory"


def test_a_directory_as_state_file_is_an_error(etc: Path) -> None:
    (etc / "state.yaml").unlink()
    (etc / "state.yaml").mkdir()
    assert problem(etc / "state.yaml").message == "this is a directory"


def test_a_directory_as_drop_in_is_an_error(etc: Path) -> None:
    (etc / "state.d" / "a.yaml").mkdir(parents=True)
    assert problem(etc / "state.yaml").message == "this is a directory"


def test_a_file_as_directory_of_drop_ins_is_an_error(etc: Path) -> None:
    (etc / "state.d").write_text("")
    assert problem(etc / "state.yaml").message == "this is not a directory"


def test_a_pipe_or_socket_is_an_error_and_blocks_nobody(etc: Path) -> None:
    (etc / "state.yaml").unlink()
    os.mkfifo(etc / "state.yaml")
    assert problem(etc / "state.yaml").message == "this is not a regular file"
    (etc / "state.yaml").unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(etc / "state.yaml"))
        assert problem(etc / "state.yaml").message == "this is not a regular file"


def test_a_device_is_an_error(etc: Path) -> None:
    (etc / "state.yaml").unlink()
    (etc / "state.yaml").symlink_to("/dev/zero")
    assert problem(etc / "state.yaml").message == "this is not a regular file"


def test_a_link_to_nowhere_is_an_error(etc: Path) -> None:
    (etc / "state.yaml").unlink()
    (etc / "state.yaml").symlink_to("gone.yaml")
    found = problem(etc / "state.yaml")
    assert found.message == "the link points to gone.yaml, which does not exist"


def test_links_in_a_circle_are_an_error(etc: Path) -> None:
    (etc / "state.yaml").unlink()
    (etc / "state.yaml").symlink_to("other.yaml")
    (etc / "other.yaml").symlink_to("state.yaml")
    assert problem(etc / "state.yaml").message == "the links lead in a circle"


def test_a_link_to_nowhere_as_directory_of_drop_ins_is_an_error(etc: Path) -> None:
    (etc / "state.d").symlink_to("gone")
    assert "points to gone" in problem(etc / "state.yaml").message


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_an_unreadable_file_is_an_error(etc: Path) -> None:
    (etc / "state.yaml").chmod(0)
    assert problem(etc / "state.yaml").message == "reading it is not permitted"


def test_a_file_at_the_limit_is_read_and_a_larger_one_is_not(etc: Path) -> None:
    file = etc / "state.yaml"
    file.write_text(STATE + "#" * (LIMIT - len(STATE)))
    assert len(read(file)[0].data) == LIMIT
    file.write_text(STATE + "#" * (LIMIT - len(STATE) + 1))
    assert problem(file).message == "the file is larger than 1024 KiB"


def _config_map(folder: Path, version: str, text: str) -> None:
    """The layout that Kubernetes makes, and the way in which it replaces a ConfigMap."""
    (folder / version).mkdir()
    (folder / version / "state.yaml").write_text(text)
    (folder / "..data_tmp").symlink_to(version)
    (folder / "..data_tmp").rename(folder / "..data")


def test_a_config_map_is_read_and_read_anew_after_its_links_are_swapped(tmp_path: Path) -> None:
    _config_map(tmp_path, "..v1", STATE)
    (tmp_path / "state.yaml").symlink_to("..data/state.yaml")
    one = load(tmp_path / "state.yaml")
    _config_map(tmp_path, "..v2", STATE)
    two = load(tmp_path / "state.yaml")
    _config_map(tmp_path, "..v3", STATE.replace("kvm", "overlay"))
    three = load(tmp_path / "state.yaml")
    assert one.hash == two.hash != three.hash
    assert three.state.modules == ("overlay",)


@pytest.mark.parametrize(
    ("mode", "who"),
    [(0o664, "its group"), (0o646, "everybody"), (0o666, "its group and everybody")],
)
def test_a_file_that_others_can_write_is_not_read(etc: Path, mode: int, who: str) -> None:
    (etc / "state.yaml").chmod(mode)
    found = problem(etc / "state.yaml")
    assert found.message == f"the file can be written by {who} (mode {mode:04o})"
    assert found.remedy == f"chmod go-w {etc}/state.yaml"


def test_a_drop_in_that_others_can_write_is_not_read(etc: Path) -> None:
    (etc / "state.d").mkdir()
    (etc / "state.d" / "a.yaml").write_text("modules: []\n")
    (etc / "state.d" / "a.yaml").chmod(0o666)
    assert problem(etc / "state.yaml").file == str(etc / "state.d" / "a.yaml")


def test_a_directory_that_others_can_write_is_not_trusted(etc: Path) -> None:
    etc.chmod(0o775)
    found = problem(etc / "state.yaml")
    assert found.file == str(etc)
    assert found.remedy == f"chmod go-w {etc}"


def test_a_directory_of_drop_ins_that_others_can_write_is_not_trusted(etc: Path) -> None:
    (etc / "state.d").mkdir()
    (etc / "state.d").chmod(0o777)
    assert problem(etc / "state.yaml").file == str(etc / "state.d")


def test_directories_behind_links_are_asked_too(etc: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "real.yaml").write_text(STATE)
    (etc / "state.yaml").unlink()
    (etc / "state.yaml").symlink_to(elsewhere / "real.yaml")
    assert read(etc / "state.yaml")
    elsewhere.chmod(0o777)
    assert problem(etc / "state.yaml").file == str(elsewhere)


@pytest.mark.parametrize(("mode", "trusted"), [(0o777, False), (0o755, True), (0o1777, True)])
@pytest.mark.parametrize("below", ["", "conf/"])
def test_a_directory_with_a_link_on_the_way_is_asked_too(
    etc: Path, tmp_path: Path, below: str, mode: int, trusted: bool
) -> None:
    """state.d leads to pub/hop, and pub/hop to the drop-ins: who can write pub decides."""
    pub, real = tmp_path / "pub", tmp_path / "real"
    pub.mkdir()
    (real / below).mkdir(parents=True)
    (real / below / "a.yaml").write_text("modules: []\n")
    (pub / "hop").symlink_to(real)
    (etc / "state.d").symlink_to(pub / "hop" / below)
    pub.chmod(mode)
    if trusted:
        assert names(etc) == ["state.yaml", "a.yaml"]
    else:
        assert problem(etc / "state.yaml").remedy == f"chmod go-w {pub}"


def test_many_links_on_the_way_are_all_seen(etc: Path, tmp_path: Path) -> None:
    """Every directory of a long path is a link; only the last one stands where others may write."""
    here = tmp_path / "a"
    here.mkdir()
    for step in range(12):
        (tmp_path / f"real{step}").mkdir()
        (here / "to").symlink_to(tmp_path / f"real{step}")
        here = here / "to"
    (here / "state.yaml").write_text(STATE)
    (etc / "state.yaml").unlink()
    (etc / "state.yaml").symlink_to(here / "state.yaml")
    assert read(etc / "state.yaml")
    (tmp_path / "real10").chmod(0o777)
    found = problem(etc / "state.yaml")
    assert os.path.realpath(found.file) == str(tmp_path / "real10")


@pytest.mark.parametrize("target", ["loop", "loop/x"])
def test_a_link_to_itself_comes_to_an_end(tmp_path: Path, target: str) -> None:
    (tmp_path / "loop").symlink_to(target)
    assert {*trust.ways(tmp_path / "loop")} >= {tmp_path}


def test_a_sticky_directory_and_directories_further_up_do_not_matter(etc: Path) -> None:
    etc.chmod(0o1777)
    etc.parent.chmod(0o777)
    assert read(etc / "state.yaml")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_or_directory_of_somebody_else_is_not_trusted(etc: Path) -> None:
    os.chown(etc / "state.yaml", 1234, 0)
    found = problem(etc / "state.yaml")
    assert found.message.startswith("the file belongs to user 1234")
    assert found.remedy == f"chown root {etc}/state.yaml"
    os.chown(etc / "state.yaml", 0, 0)
    os.chown(etc, 1234, 0)
    assert problem(etc / "state.yaml").message.startswith("the directory belongs to user 1234")


def test_who_may_write_can_be_left_out_of_account(etc: Path) -> None:
    (etc / "state.yaml").chmod(0o666)
    etc.chmod(0o777)
    assert read(etc / "state.yaml", trusted=True)


def test_all_files_that_cannot_be_used_are_named_at_once(etc: Path) -> None:
    (etc / "state.d").mkdir()
    (etc / "state.d" / "a.yaml").symlink_to("gone")
    (etc / "state.yaml").chmod(0o666)
    with pytest.raises(StateError) as caught:
        read(etc / "state.yaml")
    assert len(caught.value.problems) == 2
