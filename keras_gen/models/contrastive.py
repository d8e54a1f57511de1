"""Translation without pairs, in one direction: contrastive unpaired translation (CUT)."""

from __future__ import annotations

import functools

import keras
from keras import layers, ops

from keras_gen.models.gan import GAN
from keras_gen.models.translator import Translation, check_source
from keras_gen.networks import residual

UNITS = 64  # of both layers of a head; 256 in the paper
NUM_PLACES = 64  # of each map that are compared in a step; 256 in the paper, of images of 256×256
TEMPERATURE = 0.07


@keras.saving.register_keras_serializable("keras_gen")
class ContrastiveTranslator(Translation, GAN):
    """A GAN that turns pictures of one kind into another, learned from both kinds without pairs.

    The discriminator sees images of the other kind and translations. What keeps the content is a contrastive term: the
    generator's own encoder describes the picture and its translation, and a place of the translation should be more
    like the same place of the picture than like its other places. So no generator for the way back is needed, as in a
    `Cycle`. The same term on images of the other kind, which should stay as they are, keeps the generator from changing
    what need not change.

    `content = mean over maps and places s of −log softmax_s(v(G(x))ₛ · v(x) / τ)`, where v are maps of the encoder
    through a small network for each, of length 1.

    Args:
        generator: `networks.residual.generator`: pictures → images, and its layers that describe the picture.
        discriminator: as of `GAN`; it sees images alone.
        heads: the networks that the maps pass, as from `heads_of`, which makes them by default.
        content_weight: of the content term on pictures.
        identity_weight: of the same term on images of the other kind; 0 leaves it out.
        **options: as of `GAN`; `inputs` are a `Picture` that the discriminator does not see.

    Raises:
        ValueError: as `GAN`, without a picture, and if pictures and images have different channels: one encoder
            describes both.

    Logs as `GAN`; `term` is the weighted sum of the content terms and of the terms that it was compiled with.

    Example:
        >>> import numpy as np
        >>> from keras_gen import networks
        >>> from keras_gen.inputs import Picture
        >>> shape = (8, 12, 3)
        >>> gan = ContrastiveTranslator(
        ...     networks.residual.generator(shape, width=8, blocks=2),
        ...     networks.patch.discriminator(shape, width=8),
        ...     inputs=[Picture("picture", shape, any_size=True, to_discriminator=False)],
        ... )
        >>> gan.compile(loss="relativistic", penalties=["r1", "r2"])
        >>> photos, paintings = np.zeros((6, *shape), "uint8"), np.ones((6, *shape), "uint8")
        >>> history = gan.fit({"images": paintings, "picture": photos}, batch_size=3, verbose=0)
        >>> gan.translate(np.zeros((1, 33, 50, 3), "uint8")).shape
        (1, 1, 33, 50, 3)

    Source:
        Park et al., Contrastive Learning for Unpaired Image-to-Image Translation (2020), equations 3 to 6,
        https://arxiv.org/abs/2007.15651
    """

    def __init__(self, generator, discriminator, heads=None, *, content_weight=1.0, identity_weight=1.0, **options):
        super().__init__(generator, discriminator, **options)
        check_source(self)
        if self.source.shape[-1] != self.image_shape[-1]:
            raise ValueError(
                f"expected pictures of {self.image_shape[-1]} channels, as the images have, received "
                f"{self.source.shape}: convert one of them"
            )
        self.content_weight = content_weight
        self.identity_weight = identity_weight
        self.heads = heads_of(generator) if heads is None else heads

    @property
    def log_names(self):  # type: ignore[override]  # as of `GAN`
        return ("d_loss", "g_loss", "penalty", "term", "real_logit", "fake_logit")

    @property
    def players(self):
        discriminator, generator = super().players
        return discriminator, generator._replace(networks=(self.generator, self.heads))

    @functools.cached_property
    def _encoder(self) -> keras.Model:
        return residual.encoder(self.generator)

    def _term(self, batch, fakes):
        content = self.content_weight * self._content(batch[self.source.name], fakes)
        if self.identity_weight:
            same = self.generator(batch["images"], training=True)
            content += self.identity_weight * self._content(batch["images"], same)
        return super()._term(batch, fakes) + content

    def _content(self, pictures, translations):
        """How much less a place of a translation is like that of the picture than like the others, mean over maps."""
        drawn = keras.random.uniform((len(self.heads.inputs), NUM_PLACES), seed=self.seed_generator)
        keys, queries = (
            self.heads([_at(maps, drawn[level]) for level, maps in enumerate(self._encoder(images))])
            for images in (pictures, translations)
        )
        losses = [contrast(query, ops.stop_gradient(key)) for query, key in zip(queries, keys, strict=True)]
        return ops.mean(ops.stack(losses))

    def get_config(self):
        parts = keras.saving.serialize_keras_object({"heads": self.heads})
        weights = {"content_weight": self.content_weight, "identity_weight": self.identity_weight}
        return {**super().get_config(), **parts, **weights}


def heads_of(generator: keras.Model, units: int = UNITS) -> keras.Model:
    """A network of two dense layers for each map of a generator's encoder.

    Returns:
        Functional model, list of (batch, places, channels of the map) → list of (batch, places, units), each row of
        length 1.
    """
    inputs = [keras.Input((None, each.shape[-1])) for each in residual.encoder(generator).outputs]
    outputs = []
    for each in inputs:
        hidden = layers.Dense(units, "relu", kernel_initializer="he_normal")(each)
        outputs.append(layers.UnitNormalization(dtype="float32")(layers.Dense(units)(hidden)))
    return keras.Model(inputs, outputs, name="heads")


def contrast(queries, keys):
    """The contrastive loss of places: `−log softmax(q · kᵀ / τ)` at the same place, mean over places and images.

    Args:
        queries: (batch, places, units), rows of length 1.
        keys: the same shape: the right one for each query at its place, the others wrong.

    Returns:
        float32 scalar.

    Example:
        >>> same = ops.eye(3)[None]
        >>> round(float(contrast(same, same)), 6), round(float(contrast(same, same[:, ::-1])), 2)
        (1e-06, 9.52)
    """
    similarity = ops.matmul(queries, ops.transpose(keys, (0, 2, 1))) / TEMPERATURE  # (batch, places, places)
    right = ops.sum(queries * keys, axis=-1) / TEMPERATURE
    return ops.mean(ops.logsumexp(similarity, axis=-1) - right)


def _at(maps, drawn):
    """The values of maps (batch, height, width, channels) at places drawn from [0, 1): (batch, places, channels)."""
    _, height, width, channels = maps.shape
    places = ops.cast(ops.floor(drawn * (height * width)), "int32")
    return ops.take(ops.reshape(maps, (-1, height * width, channels)), places, axis=1)
