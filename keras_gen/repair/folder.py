"""Repairs a file or a folder of pictures: first what belongs together is settled, then one follows the other."""

from __future__ import annotations

import dataclasses
import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from keras_gen import images
from keras_gen.console import OnProgress, no_progress
from keras_gen.data.finding import find_images, note_left_out, printable
from keras_gen.data.folder import read_headers, reason, report_skipped
from keras_gen.data.pictures import unique_names
from keras_gen.files import require_writable
from keras_gen.paths import PICTURES, require_path
from keras_gen.repair import films, sheet
from keras_gen.repair.contract import Repairs
from keras_gen.repair.holes import Holes, soften
from keras_gen.repair.pictures import averaged, read, repair_picture

SHEET = "contact_sheet"
NUM_NAMED = 3  # files that a message names

Make = Callable[[PurePosixPath, films.Film, list[Path], Callable[[float], None]], list[np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to repair, and where it goes.

    Args:
        folder: of all pictures.
        files: their paths below it.
        names: of the files that are written, unique and without suffix.
        out: the folder for them.
        holes: where the holes are, or None for tasks without.
        num: proposals for each picture.
        mean: whether their mean is written in place of them.
        skipped: (file, reason) of those that cannot be read.
        animates: whether all frames of a GIF are repaired, not its first one alone.
    """

    folder: Path
    files: list[PurePosixPath]
    names: list[str]
    out: Path
    holes: Holes | None = None
    num: int = 1
    mean: bool = False
    skipped: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    animates: bool = False

    def places(self, name: str) -> list[Path]:
        """The files of one picture: `name.png`, or `name_1.png` and so on; for a film `.gif` takes the place of it."""
        numbers = [""] if self.num == 1 or self.mean else [f"_{number}" for number in range(1, self.num + 1)]
        return [self.out / f"{name}{number}.png" for number in numbers]

    def read(self, file: PurePosixPath) -> films.Film:
        """A picture that is given: one frame, unless it is a film whose frames are all wanted."""
        path = self.folder / file
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return films.read_film(path) if self.animates and films.is_film(path) else films.Film([read(path)], [])


@dataclasses.dataclass
class Outcome:
    """What a plan came to.

    Attributes:
        pictures: how many were repaired.
        hole_pixels: in all of them.
        unmarked: pictures whose mask is empty; they are written as they are.
        skipped: (file, reason) of those that could not be read.
        contact_sheet: its path.
    """

    pictures: int
    hole_pixels: int
    unmarked: int
    skipped: list[tuple[str, str]]
    contact_sheet: Path


def plan(
    data: Path, out: Path, holes: Holes | None = None, num: int = 1, *, mean: bool = False, animates: bool = False
) -> Plan:
    """Finds the pictures and their masks, and refuses what cannot be done before anything is written.

    Args:
        data: an image file, or a folder with image files, sub-folders included.
        out: the folder for the results; made when missing. If it lies in `data`, its pictures are not repaired again.
        holes: where the holes are.
        num: proposals for each picture, at least 1.
        mean: whether their mean is written in place of them; then at least 2.
        animates: whether all frames of a GIF are repaired.

    Returns:
        The `Plan`.

    Raises:
        FileNotFoundError: if there are no such pictures or masks.
        ValueError: if no picture can be read, masks are missing or wrong, or a result would replace what was given.
    """
    data, out = Path(data).expanduser(), Path(out).expanduser()
    if num < 1:
        raise ValueError(f"expected --num of 1 or more, received {num}")
    if mean and num == 1:
        raise ValueError("expected --mean with --num of 2 or more, such as --num 8, received 1")
    require_path(data, PICTURES)
    if out.exists() and not out.is_dir():
        raise ValueError(f"expected --out as a folder, received the file {out}")
    folder = data if data.is_dir() else data.parent
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Pillow finds odd in a file that it can read
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        found, skipped = _found(data, out, holes)
        headers, unreadable = read_headers(folder, found)
        files = [file for file in found if file in headers]
        skipped += unreadable
        if not files:
            why = f"; {skipped[0][0]} ({skipped[0][1]})" if skipped else ""
            raise ValueError(f"expected at least 1 readable image in {data}, received none{why}")
        names = unique_names([SHEET, *(str(file.with_suffix("")) for file in files)])[1:]
        made = Plan(folder, files, names, out, holes, num, mean, skipped, animates)
        if holes is not None:
            _check_masks(made)
    _check_places(made)
    require_writable(out)
    return made


def repair(repairs: Repairs, plan: Plan, seed: int = 0, on_progress: OnProgress = no_progress) -> Outcome:
    """Repairs the pictures of a plan and writes them, with a contact sheet of the first 20.

    The same seed gives the same bytes for a picture of the same name, whatever else is repaired with it.

    Args:
        repairs: the model.
        plan: from `plan`.
        seed: int ≥ 0.
        on_progress: called with what is done and the fraction.

    Returns:
        The `Outcome`.

    Raises:
        ValueError: if no picture could be read.
        OSError: if a result cannot be written.
    """
    hole_pixels, unmarked = 0, 0

    def make(file, film, places, on_fraction):
        nonlocal hole_pixels, unmarked
        picture, hole = film.frames[0], None
        if plan.holes is not None:
            hole = plan.holes.of(picture, plan.holes.file_of(file, plan.folder))
            hole_pixels += int(hole.sum())
            unmarked += not hole.any()
        total, done = plan.num * len(film.frames), 0

        def proposal(frame, number):  # all frames from the same latents
            nonlocal done

            def on_part(fraction, before=done):
                on_fraction((before + fraction) / total)

            on_part(0.0)
            done += 1
            return _repaired(repairs, frame, hole, plan.holes, seed_of(file, seed, number), on_part)

        row = [sheet.thumbnail(picture), *([] if hole is None else [sheet.thumbnail(picture, hole)])]
        for number, place in enumerate(places):
            made = [
                averaged(proposal(frame, each) for each in range(plan.num)) if plan.mean else proposal(frame, number)
                for frame in film.frames
            ]
            films.write(place, film._replace(frames=made))
            if len(row) < sheet.MAX_COLUMNS:
                row.append(sheet.thumbnail(made[0]))
        return row

    outcome = one_after_another(plan, "translating" if repairs.task == "translate" else "repairing", make, on_progress)
    return dataclasses.replace(outcome, hole_pixels=hole_pixels, unmarked=unmarked)


def one_after_another(plan: Plan, verb: str, make: Make, on_progress: OnProgress = no_progress) -> Outcome:
    """Does the same to each picture of a plan, and writes a contact sheet of the first 20.

    Args:
        plan: from `plan`.
        verb: what is done, such as "repairing".
        make: `make(file, film, places, on_fraction)` writes what becomes of a picture to its places, and returns
            thumbnails for its row of the sheet.
        on_progress: called with what is done and the fraction.

    Returns:
        The `Outcome`, without holes.

    Raises:
        ValueError: if no picture could be read.
        OSError: if a result cannot be written.
    """
    rows: list[list[np.ndarray]] = []
    skipped = list(plan.skipped)
    text = f"{verb} {len(plan.files)} picture{'' if len(plan.files) == 1 else 's'}"
    for index, (file, name) in enumerate(zip(plan.files, plan.names, strict=True)):
        try:
            film = plan.read(file)
        except Exception as error:  # on a bad file Pillow raises nearly anything
            skipped.append((printable(file), reason(plan.folder / file, error)))
            continue

        def on_fraction(fraction, before=index):
            on_progress(text, (before + fraction) / len(plan.files))

        row = make(file, film, plan.places(name), on_fraction)
        if len(rows) < sheet.MAX_ROWS:
            rows.append(row)
    if not rows:
        raise ValueError(f"expected at least 1 readable image, received none; {skipped[0][0]} ({skipped[0][1]})")
    number = len(plan.files) + len(plan.skipped) - len(skipped)
    report_skipped(skipped, number)
    shown = images.save_png(plan.out / f"{SHEET}.png", sheet.contact_sheet(rows))
    return Outcome(number, 0, 0, skipped, shown)


def seed_of(file: PurePosixPath, seed: int, proposal: int = 0) -> int:
    """The seed of one proposal for one picture, by its name: in [0, 2³¹), which every backend accepts.

    Example:
        >>> seed_of(PurePosixPath("a.png"), 0) == seed_of(PurePosixPath("b.png"), 0)
        False
    """
    name = int.from_bytes(hashlib.sha256(str(file).encode()).digest())
    return int(np.random.SeedSequence([seed, name, proposal]).generate_state(1)[0] >> 1)


def _found(data, out, holes):
    """The pictures below a folder, or the one that is given; and (file, reason) of images in other formats."""
    if not data.is_dir():
        return [PurePosixPath(data.name)], []
    found, others, left_out = find_images(data)
    note_left_out(left_out)
    results = out.resolve()
    if results != data.resolve():
        found = [file for file in found if not (data / file).resolve().is_relative_to(results)]
    if holes is not None and holes.path and holes.path.resolve() == data.resolve():
        pictures = {file.with_suffix("") for file in found}
        found = [file for file in found if not holes.is_mask(file, pictures)]
    return found, [(printable(file), f"{file.suffix} is not read: convert it to .png") for file in others]


def _check_masks(plan):
    """Reads every mask once, so that a wrong one is known now and not when half of the pictures are repaired."""
    masks = {file: plan.holes.file_of(file, plan.folder) for file in plan.files}
    if plan.holes.path and (missing := [printable(file) for file, mask in masks.items() if mask is None]):
        raise ValueError(
            f"expected a mask for each picture in {plan.holes.given}, found none for {len(missing)} of {len(masks)}: "
            f"{_first(missing)}; x.png, x_mask.png or x_mask001.png is the mask of x.jpg"
        )
    for file, mask in masks.items():
        try:
            picture = plan.read(file).frames[0]
        except Exception:  # skipped and reported when it is its turn
            continue
        try:
            plan.holes.marked(picture, mask)
        except (ValueError, OSError) as error:
            raise ValueError(f"{printable(file)}: {error}") from error


def _check_places(plan):
    """Refuses to write over what was given."""
    given = {(plan.folder / file).resolve() for file in plan.files}
    if plan.holes is not None:
        masks = [plan.holes.file_of(file, plan.folder) for file in plan.files]
        given |= {mask.resolve() for mask in masks if mask is not None}
    pngs = [place for name in plan.names for place in plan.places(name)]
    places = [*pngs, *(place.with_suffix(".gif") for place in pngs if plan.animates)]
    for place in (*places, plan.out / f"{SHEET}.png"):
        if place.resolve() in given:
            raise ValueError(f"expected --out that leaves the pictures as they are, {plan.out} would replace {place}")


def _first(names):
    return ", ".join(names[:NUM_NAMED]) + (", …" if len(names) > NUM_NAMED else "")


def _repaired(repairs, picture, hole, holes, seed, on_part):
    """One proposal for one picture."""
    if hole is not None and not hole.any():
        return picture
    repaired = repair_picture(repairs, picture, hole, seed, on_part)
    if hole is not None and holes.feather:
        soften(repaired, hole, holes.feather)
    if repaired.alpha is not None and holes is not None and holes.given == "alpha":  # what is filled is to be seen
        repaired.alpha[hole] = 255
    return repaired
