"""Callbacks that observe a training run: they write pictures and numbers and may ask it to stop, nothing else.

None of them changes a weight. They work with GANs and autoencoders alike, beside the stock callbacks of Keras.
"""

from keras_gen.callbacks.grids import ReconstructionGrid, SampleGrid
from keras_gen.callbacks.logs import LossCurves, MetricsCSV, ProgressBar, TensorBoardScalars
from keras_gen.callbacks.stopping import Budget, StopOnNaN, StopOnSignal

__all__ = [
    "Budget",
    "LossCurves",
    "MetricsCSV",
    "ProgressBar",
    "ReconstructionGrid",
    "SampleGrid",
    "StopOnNaN",
    "StopOnSignal",
    "TensorBoardScalars",
]
