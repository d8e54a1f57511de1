"""What docs/extending.md shows is run as written: a term, a family and a game that are no part of keras_gen."""

import os
import re
import subprocess
import sys

import numpy as np

from keras_gen.export.readers import CSavedModel
from tests.processes import ROOT


def test_the_blocks_run_one_after_the_other(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "extending.md").read_text(), flags=re.DOTALL)
    assert len(blocks) == 4
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": str(ROOT)}
    shown = "assert sharp.shape == (359, 8, 8, 1) and images.shape == (64, 8, 8, 1) and 'frechet' in card.scores"
    command = [sys.executable, "-c", "\n".join([*blocks, shown])]
    process = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    for name, given in {
        "sharpen": {"blurred": np.zeros((2, 8, 8, 1), "uint8")},
        "moments": {},
        "bidirectional": {},
    }.items():
        asked = {"seed": np.arange(2), "truncation": np.full(2, np.nan, "float32"), **given}
        images = CSavedModel(str(tmp_path / "saved_models" / name / "1")).ask("generate", asked)["images"]
        assert images.shape == (2, 8, 8, 1)
