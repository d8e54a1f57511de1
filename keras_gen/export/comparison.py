"""A new version beside the one before it: what clients would notice, and whether it scores worse.

Servers take the newest version, whatever it is like, unless they are told otherwise.
"""

from __future__ import annotations

from pathlib import Path

from keras_gen.evaluation import ScoreCard
from keras_gen.evaluation.page import text
from keras_gen.export.verification import EXTRAS, recorded
from keras_gen.export.versions import published_versions

SCORES = f"{EXTRAS}/scorecard.json"

_MAX_TOLD = 3  # changes that are spelled out
_DECISIVE = ("frechet", "mse")  # by the first of these that both versions have; lower is better


def changes(version: str | Path) -> str:
    """What whoever serves the version before this one should know before this one takes its place.

    Clients would notice inputs and outputs of another type or shape, or none. Signatures that are new, and outputs that
    are, disturb no client and are passed over. Which texts an input takes is not compared. Scores are, where both
    versions were scored in the same way: worse is what is so by more than the errors of both. A version that
    `publish(keep=1)` has removed is not compared.

    Args:
        version: folder of a version that `publish` has made.

    Returns:
        A sentence or more, or nothing.

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
    more = f"; and {len(changed) - _MAX_TOLD} more" if len(changed) > _MAX_TOLD else ""
    return (
        f"Clients of version {before.name} will notice: {'; '.join(changed[:_MAX_TOLD])}{more}. "
        "Another --name keeps the two apart."
    )


def _worse(before: Path, version: Path) -> str:
    """That the scores are worse, in a sentence."""
    try:
        theirs, ours = (ScoreCard.load(folder / SCORES) for folder in (before, version))
    except (OSError, ValueError):  # not scored, or a card of another version of keras_gen
        return ""
    name = next((each for each in _DECISIVE if each in theirs.scores and each in ours.scores), None)
    ways = [(card.protocol, card.model.get("truncation")) for card in (theirs, ours)]
    if name is None or ways[0] != ways[1]:
        return ""
    then, now = theirs.scores[name], ours.scores[name]
    if now.value - (now.error or 0) <= then.value + (then.error or 0):
        return ""
    return (
        f"Version {version.name} is worse than version {before.name}: {name} {text(name, now)}, there "
        f"{text(name, then)}. Servers take the newest unless model.config says otherwise: deleting {version} takes it "
        "back."
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
