"""Runs in the machine: tries what the unit forbids, and prints how each attempt ended, as JSON.

"done", or the name of the error: ``{"forbidden": {"write /usr": "EROFS", ...}, "needed": ...}``.
With the argument `harmless` only what does no harm where nothing forbids it.  The standard library
only.
"""

import ctypes
import errno
import fcntl
import json
import mmap
import os
import platform
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
NUMBERS = {
    # x86_64, aarch64
    "bpf": (321, 280),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "perf_event_open": (298, 241),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "open_by_handle_at": (304, 265),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "syslog": (103, 116),
}
HARMLESS: dict[str, Callable[[], object]] = {}
HARMFUL: dict[str, Callable[[], object]] = {}
NEEDED: dict[str, Callable[[], object]] = {}
_UTS, _USER, _NET, _MNT, _PID, _IPC, _CGROUP = (
    *(0x04000000, 0x10000000, 0x40000000, 0x00020000, 0x20000000, 0x08000000, 0x02000000),
)
PAGE = mmap.PAGESIZE


def libc(name: str, *words: object) -> int:
    """A function of the C library; OSError where it fails."""
    found: int = getattr(LIBC, name)(*words)
    if found == -1:
        raise OSError(ctypes.get_errno(), name)
    return found


def call(name: str, *words: object) -> int:
    """A system call without a function; OSError where it fails."""
    number = NUMBERS[name][platform.machine() == "aarch64"]
    return libc("syscall", ctypes.c_long(number), *words)


def secret(path: str) -> Callable[[], None]:
    """A folder or file that the unit hides is there, and empty; root may look at that."""

    def attempt() -> None:
        found = os.listdir(path) if os.path.isdir(path) else Path(path).read_bytes()
        if not found:
            raise FileNotFoundError(errno.ENOENT, "empty")

    return attempt


def write(path: str) -> Callable[[], None]:
    def attempt() -> None:
        probe = Path(path) / "sandbox-probe"
        probe.write_text("x")
        probe.unlink()

    return attempt


def opened(path: str, flags: int) -> Callable[[], None]:
    return lambda: os.close(os.open(path, flags))


def in_child(work: Callable[[], object]) -> Callable[[], None]:
    """The same in a process of its own, which it may leave in any state."""

    def attempt() -> None:
        pid = os.fork()
        if pid == 0:
            try:
                work()
            except OSError as error:
                os._exit(error.errno or 255)
            except BaseException:
                os._exit(255)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code:
            raise OSError(code, "in a child")

    return attempt


def execute(folder: str) -> Callable[[], None]:
    def attempt() -> None:
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            file.write(Path("/bin/true").read_bytes())
        try:
            os.chmod(file.name, 0o755)
            subprocess.run([file.name], check=True)
        finally:
            os.unlink(file.name)

    return attempt


def writable_code() -> None:
    mmap.mmap(-1, PAGE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def made_executable() -> None:
    LIBC.mmap.restype = ctypes.c_void_p
    place = LIBC.mmap(None, ctypes.c_size_t(PAGE), 3, 0x22, -1, ctypes.c_long(0))
    libc("mprotect", ctypes.c_void_p(place), ctypes.c_size_t(PAGE), 5)


def set_id_file() -> None:
    with tempfile.NamedTemporaryFile(dir=os.environ.get("RUNTIME_DIRECTORY", "/run")) as file:
        os.fchmod(file.fileno(), 0o4755)


def given_away() -> None:
    with tempfile.NamedTemporaryFile(dir=os.environ.get("RUNTIME_DIRECTORY", "/run")) as file:
        os.fchown(file.fileno(), 1, 1)


def device_node() -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("RUNTIME_DIRECTORY", "/run")) as folder:
        os.mknod(f"{folder}/sda", 0o600 | 0o060000, os.makedev(8, 0))


def first_process() -> None:
    Path("/proc/1/stat").read_text()


