"""The options of training, completed by a preset: those of every run, and those of each family of models.

A hyper-parameter is one field: its help below, its default and its checks in it (`fields.py`). A preset is a dict of
other values (`presets.py`). The defaults are those of the first GANs and of the article's autoencoder.
"""

# ruff: noqa: RUF009  `option` and `by_preset` make fields of the dataclass, as `dataclasses.field` does

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

import tyro

from keras_gen.presets import GANS
from keras_gen.registry import lookup
from keras_gen.runs import fields
from keras_gen.runs.fields import ABOVE_ZERO, NOT_NEGATIVE, SHARE, Open, Switch, at_most, by_preset, option

DEFAULT_MINUTES = 3.0
SMALL_IMAGE_VALUES = 32 * 32  # values in an image, up to which it is small
SMALL_IMAGE_BATCH, LARGE_IMAGE_BATCH = 64, 16  # images per step, where a preset makes that depend on the images
FACTORS = (2, 4, 8)  # by which images can be enlarged
MAX_DISCRIMINATOR_STEPS = 100  # of the discriminator in a round: they are compiled one after the other
CONTENT_WEIGHT, LEARNING_RATE = 0.03, 3e-3  # of a stylizer, see docs/style.md
RESUMABLE_OPTIONS = ("resume", "epochs", "minutes")  # allowed with --resume; all others are those of the run

# Options that models which translate do not use, by what they learn from.
_UNUSED_BY_TRANSLATION = {
    "paired": ("condition", "clusters", "content_weight"),
    "contrastive": ("condition", "clusters", "latent_dim"),
    "cycle": (
        *("condition", "clusters", "latent_dim", "penalties", "penalty_weight", "pack_size", "discriminator_steps"),
        *("ema_decay", "augment", "flip"),
    ),
}

Options = TypeVar("Options", bound="TrainingOptions")


