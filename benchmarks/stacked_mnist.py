"""A thousand modes: three random digits as the channels of one image, made without labels.

The protocol is that of VEEGAN (Srivastava et al., 2017, https://arxiv.org/abs/1705.07761): 26,000 samples. The digit in
each channel is classified, a mode is covered if any sample shows it, and the KL divergence is that of the modes from
the uniform distribution, in nats. It is not 0 even for perfect samples: (K − 1) / 2N = 0.0192 by chance, and a little
because digits are not equally frequent in the data. The first row, real test images, shows both.

Examples:
  python -m benchmarks.stacked_mnist --minutes 60
  python -m benchmarks.stacked_mnist --minutes 60 --loss non_saturating --penalties
  KERAS_BACKEND=jax python -m benchmarks.stacked_mnist --width 128 --batch-size 256 --precision bfloat16 --steps 20000
"""

from __future__ import annotations

import dataclasses
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import scipy.stats

import keras_gen
from keras_gen.cli.command_line import one_line_errors, parse, start_keras

NUM_SAMPLES = 26_000
NUM_CHANNELS = 3
STEPS_PER_EPOCH = 256  # an epoch is only the interval between two lines of progress: stacks do not run out
DEFAULT_STEPS = 20_000

GAMMA, GAMMA_END = 1.0, 0.1
LEARNING_RATE = 1e-3
EMA_DECAY = 0.999


