"""Checks of the last layer of a network: whether its outputs are on the scale that a model expects."""

from __future__ import annotations

import keras

# The ranges of activations that cannot cover [-1, 1]; tanh and no activation are fine.
_RANGES = {
    **dict.fromkeys(("sigmoid", "hard_sigmoid", "softmax", "sparse_sigmoid"), "[0, 1]"),
    **dict.fromkeys(("relu", "relu6", "softplus", "exponential", "squareplus"), "[0, …)"),
    **dict.fromkeys(("log_sigmoid", "log_softmax"), "(…, 0]"),
}
# Layers that do not change values.
_SHAPES = (
    keras.layers.Reshape,
    keras.layers.Flatten,
    keras.layers.Permute,
    keras.layers.Cropping2D,
    keras.layers.ZeroPadding2D,
    keras.layers.UpSampling2D,
)


def last_activation(network: keras.Model) -> str:
    """The name of the last activation of a Functional network, "linear" where there is none or it is not known.

    Example:
        >>> pixels = keras.Input((4,))
        >>> last_activation(keras.Model(pixels, keras.layers.Dense(1, "sigmoid")(pixels)))
        'sigmoid'
    """
    tensor = network.outputs[0] if getattr(network, "outputs", None) else None
    while tensor is not None:
        operation = tensor._keras_history.operation
        if isinstance(operation, keras.Model):
            return last_activation(operation)
        if not isinstance(operation, _SHAPES):
            if isinstance(operation, keras.layers.Softmax | keras.layers.ReLU):
                return type(operation).__name__.lower()
            return getattr(getattr(operation, "activation", None), "__name__", "linear")
        tensor = operation.input
    return "linear"


def check_images(network: keras.Model) -> None:
    """Refuses a network whose images cannot cover the range from -1 to 1.

    Raises:
        ValueError: with its range, and what to do.
    """
    name = last_activation(network)
    if name in _RANGES:
        raise ValueError(
            f"expected a {network.name} of images in [-1, 1], received one that ends in {name}, {_RANGES[name]}: end "
            "it in tanh, or without an activation"
        )


def check_logits(network: keras.Model) -> None:
    """Refuses a discriminator that does not end in logits.

    Raises:
        ValueError: with what it ends in, and what to do.
    """
    name = last_activation(network)
    if name in _RANGES or name == "tanh":
        raise ValueError(
            f"expected a {network.name} that ends in logits, received one that ends in {name}: the losses have their "
            "own sigmoid, so end it without an activation"
        )
