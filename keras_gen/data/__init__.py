"""Data: a name or a path in, uint8 images (n, height, width, channels) out.

`load` finds a set by name or reads a file or folder, `ImageData` holds its two `Split`s, and `Batches` feeds one of
them to `fit`. `pictures` reads what a trained model is shown, in order and unsplit. Images stay bytes here: scaling to
[-1, 1] belongs to `keras_gen.images`.
"""

from keras_gen.data.batches import Batches
from keras_gen.data.clusters import CLUSTER, with_clusters
from keras_gen.data.image_data import MIN_IMAGES_UNAUGMENTED, MIN_SCORED_IMAGES, ImageData, Split
from keras_gen.data.load import load
from keras_gen.data.named import DATASETS
from keras_gen.data.nearest import nearest, nearest_rolled
from keras_gen.data.pairs import SOURCE
from keras_gen.data.pictures import Pictures, pictures
from keras_gen.data.translation import load_pairs, load_unpaired

__all__ = [
    "CLUSTER",
    "DATASETS",
    "MIN_IMAGES_UNAUGMENTED",
    "MIN_SCORED_IMAGES",
    "SOURCE",
    "Batches",
    "ImageData",
    "Pictures",
    "Split",
    "load",
    "load_pairs",
    "load_unpaired",
    "nearest",
    "nearest_rolled",
    "pictures",
    "with_clusters",
]
