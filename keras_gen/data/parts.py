"""Finds, from the names of folders, the parts of a set (train and test) and the classes."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from keras_gen.data.attributes import FILE_NAME
from keras_gen.data.image_data import note

# A part of a set in the name of a folder, as a separate word: train, Training, test_set, trainA, val2017, seg_train.
PART = re.compile(
    r"(?:^|(?<=[^a-zA-Z])|(?<=[a-z])(?=[A-Z]))"
    r"(?i:(tr(?:ai)?n(?:ing)?|te?st(?:ing)?|val(?:id(?:ation)?)?|eval(?:uation)?|dev)"
    r"(?:[ _-]*(?:data)?(?:set|images?))?)"
    r"(?=[^a-z]|[ab]?$)"
)
PART_RESTS = ("", "a", "b")  # the rest of a name that is a part even without another part beside it: trainA, testB


class Part(NamedTuple):
    """What the name of a folder says about the part of a set in it."""

    kind: str  # train, test or validation
    rest: str  # what else the name says: "a" of trainA


def part_of(name: str) -> Part | None:
    """The part that the name of a folder stands for, or None."""
    words = list(PART.finditer(name))
    if len(words) != 1:
        return None
    start, end = words[0].span()
    initial = words[0][1][0].lower()
    kind = "validation" if initial not in "t" else "train" if words[0][1][1].lower() == "r" else "test"
    return Part(kind, re.sub(r"[\W_]", "", name[:start] + name[end:]).lower())


def parts_at_top(files: list[PurePosixPath]) -> dict[str, Part] | None:
    """The part that each folder at the top stands for, or None if anything lies beside the parts of one set."""
    parts = {top: part_of(top) for top in {top_of(file) for file in files}}
    if None in parts.values() or len({part.rest for part in parts.values() if part}) > 1:
        return None
    return {top: part for top, part in parts.items() if part}


def split_parts(folder: Path, files: list[PurePosixPath]) -> tuple[np.ndarray | None, list[PurePosixPath]]:
    """The part of each file ("train" or "test"; None if there are no parts), and its path below the folder of the part.

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
    """Refuses parts that would be taken for classes: test images would be trained on.

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


def without_validation(files: list[PurePosixPath]) -> list[PurePosixPath]:
    """The files without those of a validation part beside a test part: only one part is held out here."""
    parts = parts_at_top(files) or {}
    if {part.kind for part in parts.values()} != {"train", "test", "validation"}:
        return files
    used = [file for file in files if parts[top_of(file)].kind != "validation"]
    note(f"{len(files) - len(used)} validation images are left out: train is for training, test for scoring")
    return used


def only_folder(folder: Path, files: list[PurePosixPath]) -> Path | None:
    """The one sub-folder with all images in sub-folders, which are then the classes or parts; None if there is none."""
    tops = {file.parts[0] for file in files}
    deep = all(len(file.parts) > 2 for file in files)
    if len(tops) > 1 or not deep or (folder / FILE_NAME).exists():
        return None
    if (part := part_of(*tops)) and part.rest in PART_RESTS:
        return None
    return folder / tops.pop()


def classes_of(folder: Path, files: list[PurePosixPath]) -> np.ndarray:
    """The class of each file, or None for a file that lies directly in the folder.

    Raises:
        ValueError: for folders whose names are not UTF-8 text, since no request to a server could name them.
    """
    classes = [file.parts[0] if len(file.parts) > 1 else None for file in files]
    if deep := [file for file in files if len(file.parts) > 2]:
        note(f"{deep[0].parent} is not a separate class: images in it belong to the class {deep[0].parts[0]}")
    try:
        "".join(filter(None, classes)).encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"expected folders in {folder} with names in UTF-8, to stand for classes: {error}") from error
    return np.array(classes, object)


def top_of(file: PurePosixPath) -> str:
    """The first folder of a path, "." for a file without one."""
    return file.parts[0] if len(file.parts) > 1 else "."


def _have_pair(parts: dict[str, Part]) -> bool:
    """Whether there is a part to train on and one not to train on, both of the same set."""
    rests = [{part.rest for part in parts.values() if (part.kind == "train") == is_train} for is_train in (True, False)]
    return bool(rests[0] & rests[1])


def _is_in_part(file: PurePosixPath) -> bool:
    """Whether the folder of a part holds another of the same name, as in archives: test_set/test_set/cat/1.png."""
    part, *inside = map(part_of, file.parts[:-1])
    return part in inside[:1]