@dataclasses.dataclass(frozen=True)
class TrainingOptions:
    """Every choice of a training run. `None` means: the preset's, or as the field says."""

    family: ClassVar[str]
    """The `family` of the models that are trained."""

    preset: tyro.conf.Positional[str] = "article"
    """Named configuration, one of those above."""
    data: str = "mnist-sample"
    """mnist-sample, digits, mnist, fashion_mnist, cifar10 or cifar100; or the path of a folder of images, an .npz, an .npy or a folder in MNIST's IDX format."""  # noqa: E501  one line: --help wraps it
    minutes: float | None = option(None, ABOVE_ZERO)
    """Wall-clock budget of the whole training loop. With --epochs, whichever ends first; 3 when neither is given."""
    epochs: int | None = option(None, ABOVE_ZERO)
    """Passes over the training images."""
    batch_size: Open[int] = by_preset(128, ABOVE_ZERO)
    """Images per step; the preset's by default, or what suits the size of the images."""
    # Each family declares these three for itself.
    learning_rate: Open[float] = by_preset(None)
    latent_dim: Open[int] = by_preset(None)
    loss: Open[str] = by_preset(None)
    network: Open[str] = by_preset("mlp")
    """Architecture: mlp, conv or resnet; for GANs also dcgan. The preset's by default."""
    wrap: Open[Literal["none", "width", "both"]] = by_preset("none")
    """Join the left and right edges of the images (width: panoramas), or all opposite edges (both: tiles)."""
    condition: tuple[str, ...] | None = None
    """What can be asked for when sampling: `label` (the classes) or names of attributes of the data; several may be given. The preset's by default: some learn the classes, or else the attributes, if there are any."""  # noqa: E501
    unconditional: Switch = False
    """Learn from the images alone, whatever else is known about them. A GAN may still find kinds: see --clusters."""
    backend: Literal["tensorflow", "jax", "torch", "auto"] | None = None
    """Backend of Keras; by default that of KERAS_BACKEND or ~/.keras/keras.json. auto measures for a few seconds which installed backend is faster here."""  # noqa: E501
    precision: Literal["float32", "bfloat16", "auto"] = "float32"
    """Precision in which networks compute; weights and losses stay in float32. auto measures for a few seconds whether bfloat16 is faster here by a fifth or more."""  # noqa: E501
    seed: int = option(0, NOT_NEGATIVE)
    """Source of all randomness: weights, order of the images, latents, dropout."""
    name: Open[str] = option(None)
    """Name of the exported model; <family>-<preset>-<data> by default."""
    run_dir: Path | None = None
    """The run's own folder; runs/<time>-<preset>-<data> by default."""
    export_dir: Path = Path("saved_models")
    """Folder of exported models: <export-dir>/<name>/<version>/ is what TF Serving loads."""
    image_size: int | tuple[int, int] | None = None
    """Side, or height and width, to resize to. By default the common size up to 256, or else a square of 64 or of the
    median shorter side, whichever is less."""
    channels: Literal[1, 3, 4] | None = None
    """Convert to grey, RGB or RGBA; by default the channels stay as they are."""
    fit: Literal["crop", "pad", "stretch"] = "crop"
    """How images of another shape get to the size: crop them, add a border, or distort them."""
    sample_every: int = option(5, ABOVE_ZERO)
    """Epochs between two picture grids."""
    score: Switch = True
    """Whether to watch the quality while training and to end with a score card, which takes minutes."""
    checkpoint_every: float = option(5.0, NOT_NEGATIVE)
    """Minutes between two checkpoints, from which --resume continues; 0 for checkpoints at the end and when interrupted only."""  # noqa: E501
    resume: tuple[Path, ...] | None = None
    """Folder of a run to continue, bit for bit, from its newest checkpoint; without a folder, the latest run in runs/ that was interrupted, or the latest one with other --epochs or --minutes, which train it longer. All other options are those of the run."""  # noqa: E501
    guard: Switch = True
    """Whether to go back to the best state after a collapse or a loss that is not a number and try again with a remedy, up to four times; otherwise the run ends there."""  # noqa: E501
    dry_run: Switch = False
    """Print the resolved configuration, parameter counts, memory and an estimate of the time, and stop."""
    # Set by presets only.
    conditional: tyro.conf.Suppress[Open[bool]] = by_preset(False)
    """Whether to learn the labels or attributes that the data have."""

    def resolve(self: Options, presets: dict[str, dict[str, Any]]) -> Options:
        """Fills in what was not given, from the preset or by default, and checks every value.

        Args:
            presets: presets by name: options by name, and "about".

        Returns:
            Options without `None` in the fields that a preset may fill, except what it leaves to the images.

        Raises:
            ValueError: for an unknown preset, an unknown option in it, or a value that its option does not allow.
        """
        if self.resume is not None:
            return self._of_run()
        values = fields.completed(self, lookup("preset", presets, self.preset))
        if values["minutes"] is None and values["epochs"] is None:
            values["minutes"] = DEFAULT_MINUTES
        values["conditional"] = not values["unconditional"] and (values["conditional"] or bool(values["condition"]))
        resolved = type(self)(**values)
        resolved._check()
        return resolved

    def suited_to(self: Options, image_shape: tuple[int, int, int]) -> Options:
        """The resolved options, with everything settled that was left to the images."""
        return self

    def _of_run(self: Options) -> Options:
        """The options of the run to resume."""
        if foreign := {name: value for name, value in fields.given(self).items() if name not in RESUMABLE_OPTIONS}:
            flags = [f"--{'no-' * (value is False)}{name.replace('_', '-')}" for name, value in foreign.items()]
            raise ValueError(f"--resume takes its options from the run, also received {', '.join(flags)}")
        folder = self._run_to_resume()
        stored: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in read_options(folder).items()
        }
        if set(stored) != self._names():
            raise ValueError(f"{folder} is not a run of this program, or is a run of another version of it")
        stored |= {"run_dir": folder, "export_dir": Path(stored["export_dir"]), "resume": (folder,)}
        if self.epochs or self.minutes:
            stored |= {"epochs": self.epochs, "minutes": self.minutes}
        resumed = type(self)(**stored)
        resumed._check()
        return resumed

    def _run_to_resume(self) -> Path:
        if len(self.resume or ()) > 1:
            raise ValueError(f"expected one run to resume, received {' '.join(map(str, self.resume or ()))}")
        if self.resume:
            if not (config := self.resume[0] / "config.json").is_file():
                raise ValueError(f"expected --resume with the folder of a run, found no {config}")
            return self.resume[0]
        runs = sorted(Path("runs").glob("*/config.json"), key=lambda path: path.stat().st_mtime)
        if not (own := [path.parent for path in runs if set(read_options(path.parent)) == self._names()]):
            raise ValueError("expected --resume with the folder of a run, found none in runs/")
        interrupted = [folder for folder in own if "finished" not in json.loads((folder / "config.json").read_text())]
        return own[-1] if self.epochs or self.minutes or not interrupted else interrupted[-1]

    def _names(self) -> set[str]:
        return {field.name for field in dataclasses.fields(self)}

    def _check(self) -> None:
        fields.check(self)
        if self.unconditional and self.condition:
            raise ValueError(f"expected --condition or --unconditional, received both, with {self.condition}")
        if self.wrap != "none" and self.network == "mlp":
            raise ValueError(f"expected no --wrap with the network mlp, which has no edges, received {self.wrap}")


