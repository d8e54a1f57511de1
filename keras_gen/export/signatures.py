"""What a server can ask an exported model for: named signatures with one shared batch dimension.

Each family of models has one function here that returns its signatures by name. Row i of every output depends on
row i of the inputs alone, whatever the batch around it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from keras_gen import images as pixels
from keras_gen.autoencoders import Autoencoder
from keras_gen.gan import GAN


class Signature(NamedTuple):
    """One thing to ask for.

    Attributes:
        function: one tensor → dict of named output tensors.
        spec: name, dtype and shape of the input, its first dimension None.
    """

    function: Callable
    spec: tf.TensorSpec


@functools.singledispatch
def signatures(model) -> dict[str, Signature]:
    """The signatures of a `GAN` or an `Autoencoder` by name; `serving_default` is always among them.

    Raises:
        ValueError: for other models.
    """
    raise ValueError(f"expected a GAN or an Autoencoder to export, received {type(model).__name__}")


@signatures.register
def _(model: GAN) -> dict[str, Signature]:
    seeds = tf.TensorSpec((None,), tf.int64, name="seed")
    latents = tf.TensorSpec((None, model.latent_dim), tf.float32, name="latents")

    def decode(latents):
        return {"images": model(latents, training=False)}

    def generate(seed):
        return {"images": pixels.to_uint8(model(_latents(seed, model.latent_dim), training=False))}

    return {
        "serving_default": Signature(decode, latents),
        "generate": Signature(generate, seeds),
        "generate_png": Signature(lambda seed: _png(generate(seed)), seeds),
    }


@signatures.register
def _(model: Autoencoder) -> dict[str, Signature]:
    images = tf.TensorSpec((None, *model.image_shape), tf.uint8, name="images")
    codes = tf.TensorSpec((None, model.latent_dim), tf.float32, name="codes")

    def reconstruct(images):
        return {"reconstructions": pixels.to_uint8(model(images, training=False))}

    def encode(images):
        return {"codes": model.encoder(pixels.to_float(images), training=False)}

    def decode(codes):
        return {"images": pixels.to_uint8(model.decoder(codes, training=False))}

    return {
        "serving_default": Signature(reconstruct, images),
        "encode": Signature(encode, images),
        "decode": Signature(decode, codes),
    }


def _latents(seeds, latent_dim: int):
    """Standard normal latents (batch, latent_dim), each row drawn from its own seed alone."""

    def draw(seed):
        # Philox by name: "auto" may pick another generator, and so other pictures, on another server.
        return tf.random.stateless_normal((latent_dim,), tf.stack([seed, 0]), alg="philox")

    return tf.map_fn(draw, seeds, fn_output_signature=tf.TensorSpec((latent_dim,), tf.float32))


def _png(outputs):
    # TF Serving's REST API sends outputs named *_bytes as base64.
    return {"image_bytes": tf.map_fn(tf.io.encode_png, outputs["images"], fn_output_signature=tf.string)}
