"""Which real images feature nets are trained on, and which are the two sides of a comparison."""

from __future__ import annotations

from keras_gen.data import ImageData, Split


def learned_and_held_out(data: ImageData) -> tuple[Split, Split]:
    """The part of the training split that feature nets are trained on, and the rest: real images to compare with.

    As many are held out as there are test images, but no more than a quarter and no fewer than one.
    """
    return data.train.hold_out(min(0.25, len(data.test) / len(data.train)))


def real_sides(data: ImageData, num: int) -> tuple[Split, Split]:
    """Equally many real images for both sides of a comparison, chosen at random: test images, and those for the floor.

    Args:
        data: the data set.
        num: images on each side, no more than there are.

    Returns:
        (part of the test split, part of what is held out of the training split), two splits of the same length.
    """
    _, held_out = learned_and_held_out(data)
    num = min(num, len(data.test), len(held_out))
    return data.test.some(num), held_out.some(num)