@dataclasses.dataclass(frozen=True)
class Options:
    """What to train, and for how long."""

    data: str = "mnist"
    """Labelled grey data set: a name or a path, as for train_gan.py."""
    loss: str = "relativistic"
    """Loss, as for train_gan.py; the article's is non_saturating."""
    penalties: tuple[str, ...] = ("r1", "r2")
    """Penalties as for train_gan.py, or none after the bare option. γ of r1 and r2 goes from 1 to 0.1."""
    width: int = 32
    """Channels of the conv networks at full size; 64 or 128 on a GPU."""
    batch_size: int = 64
    """Images per step; 256 on a GPU."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """bfloat16 is faster on a GPU."""
    minutes: float | None = None
    """Wall-clock budget of training. With --steps, whichever ends first."""
    steps: int | None = None
    """Steps of each player, rounded up to 256; 20,000 when --minutes is not given either."""
    seed: int = 0
    """Source of all randomness."""
    out: Path = Path("runs/stacked_mnist")
    """Folder of samples.png."""


def stacks(images: np.ndarray, num: int, generator: np.random.Generator) -> np.ndarray:
    """`num` images (num, height, width, 3), each channel a random one of the grey `images` (n, height, width, 1)."""
    chosen = images[generator.integers(len(images), size=(num, NUM_CHANNELS)), ..., 0]  # (num, 3, height, width)
    return np.ascontiguousarray(np.moveaxis(chosen, 1, -1))


def batches(images: np.ndarray, batch_size: int, seed: int) -> Iterator[tuple[np.ndarray]]:
    """Batches of fresh stacks for `fit`, without end."""
    generator = np.random.default_rng(seed)
    while True:
        yield (stacks(images, batch_size, generator),)


def modes_of(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """The number of the mode of each stack: labels (n, 3) are digits to the base `num_classes`."""
    return labels @ num_classes ** np.arange(NUM_CHANNELS)[::-1]


def sampling_floor(num_modes: int, num_samples: int) -> float:
    """The expected KL divergence from uniform of `num_samples` samples that are uniform: `(K − 1) / 2N`."""
    return (num_modes - 1) / (2 * num_samples)


def score(modes: np.ndarray, num_modes: int) -> dict[str, float]:
    """Modes covered and divergence.

    Args:
        modes: int (n,), the mode of each sample, in [0, num_modes).
        num_modes: K.

    Returns:
        Dict of `modes`, `kl` from the uniform distribution in nats, and `kl_above_floor`, less `sampling_floor`.
    """
    counts = np.bincount(modes, minlength=num_modes)
    kl = float(scipy.stats.entropy(counts, np.ones(num_modes)))  # which divides both by their sums
    return {
        "modes": int(np.sum(counts > 0)),
        "kl": kl,
        "kl_above_floor": kl - sampling_floor(num_modes, len(modes)),
    }


def score_images(images: np.ndarray, net, num_classes: int) -> dict[str, float]:
    """The score of stacks (n, height, width, 3), each channel classified by a feature net of the grey images."""
    labels = [net.extract(images[..., channel : channel + 1]).columns["label"] for channel in range(NUM_CHANNELS)]
    return score(modes_of(np.stack(labels, axis=1), num_classes), num_classes**NUM_CHANNELS)


def train(images: np.ndarray, options: Options):
    """The unconditional GAN that learned stacks of `images` (n, height, width, 1)."""
    import keras

    from keras_gen import callbacks, networks, penalties, schedules
    from keras_gen.runs import hardware

    keras.utils.set_random_seed(options.seed)
    hardware.set_precision(options.precision)
    image_shape = (*images.shape[1:3], NUM_CHANNELS)
    gan = keras_gen.GAN(
        networks.conv.generator(image_shape, width=options.width),
        networks.conv.discriminator(image_shape, width=options.width),
        ema_decay=EMA_DECAY,
        seed=options.seed,
    )
    gamma = schedules.Cosine(GAMMA, GAMMA_END)
    gan.compile(
        keras.optimizers.Adam(beta_1=0.0, beta_2=0.99),
        keras.optimizers.Adam(beta_1=0.0, beta_2=0.99),
        loss=options.loss,
        penalties=[penalties.get(name, gamma if name in ("r1", "r2") else None) for name in options.penalties],
        hyperparameters={"learning_rate": schedules.RATES["late"](LEARNING_RATE)},
        steps_per_execution=hardware.steps_per_launch(),
    )
    steps = options.steps or (None if options.minutes else DEFAULT_STEPS)
    epochs = steps and math.ceil(steps / STEPS_PER_EPOCH)
    budget = callbacks.Budget(epochs, options.minutes)
    gan.fit(
        batches(images, options.batch_size, options.seed),
        steps_per_epoch=STEPS_PER_EPOCH,
        epochs=epochs or sys.maxsize,  # as many as the minutes allow
        shuffle=False,  # a generator cannot be shuffled, and Keras would warn
        verbose=0,
        callbacks=[budget, callbacks.StopOnSignal(), callbacks.ProgressBar(budget)],
    )
    return gan


def markdown_row(name: str, steps: int, minutes: float, scored: dict[str, float]) -> str:
    """One row of the table."""
    divergences = f"{scored['kl']:.4f} | {scored['kl_above_floor']:.4f}"
    return f"| {name} | {steps:,} | {minutes:.1f} | {scored['modes']:,} | {divergences} |"


def main(options: Options) -> None:
    """Trains a GAN on stacks and prints how many modes it has, below those of real stacks."""
    with one_line_errors():
        start_keras()
        import keras

        from keras_gen import features

        data = keras_gen.load(options.data)
        if data.image_shape[-1] != 1:
            raise ValueError(f"expected grey images to stack, received {data.image_shape[-1]} channels")
        net = features.FeatureNet.of(data)
        started_at = time.monotonic()
    gan = train(data.train.images[:], options)
    minutes = (time.monotonic() - started_at) / 60

    samples = gan.sample(NUM_SAMPLES, seed=options.seed)
    keras_gen.images.save_png(options.out / "samples.png", keras_gen.images.grid(samples[:100]))
    real = stacks(data.test.images[:], NUM_SAMPLES, np.random.default_rng(options.seed))
    how = f"width {options.width}, {options.precision}, {keras.backend.backend()}"
    name = f"{' + '.join((options.loss, *options.penalties))}, {how}"
    print("| run | steps | minutes | modes | KL | KL − floor |\n|" + " --- |" * 6)
    print(markdown_row("real test images", 0, 0.0, score_images(real, net, data.num_classes)))
    print(markdown_row(name, int(gan.optimizer.iterations), minutes, score_images(samples, net, data.num_classes)))


if __name__ == "__main__":
    main(parse(Options, __doc__))
