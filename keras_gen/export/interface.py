"""Which input of an exported model is for which attribute."""

from __future__ import annotations

import json
from pathlib import Path

from keras_gen.export.verification import EXTRAS

NAMES = f"{EXTRAS}/inputs.json"


def record_names(saved_model: Path, names: dict[str, str]) -> None:
    """Writes into a SavedModel which input is for which attribute: a server takes no other letters than ASCII's.

    Args:
        saved_model: folder of the SavedModel.
        names: of inputs, by those of attributes.
    """
    (saved_model / NAMES).write_text(json.dumps(names, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def recorded_names(saved_model: Path) -> dict[str, str]:
    """What `record_names` wrote; nothing for the model of somebody else."""
    path = saved_model / NAMES
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
