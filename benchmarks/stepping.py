"""One contender of `benchmarks.speed`, in its own process.

Reads a number of steps from each line of its standard input, takes them and answers with a line of JSON: the seconds
that they took, and the rate of its framework's matrix product just afterwards, in FLOP/s. The first line describes it.

Example:
  echo 100 | KERAS_BACKEND=jax python -m benchmarks.stepping article keras_gen float32
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

PRODUCTS = 20  # of matrices, one after the other
SIDE = 1024
GPU_ROWS = 65_536  # with fewer, the launch dominates
EPOCH = 256  # steps, for whose images there is memory


class Case(NamedTuple):
    """Something to train.

    Attributes:
        preset: of keras_gen; "vae" is one of `train_ae.py`.
        image_shape: (height, width, channels).
        batch_size: images of a step, for all discriminator steps together.
        rows: of the matrices whose product is the ceiling: the batch of dense networks, many for convolutions.
    """

    preset: str
    image_shape: tuple[int, int, int]
    batch_size: int
    rows: int = 4096


CASES = {
    "article": Case("article", (28, 28, 1), 128, rows=128),
    "dcgan-28": Case("dcgan", (28, 28, 1), 128),
    "dcgan-32": Case("dcgan", (32, 32, 3), 128),
    "wgan-gp": Case("wgan-gp", (28, 28, 1), 320),
    "fast": Case("fast", (28, 28, 1), 64),
    "vae": Case("vae", (28, 28, 1), 128),
}


class Contender(NamedTuple):
    """A trainer to time.

    Attributes:
        train: takes a number of steps and returns the seconds, when the device is done.
        product: returns the seconds of `PRODUCTS` products of (rows, SIDE) and (SIDE, SIDE) matrices, likewise.
        weights: number of trained weights.
        flops: of the products and convolutions of one step, or None where they are not counted.
        memory: returns the peak of the device in bytes, or None on a CPU.
        unit: steps that it takes at a time.
    """

    train: Callable[[int], float]
    product: Callable[[], float]
    weights: int
    flops: int | None = None
    memory: Callable[[], int | None] = lambda: None
    unit: int = 1


def pictures(case: Case, num: int) -> tuple[np.ndarray, np.ndarray]:
    """Random uint8 images (num, height, width, channels) and int64 labels (num,)."""
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (num, *case.image_shape), "uint8"), generator.integers(0, 10, num)


def keras_gen(case: Case, precision: str) -> Contender:
    """What `train_gan.py` and `train_ae.py` build, under `fit`, with the callbacks that end a run."""
    from keras_gen import backend, callbacks, data
    from keras_gen.runs import hardware

    hardware.keep_freed_memory()
    model, fit_on = _model_of_scripts(case, precision)
    images, labels = pictures(case, EPOCH * case.batch_size)
    split = data.Split(images, labels)
    clock = _clock()

    def epoch(steps):
        budget = callbacks.Budget(epochs=100)  # of which this is one: progress moves as slowly as in a run
        watchers = [budget, callbacks.StopOnSignal(), callbacks.StopOnNaN(), clock]
        batches = fit_on(split.take(range(steps * case.batch_size)))
        model.fit(**batches.for_fit(), verbose=0, callbacks=watchers)
        return clock.seconds

    product = {"tensorflow": _product_tensorflow, "jax": _product_jax, "torch": _product_torch}[backend.BACKEND]
    weights = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    memory = _device_memory(backend.BACKEND)
    unit = hardware.steps_per_launch()
    return Contender(_in_epochs(epoch), product(case, precision), weights, memory=memory, unit=unit)


def _in_epochs(epoch):
    """`train` of a contender whose `epoch` takes a number of steps, at most `EPOCH`, and returns the seconds."""
    return lambda steps: sum(epoch(min(EPOCH, steps - start)) for start in range(0, steps, EPOCH))


def _model_of_scripts(case, precision):
    from keras_gen import data
    from keras_gen.presets import AUTOENCODERS, GANS
    from keras_gen.runs import autoencoder as autoencoder_story
    from keras_gen.runs import gan as gan_story
    from keras_gen.runs import hardware, preparation
    from keras_gen.runs.options import AutoencoderOptions, GANOptions

    hardware.set_precision(precision)
    images, labels = pictures(case, 10_000)  # so many that `fast` leaves augmentation out
    split = data.Split(images, labels)
    images = data.ImageData("random", split, split.take(range(100)), [str(label) for label in range(10)])
    if case.preset in GANS:
        options = GANOptions(preset=case.preset).resolve(GANS).suited_to(images.image_shape)
        gan, batches = gan_story.build(options, images)

        def fit_on(split):
            rows = gan.conditions.of_split(split) if gan.conditions else None
            return data.Batches(split, case.batch_size, targets=rows, ahead=hardware.steps_per_launch())

        assert batches.batch_size == case.batch_size
        return gan, fit_on
    options = AutoencoderOptions(preset=case.preset, network="conv").resolve(AUTOENCODERS)
    autoencoder = autoencoder_story.build(options, images)
    return autoencoder, lambda split: preparation.batches(options, autoencoder, split)


def keras_example(case: Case, precision: str) -> Contender:
    """Training as in the public Keras examples, with the same networks, on TensorFlow."""
    import keras

    from benchmarks.peers import keras_examples
    from keras_gen import networks
    from keras_gen.runs import hardware

    hardware.set_precision(precision)
    if case.preset == "fast":
        raise ValueError("no public example has R1 and R2")
    if case.preset == "vae":
        model = keras_examples.VariationalAutoencoder(
            networks.encoder("conv", case.image_shape, 64), networks.decoder("conv", case.image_shape, 32)
        )
        model.compile(keras.optimizers.Adam(1e-3))
    else:
        critic = {"batch_normalization": False} if case.preset == "wgan-gp" else {}
        network = "mlp" if case.preset == "article" else "dcgan"
        kind = keras_examples.WassersteinGAN if case.preset == "wgan-gp" else keras_examples.CrossEntropyGAN
        model = kind(
            networks.generator(network, case.image_shape, 100),
            networks.discriminator(network, case.image_shape, **critic),
        )
        betas = {"wgan-gp": (0.0, 0.9), "dcgan": (0.5, 0.999)}.get(case.preset, (0.9, 0.999))
        model.compile(*(keras.optimizers.Adam(2e-4, beta_1=betas[0], beta_2=betas[1]) for _ in range(2)))
    images, _ = pictures(case, EPOCH * case.batch_size)
    clock = _clock()

    def epoch(steps):
        model.fit(images[: steps * case.batch_size], batch_size=case.batch_size, verbose=0, callbacks=[clock])
        return clock.seconds

    epoch(1)  # weights exist once they were used
    weights = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    return Contender(_in_epochs(epoch), _product_tensorflow(case, precision), weights)


def pytorch(case: Case, precision: str, how: str = "eager") -> Contender:
    """A loop in PyTorch: eager, compiled, or a recorded CUDA graph."""
    import torch

    from benchmarks.peers import pytorch as peers

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda":
        torch.set_float32_matmul_precision("high")  # TF32, as on JAX
        torch.backends.cudnn.benchmark = True
    height, width, channels = case.image_shape
    name = next(name for name, each in CASES.items() if each[:3] == case[:3])
    trainer = peers.GAMES[name]((channels, height, width), device=device, bfloat16=precision == "bfloat16")
    weights = sum(
        parameter.numel()
        for part in vars(trainer).values()
        if isinstance(part, torch.nn.Module)
        for parameter in part.parameters()
        if parameter.requires_grad
    )
    images, labels = pictures(case, EPOCH * case.batch_size)
    images = torch.from_numpy(np.ascontiguousarray(np.moveaxis(images, -1, 1))).to(device)  # where they fit
    labels = torch.from_numpy(labels).to(device)
    first = images[: case.batch_size], labels[: case.batch_size]
    flops = _flops(lambda: trainer.step(*first))
    if how == "compiled":
        trainer.compile()
    elif how == "graph":
        trainer.capture(*first)
    step = trainer.replay if how == "graph" else trainer.step

    def train(steps):
        order = np.random.default_rng(0).permutation(len(images))
        started_at = time.perf_counter()
        for index in range(steps):
            start = index * case.batch_size % len(images)
            chosen = order[start : start + case.batch_size]
            step(images[chosen], labels[chosen])
        _wait_for_torch()
        return time.perf_counter() - started_at

    product = _product_torch(case, precision)
    return Contender(train, product, weights, flops, _device_memory("torch"))


def _flops(step):
    """Operations of all matrix products and convolutions in a step of PyTorch, gradients of gradients included."""
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import flop_registry

    class Counter(TorchDispatchMode):
        flops = 0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            result = function(*args, **(kwargs or {}))
            if count := flop_registry.get(function._overloadpacket):
                self.flops += count(*args, **(kwargs or {}), out_val=result)
            return result

    with Counter() as counter:
        step()
    return counter.flops


CONTENDERS: dict[str, Callable[[Case, str], Contender]] = {
    "keras_gen": keras_gen,
    "keras_example": keras_example,
    "pytorch": pytorch,
    "pytorch_compiled": lambda case, precision: pytorch(case, precision, "compiled"),
    "pytorch_graph": lambda case, precision: pytorch(case, precision, "graph"),
}


def _clock():
    """A callback that measures how long the epoch took, including its last step."""
    import keras

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self._started_at = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            float(logs["loss"] if "loss" in logs else logs["d_loss"])  # which waits for it
            self.seconds = time.perf_counter() - self._started_at

    return Clock()


def _product_tensorflow(case, precision):
    import tensorflow as tf

    kind = tf.bfloat16 if precision == "bfloat16" else tf.float32
    rows, square = tf.random.normal((case.rows, SIDE), dtype=kind), tf.random.normal((SIDE, SIDE), dtype=kind) / 32

    @tf.function
    def products():
        result = rows
        for _ in range(PRODUCTS):
            result = result @ square
        return tf.reduce_sum(tf.cast(result, tf.float32))

    return lambda: _seconds(lambda: float(products()))


def _product_jax(case, precision):
    import jax

    kind = jax.numpy.bfloat16 if precision == "bfloat16" else jax.numpy.float32
    rows = jax.random.normal(jax.random.key(0), (case.rows, SIDE), kind)
    square = jax.random.normal(jax.random.key(1), (SIDE, SIDE), kind) / 32

    @jax.jit
    def products(rows, square):
        for _ in range(PRODUCTS):
            rows = rows @ square
        return rows.astype("float32").sum()

    return lambda: _seconds(lambda: float(products(rows, square)))


def _product_torch(case, precision):
    import torch

    kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows = torch.randn(case.rows, SIDE, dtype=kind, device=device)
    square = torch.randn(SIDE, SIDE, dtype=kind, device=device) / 32

    @torch.no_grad()
    def products():
        result = rows
        for _ in range(PRODUCTS):
            result = result @ square
        return float(result.float().sum())

    return lambda: _seconds(products)


def _seconds(function):
    started_at = time.perf_counter()
    function()
    return time.perf_counter() - started_at


def _wait_for_torch():
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _device_memory(backend):
    def memory():
        if backend == "torch":
            import torch

            return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None
        if backend == "jax":
            import jax

            return (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
        return None

    return memory


def main(name: str, contender: str, precision: str) -> None:
    """Builds the contender, warms it up and answers requests."""
    case = CASES[name]
    begun_at = time.perf_counter()
    if on_gpu():
        case = case._replace(rows=GPU_ROWS)
    trained = CONTENDERS[contender](case, precision)
    trained.train(trained.unit)
    first = time.perf_counter() - begun_at
    trained.train(2 * trained.unit)
    trained.product()
    about = {"weights": trained.weights, "flops": trained.flops, "unit": trained.unit}
    say({**about, "first_step_seconds": first})
    for line in sys.stdin:
        seconds = trained.train(int(line))
        flops_per_second = 2 * PRODUCTS * case.rows * SIDE**2 / trained.product()
        host = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        say({"seconds": seconds, "ceiling": flops_per_second, "memory": trained.memory() or host})


def on_gpu() -> bool:
    """Whether the machine has an NVIDIA GPU."""
    return os.path.exists("/dev/nvidia0") or os.path.exists("/proc/driver/nvidia/version")


def say(answer: dict) -> None:
    """Writes one line to the parent process, separate from what libraries print."""
    os.write(ANSWERS, (json.dumps(answer) + "\n").encode())


if __name__ == "__main__":
    ANSWERS = os.dup(1)
    os.dup2(2, 1)
    main(*sys.argv[1:])
