"""Translation without pairs, in both directions: a game of two generators and two discriminators."""

from __future__ import annotations

import functools

import keras
from keras import ops

from keras_gen import images as pixels
from keras_gen import losses
from keras_gen.inputs import Picture
from keras_gen.models.game import AdversarialModel, Player, optimizers_of
from keras_gen.models.generative import Endpoint
from keras_gen.models.image_to_image import BATCH_SIZE
from keras_gen.models.translator import Translation
from keras_gen.networks import residual

NETWORKS = ("generator", "back", "discriminator", "source_discriminator")


@keras.saving.register_keras_serializable("keras_gen")
class Cycle(Translation, AdversarialModel):
    """Two generators, from pictures to images and back, which should together change nothing.

    Each has a discriminator of what it makes. Beside the content that a `ContrastiveTranslator` keeps it learns the way
    back, for twice the networks.

    `cycle = mean |B(G(x)) − x| + mean |G(B(y)) − y|` is added to the adversarial losses, and with `identity_weight` the
    same of images that should stay as they are: `mean |G(y) − y| + mean |B(x) − x|`.

    Args:
        generator: pictures → images, of one shape; `networks.residual.generator`.
        back: images → pictures, the same.
        discriminator: images → logits.
        source_discriminator: pictures → logits.
        source: the `Picture` that is translated.
        cycle_weight: of the cycle.
        identity_weight: of images that should stay as they are.

    Raises:
        ValueError: for networks of other shapes than the picture's.

    Logs `loss`, `d_loss`, `g_loss`, `cycle`: the mean of the cycle, without its weight.

    Example:
        >>> import numpy as np
        >>> from keras_gen import networks
        >>> shape = (8, 12, 3)
        >>> generator, back = (networks.residual.generator(shape, width=8, blocks=2) for _ in range(2))
        >>> one, other = (networks.patch.discriminator(shape, width=8) for _ in range(2))
        >>> game = Cycle(generator, back, one, other, source=Picture("picture", shape))
        >>> game.compile()
        >>> photos, paintings = np.zeros((6, *shape), "uint8"), np.ones((6, *shape), "uint8")
        >>> history = game.fit({"images": paintings, "picture": photos}, batch_size=3, verbose=0)
        >>> game.translate(photos).shape, game.translate_back(paintings).shape
        ((6, 1, 8, 12, 3), (6, 8, 12, 3))

    Source:
        Zhu et al., Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks (2017), equations 1
        to 3, https://arxiv.org/abs/1703.10593; differs: no buffer of earlier images, networks without normalisation
    """

    log_names = ("d_loss", "g_loss", "cycle")

    def __init__(
        self,
        generator,
        back,
        discriminator,
        source_discriminator,
        *,
        source: Picture,
        cycle_weight=10.0,
        identity_weight=5.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.generator, self.back = generator, back
        self.discriminator, self.source_discriminator = discriminator, source_discriminator
        self._source = source
        self.cycle_weight, self.identity_weight = cycle_weight, identity_weight
        shapes = {name: getattr(self, name).input_shape[1:] for name in NETWORKS}
        if set(shapes.values()) != {source.shape}:
            received = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            raise ValueError(f"expected four networks of pictures {source.shape}, received {received}")
        self.built = True  # all networks are built, which stock callbacks require before the first step

    @property
    def inputs(self):
        return (self._source,)

    @property
    def image_network(self):
        return self.generator

    @property
    def players(self):
        return (
            Player("discriminator", (self.discriminator, self.source_discriminator), self._discriminator_objective),
            Player("generator", (self.generator, self.back), self._generator_objective),
        )

    def compile(  # type: ignore[override]  # the players by name instead of a dict
        self,
        generator_optimizer=None,
        discriminator_optimizer=None,
        loss="least_squares",
        hyperparameters=None,
        **kwargs,
    ):
        """Configures the game.

        Args:
            generator_optimizer: Keras optimizer or its name, of both generators; Adam(2e-4) by default.
            discriminator_optimizer: the same, of both discriminators.
            loss: a loss pair or its name, see `keras_gen.losses`.
            hyperparameters: as of `AdversarialModel.compile`.
            **kwargs: `run_eagerly`, `steps_per_execution`, `jit_compile` as in `keras.Model.compile`.
        """
        self.loss_pair = losses.get(loss)
        optimizers = optimizers_of(generator_optimizer, discriminator_optimizer)
        super().compile(optimizers, hyperparameters=hyperparameters, **kwargs)
        self._compile_arguments = {
            **{f"{player}_optimizer": optimizer for player, optimizer in optimizers.items()},
            "loss": self.loss_pair,
            "hyperparameters": hyperparameters,
            **kwargs,
        }

    def call(self, inputs, training=False):
        return self.generator(inputs, training=training)

    def translate_back(self, images, batch_size: int = BATCH_SIZE):
        """Makes pictures of images, the other way.

        Args:
            images: uint8 (n, *image_shape); of any height and width, if the source has `any_size`.
            batch_size: images at a time.

        Returns:
            uint8 (n, *source_shape), or of the height and width of the images.
        """
        return pixels.in_batches(self._translated_back, images, batch_size=batch_size)

    @functools.cached_property
    def _back_of_any_size(self) -> keras.Model:
        return residual.of_any_size(self.back)

    def _translated_back(self, images):
        back = self._back_of_any_size if self.any_size else self.back
        return pixels.to_uint8(back(pixels.to_float(images), training=False))

    def endpoints(self, discriminator: bool = False):
        """As of `Generative`, with `translate_back`, the other way."""

        def translate_back(images):
            return {"images": self._translated_back(images)}

        return {
            **super().endpoints(discriminator),
            "translate_back": Endpoint(translate_back, {"images": self._source.row}),
        }

    def _directions(self, batch):
        """For each direction: its generator, the way back, its discriminator, what it translates, and what it makes."""
        images, pictures = batch["images"], batch[self._source.name]
        there = self.generator, self.back, self.discriminator, pictures, images
        return there, (self.back, self.generator, self.source_discriminator, images, pictures)

    def _discriminator_objective(self, batch):
        loss = ops.zeros(())
        for there, _, discriminator, given, real in self._directions(batch):
            fakes = ops.stop_gradient(there(given, training=True))
            loss += self.loss_pair.discriminator_loss(*(discriminator(each, training=True) for each in (real, fakes)))
        return loss, {"d_loss": loss}

    def _generator_objective(self, batch):
        adversarial, cycle, identity = ops.zeros(()), ops.zeros(()), ops.zeros(())
        for there, back, discriminator, given, real in self._directions(batch):
            fakes = there(given, training=True)
            real_logits = discriminator(real, training=True)
            adversarial += self.loss_pair.generator_loss(real_logits, discriminator(fakes, training=True))
            cycle += ops.mean(ops.abs(back(fakes, training=True) - given))
            if self.identity_weight:
                identity += ops.mean(ops.abs(there(real, training=True) - real))
        loss = adversarial + self.cycle_weight * cycle + self.identity_weight * identity
        return loss, {"g_loss": adversarial, "cycle": cycle}

    def get_config(self):
        parts = {**{name: getattr(self, name) for name in NETWORKS}, "source": self._source}
        weights = {"cycle_weight": self.cycle_weight, "identity_weight": self.identity_weight}
        return {**super().get_config(), **keras.saving.serialize_keras_object(parts), **weights}

    @classmethod
    def from_config(cls, config):
        return cls(**keras.saving.deserialize_keras_object(config))
