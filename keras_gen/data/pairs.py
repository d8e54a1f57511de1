"""Pairs of pictures: which file belongs to which, and two columns of an `.npz`.

A pair is an image of a split and its column `SOURCE`, the picture that should become this image.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import NamedTuple

from keras_gen.data.arrays import checked_images, open_npz, read_attributes
from keras_gen.data.decoding import Header, Target, render_array
from keras_gen.data.finding import printable
from keras_gen.data.image_data import ImageData, Split, note, with_test

SOURCE = "picture"  # the column of the pictures that are translated
NUM_NAMED = 3  # files that a message names


class Partners(NamedTuple):
    """The pictures that belong to images.

    Attributes:
        folder: of the pictures.
        files: by the file of an image, that of its picture.
        headers: by the file of a picture.
    """

    folder: Path
    files: dict[PurePosixPath, PurePosixPath]
    headers: dict[PurePosixPath, Header]


def pair(
    sources: Path, source_files: list[PurePosixPath], targets: Path, target_files: list[PurePosixPath]
) -> dict[PurePosixPath, PurePosixPath]:
    """The file in `sources` for each file in `targets` with the same path, whatever the suffixes are.

    Files without a partner are left out, and named on stderr.

    Raises:
        ValueError: where two files of one folder have the same name, and for fewer than two pairs.

    Example:
        >>> photo, other, map_ = (PurePosixPath(name) for name in ("a/1.jpg", "a/2.jpg", "a/1.png"))
        >>> pair(Path("photos"), [photo, other], Path("maps"), [map_, PurePosixPath("a/2.png")])[map_].name
        '1.jpg'
    """
    by_name = {}
    for folder, files in ((sources, source_files), (targets, target_files)):
        by_name[folder] = {file.with_suffix(""): file for file in files}
        if len(by_name[folder]) < len(files):
            doubled = sorted({file.name for file in files if file not in by_name[folder].values()})
            raise ValueError(
                f"expected one picture of each name in {folder}, received several that differ in their suffix alone: "
                f"{_first(doubled)}"
            )
    alone = {
        folder: [printable(file) for name, file in own.items() if name not in other]
        for folder, own, other in (
            (sources, by_name[sources], by_name[targets]),
            (targets, by_name[targets], by_name[sources]),
        )
    }
    pairs = {file: by_name[sources][name] for name, file in by_name[targets].items() if name in by_name[sources]}
    if len(pairs) < 2:
        raise ValueError(
            f"expected pictures of the same names in {sources} and {targets}, as x.jpg and x.png, found "
            f"{len(pairs) or 'no'} pair{'' if len(pairs) == 1 else 's'}: {sources} has {_first(alone[sources])}, "
            f"{targets} has {_first(alone[targets])}"
        )
    for folder, names in alone.items():
        if names:
            note(
                f"left out: {len(names)} of {len(by_name[folder])} pictures in {folder}, without a partner of the "
                f"same name: {_first(names)}"
            )
    return pairs


def same_proportions(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two sizes differ in scale alone, up to one pixel of the larger.

    Example:
        >>> same_proportions((12, 8), (40, 27)), same_proportions((12, 8), (24, 24))
        (True, False)
    """
    return abs(one[0] * other[1] - one[1] * other[0]) <= max(*one, *other)


def note_other_shapes(partners: Partners, headers: dict[PurePosixPath, Header]) -> None:
    """Names the pairs whose pictures have other proportions, by more than rounding: cropped or padded, they shift.

    Args:
        partners: the pictures.
        headers: by the file of an image.
    """
    names = []
    for file, source in partners.files.items():
        (width, height), (other_width, other_height) = headers[file].size, partners.headers[source].size
        if not same_proportions((width, height), (other_width, other_height)):
            names.append(f"{printable(file)} ({other_width}×{other_height} to {width}×{height})")
    if names:
        note(
            f"{len(names)} of {len(partners.files)} pairs have two proportions, so what is cropped or padded differs: "
            f"{_first(names)}; --fit stretch keeps all of both"
        )


def read_npz_pairs(path: Path, to: str, size: tuple[int, int] | None, channels: int | None, fit: str) -> ImageData:
    """Reads an `.npz` with two arrays of images of one length, such as `front` and `back`; a tenth is held out.

    Args:
        path: the file; columns `attr_<name>` become attributes.
        to: the array that holds the images; the other one holds their pictures.
        size: (height, width) of both; that of the images by default.
        channels: of both; their own by default.
        fit: a key of `decoding.FITS`.

    Raises:
        ValueError: for more or fewer such arrays, another name, other lengths, or two proportions that are not
            stretched.
    """
    arrays = open_npz(path)
    found = {key: array for key, array in arrays.items() if array.ndim >= 3}
    described = ", ".join(f"{key} {array.shape}" for key, array in found.items()) or "none"
    if len(found) != 2 or to not in found:
        raise ValueError(
            f"expected two arrays of images in {path}, one of them {to!r}, the images to make; received {described}"
        )
    columns = {key: checked_images(array, f"{key} in {path}") for key, array in found.items()}
    images = columns.pop(to)
    ((other, pictures),) = columns.items()
    if len(images) != len(pictures):
        raise ValueError(f"expected as many {other} as {to} in {path}, one for each, received {described}")
    if fit != "stretch" and not same_proportions(images.shape[1:3], pictures.shape[1:3]):
        raise ValueError(
            f"expected {other} and {to} in {path} of the same proportions, received {described}: what is cropped or "
            "padded would differ; --fit stretch keeps all of both"
        )
    attributes, attribute_values = read_attributes(arrays, len(images), path)
    used = {form.format(name) for name in attributes for form in ("attr_{}", "values_{}", "{}_names")}
    if unused := [key for key in arrays if key not in {*found, *used}]:
        note(f"not used in {path}: {', '.join(unused)}")

    def rendered(some):
        height, width = size or images.shape[1:3]
        return render_array(some, Target((height, width, channels or some.shape[-1]), fit))

    train, test = with_test(Split(rendered(images), None, attributes, {SOURCE: rendered(pictures)}), None)
    return ImageData(f"{path.stem}-{other}-to-{to}", train, test, attribute_values=attribute_values, source=str(path))


def _first(names):
    return ", ".join(map(str, names[:NUM_NAMED])) + (", …" if len(names) > NUM_NAMED else "")
