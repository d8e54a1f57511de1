"""Generative adversarial networks: a generator that makes images from latents, a discriminator that judges them."""

from __future__ import annotations

import keras
import numpy as np

from keras_gen import images, latents, losses
from keras_gen.adversarial import AdversarialModel, Player


@keras.saving.register_keras_serializable("keras_gen")
class GAN(AdversarialModel):
    """A generator and a discriminator in the game of Goodfellow et al., trained by the stock `fit`.

    In each round the discriminator takes a step to tell real images from fakes, then the generator takes a step, on
    fresh latents, to have its fakes taken for real.

    Args:
        generator: Functional model, latents (batch, latent_dim) → images (batch, height, width, channels) in [-1, 1].
        discriminator: model, images → logits of any shape, higher = more real, no sigmoid.
        seed: int, the source of all latents drawn in training.

    Call arguments:
        latents: float tensor (batch, latent_dim), standard normal.

    Call returns:
        float32 images (batch, height, width, channels) in [-1, 1].

    Raises:
        ValueError: if the generator's images do not fit the discriminator, or a network does not know its input shape.

    Logs `loss`, `d_loss`, `g_loss`, and `real_logit` and `fake_logit`, the discriminator's mean verdict on each side.

    Example:
        >>> from keras_gen import networks
        >>> generator = networks.mlp.generator((8, 12, 3), latent_dim=4, widths=(16,))
        >>> gan = GAN(generator, networks.mlp.discriminator((8, 12, 3), widths=(16,)), seed=0)
        >>> gan.compile(loss="non_saturating")
        >>> history = gan.fit(np.zeros((6, 8, 12, 3), "uint8"), batch_size=3, verbose=0)
        >>> gan.sample(5, seed=1).shape
        (5, 8, 12, 3)

    Source:
        Goodfellow et al., Generative Adversarial Nets (2014), https://arxiv.org/abs/1406.2661
    """

    log_names = ("d_loss", "g_loss", "real_logit", "fake_logit")

    def __init__(self, generator, discriminator, *, seed=0, **kwargs):
        super().__init__(**kwargs)
        for role, network in (("generator", generator), ("discriminator", discriminator)):
            if not network.built:
                raise ValueError(f"expected a {role} that knows its input shape: begin it with keras.Input(…)")
        if generator.output_shape[1:] != discriminator.input_shape[1:]:
            raise ValueError(
                f"expected a discriminator of the generator's images {generator.output_shape[1:]}, "
                f"received one of {discriminator.input_shape[1:]}"
            )
        self.generator = generator
        self.discriminator = discriminator
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True  # both networks come built, which stock callbacks ask for before the first step

    @property
    def latent_dim(self) -> int:
        """Numbers per latent."""
        return self.generator.input_shape[-1]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the images."""
        return self.generator.output_shape[1:]

    @property
    def players(self) -> tuple[Player, ...]:
        """The discriminator moves first."""
        return (
            Player("discriminator", (self.discriminator,), self._discriminator_objective),
            Player("generator", (self.generator,), self._generator_objective),
        )

    def compile(  # type: ignore[override]  # the players by name instead of a dict
        self, generator_optimizer=None, discriminator_optimizer=None, loss="non_saturating", **kwargs
    ):
        """Configures the game.

        Args:
            generator_optimizer: Keras optimizer or its name; Adam(2e-4) by default.
            discriminator_optimizer: Keras optimizer or its name; Adam(2e-4) by default.
            loss: a loss pair or its name, see `keras_gen.losses`.
            **kwargs: `run_eagerly`, `steps_per_execution`, `jit_compile` as in `keras.Model.compile`.
        """
        self.loss_pair = losses.get(loss)
        optimizers = {
            player: keras.optimizers.get(optimizer or keras.optimizers.Adam(2e-4))
            for player, optimizer in (("generator", generator_optimizer), ("discriminator", discriminator_optimizer))
        }
        super().compile(optimizers, **kwargs)
        self._compile_arguments = {
            "generator_optimizer": optimizers["generator"],
            "discriminator_optimizer": optimizers["discriminator"],
            "loss": self.loss_pair,
            **kwargs,
        }

    def call(self, latents, training=False):
        return self.generator(latents, training=training)

    def _discriminator_objective(self, real_images):
        fake_images = keras.ops.stop_gradient(self._fake_images(real_images))  # or PyTorch records how they were made
        real_logits = self._judge(real_images)
        fake_logits = self._judge(fake_images)
        loss = self.loss_pair.discriminator_loss(real_logits, fake_logits)
        verdicts = {"real_logit": keras.ops.mean(real_logits), "fake_logit": keras.ops.mean(fake_logits)}
        return loss, {"d_loss": loss, **verdicts}

    def _generator_objective(self, real_images):
        fake_logits = self._judge(self._fake_images(real_images))
        # Only relativistic pairs read the real logits; for the others the compiled step drops this pass.
        real_logits = self._judge(real_images)
        loss = self.loss_pair.generator_loss(real_logits, fake_logits)
        return loss, {"g_loss": loss}

    def _judge(self, images):
        # Losses are taken in float32 whatever the network computes in.
        return keras.ops.cast(self.discriminator(images, training=True), "float32")

    def _fake_images(self, real_images):
        shape = (keras.ops.shape(real_images)[0], self.latent_dim)
        return self.generator(keras.random.normal(shape, seed=self.seed_generator), training=True)

    def sample(self, num: int, seed: int = 0, batch_size: int = 256) -> np.ndarray:
        """Makes new images.

        Args:
            num: number of images.
            seed: the same seed gives the same latents, on every backend.
            batch_size: images made at a time.

        Returns:
            uint8 array (num, height, width, channels).
        """
        return self.decode(latents.normal(num, self.latent_dim, seed), batch_size)

    def decode(self, latents: np.ndarray, batch_size: int = 256) -> np.ndarray:
        """The images of latents.

        Args:
            latents: float array (n, latent_dim).
            batch_size: latents decoded at a time.

        Returns:
            uint8 array (n, height, width, channels).
        """
        return images.in_batches(lambda batch: images.to_uint8(self(batch)), latents, batch_size)

    def get_config(self):
        networks = {"generator": self.generator, "discriminator": self.discriminator}
        return {**super().get_config(), **keras.saving.serialize_keras_object(networks), "seed": self.seed}

    @classmethod
    def from_config(cls, config):
        return cls(**keras.saving.deserialize_keras_object(config))
