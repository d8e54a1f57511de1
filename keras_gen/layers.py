"""Layers and constraints that Keras lacks: spectral normalisation that keeps W, circular padding and more.

They know tensors only. `keras_gen.networks` decides which network uses them.
"""

from __future__ import annotations

import keras
from keras import ops

from keras_gen import corruptions
from keras_gen.registry import lookup

# The axes of (batch, height, width, channels) along which images are periodic.
WRAPS: dict[str, tuple[int, ...]] = {"none": (), "width": (2,), "both": (1, 2)}

LEAK = 0.02  # slope of `leaky_clip` beyond [-1, 1]


class _SpectrallyNormalized(keras.layers.Layer):
    """A mix-in for `Dense` or `Conv2D`: their `kernel` is W/σ, the weight that is trained is W."""

    def build(self, input_shape):
        super().build(input_shape)
        self.u = self.add_weight(
            name="u",
            shape=(self._kernel.shape[-1],),
            initializer="random_normal",
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",  # all replicas hold the same W
        )

    def call(self, inputs, training=False):
        if training:
            _, u = self._singular_vectors()
            self.u.assign(u)
        return super().call(inputs)

    @property
    def kernel(self):
        """W/σ, in the precision of W."""
        matrix = self._matrix()
        v, u = self._singular_vectors()
        sigma = ops.dot(ops.matmul(v, matrix), u)  # differentiated by W, with u and v constant
        normalized = matrix / (sigma + keras.backend.epsilon())
        return ops.reshape(ops.cast(normalized, self._kernel.dtype), self._kernel.shape)

    def _matrix(self):
        # One column for each unit or filter. In float32, as bfloat16 sums are too coarse for σ.
        return ops.reshape(ops.cast(self._kernel, "float32"), (-1, self._kernel.shape[-1]))

    def _singular_vectors(self):
        matrix = ops.stop_gradient(self._matrix())
        v = ops.normalize(ops.matmul(matrix, self.u))  # (inputs,)
        return v, ops.normalize(ops.matmul(v, matrix))  # (units,)

    # Dense and Conv2D would save their `kernel`, which is W/σ, and forget u.

    def save_own_variables(self, store):
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store):
        keras.layers.Layer.load_own_variables(self, store)


@keras.saving.register_keras_serializable("keras_gen")
class SpectralDense(_SpectrallyNormalized, keras.layers.Dense):
    """A `keras.layers.Dense` that computes with W/σ(W), so that its slope is at most 1.

    `σ = uᵀ W v` estimates the largest singular value of W by one step of power iteration. u is a saved weight that
    takes one step at each call in training, so σ follows W during training. u and v are constants for the gradient, σ
    is not: a larger W has no advantage. `keras.layers.SpectralNormalization` is different: it overwrites W.

    Args:
        *args: as for `keras.layers.Dense`.
        **kwargs: as for `keras.layers.Dense`.

    Call arguments:
        inputs: float tensor (..., inputs).
        training: whether u takes a step.

    Call returns:
        Tensor (..., units).

    Example:
        >>> layer = SpectralDense(1, kernel_initializer="ones", use_bias=False)
        >>> outputs = layer(keras.ops.array([[3.0, 4.0]]))  # σ((1, 1)) = √2, and (3 + 4) / √2 = 4.95
        >>> round(float(outputs[0, 0]), 2)
        4.95

    Source:
        Miyato et al., Spectral Normalization for Generative Adversarial Networks (2018), equation 8 and algorithm 1,
        https://arxiv.org/abs/1802.05957
    """


@keras.saving.register_keras_serializable("keras_gen")
class SpectralConv2D(_SpectrallyNormalized, keras.layers.Conv2D):
    """A `keras.layers.Conv2D` that computes with W/σ(W), see `SpectralDense`.

    As in the paper, W is taken as a matrix with the weights of one filter in a row (here, transposed, in a column). Its
    σ is not the slope of the convolution, which uses each pixel several times: that may be up to
    √(kernel height · width) times as steep.

    Args:
        *args: as for `keras.layers.Conv2D`.
        **kwargs: as for `keras.layers.Conv2D`.

    Call arguments:
        inputs: float tensor (batch, height, width, channels).
        training: whether u takes a step.

    Call returns:
        Tensor (batch, new height, new width, filters).

    Example:
        >>> SpectralConv2D(2, 3)(keras.ops.ones((1, 5, 7, 3))).shape
        TensorShape([1, 3, 5, 2])

    Source:
        Miyato et al., Spectral Normalization for Generative Adversarial Networks (2018), section 2.1,
        https://arxiv.org/abs/1802.05957
    """


