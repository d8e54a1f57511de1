"""The check of a SavedModel in a fresh process that knows nothing of keras_gen.

`verify` is called by the exporter. The rest of this file is also a program, run by its path so that nothing of
keras_gen is imported: `python verification.py SAVED_MODEL CASES.npz`. The cases hold, for each signature, its inputs
and the outputs that the Python model gave for them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

FLOAT_TOLERANCE = 1e-5  # of the largest value, or of 1 where all are smaller
UINT8_TOLERANCE = 1  # a rounding that falls the other way


class VerificationError(ValueError):
    """A SavedModel that does not do what the Python model does; it was not published."""


def verify(saved_model: Path, cases: dict[str, dict[str, np.ndarray]], scratch: Path) -> str:
    """Loads a SavedModel in a fresh process and compares every signature's outputs.

    Args:
        saved_model: folder of the SavedModel.
        cases: by signature, the inputs (keys `inputs/<name>`) and the expected outputs (`outputs/<name>`); images as
            uint8 where the signature answers with PNG bytes.
        scratch: existing folder for the cases' file.

    Returns:
        One line that says what was compared and how far apart it was.

    Raises:
        VerificationError: if the SavedModel cannot be loaded or answers differently.
    """
    path = scratch / "cases.npz"
    arrays = {f"{signature}/{name}": array for signature, case in cases.items() for name, array in case.items()}
    np.savez(path, allow_pickle=False, **arrays)
    process = subprocess.run([sys.executable, __file__, saved_model, path], capture_output=True, text=True)
    if process.returncode:
        raise VerificationError(f"the SavedModel failed its check: {last_line(process.stderr)}")
    return last_line(process.stdout)


def last_line(text: str) -> str:
    """What a process said last."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else "the checking process ended without a word"


def _compare(name: str, received: np.ndarray, expected: np.ndarray) -> float:
    if received.shape != expected.shape or received.dtype != expected.dtype:
        sys.exit(f"{name}: expected {expected.dtype} {expected.shape}, received {received.dtype} {received.shape}")
    difference = float(np.abs(received.astype("float64") - expected.astype("float64")).max())
    tolerance = UINT8_TOLERANCE if expected.dtype == np.uint8 else FLOAT_TOLERANCE * max(1.0, np.abs(expected).max())
    if difference > tolerance:
        sys.exit(f"{name}: differs from the Python model by {difference:g}")
    return difference


def _main(saved_model: str, cases: str) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    loaded = tf.saved_model.load(saved_model)
    with np.load(cases) as archive:
        arrays = dict(archive)
    worst = {"float32": 0.0, "uint8": 0.0}
    names = list(dict.fromkeys(key.split("/")[0] for key in arrays))
    if set(names) != set(loaded.signatures):
        sys.exit(f"expected the signatures {sorted(names)}, received {sorted(loaded.signatures)}")
    for name in names:
        prefix = f"{name}/inputs/"
        inputs = {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}
        answer = loaded.signatures[name](**{key: tf.constant(array) for key, array in inputs.items()})
        for output, received in answer.items():
            if received.dtype == tf.string:
                received = tf.stack([tf.io.decode_png(png) for png in received])
            difference = _compare(f"{name}/{output}", received.numpy(), arrays[f"{name}/outputs/{output}"])
            kind = received.dtype.name
            worst[kind] = max(worst[kind], difference)
    print(f"{len(names)} signatures agree with Python: floats to {worst['float32']:.1g}, bytes to {worst['uint8']:g}")


if __name__ == "__main__":
    _main(*sys.argv[1:])
