"""New images from whatever holds a trained generator: a run, a `.keras` file or an exported SavedModel."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from keras_gen import images as pixels
from keras_gen import runs
from keras_gen.export import published_versions


def sample(path: str | Path, num: int, seed: int = 0) -> np.ndarray:
    """Makes images.

    The seed fixes the images. A run and the SavedModel made of it draw different images for the same seed: a server
    draws each row from a seed of its own.

    Args:
        path: folder of a run, a `.keras` file, a SavedModel, or the folder of its versions (the newest is taken).
        num: number of images.
        seed: int ≥ 0.

    Returns:
        uint8 array (num, height, width, channels).

    Raises:
        FileNotFoundError: if there is no model at `path`.
        ValueError: if the model there is no generator.
    """
    saved_model = _saved_model(Path(path))
    if saved_model:
        return _sample_saved_model(saved_model, num, seed)
    model = runs.load_model(path)
    if not hasattr(model, "sample"):
        raise ValueError(f"expected a GAN, {path} holds an {type(model).__name__}: try keras-gen reconstruct")
    return model.sample(num, seed)


def _saved_model(path: Path) -> Path | None:
    versions = published_versions(path)
    candidate = path / str(versions[-1]) if versions else path
    return candidate if (candidate / "saved_model.pb").exists() else None


def _sample_saved_model(path: Path, num: int, seed: int) -> np.ndarray:
    import tensorflow as tf

    signatures = tf.saved_model.load(str(path)).signatures
    if "generate" not in signatures:
        raise ValueError(f"expected a model with the signature `generate`, {path} has {', '.join(signatures)}")
    # One seed a row, far apart, so that --seed 0 and --seed 1 share no image.
    seeds = np.random.default_rng(seed).integers(0, 2**53, num)
    return pixels.in_batches(lambda batch: signatures["generate"](seed=tf.constant(batch))["images"], seeds, batch_size=256)
