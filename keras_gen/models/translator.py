"""Translation: a GAN whose generator turns pictures of one kind into another, learned from pairs."""

from __future__ import annotations

import functools

import keras
import numpy as np

from keras_gen.augment import GEOMETRIC, Augmentation
from keras_gen.models.gan import GAN
from keras_gen.models.image_to_image import BATCH_SIZE, ImageToImage
from keras_gen.networks import residual


class Translation(ImageToImage):
    """The side of a model that translates pictures, whatever it has learned that from."""

    task = "translate"
    translates = True
    family = "translator"  # whatever the class

    def translate(
        self,
        pictures: np.ndarray,
        num: int = 1,
        seed: int = 0,
        where: dict | None = None,
        batch_size: int = BATCH_SIZE,
    ) -> np.ndarray:
        """Translates pictures.

        Args:
            pictures: uint8 (n, *source_shape); of any height and width, if the source has `any_size`.
            num: translations of each picture, which differ by their latents.
            seed: of the latents, the same for each picture.
            where: as of `sample`, for a model with conditions.
            batch_size: pictures at a time.

        Returns:
            uint8 (n, num, height, width, channels).

        Raises:
            ValueError: for pictures of another shape, and for several translations by a model without latents.
        """
        if num > 1 and self.latent_input is None:
            raise ValueError(f"expected num=1, received {num}: this {self.family} has one answer for each picture")
        return self.answer(pictures, None, num, seed, where, batch_size)

    @functools.cached_property
    def _of_any_size(self) -> keras.Model:
        return residual.of_any_size(self.image_network)

    def render_tensors(self, *tensors):
        """As of `Generative`; pictures of any size, where the source allows that."""
        if not self.any_size:
            return super().render_tensors(*tensors)
        return self._of_any_size(tensors[0], training=False)


@keras.saving.register_keras_serializable("keras_gen")
class Translator(Translation, GAN):
    """A GAN that turns pictures of one kind into another, learned from pairs of them.

    The discriminator sees the picture beside the image, real or made, so an image must be right for its picture. A term
    compares with the real one: `terms.L1`, or `terms.Posterior` where the picture leaves something open and several
    translations should differ.

    Few pairs are soon learned by heart. A `pair_augmentation` moves both sides of a pair alike before anything else
    happens in the step, so each epoch sees others.

    Args:
        generator: Functional model, [latents if any, conditions if any, picture] → images, such as `networks.unet`.
        discriminator: as of `GAN`.
        pair_augmentation: a `keras_gen.augment.Augmentation` of operations in `augment.GEOMETRIC`, such as
            `augment.for_pairs` makes, or None.
        **options: as of `GAN`; `inputs` are a `Picture`, a column of the data.

    Raises:
        ValueError: as `GAN`, without a picture, and for a `pair_augmentation` of colours, or of pictures that do not
            have the height and width of the images.

    Example:
        >>> from keras_gen import networks
        >>> from keras_gen.inputs import Picture
        >>> gan = Translator(
        ...     networks.unet.generator((8, 12, 4), latent_dim=4, source_shape=(8, 12, 1), width=8),
        ...     networks.conv.discriminator((8, 12, 4), mask_channels=1, width=8),
        ...     inputs=[Picture("picture", (8, 12, 1))],
        ... )
        >>> gan.compile(loss="relativistic", penalties=["r1", "r2"], terms=["l1"])
        >>> photos, drawings = np.zeros((6, 8, 12, 1), "uint8"), np.zeros((6, 8, 12, 4), "uint8")
        >>> history = gan.fit({"images": drawings, "picture": photos}, batch_size=3, verbose=0)
        >>> gan.translate(photos[:2]).shape
        (2, 1, 8, 12, 4)

    Source:
        Isola et al., Image-to-Image Translation with Conditional Adversarial Networks (2017),
        https://arxiv.org/abs/1611.07004; differs: the game of the preset `fast`, and latents in place of dropout
    """

    best_by = "mean_l1"

    def __init__(self, generator, discriminator, *, pair_augmentation: Augmentation | None = None, **options):
        super().__init__(generator, discriminator, **options)
        check_source(self)
        self.pair_augmentation = pair_augmentation
        if pair_augmentation is None:
            return
        if others := set(pair_augmentation.policy) - set(GEOMETRIC):
            raise ValueError(
                f"expected a pair_augmentation of {', '.join(GEOMETRIC)}, received {', '.join(sorted(others))}: an "
                "image must still be what its picture becomes"
            )
        if self.source_shape[:2] != self.image_shape[:2]:
            raise ValueError(
                f"expected pictures of the size of the images with a pair_augmentation, which moves both by as many "
                f"pixels, received {self.source_shape} and {self.image_shape}"
            )

    def prepare(self, data):
        batch = super().prepare(data)
        if self.pair_augmentation is None:
            return batch
        names = ["images", *(each.name for each in self.inputs if each.is_spatial)]
        moved = self.pair_augmentation(*(batch[name] for name in names))
        return {**batch, **dict(zip(names, moved, strict=True))}

    def get_config(self):
        own = {"pair_augmentation": keras.saving.serialize_keras_object(self.pair_augmentation)}
        return {**super().get_config(), **own}


def check_source(model: ImageToImage) -> None:
    """Refuses a model without a picture to answer.

    Raises:
        ValueError: with the names of its inputs.
    """
    if not any(each.is_spatial for each in model.inputs):
        names = ", ".join(each.name for each in model.inputs) or "none"
        raise ValueError(f"expected a picture among the inputs, received {names}")
