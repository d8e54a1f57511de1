"""The autoencoder: an encoder from images to codes, a decoder back to images, a prior to draw new codes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from keras_gen import images as pixels
from keras_gen import likelihoods
from keras_gen.inputs import Conditions, Input, Noise, Request, check_names
from keras_gen.models.activations import check_images
from keras_gen.models.base import SeededModel
from keras_gen.models.generative import Endpoint, Generative
from keras_gen.priors import Prior, StandardNormal


@keras.saving.register_keras_serializable("keras_gen")
class Autoencoder(Generative, SeededModel):
    """Compresses images to codes and back: `images → encoder → codes → decoder → reconstructions`.

    Compile it with a regression loss of Keras (`"mse"` is the article's; `"mae"`, `"huber"` …) or a likelihood of
    `keras_gen.likelihoods` and call `fit` with images alone: they are their own targets. Targets may be given too
    (`fit(noisy, clean)`). Losses are measured on the scale [-1, 1], where a mean squared error is 4 times that on
    [0, 1].

    New images are made from codes drawn from `prior`: fit one to the codes of the training images, with
    `evaluation.choose_prior` or `autoencoder.prior = priors.Mixture(...).fit(autoencoder.encode(images))`.

    Other kinds of autoencoder are subclasses with another `corrupt` or `to_codes`, see also `RegularizedAutoencoder`.

    Args:
        encoder: model, images (batch, height, width, channels) in [-1, 1] → codes (batch, latent_dim).
        decoder: model, codes → images in [-1, 1]; with conditions, [codes, conditions (batch, conditions.width)] →
            images; further inputs come last.
        prior: distribution of the codes, or None for no prior yet.
        conditions: a `keras_gen.inputs.Conditions` schema, or None.
        inputs: further inputs in the order in which the decoder takes them, after the conditions, such as a `Picture`;
            the encoder may take all of them too, after the images. With conditions or inputs `fit` takes a dict of
            columns, `{"images": …, "conditions": …}`, or all columns in this order, `(images, rows, …)`.
        seed: int, for the noise in training.

    Call arguments:
        images: uint8 in [0, 255] or float in [-1, 1], (batch, height, width, channels); with conditions or inputs a
            dict of columns, or [images, *columns].

    Call returns:
        float32 reconstructions in [-1, 1], shaped like `images`.

    Raises:
        ValueError: if the encoder's codes, the conditions or the prior do not fit the decoder.

    Example:
        >>> from keras_gen import networks, priors
        >>> encoder, decoder = networks.mlp.encoder((8, 12, 3), 4), networks.mlp.decoder((8, 12, 3), 4)
        >>> autoencoder = Autoencoder(encoder, decoder)
        >>> autoencoder.compile("adam", loss="mse")
        >>> images = np.zeros((6, 8, 12, 3), "uint8")
        >>> history = autoencoder.fit(images, batch_size=3, verbose=0)
        >>> autoencoder.encode(images).shape
        (6, 4)
        >>> autoencoder.prior = priors.Mixture(4).fit(autoencoder.encode(images))
        >>> autoencoder.sample(5, seed=1).shape
        (5, 8, 12, 3)
    """

    outputs_per_number = 1  # of the encoder, for each dimension of the codes

    family = "autoencoder"
    best_by = "val_loss"
    reconstructs = True

    def __init__(
        self,
        encoder,
        decoder,
        *,
        prior: Prior | None = None,
        conditions: Conditions | None = None,
        inputs: Sequence[Input] = (),
        seed=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        # All inputs but the codes: columns beside the images, which are given for new images too.
        self._codes_input = Noise(decoder.inputs[0].shape[-1], name="codes")
        self._beside = tuple(each for each in (conditions, *inputs) if each is not None)
        # At most one, in a list: Keras stops tracking what leaves a list, but not the old value of an attribute.
        self._priors: list[Prior] = []
        self.prior = prior
        self.seed = seed
        check_names(self.inputs)
        self._check()
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True  # both networks are built, which stock callbacks require before the first step

    def _check(self):
        codes = self.decoder.inputs[0].shape[1:]
        expected = (*codes[:-1], self.outputs_per_number * codes[-1])
        if self.encoder.output_shape[1:] != expected:
            raise ValueError(
                f"expected an encoder with outputs {expected} for a decoder of codes {codes}, "
                f"received one with {self.encoder.output_shape[1:]}"
            )
        check_images(self.decoder)
        shapes = [each.shape for each in self._beside]
        width = sum(each.width for each in self._beside if isinstance(each, Conditions))
        hint = f": build it with condition_width={width}" if width else ""
        for network, optional in ((self.encoder, True), (self.decoder, False)):
            received = [tuple(tensor.shape[1:]) for tensor in network.inputs[1:]]
            if received != shapes and not (optional and not received):
                names = ", ".join(f"{each.name} {each.shape}" for each in self._beside) or "nothing"
                raise ValueError(
                    f"expected a {network.name} that takes {names} beside its first input, received one that takes "
                    f"{', '.join(map(str, received)) or 'nothing'}{hint}"
                )

    @property
    def inputs(self) -> tuple[Input, ...]:
        return (self._codes_input, *self._beside)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the images."""
        return tuple(self.encoder.inputs[0].shape[1:])

    @property
    def prior(self) -> Prior | None:
        """The distribution of the codes, or None for no prior yet."""
        return self._priors[0] if self._priors else None

    @prior.setter
    def prior(self, prior: Prior | None):
        self._priors.clear()
        if prior is not None:
            self._priors.append(prior)

    @property
    def generates(self) -> bool:
        return self.prior is not None

    @property
    def normal_latents(self) -> bool:
        return isinstance(self.prior, StandardNormal)

    @property
    def noise_dim(self) -> int:
        return self._fitted_prior.noise_dim

    @property
    def _fitted_prior(self) -> Prior:
        if self.prior is None:
            raise ValueError(
                "expected an autoencoder with a prior: fit one to the codes of its training images, "
                "see keras_gen.evaluation.choose_prior"
            )
        if self.prior.latent_dim != self.latent_dim:
            raise ValueError(f"expected a prior of latent_dim {self.latent_dim}, received {self.prior.latent_dim}")
        return self.prior

    @property
    def facts(self):
        return {} if self.prior is None else {"prior": self.prior.about}

    def from_noise(self, noise):
        return self._fitted_prior(noise)

    @property
    def num_choices(self) -> int:
        return self._fitted_prior.num_choices

    def truncate(self, noise, limit):
        return self._fitted_prior.truncate(noise, limit)

    @property
    def image_network(self):
        return self.decoder

    def corrupt(self, images):
        """What the encoder gets in training instead of float images: the images, unless a subclass corrupts them."""
        return images

    def to_codes(self, encoded, training):
        """Codes (b, latent_dim) from the encoder's outputs: the outputs themselves, unless a subclass draws codes."""
        return encoded

    def encode_batch(self, images, beside=(), training=False):
        """The encoder's outputs for float images, and for the tensors of the other inputs if it takes them."""
        images = self.corrupt(images) if training else images
        return self.encoder([images, *beside] if len(self.encoder.inputs) > 1 else images, training=training)

    def call(self, inputs, training=False):
        batch = self.prepare((inputs,))  # a tuple of inputs is x, and not x and y
        beside = [batch[each.name] for each in self._beside]
        codes = self.to_codes(self.encode_batch(batch["images"], beside, training), training)
        return self.decoder([codes, *beside] if beside else codes, training=training)

    def named(self, x, y=None):
        return super().named(x)  # y is the targets

    def targets(self, x, y=None):
        """The target images: `y` where `fit` is given targets, otherwise the images themselves."""
        return super().targets(x) if y is None else y

    def check(self, x, y=None, sample_weight=None, class_weight=None):
        expected, received = tuple(self.decoder.output_shape[1:]), tuple(getattr(y, "shape", ()))[1:]
        if y is not None and received != expected:
            raise ValueError(
                f"expected targets that are images {expected}, received {received}: an autoencoder reproduces its "
                "images, so fit(images) alone. Labels become conditions: fit({'images': …, 'label': …}), see "
                "`conditions`"
            )
        super().check(x, y, sample_weight, class_weight)

    def compile(self, optimizer="rmsprop", loss=None, **kwargs):
        """`keras.Model.compile`, where `loss` may also be the name of a likelihood, see `keras_gen.likelihoods`."""
        known = likelihoods.get(loss) if isinstance(loss, str) or callable(loss) else loss
        super().compile(optimizer, known, **kwargs)

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)  # now, or it has no slots when its state is loaded

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        targets = pixels.to_float(self.targets(x, y))
        return super().compute_loss(x, targets, y_pred, sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, pixels.to_float(self.targets(x, y)), y_pred, sample_weight)

    def encode(
        self, images: np.ndarray, batch_size: int = 256, given: Mapping[str, np.ndarray] | None = None
    ) -> np.ndarray:
        """The codes of images.

        Args:
            images: uint8 array (n, height, width, channels).
            batch_size: images encoded at a time.
            given: the other inputs for the images, by name, for an encoder that takes them.

        Returns:
            float32 array (n, latent_dim).
        """
        pixels.check_range(images)
        beside = self._rows(len(images), given) if len(self.encoder.inputs) > 1 else []
        return pixels.in_batches(self._codes, images, *beside, batch_size=batch_size)

    def _codes(self, images, *rows):
        beside = [each.to_tensor(row) for each, row in zip(self._beside, rows, strict=False)]
        encoded = self.encoder([pixels.to_float(images), *beside] if beside else pixels.to_float(images))
        return self.to_codes(encoded, training=False)

    def _rows(self, num, given):
        """The rows of all inputs beside the codes, all of which must be given."""
        given = given or {}
        for each in self._beside:
            if each.name not in given:
                raise ValueError(f"expected {each.name} beside the images, received images alone")
        return [each.rows(num, 0, given=given[each.name]) for each in self._beside]

    def reconstruct(
        self,
        images: np.ndarray,
        conditions: np.ndarray | None = None,
        batch_size: int = 256,
        given: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Encodes and decodes images.

        Args:
            images: uint8 array (n, height, width, channels).
            conditions: float array (n, conditions.width), for a conditional model; short for `given`.
            batch_size: images reconstructed at a time.
            given: the other inputs for the images, by name; `given_of(split, drawn_too=True)` returns them.

        Returns:
            uint8 array (n, height, width, channels).

        Raises:
            ValueError: if an input is missing or not expected.
        """
        given = {**(given or {}), **({} if conditions is None else {"conditions": conditions})}
        if foreign := set(given) - {each.name for each in self._beside}:
            raise ValueError(f"expected no {', '.join(sorted(foreign))}: this model takes none")
        codes = self.encode(images, batch_size, given)
        return self.decode(codes, *self._rows(len(images), given), batch_size=batch_size)

    def endpoints(self, discriminator=False):
        if discriminator:
            super().endpoints(discriminator)

        def encode(images, *rows):
            return {"codes": self._codes(images, *rows)}

        def reconstruct(images, *rows):
            codes = self._codes(images, *rows[: len(self.encoder.inputs) - 1])
            return {"reconstructions": pixels.to_uint8(self.render(codes, *rows))}

        def decode(*rows):
            return {"images": pixels.to_uint8(self.render(*rows))}

        images = {"images": Request("uint8", self.image_shape, about="uint8: 0 to 255.")}
        codes = {"codes": Request("float32", (self.latent_dim,), about="as `encode` returns them.")}
        beside = self.rows_of(self._beside)
        return {
            "serving_default": Endpoint(reconstruct, {**images, **beside}),
            "encode": Endpoint(encode, {**images, **(beside if len(self.encoder.inputs) > 1 else {})}),
            "decode": Endpoint(decode, {**codes, **beside}),
        }

    def get_config(self):
        parts = {
            "encoder": self.encoder,
            "decoder": self.decoder,
            "prior": self.prior,
            "inputs": list(self._beside),
        }
        return {**super().get_config(), **keras.saving.serialize_keras_object(parts), "seed": self.seed}

    @classmethod
    def from_config(cls, config):
        return cls(**keras.saving.deserialize_keras_object(config))
