"""The virtual machine as a `Node`: systemd, its own kernel with VLANs and modules, NetworkManager.

    python3 tests/lab/vm.py build             builds the image and its pristine snapshot
    python3 tests/lab/vm.py boot              a machine with the checkout in it, until ^C
    python3 tests/lab/vm.py ssh [COMMAND...]  into the machine that `boot` runs, else into a
                                              throw-away one

The machine is booted once and saved as `pristine`: booted, quiet, ssh answering.  Every machine
continues from there (or from a snapshot with the checkout in it) within a few seconds and has a
disk of its own.  The standard library only.
"""

import argparse
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path

if not __package__:  # run as a script
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.lab import qemu, vm_image
from tests.lab.node import CHECKOUT, Node, wait_until
from tests.lab.qemu import Machine, Snapshot
from tests.lab.vm_image import cache, locked, missing, say

__all__ = ["VmLab", "missing", "open_demo", "pristine", "with_checkout"]

_SOURCE = "/root/bridged-src"
_BROUGHT = ("bridged", "config", "packaging", "systemd", "tests/__init__.py", "tests/lab",
            "Makefile", "pyproject.toml")  # fmt: skip
"""What of the checkout goes into the machine: what is installed and what the laboratory runs."""
_LEFT_OUT = ("__pycache__", ".*_cache")
_RUNNING = "vm-running"
_BOOT_SECONDS = 300


class VmLab(Node):
    """A virtual machine that continues from `snapshot`; from a cold boot if it is None.

    It ends with `close()`, or with this process, however that ends.
    """

    source = _SOURCE
    has_modules = True
    has_systemd = True

    def __init__(self, snapshot: Snapshot | None) -> None:
        super().__init__()
        self._ended = False
        self.machine = Machine(vm_image.build(), snapshot)
        self.config = self.machine.folder / "ssh_config"
        self.config.write_text(
            f"""\
Host node
    HostName 127.0.0.1
    Port {self.machine.port}
    User root
    IdentityFile {self.machine.image.key}
    IdentitiesOnly yes
    BatchMode yes
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
    LogLevel ERROR
    ControlMaster auto
    ControlPath {self.machine.folder}/ssh
    ControlPersist yes
    ConnectTimeout 10
"""
        )
        try:
            self._wait_for_ssh(_BOOT_SECONDS if snapshot is None else 60)
        except BaseException:
            self.machine.close()
            raise

    def outer(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> list[str]:
        if self._ended:  # its port may be another machine's by now
            raise RuntimeError(f"the machine has ended; it cannot run {argv}")
        words = {**_ENVIRONMENT, **(env or {})}
        settings = [f"{name}={value}" for name, value in words.items()]
        return ["ssh", "-F", str(self.config), "node", shlex.join(["env", *settings, *argv])]

    def carrier(self, nic: str, up: bool) -> None:
        self.machine.set_link(nic, up)

    @property
    def nm_log(self) -> str:
        """NetworkManager's log since the boot."""
        return self.run("journalctl", "-b", "-o", "cat", "-u", "NetworkManager").stdout

    def lan_router(self) -> None:
        """Makes the DHCP servers on the wire offer a default route from now on."""
        self.run("lab-wire", "router")

    def copy_checkout(self) -> None:
        """Brings this checkout into the machine, at `source`, less most of its tests and prose."""
        pack = ["tar", "-C", str(CHECKOUT), "-cf", "-", "--owner=0", "--group=0"]
        pack += [f"--exclude={pattern}" for pattern in _LEFT_OUT]
        there = [name for name in _BROUGHT if (CHECKOUT / name).exists()]
        with subprocess.Popen([*pack, *there], stdout=subprocess.PIPE) as packing:
            script = f"rm -rf {_SOURCE} && mkdir -p {_SOURCE} && tar -C {_SOURCE} -xf -"
            subprocess.run(self.outer(["sh", "-c", script]), stdin=packing.stdout, check=True)

    def install(self) -> None:
        """Installs bridged from `source` as its README says."""
        self.run("make", "-C", _SOURCE, "install", timeout=300)

    def reboot(self, seconds: float = _BOOT_SECONDS) -> None:
        """Reboots the machine and returns once ssh answers again."""
        before = self.read(_BOOT_ID)
        self.run("systemctl", "reboot", check=False)
        self._drop_connection()
        self._wait_for_ssh(seconds, unlike=before)

    def power_cycle(self, seconds: float = _BOOT_SECONDS) -> None:
        """Resets the machine, as a power cut would, and returns once ssh answers again.

        What the guest had not yet written to its disk is lost.
        """
        before = self.read(_BOOT_ID)
        self.machine.qmp("system_reset")
        self._drop_connection()
        self._wait_for_ssh(seconds, unlike=before)

    def save(self, snapshot: Snapshot) -> None:
        """Ends the machine and keeps it as `snapshot`."""
        self._drop_connection()
        for process in self._processes:
            process.abandon()
        self._ended = True
        self.machine.save(snapshot)

    def close(self) -> None:
        if self._ended:
            return
        self._drop_connection()
        for process in self._processes:
            process.abandon()
        self._ended = True
        self.machine.close()

    def diagnosis(self) -> list[tuple[str, str]]:
        """See `Node.diagnosis`; with the journal."""
        journal = self.run("journalctl", "-b", "-n", "80", "-o", "short-monotonic").stdout
        return [*super().diagnosis(), ("the journal", journal)]

    # ---------------------------------------------------------------------------------- private

    def _drop_connection(self) -> None:
        subprocess.run(
            ["ssh", "-F", self.config, "-O", "exit", "node"], capture_output=True, check=False
        )

    def _wait_for_ssh(self, seconds: float, unlike: str = "") -> None:
        """Returns once ssh answers (from another boot than `unlike`), the clock being right."""

        def answers() -> bool:
            # A restored guest believes that it is still the moment at which it was saved.
            script = f"date -s @{time.time():.3f} >/dev/null; cat {_BOOT_ID}"
            try:
                done = self.run("sh", "-c", script, check=False, timeout=15)
            except subprocess.TimeoutExpired:
                done = None
            if done is not None and done.returncode == 0 and done.stdout != unlike:
                return True
            self._drop_connection()
            return False

        try:
            wait_until(answers, seconds, "ssh answers", interval=0.1)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.machine.console[-3000:]}") from error


