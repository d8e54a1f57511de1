"""How the latents of a model go with what is to be seen in the images: directions for labels that nobody trained on."""

from __future__ import annotations

import numpy as np

from keras_gen import latents
from keras_gen.console import OnProgress, no_progress
from keras_gen.data import ImageData
from keras_gen.features import FeatureNet
from keras_gen.inputs import Categorical, Conditions, Continuous
from keras_gen.models.generative import Generative
from keras_gen.registry import lookup

NUM_EXAMPLES = 5_000


def attribute_direction(
    model: Generative,
    data: ImageData,
    attribute: str,
    value: str | None = None,
    seed: int = 0,
    on_progress: OnProgress = no_progress,
) -> np.ndarray:
    """The direction of latents in which an attribute grows, see `latents.direction`.

    The latents of an autoencoder are the codes of up to 5,000 training images, whose attributes are known. Those of a
    GAN are draws, in whose images a feature net of the data reads the attributes.

    Args:
        model: a GAN or an autoencoder, with conditions or without.
        data: labelled images, or some with attributes.
        attribute: "label" or the name of an attribute of the data.
        value: the class, as text; for a number None.
        seed: of the examples.
        on_progress: called with a few words if a feature net has to be trained.

    Returns:
        float32 array (latent_dim,).

    Raises:
        ValueError: for an attribute or a value that the data do not have, one that is asked for by conditions, or one
            that is the same in all examples.

    Example:
        more_like_a_three = attribute_direction(gan, data, "label", "3")
        gan.traverse(gan.draw(8)[0], more_like_a_three)
    """
    if model.conditions is not None and attribute in model.conditions.names:
        raise ValueError(
            f"expected an attribute that is no condition of this model, received {attribute}: "
            f"ask for it, with `sweep` or keras-gen sample RUN --sweep {attribute}"
        )
    schema = Conditions.of(data, [attribute])
    assert schema is not None  # which it is only where no names are given
    (item,) = schema.attributes
    if isinstance(item, Categorical) and value is None:
        raise ValueError(f"expected one of the values of {attribute}: {', '.join(item.values)}")
    if not isinstance(item, Categorical) and value is not None:
        raise ValueError(f"expected no value of {attribute}, which is a number, received {value!r}")
    examples = data.train.some(NUM_EXAMPLES, seed)
    if model.reconstructs:
        places = model.encode(examples.images, given=model.given_of(examples, drawn_too=True))
        column = schema.columns(examples)[attribute]
    else:
        given = model.given_of(examples)
        places, *others = model.draw(len(examples) if given else NUM_EXAMPLES, seed, given=given)
        read = FeatureNet.of(data, on_progress=on_progress).extract(model.decode(places, *others)).columns
        column = lookup("attribute that a feature net reads", read, attribute)
    known = np.isfinite(column) & ((column >= 0) | isinstance(item, Continuous))
    grows = column[known] if value is None else column[known] == item.parse(value)
    return latents.direction(places[known], grows)
