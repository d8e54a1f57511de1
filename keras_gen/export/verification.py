"""Checks what a SavedModel answers in fresh processes that know nothing of keras_gen.

`record` writes the answers of the Python model into it, so that `verify` can be repeated wherever the folder is: years
later, on the server.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from keras_gen.console import OnProgress, no_progress
from keras_gen.export import runtimes
from keras_gen.export.interface import EXTRAS, maker_of
from keras_gen.export.runtimes import DEFAULT

RUNTIMES = ("tensorflow", "c_api", "openvino")
# Relative to the largest value, or to 1 where all are smaller. Not tighter: in a generator that was trained for long,
# values inside reach 50 and more, and no two programs round their sums alike. A byte is 8e-3.
FLOAT_TOLERANCE = 1e-3
UINT8_TOLERANCE = 1  # a value that is rounded the other way
CASES = f"{EXTRAS}/verification.npz"
SUMS = f"{EXTRAS}/SHA256SUMS"

Cases = dict[str, dict[str, np.ndarray]]


class VerificationError(ValueError):
    """A SavedModel that answers differently from the Python model, or is no longer what was exported."""


def record(saved_model: Path, cases: Cases) -> None:
    """Writes the expected answers into a SavedModel.

    Args:
        saved_model: folder of the SavedModel.
        cases: by signature, the inputs (keys `inputs/<name>`) and the expected outputs (`outputs/<name>`); images as
            uint8 where the signature answers with PNG bytes.
    """
    path = saved_model / CASES
    path.parent.mkdir(exist_ok=True)
    arrays = {f"{signature}/{name}": array for signature, case in cases.items() for name, array in case.items()}
    np.savez_compressed(path, allow_pickle=False, **arrays)


def seal(saved_model: Path) -> None:
    """Writes the checksums of all files, for `sha256sum --check` in the folder."""
    lines = [f"{digest}  {name}\n" for name, digest in sorted(_sums(saved_model).items())]
    (saved_model / SUMS).write_text("".join(lines), encoding="utf-8")


def verify(saved_model: str | Path, on_progress: OnProgress = no_progress) -> str:
    """Checks a SavedModel that `record` and `seal` have prepared.

    Its files must be those that were exported. Then each of `RUNTIMES` that is installed loads it in its own process,
    on the CPU, and answers: floats must be within 1e-3 of the Python model's, relative to the largest one above 1,
    bytes within 1. Rows with seeds are asked for again in other batches and must be the same to the byte. OpenVINO,
    whose code is not TensorFlow's, may lack an operation; the result then says so.

    Args:
        saved_model: folder of the SavedModel.
        on_progress: an `OnProgress`, called before the runtimes are asked and after each.

    Returns:
        One line that says which runtimes agreed, and to what difference.

    Raises:
        VerificationError: if the check fails.
    """
    saved_model = Path(saved_model)
    _check_files(saved_model)
    cases = recorded(saved_model)

    def result(runtime):
        try:
            return agree(runtime, saved_model, {DEFAULT: cases[DEFAULT]} if runtime == "openvino" else cases)
        except _NoAnswerError as error:
            if runtime != "openvino":
                raise
            return str(error)

    installed = [
        name for name in RUNTIMES if (runtimes.c_library() if name == "c_api" else importlib.util.find_spec(name))
    ]
    text, results = f"verifying the SavedModel in fresh processes: {', '.join(installed)}", []
    on_progress(text, 0.0)
    with ThreadPoolExecutor() as side_by_side:
        for each in side_by_side.map(result, installed):
            results.append(each)
            on_progress(text, len(results) / len(installed))
    return f"{len(cases)} signatures agree with Python: {', '.join(results)}"


def agree(runtime: str, model: Path, cases: Cases) -> str:
    """Asks a runtime in its own process, and compares its answers.

    Args:
        runtime: a name in `runtimes.RUNTIMES`.
        model: the file or folder that it loads.
        cases: what to ask, and what the Python model answered, see `record`.

    Returns:
        The runtime, the number of signatures and the largest differences, in words.

    Raises:
        VerificationError: if the runtime cannot answer, or answers differently.
    """
    questions = [question for name, case in cases.items() for question in _questions(name, case)]
    answers = _ask(runtime, model, questions)
    try:
        worst = _compare(questions, answers)
    except VerificationError as error:
        raise VerificationError(f"{runtime}: {error}") from None
    return f"{runtime} {len(cases)} (floats to {worst['float32']:.1g}, bytes to {worst['uint8']:g})"


class _NoAnswerError(VerificationError):
    """A runtime cannot load the model, or fails while it answers."""


class _Question(NamedTuple):
    signature: str
    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]  # expected
    rows: list[int]  # of the case


def _questions(signature: str, case: dict[str, np.ndarray]) -> list[_Question]:
    """A case as it is, one row of it alone, and its rows at other positions of a larger batch."""
    num = len(next(iter(case.values())))
    inputs, outputs = (
        {name.removeprefix(side): array for name, array in case.items() if name.startswith(side)}
        for side in ("inputs/", "outputs/")
    )
    return [
        _Question(
            signature,
            {name: array[rows] for name, array in inputs.items()},
            {name: array[rows] for name, array in outputs.items()},
            rows,
        )
        for rows in (list(range(num)), [num - 1], [row % num for row in range(2 * num, 0, -1)])
    ]


def _ask(runtime: str, model: Path, questions: list[_Question]) -> list[dict[str, np.ndarray]]:
    """The answers of a runtime in its own process."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "questions.npz", Path(folder) / "answers.npz"
        arrays = {
            f"{number}/{question.signature}/{name}": array
            for number, question in enumerate(questions)
            for name, array in question.inputs.items()
        }
        np.savez(asked, allow_pickle=False, **arrays)
        # -P, or the files beside the program would shadow packages of the same names. On the CPU, since the process
        # that asks may hold all memory of the GPU, and since some GPUs compute with fewer digits.
        command = [sys.executable, "-P", *map(str, (runtimes.__file__, runtime, model, asked, answered))]
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
        process = subprocess.run(command, env=environment, capture_output=True, text=True)
        if process.returncode:
            raise _NoAnswerError(f"{runtime} cannot answer: {last_line(process.stderr)}")
        answers: list[dict[str, np.ndarray]] = [{} for _ in questions]
        with np.load(answered) as archive:
            for key, array in archive.items():
                number, name = key.split("/")
                answers[int(number)][name] = _pixels(array) if array.dtype.kind == "S" else array
        return answers


