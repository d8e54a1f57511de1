"""What a server can ask an exported model for: named signatures with one shared batch dimension.

A model defines what it offers (`Generative.endpoints`); every model that makes new images offers to make them by seed
too. Row i of every output depends on row i of the inputs alone. Where rows have seeds, it is the same to the byte,
whatever else is in the batch (see `_in_groups`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_gen import images as pixels
from keras_gen import latents
from keras_gen.inputs import Request
from keras_gen.models.generative import Endpoint, Generative

# Images that are made together, see `_in_groups`. Measured with the networks of four presets on two cores, and compared
# with no groups: single requests take 1 to 3 times as long, batches of 64 rows 0.6 to 4 times. With groups of 8 these
# are up to 6 and 2 times; with single images, batches take up to 12 times as long.
GROUP = 4

SEED = Request(
    "int64",
    about="one for each row. The same seed gives the same picture, whatever else is in the batch, but not the picture "
    "that `sample` draws in Python for the same number. At most 2^53 from JavaScript.",
)
TO_SEED = Request("int64", about="the seed at which the way from `seed` ends.")
FRACTION = Request("float32", examples=(0.0, 0.3, 1.0), about="how far to go from `seed` (0) to `to_seed` (1).")
TRUNCATION = Request(
    "float32",
    examples=(np.nan, 0.5, 2.0),
    about="latents stay within ± this number: smaller is more typical and less varied. NaN, or a large number such as "
    "9, leaves them as they are.",
)
YAW = Request(
    "float32",
    examples=(np.nan, 0.0, 90.0, -200.0),
    about="degrees by which the view turns to the right: the image is rolled, by whole pixels. NaN or 0: not at all.",
)


class Signature(NamedTuple):
    """One thing to ask for.

    Attributes:
        function: one tensor for each input → dict of named output tensors.
        inputs: name, dtype and shape of each, the first dimension None.
        requests: what each input means, by its name.
    """

    function: Callable
    inputs: tuple[tf.TensorSpec, ...]
    requests: Mapping[str, Request] = MappingProxyType({})

    @property
    def examples(self) -> dict[str, list]:
        """Values of the inputs that accept only some; the first one of an option leaves it open."""
        return {name: list(request.examples) for name, request in self.requests.items() if request.examples}


def signatures(model: Generative, discriminator: bool = False) -> dict[str, Signature]:
    """The signatures of a model by name; `serving_default` is always among them.

    Args:
        model: a `Generative` model.
        discriminator: whether to keep the network with which a game scores images.

    Raises:
        ValueError: for other models, or a discriminator that is missing or cannot score single images.
    """
    if not isinstance(model, Generative):
        raise ValueError(f"expected a GAN, an Autoencoder or another Generative model, received {type(model).__name__}")
    endpoints = model.endpoints(discriminator)
    if model.generates:
        endpoints |= _generation(model)
    elif model.verb in endpoints:
        endpoints[f"{model.verb}_png"] = _as_png(endpoints[model.verb])
    return {key: _signature(endpoint) for key, endpoint in endpoints.items()}


def _signature(endpoint: Endpoint) -> Signature:
    """An endpoint in TensorFlow: texts become indices of their choices."""
    requests = endpoint.inputs

    def function(*values):
        values = _of_one_batch(requests, values)
        read = (
            _index(request, value) if request.choices else value
            for request, value in zip(requests.values(), values, strict=True)
        )
        return endpoint.function(*read)

    specs = tuple(
        tf.TensorSpec((None, *request.shape), "string" if request.dtype == "text" else request.dtype, name=name)
        for name, request in requests.items()
    )
    return Signature(function, specs, requests)


def _of_one_batch(requests: Mapping[str, Request], values):
    """The inputs, or an error where one has more or fewer rows than the first: TensorFlow would repeat some of them."""
    first, *others = requests
    num = tf.shape(values[0])[0]
    checks = [
        tf.debugging.Assert(
            tf.equal(tf.shape(value)[0], num),
            [f"expected as many {name} as {first}, received", tf.shape(value)[0], "and", num],
        )
        for name, value in zip(others, values[1:], strict=True)
    ]
    with tf.control_dependencies(checks):
        return [tf.identity(value) for value in values]


def _index(request: Request, texts):
    """The index of each text among the choices, -1 for an empty one."""
    asked = texts[:, tf.newaxis] == tf.constant(request.choices)[tf.newaxis]  # (batch, choices)
    known = (texts == "") | tf.reduce_any(asked, axis=1)
    choices = ", ".join(request.choices)
    texts = _checked(texts, known, f"{request.asks_for}: expected one of {choices}, or nothing, received")
    return tf.where(texts == "", -1, tf.argmax(asked, axis=1, output_type=tf.int32))


def _generation(model: Generative) -> dict[str, Endpoint]:
    """The endpoints that make new images, each row from its own seed and from what is asked for by name or given."""
    has_noise = model.latent_input is not None
    truncates = model.num_choices < model.noise_dim and model.task is None
    beside = [each for each in model.inputs if each.in_batch]
    options = model.requests_of(beside)
    draws = has_noise or any(each.is_drawn for each in beside)
    seeds = {"seed": SEED} if draws else {}
    turns = model.wrap != "none" and model.task is None
    limits = ({"truncation": TRUNCATION} if truncates else {}) | ({"yaw": YAW} if turns else {})

    def read(values, seeds):
        """Functions that make noise from seeds and turn images, and the tensors of the inputs beside the noise."""
        limit, *values = values if truncates else (None, *values)
        yaw, *values = values if turns else (None, *values)
        rows = model.read_requests(beside, values, None if seeds is None else _drawer(seeds))

        def noise(seeds):
            if not has_noise:
                return []
            drawn = _noise(seeds, model.noise_dim)
            return [drawn if limit is None else _truncate(drawn, limit, model.num_choices)]

        return noise, rows, lambda images: images if yaw is None else _turned(images, yaw)

    def make(*tensors):
        if has_noise:
            tensors = (model.from_noise(tensors[0]), *tensors[1:])
        return pixels.to_uint8(model.render_tensors(*tensors))

    def generate(*values):
        seeds, values = (values[0], values[1:]) if draws else (None, values)
        noise, rows, turned = read(values, seeds)
        return {"images": turned(_in_groups(make, *noise(seeds), *rows))}

    def interpolate(seeds, to_seeds, fractions, *values):
        noise, rows, turned = read(values, seeds)
        fractions = _checked(fractions, (fractions >= 0) & (fractions <= 1), "fraction: expected 0 to 1, received")

        def go(start, end, fraction, *rows):
            ends = model.from_noise(start), model.from_noise(end)
            way = latents.between(*ends, fraction, model.normal_latents)
            return pixels.to_uint8(model.render_tensors(way, *rows))

        made = _in_groups(go, *noise(seeds), *noise(to_seeds), fractions[:, tf.newaxis], *rows)
        return {"images": turned(made)}

    offered = {model.verb: Endpoint(generate, {**seeds, **limits, **options})}
    offered[f"{model.verb}_png"] = _as_png(offered[model.verb])
    if has_noise:
        way = {"seed": SEED, "to_seed": TO_SEED, "fraction": FRACTION}
        offered["interpolate"] = Endpoint(interpolate, {**way, **limits, **options})
    return offered


def _as_png(endpoint: Endpoint) -> Endpoint:
    """An endpoint that makes images, with each of them as a PNG file."""

    def function(*values):
        # TF Serving's REST API sends outputs named *_bytes as base64.
        pictures = endpoint.function(*values)["images"]
        return {"image_bytes": tf.map_fn(tf.io.encode_png, pictures, fn_output_signature=tf.string)}

    return Endpoint(function, endpoint.inputs)


def _in_groups(function, *inputs):
    """Applies a function of rows to the same number of them each time.

    The order in which a matrix product adds up depends on its size, and the last digit of a sum may change the rounding
    of a byte. In groups of one size a row gives the same bytes in any batch, on the same kind of machine. Pictures of
    any size come one by one: they may be large, and a single one would be made as often as there are rows in a group.
    """
    num = tf.shape(inputs[0])[0]
    size = 1 if any(None in rows.shape[1:] for rows in inputs) else GROUP
    missing = -num % size

    def grouped(rows):
        padded = tf.pad(rows, [[0, missing], *[[0, 0]] * (len(rows.shape) - 1)])
        sides = [tf.shape(rows)[axis] if side is None else side for axis, side in enumerate(rows.shape) if axis]
        return tf.reshape(padded, (-1, size, *sides))

    made = tf.map_fn(lambda group: function(*group), tuple(map(grouped, inputs)), fn_output_signature=tf.uint8)
    return tf.reshape(made, tf.concat([[num + missing], tf.shape(made)[2:]], axis=0))[:num]


def _noise(seeds, noise_dim: int):
    """Standard normal numbers (batch, noise_dim), each row drawn from its own seed alone."""

    def draw(seed):
        # Philox by name: "auto" may pick another generator, and so other pictures, on another server.
        return tf.random.stateless_normal((noise_dim,), tf.stack([seed, 0]), alg="philox")

    return tf.map_fn(draw, seeds, fn_output_signature=tf.TensorSpec((noise_dim,), tf.float32))


def _drawer(seeds):
    """A function that draws int32 (batch,) in [0, num), each from the seed of its row alone."""

    def drawn(num):
        def draw(seed):
            # Not the stream of the latents, which is [seed, 0].
            return tf.random.stateless_uniform((), tf.stack([seed, 1]), maxval=num, dtype=tf.int32, alg="philox")

        return tf.map_fn(draw, seeds, fn_output_signature=tf.int32)

    return drawn


def _truncate(noise, limits, num_choices: int):
    """`Generative.truncate` with a limit for each row, NaN for none."""
    valid = tf.math.is_nan(limits) | (limits > 0)  # not ~(limits <= 0), which the graph optimizer turns into limits > 0
    limits = _checked(limits, valid, "truncation: expected a number above 0, or NaN for none, received")
    limits = tf.cast(limits, tf.float64)[:, tf.newaxis]
    free = tf.cast(noise[:, num_choices:], tf.float64)
    cut = tf.clip_by_value(latents.cut_off(free, limits, tf.math), -limits, limits)
    cut = tf.where(tf.math.is_nan(limits), free, cut)
    return tf.concat([noise[:, :num_choices], tf.cast(cut, tf.float32)], axis=1)


def _turned(images, yaw):
    """Images rolled to the left by the pixels that are so many degrees of their width; NaN turns nothing."""
    width = images.shape[2]
    pixels_of = tf.round(tf.where(tf.math.is_nan(yaw), 0.0, yaw) * (width / 360))
    columns = tf.range(width)[tf.newaxis] + tf.cast(tf.math.floormod(pixels_of, width), tf.int32)[:, tf.newaxis]
    return tf.gather(images, columns % width, axis=2, batch_dims=1)


def _checked(values, valid, message: str):
    """The values, or an error that shows them: one invalid value fails the whole batch."""
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(valid), [message, values])]):
        return tf.identity(values)
