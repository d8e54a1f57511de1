"""A folder of images: which files belong to it, their classes, and whether they fit into memory.

Every file is decoded once when the set is loaded, so a bad one is found then and not hours later. How a single file
becomes an array belongs to `decoding`.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import os
import re
import shlex
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError
from rich.console import Console
from rich.progress import track

from keras_gen.data.attributes import FILE_NAME, read_attributes_csv
from keras_gen.data.decoding import DEPTHS, WHITE_16, Header, Peak, Target, decode, read_header
from keras_gen.data.image_data import ImageData, Split, index_labels, note, with_test

MEMORY_LIMIT = 2 * 1024**3  # bytes of pixels; a larger set is decoded batch by batch
# A part of a set in the name of a folder, as a word of its own: train, Training, test_set, trainA, val2017, seg_train.
PART = re.compile(
    r"(?:^|(?<=[^a-zA-Z])|(?<=[a-z])(?=[A-Z]))"
    r"(?i:(tr(?:ai)?n(?:ing)?|te?st(?:ing)?|val(?:id(?:ation)?)?|eval(?:uation)?|dev)"
    r"(?:[ _-]*(?:data)?(?:set|images?))?)"
    r"(?=[^a-z]|[ab]?$)"
)
PART_RESTS = ("", "a", "b")  # what else is in the name of a part that needs no other beside it to be one: trainA, testB
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
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"}

# Folders that systems and programs make, in lower case; so are all that begin with a dot.
SYSTEM_FOLDERS = {
    *("@eadir", "@tmp", "#recycle", "#snapshot", "@recycle", "@recently-snapshot"),  # network storage
    *("__macosx", "network trash folder", "temporary items"),
    *("$recycle.bin", "recycler", "system volume information", *(f"found.{index:03}" for index in range(10))),
    *("lost+found", "lost.dir", "__pycache__", "node_modules"),
}
MAX_SEARCHED = 100  # folders below one of these that are searched for an image, which is said to be left out

# What has the suffix of an image and is none that can be read, by its first bytes.
DISGUISES = (
    ("a pointer of Git LFS: git lfs pull brings the image", b"version https://git-lfs"),
    ("HEIC: convert it to .jpg or .png", b"(?s)....ftyp(?:hei|hev|mif1|msf1)"),
    ("JPEG XL: convert it to .jpg or .png", rb"\xff\x0a|\x00\x00\x00\x0cJXL "),
    ("a TIFF of a kind that is not read: convert it to a .png of 8 bits", rb"II[*+]\x00|MM\x00[*+]"),
    ("SVG: convert it to .png", rb"(?is)\s*(?:<\?xml.*)?<svg"),
    ("a web page: download it again", rb"(?i)\s*<(?:!doctype html|html)"),
    ("an archive: unpack it", rb"PK\x03\x04|\x1f\x8b|Rar!|7z\xbc\xaf"),
)

# Without an image_size: a set of one size keeps it up to this side, beyond which first trials take hours.
MAX_OWN_SIDE = 256
DEFAULT_SIDE = 64


class FolderImages:
    """Images that stay files and are decoded when they are asked for, to the bytes they would have in memory.

    Args:
        paths: object array (n,) of paths.
        target: the `Target` that every image becomes.
    """

    dtype = np.dtype("uint8")

    def __init__(self, paths: np.ndarray, target: Target):
        self.paths = paths
        self.target = target
        self.shape = (len(paths), *target.image_shape)
        self._gone: set[Path] = set()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index) -> np.ndarray:
        chosen = self.paths[index]
        if isinstance(chosen, Path):
            return self._decode(chosen)
        images = np.empty((len(chosen), *self.target.image_shape), np.uint8)
        for position, image in enumerate(decoders().map(self._decode, chosen)):
            images[position] = image
        return images

    def _decode(self, path: Path) -> np.ndarray:
        """The image, or the next one that is still there: hours of training are worth more than one file."""
        try:
            return decode(path, self.target)
        except OSError as error:
            at = self.paths.tolist().index(path)
            others = (*self.paths[at + 1 :], *self.paths[:at])
            stand_in = next((other for other in others if other.exists()), None)
            if stand_in is None:
                raise
            if path not in self._gone:
                self._gone.add(path)
                note(f"{path} cannot be read any more ({error.strerror or error}): {stand_in.name} takes its place")
            return decode(stand_in, self.target)

    def take(self, indices: np.ndarray, axis: int = 0) -> FolderImages:
        """Narrows the list of files, in the manner of `np.ndarray.take`, without decoding one."""
        return FolderImages(self.paths.take(indices, axis=axis), self.target)


def read_folder(folder: Path, size: tuple[int, int] | None, channels: int | None, fit: str) -> ImageData:
    """Reads a folder of images.

    Args:
        folder: sub-folders are classes, or `train` and `test` with classes inside (by any name that `PART` finds them
            in); images that lie directly in it have no labels. A `val` beside both is left out, beside `train` alone
            it is the test part. `attributes.csv` in the folder adds columns. Where all that lies in a single
            sub-folder, as in what an archive unpacks to, that one is read. Folders that systems make are left out.
        size: (height, width), or None to decide from the files.
        channels: 1, 3 or 4, or None to decide from the files.
        fit: a key of `decoding.FITS`.

    Returns:
        `ImageData` with `skipped` filled.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Pillow finds odd in a file that it can read
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        found, others, left_out = find_images(folder)
        if (inner := only_folder(folder, found + others)) is not None:
            note(f"all images of {folder} lie in {inner.name}, which is read in its place")
            note_left_out([each for each in left_out if each.parts[0] != inner.name])  # the rest is said of inner
            return dataclasses.replace(read_folder(inner, size, channels, fit), name=folder.resolve().name)
        note_left_out(left_out)
        headers, skipped = read_headers(folder, without_validation(found))
        skipped += [(shown(file), f"{file.suffix} is not read: convert it to .png") for file in others]
        check_number(folder, len(headers), skipped)
        files = list(headers)
        target = choose_target(list(headers.values()), size, channels, fit)
        parts, below = split_parts(folder, files)
        classes = classes_of(folder, below)
        columns, attribute_values = read_attributes_csv(folder, [str(file) for file in files])
        images, reasons = decode_all(folder, files, target)
    good = np.array([why is None for why in reasons])
    skipped += [(shown(file), why) for file, why in zip(files, reasons, strict=True) if why]
    check_number(folder, len(images), skipped)
    report_skipped(skipped, len(images))

    labels, class_names = None, None
    if None not in classes:
        (labels,), class_names = index_labels(classes[good].astype(str))
    elif any(classes):
        stray = files[classes.tolist().index(None)]
        note(f"images lie beside the class folders, such as {stray}: all are loaded without labels")
    whole = Split(images, labels, {name: column[good] for name, column in columns.items()})
    if parts is None:
        train, test = with_test(whole, None)
    else:
        train, test = (whole.take(np.flatnonzero(parts[good] == part)) for part in ("train", "test"))
    return ImageData(
        name=folder.resolve().name,
        train=train,
        test=test,
        class_names=class_names,
        attribute_values=attribute_values,
        source=str(folder),
        skipped=skipped,
    )


