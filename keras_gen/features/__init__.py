"""Features of images, from networks trained on the user's own images: for the monitor, the score card and losses.

This package imports no model. Distances between features belong to `keras_gen.evaluation`.
"""

from keras_gen.features.contrastive import self_supervised
from keras_gen.features.net import Extracted, FeatureNet
from keras_gen.features.splits import learned_and_held_out, real_sides
from keras_gen.features.supervised import classifier

__all__ = ["Extracted", "FeatureNet", "classifier", "learned_and_held_out", "real_sides", "self_supervised"]
