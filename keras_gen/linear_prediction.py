"""Images from their degraded pictures by a linear map, as good as a linear map can be: what a network begins with."""

from __future__ import annotations

import math

import keras
import numpy as np
from keras import ops
from sklearn.linear_model import RidgeCV

from keras_gen.conditional_mean import NUM_COMPONENTS, Small, components

RIDGE_WEIGHTS = (1.0, 10.0, 100.0, 1_000.0)  # for values in [-1, 1]


@keras.saving.register_keras_serializable("keras_gen")
class LinearPrediction(keras.layers.Layer):
    """Predicts images from pictures by ridge regression on the principal components of the pictures.

    Among all maps of the form `x = W y + b` it has nearly the least squared error on the training images. Call `adapt`
    with these before use, as with `keras.layers.Normalization`.

    Args:
        image_shape: (height, width, channels) of the images.
        num_components: of the pictures, at most; they or their values may allow fewer.
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        pictures: float tensor (batch, height, width, channels) of any fixed size, in [-1, 1].

    Call returns:
        The images, float32 (batch, *image_shape).

    Example:
        >>> images = np.repeat(np.arange(0, 250, 5), 2)[:, None, None, None] + np.zeros((100, 2, 3, 1))
        >>> predict = LinearPrediction((2, 3, 1))
        >>> predict.build((None, 1, 1, 1))
        >>> predict.adapt(images[:, :1, :1].astype("uint8"), images.astype("uint8"))
        >>> ops.convert_to_numpy(predict(0.5 * np.ones((1, 1, 1, 1)))).ravel().round(1).tolist()
        [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]

    Source:
        Hoerl and Kennard, Ridge Regression (1970)
    """

    def __init__(self, image_shape, num_components=NUM_COMPONENTS, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.image_shape = tuple(image_shape)
        self.num_components = num_components

    def build(self, input_shape):
        self._given, self._made = Small(input_shape[1:]), Small(self.image_shape)
        num_given, num_made = math.prod(self._given.shape), math.prod(self._made.shape)
        rows = min(self.num_components, num_given)
        self.components = self.add_weight((num_given, rows), "zeros", trainable=False, name="components")
        self.coefficients = self.add_weight((rows, num_made), "zeros", trainable=False, name="coefficients")
        self.picture_mean = self.add_weight((num_given,), "zeros", trainable=False, name="picture_mean")
        self.mean = self.add_weight((num_made,), "zeros", trainable=False, name="mean")

    def adapt(self, pictures, images):
        """Computes the map from training images and their pictures.

        Args:
            pictures: uint8 (n, height, width, channels).
            images: uint8 (n, *image_shape), n ≥ 2; both in memory, in the same order.
        """
        given, made = self._given.rows(pictures), self._made.rows(images)
        pca = components(given, self.components.shape[1])
        regression = RidgeCV(RIDGE_WEIGHTS, fit_intercept=False).fit(pca.transform(given), made - made.mean(axis=0))
        for weight, values in ((self.components, pca.components_.T), (self.coefficients, regression.coef_.T)):
            whole = np.zeros(weight.shape, np.float32)
            whole[tuple(map(slice, values.shape))] = values
            weight.assign(whole)
        self.picture_mean.assign(pca.mean_)
        self.mean.assign(made.mean(axis=0))

    def call(self, pictures):
        given = ops.reshape(self._given.shrunk(pictures), (-1, self.components.shape[0]))
        codes = ops.matmul(given - self.picture_mean, self.components)
        return self._made.enlarged(ops.matmul(codes, self.coefficients) + self.mean)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.image_shape)

    def get_config(self):
        return {**super().get_config(), "image_shape": list(self.image_shape), "num_components": self.num_components}
