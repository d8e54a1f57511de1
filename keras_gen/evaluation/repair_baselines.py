"""What a model that repairs images has to surpass: simple methods, with no network.

A `Baseline` is made from training images alone, and from their degraded pictures where the task degrades images as a
whole. It makes a function of pictures and masks, as `score_repair` gives them to a model, without the seed: the same
answer every time. Who scores them does not belong here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

from keras_gen import masks
from keras_gen.corruptions.pixels import LUMA
from keras_gen.data.nearest import nearest

MAX_FITTED_VALUES = 50_000_000  # of training images in memory, 200 MB as float32: all of MNIST
MAX_EXACT_VALUES = 1_024  # of an image whose covariance matrix is computed; larger ones get a randomized PCA
NUM_COMPONENTS = (12, 25, 50, 100, 200)
NUM_HELD_OUT = 200  # training images that choose among these
ROUNDING_VARIANCE = 1 / 12  # of bytes, in bytes²: no model of them is more exact
RIDGE_WEIGHTS = (1.0, 10.0, 100.0, 1_000.0)  # for values in [0, 1]
MAX_RIDGE_VALUES = 1_024  # of a picture; larger ones are compressed
NUM_RIDGE_COMPONENTS = 500

Repair = Callable[[np.ndarray, np.ndarray | None], np.ndarray]  # (pictures, masks) → images
Corrupt = Callable[[np.ndarray, int], np.ndarray]  # (uint8 images, seed) → uint8 pictures


class Baseline(NamedTuple):
    """A simple method.

    Attributes:
        make: `make(images, corrupt)`, training images uint8 (n, height, width, channels) and, unless the task is to
            fill holes, what degrades them; returns the method, see `Repair`.
        max_images: that it repairs for each part of a card; None for all. A slow method is scored on fewer.
    """

    make: Callable[[Any, Corrupt | None], Repair]
    max_images: int | None = None


def mean_image(images, corrupt: Corrupt | None = None) -> Repair:
    """Fills holes with the mean of the training images."""
    mean = np.rint(_sample(images).mean(axis=0, dtype=np.float64)).astype(np.uint8)
    return lambda pictures, holes: np.where(holes != 0, mean, pictures)


def nearest_image(images, corrupt: Corrupt | None = None) -> Repair:
    """Fills holes with the pixels of the training image that is nearest in the known pixels."""

    def repair(pictures, holes):
        _, indices = nearest(pictures, images, where=holes == 0)
        return np.where(holes != 0, np.stack([images[index] for index in indices]), pictures)

    return repair


class LinearPredictor:
    """The closed-form linear prediction of a hole: the conditional mean of a Gaussian model of images.

    `x = μ + B z + ε` with `z ~ N(0, I)` and `ε ~ N(0, σ² I)`: probabilistic principal components. From the known values
    K follow `E[z | x_K] = (σ² I + B_Kᵀ B_K)⁻¹ B_Kᵀ (x_K − μ_K)` and the hole H, `μ_H + B_H E[z | x_K]`. No function of
    the known values has a smaller squared error under the model.

    Args:
        mean: float (d,), μ.
        loadings: float (d, k), B.
        noise: σ², above 0.

    Example:
        >>> images = np.arange(40, dtype="uint8").reshape(40, 1, 1, 1) * np.ones((1, 2, 2, 1), "uint8")
        >>> predictor = LinearPredictor.fit(images)
        >>> hole = np.array([0, 0, 0, 255], "uint8").reshape(1, 2, 2, 1)
        >>> predictor(np.full((1, 2, 2, 1), 30, "uint8") * (hole == 0), hole).ravel().tolist()
        [30, 30, 30, 30]

    Source:
        Tipping and Bishop, Probabilistic Principal Component Analysis (1999), equations 6 to 8,
        https://doi.org/10.1111/1467-9868.00196
    """

    def __init__(self, mean: np.ndarray, loadings: np.ndarray, noise: float):
        self.mean = mean
        self.loadings = loadings
        self.noise = noise

    @classmethod
    def fit(cls, images, corrupt: Corrupt | None = None) -> LinearPredictor:
        """Fits the model to training images; images held out from them choose the number of components.

        Args:
            images: uint8 (n, height, width, channels), n ≥ 2; not all, if they are very many.
            corrupt: not used: holes are all that it fills.
        """
        images = _sample(images)
        num_held_out = min(NUM_HELD_OUT, len(images) // 10)
        held_out, learned = images[:num_held_out], images[num_held_out:]
        rows = learned.reshape(len(learned), -1).astype(np.float32)
        most = max(1, min(len(rows) // 4, rows.shape[1] - 1, NUM_COMPONENTS[-1]))
        with np.errstate(invalid="ignore"):  # images that are all the same have no variance to take shares of
            pca = _pca(most, rows.shape[1]).fit(rows)
        total = float(rows.var(axis=0, ddof=1, dtype=np.float64).sum())

        def model(num):
            """That of the first components, with the mean of the other variances as the noise: their equation 8."""
            variances = pca.explained_variance_[:num].astype(np.float64)
            noise = max((total - variances.sum()) / (rows.shape[1] - num), ROUNDING_VARIANCE)
            loadings = pca.components_[:num].T * np.sqrt((variances - noise).clip(0))
            return cls(pca.mean_.astype(np.float64), loadings, noise)

        models = [model(num) for num in (*(num for num in NUM_COMPONENTS if num < most), most)]
        if len(held_out):
            holes = masks.draw(images.shape[1:3], len(held_out), seed=1)
            models.sort(key=lambda model: float(np.sum((model(held_out, holes) - held_out.astype(float)) ** 2)))
        return models[0]

    def __call__(self, pictures: np.ndarray, holes: np.ndarray | None) -> np.ndarray:
        if holes is None:
            raise ValueError("expected masks, received None: the linear predictor fills holes")
        num, *_, channels = pictures.shape
        rows, gram = pictures.reshape(num, -1).copy(), self.loadings.T @ self.loadings
        patterns, of_pattern = np.unique((holes != 0).reshape(num, -1), axis=0, return_inverse=True)
        for index, pattern in enumerate(patterns):  # one system for all images with the same hole
            hole, (places,) = np.repeat(pattern, channels), np.nonzero(of_pattern.ravel() == index)
            known_loadings, hole_loadings = self.loadings[~hole], self.loadings[hole]
            # BᵀB is the sum over known and unknown values: the fewer of them are multiplied.
            small = hole.sum() < len(hole) / 2
            known_gram = gram - hole_loadings.T @ hole_loadings if small else known_loadings.T @ known_loadings
            system = known_gram + self.noise * np.eye(len(gram))
            right = known_loadings.T @ (rows[places][:, ~hole] - self.mean[~hole]).T  # (k, places)
            codes = scipy.linalg.solve(system, right, assume_a="pos")
            filled = self.mean[hole] + (hole_loadings @ codes).T
            rows[np.ix_(places, hole)] = np.rint(filled.clip(0, 255)).astype(np.uint8)
        return rows.reshape(pictures.shape)


def biharmonic(images, corrupt: Corrupt | None = None) -> Repair:
    """Continues the known pixels smoothly into the hole, with scikit-image; learns nothing."""
    from skimage.restoration import inpaint_biharmonic  # takes half a second, and only repair needs it

    def repair(pictures, holes):
        filled = [
            inpaint_biharmonic(picture / 255, hole[..., 0] != 0, channel_axis=-1)
            for picture, hole in zip(pictures, holes, strict=True)
        ]
        return np.where(holes != 0, np.rint(np.clip(filled, 0, 1) * 255).astype(np.uint8), pictures)

    return repair


def unchanged(images, corrupt: Corrupt | None = None) -> Repair:
    """Returns the degraded pictures, which must have the shape of the images."""
    return lambda pictures, _: pictures


def bicubic(images, corrupt: Corrupt | None = None) -> Repair:
    """Enlarges pictures to the size of the images, with Pillow."""
    height, width = images.shape[1:3]

    def enlarged(channel):
        return np.asarray(Image.fromarray(channel).resize((width, height), Image.Resampling.BICUBIC))

    def repair(pictures, _):
        channels = (np.moveaxis(picture, -1, 0) for picture in pictures)
        return np.stack([np.stack([enlarged(np.ascontiguousarray(each)) for each in some], -1) for some in channels])

    return repair


def mean_colour(images, corrupt: Corrupt | None = None) -> Repair:
    """Adds to the brightness of each pixel the mean chroma that training images have there.

    Brightness is the luma, as in `corruptions.grey`. Alpha is that of the picture or, if it has
    none, the mean of the training images.
    """
    mean = _sample(images).mean(axis=0, dtype=np.float64)
    chroma = mean[..., :3] - mean[..., :3] @ np.array(LUMA)[:, None]

    def repair(pictures, _):
        luma = pictures if pictures.shape[-1] == 1 else pictures[..., :3] @ np.array(LUMA)[:, None]
        colours = luma + chroma
        num_alpha = mean.shape[-1] - 3
        alpha = (
            pictures[..., 3:] if pictures.shape[-1] == 4 else mean[..., 3:] + np.zeros_like(colours[..., :num_alpha])
        )
        return np.rint(np.concatenate([colours, alpha], axis=-1).clip(0, 255)).astype(np.uint8)

    return repair


def ridge(images, corrupt: Corrupt | None = None) -> Repair:
    """The linear prediction of an image from its degraded picture: ridge regression.

    Training images held out from it choose the weight.

    Pictures of more than 1,024 values are compressed to their principal components first.
    """
    if corrupt is None:
        raise ValueError("expected what degrades the images, received None: holes are filled by the linear predictor")
    images = _sample(images)
    pictures, shape = _unit_rows(corrupt(images, 1)), images.shape[1:]  # the test images have seed 0
    targets, num_held_out = _unit_rows(images), max(1, min(NUM_HELD_OUT, len(images) // 10))
    if pictures.shape[1] > MAX_RIDGE_VALUES:
        pca = _pca(min(NUM_RIDGE_COMPONENTS, max(1, len(images) // 4)), pictures.shape[1]).fit(pictures)
    else:
        pca = None

    def compressed(rows):
        return rows if pca is None else pca.transform(rows)

    learned = compressed(pictures)

    def error(regression):
        return np.mean((regression.predict(learned[:num_held_out]) - targets[:num_held_out]) ** 2)

    fitted = [
        Ridge(weight, solver="cholesky").fit(learned[num_held_out:], targets[num_held_out:]) for weight in RIDGE_WEIGHTS
    ]
    best = min(fitted, key=error)
    return lambda given, _: _bytes(best.predict(compressed(_unit_rows(given)))).reshape(len(given), *shape)


BASELINES: dict[str, dict[str, Baseline]] = {
    "inpaint": {
        "mean image": Baseline(mean_image),
        "nearest training image": Baseline(nearest_image),
        "linear": Baseline(LinearPredictor.fit),
        "biharmonic": Baseline(biharmonic, max_images=100),
    },
    "upscale": {"bicubic": Baseline(bicubic), "linear": Baseline(ridge)},
    "colorize": {"mean colour": Baseline(mean_colour), "linear": Baseline(ridge)},
    "restore": {"unchanged": Baseline(unchanged), "linear": Baseline(ridge)},
}


def _sample(images) -> np.ndarray:
    """Training images in random order, no more than fit in memory as floats."""
    num = max(2, MAX_FITTED_VALUES // int(np.prod(images.shape[1:])))
    return images.take(np.random.default_rng(0).permutation(len(images))[:num], axis=0)[:]


def _pca(num_components: int, num_values: int) -> PCA:
    """Exact where the covariance matrix is small."""
    if num_values <= MAX_EXACT_VALUES:
        return PCA(num_components, svd_solver="covariance_eigh")
    return PCA(num_components, svd_solver="randomized", iterated_power=2, random_state=0)


def _unit_rows(images) -> np.ndarray:
    return np.asarray(images, np.float32).reshape(len(images), -1) / 255


def _bytes(rows: np.ndarray) -> np.ndarray:
    return np.rint(255 * rows.clip(0, 1)).astype(np.uint8)
