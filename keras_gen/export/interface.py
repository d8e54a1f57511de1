"""What an exported model can be asked for, and what each of its inputs is for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from keras_gen.export.verification import EXTRAS

INPUTS = f"{EXTRAS}/inputs.json"


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