@keras.saving.register_keras_serializable("keras_gen")
class SelfAttention(keras.layers.Layer):
    """Every pixel attends to every other: `outputs = features + γ · attention(features)`, γ starts at 0.

    Convolutions are local; this makes distant parts of an image consistent. It costs (height · width)², so it is for
    small maps, of about 16×16. With γ at 0 a network begins as if the layer were not there.

    Differs from the paper in that queries · keys are divided by the root of their width, as
    `keras.layers.MultiHeadAttention` does.

    Args:
        kernel_constraint: constraint on all weights, γ among them.
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        features: float tensor (batch, height, width, channels).

    Call returns:
        Tensor of the same shape.

    Example:
        >>> features = keras.ops.ones((2, 3, 4, 16))
        >>> bool(keras.ops.all(SelfAttention()(features) == features))
        True

    Source:
        Zhang et al., Self-Attention Generative Adversarial Networks (2018), equation 3, https://arxiv.org/abs/1805.08318
    """

    def __init__(self, kernel_constraint=None, **kwargs):
        super().__init__(**kwargs)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)

    def build(self, input_shape):
        _, height, width, channels = input_shape
        self.attention = keras.layers.MultiHeadAttention(
            num_heads=1,
            key_dim=max(1, channels // 8),  # also for the values, as in the paper
            flash_attention=False,
            use_bias=False,
            kernel_constraint=self.kernel_constraint,
            dtype=self.dtype_policy,
        )
        self.attention.build((None, height * width, channels), (None, height * width, channels))
        self.gamma = self.add_weight(name="gamma", shape=(), initializer="zeros", constraint=self.kernel_constraint)

    def call(self, features):
        _, height, width, channels = features.shape
        pixels = ops.reshape(features, (-1, height * width, channels))
        # With the scores requested, no backend uses a fused kernel, which has no second derivative.
        attended, _ = self.attention(pixels, pixels, return_attention_scores=True)
        return features + self.gamma * ops.reshape(attended, (-1, height, width, channels))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "kernel_constraint": keras.constraints.serialize(self.kernel_constraint)}


@keras.saving.register_keras_serializable("keras_gen")
class LearnedBasis(keras.layers.Layer):
    """Scales learned maps: `outputs[b, y, x, c] = scales[b, c] · basis[y, x, c]`, the beginning of a generator.

    A dense layer to the same maps would need as many weights for each of its inputs.

    Args:
        height: rows of the maps.
        width: columns of the maps.
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        scales: float tensor (batch, channels).

    Call returns:
        Tensor (batch, height, width, channels).

    Example:
        >>> LearnedBasis(4, 6)(keras.ops.ones((2, 16))).shape
        TensorShape([2, 4, 6, 16])

    Source:
        Huang et al., The GAN is dead; long live the GAN! (2024), section 4, https://arxiv.org/abs/2501.05441
    """

    def __init__(self, height, width, **kwargs):
        super().__init__(**kwargs)
        self.height = height
        self.width = width

    def build(self, input_shape):
        shape = (self.height, self.width, input_shape[-1])
        self.basis = self.add_weight(name="basis", shape=shape, initializer=keras.initializers.RandomNormal(stddev=1.0))

    def call(self, scales):
        return scales[:, None, None, :] * self.basis

    def get_config(self):
        return {**super().get_config(), "height": self.height, "width": self.width}


