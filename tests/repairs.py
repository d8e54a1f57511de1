"""A model that repairs without a network, and pictures and holes for it."""

import numpy as np

SIZE = (16, 24)  # of the stub: swapped axes fail


class Stub:
    """Repairs without a network, each row by itself: holes get the mean of what is known and the seed."""

    def __init__(self, task="inpaint", channels=3, factor=1, size=SIZE, any_size=False, made=None):
        self.task = task
        self.varies = True
        self.any_size = any_size
        self.source_shape = (*size, channels)
        self.image_shape = (factor * size[0], factor * size[1], made or channels)
        self.calls = []

    def fill(self, images, masks, seeds):
        assert self.any_size or images.shape[1:] == self.source_shape
        assert images.dtype == np.uint8
        assert len(images) <= 32
        self.calls.append((images, masks, seeds))
        made = getattr(self, self.task)(images.copy(), masks, seeds)
        assert self.any_size or made.shape[1:] == self.image_shape
        return made

    def inpaint(self, images, masks, seeds):
        for image, mask, seed in zip(images, masks[..., 0] > 0, seeds, strict=True):
            assert not mask.all(), "a crop without anything that is known"
            image[mask] = np.clip(image[~mask].mean(axis=0) + seed % 7, 0, 255)
        return images

    def colorize(self, images, masks, seeds):
        np.testing.assert_array_equal(images[..., 0], images[..., 2])
        return np.clip(images + np.array([60, -20, 5]) + seeds[:, None, None, None] % 7, 0, 255).astype(np.uint8)

    def upscale(self, images, masks, seeds):
        factor = self.image_shape[0] // self.source_shape[0]
        return images.repeat(factor, axis=1).repeat(factor, axis=2)

    def translate(self, images, masks, seeds):
        colours = 255 - images[..., : min(3, self.image_shape[2])]
        missing = self.image_shape[2] - colours.shape[-1]
        return np.concatenate([colours, *[images[..., -1:]] * missing], axis=-1)

    def restore(self, images, masks, seeds):
        return 255 - images


def noise(height, width, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def scratches(height=150, width=210):
    """Thin holes in all directions, some at the border, one across half of the picture."""
    hole = np.zeros((height, width), bool)
    for step in range(110):
        hole[20 + step : 24 + step, 10 + step : 15 + step] = True
    hole[:3, 100:180] = hole[60:140, 205:] = hole[130:134, 20:160] = hole[40, 150] = True
    return hole


def blob(height=150, width=210):
    hole = np.zeros((height, width), bool)
    hole[40:110, 60:150] = True
    return hole
