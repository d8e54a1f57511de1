"""Files and folders: names, permission to write, locks, and a safe way to replace a file."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock

UNFINISHED = ".unfinished-"  # prefix of the names of files that are being written
ABANDONED_SECONDS = 24 * 3600  # after which an unfinished file is taken as abandoned


def slug(text: str) -> str:
    """`text` as a part of a file name: letters, digits, `.`, `_` and `-`.

    Example:
        >>> slug("my pictures/")
        'my-pictures'
        >>> slug("日本")  # a checksum keeps apart what has no such letters
        'data-c7b7cdcc'
    """
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.") or f"data-{zlib.crc32(os.fsencode(text)):08x}"


def require_writable(folder: Path) -> None:
    """Tries to write into a folder, existing or not, and leaves everything as it was.

    Raises:
        ValueError: if it is not writable, so that this is known now and not after training.
    """
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(f"cannot write to {folder} ({error.strerror}): give another folder") from error
    finally:
        for place in missing:
            with contextlib.suppress(OSError):
                place.rmdir()


def locked(directory: Path) -> filelock.BaseFileLock:
    """The lock of a run's folder, held until this process ends in any way."""
    lock = filelock.FileLock(directory / ".lock")
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        raise ValueError(f"another process trains in {directory}: wait for it, or give another --run-dir") from None
    return lock


def new_folder(directory: Path) -> Path:
    """Makes the folder, with a number appended when two runs start in the same second."""
    candidates = (
        directory if not number else directory.with_name(f"{directory.name}-{number}") for number in range(10**6)
    )
    return next(candidate for candidate in candidates if not candidate.exists())


def cache_folder(name: str) -> Path:
    """The folder `name` in the cache of Keras: in `~/.keras`, or in the folder of the variable KERAS_HOME.

    Example:
        >>> cache_folder("datasets").name
        'datasets'
    """
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / name


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A path to write a new version of a file to: other processes, even after a crash, find the old or the new one.

    Args:
        path: the file; its folder is made when missing.

    Yields:
        A path in the same folder, with the same suffix. On success the file is flushed to the disk and renamed.

    Raises:
        OSError: if it cannot be written.

    Example:
        with replacing("final.keras") as unfinished:
            model.save(unfinished)
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f"{UNFINISHED}*-{path.name}"):  # by a process that was killed
        with contextlib.suppress(OSError):  # another process may be removing it
            if time.time() - left.stat().st_mtime > ABANDONED_SECONDS:
                left.unlink()
    unfinished = path.with_name(f"{UNFINISHED}{secrets.token_hex(8)}-{path.name}")
    try:
        yield unfinished
        _flush(unfinished, os.O_RDWR)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    if hasattr(os, "O_DIRECTORY"):  # flushes the name as well; Windows has no such flag
        _flush(path.parent, os.O_DIRECTORY)


def replace_file(path: str | Path, write: Callable) -> None:
    """Like `replacing`, for functions that write to an open binary file: `write(file)`."""
    with replacing(path) as unfinished, unfinished.open("wb") as file:
        write(file)


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
