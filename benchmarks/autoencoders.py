"""Trains each kind of autoencoder; scores its reconstructions, and its new images with simple and with fitted priors.

Each row is what `train_ae.py` does with the options in it. `mse` is that of the test images, on the scale [-1, 1]. The
other numbers are Fréchet distances of 5,000 images, made from codes drawn from each prior, to as many test images.

Example:
  python -m benchmarks.autoencoders --data mnist --epochs 12 --seeds 0 1 2
"""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import tyro

import keras_gen
from benchmarks.quality import markdown_row
from keras_gen.cli.command_line import one_line_errors, parse, start_keras
from keras_gen.presets import AUTOENCODERS
from keras_gen.runs.options import AutoencoderOptions

NUM_IMAGES = 5_000
PRIORS = ("standard normal", "Gaussian", "10 Gaussians", "tokens")

# The options of each row, as one would type them after `train_ae.py`.
ROWS = {
    **{name: name for name in AUTOENCODERS},
    "vae, Bernoulli": "vae --loss bernoulli",
    "article, convolutional": "article --network conv",
    "vae, convolutional": "vae --network conv",
}


@dataclasses.dataclass(frozen=True)
class Options:
    """What to measure."""

    data: str = "mnist"
    """A name or a path, as for train_ae.py."""
    epochs: int = 12
    """Passes over the training images."""
    seeds: tuple[int, ...] = (0,)
    """A run of each row for each of these."""
    only: tuple[str, ...] = ()
    """Names of the rows to measure; all by default."""


def train(options: AutoencoderOptions, images):
    """The autoencoder that `train_ae.py` would train with resolved options, without the folder of a run."""
    import keras

    from keras_gen import callbacks
    from keras_gen.runs import autoencoder as story
    from keras_gen.runs import preparation

    keras.utils.set_random_seed(options.seed)
    autoencoder = story.build(options, images)
    split, held_out = images.train.hold_out(story.VALIDATION_FRACTION)
    autoencoder.fit(
        **preparation.batches(options, autoencoder, split).for_fit(),
        validation_data=preparation.batches(options, autoencoder, held_out, shuffle=False, drop_remainder=False),
        epochs=options.epochs,
        verbose=0,
        callbacks=[
            callbacks.Budget(options.epochs),
            keras.callbacks.EarlyStopping("val_loss", patience=options.epochs, restore_best_weights=True),
        ],
    )
    return autoencoder, split


def priors(autoencoder) -> dict:
    """The priors to try, by the name of their column."""
    from keras_gen.evaluation.prior_choice import candidates
    from keras_gen.models.autoencoders import VQVAE
    from keras_gen.priors import Mixture, StandardNormal

    size = autoencoder.latent_dim
    if isinstance(autoencoder, VQVAE):
        tokens, normal = candidates(autoencoder, NUM_IMAGES, True)
        return {"standard normal": normal, "tokens": tokens}
    return {"standard normal": StandardNormal(size), "Gaussian": Mixture(size), "10 Gaussians": Mixture(size, 10)}


def main(options: Options) -> None:
    """Prints one row for each run, below the floor."""
    with one_line_errors():
        start_keras()
        from keras_gen import evaluation, features

        unknown = set(options.only) - set(ROWS)
        if unknown:
            raise ValueError(f"unknown rows {', '.join(unknown)}: expected some of {', '.join(ROWS)}")
        images = keras_gen.load(options.data)
        net = features.FeatureNet.of(images)
        test, floor = features.real_sides(images, NUM_IMAGES)
        real = net.extract(test.images).features
    header = ("autoencoder", "seed", "mse", *PRIORS, "seconds to fit the last one", "active")
    print(markdown_row(*header))
    print(markdown_row(*["---"] * len(header)))
    distance = evaluation.frechet_distance(real, net.extract(floor.images).features)
    print(markdown_row("real training images", "–", "–", *[f"{distance:.2f}"] * len(PRIORS), "–", "–"), flush=True)
    for name, command in ROWS.items():
        if options.only and name not in options.only:
            continue
        for seed in options.seeds:
            arguments = tyro.cli(AutoencoderOptions, args=command.split())
            resolved = dataclasses.replace(arguments, epochs=options.epochs, seed=seed).resolve(AUTOENCODERS)
            autoencoder, split = train(resolved, images)
            rows = autoencoder.conditions and autoencoder.conditions.of_split(test)
            made = autoencoder.reconstruct(test.images[:], rows)
            error = np.mean((made.astype("float32") - test.images[:]) ** 2) / 127.5**2
            codes, found, seconds = autoencoder.encode(split.images), {}, 0.0
            for prior_name, prior in priors(autoencoder).items():
                started_at = time.monotonic()
                autoencoder.prior = prior.fit(codes, seed)
                seconds = time.monotonic() - started_at
                seen = net.extract(autoencoder.sample(len(test), seed)).features
                found[prior_name] = f"{evaluation.frechet_distance(real, seen):.1f}"
            active = (
                f"{autoencoder.active_units(test.images)} of {autoencoder.latent_dim}"
                if resolved.kind == "vae"
                else "–"
            )
            cells = [found.get(prior_name, "–") for prior_name in PRIORS]
            print(
                markdown_row(f"{name} (`{command}`)", seed, f"{error:.4f}", *cells, f"{seconds:.0f}", active),
                flush=True,
            )


if __name__ == "__main__":
    main(parse(Options, __doc__))
