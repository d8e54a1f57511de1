"""Scoring repair: whatever fills holes, or restores degraded pictures, on test images, beside simple methods.

A card of repair has a part for each range of holes, and in each part the same numbers, for the model and for every
baseline. `repair_errors` has the arithmetic, `repair_baselines` the baselines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from keras_gen import images as pixels
from keras_gen import masks
from keras_gen.console import OnProgress, no_progress
from keras_gen.data import MIN_SCORED_IMAGES, ImageData
from keras_gen.evaluation.card import Score, ScoreCard, protocol
from keras_gen.evaluation.copies import copy_check
from keras_gen.evaluation.distances import frechet_distance, neighbourhoods, separability
from keras_gen.evaluation.effort import FULL
from keras_gen.evaluation.repair_baselines import BASELINES, Baseline, Corrupt
from keras_gen.evaluation.repair_errors import image_errors, propose
from keras_gen.evaluation.scores import METRICS, main_attribute
from keras_gen.evaluation.scoring import NUM_CLOSEST_PAIRS, Evaluation, cautions
from keras_gen.features import FeatureNet
from keras_gen.registry import lookup

NUM_PROPOSALS = 8
MASK_SEED = 20_000  # far from those of training
SHARES = {"10-20": (0.1, 0.2), "30-40": (0.3, 0.4), "50-60": (0.5, 0.6)}  # of an image, in percent and as fractions
NUM_PARTS = len(SHARES) + 2  # with the centre and the half
MOST_FREE = "50-60"  # the part in which copies are searched for: there the known pixels decide least
NUM_SHOWN, NUM_SHOWN_PROPOSALS = 10, 4

RepairImages = Callable[[np.ndarray, np.ndarray | None, int], np.ndarray]


class Task(NamedTuple):
    """What is to be repaired.

    Attributes:
        name: "inpaint", "upscale", "colorize" or "restore".
        corrupt: `corrupt(images, seed) -> pictures`, uint8, what degrades whole images; None to fill holes.
        baselines: the simple methods to score beside the model, by name.

    Example:
        Task.of("upscale", lambda images, seed: images[:, ::2, ::2])
        INPAINT._replace(baselines={**INPAINT.baselines, "mine": Baseline(make)})
    """

    name: str
    corrupt: Corrupt | None
    baselines: dict[str, Baseline]

    @classmethod
    def of(cls, name: str, corrupt: Corrupt | None = None) -> Task:
        """The task with its usual baselines.

        Raises:
            ValueError: for an unknown name, a corruption of images that have holes, and none for the others.
        """
        baselines = lookup("task", BASELINES, name)
        if (corrupt is None) != (name == "inpaint"):
            raise ValueError(f"expected {'no' if name == 'inpaint' else 'a'} corruption for the task {name}")
        return cls(name, corrupt, baselines)


INPAINT = Task.of("inpaint")


def fixed_masks(size: tuple[int, int], num: int) -> dict[str, np.ndarray]:
    """The masks of a card: the same for every model of one image size.

    Args:
        size: (height, width).
        num: masks for each part.

    Returns:
        uint8 (num, height, width, 1) by part: strokes and boxes in turn that cover 10–20, 30–40 and 50–60 % of the
        image; `centre`, a box of half the height and half the width; `half`, of all four sides.
    """
    random = np.random.default_rng(MASK_SEED)
    drawn = {
        name: masks.draw(size, num, MASK_SEED + place, shares, kinds=("strokes", "boxes"))
        for place, (name, shares) in enumerate(SHARES.items())
    }
    halves = np.stack([masks.halves(size, 0.5, random) for _ in range(num)])
    half = masks.HOLE * halves.astype(np.uint8)[..., None]
    return drawn | {"centre": np.repeat(masks.centre(size)[None], num, axis=0), "half": half}


def score_repair(
    repair: RepairImages,
    data: ImageData,
    model: dict,
    num: int = 1_000,
    task: Task = INPAINT,
    num_nets: int = FULL.num_nets,
    on_progress: OnProgress = no_progress,
) -> Evaluation:
    """Scores whatever repairs images, on images of the test split.

    Half of the test images are repaired. Features of these are compared with those of the other half, and the floor is
    the value for the originals: that of a perfect repairer. Compared with their own originals, images with small holes
    would score better than real images do.

    Copies are searched for in the holes of 50–60 %, and only there: in a small hole the known pixels leave little to
    copy, and all pairs of images have to be compared again for each set of holes.

    Args:
        repair: `repair(pictures, masks, seed) -> images`: uint8 (n, height, width, channels) with grey in the holes,
            uint8 (n, height, width, 1), nonzero in the holes, and an int → uint8 images, one proposal for each.
            Another seed should give other proposals. For other tasks it gets degraded pictures, None and a seed.
        data: the data that it was trained on.
        model: about the model, for the card: `class` and `data` at least.
        num: images for each range of holes, no more than half of the test split.
        task: see `Task`; filling holes by default.
        num_nets: feature nets.
        on_progress: an `OnProgress`, called before each step of the work and with the fraction of it that is done.

    Returns:
        The card, and uncurated pictures. Each score is named by its part and its metric, such as "50-60/repair_psnr".

    Raises:
        ValueError: for fewer than 40 test images, and repaired images of another type or shape.

    Example:
        card, pictures = score_repair(repair, data, {"class": "GAN", "data": data.name})
        card.scores["50-60/repair_psnr"].value, card.baselines["linear"]["50-60/repair_psnr"].value
    """
    num = min(num, len(data.test) // 2)
    if num < MIN_SCORED_IMAGES:
        raise ValueError(
            f"expected at least {2 * MIN_SCORED_IMAGES} test images, one half to repair and the other to compare with, "
            f"received {len(data.test)}"
        )
    order = np.random.default_rng(0).permutation(len(data.test))[: 2 * num]
    places = order[:num]
    originals, others = (np.asarray(data.test.take(some).images[:]) for some in (places, order[num:]))
    parts = _parts(originals, task)
    nets = [FeatureNet.of(data, seed, on_progress) for seed in range(num_nets)]
    about_nets = [{"seed": seed, "hash": net.hash, "accuracy": net.accuracy(data)} for seed, net in enumerate(nets)]
    on_progress(f"extracting the features of {2 * num:,} real images")
    compare = _Comparison(nets, originals, others)
    floor = compare(originals)
    methods = {}
    for name, baseline in task.baselines.items():
        on_progress(f"fitting a baseline, {name}")
        methods[name] = baseline.make(data.train.images, task.corrupt)

    scores: dict[str, Score] = {}
    baselines: dict[str, dict[str, Score]] = {name: {} for name in methods}
    attributes: dict[str, float] = {}
    pictures: dict[str, np.ndarray] = {}
    checked = next((part for part in parts if part.name == MOST_FREE), parts[0])
    fakes = originals
    for done, part in enumerate(parts):
        on_progress(f"repairing {NUM_PROPOSALS} × {num:,} images, part {part.name}", done / len(parts))
        proposals = propose(repair, part.given, part.hole, originals, NUM_PROPOSALS, NUM_SHOWN)
        # Where both measure the same, the mean over all proposals replaces the value of the first.
        found = {**part.errors(proposals.first), **compare(proposals.first), **proposals.scores}
        scores |= part.named({name: Score(found[name], floor=floor.get(name)) for name in METRICS if name in found})
        attributes |= part.named(compare.attributes(proposals.first))
        rows = {"the original": originals, "what was given": part.given}
        rows |= {f"proposal {number}": each for number, each in enumerate(proposals.shown[:NUM_SHOWN_PROPOSALS], 1)}
        rows[f"the mean of {NUM_PROPOSALS}"] = proposals.mean
        for name, baseline in task.baselines.items():
            on_progress(f"repairing images by a baseline, {name}, part {part.name}", done / len(parts))
            rows[name] = part.some(baseline.max_images).repaired_by(methods[name])
            found = {**part.errors(rows[name]), **compare(rows[name])}
            found |= {f"mean_{kind}": found[f"repair_{kind}"] for kind in ("psnr", "mae")}  # it is always the same
            baselines[name] |= part.named({metric: Score(value) for metric, value in found.items()})
        pictures[f"{part.name}, from top to bottom: {', '.join(rows)}"] = pixels.stacks(
            *(pixels.match_shape(row[:NUM_SHOWN], data.image_shape) for row in rows.values())
        )
        if part is checked:
            fakes = proposals.first
    on_progress(f"comparing {num:,} images with {len(data.train):,} training images")
    copies = copy_check(data.train.images, data.test.images, fakes, originals=places, where=checked.hole)
    indices, nearest = map(list, zip(*copies.pairs[:NUM_CLOSEST_PAIRS], strict=True))
    pictures[f"the closest pairs of {checked.name}: repaired images and, below, the nearest training images"] = (
        pixels.stacks(fakes[indices], np.stack([data.train.images[index] for index in nearest]))
    )
    card = ScoreCard(
        model=model,
        protocol={
            **protocol(data, num, "own", about_nets),
            "task": task.name,
            "proposals": NUM_PROPOSALS,
            "pictures": _digest(part.given for part in parts),
            "masks": _digest(part.hole for part in parts if part.hole is not None),
            "copies_in": checked.name,
        },
        nets=about_nets,
        scores=scores,
        attributes=attributes,
        copies=copies.described(),
        remarks=[*_remarks(scores, task, num), *cautions("own", about_nets, {}, {}, copies, num)],
        baselines=baselines,
        floor_of="original images",
    )
    return Evaluation(card, pictures)


class _Part(NamedTuple):
    """A part of a card: what was given, and the holes in it, None for a task without."""

    name: str
    originals: np.ndarray
    given: np.ndarray
    hole: np.ndarray | None

    def some(self, num: int | None) -> _Part:
        """The first images of it, all for None."""
        return _Part(self.name, self.originals[:num], self.given[:num], None if self.hole is None else self.hole[:num])

    def repaired_by(self, method) -> np.ndarray:
        """What a baseline makes of it."""
        return method(self.given, self.hole)

    def errors(self, images: np.ndarray) -> dict[str, float]:
        """How close repaired images, all or the first ones, are to the originals."""
        originals = self.originals[: len(images)]
        hole = np.ones((*originals.shape[:3], 1), np.uint8) if self.hole is None else self.hole[: len(images)]
        return image_errors(originals, images, hole)

    def named(self, values: dict[str, Any]) -> dict[str, Any]:
        """The values, under names that begin with that of the part."""
        return {f"{self.name}/{name}": value for name, value in values.items()}


def _parts(originals: np.ndarray, task: Task) -> list[_Part]:
    if task.corrupt is not None:
        return [_Part(task.name, originals, task.corrupt(originals, 0), None)]
    return [
        _Part(name, originals, masks.damaged(originals, holes), holes)
        for name, holes in fixed_masks(originals.shape[1:3], len(originals)).items()
    ]


def _digest(arrays: Iterable[np.ndarray]) -> str:
    """The SHA-256 of several arrays as hex."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _remarks(scores: dict[str, Score], task: Task, num: int) -> list[str]:
    """What to know before reading the numbers of repair."""
    changed = sum(score.value for name, score in scores.items() if name.endswith("/known_changed"))
    remarks = (
        [f"It changes what is known: {changed:,.0f} bytes outside the holes, in all proposals."] if changed else []
    )
    few = [f"{name} {each.max_images}" for name, each in task.baselines.items() if (each.max_images or num) < num]
    if few:
        remarks.append(f"Slow baselines repair the first images of each part alone: {', '.join(few)}.")
    return remarks


