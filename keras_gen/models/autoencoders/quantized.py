"""The vector-quantised autoencoder: codes that consist of tokens from a finite codebook."""

from __future__ import annotations

import keras
from keras import layers, ops

from keras_gen.models.autoencoders.regularized import RegularizedAutoencoder

CODEBOOK_DECAY = 0.99  # of the averages of the codebook at each step
MIN_USE_SHARE = 0.05  # as a fraction of equal use; a vector that is used less is restarted


@keras.saving.register_keras_serializable("keras_gen")
class VQVAE(RegularizedAutoencoder):
    """Cuts a code into pieces of `depth` dimensions, and replaces each piece by the nearest vector of a codebook.

    The decoder gets `latent_dim / depth` tokens, from the same codebook at each place. Gradients pass straight through
    the replacement; each vector of the codebook is a running average of the pieces that it replaced, and one that is
    hardly used restarts at a random piece of the batch. `commitment · mean((piece − vector)²)` is added to the loss,
    which keeps the encoder near the codebook. In the logs, `perplexity` is the effective number of vectors in use, as
    if they were used equally often.

    Draw new codes from a prior of tokens, see `TokenPrior`.

    Args:
        encoder: as of `Autoencoder`.
        decoder: as of `Autoencoder`.
        depth: dimensions per token; divides `latent_dim`.
        size: vectors in the codebook.
        commitment: weight, relative to a mean squared error.
        **kwargs: as of `Autoencoder`.

    Raises:
        ValueError: as of `Autoencoder`, and for a depth that does not divide `latent_dim`.

    Source:
        van den Oord et al., Neural Discrete Representation Learning (2017), equation 3 and appendix A.1,
        https://arxiv.org/abs/1711.00937. Differs: unused vectors restart, as in Dhariwal et al., Jukebox (2020),
        section 3.1, https://arxiv.org/abs/2005.00341
    """

    def __init__(self, encoder, decoder, *, depth=8, size=256, commitment=0.25, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        if self.latent_dim % depth:
            raise ValueError(f"expected a depth that divides the latent_dim of {self.latent_dim}, received {depth}")
        self.depth = depth
        self.size = size
        self.commitment = commitment
        self.codebook = Codebook(size, depth)
        self._perplexity = keras.metrics.Mean(name="perplexity")

    def code_loss(self, encoded):
        return self.commitment * ops.mean(ops.square(encoded - ops.stop_gradient(self.codebook(encoded))))

    def to_codes(self, encoded, training):
        codes = self.codebook(encoded)
        if not training:
            return codes
        self.codebook.learn(ops.stop_gradient(encoded), self.seed_generator)
        return encoded + ops.stop_gradient(codes - encoded)

    def compute_loss(self, *args, **kwargs):
        self._perplexity.update_state(self.codebook.perplexity())
        return super().compute_loss(*args, **kwargs)

    def get_config(self):
        own = {"depth": self.depth, "size": self.size, "commitment": self.commitment}
        return {**super().get_config(), **own}


class Codebook(layers.Layer):
    """A finite alphabet of vectors.

    Args:
        size: number of vectors.
        depth: dimensions per vector.

    Call arguments:
        codes: float tensor (b, tokens · depth).

    Call returns:
        float32 tensor of the same shape, each piece of `depth` dimensions replaced by the nearest vector.
    """

    def __init__(self, size: int, depth: int, **kwargs):
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.size = size
        self.depth = depth
        self.vectors = self.add_weight((size, depth), "random_normal", trainable=False, name="vectors")
        self.sums = self.add_weight((size, depth), "zeros", trainable=False, name="sums")
        self.uses = self.add_weight((size,), "zeros", trainable=False, name="uses")
        self.built = True

    def call(self, codes):
        return ops.reshape(ops.take(self.vectors, self.tokens(codes), axis=0), ops.shape(codes))

    def tokens(self, codes):
        """The index in the codebook of the vector nearest to each piece, int (b, tokens)."""
        return nearest_vectors(codes, self.vectors)

    def learn(self, codes, seed):
        """Moves the averages towards the pieces (b, tokens · depth) of a batch; `seed` chooses where to restart."""
        pieces = ops.reshape(codes, (-1, self.depth))
        chosen = ops.one_hot(ops.reshape(self.tokens(codes), (-1,)), self.size)
        uses = CODEBOOK_DECAY * self.uses + (1 - CODEBOOK_DECAY) * ops.sum(chosen, axis=0)
        sums = CODEBOOK_DECAY * self.sums + (1 - CODEBOOK_DECAY) * ops.transpose(chosen) @ pieces
        num = ops.shape(pieces)[0]
        equal_share = ops.cast(num, "float32") / self.size
        # All of them at first: the codebook starts as pieces of the first batch.
        unused = uses < MIN_USE_SHARE * equal_share
        elsewhere = ops.take(pieces, keras.random.randint((self.size,), 0, num, seed=seed), axis=0)
        self.uses.assign(ops.where(unused, equal_share, uses))
        self.sums.assign(ops.where(unused[:, None], equal_share * elsewhere, sums))
        self.vectors.assign(self.sums / self.uses[:, None])

    def perplexity(self):
        """The exponential of the entropy of the use, float32 scalar in [1, size]; `size` before anything was learned.

        Example:
            >>> codebook = Codebook(4, 2)
            >>> _ = codebook.uses.assign([5.0, 5.0, 0.0, 0.0])
            >>> round(float(codebook.perplexity()), 3)
            2.0
        """
        shares = (self.uses + 1e-9) / ops.sum(self.uses + 1e-9)
        return ops.exp(-ops.sum(shares * ops.log(shares)))


def nearest_vectors(codes, vectors):
    """The index of the vector nearest to each piece of codes.

    Args:
        codes: float tensor (b, tokens · depth).
        vectors: float tensor (size, depth).

    Returns:
        int tensor (b, tokens).

    Example:
        >>> nearest_vectors(ops.array([[0.1, 0.9]]), ops.array([[0.0], [1.0]])).numpy().tolist()
        [[0, 1]]
    """
    depth = vectors.shape[-1]
    pieces = ops.reshape(codes, (-1, codes.shape[-1] // depth, depth))
    return ops.argmin(ops.sum(ops.square(vectors), axis=-1) - 2 * pieces @ ops.transpose(vectors), axis=-1)
