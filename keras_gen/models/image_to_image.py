"""Models that answer a picture with an image: what repair and translation have in common."""

from __future__ import annotations

import numpy as np

from keras_gen import images as pixels
from keras_gen.inputs import Mask, Picture
from keras_gen.masks import damaged
from keras_gen.models.generative import Generative

BATCH_SIZE = 64  # pictures that are answered at a time
NUM_SHOWN, MAX_SHOWN_COLUMNS = 3, 16  # answers below each other, pictures beside each other


class ImageToImage(Generative):
    """The side of a model that takes a picture, and perhaps a mask, and makes one or several images of it.

    A subclass defines `task`, the name of its command and of its signature on a server.
    """

    task: str

    @property
    def verb(self) -> str:  # type: ignore[override]  # by its task
        return self.task

    @property
    def request_names(self) -> dict[str, str]:
        """As of `Generative`; the picture and the mask have the names that clients expect: `images` and `masks`."""
        names = {self.source.name: "images", **({self.mask.name: "masks"} if self.mask else {})}
        return {**super().request_names, **names}

    def rows_of(self, inputs):
        """As of `Generative`, by our own names: in other formats no input may have the name of the output, `images`."""
        return {each.name: each.row for each in inputs}

    @property
    def source(self) -> Picture:
        """The input that is answered."""
        return next(each for each in self.inputs if isinstance(each, Picture) and not isinstance(each, Mask))

    @property
    def mask(self) -> Mask | None:
        """The input that says where the holes are, or None."""
        return next((each for each in self.inputs if isinstance(each, Mask)), None)

    @property
    def any_size(self) -> bool:
        """Whether the pictures may have any height and width."""
        return self.source.any_size

    @property
    def source_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the pictures."""
        height, width, channels = self.source.shape
        return height, width, channels

    def answer(
        self,
        pictures: np.ndarray,
        masks: np.ndarray | None = None,
        num: int = 1,
        seed: int = 0,
        where: dict | None = None,
        batch_size: int = BATCH_SIZE,
    ) -> np.ndarray:
        """Makes images of pictures.

        Args:
            pictures: uint8 (n, *source_shape); of any height and width, if the source has `any_size`.
            masks: uint8 (n, height, width, 1), or one for all, nonzero in the hole; for a model that takes them.
            num: proposals for each picture.
            seed: of the latents, and of conditions that are not requested: the same for each picture.
            where: as of `sample`, for a model with conditions.
            batch_size: pictures that are answered at a time.

        Returns:
            uint8 (n, num, height, width, channels).

        Raises:
            ValueError: for pictures or masks of another shape, or masks that are missing or not expected.
        """
        given = {self.source.name: pictures}
        if (masks is None) != (self.mask is None):
            expected = "masks" if self.mask else "no masks"
            raise ValueError(f"expected {expected}: this {self.family} learned to {self.task}")
        if self.mask is not None and masks is not None:
            given[self.mask.name] = masks
        rows = {
            each.name: each.rows(len(pictures), seed, given=given[each.name])
            for each in self.inputs
            if each.name in given
        }
        drawn = self.draw(num, seed, where, given={name: column[:1] for name, column in rows.items()})

        def row_of(each, own):
            """The rows of an input: given for each picture, or the same for all, so that each is answered by itself."""
            return rows.get(each.name, np.repeat(own[None], len(pictures), axis=0))

        proposals = [
            self.decode(*map(row_of, self.inputs, own), batch_size=batch_size) for own in zip(*drawn, strict=True)
        ]
        return np.stack(proposals, axis=1)

    def picture(self, num=64, seed=0, given=None):
        """Pictures, those with holes again with grey in them, and below each of them the images made of it.

        Args:
            num: pictures, at most.
            seed: of the latents.
            given: as of `sample`; masks are drawn where none are given.

        Returns:
            uint8 array (height, width, channels).
        """
        given = {name: np.asarray(column[:num]) for name, column in (given or {}).items()}
        num = min([num, *map(len, given.values())])
        pictures = self.source.rows(num, seed, given=given.get(self.source.name))
        shown: list[np.ndarray] = [pictures]
        masks = None
        if self.mask is not None:
            masks = self.mask.rows(len(pictures), seed, given=given.get(self.mask.name))
            shown.append(damaged(pictures, masks))
        num_shown = 1 if self.latent_input is None else NUM_SHOWN
        proposals = self.answer(pictures, masks, num_shown, seed)
        shown = [pixels.match_shape(each, self.image_shape) for each in shown]
        return pixels.stacks(*shown, *np.moveaxis(proposals, 1, 0), columns=min(len(pictures), MAX_SHOWN_COLUMNS))
