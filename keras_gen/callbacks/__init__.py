"""Callbacks that observe a training run: they write pictures and numbers and may stop it; two of them restore an
earlier state of the model.

They work with GANs and autoencoders alike, and together with the stock callbacks of Keras.
"""

from keras_gen.callbacks.grids import ReconstructionGrid, SampleGrid
from keras_gen.callbacks.guarding import CollapseGuard
from keras_gen.callbacks.keeping import KeepBest
from keras_gen.callbacks.logs import LossCurves, MetricsCSV, ProgressBar, TensorBoardScalars
from keras_gen.callbacks.resuming import Checkpoints, Resumable
from keras_gen.callbacks.stopping import Budget, StopOnNaN, StopOnSignal

__all__ = [
    "Budget",
    "Checkpoints",
    "CollapseGuard",
    "KeepBest",
    "LossCurves",
    "MetricsCSV",
    "ProgressBar",
    "ReconstructionGrid",
    "Resumable",
    "SampleGrid",
    "StopOnNaN",
    "StopOnSignal",
    "TensorBoardScalars",
]