@dataclasses.dataclass(frozen=True)
class GANOptions(TrainingOptions):
    """Every choice of a GAN's training run. `None` means: the preset's, or as the field says."""

    family = "gan"

    preset: tyro.conf.Positional[str] = "fast"
    """Named configuration, one of those above."""
    learning_rate: Open[float] = by_preset(2e-4, ABOVE_ZERO)
    """Step size of both optimizers; the preset's by default."""
    latent_dim: Open[int] = by_preset(100, ABOVE_ZERO)
    """Dimensions of the latents; the preset's by default."""
    loss: Open[str] = by_preset("non_saturating")
    """Name of the loss, such as minimax, non_saturating, least_squares, hinge, wasserstein, relativistic or
    relativistic_average. The preset's by default."""
    clusters: Open[int] = by_preset(0, NOT_NEGATIVE)
    """Where no labels or attributes are learned: number of kinds of images to find and learn instead; 0 for none."""
    penalties: Open[tuple[str, ...]] = by_preset(())
    """Penalties: one or several of r1, r2, gradient_penalty, gradient_penalty_one_sided and dragan."""
    penalty_weight: float | None = by_preset(None, NOT_NEGATIVE)
    """Weight of each penalty: γ of r1 and r2, λ of the others. By default the preset's, or by the images' variance."""
    rate_schedule: Open[Literal["constant", "linear", "late", "cosine"]] = by_preset("constant")
    """Learning rate over the run: constant; linear to 0; late: linear in its second half, to 5 %; cosine to 25 %."""
    optimizer: Open[Literal["adam", "rmsprop"]] = by_preset("adam")
    """Optimizer of both networks; the preset's by default."""
    beta_1: Open[float] = by_preset(0.9, SHARE)
    """β1 of Adam; the preset's by default."""
    beta_2: Open[float] = by_preset(0.999, SHARE)
    """β2 of Adam; the preset's by default."""
    discriminator_steps: Open[int] = by_preset(1, ABOVE_ZERO, at_most(MAX_DISCRIMINATOR_STEPS))
    """Discriminator steps for each generator step."""
    ema_decay: Open[float] = by_preset(0.0, SHARE)
    """Moving average of the generator's weights: the share kept at each step, such as 0.999, or less while that would reach back more than a tenth of the steps so far; 0 for no average."""  # noqa: E501
    pack_size: Open[int] = by_preset(1, ABOVE_ZERO)
    """Images that the discriminator scores together (PacGAN): 2 helps against repetition."""
    augment: Open[Literal["none", "diffaugment", "ada", "auto"]] = by_preset("none")
    """Augmentation in front of the discriminator, for few images: diffaugment always, ada as much as needed, auto: ada below 10,000 images. Except with none, and with auto from 10,000 pairs on, both sides of a pair of pix2pix are also shifted alike."""  # noqa: E501
    flip: Switch = False
    """Mirror half of the images in front of the discriminator, with ada as often as it augments, or half of the pairs of pix2pix: for pictures whose mirror images are equally real."""  # noqa: E501
    width: int | None = option(None, ABOVE_ZERO)
    """Channels at half size in conv, dcgan and resnet (32, 64, 64): more is slower, and better in long runs."""
    spectral_normalization: Switch = False
    """Spectral normalisation of the discriminator (Miyato et al., 2018)."""
    attention: Switch = False
    """Self-attention in both networks (Zhang et al., 2018), where they are 16 pixels wide."""
    corruption: str | None = option(None)
    """For restore: what to undo: gaussian, masking, salt_and_pepper, blocks, grey, scratches, jpeg, faded, or wear, which mixes the last of these; the preset's by default."""  # noqa: E501
    amount: float | None = option(None, ABOVE_ZERO)
    """For upscale: how many times larger images become, 2, 4 or 8. For restore: how much of the corruption."""
    to: str | None = None
    """For pix2pix, translate and cyclegan: the pictures to become like, as --data has those to translate: for pix2pix a folder with the same names, or the array of the --data x.npz that holds them; otherwise any set, or a single picture, of which crops are taken."""  # noqa: E501
    content_weight: float | None = option(None, NOT_NEGATIVE)
    """For translate and cyclegan: weight of what keeps the content of pictures (1 and 10); more changes less."""
    mask_dir: Path | None = None
    """For inpaint: a folder of your own masks of any size, white in the hole; half of all holes are taken from them."""
    # Set by presets only.
    task: tyro.conf.Suppress[str | None] = None
    """What a model that repairs does: inpaint, colorize, upscale or restore."""
    translation: tyro.conf.Suppress[str | None] = None
    """What a model that translates learns from: paired, or without pairs contrastive or cycle."""
    term: tyro.conf.Suppress[Open[str]] = by_preset("posterior")
    """Name of the term that compares with the original."""
    term_weight: tyro.conf.Suppress[Open[float]] = by_preset(0.0, NOT_NEGATIVE)
    """Weight of this term."""
    batch_normalization: tyro.conf.Suppress[bool | None] = None
    """Batch normalisation of the discriminator; None for what its architecture does."""
    weight_clip: tyro.conf.Suppress[float | None] = option(None, ABOVE_ZERO)
    """The largest absolute value of a weight of the discriminator."""
    penalty_final: tyro.conf.Suppress[Open[float]] = by_preset(1.0, NOT_NEGATIVE)
    """Share of the penalties' weight that is left at the end of the run, by cosine."""
    beta_2_start: tyro.conf.Suppress[float | None] = option(None, SHARE)
    """β2 at the start of the run, which goes to `beta_2` by cosine; None for constant."""

    def suited_to(self, image_shape: tuple[int, int, int]) -> GANOptions:
        """Chooses the batch size where the preset leaves it to the images.

        Steps take longer for larger images, so a run of minutes makes fewer of them. Below a few thousand steps,
        another step teaches more than more images in each (docs/experiments.md has the numbers).

        Args:
            image_shape: (height, width, channels).

        Returns:
            The resolved options, with a number as their `batch_size`.

        Example:
            >>> from keras_gen.presets import GANS
            >>> fast, dcgan = (GANOptions(name).resolve(GANS) for name in ("fast", "dcgan"))
            >>> [fast.suited_to(shape).batch_size for shape in ((28, 28, 1), (32, 32, 1), (32, 32, 3))]
            [64, 64, 16]
            >>> dcgan.suited_to((32, 32, 3)).batch_size
            128
        """
        if self.batch_size is not None:
            return self
        suited = SMALL_IMAGE_BATCH if math.prod(image_shape) <= SMALL_IMAGE_VALUES else LARGE_IMAGE_BATCH
        return dataclasses.replace(self, batch_size=max(suited, self.pack_size))

    def _check(self) -> None:
        super()._check()
        self._check_repair()
        self._check_translation()
        largest = self.batch_size or SMALL_IMAGE_BATCH
        if self.pack_size > largest:
            raise ValueError(f"expected --pack-size of at most --batch-size {largest}, received {self.pack_size}")

    def _check_translation(self) -> None:
        """Refuses --to without a preset that translates, and the reverse, and what its game does not use."""
        translating = [name for name, preset in GANS.items() if "translation" in preset]
        if self.translation is None and (self.to is not None or self.content_weight is not None):
            flag = "--to" if self.to is not None else "--content-weight"
            raise ValueError(f"expected no {flag} with {self.preset}: it is for the presets {', '.join(translating)}")
        if self.translation is not None and self.to is None:
            raise ValueError(f"expected --to with {self.preset}: the pictures that those of --data become like")
        off = fields.completed(GANOptions(self.preset), GANS.get(self.preset, {}))
        for name in _UNUSED_BY_TRANSLATION.get(self.translation or "", ()):
            if getattr(self, name) != off[name]:
                why = "pairs say what the content is" if name == "content_weight" else "its game does not use it"
                raise ValueError(f"expected no --{name.replace('_', '-')} with {self.preset}: {why}")

    def _check_repair(self) -> None:
        """Refuses options of repair that the task does not have."""
        allowed = {"inpaint": {"mask_dir"}, "restore": {"corruption", "amount"}, "upscale": {"amount"}}
        preset = GANS.get(self.preset, {})
        for name in ("corruption", "amount", "mask_dir"):
            if getattr(self, name) not in (None, preset.get(name)) and name not in allowed.get(self.task or "", ()):
                tasks = ", ".join(task for task, names in allowed.items() if name in names)
                raise ValueError(
                    f"expected no --{name.replace('_', '-')} with {self.preset}: it is for the preset {tasks}"
                )
        if self.corruption == "shrink" and self.task != "upscale":
            raise ValueError("expected a corruption that keeps the size of images, received shrink: see upscale")
        if self.task == "upscale" and self.amount not in FACTORS:
            raise ValueError(f"expected --amount as one of {', '.join(map(str, FACTORS))}, received {self.amount:g}")


