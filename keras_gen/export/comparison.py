"""Compares a new version with the previous one: what clients would notice, and whether it scores worse.

Servers load the newest version, good or bad, unless they are configured otherwise.
"""

from __future__ import annotations

from pathlib import Path

from keras_gen.evaluation import ScoreCard
from keras_gen.evaluation.page import text
from keras_gen.export.interface import EXTRAS
from keras_gen.export.verification import recorded
from keras_gen.export.versions import published_versions

SCORES = f"{EXTRAS}/scorecard.json"

_MAX_LISTED = 3  # changes that are spelled out
_OF_EFFORT = {"images", "feature_nets"}  # in which a brief card differs from a full one
_DECISIVE = ("frechet", "mse")  # the first of these that both versions have decides; lower is better


def changes(version: str | Path) -> str:
    """What anyone who serves the previous version should know before this one takes its place.

    Clients notice inputs that are new, and inputs and outputs that are gone or have another type or shape. New
    signatures and new outputs disturb no client and are ignored. The texts that an input accepts are not compared.
    Scores are compared where both versions were scored in the same way: this version is worse if it is so by more than
    the errors of both. A version that `publish(keep=1)` has removed is not compared.

    Args:
        version: folder of a version that `publish` has made.

    Returns:
        One or more sentences, or an empty text.

    Example:
        >>> changes("a/folder/of/the/first/version/1")
        ''
    """
    version = Path(version)
    earlier = [number for number in published_versions(version.parent) if number < int(version.name)]
    if not earlier:
        return ""
    before = version.parent / str(earlier[-1])
    return " ".join(filter(None, (_noticed(before, version), _worse(before, version))))


def _noticed(before: Path, version: Path) -> str:
    """What clients would notice, in a sentence."""
    theirs, ours = _interface(before), _interface(version)
    signatures = {key.partition("/")[0] for key in theirs}
    asked = {key for key in ours if key.partition("/")[0] in signatures and "/inputs/" in key}
    changed = [
        f"{key} {theirs.get(key, 'none')} → {ours.get(key, 'none')}"
        for key in sorted(asked.union(theirs))
        if theirs.get(key) != ours.get(key)
    ]
    if not changed:
        return ""
    more = f"; and {len(changed) - _MAX_LISTED} more" if len(changed) > _MAX_LISTED else ""
    return (
        f"Clients of version {before.name} will notice: {'; '.join(changed[:_MAX_LISTED])}{more}. "
        "Another --name keeps the two apart."
    )


def _worse(before: Path, version: Path) -> str:
    """That the scores are worse, in a sentence."""
    try:
        theirs, ours = (ScoreCard.load(folder / SCORES) for folder in (before, version))
    except (OSError, ValueError):  # not scored, or a card of another version of keras_gen
        return ""
    name = next((each for each in _DECISIVE if each in theirs.scores and each in ours.scores), None)
    if name is None or theirs.model.get("truncation") != ours.model.get("truncation"):
        return ""
    keys = {*theirs.protocol, *ours.protocol}
    differing = {key for key in keys if theirs.protocol.get(key) != ours.protocol.get(key)}
    if differing:
        if not differing <= _OF_EFFORT:
            return ""
        return f"Its score is not compared with that of version {before.name}: one of the cards is brief."
    then, now = theirs.scores[name], ours.scores[name]
    if now.value - (now.error or 0) <= then.value + (then.error or 0):
        return ""
    return (
        f"Version {version.name} is worse than version {before.name}: {name} {text(name, now)}, compared with "
        f"{text(name, then)}. Servers load the newest version unless model.config says otherwise: delete {version} to "
        "go back."
    )


def _interface(version: Path) -> dict[str, str]:
    """Type and shape of one row of each input and output, by signature and the name in `record`."""
    try:
        cases = recorded(version)
    except Exception:  # no record to compare, or a damaged one: NumPy and zipfile raise nearly anything
        return {}
    return {
        f"{signature}/{name}": " ".join(
            ["text" if array.dtype.kind == "U" else array.dtype.name, "×".join(map(str, array.shape[1:]))]
        ).strip()
        for signature, case in cases.items()
        for name, array in case.items()
    }
