"""A folder of images: read into memory, or decoded batch by batch where it does not fit.

Every file is decoded once when the set is loaded, so a bad one is found then and not hours later. `decoding` turns a
single file into an array, `finding` finds the files, and `parts` interprets their folders.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, UnidentifiedImageError
from rich.console import Console
from rich.progress import track

from keras_gen.data.attributes import read_attributes_csv
from keras_gen.data.decoding import DEPTHS, WHITE_16, Header, Peak, Target, decode, read_header
from keras_gen.data.finding import find_images, note_left_out, printable
from keras_gen.data.image_data import ImageData, Split, index_labels, note, with_test
from keras_gen.data.pairs import SOURCE, Partners, note_other_shapes, pair
from keras_gen.data.parts import classes_of, only_folder, split_parts, without_validation

MEMORY_LIMIT = 2 * 1024**3  # bytes of pixels; a larger set is decoded batch by batch


# Files that have the suffix of an image but cannot be read as one, by their first bytes.
DISGUISES = (
    ("a pointer of Git LFS: git lfs pull brings the image", b"version https://git-lfs"),
    ("HEIC: convert it to .jpg or .png", b"(?s)....ftyp(?:hei|hev|mif1|msf1)"),
    ("JPEG XL: convert it to .jpg or .png", rb"\xff\x0a|\x00\x00\x00\x0cJXL "),
    ("a TIFF of an unsupported kind: convert it to a .png of 8 bits", rb"II[*+]\x00|MM\x00[*+]"),
    ("SVG: convert it to .png", rb"(?is)\s*(?:<\?xml.*)?<svg"),
    ("a web page: download it again", rb"(?i)\s*<(?:!doctype html|html)"),
    ("an archive: unpack it", rb"PK\x03\x04|\x1f\x8b|Rar!|7z\xbc\xaf"),
)

# Without an image_size: a set of one size keeps it up to this side, above which first trials take hours.
MAX_OWN_SIDE = 256
DEFAULT_SIDE = 64


class FolderImages:
    """Images that stay in files and are decoded on access, to the same bytes as in memory.

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
        """The image, or the next that still exists: hours of training are worth more than one file."""
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
                note(f"{path} can no longer be read ({error.strerror or error}): {stand_in.name} takes its place")
            return decode(stand_in, self.target)

    def take(self, indices: np.ndarray, axis: int = 0) -> FolderImages:
        """Narrows the list of files, in the manner of `np.ndarray.take`, without decoding one."""
        return FolderImages(self.paths.take(indices, axis=axis), self.target)


