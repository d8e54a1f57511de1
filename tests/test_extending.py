"""What docs/extending.md shows is run as written: a loss, a term, a family and a game that are no part of keras_gen."""

import numpy as np

from keras_gen.export.runtimes import CSavedModel
from tests.test_readme import python_blocks, run_blocks


def test_the_blocks_run_one_after_the_other(tmp_path):
    assert len(python_blocks("docs/extending.md")) == 4
    shown = "assert sharp.shape == (359, 8, 8, 1) and images.shape == (64, 8, 8, 1) and 'frechet' in card.scores"
    run_blocks("docs/extending.md", tmp_path, shown)
    for name, given in {
        "sharpen": {"blurred": np.zeros((2, 8, 8, 1), "uint8")},
        "moments": {},
        "bidirectional": {},
    }.items():
        asked = {"seed": np.arange(2), "truncation": np.full(2, np.nan, "float32"), **given}
        images = CSavedModel(str(tmp_path / "saved_models" / name / "1")).ask("generate", asked)["images"]
        assert images.shape == (2, 8, 8, 1)
