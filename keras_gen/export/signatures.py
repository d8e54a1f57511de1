"""What a server can ask an exported model for: named signatures with one shared batch dimension.

Each family of models has one function here that returns its signatures by name. Row i of every output depends on
row i of the inputs alone; where rows bring seeds, to the byte, whatever the batch around them (see `_in_groups`).
"""

from __future__ import annotations

import functools
import keyword
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_gen import images as pixels
from keras_gen.inputs import Attribute, Categorical, Conditions, Continuous
from keras_gen.models.autoencoders import Autoencoder
from keras_gen.models.gan import GAN
from keras_gen.models.generative import Generative

# Images that are made together, see `_in_groups`. With the networks of four presets on two cores, single requests take
# 1 to 3 times as long as without groups and batches of 64 rows 0.6 to 4 times; with groups of 8 up to 6 and 2 times,
# with single images the latter up to 12 times.
GROUP = 4

# What no attribute's input can be called: inputs of ours, and what Python calls TensorFlow's function itself.
TAKEN = ("seed", "to_seed", "fraction", "truncation", "images", "self")


class Signature(NamedTuple):
    """One thing to ask for.

    Attributes:
        function: one tensor for each input → dict of named output tensors.
        inputs: name, dtype and shape of each, the first dimension None.
        examples: values of those inputs that do not take just any; the first one of an option leaves it open.
    """

    function: Callable
    inputs: tuple[tf.TensorSpec, ...]
    examples: Mapping[str, list] = MappingProxyType({})


@functools.singledispatch
def signatures(model, discriminator: bool = False) -> dict[str, Signature]:
    """The signatures of a `GAN` or an `Autoencoder` by name; `serving_default` is always among them.

    Args:
        model: the model.
        discriminator: whether to keep what a `GAN` judges images with.

    Raises:
        ValueError: for other models, or a discriminator that is not there or cannot judge single images.
    """
    raise ValueError(f"expected a GAN or an Autoencoder to export, received {type(model).__name__}")


@signatures.register
def _(model: GAN, discriminator: bool = False) -> dict[str, Signature]:
    latents = tf.TensorSpec((None, model.latent_dim), tf.float32, name="latents")

    def decode(*inputs):
        return {"images": model.render(*inputs)}

    judgement = {"discriminate": _judgement(model)} if discriminator else {}
    return {"serving_default": Signature(decode, (latents, *_rows(model))), **_generation(model), **judgement}


@signatures.register
def _(model: Autoencoder, discriminator: bool = False) -> dict[str, Signature]:
    if discriminator:
        raise ValueError("expected a GAN to keep the discriminator of, received an autoencoder, which has none")
    images = tf.TensorSpec((None, *model.image_shape), tf.uint8, name="images")
    codes = tf.TensorSpec((None, model.latent_dim), tf.float32, name="codes")

    def encode(images):
        return {"codes": model.to_codes(model.encoder(pixels.to_float(images), training=False), training=False)}

    def reconstruct(images, *rows):
        codes = encode(images)["codes"]
        return {"reconstructions": pixels.to_uint8(model.render(codes, *rows))}

    def decode(*inputs):
        return {"images": pixels.to_uint8(model.render(*inputs))}

    return {
        "serving_default": Signature(reconstruct, (images, *_rows(model))),
        "encode": Signature(encode, (images,)),
        "decode": Signature(decode, (codes, *_rows(model))),
        **(_generation(model) if model.prior else {}),
    }


def _rows(model: Generative) -> tuple[tf.TensorSpec, ...]:
    """The input for conditions as a network gets them, if it gets any."""
    if model.conditions is None:
        return ()
    return (tf.TensorSpec((None, model.conditions.width), tf.float32, name="conditions"),)


