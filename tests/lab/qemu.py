"""One qemu process: started from a disk or from a saved state, steered over its control socket.

A `Snapshot` is a folder with a disk and the state of the machine (memory, devices) at one moment.
It is never written to again: a machine that starts from it writes to an overlay of its own, so any
number of machines can run from one snapshot at the same time.  (qemu's own `savevm` would tie the
state to a disk that only one of them can open.)
"""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.vm_image import CABLES, NICS, Image, cache, say

_MEMORY = "768M"
_PROBE_SECONDS = 10


@dataclass(frozen=True)
class Snapshot:
    """A machine at one moment, on disk."""

    folder: Path

    @property
    def disk(self) -> Path:
        return self.folder / "disk.qcow2"

    @property
    def state(self) -> Path:
        return self.folder / "state"


class MachineError(Exception):
    """qemu did not start, or refused a command; the text says why."""


def accelerator(image: Image) -> str:
    """`kvm` where a guest really boots with it, else `tcg`.

    /dev/kvm may be there and guests hang on it (nested virtualisation switched off half-way), so a
    short boot decides, once for each boot of this machine.
    """
    if not os.access("/dev/kvm", os.W_OK):
        return "tcg"
    known = cache() / "vm-accelerator"
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    if known.exists() and known.read_text().split()[:1] == [boot]:
        return known.read_text().split()[1]
    found = "kvm" if _boots_with_kvm(image) else "tcg"
    known.write_text(f"{boot} {found}\n")
    say(f"/dev/kvm {'works' if found == 'kvm' else 'does not work: emulating, which is slower'}")
    return found


def _boots_with_kvm(image: Image) -> bool:
    with tempfile.TemporaryDirectory(prefix="vm-probe-") as folder:
        console = Path(folder) / "console"
        command = [*_base("kvm"), "-serial", f"file:{console}", "-kernel", str(image.kernel)]
        command += ["-initrd", str(image.initrd), "-append", "console=ttyS0 panic=-1"]
        qemu = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            limit = time.monotonic() + _PROBE_SECONDS
            while time.monotonic() < limit and qemu.poll() is None:
                if console.exists() and b"Run /init" in console.read_bytes():
                    return True
                time.sleep(0.1)
            return False
        finally:
            qemu.kill()
            qemu.wait()


def _base(accel: str) -> list[str]:
    kvm = accel == "kvm"
    return [
        # A machine never outlives the process that started it, however that ends.
        "setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-nodefaults", "-display", "none",
        "-machine", "pc", "-accel", "kvm" if kvm else "tcg",
        "-cpu", "host" if kvm else "qemu64,+rdrand", "-m", _MEMORY,
        # Emulated processors race when the kernel patches its own code (static keys, at boot and
        # whenever a module comes): "Oops: int3" once in some ten boots with two of them.
        "-smp", "2" if kvm else "1",
        "-rtc", "base=utc", "-no-user-config",
    ]  # fmt: skip


def _devices(image: Image, folder: Path, ports: Sequence[int]) -> list[str]:
    """The disk, the control socket, the NICs and their cables."""
    options = [
        "-kernel", str(image.kernel), "-initrd", str(image.initrd),
        "-append", "root=/dev/vda rw console=ttyS0 quiet systemd.show_status=0 mitigations=off "
        "panic=1 i8042.nokbd i8042.noaux",
        "-serial", f"file:{folder / 'console'}",
        "-qmp", f"unix:{folder / 'qmp'},server=on,wait=off",
        "-drive", f"file={folder / 'disk.qcow2'},if=virtio,cache=unsafe,discard=unmap",
        "-device", "virtio-rng-pci",
        "-netdev", f"user,id=admin,ipv6=off,hostfwd=tcp:127.0.0.1:{ports[0]}-:22",
    ]  # fmt: skip
    plugs = {"enp8s0": "admin"}
    for number, nic in enumerate(CABLES):
        # A cable is a pair of UDP ports: what the other end does not take is lost, as on a wire.
        # (On qemu's own hub the sender would wait until a NIC that is down comes up again.)
        one, two = ports[1 + 2 * number], ports[2 + 2 * number]
        for end, here, there in ((nic, one, two), (f"sw-{nic}", two, one)):
            cable = f"socket,id=plug-{end},udp=127.0.0.1:{there},localaddr=127.0.0.1:{here}"
            options += ["-netdev", cable]
            plugs[end] = f"plug-{end}"
    for nic, plug in plugs.items():
        device = f"virtio-net-pci,id={nic},netdev={plug},mac={NICS[nic]},romfile="
        options += ["-device", device]
    return options