def sealed_memory() -> None:
    file = os.memfd_create("probe", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(file, b"x")
    fcntl.fcntl(file, 1033, 0xF)  # F_ADD_SEALS
    os.close(file)


def packet_to(address: str) -> Callable[[], None]:
    def attempt() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"x", (address, 9))

    return attempt


def sockets_of(family: int, kind: int) -> Callable[[], None]:
    return lambda: socket.socket(family, kind).close()


def loaded_program() -> None:
    """The smallest program that the verifier accepts: return 0."""
    code = struct.pack("=BBhi", 0xB7, 0, 0, 0) + struct.pack("=BBhi", 0x95, 0, 0, 0)
    instructions, license_ = ctypes.create_string_buffer(code), ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack("=IIQQ", 1, 2, *map(ctypes.addressof, (instructions, license_)))
    attributes += bytes(128 - len(attributes))
    os.close(call("bpf", 5, attributes, len(attributes)))


def mounted() -> None:
    libc("mount", b"x", b"/mnt", b"tmpfs", 0, b"")
    libc("umount2", b"/mnt", 0)


def ptraced() -> None:
    libc("ptrace", 16, 1, 0, 0)  # PTRACE_ATTACH
    libc("ptrace", 17, 1, 0, 0)


def memory_of_another() -> None:
    opened("/proc/1/mem", os.O_RDONLY)()


def clock() -> None:
    now = struct.pack("=qq", *divmod(int(__import__("time").time() * 1e9), 10**9))
    libc("clock_settime", 0, now)


def name() -> None:
    own = os.uname().nodename.encode()
    libc("sethostname", own, len(own))


for folder in ("/", "/etc", "/etc/systemd/system", "/etc/bridged", "/usr", "/var", "/var/lib",
               "/opt", "/run", "/run/systemd/system", "/root", "/boot", "/home"):  # fmt: skip
    HARMLESS[f"write {folder}"] = write(folder)
HARMLESS |= {
    "read /etc/shadow": secret("/etc/shadow"),
    "read a profile's secrets": secret("/etc/NetworkManager/system-connections"),
    "read the modules": secret("/usr/lib/modules"),
    "make a cgroup": lambda: (os.mkdir("/sys/fs/cgroup/probe"), os.rmdir("/sys/fs/cgroup/probe")),
    "write below /sys": opened("/sys/class/net/lo/mtu", os.O_WRONLY),
    "open sysrq": opened("/proc/sysrq-trigger", os.O_WRONLY),
    "open the disk": opened("/dev/vda", os.O_RDONLY),
    "open memory": opened("/dev/mem", os.O_RDONLY),
    "open the kernel's log": opened("/dev/kmsg", os.O_RDONLY),
    "ask for the kernel's log": lambda: call("syslog", 10, 0, 0),
    "read another's memory": memory_of_another,
    "attach to another": in_child(ptraced),
    "make a device node": device_node,
    "make a setuid file": set_id_file,
    "give a file away": given_away,
    "become another user": in_child(lambda: os.setresuid(1, 1, 1)),
    "become another group": in_child(lambda: os.setgroups([1])),
    "mount": in_child(mounted),
    "change the root": in_child(lambda: os.chroot("/usr")),
    "join a namespace": in_child(
        lambda: libc("setns", os.open("/proc/self/ns/net", os.O_RDONLY), _NET)
    ),
    "load an eBPF program": loaded_program,
    "run a file in /tmp": execute("/tmp"),
    "run a file in /dev/shm": execute("/dev/shm"),
    "run a file in /run": execute(os.environ.get("RUNTIME_DIRECTORY", "/run")),
    "run a file in /var/lib": execute(os.environ.get("STATE_DIRECTORY", "/var/lib")),
    "map memory to write and run": writable_code,
    "make written memory run": made_executable,
    "set the clock": clock,
    "set the host's name": name,
    "add a key": lambda: call("add_key", b"user", b"probe", b"x", 1, -3),
    "read keyrings": lambda: call("keyctl", 0, -3, 1),
    "real-time scheduling": in_child(
        lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    ),
    "a higher priority": in_child(lambda: os.setpriority(os.PRIO_PROCESS, 0, -5)),
    "another personality": in_child(lambda: libc("personality", ctypes.c_ulong(8))),
    "a socket to the host": sockets_of(socket.AF_VSOCK, socket.SOCK_STREAM),
    "the kernel's ciphers": sockets_of(socket.AF_ALG, socket.SOCK_SEQPACKET),
}
for word, flag in (
    ("user", _USER), ("net", _NET), ("mount", _MNT), ("pid", _PID), ("ipc", _IPC),
    ("uts", _UTS), ("cgroup", _CGROUP),
):  # fmt: skip
    HARMLESS[f"a new {word} namespace"] = in_child(
        lambda flag=flag: libc("unshare", flag)  # type: ignore[misc]
    )
