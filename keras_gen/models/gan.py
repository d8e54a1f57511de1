"""Generative adversarial networks: a generator that makes images from latents, a discriminator that scores them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import keras
from keras import ops

from keras_gen import images as pixels
from keras_gen import layers as _layers  # noqa: F401  registers the layers of saved networks
from keras_gen import losses, schedules
from keras_gen import penalties as gradient_penalties
from keras_gen import terms as generator_terms
from keras_gen.augment import Augmentation
from keras_gen.inputs import Conditions, Input, Noise, Request, check_names
from keras_gen.models.activations import check_images, check_logits
from keras_gen.models.batch_dependence import normalises_batches, scores_each_alone
from keras_gen.models.game import AdversarialModel, Player, optimizers_of, part
from keras_gen.models.generative import Endpoint, Generative

# The half-life of a round's weights in the average, as a share of the rounds so far.
EMA_HALF_LIFE = 0.1


@keras.saving.register_keras_serializable("keras_gen")
class GAN(Generative, AdversarialModel):
    """A generator and a discriminator in the game of Goodfellow et al., trained by the stock `fit`.

    In each round the discriminator takes its steps to distinguish real images from fakes, then the generator takes one,
    on new latents, to have its fakes classified as real. With `ema_decay`, images are sampled, scored and exported
    with the average of the generator's weights.

    With `conditions` it learns to make what is requested: fakes are made for the conditions of the real images in the
    batch, and both networks get these. `fit` takes them as the second part of its data: rows as `conditions.encode`
    makes them, or plain integer labels for a schema with a single categorical attribute; -1 is a missing label.

    With further `inputs`, such as a `Picture`, it makes images from these. `fit` takes a dict of columns,
    `{"images": …, "source": …}`, in which conditions have the name "conditions" or the names of their attributes, and
    `sample` takes what it cannot draw as `given`. Without noise among the generator's inputs each picture has one
    answer.

    Args:
        generator: Functional model, latents (batch, latent_dim) → images (batch, height, width, channels) in [-1, 1];
            with conditions, [latents, conditions (batch, conditions.width)] → images; further inputs come last.
        discriminator: model, images → logits of any shape, higher = more real, no sigmoid; with conditions and inputs,
            [images, conditions, …] → logits, for those that are `to_discriminator`.
        conditions: a `keras_gen.inputs.Conditions` schema, or None.
        inputs: further inputs in the order in which the networks take them, see `keras_gen.inputs`. Noise need not be
            among them: a generator with one input more than these begins with it.
        augmentation: a `keras_gen.augment.Augmentation`, applied alike to all that the discriminator gets, or None.
        pack_size: images that the discriminator scores together, stacked along the channels: its input has
            pack_size · channels (and its conditions pack_size · width) of them. It then detects a generator that
            repeats itself sooner (PacGAN).
        discriminator_steps: the discriminator's steps in each round; the batch of `fit` is divided among them.
        ema_decay: share of the average that is kept in each round, in (0, 1), or None for no average. Early on less
            is kept, so that the half-life is never more than 10 % of the rounds so far.
        seed: int, for all latents drawn in training.

    Call arguments:
        latents: float tensor (batch, latent_dim), standard normal; with conditions, [latents, conditions].

    Call returns:
        float32 images (batch, height, width, channels) in [-1, 1].

    Raises:
        ValueError: if the networks do not fit each other, the conditions or `pack_size`, a network does not know its
            input shape, or a number is out of its range.

    Logs `loss`, `d_loss`, `g_loss`, `penalty` (the weighted sum of all), `real_logit` and `fake_logit`, the
    discriminator's mean logit on each side; with terms, `term` (the weighted sum of all).

    Example:
        >>> import numpy as np
        >>> from keras_gen import networks
        >>> generator = networks.mlp.generator((8, 12, 3), latent_dim=4, widths=(16,))
        >>> gan = GAN(generator, networks.mlp.discriminator((8, 12, 3), widths=(16,)), ema_decay=0.99, seed=0)
        >>> gan.compile(loss="relativistic", penalties=["r1", "r2"])
        >>> history = gan.fit(np.zeros((6, 8, 12, 3), "uint8"), batch_size=3, verbose=0)
        >>> gan.sample(5, seed=1).shape
        (5, 8, 12, 3)

    Source:
        Goodfellow et al., Generative Adversarial Nets (2014), https://arxiv.org/abs/1406.2661; conditions: Mirza and
        Osindero (2014), https://arxiv.org/abs/1411.1784; packing: Lin et al., PacGAN (2018),
        https://arxiv.org/abs/1712.04086; average: Karras et al. (2018), https://arxiv.org/abs/1710.10196
    """

    penalties: tuple[gradient_penalties.Penalty, ...] = ()
    terms: tuple[generator_terms.Term, ...] = ()

    def __init__(
        self,
        generator,
        discriminator,
        *,
        conditions: Conditions | None = None,
        inputs: Sequence[Input] = (),
        augmentation: Augmentation | None = None,
        pack_size=1,
        discriminator_steps=1,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._declared = _with_noise(generator, [each for each in (conditions, *inputs) if each is not None])
        _check(generator, discriminator, self._declared, pack_size)
        if discriminator_steps < 1:
            raise ValueError(f"expected discriminator_steps of at least 1, received {discriminator_steps}")
        if ema_decay is not None and not 0 < ema_decay < 1:
            raise ValueError(f"expected an ema_decay between 0 and 1 or None, received {ema_decay}")
        self.generator = generator
        self.discriminator = discriminator
        self.augmentation = augmentation
        self.pack_size = pack_size
        self.discriminator_steps = discriminator_steps
        self.ema_decay = ema_decay
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.ema_generator = None if ema_decay is None else _copy(generator)
        self.built = True  # both networks are built, which stock callbacks require before the first step

    @property
    def inputs(self) -> tuple[Input, ...]:
        return self._declared

    @property
    def log_names(self) -> tuple[str, ...]:  # type: ignore[override]  # by what it was compiled with
        return ("d_loss", "g_loss", "penalty", *(["term"] if self.terms else []), "real_logit", "fake_logit")

    @property
    def takes_penalties(self) -> bool:  # type: ignore[override]  # by its discriminator
        """False where the discriminator normalises batches: its slope at one image depends on the others."""
        return not normalises_batches(self.discriminator)

    @property
    def served_generator(self) -> keras.Model:
        """The generator whose images are sampled, scored and exported: the averaged one where there is one."""
        return self.generator if self.ema_generator is None else self.ema_generator

    @property
    def players(self) -> tuple[Player, ...]:
        """The discriminator moves first."""
        return (
            Player(
                "discriminator", (self.discriminator,), self._discriminator_objective, steps=self.discriminator_steps
            ),
            Player("generator", (self.generator,), self._generator_objective),
        )

    def compile(  # type: ignore[override]  # the players by name instead of a dict
        self,
        generator_optimizer=None,
        discriminator_optimizer=None,
        loss="non_saturating",
        penalties=(),
        terms=(),
        hyperparameters=None,
        **kwargs,
    ):
        """Configures the game.

        Args:
            generator_optimizer: Keras optimizer or its name; Adam(2e-4) by default.
            discriminator_optimizer: Keras optimizer or its name; Adam(2e-4) by default.
            loss: a loss pair or its name, see `keras_gen.losses`.
            penalties: penalties or their names, see `keras_gen.penalties`; all are added to the discriminator's loss.
            terms: terms or their names, see `keras_gen.terms`; all are added to the generator's loss.
            hyperparameters: dict such as `{"learning_rate": schedules.Linear(1e-3, 0)}`, see
                `AdversarialModel.compile`.
            **kwargs: `run_eagerly`, `steps_per_execution`, `jit_compile` as in `keras.Model.compile`.

        Raises:
            TypeError: for one optimizer for both.
        """
        if "optimizer" in kwargs:
            raise TypeError("expected generator_optimizer and discriminator_optimizer, one each, received optimizer")
        self.loss_pair = losses.get(loss)
        self.penalties = tuple(map(gradient_penalties.get, _listed(penalties)))
        self.terms = tuple(map(generator_terms.get, _listed(terms)))
        slopes = {place for each in self.penalties for place in each.slope_at}
        self._one_pass = {"real", "fake"} <= slopes and scores_each_alone(self.discriminator)
        if self.penalties and not self.takes_penalties:
            warnings.warn(
                "penalties on a discriminator with batch normalisation: its slope at one image depends on the others "
                "of the batch, so the penalty does not bound it. Build it without, or with layer normalisation.",
                stacklevel=2,
            )
        optimizers = optimizers_of(generator_optimizer, discriminator_optimizer)
        super().compile(optimizers, hyperparameters=hyperparameters, **kwargs)
        self._compile_arguments = {
            **{f"{player}_optimizer": optimizer for player, optimizer in optimizers.items()},
            "loss": self.loss_pair,
            "penalties": list(self.penalties),
            "terms": list(self.terms),
            "hyperparameters": hyperparameters,
            **kwargs,
        }

    def call(self, inputs, training=False):
        return self.served_generator(inputs, training=training)

    @property
    def facts(self):
        return {"averaged_weights": self.ema_generator is not None}

    @property
    def image_network(self):
        return self.served_generator

    def _discriminator_objective(self, batch):
        fake_images = ops.stop_gradient(self._fakes(batch))  # otherwise PyTorch records how they were made
        critic, real_images, fake_images = self._critic(batch, fake_images)
        # Penalties first: the logits that come with a slope are used again below.
        penalty = self._weighted(
            (each, each(critic, real_images, fake_images, self.seed_generator)) for each in self.penalties
        )
        real_logits, fake_logits = critic(real_images), critic(fake_images)
        loss = self.loss_pair.discriminator_loss(real_logits, fake_logits)
        if self.augmentation is not None and self.augmentation.target is not None:
            # Half-way between both sides, since the logits of a relativistic loss or a critic have no natural zero.
            boundary = (ops.mean(real_logits) + ops.mean(fake_logits)) / 2
            num_images = ops.shape(real_images)[0] * self.pack_size
            self.augmentation.adapt(ops.mean(ops.sign(real_logits - boundary)), num_images)
        sides = {"real_logit": ops.mean(real_logits), "fake_logit": ops.mean(fake_logits)}
        return loss + penalty, {"d_loss": loss, "penalty": penalty, **sides}

    def _generator_objective(self, batch):
        fakes = self._fakes(batch)
        critic, real_images, fake_images = self._critic(batch, fakes)
        generator_loss = self.loss_pair.generator_loss
        real_logits = None if getattr(generator_loss, "of_fakes_alone", False) else critic(real_images)
        loss = generator_loss(real_logits, critic(fake_images))
        if "term" not in self.log_names:
            return loss, {"g_loss": loss}
        term = self._term(batch, fakes)
        return loss + term, {"g_loss": loss, "term": term}

    def _term(self, batch, fakes):
        """The weighted sum of all terms, what is added to the generator's loss."""
        num_proposals = max([1, *(each.num_proposals for each in self.terms)])
        proposals = ops.stack([fakes, *(self._fakes(batch) for _ in range(1, num_proposals))])
        return self._weighted(
            (each, each(batch, fakes if each.num_proposals == 1 else proposals[: each.num_proposals]))
            for each in self.terms
        )

    def _weighted(self, values):
        """The sum of pairs (penalty or term, its value), each times its current weight."""
        weighted = (schedules.evaluate(each.weight, self.progress) * value for each, value in values)
        return sum(weighted, start=ops.zeros(()))

    def _fakes(self, batch):
        num = ops.shape(batch["images"])[0]
        tensors = [
            each.draw(num, self.seed_generator) if isinstance(each, Noise) else batch[each.name] for each in self.inputs
        ]
        return self.generator(tensors if len(tensors) > 1 else tensors[0], training=True)

    def _critic(self, batch, fake_images):
        """The discriminator with the batch's other inputs fixed, and both sides as it gets them."""
        real_images = batch["images"]
        seen = {each.name: batch[each.name] for each in self.inputs if each.to_discriminator}
        if self.augmentation is not None:
            spatial = [each.name for each in self.inputs if each.is_spatial and each.name in seen]
            real_images, fake_images, *moved = self.augmentation(
                real_images, fake_images, *(seen[name] for name in spatial)
            )
            seen |= dict(zip(spatial, moved, strict=True))
        real_images, fake_images, *beside = (
            _pack(tensor, self.pack_size) for tensor in (real_images, fake_images, *seen.values())
        )

        def score(images, *beside):
            logits = self.discriminator([images, *beside] if beside else images, training=True)
            return ops.cast(logits, "float32")  # losses are computed in float32 whatever the network computes in

        together = (real_images, fake_images) if self._one_pass else ()
        return gradient_penalties.Critic(score, beside, together), real_images, fake_images

    def after_round(self):
        """Moves the averaged generator towards the generator."""
        if self.ema_generator is None:
            return
        # Karras et al. (2020), https://arxiv.org/abs/1912.04958: an average over a share of the images so far.
        rounds = ops.cast(self.optimizer.iterations, "float32")
        decay = ops.minimum(self.ema_decay, 0.5 ** (1 / (EMA_HALF_LIFE * rounds)))
        trainable = set(map(id, self.generator.trainable_variables))
        for average, variable in zip(self.ema_generator.variables, self.generator.variables, strict=True):
            if id(variable) in trainable:
                average.assign(decay * average + (1 - decay) * variable)
            else:  # statistics of batch normalisation are averages already; seeds cannot be averaged
                average.assign(variable)

    def endpoints(self, discriminator: bool = False):
        """As of `Generative`.

        Args:
            discriminator: whether to offer `discriminate` too, the discriminator's logits of images.

        Raises:
            ValueError: if it cannot score single images.
        """
        if not discriminator:
            return super().endpoints()
        if self.pack_size > 1:
            raise ValueError(
                "expected a discriminator that scores single images, received one of packs of "
                f"{self.pack_size}: its logit for an image depends on the others of the pack"
            )
        return {**super().endpoints(), "discriminate": self._discriminate()}

    def _discriminate(self):
        seen = [each for each in self.inputs if each.to_discriminator]

        def discriminate(images, *values):
            beside = self.read_requests(seen, values)
            tensors = [pixels.to_float(images), *beside]
            logits = self.discriminator(tensors if beside else tensors[0], training=False)
            return {"logits": ops.cast(logits, "float32")}

        images = Request("uint8", self.image_shape, about="uint8: 0 to 255.")
        return Endpoint(discriminate, {"images": images, **self.requests_of(seen)})

    def get_config(self):
        parts = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "inputs": list(self.inputs),
            "augmentation": self.augmentation,
        }
        return {
            **super().get_config(),
            **keras.saving.serialize_keras_object(parts),
            "pack_size": self.pack_size,
            "discriminator_steps": self.discriminator_steps,
            "ema_decay": self.ema_decay,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**keras.saving.deserialize_keras_object(config))


