"""What an exported model can be asked for, and what each of its inputs is for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

EXTRAS = "assets.extra"  # where TensorFlow lets others put files into a SavedModel
INPUTS = f"{EXTRAS}/inputs.json"
FREE_SIDES = (35, 50)  # height and width of an example where a model takes any: neither equal nor multiples of four


def example_shape(shape: Iterable[int | None]) -> tuple[int, ...]:
    """The shape of an example of a row, with lengths for the sides that may have any.

    Example:
        >>> example_shape((None, None, 3)), example_shape((8, 12, 3))
        ((35, 50, 3), (8, 12, 3))
    """
    free = iter(FREE_SIDES)
    return tuple(next(free) if side is None else side for side in shape)


def maker_of(signatures: Iterable[str]) -> str | None:
    """The signature that makes images, such as `generate` or `inpaint`: it is offered as PNG too.

    Args:
        signatures: names of those that a model offers.

    Example:
        >>> maker_of(["decode", "inpaint", "inpaint_png"])
        'inpaint'
    """
    names = set(signatures)
    return next((name for name in sorted(names) if f"{name}_png" in names), None)


class InputOfExport(NamedTuple):
    """An input of an exported model for something that users name: an attribute or a picture.

    Attributes:
        name: of the input; a server accepts ASCII letters only.
        choices: the texts that it accepts; empty where it takes numbers or pictures.
    """

    name: str
    choices: list[str]


def record_inputs(saved_model: Path, inputs: dict[str, InputOfExport]) -> None:
    """Writes into a SavedModel what each input is for, and what it accepts.

    Args:
        saved_model: folder of the SavedModel.
        inputs: by the user's names.
    """
    text = json.dumps({own: each._asdict() for own, each in inputs.items()}, ensure_ascii=False, indent=2)
    (saved_model / INPUTS).write_text(text + "\n", encoding="utf-8")


def recorded_inputs(saved_model: Path) -> dict[str, InputOfExport]:
    """What `record_inputs` wrote; empty for a model that was not exported here."""
    path = saved_model / INPUTS
    recorded = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {own: InputOfExport(**each) for own, each in recorded.items()}
