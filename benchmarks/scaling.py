"""Whether the cost per image depends on the number of images or on the batch, and memory on the time.

Trains a preset under `fit`, as `train_gan.py` does, on images of noise.

Example:
  python -m benchmarks.scaling
"""

from __future__ import annotations

import dataclasses
import resource
import statistics
import time

import numpy as np

from keras_gen.cli.command_line import one_line_errors, parse, start_keras
from keras_gen.presets import GANS
from keras_gen.runs.options import GANOptions


@dataclasses.dataclass(frozen=True)
class Options:
    """What to train."""

    preset: str = "article"
    """A preset of train_gan.py."""
    sizes: tuple[int, ...] = (1_000, 10_000, 60_000)
    """Images in the set."""
    batch_sizes: tuple[int, ...] = (64, 128, 256, 512)
    """Images per step, each with the middle size."""
    seconds: float = 10.0
    """Length of each row."""
    steps: int = 2_000
    """Steps of the run whose memory is watched."""


def megabytes_now() -> float:
    """Resident memory of this process."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


def train(preset: str, num: int, batch_size: int, *, seconds: float = 0.0, steps: int = 0) -> dict[str, float]:
    """Trains for some seconds or steps: milliseconds per thousand images, memory after the first and the last epoch."""
    import keras

    from keras_gen import data
    from keras_gen.runs import gan as story

    noise = np.random.default_rng(0).integers(0, 256, (num, 28, 28, 1), "uint8")
    split = data.Split(noise, np.arange(num) % 10)
    images = data.ImageData("noise", split, split.take(range(10)), [str(label) for label in range(10)])
    options = GANOptions(preset=preset, batch_size=batch_size, augment="none").resolve(GANS)
    gan, batches = story.build(options, images)
    times: list[float] = []
    memory: list[float] = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self._began_at = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            times.append((time.perf_counter() - self._began_at) / (len(batches) * batch_size))
            memory.append(megabytes_now())
            done = sum(times) * len(batches) * batch_size
            if (steps and (epoch + 1) * len(batches) >= steps) or (seconds and epoch and done >= seconds):
                self.model.stop_training = True

    gan.fit(**batches.for_fit(), epochs=10**9, verbose=0, callbacks=[Watch()])
    # The first epoch compiles.
    return {"ms": 1e6 * statistics.median(times[1:] or times), "first": memory[0], "last": memory[-1]}


def main(options: Options) -> None:
    """Prints a row for each size, each batch, and the run that is watched."""
    with one_line_errors():
        start_keras()
    print("| images | batch | ms for 1,000 images | memory after one epoch, MB | in the end |\n|" + " --- |" * 5)
    usual = GANOptions(preset=options.preset).resolve(GANS).suited_to((28, 28, 1)).batch_size
    middle = options.sizes[len(options.sizes) // 2]
    cases = [(size, usual) for size in options.sizes] + [(middle, batch) for batch in options.batch_sizes]
    for num, batch_size in cases:
        row = train(options.preset, num, batch_size, seconds=options.seconds)
        print(f"| {num:,} | {batch_size} | {row['ms']:.0f} | {row['first']:.0f} | {row['last']:.0f} |", flush=True)
    row = train(options.preset, options.sizes[0], usual, steps=options.steps)
    print(f"{options.steps:,} steps: {row['first']:.0f} MB after the first epoch, {row['last']:.0f} MB in the end")


if __name__ == "__main__":
    main(parse(Options, __doc__))
