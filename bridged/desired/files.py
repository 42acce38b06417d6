"""Reading the state file and its drop-ins: the only part of `desired` that looks at the disk.

What may not be trusted is not read: who can write the file can move the node's network.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bridged.desired import trust
from bridged.desired.errors import Problem, StateError
from bridged.desired.source import Source
from bridged.folders import at_once

LIMIT = 1024 * 1024
"""Bytes of one file, 1 MiB; a node with hundreds of bridges needs some 50 KiB."""
SUFFIX = ".yaml"


class _Unusable(trust.Untrusted):
    """The same for any other reason."""


def _problem(error: trust.Untrusted) -> Problem:
    return Problem(str(error.path), 0, 0, error.message, error.remedy)


def read(
    path: Path | str, drop_ins: Path | str | None = None, *, trusted: bool = False
) -> tuple[Source, ...]:
    """The state file, then its drop-ins sorted by name.

    `drop_ins` is ``state.d`` beside the state file unless given; it need not exist.  Hidden files
    and what editors and package managers leave behind are no drop-ins.  Unless `trusted`, files
    and their directories must belong to root or to the user who runs us, and nobody else may be
    able to write them.  Raises StateError naming every file that cannot be used.
    """
    main = Path(path)
    folder = Path(drop_ins) if drop_ins is not None else drop_ins_beside(main)
    sources: list[Source] = []
    problems: list[Problem] = []
    try:
        paths = [main, *_drop_ins(folder, trusted)]
    except trust.Untrusted as error:
        paths = [main]
        problems.append(_problem(error))
    for file in paths:
        try:
            sources.append(Source(str(file), _read(file, trusted)))
        except trust.Untrusted as error:
            problems.append(_problem(error))
    if problems:
        raise StateError(problems)
    return tuple(sources)


def read_file(path: Path | str, *, trusted: bool = False) -> Source:
    """Another file of the operator's, of which it is asked who may write it as of the state file.
    Raises StateError."""
    try:
        return Source(str(path), _read(Path(path), trusted, missing="correct its name"))
    except trust.Untrusted as error:
        raise StateError([_problem(error)]) from None


def modified(path: Path) -> float | None:
    """When the state file or one of its drop-ins was last written, in Unix seconds; None where that
    cannot be told.  A drop-in that was taken away counts by its directory."""
    return max((status.st_mtime for status in _statuses(path)), default=None)


def touched(path: Path) -> float | None:
    """When anything was last done to them, which nobody can set back as `modified`."""
    return max((status.st_ctime for status in _statuses(path)), default=None)


def drop_ins_beside(path: Path | str) -> Path:
    """The directory of the drop-ins of the state file at `path`."""
    return Path(path).parent / "state.d"


def _statuses(path: Path) -> Iterator[os.stat_result]:
    folder = drop_ins_beside(path)
    for file in (path, folder, *_listed(folder)):
        with suppress(OSError):
            yield file.stat()


def _names(folder: Path) -> list[str]:
    """What is in a folder, sorted, but for what is hidden or left behind.  Raises OSError."""
    return sorted(name for name in os.listdir(folder) if not name.startswith((".", "#")))


def _listed(folder: Path) -> list[Path]:
    """Drop-ins by their names; none where the folder cannot be read, which `read` tells."""
    with suppress(OSError):
        return [folder / name for name in _names(folder) if name.endswith(SUFFIX)]
    return []


def watched(path: Path) -> set[Path]:
    """The directories in which a change may be one of the state: those of the state file, of its
    drop-ins and of the labels, and of every link that they lead through."""
    folder = drop_ins_beside(path)
    found = {path.parent, folder}
    for file in (path, path.parent / "labels", folder / SUFFIX, *_listed(folder)):
        found.update(trust.ways(file))
    return found


def _drop_ins(folder: Path, trusted: bool) -> Iterator[Path]:
    try:
        names = _names(folder)
    except FileNotFoundError:
        if folder.is_symlink():
            raise _Unusable(folder, _dangling(folder), "remove the link") from None
        return
    except NotADirectoryError:
        raise _Unusable(folder, "this is not a directory", "remove it, or make it one") from None
    except OSError as error:
        raise _Unusable(folder, _reason(folder, error)) from None
    if not trusted:
        _check_directories(folder / SUFFIX)
    for name in names:
        stem, dot, ending = name.rpartition(".")
        if dot and ending != "yaml" and ending.lower() in {"yml", "yaml"}:
            # Leaving it out without a word would cost somebody an afternoon.
            raise _Unusable(
                folder / name,
                "only files that end in .yaml are read",
                f"rename it to {stem}{SUFFIX}",
            )
        if name.endswith(SUFFIX):
            yield folder / name


def _read(file: Path, trusted: bool, missing: str = "") -> bytes:
    try:
        descriptor = at_once(file)
    except OSError as error:
        raise _Unusable(file, _reason(file, error), missing or _remedy(file, error)) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            what = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise _Unusable(file, f"this is {what}", "put it into a file")
        if not trusted:
            trust.check(file, status, "the file")
            _check_directories(file)
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            data = stream.read(LIMIT + 1)
    except OSError as error:
        raise _Unusable(file, _reason(file, error)) from None
    finally:
        os.close(descriptor)
    if len(data) > LIMIT:
        raise _Unusable(
            file, f"the file is larger than {LIMIT // 1024} KiB", "is it the right file?"
        )
    return data


def _check_directories(file: Path) -> None:
    try:
        trust.check_directories(file)
    except OSError as error:
        where = Path(error.filename or file)
        raise _Unusable(where, _reason(where, error)) from None


def _dangling(file: Path) -> str:
    try:
        return f"the link points to {os.readlink(file)}, which does not exist"
    except OSError:  # it was taken away meanwhile
        return "there is no such file"


def _reason(file: Path, error: OSError) -> str:
    """Why the file cannot be read, in a sentence."""
    if error.errno == errno.ENOENT:
        if file.is_symlink():
            return _dangling(file)
        return "there is no such file"
    reasons = {
        errno.ELOOP: "the links lead in a circle",
        errno.EACCES: "reading it is not permitted",
        errno.ENOTDIR: "a part of its path is not a directory",
        errno.ENAMETOOLONG: "its path is too long",
        errno.ENXIO: "this is not a regular file",
    }
    return reasons.get(error.errno or 0, f"reading it failed: {error.strerror or error}")


def _remedy(file: Path, error: OSError) -> str:
    if error.errno == errno.EACCES:
        return "run as root, or make it readable"
    if error.errno != errno.ENOENT or file.is_symlink():
        return ""
    other = file.with_suffix(".yml")
    if other.exists():
        return f"rename {other.name} to {file.name}"
    return "write it; its first line is `version: 1`"
