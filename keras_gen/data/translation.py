"""Data for translation: two kinds of pictures, as pairs or each by itself.

The images of the result are the pictures to make, with the pictures that they are made from beside them in the column
`pairs.SOURCE`: of pairs in `Split.pictures`, otherwise in `Split.unpaired`.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path, PurePosixPath

import numpy as np

from keras_gen.data.decoding import Target, decode, render
from keras_gen.data.finding import SUFFIXES, find_images
from keras_gen.data.folder import DEFAULT_SIDE, choose_target, read_folder, read_headers
from keras_gen.data.idx import is_idx_folder
from keras_gen.data.image_data import TEST_FRACTION, ImageData, Split, note
from keras_gen.data.load import checked_size, load, reshaped
from keras_gen.data.pairs import SOURCE, read_npz_pairs
from keras_gen.data.parts import part_of
from keras_gen.images import to_pil

MAX_CUT = 8  # pictures in a folder, up to which they are cut into crops if they are large
LARGE = 2  # sides of a crop that a large picture has at least
NUM_CROPS = 1_024
MAX_SHRUNK = 2.0  # sides of a crop in the part of the picture that becomes one: from 1 to this


def load_pairs(
    sources: str | Path,
    to: str | Path,
    image_size: int | tuple[int, int] | None = None,
    *,
    channels: int | None = None,
    fit: str = "crop",
) -> ImageData:
    """Loads pairs of pictures.

    Args:
        sources: a folder of pictures, or an `.npz` with two arrays of images.
        to: the folder of the images to make, which belong to pictures of the same path and name without suffix; or
            the name of the array that holds them.
        image_size: of both, as of `load`.
        channels: of both; their own by default, which may differ.
        fit: as of `load`.

    Returns:
        `ImageData` whose splits have the images, and the pictures as `pictures[SOURCE]`. Parts, classes and
        attributes are those of the folder of the images.

    Raises:
        FileNotFoundError: where there is no such path.
        ValueError: for anything but pairs.
    """
    size, path, other = checked_size(image_size), Path(sources).expanduser(), Path(to).expanduser()
    if path.suffix.lower() == ".npz" and path.is_file():
        return read_npz_pairs(path, str(to), size, channels, fit)
    for each in (path, other):
        if not each.is_dir():
            found = f"{each} is no folder" if each.exists() else f"there is no {each}"
            raise (ValueError if each.exists() else FileNotFoundError)(
                f"expected two folders of pictures with the same names, or an .npz and the name of an array in it, "
                f"received {sources} and {to}: {found}"
            )
    data = read_folder(other, size, channels, fit, path)
    return dataclasses.replace(data, name=_name(path, other), source=f"{path} and {other}")


def load_unpaired(
    sources: str | Path,
    to: str | Path,
    image_size: int | tuple[int, int] | None = None,
    *,
    channels: int | None = None,
    fit: str = "crop",
) -> ImageData:
    """Loads two kinds of pictures of which none belongs to another.

    A single picture, or a folder of up to 8 large ones without parts such as train and test, is cut into 1,024 crops at
    random places, which show one to two times the size of a crop: a painting is enough. Its test part is crops of the
    same pictures, from a strip of each that no other crop shows.

    Args:
        sources: the pictures to translate: whatever `load` takes, or a picture.
        to: the pictures to become like: the same.
        image_size: of both, as of `load`; by default that of `to`.
        channels: of both; by default those of the set that has more of them.
        fit: as of `load`.

    Returns:
        `ImageData` whose splits have the pictures of `to` as images, and those of `sources` as `unpaired[SOURCE]`.

    Raises:
        FileNotFoundError: where there is no such path or name.
        ValueError: as `load`.
    """
    size = checked_size(image_size)
    images = _load(to, size, channels, fit)
    pictures = _load(sources, images.image_shape[:2], channels, fit, is_own=size is not None)
    most = max(images.image_shape[2], pictures.image_shape[2])
    images, pictures = (reshaped(data, None, most, fit) for data in (images, pictures))
    train, test = (
        dataclasses.replace(split, unpaired={SOURCE: other.images})
        for split, other in ((images.train, pictures.train), (images.test, pictures.test))
    )
    return dataclasses.replace(
        images,
        name=f"{pictures.name}-to-{images.name}",
        train=train,
        test=test,
        source=f"{pictures.source} and {images.source}",
        skipped=[*pictures.skipped, *images.skipped],
    )


def _load(path, size, channels, fit, is_own=True) -> ImageData:
    """As `load`; of one picture, or of a few large ones without parts for training and testing, crops.

    Where the size is not the user's own, pictures that it enlarges are named.
    """
    place = Path(path).expanduser()
    if place.is_file() and place.suffix.lower() in SUFFIXES:
        return cut([place], size, channels)
    if not place.is_dir() or is_idx_folder(place):
        data = load(path, channels=channels, fit=fit)
        sizes = [data.image_shape[:2]] * (len(data.train) + len(data.test))
        if not is_own:
            _note_enlarged(path, sizes, size)
        return reshaped(data, size, None, fit)
    found = find_images(place)[0]
    files = [place / file for file in found]
    has_parts = any(part_of(name) for file in found for name in file.parts[:-1])
    is_few = len(files) <= MAX_CUT and not has_parts
    headers = read_headers(Path(), [PurePosixPath(file) for file in files])[0] if is_few or not is_own else {}
    sides = [min(header.size) for header in headers.values()]
    if is_few and sides and min(sides) >= LARGE * max(size or (DEFAULT_SIDE,)):
        return cut(files, size, channels)
    if not is_own:
        _note_enlarged(path, [header.size[::-1] for header in headers.values()], size)
    return load(path, size, channels=channels, fit=fit)


def _note_enlarged(path, sizes, size) -> None:
    """Says how many pictures are smaller than the (height, width) that they become."""
    num = sum(any(np.less(own, size)) for own in sizes)
    if num:
        note(
            f"{num:,} of {len(sizes):,} pictures in {path} are smaller than {size[0]}×{size[1]} and enlarged to it, "
            "the size of the pictures to become like; --image-size sets another for both"
        )


def cut(files: list[Path], size: tuple[int, int] | None, channels: int | None) -> ImageData:
    """Crops of large pictures, as many of each, at random places and scales; the same ones each time.

    Args:
        files: of the pictures.
        size: (height, width) of a crop; by default a square of 64, or of the shortest side if that is less.
        channels: of the crops; those of the pictures by default.

    Returns:
        `ImageData` of 1,024 crops, a tenth of them as test part: from a tenth of each picture at its right or lower
        end, which no crop for training shows. Only a picture with no room for two crops beside each other has no such
        end.
    """
    headers, skipped = read_headers(Path(), [PurePosixPath(file) for file in files])
    if not headers:
        raise ValueError(f"expected a picture that can be read, received {skipped[0][0]} ({skipped[0][1]})")
    side = min(DEFAULT_SIDE, *(min(header.size) for header in headers.values()))
    size = size or (side, side)
    target = choose_target(list(headers.values()), size, channels, "crop")
    random, num_test = np.random.default_rng(0), round(TEST_FRACTION * NUM_CROPS)
    train: list[np.ndarray] = []
    test: list[np.ndarray] = []
    for number, (file, header) in enumerate(headers.items()):
        across, down = header.size
        whole = to_pil(decode(Path(file), Target((down, across, target.image_shape[2]))))
        for crops, num, area in zip(
            (train, test), (NUM_CROPS - num_test, num_test), _areas((down, across), size), strict=True
        ):
            boxes = [_box(random, area, size) for _ in range(number, num, len(headers))]
            crops += [render(whole.crop(box), target) for box in boxes]
    names = files[0].stem if len(files) == 1 else files[0].parent.resolve().name
    note(f"{names}: {NUM_CROPS:,} crops of {size[0]}×{size[1]} of {len(headers)} picture{'s' * (len(headers) > 1)}")
    source = str(files[0] if len(files) == 1 else files[0].parent)
    return ImageData(names, Split(np.stack(train)), Split(np.stack(test)), source=source, skipped=skipped)


def _areas(shape, size):
    """(top, left, bottom, right) of what of a picture is for training and for testing: all, without room for both."""
    axis = int(np.argmax(np.divide(shape, size)))
    strip = max(size[axis], round(TEST_FRACTION * shape[axis]))
    if shape[axis] < size[axis] + strip:
        return [(0, 0, *shape)] * 2
    border = shape[axis] - strip
    train, test = [0, 0, *shape], [0, 0, *shape]
    train[2 + axis] = test[axis] = border
    return [tuple(train), tuple(test)]


def _box(random, area, size):
    """A part of an area at a random place and scale, as Pillow cuts it: (left, top, right, bottom)."""
    (top, left, bottom, right), (height, width) = area, size
    most = max(1e-9, min(MAX_SHRUNK, (bottom - top) / height, (right - left) / width))
    scale = random.uniform(min(1.0, most), most)
    rows, columns = scale * height, scale * width
    x, y = random.uniform(left, right - columns), random.uniform(top, bottom - rows)
    return round(x), round(y), round(x + columns), round(y + rows)


def _name(sources: Path, to: Path) -> str:
    return f"{sources.resolve().name}-to-{to.resolve().name}"
