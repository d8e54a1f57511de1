"""Style: a network that repaints photographs like one of several paintings, as much as it is asked to."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from keras_gen import images, schedules
from keras_gen.inputs import Picture, Request, Styling
from keras_gen.models.base import ScheduledModel
from keras_gen.models.generative import Endpoint, Generative
from keras_gen.networks import modulated as _modulated  # noqa: F401  registers the layers of saved networks
from keras_gen.style import ColorTransfer, structure, thumbnails

CONTENT_WEIGHT = 0.03
DIRECTIONS_A_STEP = 8  # of each kind and each level: more take longer and change little
NUM_SHOWN, SHOWN_STRENGTHS = 16, (0.33, 0.67, 1.0)


@keras.saving.register_keras_serializable("keras_gen")
class Stylizer(Generative, ScheduledModel):
    """Repaints photographs: `image = network(photograph, style, strength)`.

    It is trained on photographs alone. Each step draws a style and a strength for each of them, and the loss is the
    distance of the repainted photograph from that style, `StyleDistance`, plus `content_weight` times the structure
    that it has lost, `style.structure`. Nothing else is learned from, and no weights of others are needed.

    Args:
        network: Functional model, [picture (b, height, width, channels) of any size, styling (b, num_styles + 1), a
            thumbnail of the whole picture] → images, see `networks.modulated`.
        distance: a `StyleDistance`.
        styles: their names.
        image_shape: (height, width, channels) of the photographs to train on.
        content_weight: float ≥ 0: more keeps more of the photograph.
        seed: int, for what is drawn in training.

    Call arguments:
        images: uint8 in [0, 255] or float in [-1, 1], (b, *image_shape).

    Call returns:
        (float32 images in about [-1, 1], the rows of styles and strengths that were drawn for them).

    Raises:
        ValueError: if the network or the distance has another number of styles or channels.

    Logs `loss`, `style` (the distance) and `content` (the structure lost, without its weight).

    Example:
        >>> from keras_gen import networks
        >>> from keras_gen.style import StyleDistance
        >>> painting = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype("uint8")
        >>> network = networks.stylizer("modulated", 3, num_styles=1, width=8)
        >>> model = Stylizer(network, StyleDistance(1, directions=8), ["dots"], (16, 24, 3))
        >>> model.adapt([painting])
        >>> model.compile()
        >>> photographs = np.zeros((4, 16, 24, 3), "uint8")
        >>> history = model.fit(photographs, batch_size=2, verbose=0)
        >>> model.stylize(np.zeros((1, 30, 20, 3), "uint8"), "dots", strength=0.7).shape
        (1, 30, 20, 3)
    """

    best_by = "loss"
    verb = "stylize"
    generates = False
    stylizes = True

    def __init__(self, network, distance, styles, image_shape, *, content_weight=CONTENT_WEIGHT, seed=0, **kwargs):
        super().__init__(**kwargs)
        channels = network.inputs[0].shape[-1]
        if network.inputs[1].shape[-1] != len(styles) + 1 or distance.num_styles != len(styles):
            raise ValueError(
                f"expected a network and a distance for {len(styles)} styles, received one that takes rows of "
                f"{network.inputs[1].shape[-1]} and one for {distance.num_styles}"
            )
        if not channels == distance.channels == image_shape[-1]:
            raise ValueError(
                f"expected images of {channels} channels, as the network has, received {tuple(image_shape)} and a "
                f"distance for {distance.channels}"
            )
        if not content_weight >= 0:
            raise ValueError(f"expected a content_weight of 0 or more, received {content_weight}")
        self.network = network
        self.distance = distance
        self.content_weight = content_weight
        self.seed = seed
        self.styling = Styling(styles)
        self.source = Picture("picture", image_shape, corruption="identity", to_discriminator=False)
        self.seed_generator = keras.random.SeedGenerator(seed)
        self._logged = [keras.metrics.Mean(name="style"), keras.metrics.Mean(name="content")]
        self.built = True

    @property
    def inputs(self):
        return (self.source, self.styling)

    @property
    def image_network(self):
        return self.network

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the photographs that it was trained on; it repaints any other size too."""
        height, width, channels = self.source.shape
        return height, width, channels

    @property
    def styles(self) -> list[str]:
        """The names of the styles."""
        return self.styling.styles

    @property
    def facts(self):
        return {"styles": ", ".join(self.styles), "content weight": self.content_weight}

    def adapt(self, paintings) -> None:
        """Stores what the styles are: once, before training.

        Args:
            paintings: uint8 arrays (height, width, channels) of any sizes, in the order of `styles`.
        """
        self.distance.adapt(paintings)
        for layer in self.network.layers:
            if isinstance(layer, ColorTransfer):
                layer.adapt(paintings)

    def compile(self, optimizer=None, learning_rate=None, **kwargs):
        """`keras.Model.compile`, without a loss: it has its own.

        Args:
            optimizer: a Keras optimizer or its name; Adam by default.
            learning_rate: a schedule of the share of the run that is over, see `keras_gen.schedules`; by default from
                1e-3 to a hundredth by cosine.
            **kwargs: as of `keras.Model.compile`.
        """
        if "loss" in kwargs:
            raise TypeError("expected no loss: a stylizer has its own")
        self._rate = learning_rate or schedules.Cosine(1e-3, 1e-5)
        super().compile(optimizer or keras.optimizers.Adam(float(self._rate(0.0))), **kwargs)

    def get_compile_config(self):
        if not self.compiled:
            return None
        return keras.saving.serialize_keras_object({"optimizer": self.optimizer, "learning_rate": self._rate})

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)  # now, or it has no slots when its state is loaded

    def set_progress(self, fraction):
        super().set_progress(fraction)
        self.optimizer.learning_rate.assign(float(self._rate(fraction)))

    def call(self, data, training=False):
        batch = self.prepare((data,))
        inputs = [batch["picture"], batch["styling"], thumbnails(batch["picture"])]
        return self.network(inputs, training=training), batch["styling"]

    def render_tensors(self, picture, styling, whole=None):
        """As of `Generative`; with thumbnails of the wholes if the pictures are parts of them."""
        inputs = [picture, styling, thumbnails(picture) if whole is None else whole]
        return self.network(inputs, training=False)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        originals, (made, styling) = images.to_float(self.targets(x)), y_pred
        chosen = ops.argmax(styling[:, :-1], axis=1)
        distance = ops.mean(self.distance(made, chosen, styling[:, -1], originals, num=DIRECTIONS_A_STEP))
        lost = ops.mean(structure(made, originals))
        for metric, value in zip(self._logged, (distance, lost), strict=True):
            metric.update_state(value)
        return distance + self.content_weight * lost

    def recolored(self, pictures, rows):
        """What needs no training: pictures with the palettes of the paintings alone, uint8 tensors."""
        found = [layer for layer in self.network.layers if isinstance(layer, ColorTransfer)]
        floats, rows = images.to_float(pictures), ops.convert_to_tensor(rows)
        colors = floats[..., : found[0].colors]
        moved = found[0](colors, thumbnails(colors), rows[:, :-1])
        moved = colors + ops.reshape(rows[:, -1], (-1, 1, 1, 1)) * (moved - colors)
        return images.to_uint8(ops.concatenate([moved, floats[..., found[0].colors :]], axis=-1))

    def stylize(self, pictures: np.ndarray, style: str | None = None, strength=1.0, batch_size: int = 1) -> np.ndarray:
        """Repaints pictures.

        Args:
            pictures: uint8 (n, height, width, channels) of any size from 4 pixels.
            style: one of `styles`; the first by default.
            strength: from 0, the pictures as they are, to 1.
            batch_size: pictures at a time.

        Returns:
            uint8, of the shape of the pictures.

        Raises:
            ValueError: for an unknown style, another strength, and other channels.
        """
        if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[-1] != self.image_shape[-1]:
            raise ValueError(
                f"expected pictures as uint8 (n, height, width, {self.image_shape[-1]}), received {pictures.dtype} "
                f"{pictures.shape}"
            )
        where = {"style": self.styles[0] if style is None else style, "strength": strength}
        return self.decode(pictures, self.styling.rows(len(pictures), 0, where), batch_size=batch_size)

    def paint(self, pixels: np.ndarray, style: str | None = None, strength=1.0, *, whole: np.ndarray) -> np.ndarray:
        """Repaints a part of a picture.

        Args:
            pixels: uint8 (height, width, channels).
            style: as of `stylize`.
            strength: as of `stylize`.
            whole: uint8 (64, 64, channels), see `style.thumbnails`.

        Returns:
            uint8, of the shape of the pixels.
        """
        rows = self.styling.rows(1, 0, {"style": self.styles[0] if style is None else style, "strength": strength})
        part, whole = images.to_float(pixels[None]), images.to_float(whole[None])
        return ops.convert_to_numpy(images.to_uint8(self.render_tensors(part, ops.convert_to_tensor(rows), whole)))[0]

    def picture(self, num=64, seed=0, given=None):
        """Photographs, and below each of them one of the styles in three strengths.

        Args:
            num: photographs, 16 at most.
            seed: not used: the styles take turns.
            given: `{"picture": uint8 (n, *image_shape)}`.

        Returns:
            uint8 array (height, width, channels).

        Raises:
            ValueError: without photographs, or with others.
        """
        given = {name: np.asarray(column[: min(num, NUM_SHOWN)]) for name, column in (given or {}).items()}
        num = min([NUM_SHOWN, *map(len, given.values())])
        originals = self.source.rows(num, seed, given=given.get(self.source.name))
        styling = np.zeros((len(originals), *self.styling.shape), "float32")
        styling[np.arange(len(originals)), np.arange(len(originals)) % len(self.styles)] = 1
        shown = [originals]
        for strength in SHOWN_STRENGTHS:
            styling[:, -1] = strength
            shown.append(self.decode(originals, styling, batch_size=4))
        return images.stacks(*shown, columns=min(len(originals), NUM_SHOWN // 2))

    def endpoints(self, discriminator=False):
        if discriminator:
            super().endpoints(discriminator)

        def stylize(pictures, strength, style, whole=None):
            styling = self.styling.from_request((style, strength))
            wholes = [] if whole is None else [images.to_float(whole)]
            return {"images": images.to_uint8(self.render_tensors(images.to_float(pictures), styling, *wholes))}

        asked = self.styling.requests()
        picture = Request("uint8", (None, None, self.image_shape[-1]), about="a picture of any size, uint8: 0 to 255.")
        names = ", ".join(f"{number} {name}" for number, name in enumerate(self.styles))
        number = Request("int64", examples=tuple(range(len(self.styles))), about=f"its number instead: {names}.")
        whole = Request("uint8", self.network.inputs[2].shape[1:], about="64×64 pixels of the whole picture.")
        options = {"strength": asked["strength"], "style": asked["style"]}
        return {
            # Without texts, and with an input that is not called like the output: for other formats.
            "serving_default": Endpoint(
                stylize, {"pictures": picture, "strength": asked["strength"], "style_number": number}
            ),
            "stylize": Endpoint(stylize, {"images": picture, **options}),
            "stylize_part": Endpoint(stylize, {"images": picture, **options, "whole": whole}),
        }

    def get_config(self):
        parts = keras.saving.serialize_keras_object({"network": self.network, "distance": self.distance})
        own = {"styles": self.styles, "image_shape": list(self.image_shape), "content_weight": self.content_weight}
        return {**super().get_config(), **parts, **own, "seed": self.seed}

    @classmethod
    def from_config(cls, config):
        return cls(**keras.saving.deserialize_keras_object(config))
