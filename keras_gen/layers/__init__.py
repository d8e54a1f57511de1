"""Layers and constraints that Keras lacks: spectral normalisation that keeps W, circular padding and more.

They know tensors only. `keras_gen.networks` decides which network uses them.
"""

from keras_gen.layers.attention import SelfAttention
from keras_gen.layers.clipping import ClipWeights, leaky_clip
from keras_gen.layers.consistency import DataConsistency
from keras_gen.layers.extent import WRAPS, CircularPadding2D, CutLike, ReflectToMultiple
from keras_gen.layers.latitude import Latitude
from keras_gen.layers.products import LearnedBasis, RowProducts
from keras_gen.layers.spectral import SpectralConv2D, SpectralDense

__all__ = [
    "WRAPS",
    "CircularPadding2D",
    "ClipWeights",
    "CutLike",
    "DataConsistency",
    "Latitude",
    "LearnedBasis",
    "ReflectToMultiple",
    "RowProducts",
    "SelfAttention",
    "SpectralConv2D",
    "SpectralDense",
    "leaky_clip",
]