@keras.saving.register_keras_serializable("keras_gen")
class CircularPadding2D(keras.layers.Layer):
    """Pads maps circularly along wrapped axes, `outputs[i] = maps[(i − before) mod size]`, with zeros along the others.

    For images that are periodic: panoramas along their width, tiles along both axes. A convolution of maps padded like
    this has no border.

    Args:
        padding: ((top, bottom), (left, right)), lines to add; along wrapped axes no more than the maps have.
        wrap: a name in `WRAPS`: "width" pads circularly along the width and with zeros along the height, "both"
            circularly along both, "none" with zeros alone.
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        maps: float tensor (batch, height, width, channels).

    Call returns:
        Tensor (batch, top + height + bottom, left + width + right, channels).

    Raises:
        ValueError: for an unknown wrap.

    Example:
        >>> maps = ops.reshape(ops.arange(1.0, 4.0), (1, 1, 3, 1))
        >>> print(ops.convert_to_numpy(CircularPadding2D(((0, 1), (2, 1)))(maps))[0, :, :, 0])
        [[2. 3. 1. 2. 3. 1.]
         [0. 0. 0. 0. 0. 0.]]
    """

    def __init__(self, padding, wrap="width", **kwargs):
        super().__init__(**kwargs)
        lookup("wrap", WRAPS, wrap)
        self.padding = padding
        self.wrap = wrap

    def call(self, maps):
        for axis, (before, after) in enumerate(self.padding, start=1):
            if axis in WRAPS[self.wrap]:
                whole = (slice(None),) * axis  # of the axes before it; sizes need not be known
                last = [maps[(*whole, slice(-before, None))]] if before else []
                first = [maps[(*whole, slice(None, after))]] if after else []
                maps = ops.concatenate([*last, maps, *first], axis=axis)
            else:
                maps = ops.pad(maps, [(before, after) if each == axis else (0, 0) for each in range(4)])
        return maps

    def get_config(self):
        return {**super().get_config(), "padding": self.padding, "wrap": self.wrap}


@keras.saving.register_keras_serializable("keras_gen")
class RowProducts(keras.layers.Layer):
    """The scalar product of each row with its partner: `outputs[b] = Σ_j left[b, j] · right[b, j]`.

    `keras.layers.Dot(axes=1)` computes the same as b matrix products, which takes a CPU several times as long.

    Args:
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        inputs: two float tensors (batch, features).

    Call returns:
        Tensor (batch, 1).

    Example:
        >>> RowProducts()([keras.ops.array([[1.0, 2.0]]), keras.ops.array([[3.0, 4.0]])]).numpy().tolist()
        [[11.0]]
    """

    def call(self, inputs):
        left, right = inputs
        return ops.sum(left * right, axis=1, keepdims=True)


@keras.saving.register_keras_serializable("keras_gen")
class CutLike(keras.layers.Layer):
    """Cuts the last rows and columns off maps that are larger than others, whatever their size is when they come.

    Call arguments:
        inputs: two tensors (batch, height, width, channels); the first is no smaller than the second.

    Returns:
        The first, in the height and width of the second.

    Example:
        >>> tuple(CutLike()([ops.zeros((2, 8, 12, 3)), ops.zeros((2, 7, 12, 1))]).shape)
        (2, 7, 12, 3)
    """

    def compute_output_shape(self, input_shape):
        maps, others = input_shape
        return (*maps[:1], *others[1:3], *maps[3:])

    def call(self, inputs):
        maps, others = inputs
        return maps[:, : ops.shape(others)[1], : ops.shape(others)[2]]


