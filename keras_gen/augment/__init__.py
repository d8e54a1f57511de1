"""Augmentation in front of the discriminator: DiffAugment and ADA.

Real and fake images go through the same random operations before they are scored, in both players' steps, so that
the discriminator cannot memorise a small data set while the generator learns none of the distortions. The game decides
where to call it, and computes the discriminator's logits.
"""

from keras_gen.augment.augmentation import Augmentation
from keras_gen.augment.choice import KINDS, for_pairs, policy_for, suitable
from keras_gen.augment.operations import GEOMETRIC, OPERATIONS, color, cutout, flip, roll, shift, translation

__all__ = [
    "GEOMETRIC",
    "KINDS",
    "OPERATIONS",
    "Augmentation",
    "color",
    "cutout",
    "flip",
    "for_pairs",
    "policy_for",
    "roll",
    "shift",
    "suitable",
    "translation",
]
