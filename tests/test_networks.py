"""Every architecture against the contract of networks, at odd shapes."""

import keras
import numpy as np
import pytest

from keras_gen import networks
from tests.contracts import BATCH, check_network, check_saving

IMAGE_SHAPES = [(28, 28, 1), (8, 12, 3), (7, 5, 4)]
LATENT_DIM = 4


def random_images(image_shape):
    return np.random.default_rng(0).uniform(-1, 1, (BATCH, *image_shape)).astype("float32")


def random_latents():
    return np.random.default_rng(0).standard_normal((BATCH, LATENT_DIM)).astype("float32")


def build(role, name, image_shape):
    """A network of one role, its inputs, its output shape and range."""
    match role:
        case "generator":
            return networks.generator(name, image_shape, LATENT_DIM), random_latents(), image_shape, (-1, 1)
        case "decoder":
            output_range = None if name == "conv" else (-1, 1)  # linear, clipped when it becomes bytes
            return networks.decoder(name, image_shape, LATENT_DIM), random_latents(), image_shape, output_range
        case "discriminator":
            return networks.discriminator(name, image_shape), random_images(image_shape), (1,), None
        case "encoder":
            return networks.encoder(name, image_shape, LATENT_DIM), random_images(image_shape), (LATENT_DIM,), None


ROLES = {
    "generator": networks.GENERATORS,
    "discriminator": networks.DISCRIMINATORS,
    "encoder": networks.ENCODERS,
    "decoder": networks.DECODERS,
}
CASES = [(role, name) for role, table in ROLES.items() for name in table]


@pytest.mark.parametrize("image_shape", IMAGE_SHAPES, ids=str)
@pytest.mark.parametrize(("role", "name"), CASES)
def test_contract(role, name, image_shape):
    check_network(*build(role, name, image_shape))


@pytest.mark.parametrize(("role", "name"), CASES)
def test_saving(role, name, tmp_path):
    network, inputs, _, _ = build(role, name, (8, 12, 3))
    check_saving(network, inputs, tmp_path / "network.keras")


@pytest.mark.parametrize(("role", "name"), CASES)
def test_bfloat16_networks_answer_in_float32(role, name):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network, inputs, output_shape, output_range = build(role, name, (8, 12, 3))
        check_network(network, inputs, output_shape, output_range)
    finally:
        keras.config.set_dtype_policy("float32")


def test_the_article_s_parameter_counts():
    # 100·256+256 + 256·512+512 + 512·1024+1024 + 1024·784+784, and the mirror without latents but with one logit.
    assert networks.generator("mlp", (28, 28, 1), 100).count_params() == 1_486_352
    assert networks.discriminator("mlp", (28, 28, 1)).count_params() == 1_460_225


def test_the_article_s_layers():
    generator = networks.generator("mlp", (28, 28, 1), 100)
    dense = [layer for layer in generator.layers if isinstance(layer, keras.layers.Dense)]
    assert [(layer.units, layer.activation.__name__) for layer in dense] == [
        (256, "relu"),
        (512, "relu"),
        (1024, "relu"),
        (784, "tanh"),
    ]
    discriminator = networks.discriminator("mlp", (28, 28, 1))
    kinds = [type(layer).__name__ for layer in discriminator.layers]
    assert kinds == ["InputLayer", "Flatten", *["Dense", "LeakyReLU", "Dropout"] * 3, "Dense"]
    assert [layer.negative_slope for layer in discriminator.layers if hasattr(layer, "negative_slope")] == [0.2] * 3
    assert [layer.rate for layer in discriminator.layers if hasattr(layer, "rate")] == [0.3] * 3


def test_unknown_network_lists_the_known_ones():
    with pytest.raises(ValueError, match="unknown generator network 'unet': expected one of mlp"):
        networks.generator("unet", (8, 12, 3), LATENT_DIM)
