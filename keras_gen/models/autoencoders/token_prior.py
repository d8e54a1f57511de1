"""A prior of tokens: each is drawn given those before it."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from keras_gen.models.autoencoders.quantized import nearest_vectors
from keras_gen.priors import Prior

NUM_STEPS, MAX_EPOCHS = 1_500, 20  # small sets take fewer steps
BATCH_SIZE = 128


@keras.saving.register_keras_serializable("keras_gen")
class TokenPrior(Prior):
    """The distribution of codes that consist of codebook vectors, token by token: a recurrent network.

    `p(tokens) = Π p(token_t | token_1 … token_(t−1))`, each factor a softmax over a gated recurrent unit. The noise has
    one dimension for each token, which chooses it by its distribution function.

    Args:
        latent_dim: dimensions of the codes.
        depth: dimensions per token.
        size: vectors in the codebook.
        vectors: float array (size, depth), the codebook; None where weights are loaded.
        width: units of the recurrent layer.

    Source:
        van den Oord et al., Neural Discrete Representation Learning (2017), section 3.3,
        https://arxiv.org/abs/1711.00937. Differs: recurrent instead of convolutional, as tokens here do not form a map.
    """

    def __init__(self, latent_dim, depth, size, vectors=None, width=128, **kwargs):
        super().__init__(latent_dim, **kwargs)
        self.depth = depth
        self.size = size
        self.width = width
        self.vectors = self.add_weight((size, depth), "zeros", trainable=False, name="vectors")
        if vectors is not None:
            self.vectors.assign(vectors)
        self.network = _network(latent_dim // depth, size, width)
        self.network.trainable = False  # training the autoencoder should not train its prior
        self.built = True

    @property
    def about(self) -> str:
        return "recurrent network of tokens"

    @property
    def noise_dim(self) -> int:
        return self.latent_dim // self.depth

    @property
    def num_choices(self) -> int:
        return self.noise_dim

    def call(self, noise):
        place = (1 + ops.erf(noise / np.sqrt(2.0))) / 2  # uniform in [0, 1]
        tokens = ops.zeros_like(noise, dtype="int32")
        for index in range(self.noise_dim):
            # All places each time, though only one is new: for few tokens this is simpler than carrying a state along.
            shares = ops.cumsum(ops.softmax(self.network(tokens)[:, index]), axis=-1)[:, :-1]
            token = ops.sum(ops.cast(place[:, index : index + 1] > shares, "int32"), axis=-1, keepdims=True)
            tokens = ops.concatenate([tokens[:, :index], token, tokens[:, index + 1 :]], axis=-1)
        return ops.reshape(ops.take(self.vectors, tokens, axis=0), (-1, self.latent_dim))

    def fit(self, codes, seed=0):
        tokens = self._tokens(codes)
        order = np.random.default_rng(seed)
        rows = np.concatenate([order.permutation(len(tokens)) for _ in range(MAX_EPOCHS)])[: NUM_STEPS * BATCH_SIZE]
        self.network.trainable = True
        rate = keras.optimizers.schedules.CosineDecay(2e-3, -(-len(rows) // BATCH_SIZE))
        self.network.compile(keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        # As one epoch, in our own order: Keras would shuffle with the global randomness.
        self.network.fit(tokens[rows], tokens[rows], batch_size=BATCH_SIZE, shuffle=False, verbose=0)
        self.network.trainable = False
        return self

    def log_prob(self, codes):
        """The log probability of codes, which are tokens, in nats, float64 (n,)."""
        tokens = self._tokens(codes)
        logs = ops.convert_to_numpy(ops.log_softmax(self.network.predict(tokens, batch_size=1024, verbose=0)))
        return np.take_along_axis(logs, tokens[..., None], axis=-1).sum(axis=(1, 2), dtype="float64")

    def _tokens(self, codes):
        return ops.convert_to_numpy(nearest_vectors(np.asarray(codes, "float32"), self.vectors.value)).astype("int32")

    def get_config(self):
        own = {"depth": self.depth, "size": self.size, "width": self.width}
        return {**super().get_config(), **own}


def _network(num_tokens, size, width):
    """Tokens (b, num_tokens) → logits (b, num_tokens, size), each from the tokens before it only."""
    own = {"dtype": "float32"}  # whatever the policy, like the prior
    normal, uniform = keras.initializers.RandomNormal, keras.initializers.GlorotUniform  # seeded: a fit is repeatable
    tokens = keras.Input((num_tokens,), dtype="int32", name="tokens")
    known = layers.Embedding(size, width, embeddings_initializer=normal(seed=0), **own)(tokens)
    before = layers.ZeroPadding1D((1, 0), **own)(known)[:, :-1]
    unit = layers.GRU(
        width,
        kernel_initializer=uniform(1),
        recurrent_initializer=keras.initializers.Orthogonal(seed=2),
        return_sequences=True,
        **own,
    )
    hidden = layers.Dropout(0.2, seed=5, **own)(unit(PlaceEmbedding(**own)(before)))
    logits = layers.Dense(size, kernel_initializer=uniform(4), **own)
    return keras.Model(tokens, logits(hidden), name="next_token")


@keras.saving.register_keras_serializable("keras_gen")
class PlaceEmbedding(layers.Layer):
    """Adds to each vector of a sequence (b, n, d) a vector for its position."""

    def build(self, input_shape):
        self.places = self.add_weight(input_shape[1:], keras.initializers.RandomNormal(seed=3), name="places")

    def call(self, inputs):
        return inputs + self.places
