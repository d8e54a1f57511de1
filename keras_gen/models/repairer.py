"""Repair: a GAN whose generator makes what is missing or damaged in a picture."""

from __future__ import annotations

import keras
import numpy as np

from keras_gen import images as pixels
from keras_gen.conditional_mean import ConditionalMean
from keras_gen.inputs import Mask, Picture
from keras_gen.linear_prediction import LinearPrediction
from keras_gen.masks import damaged
from keras_gen.models.gan import GAN

TASKS = ("inpaint", "colorize", "upscale", "restore")
MAX_ADAPTED = 4_000  # images from which closed forms are computed
BATCH_SIZE = 64  # pictures that are repaired at a time
NUM_SHOWN, MAX_SHOWN_COLUMNS = 3, 16  # proposals below each other, pictures beside each other


@keras.saving.register_keras_serializable("keras_gen")
class Repairer(GAN):
    """A GAN that makes images from damaged pictures: it fills holes, colours, enlarges or restores.

    It needs no pairs: pictures are made from the images by a corruption in each step, and holes are drawn. Several
    proposals for one picture differ by their latents. `networks.unet` keeps what the picture says about the image, such
    as known pixels next to a hole.

    Args:
        generator: Functional model, [latents, conditions if any, picture, mask if any] → images.
        discriminator: as of `GAN`.
        task: what it does, a name in `TASKS`, which commands and servers use.
        **options: as of `GAN`; `inputs` are a `Picture`, and a `Mask` where there are holes.

    Raises:
        ValueError: as `GAN`, for another task, and without a picture or latents.

    Example:
        >>> from keras_gen import networks
        >>> shape = (8, 12, 3)
        >>> gan = Repairer(
        ...     networks.unet.generator(shape, latent_dim=4, masked=True, width=8),
        ...     networks.conv.discriminator(shape, mask_channels=1, width=8),
        ...     inputs=[Picture("picture", shape, corruption="identity", to_discriminator=False),
        ...             Mask("mask", shape[:2], is_drawn=True)],
        ... )
        >>> images = np.zeros((6, *shape), "uint8")
        >>> gan.adapt(images)
        >>> gan.compile(loss="relativistic", penalties=["r1", "r2"], terms=["posterior"])
        >>> history = gan.fit(images, batch_size=3, verbose=0)
        >>> damaged, hole = np.zeros((2, *shape), "uint8"), np.ones((2, 8, 12, 1), "uint8")
        >>> gan.repair(damaged, hole, num=5).shape
        (2, 5, 8, 12, 3)
    """

    def __init__(self, generator, discriminator, *, task="inpaint", **options):
        super().__init__(generator, discriminator, **options)
        if task not in TASKS:
            raise ValueError(f"expected a task among {', '.join(TASKS)}, received {task!r}")
        pictures = [each for each in self.inputs if isinstance(each, Picture) and not isinstance(each, Mask)]
        if self.latent_input is None or not pictures:
            names = ", ".join(each.name for each in self.inputs)
            raise ValueError(f"expected latents and a picture among the inputs, received {names}")
        self.task = task

    repairs = True

    @property
    def verb(self) -> str:  # type: ignore[override]  # by its task
        return self.task

    @property
    def request_names(self) -> dict[str, str]:
        """As of `Generative`; the picture and the mask have the names that clients expect: `images` and `masks`."""
        names = {self.source.name: "images", **({self.mask.name: "masks"} if self.mask else {})}
        return {**super().request_names, **names}

    def rows_of(self, inputs):
        """As of `Generative`, by our own names: in other formats no input may have the name of the output, `images`."""
        return {each.name: each.row for each in inputs}

    @property
    def source(self) -> Picture:
        """The input that is repaired."""
        return next(each for each in self.inputs if isinstance(each, Picture) and not isinstance(each, Mask))

    @property
    def mask(self) -> Mask | None:
        """The input that says where the holes are, or None."""
        return next((each for each in self.inputs if isinstance(each, Mask)), None)

    @property
    def source_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the pictures."""
        height, width, channels = self.source.shape
        return height, width, channels

    def adapt(self, images) -> None:
        """Prepares what the generator predicts in closed form: once, before training.

        Args:
            images: training images, uint8 (n, height, width, channels), in memory or on disk.
        """
        some = images.take(np.sort(np.random.default_rng(0).permutation(len(images))[:MAX_ADAPTED]), axis=0)[:]
        for layer in self.generator.layers:
            if isinstance(layer, ConditionalMean):
                layer.adapt(some)
            elif isinstance(layer, LinearPrediction):
                layer.adapt(self.source.made_of(some), some)
            else:
                continue
            if self.ema_generator is not None:
                self.ema_generator.get_layer(layer.name).set_weights(layer.get_weights())

    def repair(
        self,
        pictures: np.ndarray,
        masks: np.ndarray | None = None,
        num: int = 1,
        seed: int = 0,
        where: dict | None = None,
        batch_size: int = BATCH_SIZE,
    ) -> np.ndarray:
        """Repairs pictures.

        Args:
            pictures: uint8 (n, *source_shape).
            masks: uint8 (n, height, width, 1), or one for all, nonzero in the hole; for a model that takes them.
            num: proposals for each picture.
            seed: of the latents, and of conditions that are not requested: the same for each picture.
            where: as of `sample`, for a model with conditions.
            batch_size: pictures that are repaired at a time.

        Returns:
            uint8 (n, num, height, width, channels). Known pixels are those of the pictures.

        Raises:
            ValueError: for pictures or masks of another shape, or masks that are missing or not expected.
        """
        given = {self.source.name: pictures}
        if (masks is None) != (self.mask is None):
            expected = "masks" if self.mask else "no masks"
            raise ValueError(f"expected {expected}: this {self.family} learned to {self.task}")
        if self.mask is not None and masks is not None:
            given[self.mask.name] = masks
        rows = {
            each.name: each.rows(len(pictures), seed, given=given[each.name])
            for each in self.inputs
            if each.name in given
        }
        drawn = self.draw(num, seed, where, given={name: column[:1] for name, column in rows.items()})

        def row_of(each, own):
            """The rows of an input: given for each picture, or the same for all, so that each is repaired by itself."""
            return rows.get(each.name, np.repeat(own[None], len(pictures), axis=0))

        proposals = [
            self.decode(*map(row_of, self.inputs, own), batch_size=batch_size) for own in zip(*drawn, strict=True)
        ]
        return np.stack(proposals, axis=1)

    def picture(self, num=64, seed=0, given=None):
        """Pictures, those with holes again with grey in them, and below each of them three proposals.

        Args:
            num: pictures, at most.
            seed: of the latents.
            given: as of `sample`; masks are drawn where none are given.

        Returns:
            uint8 array (height, width, channels).
        """
        given = {name: np.asarray(column[:num]) for name, column in (given or {}).items()}
        num = min([num, *map(len, given.values())])
        pictures = self.source.rows(num, seed, given=given.get(self.source.name))
        shown: list[np.ndarray] = [pictures]
        masks = None
        if self.mask is not None:
            masks = self.mask.rows(len(pictures), seed, given=given.get(self.mask.name))
            shown.append(damaged(pictures, masks))
        proposals = self.repair(pictures, masks, NUM_SHOWN, seed)
        shown = [pixels.match_shape(each, self.image_shape) for each in shown]
        return pixels.stacks(*shown, *np.moveaxis(proposals, 1, 0), columns=min(len(pictures), MAX_SHOWN_COLUMNS))

    def get_config(self):
        return {**super().get_config(), "task": self.task}
