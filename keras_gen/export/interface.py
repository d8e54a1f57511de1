"""What clients of an exported model rely on: its signatures, with their inputs and outputs."""

from __future__ import annotations

import json
from pathlib import Path

from keras_gen.export.verification import EXTRAS, recorded
from keras_gen.export.versions import published_versions

NAMES = f"{EXTRAS}/inputs.json"

_TOLD = 3  # changes that are spelled out


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


def changes(version: str | Path) -> str:
    """What a client of the version before this one would notice: inputs and outputs of another type or shape, or none.

    Signatures that are new, and outputs that are, disturb no client and are passed over. Which texts an input takes is
    not compared, nor is a version that `publish(keep=1)` has removed.

    Args:
        version: folder of a version that `publish` has made.

    Returns:
        One sentence, or nothing.

    Example:
        >>> changes("a/folder/of/the/first/version/1")
        ''
    """
    version = Path(version)
    earlier = [number for number in published_versions(version.parent) if number < int(version.name)]
    if not earlier:
        return ""
    before, now = (_interface(version.parent / str(number)) for number in (earlier[-1], version.name))
    signatures = {key.partition("/")[0] for key in before}
    asked = {key for key in now if key.partition("/")[0] in signatures and "/inputs/" in key}
    changed = [
        f"{key} {before.get(key, 'none')} → {now.get(key, 'none')}"
        for key in sorted(asked.union(before))
        if before.get(key) != now.get(key)
    ]
    if not changed:
        return ""
    more = f"; and {len(changed) - _TOLD} more" if len(changed) > _TOLD else ""
    return (
        f"Clients of version {earlier[-1]} will notice: {'; '.join(changed[:_TOLD])}{more}. "
        "Another --name keeps the two apart."
    )


def _interface(version: Path) -> dict[str, str]:
    """Type and shape of a row of each input and output, by their names in `record` behind that of the signature."""
    try:
        cases = recorded(version)
    except Exception:  # there is none, or NumPy and zipfile raise nearly anything: then there is nothing to compare
        return {}
    return {
        f"{signature}/{name}": " ".join(
            ["text" if array.dtype.kind == "U" else array.dtype.name, "×".join(map(str, array.shape[1:]))]
        ).strip()
        for signature, case in cases.items()
        for name, array in case.items()
    }