def _generation(model: Generative) -> dict[str, Signature]:
    """The signatures that make new images, each row of a seed of its own and of what is asked for by name."""
    seed, to_seed = (tf.TensorSpec((None,), tf.int64, name=name) for name in ("seed", "to_seed"))
    fraction = tf.TensorSpec((None,), tf.float32, name="fraction")
    truncates = model.num_choices < model.noise_dim
    attributes = _attributes(model)
    options = tuple(_asked(name, attribute) for name, attribute in attributes.items())
    examples = {name: _values(attribute) for name, attribute in attributes.items()}
    if truncates:
        options = (tf.TensorSpec((None,), tf.float32, name="truncation"), *options)
        examples["truncation"] = [np.nan, 0.5, 2.0]

    def read(seeds, options):
        """The noise of seeds as a function, and the rows, if any, that the options ask for."""
        limits, values = (options[0], options[1:]) if truncates else (None, options)
        rows = () if model.conditions is None else (_conditions(model.conditions, values, seeds),)

        def noise(seeds):
            drawn = _noise(seeds, model.noise_dim)
            return drawn if limits is None else _truncate(drawn, limits, model.num_choices)

        return noise, rows

    def generate(seeds, *options):
        noise, rows = read(seeds, options)

        def make(noise, *rows):
            return pixels.to_uint8(model.render(model.from_noise(noise), *rows))

        return {"images": _in_groups(make, noise(seeds), *rows)}

    def generate_png(*inputs):
        # TF Serving's REST API sends outputs named *_bytes as base64.
        pictures = generate(*inputs)["images"]
        return {"image_bytes": tf.map_fn(tf.io.encode_png, pictures, fn_output_signature=tf.string)}

    def interpolate(seeds, to_seeds, fractions, *options):
        noise, rows = read(seeds, options)
        fractions = _checked(fractions, (fractions >= 0) & (fractions <= 1), "fraction: expected 0 to 1, received")

        def make(start, end, fraction, *rows):
            ends = model.from_noise(start), model.from_noise(end)
            return pixels.to_uint8(model.render(_between(*ends, fraction, model.normal_latents), *rows))

        return {"images": _in_groups(make, noise(seeds), noise(to_seeds), fractions[:, tf.newaxis], *rows)}

    return {
        "generate": Signature(generate, (seed, *options), examples),
        "generate_png": Signature(generate_png, (seed, *options), examples),
        "interpolate": Signature(
            interpolate, (seed, to_seed, fraction, *options), {"fraction": [0.0, 0.3, 1.0], **examples}
        ),
    }


def _judgement(model: GAN) -> Signature:
    """The verdict of the discriminator; what is left open about an image is taken for missing."""
    if model.pack_size > 1:
        raise ValueError(
            f"expected a discriminator that judges single images, received one of packs of {model.pack_size}: what it "
            "says of an image depends on the others of the pack"
        )
    attributes = _attributes(model)

    def discriminate(images, *values):
        images = pixels.to_float(images)
        inputs = images if model.conditions is None else [images, _conditions(model.conditions, values)]
        return {"logits": tf.cast(model.discriminator(inputs, training=False), tf.float32)}

    return Signature(
        discriminate,
        (
            tf.TensorSpec((None, *model.image_shape), tf.uint8, name="images"),
            *(_asked(name, attribute) for name, attribute in attributes.items()),
        ),
        {name: _values(attribute) for name, attribute in attributes.items()},
    )


def _in_groups(function, *inputs):
    """A function of rows, given the same number of them each time.

    How a matrix product adds up depends on its size, and the last digit of a sum may turn the rounding of a byte. In
    groups of one size a row comes out the same whatever the batch, as long as it runs on the same kind of machine.
    """
    num = tf.shape(inputs[0])[0]
    missing = -num % GROUP

    def grouped(rows):
        return tf.reshape(tf.pad(rows, [[0, missing], [0, 0]]), (-1, GROUP, rows.shape[1]))

    made = tf.map_fn(lambda group: function(*group), tuple(map(grouped, inputs)), fn_output_signature=tf.uint8)
    return tf.reshape(made, tf.concat([[num + missing], tf.shape(made)[2:]], axis=0))[:num]


def _noise(seeds, noise_dim: int):
    """Standard normal numbers (batch, noise_dim), each row drawn from its own seed alone."""

    def draw(seed):
        # Philox by name: "auto" may pick another generator, and so other pictures, on another server.
        return tf.random.stateless_normal((noise_dim,), tf.stack([seed, 0]), alg="philox")

    return tf.map_fn(draw, seeds, fn_output_signature=tf.TensorSpec((noise_dim,), tf.float32))


def _truncate(noise, limits, num_choices: int):
    """`Generative.truncate` with a limit for each row, NaN for none."""
    valid = tf.math.is_nan(limits) | (limits > 0)  # not ~(limits <= 0), which the graph optimizer turns into limits > 0
    limits = _checked(limits, valid, "truncation: expected a number above 0, or NaN for none, received")
    limits = tf.cast(limits, tf.float64)[:, tf.newaxis]
    free = tf.cast(noise[:, num_choices:], tf.float64)
    low, high, place = (tf.math.erfc(-value / np.sqrt(2.0)) / 2 for value in (-limits, limits, free))
    cut = tf.where(tf.math.is_nan(limits), free, tf.math.ndtri(low + place * (high - low)))
    return tf.concat([noise[:, :num_choices], tf.cast(cut, tf.float32)], axis=1)


