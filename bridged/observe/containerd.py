"""containerd: its configuration with what it imports, its OCI runtimes, and whether it answers."""

import glob
import os
import socket
import stat
import struct
import time
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridged.observe.node import ConfigFile, Containerd

_FOLDERS = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin")
_LARGEST = 1 << 20
_AHEAD = 2.0
"""Seconds by which a file's time may be ahead of the clock that is asked next."""
_FILES = 64
"""More files than this are a loop of imports."""


class ContainerdReader:
    """Reads below `root`."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._parsed: dict[tuple[str, int, int], ConfigFile] = {}

    def read(self, config: str, address: str, programs: tuple[str, ...]) -> Containerd:
        """What there is now.  Nothing that is missing or broken is an error here."""
        problem = ""
        files: list[ConfigFile] = []
        try:
            files = list(self._files(config))
        except (OSError, ValueError) as error:
            problem = str(error)
        found = {name: path for name in programs if (path := self._program(name))}
        answers, started = _listener(self._root / address.lstrip("/"))
        return Containerd(
            installed=self._program("containerd") is not None,
            files=tuple(files),
            problem=problem,
            programs=found,
            answers=answers,
            started=started,
        )

    def _program(self, name: str) -> str | None:
        """Where a program is found; an absolute path is itself."""
        places = [name] if name.startswith("/") else [f"/{folder}/{name}" for folder in _FOLDERS]
        for place in places:
            if os.access(self._root / place.lstrip("/"), os.X_OK):
                return place
        return None

    def _files(self, config: str) -> Iterator[ConfigFile]:
        """The file and what it imports, in containerd's order: breadth first, each once."""
        waiting, seen = [config], set[str]()
        while waiting:
            path = waiting.pop(0)
            if path in seen:
                continue
            seen.add(path)
            if len(seen) > _FILES:
                raise ValueError(f"{config} imports more than {_FILES} files")
            file = self._file(path)
            if file is None:
                if path == config:
                    return
                raise ValueError(f"{path}, which {config} imports, does not exist")
            yield file
            waiting += self._imports(path, file.data)

    def _file(self, path: str) -> ConfigFile | None:
        place = self._root / path.lstrip("/")
        try:
            seen = place.stat()
            key = (path, seen.st_mtime_ns, seen.st_ino)
            known = self._parsed.get(key)
            if known is not None:
                return self._dated(key, known)
            if not stat.S_ISREG(seen.st_mode):  # a FIFO would never end
                raise ValueError(f"{path} is not a plain file")
            text = place.read_bytes()[:_LARGEST].decode()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ValueError(f"{path} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError(f"{path} is not UTF-8") from None
        try:
            data: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"{path}: {error}") from None
        self._parsed = {k: f for k, f in self._parsed.items() if k[0] != path}
        # Renaming a file into place keeps its time; the inode's says when that was.
        file = ConfigFile(path, text, data, max(seen.st_mtime, seen.st_ctime))
        return self._dated(key, file)

    def _dated(self, key: tuple[str, int, int], file: ConfigFile) -> ConfigFile:
        """The file, without a date if that is in the future: the clock was set back since, and will
        come to it without anything having changed."""
        if file.changed > time.time() + _AHEAD:
            file = replace(file, changed=0.0)
        self._parsed[key] = file
        return file

    def _imports(self, parent: str, data: dict[str, Any] | Any) -> list[str]:
        found: list[str] = []
        imports = data.get("imports", [])
        for entry in imports if isinstance(imports, list) else []:
            path = os.path.normpath(os.path.join(os.path.dirname(parent), str(entry)))
            if "*" not in path:
                found.append(path)
                continue
            root = str(self._root).rstrip("/")
            matches = sorted(glob.glob(f"{glob.escape(root)}{path}"))
            found += [match[len(root) :] for match in matches]
        return found


def _listener(path: Path) -> tuple[bool, float | None]:
    """Whether somebody accepts connections there, and since when that process runs."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # a listener whose queue is full does not answer
        try:
            probe.connect(str(path))
            peer = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except OSError:
            return False, None
    return True, _started(struct.unpack("3i", peer)[0])


def _started(pid: int) -> float | None:
    """When a process started, in Unix seconds of the present clock."""
    try:
        # The name, in brackets, may hold anything; the fields are counted from behind it.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        ticks = int(fields[19])
    except (OSError, ValueError, IndexError):
        return None
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.time() - age
