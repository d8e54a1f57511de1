"""`keras-gen doctor`: what is wrong with the images."""

from __future__ import annotations

import dataclasses
from typing import Literal

import tyro

from keras_gen.paths import require_data


@dataclasses.dataclass(frozen=True)
class Doctor:
    """Look for common problems of images: duplicates, leaks into the test part, damaged or inverted images."""

    data: tyro.conf.Positional[str]
    """Name or path of the images, as for keras-gen train."""
    image_size: int | tuple[int, int] | None = None
    """As for keras-gen train."""
    channels: Literal[1, 3, 4] | None = None
    """As for keras-gen train."""
    fit: Literal["crop", "pad", "stretch"] = "crop"
    """As for keras-gen train."""

    def check(self) -> None:
        """Refuses what is not there."""
        require_data(self.data)

    def run(self) -> None:
        """Prints what is in the set and what was found: serious findings come first and are marked."""
        from keras_gen import data
        from keras_gen.console import progress
        from keras_gen.data import doctor

        images = data.load(self.data, image_size=self.image_size, channels=self.channels, fit=self.fit)
        height, width, channels = images.image_shape
        classes = f", {images.num_classes} classes" if images.num_classes else ""
        attributes = f", known of each: {', '.join(images.train.attributes)}" if images.train.attributes else ""
        print(
            f"{images.name}: {len(images.train):,} training and {len(images.test):,} test images of {height}×{width}, "
            f"{channels} channel{'s' if channels > 1 else ''}{classes}{attributes}"
        )
        with progress() as on_progress:
            findings = doctor.examine(images, on_progress)
        print("\n".join(f"{'!' if finding.serious else '-'} {finding.text}" for finding in findings))
        if not any(finding.serious for finding in findings):
            print("nothing serious")
        print(f"time and memory of training: keras-gen train gan --data {self.data} --dry-run")