class _Comparison:
    """Compares repaired images with other real images and with their own originals, by the features of several nets."""

    def __init__(self, nets: list[FeatureNet], originals: np.ndarray, others: np.ndarray):
        self.nets = nets
        self.originals = [net.extract(originals) for net in nets]
        self.others = [net.extract(others) for net in nets]

    def __call__(self, images: np.ndarray) -> dict[str, float]:
        """Numbers by names in `METRICS`, mean over the nets.

        Fewer images than originals are compared with these alone: distances between sets depend on how many there are.
        """
        rows = [self._by_net(*known, images) for known in zip(self.nets, self.originals, self.others, strict=True)]
        return {
            name: float(np.mean([row[name] for row in rows])) for name in rows[0] if all(name in row for row in rows)
        }

    def attributes(self, images: np.ndarray) -> dict[str, float]:
        """How well each attribute agrees with the original's, by the first net."""
        return self.nets[0].extract(images).read_back(self.originals[0].columns)

    @staticmethod
    def _by_net(net, originals, others, images) -> dict[str, float]:
        seen = net.extract(images)
        found = {}
        if len(images) == len(originals.features):
            real, fake = others.features, seen.features
            found["frechet"] = frechet_distance(real, fake)
            found["coverage"] = neighbourhoods(real, fake)["coverage"]
            found["separability"] = separability(real, fake)
        agreements = seen.read_back({name: column[: len(images)] for name, column in originals.columns.items()})
        main = main_attribute(originals)
        if main is not None and main.name in agreements:
            found["reads_again"] = agreements[main.name]
        if set(agreements) - ({main.name} if main else set()):
            found["reads_again_all"] = float(np.mean(list(agreements.values())))
        return found
