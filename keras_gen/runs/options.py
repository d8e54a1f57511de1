"""The options of the training scripts, completed by a preset: those of every run, and those of GANs alone."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

import tyro

from keras_gen.registry import lookup

DEFAULT_MINUTES = 3.0
SMALL_IMAGE_VALUES = 32 * 32  # numbers in an image up to which it is small
SMALL_IMAGE_BATCH, LARGE_IMAGE_BATCH = 64, 16  # images per step, where a preset leaves that to the images
MAX_DISCRIMINATOR_STEPS = 100  # of the discriminator in a round: they are compiled one after the other
RESUMABLE_OPTIONS = ("resume", "epochs", "minutes")  # what may stand beside --resume, whose run has all else

Options = TypeVar("Options", bound="TrainingOptions")


@dataclasses.dataclass(frozen=True)
class TrainingOptions:
    """Every choice of a training run. `None` means: the preset's, or as the field says."""

    preset: tyro.conf.Positional[str] = "article"
    """Named configuration, one of those above."""
    data: str = "mnist-sample"
    """mnist-sample, digits, mnist, fashion_mnist, cifar10 or cifar100; or the path of a folder of images, an .npz, an .npy or a folder in MNIST's IDX format."""  # noqa: E501  one line: --help wraps it
    minutes: float | None = None
    """Wall-clock budget of the whole training loop. With --epochs, whichever ends first; 3 when neither is given."""
    epochs: int | None = None
    """Passes over the training images."""
    batch_size: int | None = None
    """Images per step; the preset's by default, or what suits the size of the images."""
    learning_rate: float | None = None
    """Step size of the optimizers; the preset's by default."""
    latent_dim: int | None = None
    """Numbers per latent or code; the preset's by default."""
    network: str | None = None
    """Architecture: mlp, conv or resnet; for GANs also dcgan. The preset's by default."""
    loss: str | None = None
    """GANs: minimax, non_saturating, least_squares, hinge, wasserstein, relativistic, relativistic_average. Autoencoders: gaussian, bernoulli, or mse, mae, huber … of Keras. The preset's by default."""  # noqa: E501
    condition: tuple[str, ...] | None = None
    """What to ask for when sampling: `label` (the classes) or names of attributes of the data; several may be given. By default what the preset says: some learn the classes, or else the attributes, if any."""  # noqa: E501
    unconditional: bool = False
    """Learn from the images alone, whatever else is known about them. A GAN may still find kinds: see --clusters."""
    backend: Literal["tensorflow", "jax", "torch", "auto"] | None = None
    """What Keras computes with; as KERAS_BACKEND or ~/.keras/keras.json say by default. auto measures for some seconds which of those installed is faster here."""  # noqa: E501
    precision: Literal["float32", "bfloat16", "auto"] = "float32"
    """What networks compute in; weights and losses stay in float32. auto measures for some seconds whether bfloat16 is faster here by a fifth or more."""  # noqa: E501
    seed: int = 0
    """Source of all randomness: weights, order of the images, latents, dropout."""
    name: str | None = None
    """Name of the exported model; <family>-<preset>-<data> by default."""
    run_dir: Path | None = None
    """The run's own folder; runs/<time>-<preset>-<data> by default."""
    export_dir: Path = Path("saved_models")
    """Folder of exported models: <export-dir>/<name>/<version>/ is what TF Serving loads."""
    image_size: int | tuple[int, int] | None = None
    """Side, or height and width, to resize to. By default the common size up to 256, or else a square of 64 or of the
    median shorter side, whichever is less."""
    channels: Literal[1, 3, 4] | None = None
    """Convert to grey, RGB or RGBA; as the images are by default."""
    fit: Literal["crop", "pad", "stretch"] = "crop"
    """How other shapes reach the size: cut what stands over, add a border, or distort."""
    sample_every: int = 5
    """Epochs between two picture grids."""
    score: bool = True
    """Watch the quality while training and end with a score card; --no-score saves the minutes that this takes."""
    checkpoint_every: float = 5.0
    """Minutes between two checkpoints, from which --resume goes on; 0: at the end and when interrupted only."""
    resume: tuple[Path, ...] | None = None
    """Folder of a run to go on with, bit for bit, from its newest checkpoint; the latest run in runs/ after the bare option. All options are those of the run; other --epochs or --minutes train it longer."""  # noqa: E501
    guard: bool = True
    """After a collapse or a loss that is no number go back to the best state and try again with a remedy, up to four times; --no-guard ends there."""  # noqa: E501
    dry_run: bool = False
    """Print the resolved configuration, parameter counts, memory and an estimate of the time, and stop."""
    conditional: tyro.conf.Suppress[bool | None] = None  # what only presets say

    def resolve(self: Options, presets: dict[str, Any]) -> Options:
        """Fills what was not given from the preset and checks every number.

        Args:
            presets: presets by name.

        Returns:
            Options without `None` in the fields that a preset has, but for what it leaves to the images.

        Raises:
            ValueError: for an unknown preset or a number out of range.
        """
        if self.resume is not None:
            return self._of_run()
        preset = lookup("preset", presets, self.preset)
        completed = {
            field: value if (value := getattr(self, field)) is not None else getattr(preset, field)
            for field in preset._fields
            if field != "about"
        }
        if self.minutes is None and self.epochs is None:
            completed["minutes"] = DEFAULT_MINUTES
        completed["conditional"] = not self.unconditional and (completed["conditional"] or bool(self.condition))
        resolved = dataclasses.replace(self, **completed)
        resolved._check()
        return resolved

    def _of_run(self: Options) -> Options:
        """The options of the run that is to go on."""
        given = [field.name for field in dataclasses.fields(self) if getattr(self, field.name) != field.default]
        if foreign := [name for name in given if name not in RESUMABLE_OPTIONS]:
            flags = [f"--{'no-' * (getattr(self, name) is False)}{name.replace('_', '-')}" for name in foreign]
            raise ValueError(f"--resume takes its options from the run, received also {', '.join(flags)}")
        folder = self._run_to_resume()
        stored: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in read_options(folder).items()
        }
        if set(stored) != {field.name for field in dataclasses.fields(self)}:
            raise ValueError(f"{folder} is no run of this program, or one of another version of it")
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
        names = {field.name for field in dataclasses.fields(self)}
        runs = sorted(Path("runs").glob("*/config.json"), key=lambda path: path.stat().st_mtime)
        if not (own := [path.parent for path in runs if set(read_options(path.parent)) == names]):
            raise ValueError("expected --resume with the folder of a run, found none in runs/")
        return own[-1]

    _positive: ClassVar[tuple[str, ...]] = (
        "minutes",
        "epochs",
        "batch_size",
        "learning_rate",
        "latent_dim",
        "sample_every",
    )

    def _check(self) -> None:
        for field, value in vars(self).items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"expected --{field.replace('_', '-')} as a finite number, received {value}")
        for field in self._positive:
            value = getattr(self, field)
            if value is not None and not value > 0:
                raise ValueError(f"expected --{field.replace('_', '-')} above 0, received {value}")
        if self.checkpoint_every < 0:
            raise ValueError(f"expected --checkpoint-every of 0 or more, received {self.checkpoint_every}")
        if self.seed < 0:
            raise ValueError(f"expected --seed of 0 or more, received {self.seed}")
        if self.unconditional and self.condition:
            raise ValueError(f"expected --condition or --unconditional, received both, with {self.condition}")


