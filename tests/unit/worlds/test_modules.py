"""Modules on fake trees: judged by capability, then by lists, never with a traceback."""

from pathlib import Path

import pytest

from bridged.apply.modules import ModuleLoader, classify
from bridged.errors import WorldError
from bridged.observe.modules import ModuleReader

RELEASE = "6.12.0-test"


def tree(root: Path, **files: str) -> ModuleReader:
    """A root with the files named by dunder paths, e.g. ``proc__modules``."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("RELEASE", RELEASE)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return ModuleReader(root, RELEASE)


def test_a_loaded_module_is_loaded(tmp_path: Path) -> None:
    reader = tree(tmp_path, proc__modules="br_netfilter 32768 0 - Live 0x0\nkvm 1 2 - Live 0x0\n")
    assert reader.read(["br_netfilter", "overlay"]) == {
        "br_netfilter": "loaded",
        "overlay": "absent",
    }


@pytest.mark.parametrize("state", ["Loading", "Unloading"])
def test_a_module_on_its_way_is_not_loaded_yet(tmp_path: Path, state: str) -> None:
    reader = tree(tmp_path, proc__modules=f"overlay 32768 0 - {state} 0x0\n")
    (tmp_path / "sys/module/overlay").mkdir(parents=True)
    assert reader.read(["overlay"]) == {"overlay": "absent"}


def test_dashes_and_underscores_are_the_same_module(tmp_path: Path) -> None:
    reader = tree(tmp_path, proc__modules="dm_crypt 1 0 - Live 0x0\n")
    assert reader.read(["dm-crypt"]) == {"dm_crypt": "loaded"}


def test_modules_builtin_lists_paths_and_compressed_ones_too(tmp_path: Path) -> None:
    """Case 6 (a)."""
    reader = tree(
        tmp_path,
        proc__modules="",
        lib__modules__RELEASE__modules_builtin="",
    )
    (tmp_path / "lib/modules" / RELEASE / "modules.builtin").write_text(
        "kernel/net/bridge/br_netfilter.ko\nkernel/fs/overlayfs/overlay.ko.zst\n"
        "kernel/drivers/md/dm-crypt.ko.xz\n",
        encoding="utf-8",
    )
    assert set(reader.read(["br_netfilter", "overlay", "dm_crypt"]).values()) == {"builtin"}


def test_br_netfilter_is_builtin_where_its_sysctls_exist(tmp_path: Path) -> None:
    """Case 6 (b): no /lib/modules, nothing in /sys/module."""
    reader = tree(tmp_path, proc__sys__net__bridge__key="1")
    assert reader.read(["br_netfilter"]) == {"br_netfilter": "builtin"}


def test_an_empty_directory_of_sysctls_is_no_module(tmp_path: Path) -> None:
    """Case 1: the directory is there and the keys are not."""
    reader = tree(tmp_path, proc__modules="")
    (tmp_path / "proc/sys/net/bridge").mkdir(parents=True)
    assert reader.read(["br_netfilter"]) == {"br_netfilter": "absent"}


def test_the_directory_of_the_sysctls_proves_no_other_module(tmp_path: Path) -> None:
    """Case 10: right directory, wrong module."""
    reader = tree(tmp_path, proc__sys__net__bridge__key="1", proc__modules="")
    assert reader.read(["overlay"]) == {"overlay": "absent"}


def test_a_loaded_module_with_sysctls_is_loaded_not_builtin(tmp_path: Path) -> None:
    reader = tree(
        tmp_path, proc__sys__net__bridge__key="1", proc__modules="br_netfilter 1 0 - Live 0x0\n"
    )
    assert reader.read(["br_netfilter"]) == {"br_netfilter": "loaded"}


def test_a_builtin_module_with_parameters_shows_in_sys_module(tmp_path: Path) -> None:
    reader = tree(tmp_path, sys__module__kvm__parameters__halt_poll_ns="1")
    assert reader.read(["kvm", "vhost_net"]) == {"kvm": "builtin", "vhost_net": "absent"}


def test_a_kernel_without_modules_is_no_error(tmp_path: Path) -> None:
    """Case 6 (c)."""
    assert ModuleReader(tmp_path, RELEASE).read(["overlay"]) == {"overlay": "absent"}


def test_garbage_in_the_lists_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/modules").write_bytes(b"\xff\xfe\n\n   \nkvm\n")
    assert ModuleReader(tmp_path, RELEASE).read(["kvm"]) == {"kvm": "loaded"}


# ---------------------------------------------------------------------------- loading


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (
            "modprobe: FATAL: Module br_netfilter not found in directory /lib/modules/6.12.0",
            "not-found",
        ),
        ("modprobe: ERROR: could not insert 'vhost_net': Key was rejected by service", "refused"),
        ("modprobe: ERROR: could not insert 'vhost_net': Required key not available", "refused"),
        ("modprobe: ERROR: could not insert 'kvm': Exec format error", "refused"),
        ("modprobe: ERROR: could not insert 'kvm': Operation not permitted", "permission"),
        ("modprobe: ERROR: could not insert 'kvm_intel': Operation not supported", "failed"),
        ("modprobe: ERROR: could not insert 'x': Unknown symbol in module", "refused"),
        ("", "failed"),
    ],
)
def test_what_modprobe_says_is_sorted(text: str, kind: str) -> None:
    """Cases 7, 8 and 22 are told apart."""
    assert classify(text) == kind


def fake(tmp_path: Path, script: str) -> ModuleLoader:
    program = tmp_path / "modprobe"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    return ModuleLoader(timeout=0.5, command=[str(program)])


def test_loading_runs_modprobe_once_without_a_shell(tmp_path: Path) -> None:
    fake(tmp_path, f'echo "$@" >>{tmp_path}/calls').load("br_netfilter")
    assert (tmp_path / "calls").read_text(encoding="utf-8") == "br_netfilter\n"


def test_a_refusal_carries_the_text(tmp_path: Path) -> None:
    loader = fake(tmp_path, "echo 'could not insert: Key was rejected by service' >&2; exit 1")
    with pytest.raises(WorldError, match="Key was rejected by service") as caught:
        loader.load("vhost_net")
    assert caught.value.kind == "refused"


def test_a_modprobe_that_hangs_is_a_timeout(tmp_path: Path) -> None:
    with pytest.raises(WorldError) as caught:
        fake(tmp_path, "exec sleep 60").load("kvm")
    assert caught.value.kind == "timeout"


def test_a_modprobe_is_ended_when_nobody_waits_for_it_any_more(tmp_path: Path) -> None:
    def enough() -> None:
        if (tmp_path / "pid").exists():
            raise WorldError("unavailable", "bridged is stopping")

    loader = fake(tmp_path, f"echo $$ >{tmp_path}/pid; exec sleep 60")
    with pytest.raises(WorldError, match="stopping"):
        ModuleLoader(command=loader._command).load("kvm", enough)
    pid = (tmp_path / "pid").read_text(encoding="utf-8").strip()
    assert not Path("/proc", pid).exists()


def test_no_modprobe_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(WorldError) as caught:
        ModuleLoader(command=[str(tmp_path / "nothing")]).load("kvm")
    assert caught.value.kind == "not-found"


@pytest.mark.parametrize("name", ["a b", "../x", "x;y", ""])
def test_what_is_no_module_name_never_reaches_modprobe(tmp_path: Path, name: str) -> None:
    loader = fake(tmp_path, f"touch {tmp_path}/called")
    with pytest.raises(WorldError) as caught:
        loader.load(name)
    assert caught.value.kind == "refused"
    assert not (tmp_path / "called").exists()


def test_the_list_that_the_unit_shows_counts_where_the_modules_are_hidden(tmp_path: Path) -> None:
    reader = tree(tmp_path, proc__modules="")
    shown = tmp_path / "run/bridged/modules.builtin"
    shown.parent.mkdir(parents=True)
    shown.write_text("kernel/fs/overlayfs/overlay.ko\n")
    assert reader.read(["overlay", "kvm"]) == {"overlay": "builtin", "kvm": "absent"}
