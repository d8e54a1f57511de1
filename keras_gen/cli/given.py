"""`keras-gen reconstruct | invert`: given images."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from keras_gen.cli.requests import asked, check_out, pictures_of, training_images, write
from keras_gen.paths import RUN, require_path, require_pictures

if TYPE_CHECKING:
    import numpy as np

    from keras_gen.data import Pictures
    from keras_gen.inputs import Conditions


@dataclasses.dataclass(frozen=True)
class Reconstruct:
    """Pass pictures through a trained autoencoder; the grid shows each original above its reconstruction."""

    run_folder: tyro.conf.Positional[Path]
    """Folder of a run, or a .keras file."""
    data: tuple[str, ...] = ()
    """Pictures: files, folders, an .npz or .npy, or the name of a data set; by default the test images of the run."""
    num: int | None = None
    """Number of images, from the first; by default all pictures given, and 20 test images of a data set."""
    where: tuple[str, ...] = ()
    """What the pictures show, such as label=3 or hat=yes, where the model learned it and their data do not say it."""
    out: Path = Path("reconstructions.png")
    """x.png: one grid of originals and reconstructions; x.npy or a folder: the reconstructions alone; files in a folder have the names of the pictures."""  # noqa: E501

    def check(self) -> None:
        """Refuses what is not there."""
        require_path(self.run_folder, RUN)
        require_pictures(self.data)

    def run(self) -> None:
        """Writes the reconstructions and prints where, and how far off they are."""
        import numpy as np

        from keras_gen import images
        from keras_gen.models import saving

        if self.num is not None and self.num < 1:
            raise ValueError(f"expected --num of 1 or more, received {self.num}")
        check_out(self.out)
        where = asked(self.where, None)
        model = saving.load(self.run_folder)
        if not getattr(model, "reconstructs", False):
            raise ValueError(
                f"expected an autoencoder, {self.run_folder} holds a {type(model).__name__}: try keras-gen sample"
            )
        shown, _ = pictures_of(model, self.run_folder, self.data, self.num, num_tested=20)
        _check_originals(shown, self.out)
        originals = np.asarray(shown.split.images[:])
        reconstructions = model.reconstruct(originals, given=_given_of(model, shown, where))
        if self.out.suffix == ".png":
            place = images.save_png(self.out, images.stacks(originals, reconstructions))
        else:
            place = write(reconstructions, self.out, names=shown.names)
        error = np.mean(((originals.astype(float) - reconstructions) / 127.5) ** 2)
        print(f"{_described(shown)}: {place}")
        print(f"mean squared error {error:.5f}, on the scale [-1, 1] of training")


@dataclasses.dataclass(frozen=True)
class Invert:
    """Find the latents from which a trained model makes given images: by encoding, or by a search in a GAN."""

    model: tyro.conf.Positional[Path]
    """Folder of a run, or a .keras file."""
    data: tuple[str, ...] = ()
    """Pictures: files, folders, an .npz or .npy, or the name of a data set; by default the test images of the run."""
    num: int | None = None
    """Number of images, from the first; by default all pictures given, and 10 test images of a data set."""
    where: tuple[str, ...] = ()
    """What the pictures show, such as label=3 or hat=yes, where the model learned it and their data do not say it."""
    steps: int = 300
    """Steps of the search in a GAN."""
    restarts: int = 4
    """Starts of the search, of which the best result is kept."""
    seed: int = 0
    """Seed of the starts."""
    out: Path = Path("inverted.png")
    """x.png: rows of the images, what the model makes from the latents, and the nearest training images if those of the run are found; x.npz: arrays latents, conditions, images, errors and names."""  # noqa: E501

    def check(self) -> None:
        """Refuses what is not there."""
        require_path(self.model, RUN)
        require_pictures(self.data)

    def run(self) -> None:
        """Writes the picture or the arrays, and prints how near the images are."""
        import numpy as np

        from keras_gen import data, files, images
        from keras_gen.cli import sampling
        from keras_gen.console import progress
        from keras_gen.models import inversion

        if min(1 if self.num is None else self.num, self.steps, self.restarts) < 1 or self.seed < 0:
            raise ValueError(
                "expected --num, --steps and --restarts of 1 or more and --seed of 0 or more, received "
                f"{self.num}, {self.steps}, {self.restarts} and {self.seed}"
            )
        if self.out.suffix not in (".png", ".npz"):
            raise ValueError(f"expected --out as x.png or x.npz, received {self.out}")
        files.require_writable(self.out.parent)
        where = asked(self.where, None)
        model = sampling.load(self.model)
        shown, loaded = pictures_of(model, self.model, self.data, self.num, num_tested=10)
        _check_originals(shown, self.out)
        originals = np.asarray(shown.split.images[:])
        given = _given_of(model, shown, where)
        with progress() as on_progress:
            on_progress(f"looking for the latents of {len(originals)} images")
            found = inversion.invert(
                model, originals, steps=self.steps, restarts=self.restarts, seed=self.seed, given=given
            )
        train = loaded.train if loaded else training_images(model, self.model)
        rows, nearest = [originals, found.images], ""
        if train is not None:
            distances, indices = data.nearest(originals, train.images)
            rows.append(np.stack([train.images[index] for index in indices]))
            nearest = f"\nof the nearest of {len(train):,} training images {np.mean((distances / 127.5) ** 2):.5f}"
        if self.out.suffix == ".png":
            images.save_png(self.out, images.stacks(*rows))
        else:
            arrays = dict(zip(["latents", *list(found.rows)[1:]], found.rows.values(), strict=True))  # of codes too
            arrays |= {"images": found.images, "errors": found.errors, "names": np.array(shown.names)}
            np.savez(self.out, allow_pickle=False, **arrays)
        print(f"{_described(shown)}: {self.out}")
        print(f"mean squared error {np.mean(found.errors):.5f}, on the scale [-1, 1] of training{nearest}")


def _described(shown: Pictures) -> str:
    """How many pictures, from where, and in what form the model takes them: size and colours may be different."""
    what, origin = ("test image", "of") if shown.is_test_part else ("picture", "from")
    return f"{len(shown)} {what}{'' if len(shown) == 1 else 's'} {origin} {shown.source}, {shown.how}"


def _check_originals(shown: Pictures, out: Path) -> None:
    """Refuses to write over the pictures given."""
    places = {place.resolve() for place in (out, *(out / f"{name}.png" for name in shown.names))}
    if own := next((file for file in shown.files if file.resolve() in places), None):
        raise ValueError(f"expected --out that leaves the pictures as they are, {out} would replace {own}")


def _given_of(model, shown: Pictures, where: Mapping[str, str]) -> dict[str, np.ndarray]:
    """The inputs that go along with pictures, by name: what is asked for, and what is known of all pictures.

    Raises:
        ValueError: if the model cannot be asked for something, or needs conditions that it does not get.
    """
    import numpy as np

    schema = model.conditions
    if schema is None:
        if where:
            raise ValueError(f"expected no --where: this model was trained without conditions, received {dict(where)}")
        return model.given_of(shown.split, drawn_too=True)
    of_all = {name: np.full(len(shown), value) for name, value in schema.parse(where).items()}
    columns = _known(schema, shown) | of_all
    missing = [name for name in schema.names if name not in columns]
    if missing and (where or model.reconstructs):
        raise ValueError(
            f"expected {', '.join(missing)} of each picture{' as well' if where else ''}, which the model learned and "
            f"{shown.source} does not say: give --where {' '.join(f'{name}=…' for name in missing)} for all pictures"
        )
    split = dataclasses.replace(shown.split, labels=None, attributes=columns)
    return model.given_of(split, drawn_too=not missing)  # a GAN finds what is missing


def _known(schema: Conditions, shown: Pictures) -> dict[str, np.ndarray]:
    """The columns that the model has conditions for, with its own numbers for classes, if it knows all of them."""
    import numpy as np

    from keras_gen.inputs import LABEL, Categorical, columns_of

    texts = {**shown.attribute_values, **({LABEL: shown.class_names} if shown.class_names else {})}
    own, columns = columns_of(shown.split), {}
    for item in schema.attributes:
        if item.name not in own:
            continue
        column = own[item.name]
        if item.name not in texts:
            columns[item.name] = column
        elif isinstance(item, Categorical):
            values = [item.values.index(text) if text in item.values else -1 for text in texts[item.name]]
            translated = np.array([*values, -1])[column]  # -1, the last, still stands for what is not known of an image
            if np.array_equal(translated < 0, column < 0):
                columns[item.name] = translated
    return columns
