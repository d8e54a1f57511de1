"""The check of a SavedModel: what it answers in fresh processes that know nothing of keras_gen.

What it has to answer is written into it by `record`, out of the mouth of the Python model, so that `verify` can be
repeated wherever the folder is, years later, on the server.
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

from keras_gen.export import readers
from keras_gen.export.readers import DEFAULT

READERS = ("tensorflow", "c_api", "openvino")
# Of the largest value, or of 1 where all are smaller. Not the last digits: in a generator that learned for long,
# numbers on the way to an image reach 50 and more, and no two programs round their sums alike. A byte is 8e-3.
FLOAT_TOLERANCE = 1e-3
UINT8_TOLERANCE = 1  # a rounding that falls the other way
EXTRAS = "assets.extra"  # where TensorFlow lets others put files into a SavedModel
CASES = f"{EXTRAS}/verification.npz"
SUMS = f"{EXTRAS}/SHA256SUMS"

Cases = dict[str, dict[str, np.ndarray]]


class VerificationError(ValueError):
    """A SavedModel that does not do what the Python model does, or is no longer what was exported."""


def record(saved_model: Path, cases: Cases) -> None:
    """Writes into a SavedModel what it has to answer.

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
    """Writes the checksums of all files, as `sha256sum --check` in the folder reads them."""
    lines = [f"{digest}  {name}\n" for name, digest in sorted(_sums(saved_model).items())]
    (saved_model / SUMS).write_text("".join(lines), encoding="utf-8")


def verify(saved_model: str | Path) -> str:
    """Checks a SavedModel that `record` and `seal` have prepared.

    Its files must be those that were exported. Then each of `READERS` that is installed loads it in a process of its
    own, on the CPU, and answers: floats must be within 1e-3 of what the Python model said, relative to the largest one
    above 1, bytes within 1. Rows that bring seeds are asked for again in other batches and must come out the same to
    the byte. OpenVINO, whose code is not TensorFlow's, may say that it lacks an operation.

    Args:
        saved_model: folder of the SavedModel.

    Returns:
        One line that says who agreed, and how far apart they were.

    Raises:
        VerificationError: if it does not hold.
    """
    saved_model = Path(saved_model)
    _check_files(saved_model)
    cases = recorded(saved_model)

    def told(reader):
        try:
            return agree(reader, saved_model, {DEFAULT: cases[DEFAULT]} if reader == "openvino" else cases)
        except _NoAnswerError as error:
            if reader != "openvino":
                raise
            return str(error)

    installed = [
        reader for reader in READERS if (readers.c_library() if reader == "c_api" else importlib.util.find_spec(reader))
    ]
    with ThreadPoolExecutor() as side_by_side:
        return f"{len(cases)} signatures agree with Python: {', '.join(side_by_side.map(told, installed))}"


def agree(reader: str, model: Path, cases: Cases) -> str:
    """Asks a reader of a model, in a process of its own, and compares.

    Args:
        reader: a name in `readers.READERS`.
        model: what it reads.
        cases: what to ask, and what the Python model said, see `record`.

    Returns:
        The reader, the number of signatures and how far it was apart, in words.

    Raises:
        VerificationError: if it cannot answer, or answers differently.
    """
    questions = [question for name, case in cases.items() for question in _questions(name, case)]
    answers = _ask(reader, model, questions)
    try:
        worst = _compare(questions, answers)
    except VerificationError as error:
        raise VerificationError(f"{reader}: {error}") from None
    return f"{reader} {len(cases)} (floats to {worst['float32']:.1g}, bytes to {worst['uint8']:g})"


class _NoAnswerError(VerificationError):
    """A reader cannot load the model, or fails while it answers."""


class _Question(NamedTuple):
    signature: str
    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]  # expected
    rows: list[int]  # of the case


def _questions(signature: str, case: dict[str, np.ndarray]) -> list[_Question]:
    """A case as it is, one row of it alone, and its rows in other places of a larger batch."""
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


def _ask(reader: str, model: Path, questions: list[_Question]) -> list[dict[str, np.ndarray]]:
    """The answers of a reader in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "questions.npz", Path(folder) / "answers.npz"
        arrays = {
            f"{number}/{question.signature}/{name}": array
            for number, question in enumerate(questions)
            for name, array in question.inputs.items()
        }
        np.savez(asked, allow_pickle=False, **arrays)
        # -P, or the files beside the program would stand in the way of packages of their names. The CPU, since whoever
        # asks may hold all memory of the GPU, and since some GPUs calculate with fewer digits.
        command = [sys.executable, "-P", *map(str, (readers.__file__, reader, model, asked, answered))]
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
        process = subprocess.run(command, env=environment, capture_output=True, text=True)
        if process.returncode:
            raise _NoAnswerError(f"{reader} cannot answer: {last_line(process.stderr)}")
        answers: list[dict[str, np.ndarray]] = [{} for _ in questions]
        with np.load(answered) as archive:
            for key, array in archive.items():
                number, name = key.split("/")
                answers[int(number)][name] = _pixels(array) if array.dtype.kind == "S" else array
        return answers


def _compare(questions: list[_Question], answers: list[dict[str, np.ndarray]]) -> dict[str, float]:
    """How far apart they are by type; VerificationError where that is too far."""
    worst = {"float32": 0.0, "uint8": 0.0}
    first: dict[str, dict[str, np.ndarray]] = {}
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
            by_row = expected.dtype == np.uint8 and ("seed" in question.inputs or question.signature == "generate")
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
    if not difference <= tolerance:  # a NaN is no number at all
        raise VerificationError(f"{name}: differs from the Python model by {difference:g}")
    return difference


def last_line(text: str) -> str:
    """What a process said last."""
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else "the process ended without a word"


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