def machine_digest(image: Image) -> str:
    """The hash of what a saved state depends on: qemu and the machine that it makes."""
    shown = subprocess.run(
        ["qemu-system-x86_64", "--version"], check=True, text=True, capture_output=True
    )
    accel = accelerator(image)
    options = [*_base(accel), *_devices(image, Path("folder"), range(1 + 2 * len(CABLES)))]
    return hashlib.sha256("\0".join([shown.stdout, *options]).encode()).hexdigest()[:8]


class Machine:
    """A running qemu.  `port` is where the guest's sshd answers on 127.0.0.1."""

    def __init__(self, image: Image, snapshot: Snapshot | None = None) -> None:
        """Boots `image`, or continues from `snapshot`.  Raises MachineError."""
        self.image, self.accel = image, accelerator(image)
        self.folder = Path(tempfile.mkdtemp(prefix="vm-"))
        self.disk = self.folder / "disk.qcow2"
        backing, kind = (image.disk, "raw") if snapshot is None else (snapshot.disk, "qcow2")
        subprocess.run(
            ["qemu-img", "create", "-q", "-f", "qcow2", "-F", kind, "-b", backing, self.disk],
            check=True,
        )
        ports = _free_ports()
        self.port = ports[0]
        command = [*_base(self.accel), *_devices(image, self.folder, ports)]
        if snapshot is not None:
            os.utime(snapshot.folder)  # it is in use, do not clear it away
            command += ["-incoming", f"exec:cat '{snapshot.state}'"]
        self._errors = self.folder / "errors"
        with self._errors.open("w") as errors:
            self._qemu = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                start_new_session=True,
            )  # fmt: skip
        self._control = self._connect()
        if snapshot is not None:
            self._wait_running()

    # ------------------------------------------------------------------------------ the control

    def qmp(self, command: str, **arguments: object) -> Any:
        """What qemu answers to a command of its machine protocol.  Raises MachineError."""
        request = {"execute": command, "arguments": arguments}
        self._control.sendall(json.dumps(request).encode())
        while True:
            answer = json.loads(self._lines.readline() or b'{"error": "qemu has ended"}')
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise MachineError(f"{command}: {answer['error']} {self._errors.read_text()}")

    def set_link(self, nic: str, up: bool) -> None:
        """Plugs in or pulls out the cable of a NIC."""
        self.qmp("set_link", name=nic, up=up)

    def save(self, snapshot: Snapshot) -> None:
        """Ends the machine and keeps it, as it is now, as `snapshot`.

        The snapshot's folder appears complete or not at all.
        """
        new = Path(tempfile.mkdtemp(prefix="vm-saving-", dir=snapshot.folder.parent))
        try:
            self.qmp("stop")
            self.qmp("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
            self.qmp("migrate", uri=f"exec:cat >'{new / 'state'}'")
            while (status := self.qmp("query-migrate").get("status")) != "completed":
                if status in ("failed", "cancelled"):
                    raise MachineError(f"saving the machine's state {status}")
                time.sleep(0.02)
            self.qmp("quit")
            self._qemu.wait(20)
            shutil.move(self.disk, new / "disk.qcow2")
            new.rename(snapshot.folder)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        finally:
            self.close()

    @property
    def console(self) -> str:
        """What the guest has printed on its serial console."""
        return (self.folder / "console").read_text(errors="replace")

    def close(self) -> None:
        """Ends the machine at once; its disk is gone."""
        self._qemu.kill()
        self._qemu.wait()
        self._control.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---------------------------------------------------------------------------------- private

    def _connect(self) -> socket.socket:
        control = socket.socket(socket.AF_UNIX)
        limit = time.monotonic() + 20
        while True:
            try:
                control.connect(str(self.folder / "qmp"))
                break
            except OSError as error:
                if self._qemu.poll() is not None or time.monotonic() > limit:
                    said = self._errors.read_text()
                    self._qemu.kill()
                    shutil.rmtree(self.folder, ignore_errors=True)
                    raise MachineError(f"qemu did not start: {said}") from error
                time.sleep(0.01)
        self._control, self._lines = control, control.makefile("rb")
        self._lines.readline()  # the greeting
        self.qmp("qmp_capabilities")
        return control

    def _wait_running(self) -> None:
        limit = time.monotonic() + 60
        while self.qmp("query-status")["status"] == "inmigrate":
            if time.monotonic() > limit:
                raise MachineError(f"the saved state was not restored: {self._errors.read_text()}")
            time.sleep(0.02)
        self.qmp("cont")  # it was stopped when it was saved


def _free_ports() -> list[int]:
    """Ports of 127.0.0.1 that are free: one of TCP for ssh, two of UDP for each cable."""
    kinds = [socket.SOCK_STREAM, *[socket.SOCK_DGRAM] * 2 * len(CABLES)]
    probes = [socket.socket(socket.AF_INET, kind) for kind in kinds]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports
