"""The layers of a discriminator whose slope is bounded by its weights: normalised, clipped or left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from keras import layers

from keras_gen.layers import ClipWeights, SelfAttention, SpectralConv2D, SpectralDense


@dataclass(frozen=True)
class BoundedLayers:
    """What to build a discriminator from; each entry is called like the Keras layer of its name."""

    dense: Callable = layers.Dense
    conv2d: Callable = layers.Conv2D
    batch_normalization: Callable = layers.BatchNormalization
    self_attention: Callable = SelfAttention


def bounded_layers(spectral_normalization: bool = False, weight_clip: float | None = None) -> BoundedLayers:
    """The layers that `spectral_normalization` and `weight_clip` ask for.

    Spectral normalisation is for dense layers and convolutions; the clip is for every weight, biases too.

    Args:
        spectral_normalization: whether kernels are divided by their largest singular value.
        weight_clip: float > 0, the largest size of a weight, or None for no limit.

    Raises:
        ValueError: if both are asked for, as clipping W does nothing to W/σ but coarsen it.

    Example:
        >>> bounded_layers(spectral_normalization=True).dense.__name__
        'SpectralDense'
    """
    if spectral_normalization and weight_clip is not None:
        raise ValueError(
            f"expected spectral_normalization or weight_clip, received both (weight_clip={weight_clip}): drop one"
        )
    if spectral_normalization:
        return BoundedLayers(dense=SpectralDense, conv2d=SpectralConv2D)
    if weight_clip is None:
        return BoundedLayers()
    clip = ClipWeights(weight_clip)
    kernel_and_bias = {"kernel_constraint": clip, "bias_constraint": clip}
    return BoundedLayers(
        dense=partial(layers.Dense, **kernel_and_bias),
        conv2d=partial(layers.Conv2D, **kernel_and_bias),
        batch_normalization=partial(layers.BatchNormalization, gamma_constraint=clip, beta_constraint=clip),
        self_attention=partial(SelfAttention, kernel_constraint=clip),
    )
