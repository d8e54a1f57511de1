"""What follows from an autoencoder's codes: a prior that makes new images, and a picture of the cloud of codes."""

from __future__ import annotations

import numpy as np

from keras_gen import evaluation, features
from keras_gen.console import progress
from keras_gen.data import MIN_SCORED_IMAGES, Split
from keras_gen.images import save_png
from keras_gen.inputs import Conditions, learnable
from keras_gen.runs import delivering, projector
from keras_gen.runs.run import Run
from keras_gen.runs.watching import Watchers

MAX_PROJECTED = 1_000  # training images whose codes TensorBoard shows


def choose_prior(run: Run, watchers: Watchers, held_out: Split) -> str:
    """Fits a prior to the autoencoder's codes, see `evaluation.choose_prior`, and shows the candidates.

    Args:
        run: of a trained autoencoder.
        watchers: those that it was trained with.
        held_out: images that it was not trained on.

    Returns:
        Why there is none, or an empty text.
    """
    if watchers.diverged:
        return ""
    delivering.save(run)  # the trained model is safe, whatever happens now
    before = run.model.prior
    try:
        _choose_prior(run, held_out)
    except (Exception, KeyboardInterrupt) as error:
        run.model.prior = before
        return f"No prior was fitted to the codes: {' '.join(str(error).split()) or 'interrupted'}."
    return ""


def _choose_prior(run, held_out):
    autoencoder, learned = run.model, run.batches.split
    enough = run.options.score and min(len(learned), len(held_out)) >= MIN_SCORED_IMAGES
    with progress() as on_progress:
        net = features.FeatureNet.of(run.images, on_progress=on_progress) if enough else None
        candidates = evaluation.choose_prior(autoencoder, learned, held_out, net, run.options.seed, on_progress)
    evaluation.write_candidates(candidates, run.directory)
    _project(run, learned.some(MAX_PROJECTED))
    picture = save_png(run.directory / "new.png", autoencoder.picture())
    print(f"new images come from codes that are drawn from a {candidates[0].prior.about}: {picture}")


def _project(run, split):
    """Writes the codes of some images, and what is known about these, for TensorBoard's projector."""
    schema = Conditions.of(run.images, names) if (names := learnable(run.images)) else None
    known = {}
    for item, column in zip(schema.attributes, schema.columns(split).values(), strict=True) if schema else []:
        missing = np.asarray(item.is_missing(column))
        known[item.name] = ["" if gone else item.text(value) for gone, value in zip(missing, column, strict=True)]
    pictures = np.asarray(split.images[:])
    encoded = run.model.encode(pictures, given=run.model.given_of(split, drawn_too=True))
    projector.write(run.directory / "tensorboard" / "codes", encoded, pictures, known)
