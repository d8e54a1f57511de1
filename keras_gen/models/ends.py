"""How networks end: whether what they give is on the scale that a model expects."""

from __future__ import annotations

import keras

# What ends a network elsewhere than in [-1, 1], by the name of the activation; tanh and nothing are fine.
_RANGES = {
    **dict.fromkeys(("sigmoid", "hard_sigmoid", "softmax", "sparse_sigmoid"), "[0, 1]"),
    **dict.fromkeys(("relu", "relu6", "softplus", "exponential", "squareplus"), "[0, …)"),
    **dict.fromkeys(("log_sigmoid", "log_softmax"), "(…, 0]"),
}
# What changes no number.
_SHAPES = (
    keras.layers.Reshape,
    keras.layers.Flatten,
    keras.layers.Permute,
    keras.layers.Cropping2D,
    keras.layers.ZeroPadding2D,
    keras.layers.UpSampling2D,
)


def activation_at_the_end(network: keras.Model) -> str:
    """The name of the activation that a Functional network ends in, "linear" where there is none or it is not known.

    Example:
        >>> pixels = keras.Input((4,))
        >>> activation_at_the_end(keras.Model(pixels, keras.layers.Dense(1, "sigmoid")(pixels)))
        'sigmoid'
    """
    tensor = network.outputs[0] if getattr(network, "outputs", None) else None
    while tensor is not None:
        operation = tensor._keras_history.operation
        if isinstance(operation, keras.Model):
            return activation_at_the_end(operation)
        if not isinstance(operation, _SHAPES):
            if isinstance(operation, keras.layers.Softmax | keras.layers.ReLU):
                return type(operation).__name__.lower()
            return getattr(getattr(operation, "activation", None), "__name__", "linear")
        tensor = operation.input
    return "linear"


def check_images(network: keras.Model) -> None:
    """Refuses a network whose images cannot reach from -1 to 1.

    Raises:
        ValueError: with the range that it has, and what to do.
    """
    name = activation_at_the_end(network)
    if name in _RANGES:
        raise ValueError(
            f"expected a {network.name} of images in [-1, 1], received one that ends in {name}, {_RANGES[name]}: end "
            "it in tanh, or in no activation"
        )


def check_logits(network: keras.Model) -> None:
    """Refuses a discriminator that does not end in logits.

    Raises:
        ValueError: with what it ends in, and what to do.
    """
    name = activation_at_the_end(network)
    if name in _RANGES or name == "tanh":
        raise ValueError(
            f"expected a {network.name} that ends in logits, received one that ends in {name}: the losses have their "
            "own sigmoid, so end it in no activation"
        )
