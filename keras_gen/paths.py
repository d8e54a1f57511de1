"""What a user names must be there: the commands check it before they import Keras, which takes seconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

DATA_NAMES = ("mnist-sample", "digits", "mnist", "fashion_mnist", "cifar10", "cifar100")  # of `data.DATASETS`
RUN = "the folder of a finished run or a .keras file"
MODEL = "the folder of a finished run or of an exported model, or a .keras file"
PICTURES = "an image file or a folder of them"
MASK = '--mask as a folder, a file, alpha or "#rrggbb"'


def require_path(path: str | Path, expected: str) -> None:
    """Raises a FileNotFoundError if there is nothing at a path.

    Example:
        >>> require_path("nowhere.png", PICTURES)
        Traceback (most recent call last):
            ...
        FileNotFoundError: expected an image file or a folder of them, found no nowhere.png
    """
    if not Path(path).expanduser().exists():
        raise FileNotFoundError(f"expected {expected}, found no {path}")


def require_data(name_or_path: str | Path) -> None:
    """Raises a FileNotFoundError if there is neither a data set of that name nor anything at that path."""
    expected = f"one of the data sets {', '.join(DATA_NAMES)}, or the path of an .npz, an .npy or a folder of images"
    _require_any([name_or_path], expected)


def require_pictures(names_or_paths: Sequence[str | Path]) -> None:
    """Raises a FileNotFoundError if one of several is neither the name of a data set nor a path of something."""
    expected = f"image files or folders, an .npz, an .npy, or one of the data sets {', '.join(DATA_NAMES)}"
    _require_any(names_or_paths, expected)


def _require_any(names_or_paths, expected):
    for each in names_or_paths:
        if str(each) not in DATA_NAMES and not Path(each).expanduser().exists():
            raise FileNotFoundError(
                f"expected {expected}, received {str(each)!r}: there is no such name and no such path"
            )
