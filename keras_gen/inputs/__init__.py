"""Inputs: what a model is given for each image that it makes.

`Noise` is drawn; `Conditions` are attributes, drawn like the training data or requested; a `Picture` and a `Mask` are
given; a `Styling` is requested, and drawn in training. A model declares its inputs once; the code that samples, shows,
scores and serves it loops over them. Layers that use them belong to the networks.

Every attribute of the conditions is a block of a row: weights that sum to 1, or zeros where the value is missing. A
`Dense` layer without bias on a row can therefore learn any function of a class and any piecewise linear function of a
number, and gives 0 for a missing value.
"""

from keras_gen.inputs.attributes import Attribute, Categorical, Continuous
from keras_gen.inputs.base import Input, Request, check_names, request_names
from keras_gen.inputs.conditions import LABEL, Conditions, columns_of, learnable
from keras_gen.inputs.noise import Noise
from keras_gen.inputs.pictures import Mask, Picture
from keras_gen.inputs.styling import Styling

__all__ = [
    "LABEL",
    "Attribute",
    "Categorical",
    "Conditions",
    "Continuous",
    "Input",
    "Mask",
    "Noise",
    "Picture",
    "Request",
    "Styling",
    "check_names",
    "columns_of",
    "learnable",
    "request_names",
]
