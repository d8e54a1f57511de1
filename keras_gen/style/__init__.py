"""The look of paintings as distributions, without any network that somebody trained.

`StyleDistance` says how far images are from a painting, `structure` how well they keep a photograph, and
`ColorTransfer` gives them a painting's colours in closed form. What is trained with them belongs to `models`.
"""

from keras_gen.style.colors import THUMBNAIL, ColorTransfer, thumbnails
from keras_gen.style.distances import StyleDistance, quantiles, wasserstein
from keras_gen.style.structure import structure

__all__ = [
    "THUMBNAIL",
    "ColorTransfer",
    "StyleDistance",
    "quantiles",
    "structure",
    "thumbnails",
    "wasserstein",
]
