"""Conditions: what an image shall show, as one float32 row, and back.

Columns of a data set, each of its own kind, become blocks of such a row: weights that sum to 1, or zeros where the
value is missing. A `Dense` layer without bias on a row can therefore learn any function of a class and any piecewise
linear function of a number, and gives 0 for what is not known. NumPy only: the layers that read the rows belong to
the networks.
"""

from keras_gen.inputs.attributes import Attribute, Categorical, Continuous
from keras_gen.inputs.conditions import LABEL, Conditions, columns_of, learnable

__all__ = ["LABEL", "Attribute", "Categorical", "Conditions", "Continuous", "columns_of", "learnable"]
