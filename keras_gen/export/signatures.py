"""What a server can ask an exported model for: named signatures with one shared batch dimension.

Each family of models has one function here that returns its signatures by name. Row i of every output depends on
row i of the inputs alone, whatever the batch around it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import tensorflow as tf

from keras_gen import images as pixels
from keras_gen.autoencoders import Autoencoder
from keras_gen.conditions import Attribute, Categorical, Conditions
from keras_gen.gan import GAN
from keras_gen.generative import Generative


class Signature(NamedTuple):
    """One thing to ask for.

    Attributes:
        function: one tensor for each input → dict of named output tensors.
        inputs: name, dtype and shape of each, the first dimension None.
        texts: for inputs that are strings, some that mean something.
    """

    function: Callable
    inputs: tuple[tf.TensorSpec, ...]
    texts: Mapping[str, list[str]] = MappingProxyType({})


@functools.singledispatch
def signatures(model) -> dict[str, Signature]:
    """The signatures of a `GAN` or an `Autoencoder` by name; `serving_default` is always among them.

    Raises:
        ValueError: for other models.
    """
    raise ValueError(f"expected a GAN or an Autoencoder to export, received {type(model).__name__}")


@signatures.register
def _(model: GAN) -> dict[str, Signature]:
    inputs: tuple[tf.TensorSpec, ...] = (tf.TensorSpec((None, model.latent_dim), tf.float32, name="latents"),)
    if model.conditions is not None:
        inputs = (*inputs, _rows(model.conditions))

    def decode(*inputs):
        return {"images": model.render(*inputs)}

    return {"serving_default": Signature(decode, inputs), **_generation(model)}


@signatures.register
def _(model: Autoencoder) -> dict[str, Signature]:
    images = tf.TensorSpec((None, *model.image_shape), tf.uint8, name="images")
    codes = tf.TensorSpec((None, model.latent_dim), tf.float32, name="codes")
    rows = () if model.conditions is None else (_rows(model.conditions),)

    def encode(images):
        return {"codes": model.to_codes(model.encoder(pixels.to_float(images), training=False), training=False)}

    def reconstruct(images, *rows):
        codes = encode(images)["codes"]
        return {"reconstructions": pixels.to_uint8(model.render(codes, *rows))}

    def decode(*inputs):
        return {"images": pixels.to_uint8(model.render(*inputs))}

    return {
        "serving_default": Signature(reconstruct, (images, *rows)),
        "encode": Signature(encode, (images,)),
        "decode": Signature(decode, (codes, *rows)),
        **(_generation(model) if model.prior else {}),
    }


def _generation(model: Generative) -> dict[str, Signature]:
    """The signatures that make new images, each row of a seed of its own and of what is asked for by name."""
    seeds = tf.TensorSpec((None,), tf.int64, name="seed")
    asked: tuple[tf.TensorSpec, ...] = ()
    texts = {}
    if model.conditions is not None:
        named = list(zip(_input_names(model.conditions), model.conditions.attributes, strict=True))
        asked = tuple(_asked(name, attribute) for name, attribute in named)
        texts = {name: attribute.values for name, attribute in named if isinstance(attribute, Categorical)}

    def generate(seed, *values):
        inputs = [model.from_noise(_noise(seed, model.noise_dim))]
        if model.conditions is not None:
            inputs.append(_conditions(model.conditions, seed, values))
        return {"images": pixels.to_uint8(model.render(*inputs))}

    def generate_png(*inputs):
        return _png(generate(*inputs))

    return {
        "generate": Signature(generate, (seeds, *asked), texts),
        "generate_png": Signature(generate_png, (seeds, *asked), texts),
    }


def _rows(conditions: Conditions) -> tf.TensorSpec:
    return tf.TensorSpec((None, conditions.width), tf.float32, name="conditions")


def _noise(seeds, noise_dim: int):
    """Standard normal numbers (batch, noise_dim), each row drawn from its own seed alone."""

    def draw(seed):
        # Philox by name: "auto" may pick another generator, and so other pictures, on another server.
        return tf.random.stateless_normal((noise_dim,), tf.stack([seed, 0]), alg="philox")

    return tf.map_fn(draw, seeds, fn_output_signature=tf.TensorSpec((noise_dim,), tf.float32))


def _input_names(conditions: Conditions) -> list[str]:
    """What the attributes are called among a signature's inputs: letters, digits and _, none of them twice."""
    names: list[str] = []
    for attribute in conditions.attributes:
        name = re.sub(r"\W", "_", attribute.name, flags=re.ASCII)
        while name in ("seed", *names) or not name[0].isalpha():
            name = f"condition_{name}"
        names.append(name)
    return names


def _asked(name: str, attribute: Attribute) -> tf.TensorSpec:
    """The input in which a request says what it asks for: text for a class, a number for a number."""
    return tf.TensorSpec((None,), tf.string if isinstance(attribute, Categorical) else tf.float32, name=name)


def _conditions(conditions: Conditions, seeds, values):
    """Rows (batch, width): what was asked for, and where that is "" or NaN what an example drawn by the seed has."""
    examples = conditions.examples or conditions.decode(conditions.rows(4096, seed=0))
    num = len(next(iter(examples.values())))

    def draw(seed):
        # Another stream than the latents': [seed, 0] is theirs.
        return tf.random.stateless_uniform((), tf.stack([seed, 1]), maxval=num, dtype=tf.int32, alg="philox")

    drawn = tf.map_fn(draw, seeds, fn_output_signature=tf.int32)
    blocks = []
    for attribute, value in zip(conditions.attributes, values, strict=True):
        example = tf.gather(tf.constant(examples[attribute.name]), drawn)
        encode = _encode_text if isinstance(attribute, Categorical) else _encode_number
        blocks.append(encode(attribute, value, example))
    return tf.concat(blocks, axis=1)


def _encode_text(attribute, texts, example):
    asked = texts[:, tf.newaxis] == tf.constant(attribute.values)[tf.newaxis]  # (batch, values)
    known = tf.reduce_all((texts == "") | tf.reduce_any(asked, axis=1))
    message = f"{attribute.name}: expected one of {', '.join(attribute.values)}, or nothing, received"
    with tf.control_dependencies([tf.debugging.Assert(known, [message, texts])]):
        drawn = tf.one_hot(example, attribute.width)
    return tf.where((texts == "")[:, tf.newaxis], drawn, tf.cast(asked, tf.float32))


def _encode_number(attribute, numbers, example):
    """`Continuous.encode` in TensorFlow."""
    numbers = tf.where(tf.math.is_nan(numbers), example, numbers)
    numbers = tf.clip_by_value(numbers, attribute.low, attribute.high)
    position = (numbers - attribute.low) / (attribute.high - attribute.low) * (attribute.knots - 1)
    weights = 1.0 - tf.abs(position[:, tf.newaxis] - tf.range(attribute.knots, dtype=tf.float32))
    return tf.where(tf.math.is_nan(weights), 0.0, tf.maximum(weights, 0.0))


def _png(outputs):
    # TF Serving's REST API sends outputs named *_bytes as base64.
    return {"image_bytes": tf.map_fn(tf.io.encode_png, outputs["images"], fn_output_signature=tf.string)}
