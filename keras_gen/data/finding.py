"""Finds the images below a folder, apart from archives, other formats and what operating systems put there."""

from __future__ import annotations

import itertools
import os
import shlex
from pathlib import Path, PurePosixPath

from keras_gen.data.image_data import note

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"}
OTHER_SUFFIXES = {".tif", ".tiff", ".jfif", ".jpe", ".jp2", ".avif", ".heic", ".ppm", ".pgm", ".tga", ".psd", ".svg"}
UNPACK = {
    ".zip": "unzip {archive} -d {folder}",
    ".7z": "7z x {archive} -o{folder}",
    ".rar": "unrar x {archive} {folder}/",
    **dict.fromkeys(
        (".tgz", ".tbz2", ".txz", *(f".tar{packed}" for packed in ("", ".gz", ".bz2", ".xz", ".zst"))),
        "mkdir {folder} && tar -xf {archive} -C {folder}",
    ),
}
# Folders that operating systems and programs make, in lower case; all that begin with a dot count as such too.
SYSTEM_FOLDERS = {
    *("@eadir", "@tmp", "#recycle", "#snapshot", "@recycle", "@recently-snapshot"),  # network storage
    *("__macosx", "network trash folder", "temporary items"),
    *("$recycle.bin", "recycler", "system volume information", *(f"found.{index:03}" for index in range(10))),
    *("lost+found", "lost.dir", "__pycache__", "node_modules"),
}
MAX_SEARCHED = 100  # folders below one of these that are searched for an image, to report that it is left out


def find_images(folder: Path) -> tuple[list[PurePosixPath], list[PurePosixPath], list[PurePosixPath]]:
    """What lies below the folder, relative to it and sorted.

    Hidden files and what systems make are left out. Links to folders are followed, each folder once: a link back up
    would otherwise never end.

    Returns:
        (image files, those in formats that are not read, folders of systems with images in them).
    """
    found: list[PurePosixPath] = []
    others: list[PurePosixPath] = []
    left_out: list[PurePosixPath] = []
    seen = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        here = PurePosixPath(Path(parent).relative_to(folder).as_posix())
        of_systems = [name for name in folders if name.startswith(".") or name.lower() in SYSTEM_FOLDERS]
        left_out += [here / name for name in of_systems if holds_image(Path(parent) / name)]
        folders[:] = sorted(set(folders) - set(of_systems))
        for name in files:
            suffix = Path(name).suffix.lower()
            if suffix in SUFFIXES | OTHER_SUFFIXES and not name.startswith("."):
                (found if suffix in SUFFIXES else others).append(here / name)
    if not found:
        kinds = ", ".join(sorted({file.suffix for file in others}))
        if arrays := sorted(folder.glob("*.np[yz]")):
            instead = f", but {arrays[0]}: give that path"
        elif kinds:
            instead = f", but {kinds}: convert them to .png"
        elif archives := sorted(filter(is_archive, folder.iterdir())):
            instead = f", but {archives[0].name}: {unpack_hint(archives[0])}"
        elif left_out:
            instead = f", but in {left_out[0]}, a folder that systems or programs make: give that path"
        else:
            instead = ""
        raise ValueError(f"expected images ({' '.join(sorted(SUFFIXES))}) in {folder}, found none{instead}")
    return sorted(found), sorted(others), sorted(left_out)


def holds_image(folder: Path) -> bool:
    """Whether an image lies in the folder or in one of the first `MAX_SEARCHED` folders below it."""
    searched = itertools.islice(os.walk(folder), MAX_SEARCHED)
    names = (name for _, _, files in searched for name in files)
    return any(Path(name).suffix.lower() in SUFFIXES and not name.startswith(".") for name in names)


def is_archive(path: Path) -> bool:
    """Whether a file is an archive, by its name."""
    return path.name.lower().endswith(tuple(UNPACK))


def unpack_hint(path: Path) -> str:
    """What to do with an archive: the command that unpacks it, and the folder to load after that."""
    suffix = max((suffix for suffix in UNPACK if path.name.lower().endswith(suffix)), key=len)
    folder = path.with_name(path.name[: -len(suffix)])
    command = UNPACK[suffix].format(archive=shlex.quote(str(path)), folder=shlex.quote(str(folder)))
    return f"unpack it with {command} and load {folder}"


def note_left_out(folders: list[PurePosixPath]):
    """Says which folders with images are not read."""
    if folders:
        more = f" and {len(folders) - 3} more" if len(folders) > 3 else ""
        note(
            "left out with the images in them, because systems and programs make such folders: "
            f"{', '.join(map(printable, folders[:3]))}{more}"
        )


def printable(file: PurePosixPath) -> str:
    """A name to print: on one line and without control characters for the terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in str(file))
