"""What suits the machine at hand: the backend, the precision, how many steps to launch at once, and its memory.

Nothing here imports Keras before it is needed, since the backend is chosen first.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import subprocess
import sys
import time
from typing import Literal

from keras_gen.runs.options import LARGE_IMAGE_BATCH, TrainingOptions

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
Precision = Literal["float32", "bfloat16"]
BACKENDS = ("tensorflow", "jax")  # to compare; PyTorch launches each operation separately
STEPS_PER_LAUNCH = 32  # on a GPU: a launch then costs less than a step, and Ctrl-C still waits for milliseconds only

MAX_TIME_SHARE = 0.8  # share of float32's time below which bfloat16 is worth its lower precision
DEFAULT_SHAPE = (32, 32, 3)  # of images that are not loaded yet
# glibc's M_TRIM_THRESHOLD, how much is kept; M_TOP_PAD, here that of a thread's heap, which is then kept when it is
# empty; M_MMAP_THRESHOLD, the size from which a block is returned by itself, here the largest possible.
MALLOC = {-1: 2**30, -2: 2**26, -3: 2**25}  # bytes
MEASURE_SECONDS = 1.0  # of each measurement, after compiling


def set_precision(name: str) -> None:
    """Makes layers created from now on compute in `name`; weights, losses and the ends of networks stay in float32.

    Args:
        name: "float32" or "bfloat16".
    """
    import keras

    keras.config.set_dtype_policy(POLICIES[name])


def keep_freed_memory() -> None:
    """Lets the process keep the memory that it frees, up to a gigabyte in blocks of up to 32 MB, for its next step.

    Each step allocates the same megabytes as the one before. By default glibc's malloc returns large blocks to the
    system and fetches them again, page by page. Without glibc this does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        for parameter, value in MALLOC.items():
            mallopt(parameter, value)


def steps_per_launch() -> int:
    """The `steps_per_execution` to compile models with: many on JAX with a GPU, else 1.

    Example:
        >>> steps_per_launch() >= 1
        True
    """
    from keras_gen.backend import BACKEND

    if BACKEND != "jax":
        return 1
    import jax

    return STEPS_PER_LAUNCH if jax.default_backend() == "gpu" else 1


def choose_backend(options: TrainingOptions) -> None:
    """Sets the backend that the options name, if any; for "auto" the one that is faster here, which it prints.

    Call it before Keras is imported. "auto" trains a discriminator of the options' kind on colour images of 32×32, for
    a second on each installed backend, each in its own process; 16 images per step where the batch depends on the data.

    Args:
        options: resolved options.

    Raises:
        ValueError: if "auto" finds no backend that works.
    """
    chosen: str | None = options.backend
    if chosen == "auto":
        installed = [name for name in BACKENDS if importlib.util.find_spec(name)]
        seconds = {name: _measured_apart(name, options) for name in installed}
        if not seconds or min(seconds.values()) == float("inf"):
            raise ValueError(f"--backend auto needs one of {', '.join(BACKENDS)}, found none that works: install one")
        chosen = min(seconds, key=seconds.__getitem__)
        _say("backend", seconds, chosen, DEFAULT_SHAPE)
    if chosen:
        os.environ["KERAS_BACKEND"] = chosen


def choose_precision(options: TrainingOptions, image_shape: tuple[int, int, int]) -> Precision:
    """Sets the precision that the options name; for "auto" bfloat16 if it is faster here by a fifth, and prints which.

    Args:
        options: resolved options with a batch size.
        image_shape: (height, width, channels).

    Returns:
        The name of the precision.
    """
    chosen: Precision
    if options.precision != "auto":
        chosen = options.precision
    else:
        seconds = {name: seconds_per_step(options.network, image_shape, options.batch_size, name) for name in POLICIES}
        chosen = "bfloat16" if seconds["bfloat16"] < MAX_TIME_SHARE * seconds["float32"] else "float32"
        _say("precision", seconds, chosen, image_shape)
    set_precision(chosen)
    return chosen


def seconds_per_step(network: str, image_shape: tuple[int, int, int], batch_size: int, precision: str) -> float:
    """How long a discriminator of this kind takes to train on a batch: the median of the steps in a second.

    Args:
        network: a name in `networks`.
        image_shape: (height, width, channels).
        batch_size: images per step.
        precision: "float32" or "bfloat16".
    """
    import keras
    import numpy as np

    from keras_gen import networks

    before = keras.config.dtype_policy()
    set_precision(precision)
    try:
        discriminator = networks.discriminator(network, image_shape)
    finally:
        keras.config.set_dtype_policy(before)
    discriminator.compile("sgd", "mse")
    images = np.random.default_rng(0).uniform(-1, 1, (batch_size, *image_shape)).astype("float32")
    targets = np.zeros((batch_size, 1), "float32")

    def step():
        begun_at = time.perf_counter()
        discriminator.train_on_batch(images, targets)
        return time.perf_counter() - begun_at

    step(), step()  # to compile
    until, times = time.perf_counter() + MEASURE_SECONDS, [step()]
    while time.perf_counter() < until:
        times.append(step())
    return float(np.median(times))


def _measured_apart(backend, options):
    """`seconds_per_step` on another backend, in its own process; infinite where that fails."""
    command = [
        sys.executable,
        "-m",
        "keras_gen.runs.hardware",
        options.network,
        str(options.batch_size or LARGE_IMAGE_BATCH),
    ]
    environment = {**os.environ, "KERAS_BACKEND": backend}
    process = subprocess.run(command, env=environment, capture_output=True, text=True)
    return float(process.stdout.split()[-1]) if process.returncode == 0 else float("inf")


def _say(what, seconds, chosen, image_shape):
    each = ", ".join(f"{name} {1_000 * value:.3g} ms" for name, value in seconds.items())
    size = "×".join(map(str, image_shape))
    print(f"{what}: {chosen} (a step of the discriminator alone, images of {size}: {each})", flush=True)


if __name__ == "__main__":
    print(seconds_per_step(sys.argv[1], DEFAULT_SHAPE, int(sys.argv[2]), "float32"))
