"""The options of the training scripts: the same for GANs and autoencoders, completed by a preset."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Literal

import tyro

from keras_gen.presets import Preset
from keras_gen.registry import lookup

DEFAULT_MINUTES = 3.0


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
    """Images per step; the preset's by default."""
    learning_rate: float | None = None
    """Step size of Adam; the preset's by default."""
    latent_dim: int | None = None
    """Numbers per latent or code; the preset's by default."""
    network: str | None = None
    """Architecture: mlp, or conv for autoencoders; the preset's by default."""
    loss: str | None = None
    """GANs: non_saturating, minimax. Autoencoders: mse, mae, huber … of Keras. The preset's by default."""
    seed: int = 0
    """Source of all randomness: weights, order of the images, latents, dropout."""
    name: str | None = None
    """Name of the exported model; <family>-<preset>-<data> by default."""
    run_dir: Path | None = None
    """The run's own folder; runs/<time>-<preset>-<data> by default."""
    export_dir: Path = Path("saved_models")
    """Folder of exported models: <export-dir>/<name>/<version>/ is what TF Serving loads."""
    image_size: int | tuple[int, int] | None = None
    """Side, or height and width, to resize to. By default the common size, or 64 if the images differ in size."""
    channels: Literal[1, 3, 4] | None = None
    """Convert to grey, RGB or RGBA; as the images are by default."""
    fit: Literal["crop", "pad", "stretch"] = "crop"
    """How other shapes reach the size: cut what stands over, add a border, or distort."""
    sample_every: int = 5
    """Epochs between two picture grids."""
    dry_run: bool = False
    """Print the resolved configuration, parameter counts, memory and an estimate of the time, and stop."""

    def resolve(self, presets: dict[str, Preset]) -> TrainingOptions:
        """Fills what was not given from the preset and checks every number.

        Args:
            presets: presets by name.

        Returns:
            Options without `None` in the fields that a preset has.

        Raises:
            ValueError: for an unknown preset or a number out of range.
        """
        preset = lookup("preset", presets, self.preset)
        completed = {
            field: value if (value := getattr(self, field)) is not None else getattr(preset, field)
            for field in preset._fields
            if field != "about"
        }
        if self.minutes is None and self.epochs is None:
            completed["minutes"] = DEFAULT_MINUTES
        resolved = dataclasses.replace(self, **completed)
        resolved._check()
        return resolved

    def _check(self) -> None:
        for field in ("minutes", "epochs", "batch_size", "learning_rate", "latent_dim", "sample_every"):
            value = getattr(self, field)
            if value is not None and not value > 0:
                raise ValueError(f"expected --{field.replace('_', '-')} above 0, received {value}")
        if self.seed < 0:
            raise ValueError(f"expected --seed of 0 or more, received {self.seed}")


def describe(doc: str, presets: dict[str, Preset]) -> str:
    """The head of a script's `--help`: its docstring and the presets, one a line."""
    lines = [f"  {name}: {preset.about}" for name, preset in presets.items()]
    return "\n".join([doc.strip(), "", "Presets:", *lines])
