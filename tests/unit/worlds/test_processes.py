"""Which programs run: by their processes, and by their services where those are hidden."""

from pathlib import Path

from bridged.observe.processes import ProcessReader

NAMES = frozenset({"tuned", "dockerd", "libvirtd", "handler"})


def test_processes_and_services_both_tell(tmp_path: Path) -> None:
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/7/comm").write_text("handler\n")
    for unit in ("docker.service", "tuned.service", "cron.service"):
        (tmp_path / "sys/fs/cgroup/system.slice" / unit).mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/system.slice/libvirtd.service").mkdir()
    events = tmp_path / "sys/fs/cgroup/system.slice/libvirtd.service/cgroup.events"
    events.write_text("populated 0\nfrozen 0\n")
    assert ProcessReader(tmp_path).read(NAMES) == {"handler", "dockerd", "tuned"}
    events.write_text("populated 1\nfrozen 0\n")
    assert "libvirtd" in ProcessReader(tmp_path).read(NAMES)


def test_nothing_there_is_no_error(tmp_path: Path) -> None:
    assert ProcessReader(tmp_path).read(NAMES) == frozenset()
