"""What happens to photographs on paper over the years: scratches, faded colours, and everything together."""

from __future__ import annotations

import math

import keras
from keras import ops

from keras_gen.corruptions.compression import jpeg
from keras_gen.corruptions.pixels import grey

THICKNESS = (0.01, 0.03)  # of scratches, as a share of the shorter side
LENGTHS = (0.2, 1.2)  # as a share of the shorter side
MAX_BEND = 0.1  # as a share of the length
CONTRAST, SATURATION = 0.4, 0.2  # the least that is left of them at an amount of 1
CAST, BRIGHTNESS = 0.2, 0.2  # the most that is added to a colour, and to all
NOISE = 0.2  # the highest standard deviation of the noise of worn pictures
MIN_QUALITY = 10  # of their JPEG


def scratches(images, amount=3, seed=None):
    """Draws thin lines over each image, straight or slightly bent: white, black, or sometimes grey.

    Alpha is not changed.

    Args:
        images: float tensor (b, height, width, channels).
        amount: the lines on each image, a whole number. They are 1 to 3 % of the shorter side thick, at least a pixel.
        seed: of the lines.

    Returns:
        A tensor like `images`.

    Raises:
        ValueError: for an amount that is not a whole number.

    Example:
        >>> tuple(scratches(ops.zeros((2, 8, 12, 3)), seed=0).shape)
        (2, 8, 12, 3)
    """
    if amount != int(amount):
        raise ValueError(f"expected a whole number of scratches, received {amount}")
    height, width = images.shape[1:3]
    side = min(height, width)
    colors, alpha = images[..., :3], images[..., 3:]
    drawn = keras.random.uniform((ops.shape(images)[0], int(amount), 7), seed=seed)
    for line in range(int(amount)):
        top, left, angle, length, bend, thickness, tone = (drawn[:, line, index] for index in range(7))
        angle, length = 2 * math.pi * angle, side * _between(LENGTHS, length)
        starts = ops.stack([height * top, width * left], axis=-1)
        ends = starts + length[:, None] * ops.stack([ops.sin(angle), ops.cos(angle)], axis=-1)
        bends = length * _between((-MAX_BEND, MAX_BEND), bend)
        covered = stroke((height, width), starts, ends, bends, ops.maximum(1.0, side * _between(THICKNESS, thickness)))
        tones = ops.where(tone < 0.4, 1.0, ops.where(tone < 0.8, -1.0, 10 * tone - 9))  # the last fifth: any grey
        colors = colors + covered * (tones[:, None, None, None] - colors)
    return ops.concatenate([colors, alpha], axis=-1)


def stroke(size, starts, ends, bends, thickness):
    """How much of each pixel a bent line covers, by the distance of the pixel's centre from the line.

    The line is an arc between two points, a parabola; a pixel's distance from it is measured at a right angle to the
    chord, which is exact for straight lines and nearly so for slightly bent ones.

    Args:
        size: (height, width).
        starts: float tensor (b, 2): from the top and from the left, in pixels.
        ends: float tensor (b, 2), other points than the starts.
        bends: float tensor (b,): how far the middle of the line is from the middle of the chord, in pixels.
        thickness: float tensor (b,), in pixels.

    Returns:
        float32 tensor (b, height, width, 1), in [0, 1].

    Example:
        >>> points = ops.array([[1.0, 0.0]]), ops.array([[1.0, 3.0]])
        >>> ops.convert_to_numpy(stroke((3, 3), *points, ops.zeros(1), ops.ones(1)))[0, :, :, 0].tolist()
        [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5], [0.0, 0.0, 0.0]]
    """
    rows, columns = (ops.arange(length, dtype="float32") + 0.5 for length in size)
    chords = ends - starts
    lengths = ops.sqrt(ops.sum(ops.square(chords), axis=-1))
    down, right = (_per_image(chords[:, axis] / lengths) for axis in (0, 1))
    from_top = rows[None, :, None] - _per_image(starts[:, 0])  # (b, height, 1)
    from_left = columns[None, None, :] - _per_image(starts[:, 1])  # (b, 1, width)
    along = from_top * down + from_left * right  # (b, height, width), in pixels from the start
    across = from_top * right - from_left * down
    nearest = ops.clip(along, 0.0, _per_image(lengths))
    share = nearest / _per_image(lengths)
    distances = ops.sqrt(ops.square(along - nearest) + ops.square(across - _per_image(4 * bends) * share * (1 - share)))
    return ops.clip(_per_image(thickness) / 2 + 0.5 - distances, 0.0, 1.0)[..., None]