_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "PYTHONPATH": _SOURCE,
    "PYTHONUNBUFFERED": "1",
}


def pristine() -> Snapshot:
    """The snapshot of the booted image without bridged, made now unless it is cached."""
    image = vm_image.build()
    found = Snapshot(image.folder / f"pristine-{qemu.machine_digest(image)}")
    with locked("vm-pristine"):
        if not found.folder.is_dir():
            say("booting it: this takes up to a minute, once")
            started = time.monotonic()
            lab = VmLab(None)
            _wait_until_settled(lab)
            lab.save(found)
            say(f"booted and saved: {time.monotonic() - started:.0f} s")
    return found


def _wait_until_settled(lab: VmLab) -> None:
    lab.run("systemctl", "is-system-running", "--wait", check=False, timeout=_BOOT_SECONDS)
    lab.run("nm-online", "-s", "-q", "-t", "60", timeout=90)
    nics = ("enp8s0", "enp13s0f0", "enp13s0f3")
    wait_until(lambda: all(lab.devices().get(nic) == "connected" for nic in nics), 60, "connected")
    # Loaded once, so that every machine has them in its page cache.
    libraries = "gi, pydbus, pyroute2, pydantic, watchfiles, structlog, prometheus_client, yaml"
    lab.run(*lab.python, "-c", f"import {libraries}; from gi.repository import Gio", timeout=120)
    lab.run("sh", "-c", "tcpdump --version; dbus-monitor --help; nmcli device", check=False)
    lab.run("sync")
    time.sleep(2)


def with_checkout() -> Snapshot:
    """The pristine snapshot with this checkout in it, compiled; made now unless it is cached."""
    base = pristine()
    digest = _checkout_digest()
    found = Snapshot(base.folder.with_name(f"{base.folder.name}-checkout-{digest}"))
    with locked("vm-checkout"):
        _forget_checkouts(base, found)
        if not found.folder.is_dir():
            say("bringing the checkout into the machine")
            lab = VmLab(base)
            lab.copy_checkout()
            # By an emulated processor this takes seconds, which every test would wait for.
            compile_all = ("-m", "compileall", "-q", f"{_SOURCE}/bridged", f"{_SOURCE}/tests/lab")
            lab.run(*lab.python, *compile_all, check=False, timeout=180)
            lab.run("sync")
            lab.save(found)
    return found


def _forget_checkouts(base: Snapshot, wanted: Snapshot) -> None:
    """Removes snapshots of earlier checkouts that no machine has started from for half an hour."""
    for folder in base.folder.parent.glob("pristine-*-checkout-*"):
        if folder != wanted.folder and folder.stat().st_mtime < time.time() - 1800:
            shutil.rmtree(folder, ignore_errors=True)


def _checkout_digest() -> str:
    """The hash of all that `copy_checkout` would bring in."""
    digest = hashlib.sha256()
    for path in sorted(p for name in _BROUGHT for p in [CHECKOUT / name, *_below(CHECKOUT / name)]):
        if path.is_file():
            digest.update(f"{path.relative_to(CHECKOUT)}\0{path.stat().st_mode}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _below(top: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(top):
        folders[:] = [n for n in folders if not any(fnmatch(n, p) for p in _LEFT_OUT)]
        yield from (Path(folder) / name for name in files)


def open_demo() -> VmLab:
    """A pristine machine with the checkout in it, for the demonstration."""
    if reason := missing():
        raise SystemExit(f"demo: {reason}")
    return VmLab(with_checkout())


def main() -> int:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="vm.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("action", choices=("build", "boot", "ssh"))
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if reason := missing():
        raise SystemExit(f"vm.py: {reason}")
    running = cache() / _RUNNING
    if options.action == "build":
        pristine()
        return 0
    if options.action == "ssh" and running.exists():
        config = Path(running.read_text().strip())
        return subprocess.run(["ssh", "-t", "-F", config, "node", *options.command]).returncode
    started = time.monotonic()
    lab = VmLab(with_checkout())
    say(f"ready after {time.monotonic() - started:.1f} s; the checkout is at {lab.source}")
    try:
        if options.action == "ssh":
            command = ["ssh", "-t", "-F", lab.config, "node", *options.command]
            return subprocess.run(command).returncode
        running.write_text(f"{lab.config}\n")
        say(f"ssh -F {lab.config} node   (or: {shlex.join([sys.argv[0], 'ssh'])}); ^C ends it")
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return 0
    finally:
        if options.action == "boot":
            running.unlink(missing_ok=True)
        lab.close()


if __name__ == "__main__":
    sys.exit(main())