@keras.saving.register_keras_serializable("keras_gen")
class ReflectToMultiple(keras.layers.Layer):
    """Extends pictures downwards and to the right by their mirror image, to a multiple of pixels.

    Then strided convolutions with the padding "same" pad all pictures alike, and so begin at the same pixel in all.

    Args:
        multiple: int ≥ 1.
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        pictures: float tensor (batch, height, width, channels). Where there is too little to mirror, the first row or
            column is repeated.

    Example:
        >>> tuple(ReflectToMultiple(4)(ops.zeros((1, 5, 8, 3))).shape)
        (1, 8, 8, 3)
    """

    def __init__(self, multiple, **kwargs):
        super().__init__(**kwargs)
        self.multiple = multiple

    def call(self, pictures):
        for axis in (1, 2):
            side = ops.shape(pictures)[axis]
            if isinstance(side, int) and side % self.multiple == 0:
                continue
            # No division of negative numbers, which ONNX rounds towards zero.
            indices = ops.arange((side + self.multiple - 1) // self.multiple * self.multiple)
            mirrored = ops.maximum(ops.minimum(indices, 2 * (side - 1) - indices), 0)
            pictures = ops.take(pictures, mirrored, axis=axis)
        return pictures

    def compute_output_shape(self, shape):
        rows, columns = (None if side is None else -(-side // self.multiple) * self.multiple for side in shape[1:3])
        return (shape[0], rows, columns, shape[3])

    def get_config(self):
        return {**super().get_config(), "multiple": self.multiple}


@keras.saving.register_keras_serializable("keras_gen")
class DataConsistency(keras.layers.Layer):
    """Makes images agree with the pictures that they are made from: `A⁺ picture + s · (images − A⁺A images)`.

    A is the corruption by which pictures are made from images, A⁺ repeats what A has made smaller. So only what A
    removes is taken from the images: the chroma of a pixel, the detail of a block. It is scaled by the largest s ≤ 1
    with which the result stays in [-1, 1]. Then the luma of each pixel, or the mean of each block, is that of the
    picture, in bytes too; and what is black, white or transparent in the picture is so in the image.

    Args:
        corruption: a name in `corruptions.PROJECTIONS`.
        amount: of the corruption; None for its default.
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        inputs: float tensors, images (batch, height, width, channels) and pictures in [-1, 1] of their size, or smaller
            by a whole factor.

    Call returns:
        Tensor like the images.

    Raises:
        ValueError: for another corruption, after which A(A⁺(picture)) would not be the picture.

    Example:
        >>> agree = DataConsistency("grey")
        >>> images = agree([ops.array([[[[0.5, -0.5, 0.0]]]]), ops.array([[[[0.2, 0.2, 0.2]]]])])
        >>> round(float(corruptions.grey(images)[0, 0, 0, 0]), 4)
        0.2

    Source:
        Wang et al., Zero-Shot Image Restoration Using Denoising Diffusion Null-Space Model (2023), equation 6,
        https://arxiv.org/abs/2212.00490. Differs by s.
    """

    def __init__(self, corruption, amount=None, **kwargs):
        super().__init__(**kwargs)
        self.corruption = corruption
        self.amount = amount
        lookup("corruption that keeps what it leaves", corruptions.PROJECTIONS, corruption)
        if corruption == "grey" and amount not in (None, 1):
            raise ValueError(f"expected all of the colour to be removed, an amount of 1, received {amount}")
        self._corrupt = corruptions.get(corruption, amount)

    def call(self, inputs):
        images, pictures = inputs
        removed = images - _repeated(self._corrupt(images), images)
        kept = _repeated(pictures, images)
        # How often what was removed fits between the picture and the end of the range in its direction.
        room = (1.0 - ops.sign(removed) * kept) / ops.maximum(ops.abs(removed), 1e-6)
        return kept + ops.clip(self._least(room), 0.0, 1.0) * removed

    def _least(self, room):
        """The least of all values that A combines, in the place of each of them."""
        if self.corruption == "grey":
            return ops.min(room, axis=-1, keepdims=True)
        side = int(self.amount or 2)
        return _repeated(-ops.max_pool(-room, side, side), room)

    def get_config(self):
        return {**super().get_config(), "corruption": self.corruption, "amount": self.amount}


def _repeated(maps, images):
    """Maps repeated to the size of images."""
    for axis in (1, 2):
        maps = ops.repeat(maps, images.shape[axis] // maps.shape[axis], axis=axis)
    return maps


@keras.saving.register_keras_serializable("keras_gen")
class ClipWeights(keras.constraints.Constraint):
    """Keeps weights in [-limit, limit] after each step of the optimizer: `w ← clip(w, −c, c)`.

    This is how the first WGAN bounds the slope of its critic; a gradient penalty does it better.

    Args:
        limit: float > 0, 0.01 in the paper.

    Raises:
        ValueError: if `limit` is not positive.

    Example:
        >>> ClipWeights(0.5)(keras.ops.array([-2.0, 0.25, 0.75])).numpy().tolist()
        [-0.5, 0.25, 0.5]

    Source:
        Arjovsky et al., Wasserstein GAN (2017), algorithm 1, https://arxiv.org/abs/1701.07875
    """

    def __init__(self, limit=0.01):
        if limit <= 0:
            raise ValueError(f"expected a limit > 0 for the weights, received {limit}")
        self.limit = limit

    def __call__(self, w):
        return ops.clip(w, -self.limit, self.limit)

    def get_config(self):
        return {"limit": self.limit}


@keras.saving.register_keras_serializable("keras_gen")
def leaky_clip(x):
    """`clip(x, -1, 1)` plus 0.02 of what is cut off: an activation for generators whose slope never vanishes.

    Most pixels of drawings are exactly black, white or transparent. tanh only approaches these values, as its slope
    vanishes on the way: a haze remains. And in its first steps a generator is pushed towards the most frequent value.
    If tanh saturates there, the generator arrives before the discriminator objects, and without a slope it cannot
    recover. The discriminator gets values beyond [-1, 1], and `images.to_uint8` cuts them off.

    Example:
        >>> [round(float(x), 2) for x in leaky_clip(ops.array([-11.0, 0.5, 2.0]))]
        [-1.2, 0.5, 1.02]
    """
    inside = ops.clip(x, -1.0, 1.0)
    return inside + LEAK * (x - inside)
