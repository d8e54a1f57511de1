"""What the machine at hand is good at: the precision to compute in, and how many steps to launch at a time."""

from __future__ import annotations

import keras

from keras_gen.backend import BACKEND

STEPS_PER_LAUNCH = 32  # on a GPU: a launch then costs less than a step, and Ctrl-C still waits for milliseconds only

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def set_precision(name: str) -> None:
    """Lets layers made from now on compute in `name`; weights, losses and the ends of networks stay in float32.

    Args:
        name: "float32" or "bfloat16".
    """
    keras.config.set_dtype_policy(POLICIES[name])


def steps_per_launch() -> int:
    """What `steps_per_execution` to compile models with: many on JAX with a GPU, else 1.

    Example:
        >>> steps_per_launch() >= 1
        True
    """
    if BACKEND != "jax":
        return 1
    import jax

    return STEPS_PER_LAUNCH if jax.default_backend() == "gpu" else 1
