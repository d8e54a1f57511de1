"""Callbacks that observe a training run: they write pictures and numbers and may ask it to stop; two of them
bring back a state in which the model has been before.

They work with GANs and autoencoders alike, beside the stock callbacks of Keras.
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
