"""`keras-gen reconstruct | invert`: given images."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import tyro

from keras_gen.cli.requests import check_out, data_of, write


@dataclasses.dataclass(frozen=True)
class Reconstruct:
    """Pass test images through a trained autoencoder; the grid shows each original above its reconstruction."""

    run_folder: tyro.conf.Positional[Path]
    """Folder of a run, or a .keras file."""
    data: str | None = None
    """Name or path of the images, as for keras-gen train; by default those that the run was trained on."""
    num: int = 20
    """Number of images, the first ones of the test part."""
    out: Path = Path("reconstructions.png")
    """x.png: one grid of originals and reconstructions; x.npy or a folder: the reconstructions alone."""

    def run(self) -> None:
        """Writes the reconstructions and says where and how far off they are."""
        import numpy as np

        from keras_gen import images
        from keras_gen.models import saving

        if self.num < 1:
            raise ValueError(f"expected --num of 1 or more, received {self.num}")
        check_out(self.out)
        model = saving.load(self.run_folder)
        if not getattr(model, "reconstructs", False):
            raise ValueError(
                f"expected an autoencoder, {self.run_folder} holds a {type(model).__name__}: try keras-gen sample"
            )
        loaded = data_of(model, self.run_folder, self.data)
        shown = loaded.test.take(range(min(self.num, len(loaded.test))))
        originals = np.asarray(shown.images[:])
        reconstructions = model.reconstruct(originals, given=model.given_of(shown, drawn_too=True))
        if self.out.suffix == ".png":
            place = images.save_png(self.out, images.stacks(originals, reconstructions))
        else:
            place = write(reconstructions, self.out)
        error = np.mean(((originals.astype(float) - reconstructions) / 127.5) ** 2)
        print(f"{_images(originals, loaded)}: {place}")
        print(f"mean squared error {error:.5f}, on the scale [-1, 1] of training")


@dataclasses.dataclass(frozen=True)
class Invert:
    """Find the latents of which a trained model makes given images: an autoencoder encodes them, a GAN is searched."""

    model: tyro.conf.Positional[Path]
    """Folder of a run, or a .keras file."""
    data: str | None = None
    """Name or path of the images, as for keras-gen train; by default those that the run was trained on."""
    num: int = 10
    """Number of images, the first ones of the test part."""
    steps: int = 300
    """Of the search in a GAN."""
    restarts: int = 4
    """Beginnings of the search, of which the best end is kept."""
    seed: int = 0
    """Of the beginnings."""
    out: Path = Path("inverted.png")
    """x.png: the images above what the model makes of the latents, above the nearest training images; x.npz: arrays latents, conditions, images and errors."""  # noqa: E501

    def run(self) -> None:
        """Writes the picture or the arrays, and says how near the images are."""
        import numpy as np

        from keras_gen import data, files, images
        from keras_gen.cli import sampling
        from keras_gen.console import progress
        from keras_gen.inputs import columns_of
        from keras_gen.models import inversion

        if min(self.num, self.steps, self.restarts) < 1 or self.seed < 0:
            raise ValueError(
                "expected --num, --steps and --restarts of 1 or more and --seed of 0 or more, received "
                f"{self.num}, {self.steps}, {self.restarts} and {self.seed}"
            )
        if self.out.suffix not in (".png", ".npz"):
            raise ValueError(f"expected --out as x.png or x.npz, received {self.out}")
        files.require_writable(self.out.parent)
        model = sampling.load(self.model)
        loaded = data_of(model, self.model, self.data)
        shown = loaded.test.take(range(min(self.num, len(loaded.test))))
        originals = np.asarray(shown.images[:])
        # Of kinds that were found without labels the data say nothing.
        schema = model.conditions
        rows = schema.of_split(shown) if schema and set(schema.names) <= set(columns_of(shown)) else None
        with progress() as on_progress:
            on_progress(f"looking for the latents of {len(originals)} images")
            found = inversion.invert(model, originals, rows, steps=self.steps, restarts=self.restarts, seed=self.seed)
        distances, indices = data.nearest(originals, loaded.train.images)
        if self.out.suffix == ".png":
            neighbours = np.stack([loaded.train.images[index] for index in indices])
            images.save_png(self.out, images.stacks(originals, found.images, neighbours))
        else:
            arrays = dict(zip(["latents", *list(found.rows)[1:]], found.rows.values(), strict=True))  # of codes too
            np.savez(self.out, allow_pickle=False, **arrays, images=found.images, errors=found.errors)
        print(f"{_images(originals, loaded)}: {self.out}")
        print(f"mean squared error {np.mean(found.errors):.5f}, on the scale [-1, 1] of training")
        print(f"of the nearest of {len(loaded.train):,} training images {np.mean((distances / 127.5) ** 2):.5f}")


def _images(originals, data) -> str:
    """How many, of what, and as the model takes them, which may be of another size and in other colours."""
    height, width, channels = originals.shape[1:]
    return f"{len(originals)} test images of {data.name}, as {height}×{width}×{channels}"
