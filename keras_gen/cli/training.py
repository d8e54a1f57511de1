"""`keras-gen train gan | autoencoder | stylizer`, and what `train_gan.py` and `train_ae.py` run.

With the name of a family `keras-gen train` is a separate program, with its own options and errors; `Train` stands for
these programs in the help of `keras-gen`.
"""

from __future__ import annotations

import dataclasses
import importlib
from typing import Annotated, Any, NamedTuple

import tyro

from keras_gen.cli.command_line import one_line_errors, parse, start_keras
from keras_gen.paths import require_data
from keras_gen.presets import AUTOENCODERS, GANS, STYLIZERS
from keras_gen.runs import hardware
from keras_gen.runs.options import AutoencoderOptions, GANOptions, StylizerOptions, TrainingOptions, describe

GAN_HELP = """
Train a GAN on your images, watch it, and export a generator that TF Serving can load.

Examples:
  keras-gen train gan                                        real digits, by class, in 3 minutes
  keras-gen train gan --data my_folder/ --image-size 32 --minutes 10
  keras-gen train gan wgan-gp --data characters.npz --condition species "hair colour"
  keras-gen train gan --resume                               continues the latest run that was interrupted
"""
AUTOENCODER_HELP = """
Train an autoencoder on your images, watch it, and export it for TF Serving.

Examples:
  keras-gen train autoencoder                                the article's autoencoder on real digits, 3 minutes
  keras-gen train autoencoder vae --data my_folder/ --image-size 32 --minutes 10
  keras-gen train autoencoder --resume                       continues the latest run that was interrupted
"""
STYLIZER_HELP = """
Train a network that repaints photographs like your paintings, watch it, and export it for TF Serving.

Examples:
  keras-gen train stylizer --data photos/ --style painting.jpg --minutes 10
  keras-gen train stylizer --data photos/ --style wave.jpg scream.jpg --image-size 128
  keras-gen train stylizer --resume                          continues the latest run that was interrupted
"""


class Family(NamedTuple):
    """A family of models that can be trained.

    Attributes:
        options: the dataclass of its options.
        presets: by name.
        module: the one with `prepare(options)` and `train(run)`; it imports Keras.
        help: what `keras-gen train` says of it.
    """

    options: type[TrainingOptions]
    presets: dict[str, dict[str, Any]]
    module: str
    help: str


FAMILIES = {
    "gan": Family(GANOptions, GANS, "keras_gen.runs.gan", GAN_HELP),
    "autoencoder": Family(AutoencoderOptions, AUTOENCODERS, "keras_gen.runs.autoencoder", AUTOENCODER_HELP),
    "stylizer": Family(StylizerOptions, STYLIZERS, "keras_gen.runs.stylizer", STYLIZER_HELP),
}


@dataclasses.dataclass(frozen=True)
class _Gan:
    """A GAN; `keras-gen train gan --help` has its presets and options."""


@dataclasses.dataclass(frozen=True)
class _Autoencoder:
    """An autoencoder; `keras-gen train autoencoder --help` has its presets and options."""


@dataclasses.dataclass(frozen=True)
class _Stylizer:
    """A stylizer; `keras-gen train stylizer --help` has its options."""


@dataclasses.dataclass(frozen=True)
class Train:
    """Train a GAN, an autoencoder or a stylizer on your images, watch it, and export it."""

    family: (
        Annotated[_Gan, tyro.conf.subcommand("gan")]
        | Annotated[_Autoencoder, tyro.conf.subcommand("autoencoder")]
        | Annotated[_Stylizer, tyro.conf.subcommand("stylizer")]
    )


def main(family: str, doc: str | None = None, others: dict[str, dict[str, Any]] | None = None) -> None:
    """Reads the command line and trains: the program of one family.

    Args:
        family: a name in `FAMILIES`.
        doc: the head of `--help`; that of `keras-gen train` by default.
        others: presets of other families that the program has too, listed in `--help`.
    """
    options, presets, _, own = FAMILIES[family]
    train(parse(options, describe(doc or own, presets | (others or {}))))


def train(options: TrainingOptions) -> None:
    """Trains what the options ask for, in its own folder, and ends the program if that fails.

    Args:
        options: as they were typed.
    """
    _, presets, module, _ = FAMILIES[options.family]
    with one_line_errors():
        resolved = options.resolve(presets)
        if getattr(resolved, "translation", None) is None:  # whose pictures may have other forms
            require_data(resolved.data)
        hardware.choose_backend(resolved)
        start_keras()  # only now: it takes seconds, and --help and a wrong option should not wait for it
        family = importlib.import_module(module)
        run = family.prepare(resolved)
    if run is not None:
        try:
            with one_line_errors(OSError):  # such as a full disk
                family.train(run)
        finally:
            run.lock.release()