def read_folder(
    folder: Path, size: tuple[int, int] | None, channels: int | None, fit: str, sources: Path | None = None
) -> ImageData:
    """Reads a folder of images.

    Args:
        folder: sub-folders are classes, or `train` and `test` with classes inside (by any name that `PART` finds them
            in); images that lie directly in it have no labels. A `val` beside both is left out, beside `train` alone
            it is the test part. `attributes.csv` in the folder adds columns. Where all of these lie in a single
            sub-folder, as in an unpacked archive, that one is read. Folders that systems make are left out.
        size: (height, width), or None to decide from the files.
        channels: 1, 3 or 4, or None to decide from the files.
        fit: a key of `decoding.FITS`.
        sources: a folder with a picture for each image, of the same path and name without suffix: the pictures
            `pairs.SOURCE` of the splits, in the size of the images and their own channels.

    Returns:
        `ImageData` with `skipped` filled.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Pillow finds odd in a file that it can read
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        found, others, left_out = find_images(folder)
        if (inner := only_folder(folder, found + others)) is not None:
            note(f"all images of {folder} lie in {inner.name}, which is read instead")
            note_left_out([each for each in left_out if each.parts[0] != inner.name])  # reading `inner` notes its own
            return dataclasses.replace(read_folder(inner, size, channels, fit, sources), name=folder.resolve().name)
        note_left_out(left_out)
        headers, skipped = read_headers(folder, without_validation(found))
        skipped += [(printable(file), f"{file.suffix} is not read: convert it to .png") for file in others]
        check_number(folder, len(headers), skipped)
        partners = None if sources is None else find_partners(sources, folder, list(headers))
        files = list(headers if partners is None else partners.files)
        target = choose_target([headers[file] for file in files], size, channels, fit)
        parts, below = split_parts(folder, files)
        classes = classes_of(folder, below)
        columns, attribute_values = read_attributes_csv(folder, [str(file) for file in files])
        images, reasons = decode_all(folder, files, target)
        pictures = {}
        if partners is not None:
            if fit != "stretch":
                note_other_shapes(partners, headers)
            images, pictures[SOURCE], reasons = with_partners(images, reasons, partners, target, channels)
    good = np.array([why is None for why in reasons])
    skipped += [(printable(file), why) for file, why in zip(files, reasons, strict=True) if why]
    check_number(folder, len(images), skipped)
    report_skipped(skipped, len(images))

    labels, class_names = None, None
    if None not in classes:
        (labels,), class_names = index_labels(classes[good].astype(str))
    elif any(classes):
        stray = files[classes.tolist().index(None)]
        note(f"images lie beside the class folders, such as {stray}: all are loaded without labels")
    whole = Split(images, labels, {name: column[good] for name, column in columns.items()}, pictures)
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


def find_partners(sources: Path, folder: Path, files: list[PurePosixPath]) -> Partners:
    """The pictures in a folder that belong to images of another, by their paths without suffix."""
    found, others, left_out = find_images(sources)
    if (inner := only_folder(sources, found + others)) is not None:
        return find_partners(inner, folder, files)
    note_left_out(left_out)
    headers, skipped = read_headers(sources, found)
    report_skipped(skipped, len(headers))
    return Partners(sources, pair(sources, list(headers), folder, files), headers)


def with_partners(images, reasons: list[str | None], partners: Partners, target: Target, channels: int | None):
    """Images with their pictures: of both those whose files could be decoded, and for each file why it could not."""
    headers = [partners.headers[file] for file in partners.files.values()]
    height, width, _ = target.image_shape
    source = choose_target(headers, (height, width), channels, target.fit)
    pictures, others = decode_all(partners.folder, list(partners.files.values()), source)
    both = [mine or other for mine, other in zip(reasons, others, strict=True)]
    good = np.array([why is None for why in both])
    images, pictures = (
        some.take(np.flatnonzero(good[[why is None for why in own]]), axis=0)
        for some, own in ((images, reasons), (pictures, others))
    )
    return images, pictures, both


def read_headers(folder: Path, files: list[PurePosixPath]) -> tuple[dict[PurePosixPath, Header], list[tuple[str, str]]]:
    """The headers of all files that have a readable one, and (file, reason) of the others."""
    headers, skipped = {}, []
    for file in files:
        try:
            headers[file] = read_header(folder / file)
        except Exception as error:  # on a bad file Pillow raises nearly anything
            skipped.append((printable(file), reason(folder / file, error)))
    return headers, skipped


def choose_target(headers: list[Header], size: tuple[int, int] | None, channels: int | None, fit: str) -> Target:
    """Fills in what was not given: the common size if it is small, and the fewest channels that lose no colour.

    Transparency is kept where all images have it.
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
        # The median, so that one thin picture does not decide for all.
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

    # In blocks, because one task per file would itself fill the memory for a million files.
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
    """Warns if no 16-bit image of a set uses the high bits, by their largest value.

    A single picture may simply be dark. If all are, they hold unscaled values of 8, 10, 12 or 14 bits.
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


def check_number(folder: Path, num_readable: int, skipped: list[tuple[str, str]]):
    """Refuses a folder in which too few images can be read, and gives the first reason."""
    if num_readable < 2:
        why = f"; {len(skipped)} unreadable, such as {skipped[0][0]} ({skipped[0][1]})" if skipped else ""
        raise ValueError(f"expected at least 2 readable images in {folder}, received {num_readable}{why}")


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
