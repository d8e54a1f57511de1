"""How the latents of a model relate to attributes of the images: directions for labels that it was not trained on."""

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

    For an autoencoder, the latents are the codes of up to 5,000 training images, whose attributes are known. For a GAN,
    they are random, and a feature net of the data extracts the attributes of their images.

    Args:
        model: a GAN or an autoencoder, with conditions or without.
        data: images with labels or attributes.
        attribute: "label" or the name of an attribute of the data.
        value: the class, as text; None for a number.
        seed: of the examples.
        on_progress: called with a short message if a feature net has to be trained.

    Returns:
        float32 array (latent_dim,).

    Raises:
        ValueError: for an attribute or a value that the data do not have, one that is a condition of the model, or one
            that is the same in all examples.

    Example:
        more_like_a_three = attribute_direction(gan, data, "label", "3")
        gan.traverse(gan.draw(8)[0], more_like_a_three)
    """
    if model.conditions is not None and attribute in model.conditions.names:
        raise ValueError(
            f"expected an attribute that is not a condition of this model, received {attribute}: "
            f"ask for it instead, with `sweep` or keras-gen sample RUN --sweep {attribute}"
        )
    schema = Conditions.of(data, [attribute])
    assert schema is not None  # it is None only where no names are given
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
        extracted = FeatureNet.of(data, on_progress=on_progress).extract(model.decode(places, *others)).columns
        column = lookup("attribute that a feature net extracts", extracted, attribute)
    known = np.isfinite(column) & ((column >= 0) | isinstance(item, Continuous))
    grows = column[known] if value is None else column[known] == item.parse(value)
    return latents.direction(places[known], grows)