def _compare(questions: list[_Question], answers: list[dict[str, np.ndarray]]) -> dict[str, float]:
    """The largest difference by type; VerificationError where it is too large."""
    worst = {"float32": 0.0, "uint8": 0.0}
    first: dict[str, dict[str, np.ndarray]] = {}
    maker = maker_of(question.signature for question in questions)
    for question, answer in zip(questions, answers, strict=True):
        if set(answer) != set(question.outputs):
            raise VerificationError(
                f"{question.signature}: expected {', '.join(question.outputs)}, received {', '.join(answer)}"
            )
        whole = first.setdefault(question.signature, answer)
        for name, expected in question.outputs.items():
            place = f"{question.signature}/{name}"
            kind = expected.dtype.name
            worst[kind] = max(worst[kind], _difference(place, answer[name], expected))
            by_row = expected.dtype == np.uint8 and ("seed" in question.inputs or question.signature == maker)
            if by_row and not np.array_equal(answer[name], whole[name][question.rows]):
                raise VerificationError(f"{place}: the same seed gives other bytes in another batch")
    return worst


def _difference(name: str, received: np.ndarray, expected: np.ndarray) -> float:
    if received.shape != expected.shape or received.dtype != expected.dtype:
        raise VerificationError(
            f"{name}: expected {expected.dtype} {expected.shape}, received {received.dtype} {received.shape}"
        )
    difference = float(np.abs(received.astype("float64") - expected.astype("float64")).max())
    tolerance = UINT8_TOLERANCE if expected.dtype == np.uint8 else FLOAT_TOLERANCE * max(1.0, np.abs(expected).max())
    if not difference <= tolerance:  # also for NaN
        raise VerificationError(f"{name}: differs from the Python model by {difference:g}")
    return difference


def last_line(text: str) -> str:
    """The last line that a process printed."""
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else "the process ended without a message"


def _pixels(pngs: np.ndarray) -> np.ndarray:
    images = []
    for png in pngs:
        with Image.open(io.BytesIO(png)) as image:
            pixels = np.asarray(image)
            images.append(pixels.reshape(*pixels.shape[:2], -1))
    return np.stack(images)


def recorded(saved_model: Path) -> Cases:
    """What `record` wrote."""
    cases: Cases = {}
    with np.load(saved_model / CASES) as archive:
        for key, array in archive.items():
            signature, name = key.split("/", 1)
            cases.setdefault(signature, {})[name] = array
    return cases


def _check_files(saved_model: Path) -> None:
    path = saved_model / SUMS
    if not path.is_file() or not (saved_model / CASES).is_file():
        raise VerificationError(
            f"{saved_model} does not say what it should answer: expected {CASES} and {SUMS}, export it again"
        )
    exported = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        exported[name] = digest
    found = _sums(saved_model)
    for name in sorted({*exported, *found}):
        if exported.get(name) != found.get(name):
            what = "is missing" if name not in found else "has changed" if name in exported else "was not exported"
            raise VerificationError(f"{saved_model}: {name} {what}")


def _sums(saved_model: Path) -> dict[str, str]:
    files = {path.relative_to(saved_model).as_posix(): path for path in saved_model.rglob("*") if path.is_file()}
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items() if name != SUMS}
