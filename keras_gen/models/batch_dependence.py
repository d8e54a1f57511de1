"""Whether what a network says of one image depends on the others of its batch."""

from __future__ import annotations

import inspect

import keras

# Keras layers that mix the images of a batch, or that hold other people's code.
ACROSS_OR_UNKNOWN = (
    keras.layers.BatchNormalization,
    keras.layers.Lambda,
    keras.layers.JaxLayer,
    keras.layers.TFSMLayer,
    keras.layers.TorchModuleWrapper,
)


def normalises_batches(network: keras.Model) -> bool:
    """Whether a network has batch normalisation."""
    return any(isinstance(layer, keras.layers.BatchNormalization) for layer in network._flatten_layers())


def scores_each_alone(discriminator: keras.Model) -> bool:
    """Whether a logit is known to depend on one image, or pack, alone: real images and fakes may then form one batch.

    Other people's code may mix the images of a batch: layers, activations, operations that are not layers. A layer, an
    activation or the whole discriminator declares with an attribute `each_image_alone = True` that it does not.
    """
    if (declared := getattr(discriminator, "each_image_alone", None)) is not None:
        return declared
    layers = discriminator._flatten_layers()
    parts = [*layers, *(operation for layer in layers for operation in getattr(layer, "operations", []))]
    parts += [layer.activation for layer in layers if getattr(layer, "activation", None) is not None]
    return all(map(_is_known_alone, parts))


def _is_known_alone(part) -> bool:
    """Whether a layer, an operation or an activation declares, or is known, to process each image alone."""
    if (declared := getattr(part, "each_image_alone", None)) is not None:
        return declared
    if isinstance(part, ACROSS_OR_UNKNOWN) or (isinstance(part, keras.Operation) and not isinstance(part, keras.Layer)):
        return False
    own = part if inspect.isfunction(part) or inspect.isclass(part) else type(part)
    return own.__module__.partition(".")[0] in ("keras", "keras_gen")