@dataclasses.dataclass(frozen=True)
class AutoencoderOptions(TrainingOptions):
    """Every choice of an autoencoder's training run. `None` means: the preset's, or as the field says."""

    family = "autoencoder"

    learning_rate: Open[float] = by_preset(1e-3, ABOVE_ZERO)
    """Step size of Adam; the preset's by default."""
    latent_dim: Open[int] = by_preset(32, ABOVE_ZERO)
    """Dimensions of the codes; the preset's by default."""
    loss: Open[str] = by_preset("mse")
    """gaussian, bernoulli, or a loss of Keras such as mse, mae or huber. The preset's by default."""
    beta: float | None = option(None, NOT_NEGATIVE)
    """Weight of the divergence of the codes in the loss of a VAE."""
    # Set by presets only. None leaves it to the kind of autoencoder.
    kind: tyro.conf.Suppress[Open[str]] = by_preset("plain")
    """A name in `autoencoders.KINDS`."""
    warm_up: tyro.conf.Suppress[float | None] = option(None, SHARE)
    """Share of the run over which the divergence of a VAE reaches its full weight."""
    noise: tyro.conf.Suppress[str | None] = None
    """The corruption that the denoising autoencoder learns to undo."""
    amount: tyro.conf.Suppress[float | None] = option(None, ABOVE_ZERO)
    """The amount of this noise."""

    def _check(self) -> None:
        super()._check()
        if self.beta is not None and self.kind != "vae":
            raise ValueError(f"--beta is for VAEs (vae, beta-vae, cvae), received it with the preset {self.preset}")


