"""The versions of one exported model: folders whose names are integers, in a folder that a server watches.

A server loads what it finds there, so one rename adds or removes a version: it is complete or absent.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

MODEL_CONFIG = "model.config"  # the server's, beside the versions: it may name some of them
_VERSION = re.compile("[1-9][0-9]*")
_UNFINISHED = ".tmp-"  # prefix of folders that a server ignores
_ABANDONED_SECONDS = 24 * 3600


def check_name(name: str) -> None:
    """Refuses names that a single folder cannot have.

    Raises:
        ValueError: if `name` has anything but letters, digits, `.`, `_` and `-`, or begins with one of the last three.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ValueError(f"expected a model name of letters, digits, '.', '_' and '-', received {name!r}")


def published_versions(home: str | Path) -> list[int]:
    """The versions in the folder of one exported model, ascending; a server ignores every other name.

    Example:
        >>> published_versions("a/folder/that/is/not/there")
        []
    """
    home = Path(home)
    return (
        sorted(int(child.name) for child in home.iterdir() if _VERSION.fullmatch(child.name)) if home.is_dir() else []
    )


@contextlib.contextmanager
def scratch(home: Path) -> Iterator[Path]:
    """A temporary folder to write a version in, hidden from servers but on their disk.

    Also removes what killed exporters left behind a day ago or earlier.
    """
    home.mkdir(parents=True, exist_ok=True)
    for left in home.glob(f"{_UNFINISHED}*"):
        with contextlib.suppress(OSError):  # another exporter may be removing it
            if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(left)
    try:
        with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=home) as folder:
            yield Path(folder)
    finally:
        with contextlib.suppress(OSError):  # a folder with versions stays; an empty one, after a failure, is removed
            home.rmdir()


def claim(saved_model: Path, home: Path) -> Path:
    """Gives a finished SavedModel the version after the highest one; no two exporters get the same."""
    for path in saved_model.rglob("*"):  # flushed to disk, or a crash may leave the name without its content
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    while True:
        version = home / str(max(published_versions(home), default=0) + 1)
        try:
            os.rename(saved_model, version)
        except OSError:
            if not version.exists():  # not another exporter that was faster
                raise
        else:
            return version


def prune(home: Path, keep: int) -> list[int]:
    """Removes all versions except the newest and those that the server's `model.config` names.

    Args:
        home: folder of the versions.
        keep: how many of the newest to keep, at least 1.

    Returns:
        The removed versions, ascending.
    """
    gone = []
    for version in sorted(set(published_versions(home)[:-keep]) - named_versions(home)):
        with contextlib.suppress(FileNotFoundError):  # another exporter was faster
            with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=home) as folder:
                os.rename(home / str(version), Path(folder) / str(version))
            for file in home.glob(f"{version}.*"):  # in other formats
                file.unlink()
            gone.append(version)
    return gone


def named_versions(home: Path) -> set[int]:
    """The versions that `model.config` beside them names: those with labels, and those to be served in any case.

    Every number there that is a `value` or among `versions` counts: better to keep one version too many than to remove
    one that a client asks for.
    """
    path = home / MODEL_CONFIG
    text = re.sub(r"#.*", "", path.read_text(encoding="utf-8")) if path.exists() else ""
    found = re.findall(r"\b(?:value|versions)\s*:\s*(\[[^\]]*\]|\d+)", text)
    return {int(number) for numbers in found for number in re.findall(r"\d+", numbers)}
