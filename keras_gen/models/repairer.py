"""Repair: a GAN whose generator makes what is missing or damaged in a picture."""

from __future__ import annotations

import keras
import numpy as np

from keras_gen.conditional_mean import ConditionalMean
from keras_gen.inputs import Mask, Picture
from keras_gen.linear_prediction import LinearPrediction
from keras_gen.models.gan import GAN
from keras_gen.models.image_to_image import ImageToImage

TASKS = ("inpaint", "colorize", "upscale", "restore")
MAX_ADAPTED = 4_000  # images from which closed forms are computed


@keras.saving.register_keras_serializable("keras_gen")
class Repairer(ImageToImage, GAN):
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
        >>> import numpy as np
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
    best_by = "mean_l1"

    repair = ImageToImage.answer
    """Repairs pictures: `answer` by its own name. Known pixels are those of the pictures."""

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

    def get_config(self):
        return {**super().get_config(), "task": self.task}