@dataclasses.dataclass(frozen=True)
class StylizerOptions(TrainingOptions):
    """Every choice of a stylizer's training run. `None` means: the preset's, or as the field says."""

    family = "stylizer"

    preset: tyro.conf.Positional[str] = "stylize"
    """Named configuration, one of those above."""
    style: tuple[Path, ...] = ()
    """Paintings, one image file for each style, which gets the name of its file."""
    style_size: int | None = option(None, ABOVE_ZERO)
    """Shorter side to which paintings are resized: larger means larger strokes. By default that of the images, but at least 56."""  # noqa: E501
    content_weight: Open[float] = by_preset(CONTENT_WEIGHT, NOT_NEGATIVE)
    """How much of the photograph's structure is kept; the preset's by default."""
    learning_rate: Open[float] = by_preset(LEARNING_RATE, ABOVE_ZERO)
    """Step size of Adam at the beginning, which falls to a hundredth; the preset's by default."""
    width: int | None = option(None, ABOVE_ZERO)
    """Channels of the network at half size: more is slower, and better in long runs."""
    # Not for this family.
    latent_dim: tyro.conf.Suppress[Open[int]] = by_preset(None)
    loss: tyro.conf.Suppress[Open[str]] = by_preset(None)
    condition: tyro.conf.Suppress[tuple[str, ...] | None] = None
    """Photographs are repainted whatever is known about them."""
    unconditional: tyro.conf.Suppress[bool] = False
    """The same."""
    wrap: tyro.conf.Suppress[Open[Literal["none", "width", "both"]]] = by_preset("none")
    """A network that wraps around cannot repaint a picture in tiles."""

    def _check(self) -> None:
        super()._check()
        if self.wrap != "none":
            raise ValueError(f"expected a stylizer without wrap, as it repaints in tiles, received {self.wrap}")
        if not self.style:
            raise ValueError("expected --style with at least one painting, such as --style painting.jpg, received none")


def read_options(path: str | Path) -> dict:
    """The options that a run was started with, from its `config.json`; empty for a `.keras` file on its own.

    Example:
        >>> read_options("digits.keras")
        {}
    """
    config = Path(path) / "config.json"
    return json.loads(config.read_text())["options"] if config.is_file() else {}


def describe(doc: str, presets: dict[str, dict[str, Any]]) -> str:
    """The head of the `--help` of training: what it does, and the presets, one per line."""
    lines = [f"  {name}: {preset['about']}" for name, preset in presets.items()]
    return "\n".join([doc.strip(), "", "Presets:", *lines])
