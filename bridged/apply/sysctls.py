"""Writing kernel parameters below /proc/sys."""

import errno
import os
from pathlib import Path

from bridged.beyond import can_ask, done
from bridged.desired.names import sysctl_problem
from bridged.errors import ErrorKind, WorldError

_KINDS: dict[int, ErrorKind] = {
    errno.ENOENT: "not-found",
    errno.ENOTDIR: "not-found",
    errno.EROFS: "permission",
    errno.EPERM: "permission",
    errno.EACCES: "permission",
    errno.ENODEV: "vanished",
    errno.EINVAL: "refused",
    errno.ERANGE: "refused",
    errno.EBUSY: "refused",
    errno.EOPNOTSUPP: "refused",
    errno.ELOOP: "refused",
    errno.EISDIR: "refused",
}

_DENIED = {errno.EROFS, errno.EPERM, errno.EACCES}
_RIGHTS = {
    "kernel/dmesg_restrict": "CAP_SYS_ADMIN",
    "kernel/kptr_restrict": "CAP_SYS_ADMIN",
    "kernel/unprivileged_bpf_disabled": "CAP_SYS_ADMIN",
    "net/core/bpf_jit_": "CAP_SYS_ADMIN",
    "kernel/modules_disabled": "CAP_SYS_MODULE",
    "kernel/usermodehelper/": "CAP_SYS_MODULE",
    "kernel/yama/": "CAP_SYS_PTRACE",
    "user/": "CAP_SYS_RESOURCE",
    "vm/mmap_min_addr": "CAP_SYS_RAWIO",
}
"""What a key, or those that begin so, take beside being root."""
_EDIT = "systemctl edit bridged, [Service]"
_AGAIN = "systemctl restart bridged"


class SysctlWriter:
    """Writes below `root`."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._sys = root / "proc/sys"

    def write(self, path: str, value: str) -> None:
        """One write(2) of the whole value: the kernel takes each write as a value of its own.

        Raises `WorldError`.  Nothing outside /proc/sys is written, not even through a link.
        """
        if sysctl_problem(path if "/" in path else "/" + path):
            raise WorldError("refused", f"{path} is not a path below /proc/sys")
        data = value.encode() + b"\n"
        try:
            file = os.open(self._sys / path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if not Path(os.readlink(f"/proc/self/fd/{file}")).is_relative_to(
                    self._sys.resolve()
                ):
                    raise WorldError("refused", f"{path} leads out of /proc/sys")
                written = self._write(file, data, path)
            finally:
                os.close(file)
        except OSError as error:
            if error.errno in _DENIED and self._read_only(path):
                raise WorldError(
                    "refused", f"{path} is read-only: the kernel lets nobody set it"
                ) from error
            if error.errno in _DENIED and self._by_systemd(path, data):
                return
            raise WorldError(
                _KINDS.get(error.errno or 0, "failed"), _text(error, path, value)
            ) from error
        if written != len(data):
            raise WorldError("failed", f"the kernel took only part of {value!r} for {path}")

    def _read_only(self, path: str) -> bool:
        try:
            return not (self._sys / path).stat().st_mode & 0o222
        except OSError:
            return False

    def _write(self, file: int, data: bytes, path: str) -> int:
        """One write(2).  What is missing while the key is there is said of the value."""
        try:
            return os.write(file, data)
        except FileNotFoundError:
            if not (self._sys / path).exists():
                raise
            raise WorldError(
                "refused",
                f"the kernel has no {data.decode().strip()!r} for {path}: it is misspelt, or comes "
                "with a module that is not loaded",
            ) from None

    def _by_systemd(self, path: str, data: bytes) -> bool:
        """Whether systemd wrote it for us: some keys take rights that our unit does not have."""
        if self._sys != Path("/proc/sys") or not can_ask():
            return False
        return done(["tee", "--", f"/proc/sys/{path}"], f"Sets {path} for bridged", data)


def _text(error: OSError, path: str, value: str) -> str:
    why = os.strerror(error.errno or 0)
    if error.errno == errno.EINVAL:
        return f"the kernel refuses the value {value!r} for {path} ({why})"
    if error.errno in _DENIED:
        return f"{path} cannot be written ({why}): {_denied(error.errno, path)}"
    return f"{path} cannot be set to {value!r}: {why}"


def _denied(number: int, path: str) -> str:
    """What most likely keeps us from it, and what to do."""
    right = next((right for part, right in _RIGHTS.items() if path.startswith(part)), "")
    if number != errno.EROFS and right:
        return f"it takes {right}; {_EDIT} CapabilityBoundingSet={right}"
    if number == errno.EROFS:
        late = f"if it was not there when bridged started: {_AGAIN}"
        return f"{late}; else {_EDIT} ReadWritePaths=/proc/sys/{path}"
    return "a sandbox, missing privileges or a read-only key"
