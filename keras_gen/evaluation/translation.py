"""Scoring translation, on test pictures: how near it comes to the other kind, and what it keeps of the picture.

Of pairs the image that a picture should become is known. Without pairs only sets can be compared, and an image may be
perfect of its kind and have nothing to do with the picture: so what it keeps is measured beside it. `unchanged`, the
baseline of both, keeps all and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from keras_gen import images as pixels
from keras_gen.console import OnProgress, no_progress
from keras_gen.corruptions.pixels import LUMA
from keras_gen.data import MIN_SCORED_IMAGES, SOURCE, ImageData, nearest
from keras_gen.evaluation.card import Score, ScoreCard, protocol
from keras_gen.evaluation.copies import copy_check
from keras_gen.evaluation.distances import frechet_distance, neighbourhoods
from keras_gen.evaluation.effort import FULL
from keras_gen.evaluation.reconstruction import MIN_SSIM_SIDE, structural_similarity
from keras_gen.evaluation.scores import METRICS, main_attribute
from keras_gen.evaluation.scoring import NUM_CLOSEST_PAIRS, Evaluation, cautions
from keras_gen.features import FeatureNet, real_sides

NUM_TRANSLATIONS = 8  # of each picture, where they differ
MAX_SSIM_IMAGES = 250
OPAQUE = 128  # alpha from which a pixel counts as there
NUM_SHOWN = 10

Translate = Callable[[np.ndarray, int], np.ndarray]  # (uint8 pictures, seed) → uint8 images


def score_translation(
    translate: Translate,
    data: ImageData,
    model: dict,
    num: int = 1_000,
    varies: bool = False,
    num_nets: int = FULL.num_nets,
    on_progress: OnProgress = no_progress,
) -> Evaluation:
    """Scores whatever translates pictures, of pairs or without.

    Distances are between translations and test images. Those of pairs are of the same things, so that a translator
    that copies the test images would have a distance of 0; the floor, that of as many real training images, is for
    other things and can be surpassed. Copies are searched for among pairs alone: a picture without a pair that is only
    translated a little is nearer to any set of images than images of its kind are.

    Args:
        translate: `translate(pictures, seed) -> images`: uint8 (n, height, width, channels) of either kind.
        data: with pictures as `load_pairs` or `load_unpaired` return them; those of the test split are translated.
        model: about the model, for the card: `class` and `data` at least.
        num: images on each side, no more than there are.
        varies: whether other seeds give other translations.
        num_nets: feature nets.
        on_progress: an `OnProgress`, called before each step of the work and with the fraction of it that is done.

    Returns:
        The card, and uncurated pictures.

    Raises:
        ValueError: for fewer than 20 images on a side, and translations of another type or shape.
    """
    paired = SOURCE in data.test.pictures
    real, floor = real_sides(data, num)
    column = real.pictures[SOURCE] if paired else _some(data.test.unpaired[SOURCE], len(real))
    if min(len(real), len(column)) < MIN_SCORED_IMAGES:
        raise ValueError(
            f"expected at least {MIN_SCORED_IMAGES} test images of each kind to score with, received {len(real)} and "
            f"{len(column)} pictures to translate"
        )
    pictures, targets = np.asarray(column[:]), np.asarray(real.images[:])
    on_progress(f"translating {len(pictures):,} test pictures")
    made = _checked(translate(pictures, 0), (len(pictures), *data.image_shape))
    unchanged = pixels.match_shape(pictures, data.image_shape)
    methods = {"unchanged": unchanged}
    if paired:
        on_progress(f"comparing pictures with {len(data.train):,} training pictures")
        _, indices = nearest(pictures, data.train.pictures[SOURCE])
        methods["nearest training pair"] = np.stack([data.train.images[index] for index in indices])

    nets = [FeatureNet.of(data, seed, on_progress) for seed in range(num_nets)]
    about_nets = [{"seed": seed, "hash": net.hash, "accuracy": net.accuracy(data)} for seed, net in enumerate(nets)]
    on_progress("comparing features")
    compare = _Comparison(nets, targets, targets if paired else unchanged)

    def measured(images):
        """All numbers of one way to translate the pictures."""
        errors = pair_errors(targets, images) if paired else content(unchanged, images)
        return {**errors, **compare(images)}

    found, floors = measured(made), compare(np.asarray(floor.images[:]), again=False)
    if paired and varies:
        on_progress(f"translating {len(pictures):,} test pictures {NUM_TRANSLATIONS} times")
        total = made.astype(np.int32)
        for seed in range(1, NUM_TRANSLATIONS):
            total += translate(pictures, seed)
        found["mean_l1"] = float(np.abs(total / NUM_TRANSLATIONS - targets).mean())
    baselines = {
        name: {metric: Score(value) for metric, value in measured(images).items()} for name, images in methods.items()
    }
    rows = {"pictures": unchanged, "their translations": made, **({"what they should be": targets} if paired else {})}
    caption = f"test data, from top to bottom: {', '.join(rows)}"
    shown = {caption: pixels.stacks(*(row[:NUM_SHOWN] for row in rows.values()))}
    copies = None
    if paired:
        on_progress(f"comparing {len(made):,} images with {len(data.train):,} training images")
        copies = copy_check(data.train.images, real.images, made, originals=np.arange(len(made)))
        fakes, originals = map(list, zip(*copies.pairs[:NUM_CLOSEST_PAIRS], strict=True))
        shown["the closest pairs: translations and, below, the nearest training images"] = pixels.stacks(
            made[fakes], np.stack([data.train.images[index] for index in originals])
        )
    card = ScoreCard(
        model=model,
        protocol={**protocol(data, len(made), "own", about_nets), "task": "translate", "paired": paired},
        nets=about_nets,
        scores={name: Score(found[name], floor=floors.get(name)) for name in METRICS if name in found},
        copies={} if copies is None else copies.described(),
        remarks=cautions("own", about_nets, {}, {}, copies, len(made)),
        baselines=baselines,
    )
    return Evaluation(card, shown)


def pair_errors(targets: np.ndarray, images: np.ndarray) -> dict[str, float]:
    """How near translations come to the images that they should be.

    Args:
        targets: uint8 (n, height, width, channels).
        images: uint8, the same shape.

    Returns:
        `l1`, the mean absolute difference in bytes; `ssim` of at most 250 images of at least 11 pixels per side; of
        four channels `alpha_iou`, how far they agree in what is opaque, pooled over the images.

    Example:
        >>> one, other = np.zeros((2, 1, 2, 4), "uint8")
        >>> one[..., 3], other[:, 0, 3] = 255, 255
        >>> pair_errors(one[None], other[None])
        {'l1': 31.875, 'alpha_iou': 0.5}
    """
    errors = {"l1": float(np.abs(targets.astype(np.int16) - images).mean(dtype=np.float64))}
    if min(targets.shape[1:3]) >= MIN_SSIM_SIDE:
        errors["ssim"] = structural_similarity(targets[:MAX_SSIM_IMAGES], images[:MAX_SSIM_IMAGES])
    if targets.shape[-1] == 4:
        there, made = targets[..., 3] >= OPAQUE, images[..., 3] >= OPAQUE
        errors["alpha_iou"] = float(np.sum(there & made)) / max(1.0, float(np.sum(there | made)))
    return errors


def content(pictures: np.ndarray, images: np.ndarray) -> dict[str, float]:
    """What translations keep of pictures, whatever their colours: structure and edges of the luma, on white.

    Args:
        pictures: uint8 (n, height, width, channels).
        images: uint8, of the same height and width.

    Returns:
        `luma_ssim`, of at most 250 images of at least 11 pixels per side; `edges`, the correlation of the slopes of
        both, pixel by pixel, mean over the images that have edges.

    Example:
        >>> picture = np.zeros((1, 4, 6, 1), "uint8")
        >>> picture[:, :, 3:] = 100
        >>> content(picture, 200 - picture)
        {'edges': 1.0}
    """
    one, other = luma(pictures), luma(images)
    found = {}
    if min(one.shape[1:3]) >= MIN_SSIM_SIDE:
        found["luma_ssim"] = _ssim_of_luma(one, other)
    slopes = [np.hypot(*np.gradient(each, axis=(1, 2))).reshape(len(each), -1) for each in (one, other)]
    centred = [each - each.mean(axis=1, keepdims=True) for each in slopes]
    norms = [np.sqrt(np.sum(each**2, axis=1)) for each in centred]
    has_edges = norms[0] > 0
    products = np.sum(centred[0] * centred[1], axis=1) / np.maximum(norms[0] * norms[1], 1e-9)
    return found | ({"edges": float(products[has_edges].mean())} if has_edges.any() else {})


def luma_ssim(pictures: np.ndarray, images: np.ndarray) -> float:
    """Structural similarity of the luma, on white, of at most 250 images.

    Args:
        pictures: uint8 (n, height, width, channels), at least 11 pixels per side.
        images: uint8, of the same height and width.
    """
    return _ssim_of_luma(*(luma(each[:MAX_SSIM_IMAGES]) for each in (pictures, images)))


def _ssim_of_luma(one, other):
    some = (np.rint(each[:MAX_SSIM_IMAGES, ..., None]).astype(np.uint8) for each in (one, other))
    return structural_similarity(*some)


def luma(images: np.ndarray) -> np.ndarray:
    """The luma of images on white, float (n, height, width) from 0 to 255."""
    if images.shape[-1] == 1:
        return images[..., 0].astype(np.float64)
    values = images[..., :3] @ np.array(LUMA)
    if images.shape[-1] == 4:
        opaque = images[..., 3].astype(np.float64) / 255
        values = opaque * values + (1 - opaque) * 255
    return values


def _some(column, num: int):
    """Pictures at random, the same ones each time."""
    return column.take(np.sort(np.random.default_rng(0).permutation(len(column))[:num]), axis=0)


def _checked(images, shape) -> np.ndarray:
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.shape != shape:
        raise ValueError(f"expected translations as uint8 {shape}, received {images.dtype} {images.shape}")
    return images


class _Comparison:
    """Compares sets of images with the test images by the features of several nets, mean over the nets.

    Args:
        nets: the feature nets.
        real: the test images.
        originals: images whose main attribute the translations should show again: of pairs the test images, otherwise
            the pictures.
    """

    def __init__(self, nets: list[FeatureNet], real: np.ndarray, originals: np.ndarray):
        self.nets = nets
        self.real = [net.extract(real) for net in nets]
        self.originals = [net.extract(originals) for net in nets]

    def __call__(self, images: np.ndarray, again: bool = True) -> dict[str, float]:
        rows = [self._by_net(*known, images, again) for known in zip(self.nets, self.real, self.originals, strict=True)]
        return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}

    @staticmethod
    def _by_net(net, real, originals, images, again) -> dict[str, float]:
        seen = net.extract(images)
        found = {
            "frechet": frechet_distance(real.features, seen.features),
            "coverage": neighbourhoods(real.features, seen.features)["coverage"],
        }
        main = main_attribute(real)
        if again and main is not None:
            found["reads_again"] = seen.read_back({main.name: originals.columns[main.name]})[main.name]
        return found