def faded(images, amount=1.0, seed=None):
    """Fades each image as old photographs do: less contrast and colour, a cast, another brightness.

    `contrast · grey(images, 1 − saturation) + cast + brightness`, drawn for each image: a contrast of 0.4 to 1, a
    saturation of 0.2 to 1, a cast of up to ± 0.2 a colour, then shifted to a mean of 0, and a brightness of up to
    ± 0.2. Alpha is not changed.

    Args:
        images: float tensor (b, height, width, 1, 3 or 4).
        amount: above 0: 2 loses twice as much, where contrast and saturation count by their logarithm.
        seed: of what is drawn.

    Returns:
        A float tensor like `images`, in [-1, 1].

    Example:
        >>> tuple(faded(ops.zeros((2, 8, 12, 3)), seed=0).shape)
        (2, 8, 12, 3)
    """
    colors, alpha = images[..., :3], images[..., 3:]
    drawn = keras.random.uniform((ops.shape(images)[0], 1, 1, 6), seed=seed)
    contrast, saturation, brightness, cast = drawn[..., :1], drawn[..., 1:2], drawn[..., 2:3], drawn[..., 3:]
    cast = CAST * amount * (2 * cast - 1)[..., : colors.shape[-1]]
    cast = cast - ops.mean(cast, axis=-1, keepdims=True)  # a colour only; of one channel, nothing
    colors = CONTRAST ** (amount * contrast) * grey(colors, 1 - SATURATION ** (amount * saturation))
    colors = ops.clip(colors + cast + BRIGHTNESS * amount * (2 * brightness - 1), -1.0, 1.0)
    return ops.concatenate([colors, alpha], axis=-1)


def wear(images, amount=1.0, seed=None):
    """Wears each image out as years and copies do, in this order: scratches, noise, JPEG, faded colours.

    Each of them with probability 1/2 for each image, so one in 16 is left as it is: a model learns to leave good
    pictures alone. Alpha is not changed.

    Args:
        images: float tensor (b, height, width, 1, 3 or 4).
        amount: above 0, of all: at 1, 3 scratches, noise with a standard deviation of up to 0.2, JPEG of quality 100
            down to 10, and colours faded as `faded` does.
        seed: of what is drawn.

    Returns:
        A float tensor like `images`, in [-1, 1].

    Example:
        >>> tuple(wear(ops.zeros((2, 8, 12, 3)), seed=0).shape)
        (2, 8, 12, 3)
    """
    colors, alpha = images[..., :3], images[..., 3:]
    numbers, *seeds = _apart(seed, 4)
    drawn = keras.random.uniform((ops.shape(images)[0], 6), seed=numbers)
    noise = NOISE * amount * drawn[:, 4, None, None, None]
    quality = ops.maximum(MIN_QUALITY, 100 - (100 - MIN_QUALITY) * amount * drawn[:, 5])
    steps = (
        lambda colors: scratches(colors, max(1, round(3 * amount)), seeds[0]),
        lambda colors: colors + noise * keras.random.normal(ops.shape(colors), seed=seeds[1]),
        lambda colors: jpeg(colors, quality),
        lambda colors: faded(colors, amount, seeds[2]),
    )
    for index, step in enumerate(steps):
        colors = ops.where(drawn[:, index, None, None, None] < 0.5, step(colors), colors)
    return ops.concatenate([ops.clip(colors, -1.0, 1.0), alpha], axis=-1)


def _apart(seed, num):
    """Seeds for several draws; one int would draw the same numbers each time."""
    return [seed + index for index in range(num)] if isinstance(seed, int) else [seed] * num


def _between(limits, uniform):
    low, high = limits
    return low + (high - low) * uniform


def _per_image(numbers):
    return ops.reshape(numbers, (-1, 1, 1))