def _between(starts, ends, fractions, curved: bool):
    """Latents on the ways from starts to ends, as `latents.walk` goes; fractions are (batch, 1)."""
    lengths = tf.norm(starts, axis=1, keepdims=True) * tf.norm(ends, axis=1, keepdims=True)
    cosines = tf.reduce_sum(starts * ends, axis=1, keepdims=True) / tf.maximum(lengths, 1e-12)
    angles = tf.acos(tf.clip_by_value(cosines, -1.0, 1.0))
    # Between the same and between opposite latents no way around is the shorter one: straight on.
    whole = tf.sin(angles)
    around = (whole > 1e-3) & curved

    def weights(parts):
        return tf.where(around, tf.sin(parts * angles) / tf.where(around, whole, 1.0), parts)

    return weights(1.0 - fractions) * starts + weights(fractions) * ends


def _attributes(model: Generative) -> dict[str, Attribute]:
    """What can be asked for, by the name of the input."""
    if model.conditions is None:
        return {}
    names = input_names(model.conditions)
    return {names[attribute.name]: attribute for attribute in model.conditions.attributes}


def input_names(conditions: Conditions) -> dict[str, str]:
    """The name of the input for each attribute, by the attribute's own: letters, digits and _, none of them twice.

    Example:
        >>> input_names(Conditions([Categorical(name, ["no", "yes"]) for name in ("hair colour", "seed", "帽子")]))
        {'hair colour': 'hair_colour', 'seed': 'condition_seed', '帽子': 'condition_3'}
    """
    names: dict[str, str] = {}
    for number, attribute in enumerate(conditions.attributes, start=1):
        name = re.sub(r"\W", "_", attribute.name, flags=re.ASCII)
        name = name if name.strip("_") else str(number)
        taken = {other.lower() for other in (*TAKEN, *names.values())}  # TensorFlow tells no Hat from a hat
        while name.lower() in taken or keyword.iskeyword(name) or not name[0].isalpha():
            name = f"condition_{name}"
        names[attribute.name] = name
    return names


def _asked(name: str, attribute: Attribute) -> tf.TensorSpec:
    """The input in which a request says what it asks for: text for a class, a number for a number."""
    return tf.TensorSpec((None,), tf.string if isinstance(attribute, Categorical) else tf.float32, name=name)


def _values(attribute: Attribute) -> list:
    """What may be asked for, nothing in particular first."""
    if isinstance(attribute, Categorical):
        return ["", *attribute.values]
    assert isinstance(attribute, Continuous)
    return [np.nan, attribute.low, attribute.high]


def _conditions(conditions: Conditions, values, seeds=None):
    """Rows (batch, width): what was asked for, and where that is "" or NaN what an example drawn by the seed has.

    Without seeds, what is not asked for is missing: zeros.
    """
    examples = conditions.examples or conditions.decode(conditions.rows(4096, seed=0))
    num = len(next(iter(examples.values())))

    def draw(seed):
        # Another stream than the latents': [seed, 0] is theirs.
        return tf.random.stateless_uniform((), tf.stack([seed, 1]), maxval=num, dtype=tf.int32, alg="philox")

    drawn = None if seeds is None else tf.map_fn(draw, seeds, fn_output_signature=tf.int32)
    blocks = []
    for attribute, value in zip(conditions.attributes, values, strict=True):
        categorical = isinstance(attribute, Categorical)
        if drawn is None:
            default = tf.fill(tf.shape(value), -1 if categorical else np.nan)
        else:
            default = tf.gather(tf.constant(examples[attribute.name]), drawn)
        blocks.append((_encode_text if categorical else _encode_number)(attribute, value, default))
    return tf.concat(blocks, axis=1)


def _encode_text(attribute, texts, default):
    asked = texts[:, tf.newaxis] == tf.constant(attribute.values)[tf.newaxis]  # (batch, values)
    known = (texts == "") | tf.reduce_any(asked, axis=1)
    texts = _checked(
        texts, known, f"{attribute.name}: expected one of {', '.join(attribute.values)}, or nothing, received"
    )
    return tf.where((texts == "")[:, tf.newaxis], tf.one_hot(default, attribute.width), tf.cast(asked, tf.float32))


def _encode_number(attribute, numbers, default):
    """`Continuous.encode` in TensorFlow."""
    numbers = tf.where(tf.math.is_nan(numbers), default, numbers)
    numbers = tf.clip_by_value(numbers, attribute.low, attribute.high)
    position = (numbers - attribute.low) / (attribute.high - attribute.low) * (attribute.knots - 1)
    weights = 1.0 - tf.abs(position[:, tf.newaxis] - tf.range(attribute.knots, dtype=tf.float32))
    return tf.where(tf.math.is_nan(weights), 0.0, tf.maximum(weights, 0.0))


def _checked(values, valid, message: str):
    """The values, or an error that shows them: one that is not valid has the whole batch refused."""
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(valid), [message, values])]):
        return tf.identity(values)
