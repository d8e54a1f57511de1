"""The versions of one exported model: folders whose names are integers, in a folder that a server watches.

A server loads what it finds there, so a version comes and goes by one renaming: it is whole or not there.
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

MODEL_CONFIG = "model.config"  # of the server, beside the versions: it may hold some of them
_VERSION = re.compile("[1-9][0-9]*")
_UNFINISHED = ".tmp-"  # beginning of what a server does not look at
_ABANDONED_SECONDS = 24 * 3600


def check_name(name: str) -> None:
    """Refuses names that are no single folder's.

    Raises:
        ValueError: if `name` is not made of letters, digits, `.`, `_` and `-`, or begins with a sign.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ValueError(f"expected a model name of letters, digits, '.', '_' and '-', received {name!r}")


def published_versions(home: str | Path) -> list[int]:
    """The versions in the folder of one exported model, ascending; a server ignores whatever is no integer.

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
    """A folder to write a version in, out of sight of servers but on their disk; it is gone afterwards.

    What exporters that were killed left behind a day ago or longer goes, too.
    """
    home.mkdir(parents=True, exist_ok=True)
    for left in home.glob(f"{_UNFINISHED}*"):
        with contextlib.suppress(OSError):  # another exporter may be at it
            if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(left)
    try:
        with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=home) as folder:
            yield Path(folder)
    finally:
        with contextlib.suppress(OSError):  # a folder of versions stays, one that a failure left empty goes
            home.rmdir()


def claim(saved_model: Path, home: Path) -> Path:
    """Gives a finished SavedModel the version after the highest one; no two exporters get the same."""
    for path in saved_model.rglob("*"):  # to the disk, or a crash may leave the name without its content
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
    """Removes all but the newest versions, and those that the server's `model.config` names.

    Args:
        home: folder of the versions.
        keep: how many of the newest stay, at least 1.

    Returns:
        The versions that are gone, ascending.
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
    """The versions that `model.config` beside them speaks of: those with labels, and those to be served for certain.

    Every number that stands there as a `value` or among `versions` counts: better one version too many than one that
    a client asks for.
    """
    path = home / MODEL_CONFIG
    text = re.sub(r"#.*", "", path.read_text(encoding="utf-8")) if path.exists() else ""
    found = re.findall(r"\b(?:value|versions)\s*:\s*(\[[^\]]*\]|\d+)", text)
    return {int(number) for numbers in found for number in re.findall(r"\d+", numbers)}
