"""Evaluation: an honest measure of how good a model is, offline, on the user's own images.

`distances` compares features of images (`keras_gen.features`), a `ScoreCard` holds every number with what is needed to
trust it, and a `QualityMonitor` or a `PairMonitor` measures a few of them while a model trains.
"""

from keras_gen.evaluation.attributes import attribute_direction
from keras_gen.evaluation.card import Score, ScoreCard
from keras_gen.evaluation.copies import CopyCheck, copy_check
from keras_gen.evaluation.distances import (
    frechet_distance,
    frechet_distance_at_infinity,
    kernel_distance,
    neighbourhoods,
    separability,
)
from keras_gen.evaluation.models import score
from keras_gen.evaluation.monitor import Monitor, PairMonitor, QualityMonitor
from keras_gen.evaluation.page import lines, section, side_by_side, write
from keras_gen.evaluation.prior_choice import Candidate, choose_prior, write_candidates
from keras_gen.evaluation.reconstruction import reconstruction_errors
from keras_gen.evaluation.repair import INPAINT, Task, score_repair
from keras_gen.evaluation.repair_baselines import BASELINES, Baseline
from keras_gen.evaluation.scores import METRICS, compare, metric_of
from keras_gen.evaluation.scoring import Evaluation, score_images
from keras_gen.evaluation.streaming import FrechetDistance
from keras_gen.evaluation.style import score_style
from keras_gen.evaluation.translation import score_translation
from keras_gen.features import FeatureNet

__all__ = [
    "BASELINES",
    "INPAINT",
    "METRICS",
    "Baseline",
    "Candidate",
    "CopyCheck",
    "Evaluation",
    "FeatureNet",
    "FrechetDistance",
    "Monitor",
    "PairMonitor",
    "QualityMonitor",
    "Score",
    "ScoreCard",
    "Task",
    "attribute_direction",
    "choose_prior",
    "compare",
    "copy_check",
    "frechet_distance",
    "frechet_distance_at_infinity",
    "kernel_distance",
    "lines",
    "metric_of",
    "neighbourhoods",
    "reconstruction_errors",
    "score",
    "score_images",
    "score_repair",
    "score_style",
    "score_translation",
    "section",
    "separability",
    "side_by_side",
    "write",
    "write_candidates",
]
