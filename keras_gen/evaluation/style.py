"""The score card of a model that repaints: what it keeps of photographs against what it takes from paintings.

Neither number says anything alone: a photograph that is left as it is keeps all, a patch of the painting takes all. So
the card has a part for each strength, and both numbers in it.
"""

from __future__ import annotations

import numpy as np
from keras import ops

from keras_gen import images as pixels
from keras_gen.console import OnProgress, no_progress
from keras_gen.data import MIN_SCORED_IMAGES, ImageData
from keras_gen.evaluation.card import Score, ScoreCard, protocol
from keras_gen.evaluation.reconstruction import MIN_SSIM_SIDE
from keras_gen.evaluation.scoring import Evaluation
from keras_gen.evaluation.translation import luma_ssim

STRENGTHS = (0.25, 0.5, 0.75, 1.0)
MAX_STYLIZED = 64  # photographs, each in one style
BATCH_SIZE = 8
NUM_SHOWN = 8
SAME_KIND = (
    "The distance from the style is of the kind that training made small. An outside encoder scores independently: "
    "python -m benchmarks.style."
)


def score_style(model, data: ImageData, about: dict, num: int, on_progress: OnProgress = no_progress) -> Evaluation:
    """Scores a model that `stylizes`, on photographs of the test split; the styles take turns.

    Args:
        model: the model.
        data: the photographs that it was trained on.
        about: about the model, for the card.
        num: photographs, no more than 64.
        on_progress: an `OnProgress`.

    Returns:
        The card, with a part for each strength, such as "0.50/luma_ssim", and pictures. Beside the model stand the
        photograph left as it is and its colours alone changed, see `style.ColorTransfer`; the floor is the distance of
        other crops of the painting.

    Raises:
        ValueError: for fewer than 20 test photographs, or smaller ones than an SSIM needs.
    """
    split = data.test.some(min(num, MAX_STYLIZED))
    if len(split) < MIN_SCORED_IMAGES or min(data.image_shape[:2]) < MIN_SSIM_SIDE:
        raise ValueError(
            f"expected at least {MIN_SCORED_IMAGES} test photographs of {MIN_SSIM_SIDE} pixels a side, received "
            f"{len(split)} of {data.image_shape[0]}×{data.image_shape[1]}"
        )
    originals = np.asarray(split.images[:])
    styles = np.arange(len(originals)) % len(model.styles)
    before = _distances(model, originals, styles)
    floor = float(np.mean(ops.convert_to_numpy(model.distance.floors)[styles] / before))
    scores: dict[str, Score] = {}
    numbers = ("luma_ssim", "style_distance")
    unchanged = {f"{strength:.2f}/{name}": Score(1.0) for strength in STRENGTHS for name in numbers}
    baselines: dict[str, dict[str, Score]] = {"photograph": unchanged, "colours alone": {}}
    shown = [originals[:NUM_SHOWN]]
    for number, strength in enumerate(STRENGTHS):
        on_progress(f"repainting {len(originals)} test photographs", number / len(STRENGTHS))
        rows = np.zeros((len(originals), *model.styling.shape), "float32")
        rows[np.arange(len(rows)), styles] = 1
        rows[:, -1] = strength
        candidates = {
            "": model.decode(originals, rows, batch_size=BATCH_SIZE),
            "colours alone": pixels.in_batches(model.recolored, originals, rows, batch_size=BATCH_SIZE),
        }
        shown.append(candidates[""][:NUM_SHOWN])
        for name, made in candidates.items():
            ratio = float(np.mean(_distances(model, made, styles) / before))
            kept = luma_ssim(originals, made)
            own = scores if not name else baselines[name]
            own[f"{strength:.2f}/luma_ssim"] = Score(kept)
            own[f"{strength:.2f}/style_distance"] = Score(ratio, floor=None if name else floor)
    card = ScoreCard(
        about,
        protocol(data, len(originals), "own", nets=[]),
        [],
        scores,
        remarks=[SAME_KIND],
        baselines=baselines,
        floor_of="other crops of the painting",
    )
    caption = f"test photographs and, below, in strength {', '.join(map(str, STRENGTHS))}"
    return Evaluation(card, {caption: pixels.stacks(*shown, columns=NUM_SHOWN)})


def _distances(model, images, styles) -> np.ndarray:
    def distances(images, styles):
        return model.distance(pixels.to_float(images), styles)

    return pixels.in_batches(distances, images, styles, batch_size=BATCH_SIZE)
