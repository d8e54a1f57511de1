"""`attributes.csv` in a folder of images: a column `file` with paths relative to it, and what is known about each."""

from __future__ import annotations

import csv
import re
from pathlib import Path, PurePosixPath

import numpy as np

from keras_gen.data.image_data import index_values, note, to_float32

FILE_NAME = "attributes.csv"

MISSING_VALUES = ("", "na", "n/a", "#n/a", "nan", "null")  # how spreadsheets and pandas write a missing value


def read_attributes_csv(folder: Path, files: list[str]) -> tuple[dict[str, np.ndarray], dict[str, list[str]]]:
    """Reads the columns for these files; a folder without the file has none.

    A column whose cells are all numbers is float32 (empty cell = NaN), any other one an int64 index into its sorted
    values (empty cell = -1); `NA`, `n/a`, `#n/a`, `nan` and `null` are empty. A file without a row has no values; a row
    whose file is not among the images is left out, with a note on stderr. A column without a name (such as the index of
    pandas) is ignored.

    Args:
        folder: where `attributes.csv` may lie.
        files: paths of the images relative to the folder, in the order that the columns should have.

    Returns:
        (columns of length `len(files)` by name, the values of those that are text).

    Raises:
        ValueError: for no column `file`, a name or file twice, a row of the wrong length, or text that is not UTF-8.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return {}, {}
    names, rows = read_rows(path)
    unknown = rows.keys() - set(files)
    if unknown:
        note(f"rows without a readable image in {path}: {len(unknown)}, such as {min(unknown)}")
    if without := [file for file in files if file not in rows]:
        note(f"images without a row in {path}: {len(without)}, such as {without[0]}")
    columns, attribute_values = {}, {}
    for index, name in enumerate(names):
        if name in ("", "file"):
            continue
        cells = [rows[file][index].strip() if file in rows else "" for file in files]
        cells = ["" if cell.lower() in MISSING_VALUES else cell for cell in cells]
        read = [_number(cell) for cell in cells]
        texts = [cell for cell, number in zip(cells, read, strict=True) if number is None]
        if not texts:
            columns[name] = to_float32(read)
            continue
        columns[name], attribute_values[name] = index_values(np.array(cells))
        if len(texts) < sum(map(bool, cells)) / 2:
            note(
                f"{name} in {path} holds text besides numbers, such as {texts[0]!r}: its {len(attribute_values[name])} "
                "values are used as classes; leave cells empty where a number is missing",
            )
    return columns, attribute_values


def _number(cell: str) -> float | None:
    """The number in a cell, NaN in an empty one, None for text; 1_0, a number to Python alone, is text."""
    try:
        return None if "_" in cell else float(cell or "nan")
    except ValueError:
        return None


def read_rows(path: Path) -> tuple[list[str], dict[str, list[str]]]:
    """The names of the columns, and the cells of each row by the path in its column `file`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [(number, cells) for number, cells in enumerate(csv.reader(file), start=1) if cells]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"expected comma-separated UTF-8 text in {path}, received: {error}") from error
    names = [name.strip() for name in lines[0][1]] if lines else []
    if "file" not in names:
        hint = ": separate the columns by commas" if len(names) == 1 and re.search("[;\t|]", names[0]) else ""
        received = ", ".join(names) or "an empty file"
        raise ValueError(f"expected a column named file in {path}, received {received}{hint}")
    named = [name for name in names if name]
    if len(set(named)) < len(named):
        raise ValueError(f"expected each column of {path} to have its own name, received {', '.join(names)}")
    rows: dict[str, list[str]] = {}
    for number, cells in lines[1:]:
        if len(cells) != len(names):
            raise ValueError(f"expected {len(names)} cells in row {number} of {path}, received {len(cells)}")
        key = str(PurePosixPath(cells[names.index("file")].strip()))
        if key in rows:
            raise ValueError(f"expected each file once in {path}, received {key} again in row {number}")
        rows[key] = cells
    return names, rows