@dataclasses.dataclass(frozen=True)
class GANOptions(TrainingOptions):
    """Every choice of a GAN's training run. `None` means: the preset's, or as the field says."""

    preset: tyro.conf.Positional[str] = "fast"
    """Named configuration, one of those above."""
    clusters: int | None = None
    """Where no labels or attributes are learned: kinds of images to find, and to learn in their place; 0 for none."""
    penalties: tuple[str, ...] | None = None
    """Any of r1, r2, gradient_penalty, gradient_penalty_one_sided, dragan."""
    penalty_weight: float | None = None
    """Weight of each penalty: γ of r1 and r2, λ of the others. The preset's by default, or by the images' variance."""
    rate_schedule: Literal["constant", "linear", "late", "cosine"] | None = None
    """Learning rate over the run: constant; linear to 0; late: linear in its second half, to 5 %; cosine to 25 %."""
    optimizer: Literal["adam", "rmsprop"] | None = None
    """The preset's by default."""
    beta_1: float | None = None
    """Of Adam."""
    beta_2: float | None = None
    """Of Adam."""
    discriminator_steps: int | None = None
    """Steps of the discriminator for each one of the generator."""
    ema_decay: float | None = None
    """Average of the generator's weights: the share kept at each step, such as 0.999, or less as long as that would reach back more than a tenth of the steps so far; 0 for no average."""  # noqa: E501
    pack_size: int | None = None
    """Images that the discriminator judges together (PacGAN): 2 helps against repetition."""
    augment: Literal["none", "diffaugment", "ada", "auto"] | None = None
    """In front of the discriminator, for few images: always, as much as needed, or auto: ada below 10,000 images."""
    flip: bool = False
    """Mirror half of the images in front of the discriminator, with ada as often as it augments: for pictures whose mirror images are as real."""  # noqa: E501
    width: int | None = None
    """Channels at half size in conv, dcgan and resnet (32, 64, 64): more is slower, and better in long runs."""
    spectral_normalization: bool = False
    """Of the discriminator (Miyato et al., 2018)."""
    attention: bool = False
    """Self-attention in both networks (Zhang et al., 2018), where they are 16 pixels wide."""
    # What only presets say.
    generator_options: tyro.conf.Suppress[dict[str, Any] | None] = None
    discriminator_options: tyro.conf.Suppress[dict[str, Any] | None] = None
    penalty_final: tyro.conf.Suppress[float | None] = None
    beta_2_start: tyro.conf.Suppress[float | None] = None

    _positive: ClassVar = (*TrainingOptions._positive, "discriminator_steps", "pack_size", "width")

    def resolve(self, presets: dict[str, Any]) -> GANOptions:
        """As `TrainingOptions.resolve`; what concerns the networks ends up in their options."""
        resolved = super().resolve(presets)
        if self.resume is not None:
            return resolved
        own = {"width": self.width, "attention": self.attention}
        changes = {"generator": own, "discriminator": {**own, "spectral_normalization": self.spectral_normalization}}
        # Only DCGAN's networks normalise batches: what its presets say of that means nothing to the others.
        foreign = {"batch_normalization"} if resolved.network != "dcgan" else set()

        def completed(player, options):
            options = {**options, **{name: value for name, value in changes[player].items() if value}}
            return {name: value for name, value in options.items() if name not in foreign}

        return dataclasses.replace(
            resolved,
            generator_options=completed("generator", resolved.generator_options),
            discriminator_options=completed("discriminator", resolved.discriminator_options),
            ema_decay=resolved.ema_decay or None,
        )

    def suited_to(self, image_shape: tuple[int, int, int]) -> GANOptions:
        """Chooses the batch where the preset leaves it to the images.

        A step takes the longer the larger the images, so a run of minutes makes fewer of them; and where it makes less
        than some thousands, another step teaches more than more images in each (docs/experiments.md has the numbers).

        Args:
            image_shape: (height, width, channels).

        Returns:
            Of resolved options those with a number as their `batch_size`.

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
        return dataclasses.replace(self, batch_size=max(suited, self.pack_size or 1))

    def _check(self) -> None:
        super()._check()
        for field in ("beta_1", "beta_2", "ema_decay"):
            value = getattr(self, field)
            if value is not None and not 0 <= value < 1:
                raise ValueError(f"expected --{field.replace('_', '-')} of at least 0 and below 1, received {value}")
        largest = self.batch_size or SMALL_IMAGE_BATCH
        if self.pack_size is not None and self.pack_size > largest:
            raise ValueError(f"expected --pack-size of at most --batch-size {largest}, received {self.pack_size}")
        if (self.discriminator_steps or 1) > MAX_DISCRIMINATOR_STEPS:
            raise ValueError(
                f"expected --discriminator-steps of at most {MAX_DISCRIMINATOR_STEPS}, received "
                f"{self.discriminator_steps}"
            )
        for field in ("penalty_weight", "clusters"):
            value = getattr(self, field)
            if value is not None and value < 0:
                raise ValueError(f"expected --{field.replace('_', '-')} of 0 or more, received {value}")


@dataclasses.dataclass(frozen=True)
class AutoencoderOptions(TrainingOptions):
    """Every choice of an autoencoder's training run. `None` means: the preset's, or as the field says."""

    beta: float | None = None
    """Of a VAE: what the divergence of the codes counts."""
    # What only presets say.
    kind: tyro.conf.Suppress[str | None] = None
    model_options: tyro.conf.Suppress[dict[str, Any] | None] = None

    def resolve(self, presets: dict[str, Any]) -> AutoencoderOptions:
        """As `TrainingOptions.resolve`; what concerns the kind of autoencoder ends up in `model_options`."""
        resolved = super().resolve(presets)
        if self.resume is not None:
            return resolved
        own = {} if self.beta is None else {"beta": self.beta}
        if own and resolved.kind != "vae":
            raise ValueError(f"--beta is for VAEs (vae, beta-vae, cvae), received it with the preset {self.preset}")
        return dataclasses.replace(resolved, model_options={**(resolved.model_options or {}), **own})

    def _check(self) -> None:
        super()._check()
        if self.beta is not None and self.beta < 0:
            raise ValueError(f"expected --beta of 0 or more, received {self.beta}")


def read_options(path: str | Path) -> dict:
    """The options that a run was started with, from its `config.json`; empty for a `.keras` file on its own.

    Example:
        >>> read_options("digits.keras")
        {}
    """
    config = Path(path) / "config.json"
    return json.loads(config.read_text())["options"] if config.is_file() else {}


def describe(doc: str, presets: dict[str, Any]) -> str:
    """The head of a script's `--help`: its docstring and the presets, one a line."""
    lines = [f"  {name}: {preset.about}" for name, preset in presets.items()]
    return "\n".join([doc.strip(), "", "Presets:", *lines])
