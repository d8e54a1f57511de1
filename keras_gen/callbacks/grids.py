"""Pictures of what a model makes during training, each time from the same latents or the same images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from keras_gen import images
from keras_gen.callbacks.events import EventWriter
from keras_gen.callbacks.resuming import Resumable


class _Grid(Resumable):
    """Draws `self._images()`, which subclasses define, before training, every few epochs and at the end."""

    tag: str

    def __init__(self, directory, every, tensorboard):
        super().__init__()
        if every < 1:
            raise ValueError(f"expected `every` as a number of epochs of at least 1, received {every}")
        self.directory = Path(directory)
        self.every = every
        self.tensorboard = tensorboard
        self.latest: Path | None = None

    def begin(self, state):
        self._writer = EventWriter(self.tensorboard, state.get("place")) if self.tensorboard else None
        self.latest = None
        if not state:
            self._draw()

    def state(self):
        return {"place": self._writer.place if self._writer else None}

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0:
            self._draw()

    def on_train_end(self, logs=None):
        self._draw()
        if self._writer:
            self._writer.close()

    def _draw(self):
        step = int(self.model.optimizer.iterations)
        path, grid = self.directory / f"step_{step:07d}.png", self._images()
        # At the end the last epoch's grid would be drawn again, unless another callback has restored better weights.
        if path == self.latest and path.read_bytes() == images.png_bytes(grid):
            return
        self.latest = images.save_png(path, grid)
        if self._writer:
            self._writer.add_image(self.tag, grid, path.read_bytes(), step)


class SampleGrid(_Grid):
    """Saves a grid of generated images, from the same latents each time, as `step_<number>.png`.

    Written before training, every `every` epochs and at the end, with fixed scaling: only the model changes between
    two pictures. See `Generative.picture`.

    Args:
        directory: folder of the PNG files; made when missing.
        num: images in the grid, see `Generative.picture`.
        every: epochs between two grids.
        seed: of the latents.
        tensorboard: folder for TensorBoard images, or None.
        given: pictures and masks by name, for a model that takes them; `model.given_of(split)` returns them.

    Example:
        `gan.fit(images, callbacks=[SampleGrid("samples", num=16)])`
    """

    tag = "samples"

    def __init__(self, directory, num=64, every=1, seed=0, tensorboard=None, given=None):
        super().__init__(directory, every, tensorboard)
        self.num = num
        self.seed = seed
        self.given = given

    def _images(self):
        return self.model.picture(self.num, self.seed, given=self.given)


class ReconstructionGrid(_Grid):
    """Saves images and, below each, its reconstruction, as `step_<number>.png`.

    Written before training, every `every` epochs and at the end.

    Args:
        directory: folder of the PNG files; made when missing.
        originals: uint8 images (n, height, width, channels), preferably images that the model is not trained on.
        conditions: rows (n, conditions.width) for these, for a conditional model.
        every: epochs between two grids.
        tensorboard: folder for TensorBoard images, or None.
        given: the other inputs for the originals, by name; `model.given_of(split, drawn_too=True)` returns them.

    Example:
        `autoencoder.fit(images, callbacks=[ReconstructionGrid("samples", test_images[:10])])`
    """

    tag = "reconstructions"

    def __init__(self, directory, originals, conditions=None, every=1, tensorboard=None, given=None):
        super().__init__(directory, every, tensorboard)
        self.originals = np.asarray(originals)
        self.conditions = conditions
        self.given = given

    def _images(self):
        reconstructions = self.model.reconstruct(self.originals, self.conditions, given=self.given)
        return images.stacks(self.originals, reconstructions)