def _listed(identifiers):
    single = (str, gradient_penalties.Penalty, generator_terms.Term)
    return [identifiers] if isinstance(identifiers, single) else identifiers


def _with_noise(generator, inputs) -> tuple[Input, ...]:
    """The inputs of a generator, with the noise that it begins with where it has one more than these."""
    tensors = getattr(generator, "inputs", None) or []
    noise = [Noise(tensors[0].shape[-1])] if len(tensors) > len(inputs) else []
    return (*noise, *sorted(inputs, key=lambda each: not isinstance(each, Noise)))


def _check(generator, discriminator, inputs, pack_size) -> None:
    """Raises a ValueError where the parts of a game do not fit together."""
    for role, network in (("generator", generator), ("discriminator", discriminator)):
        if not getattr(network, "inputs", None):
            raise ValueError(f"expected a {role} that knows its input shape: begin it with keras.Input(…)")
    if pack_size < 1:
        raise ValueError(f"expected a pack_size of at least 1, received {pack_size}")
    height, width, channels = generator.output_shape[1:]
    check_names(inputs)
    check_images(generator)
    check_logits(discriminator)
    shape, received = (height, width, pack_size * channels), discriminator.inputs[0].shape[1:]
    if received != shape:
        packs = f", in packs of {pack_size}," if pack_size > 1 else ""
        raise ValueError(f"expected a discriminator of the generator's images{packs} {shape}, received {received}")
    seen = [each for each in inputs if each.to_discriminator]
    width = sum(each.width for each in inputs if isinstance(each, Conditions))
    hint = f": build it with condition_width={width}" if width else ""
    for network, own, packed, first in ((generator, inputs, 1, 0), (discriminator, seen, pack_size, 1)):
        expected = [(*each.shape[:-1], packed * each.shape[-1]) for each in own]
        received = [tuple(tensor.shape[1:]) for tensor in network.inputs[first:]]
        if received != expected:
            names = ", ".join(f"{each.name} {shape}" for each, shape in zip(own, expected, strict=True)) or "nothing"
            raise ValueError(
                f"expected a {network.name} that takes {names}{' beside the images' * first}, received one that takes "
                f"{', '.join(map(str, received)) or 'nothing'}{hint}"
            )


def _copy(network):
    """A frozen network with the same weights."""
    copy = keras.models.clone_model(network)
    copy.name = f"ema_{network.name}"
    copy.trainable = False
    copy.set_weights(network.get_weights())
    return copy


def _pack(tensor, pack_size: int):
    """(b, ..., c) → (⌈b / pack_size⌉, ..., pack_size · c): images side by side along the last axis."""
    return ops.concatenate([part(tensor, index, pack_size) for index in range(pack_size)], axis=-1)