HARMFUL |= {
    "load a module": lambda: call("finit_module", -1, b"", 0),
    "load a module from memory": lambda: call("init_module", b"", 0, b""),
    "unload a module": lambda: call("delete_module", b"no_such_module", 0),
    "another kernel": lambda: call("kexec_load", 0, 0, 0, 0),
    "restart the machine": lambda: libc("reboot", 0),
    "swap": lambda: libc("swapon", b"/nothing", 0),
    "ports of the machine": lambda: libc("iopl", 3),
    "events of the processor": lambda: call("perf_event_open", 0, 0, 0, -1, 0),
    "account for processes": lambda: call("acct", 0),
}
for folder in (
    "/etc/modules-load.d",
    "/etc/sysctl.d",
    "/etc/kubernetes",
    "/etc/containerd",
    "/run/bridged",
    "/var/lib/bridged",
    "/tmp",
):
    NEEDED[f"write {folder}"] = write(folder)
for file in ("fs/file-max", "kernel/panic", "net/ipv4/ip_forward", "vm/swappiness"):
    NEEDED[f"write {file}"] = opened(f"/proc/sys/{file}", os.O_WRONLY)
NEEDED |= {
    "hear of links": sockets_of(socket.AF_NETLINK, socket.SOCK_RAW),
    "ask for hardware addresses": sockets_of(socket.AF_PACKET, socket.SOCK_RAW),
    "ask for an echo": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close(),
    "reach a neighbour": packet_to("192.168.20.1"),
    "reach a probe far away": packet_to("203.0.113.1"),
    "know since when containerd runs": first_process,
    "an entry for the journal that is too long for one message": sealed_memory,
    "talk to the journal": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).connect(
        "/run/systemd/journal/socket"
    ),
    "read what belongs to others": opened("/etc/sandbox-probe-foreign", os.O_RDONLY),
    "reach itself": packet_to("127.0.0.1"),
    "talk to the bus": lambda: socket.socket(socket.AF_UNIX).connect("/run/dbus/system_bus_socket"),
    "know what is built in": lambda: Path("/run/bridged/modules.builtin").read_text()[10],
    "know what is loaded": lambda: Path("/proc/modules").read_text()[10],
    "know routes": lambda: Path("/proc/net/route").read_text()[10],
    "know sshd's ports": lambda: Path("/etc/ssh/sshd_config").read_text()[10],
}


def ended(attempt: Callable[[], object]) -> str:
    """How an attempt ends."""
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error.errno))
    except subprocess.CalledProcessError as error:
        return f"exit {error.returncode}"
    return "done"


if __name__ == "__main__":
    groups = {"forbidden": HARMLESS}
    if sys.argv[1:] != ["harmless"]:
        groups = {"forbidden": HARMLESS | HARMFUL, "needed": NEEDED}
    print(json.dumps({g: {what: ended(how) for what, how in groups[g].items()} for g in groups}))
