"""Repairs a user's pictures, of any size, with a model of one size: fills holes, adds colours, enlarges, restores.

`Repairs` is what a model must offer. `crops` and `tiles` bring it to whole pictures, `pictures`, `holes` and `folder`
to files. How a model repairs belongs to `models`.
"""

from keras_gen.repair.contract import Repairs
from keras_gen.repair.crops import inpaint_picture
from keras_gen.repair.folder import Outcome, Plan, plan, repair
from keras_gen.repair.holes import Holes
from keras_gen.repair.pictures import Picture, repair_picture
from keras_gen.repair.repainting import Repaints, repaint, repaint_picture
from keras_gen.repair.tiles import colorize_picture, tiled

__all__ = [
    "Holes",
    "Outcome",
    "Picture",
    "Plan",
    "Repaints",
    "Repairs",
    "colorize_picture",
    "inpaint_picture",
    "plan",
    "repaint",
    "repaint_picture",
    "repair",
    "repair_picture",
    "tiled",
]