def find_images(folder: Path) -> tuple[list[PurePosixPath], list[PurePosixPath], list[PurePosixPath]]:
    """What lies below the folder, relative to it and sorted.

    Without what is hidden and what systems make. Links to folders are followed, each folder once: a link back up would
    otherwise never end.

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
            instead = f", but {archives[0].name}: {how_to_unpack(archives[0])}"
        elif left_out:
            instead = f", but in {left_out[0]}, a folder that systems or programs make: give that path"
        else:
            instead = ""
        raise ValueError(f"expected images ({' '.join(sorted(SUFFIXES))}) in {folder}, found none{instead}")
    return sorted(found), sorted(others), sorted(left_out)


def holds_image(folder: Path) -> bool:
    """Whether an image lies in the folder or below it, in one of the first folders."""
    searched = itertools.islice(os.walk(folder), MAX_SEARCHED)
    names = (name for _, _, files in searched for name in files)
    return any(Path(name).suffix.lower() in SUFFIXES and not name.startswith(".") for name in names)


def is_archive(path: Path) -> bool:
    """Whether a file is one that others are packed in, by its name."""
    return path.name.lower().endswith(tuple(UNPACK))


def how_to_unpack(path: Path) -> str:
    """What to do with an archive: the command that unpacks it, and the folder to load then."""
    suffix = max((suffix for suffix in UNPACK if path.name.lower().endswith(suffix)), key=len)
    folder = path.with_name(path.name[: -len(suffix)])
    command = UNPACK[suffix].format(archive=shlex.quote(str(path)), folder=shlex.quote(str(folder)))
    return f"unpack it with {command} and load {folder}"


def note_left_out(folders: list[PurePosixPath]):
    """Says which folders with images are not read."""
    if folders:
        more = f" and {len(folders) - 3} more" if len(folders) > 3 else ""
        note(
            "left out, with the images in them, as folders that systems and programs make: "
            f"{', '.join(map(shown, folders[:3]))}{more}"
        )


def only_folder(folder: Path, files: list[PurePosixPath]) -> Path | None:
    """The sub-folder that holds nothing but sub-folders with all images, which are then the classes or parts."""
    tops = {file.parts[0] for file in files}
    deep = all(len(file.parts) > 2 for file in files)
    if len(tops) > 1 or not deep or (folder / FILE_NAME).exists():
        return None
    if (part := part_of(*tops)) and part.rest in PART_RESTS:
        return None
    return folder / tops.pop()


class Part(NamedTuple):
    """What the name of a folder says about the part of a set in it."""

    kind: str  # train, test or validation
    rest: str  # what else the name says: "a" of trainA


def part_of(name: str) -> Part | None:
    """The part that a folder is by its name, if it is one."""
    words = list(PART.finditer(name))
    if len(words) != 1:
        return None
    start, end = words[0].span()
    initial = words[0][1][0].lower()
    kind = "validation" if initial not in "t" else "train" if words[0][1][1].lower() == "r" else "test"
    return Part(kind, re.sub(r"[\W_]", "", name[:start] + name[end:]).lower())


def parts_at_top(files: list[PurePosixPath]) -> dict[str, Part] | None:
    """The part that each folder at the top is, if nothing lies beside the parts of one set."""
    parts = {top: part_of(top) for top in {top_of(file) for file in files}}
    if None in parts.values() or len({part.rest for part in parts.values() if part}) > 1:
        return None
    return {top: part for top, part in parts.items() if part}


def without_validation(files: list[PurePosixPath]) -> list[PurePosixPath]:
    """The files but those of a validation part beside a test part: what is held out here is one part."""
    parts = parts_at_top(files) or {}
    if {part.kind for part in parts.values()} != {"train", "test", "validation"}:
        return files
    used = [file for file in files if parts[top_of(file)].kind != "validation"]
    note(f"{len(files) - len(used)} images for validation are left out: train is learned from, test is scored against")
    return used


def top_of(file: PurePosixPath) -> str:
    """The folder at the top of a path, "." for a file without one."""
    return file.parts[0] if len(file.parts) > 1 else "."


def read_headers(folder: Path, files: list[PurePosixPath]) -> tuple[dict[PurePosixPath, Header], list[tuple[str, str]]]:
    """The headers of all files that have a readable one, and (file, reason) of the others."""
    headers, skipped = {}, []
    for file in files:
        try:
            headers[file] = read_header(folder / file)
        except Exception as error:  # on a bad file Pillow raises nearly anything
            skipped.append((shown(file), reason(folder / file, error)))
    return headers, skipped


def choose_target(headers: list[Header], size: tuple[int, int] | None, channels: int | None, fit: str) -> Target:
    """Fills in what was not asked for: the common size if it is small, and the fewest channels that lose no colour.

    Transparency stays where all images have it.
    """
    if channels is None:
        channels = 4 if all(h.has_alpha for h in headers) else 1 if all(h.is_grey for h in headers) else 3
        transparent = sum(h.has_alpha for h in headers)
        if channels < 4 and transparent:
            note(f"{transparent} of {len(headers)} images may be transparent: laid on white; --channels 4 keeps it")
    sizes = {header.size for header in headers}
    if size is None and len(sizes) == 1 and max(headers[0].size) <= MAX_OWN_SIDE:
        width, height = headers[0].size
        size = height, width
    if size is None:
        # The median, since one thin picture should not decide for all.
        side = min(DEFAULT_SIDE, int(np.median([min(header.size) for header in headers])))
        size = side, side
        by_area = sorted(sizes, key=math.prod)
        smallest, largest = (f"{width}×{height}" for width, height in (by_area[0], by_area[-1]))
        what = f"have {len(sizes)} sizes from {smallest} to {largest}" if len(sizes) > 1 else f"are {largest}"
        done = {"crop": "cropped", "pad": "padded", "stretch": "stretched"}[fit]
        note(f"images {what}: {done} to {side}×{side} with Lanczos; --image-size and --fit change that")
    return Target((*size, channels), fit)


def decode_all(
    folder: Path, files: list[PurePosixPath], target: Target
) -> tuple[np.ndarray | FolderImages, list[str | None]]:
    """Decodes every file once, into memory if the set fits there.

    Returns:
        (the images that could be decoded, for each file None or the reason why it could not).
    """
    num_bytes = len(files) * math.prod(target.image_shape)
    pixels = np.empty((len(files), *target.image_shape), np.uint8) if num_bytes <= MEMORY_LIMIT else None
    peak = Peak()

    def decode_one(position: int) -> str | None:
        path = folder / files[position]
        try:
            image = decode(path, target, peak)
        except Exception as error:  # on a bad file Pillow raises nearly anything
            return reason(path, error)
        if pixels is not None:
            pixels[position] = image
        return None

    def decode_block(block: range) -> list[str | None]:
        return [decode_one(position) for position in block]

    # In blocks, because a task for each of a million files would itself fill the memory.
    blocks = [range(start, min(start + 16, len(files))) for start in range(0, len(files), 16)]
    console = Console(stderr=True)
    done = track(
        decoders().map(decode_block, blocks),
        f"reading {folder.name}",
        total=len(blocks),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    reasons = list(itertools.chain.from_iterable(done))
    note_unused_bits(peak.value)
    good = np.array([why is None for why in reasons])
    if pixels is not None:
        return (pixels if good.all() else pixels[good]), reasons
    return FolderImages(np.array([folder / file for file in files], object)[good], target), reasons


def note_unused_bits(peak: int):
    """Says of the 16-bit images of a set, by their largest value, that none of them uses the high bits.

    One dark picture may be dark. Where all are, they hold the values of 8, 10, 12 or 14 bits as they are.
    """
    bits = next((bits for bits in DEPTHS if peak < 2**bits), None)
    if peak and bits:
        factor = 2 ** (16 - bits)
        note(
            f"no value of the 16-bit images is above {peak:,} of {WHITE_16:,}, as in scans of {bits} bits: their "
            f"brightest pixel becomes {round(peak / 257)} of 255, and most levels are lost. First multiply the values "
            f"by {factor}, for example with magick mogrify -evaluate multiply {factor} *.png"
        )


@functools.cache
def decoders() -> ThreadPoolExecutor:
    """The threads that decode, one pool for the process: Pillow lets other threads run while it decodes."""
    return ThreadPoolExecutor(thread_name_prefix="decode")


def split_parts(folder: Path, files: list[PurePosixPath]) -> tuple[np.ndarray | None, list[PurePosixPath]]:
    """For each file its part ("train" or "test", or no parts at all), and its path below the folder of the part.

    Raises:
        ValueError: as `check_parts` does.
    """
    check_parts(folder, files)
    named = parts_at_top(files)
    if named is None or "train" not in {part.kind for part in named.values()}:
        return None, files
    parts = np.array(["train" if named[top_of(file)].kind == "train" else "test" for file in files])
    tops = set(map(top_of, files))
    doubled = {top for top in tops if all(map(_is_in_part, (file for file in files if file.parts[0] == top)))}
    return parts, [PurePosixPath(*file.parts[2 if file.parts[0] in doubled else 1 :]) for file in files]


def check_parts(folder: Path, files: list[PurePosixPath]):
    """Refuses parts that would pass for classes: images to test with would be trained on.

    Raises:
        ValueError: for a part alone, without train, or with images beside the parts, such as those of another domain
            (trainA, trainB, testA, testB); and for train and test within a class.
    """
    parts = {top: part_of(top) for top in sorted(set(map(top_of, files)))}
    named = {top: part for top, part in parts.items() if part}
    kinds = {part.kind for part in named.values()}
    are_one_set = parts_at_top(files) is not None and kinds in ({"train", "test"}, {"train", "validation"})
    are_parts = parts.keys() - named.keys() <= {"."} and all(part.rest in PART_RESTS for part in named.values())
    if not are_one_set and named and (are_parts or _have_pair(named)):
        whole = min(named, key=lambda top: named[top].kind != "train")
        tops = ", ".join(list(parts)[:8]) + (", …" if len(parts) > 8 else "")
        raise ValueError(
            f"expected images in {folder} in the sub-folders train and test alone, received images in {tops}: "
            f"move the others out, or load {folder / whole} to have a test part held out; folders that are classes "
            "need other names"
        )
    below: dict[PurePosixPath, set[str]] = {}
    for folders in {file.parts[:-1] for file in files}:
        for depth in range(1, len(folders)):
            below.setdefault(PurePosixPath(*folders[:depth]), set()).add(folders[depth])
    for above, names in sorted(below.items()):
        if _have_pair(pair := {name: part for name in sorted(names) if (part := part_of(name))}):
            raise ValueError(
                f"expected parts at the top of {folder} and classes below them, received {' and '.join(pair)} in "
                f"{folder / above}: load that folder, or move what it holds to {folder / 'train' / above} and "
                f"{folder / 'test' / above}"
            )


def _have_pair(parts: dict[str, Part]) -> bool:
    """Whether there is a part to train on and one that must not be, both of the same set."""
    rests = [{part.rest for part in parts.values() if (part.kind == "train") == is_train} for is_train in (True, False)]
    return bool(rests[0] & rests[1])


def classes_of(folder: Path, files: list[PurePosixPath]) -> np.ndarray:
    """For each file its class (None without a folder of its own).

    Raises:
        ValueError: for folders whose names are no text, which no server could be asked for.
    """
    classes = [file.parts[0] if len(file.parts) > 1 else None for file in files]
    if deep := [file for file in files if len(file.parts) > 2]:
        note(f"{deep[0].parent} is no class of its own: images in it are of the class {deep[0].parts[0]}")
    try:
        "".join(filter(None, classes)).encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"expected folders in {folder} with names in UTF-8, to stand for classes: {error}") from error
    return np.array(classes, object)


def _is_in_part(file: PurePosixPath) -> bool:
    """Whether the folder of a part holds another one of that name, as archives do: test_set/test_set/cat/1.png."""
    part, *inside = map(part_of, file.parts[:-1])
    return part in inside[:1]


def check_number(folder: Path, num_readable: int, skipped: list[tuple[str, str]]):
    """Refuses a folder in which too few images can be read, with the first reason."""
    if num_readable < 2:
        why = f"; {len(skipped)} unreadable, such as {skipped[0][0]} ({skipped[0][1]})" if skipped else ""
        raise ValueError(f"expected at least 2 readable images in {folder}, received {num_readable}{why}")


def shown(file: PurePosixPath) -> str:
    """A name to print: on one line and without commands to a terminal, whatever it is made of."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in str(file))


def reason(path: Path, error: Exception) -> str:
    """Why a file was skipped, in a few words."""
    if not isinstance(error, UnidentifiedImageError):
        return str(error) or type(error).__name__
    with path.open("rb") as file:
        start = file.read(64)
    if not start:
        return "empty file"
    return next((why for why, begins in DISGUISES if re.match(begins, start)), "not an image")


def report_skipped(skipped: list[tuple[str, str]], num_readable: int):
    """Says how many files were skipped and names the first few."""
    if skipped:
        first = ", ".join(f"{path} ({why})" for path, why in skipped[:3])
        more = ", …" if len(skipped) > 3 else ""
        total = num_readable + len(skipped)
        note(f"skipped {len(skipped)} of {total} files that could not be read: {first}{more}")
