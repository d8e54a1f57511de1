"""Every architecture fulfils the contract of networks, at odd shapes."""

import math

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

from keras_gen import networks
from keras_gen.images import to_float, to_uint8
from keras_gen.layers import WRAPS, Latitude, SelfAttention
from keras_gen.networks import residual
from keras_gen.networks.kit import Kit
from tests.contracts import BATCH, array, check_network, check_saving, check_second_derivative, nudge

IMAGE_SHAPES = [(28, 28, 1), (8, 12, 3), (7, 5, 4)]
TWICE_HALVED = (16, 20, 3)  # where a dcgan normalises
LATENT_DIM = 4
CONDITION_WIDTH = 5

# Small where the default is not.
TINY = {
    "mlp": {"widths": (16,)},
    "dcgan": {"width": 4},
    "conv": {"width": 4},
    "resnet": {"width": 4},
    "patch": {"width": 4},
}

ROLES = {
    "generator": networks.GENERATORS,
    "discriminator": networks.DISCRIMINATORS,
    "encoder": networks.ENCODERS,
    "decoder": networks.DECODERS,
    "repairer": networks.REPAIRERS,
    "translator": networks.TRANSLATORS,
}
CONDITIONAL = [(role, name, CONDITION_WIDTH) for role in ("generator", "discriminator") for name in ROLES[role]]
UNCONDITIONAL = [(role, name, 0) for role, table in ROLES.items() for name in table]
ONE_OF_EACH = [*CONDITIONAL, *UNCONDITIONAL[len(CONDITIONAL) :]]  # the encoders and decoders come last

OPTIONS = [
    ("generator", "dcgan", {"batch_normalization": False}),
    ("generator", "dcgan", {"attention": True}),
    ("generator", "conv", {"attention": True}),
    ("generator", "resnet", {"attention": True, "blocks": 2}),
    ("generator", "mlp", {"wrap": "both"}),
    ("generator", "dcgan", {"wrap": "width"}),
    ("generator", "conv", {"wrap": "both"}),
    ("generator", "resnet", {"wrap": "both", "attention": True}),
    ("discriminator", "mlp", {"spectral_normalization": True}),
    ("discriminator", "mlp", {"weight_clip": 0.1}),
    ("discriminator", "dcgan", {"spectral_normalization": True, "batch_normalization": False}),
    ("discriminator", "dcgan", {"attention": True, "weight_clip": 0.1}),
    ("discriminator", "conv", {"spectral_normalization": True, "attention": True}),
    ("discriminator", "conv", {"attention": True, "weight_clip": 0.1}),
    ("discriminator", "resnet", {"spectral_normalization": True, "attention": True}),
    ("discriminator", "resnet", {"attention": True, "weight_clip": 0.1, "blocks": 2}),
    ("discriminator", "mlp", {"wrap": "both"}),
    ("discriminator", "dcgan", {"wrap": "width"}),
    ("discriminator", "conv", {"wrap": "both", "attention": True, "weight_clip": 0.1}),
    ("discriminator", "resnet", {"wrap": "both", "spectral_normalization": True}),
    ("encoder", "mlp", {"widths": (16,)}),
    ("encoder", "conv", {"wrap": "width", "widths": (4, 8)}),
    ("decoder", "conv", {"wrap": "both", "widths": (8, 4)}),
    ("decoder", "resnet", {"wrap": "width", "width": 4}),
    ("discriminator", "patch", {"wrap": "both", "weight_clip": 0.1}),
    ("translator", "conv", {"wrap": "both", "blocks": 2}),
]
DISCRIMINATORS = [(name, {}) for name in networks.DISCRIMINATORS]
DISCRIMINATORS += [(name, options) for role, name, options in OPTIONS if role == "discriminator"]


def random_images(image_shape):
    return ops.array(np.random.default_rng(0).uniform(-1, 1, (BATCH, *image_shape)).astype("float32"))


def random_mask(image_shape):
    return ops.array((np.random.default_rng(2).random((BATCH, *image_shape[:2], 1)) < 0.5).astype("float32"))


def random_latents():
    return ops.array(np.random.default_rng(0).standard_normal((BATCH, LATENT_DIM)).astype("float32"))


def random_conditions():
    return ops.array(np.random.default_rng(1).uniform(0, 1, (BATCH, CONDITION_WIDTH)).astype("float32"))


def build(role, name, image_shape, condition_width=0, **options):
    """A network of one role, its inputs, its output shape and range."""
    match role:
        case "generator":
            options = {**TINY[name], **options}
            network = networks.generator(name, image_shape, LATENT_DIM, condition_width, **options)
            inputs, output_shape = random_latents(), image_shape
            output_range = (-1.05, 1.05) if name == "conv" else (-1, 1)  # its clip is a leaky one
        case "discriminator":
            network = networks.discriminator(name, image_shape, condition_width, **{**TINY[name], **options})
            inputs, output_shape, output_range = random_images(image_shape), (1,), None
        case "encoder":
            network, condition_width = networks.encoder(name, image_shape, LATENT_DIM, **options), 0
            inputs, output_shape, output_range = random_images(image_shape), (LATENT_DIM,), None
        case "decoder":
            network = networks.decoder(name, image_shape, LATENT_DIM, condition_width, **options)
            inputs, output_shape = random_latents(), image_shape
            output_range = (-1, 1) if name == "mlp" else None  # linear, clipped when it becomes bytes
        case "repairer":
            network = networks.repairer(name, image_shape, LATENT_DIM, masked=True, **{**TINY[name], **options})
            inputs, condition_width = [random_latents(), random_images(image_shape), random_mask(image_shape)], 0
            output_shape, output_range = image_shape, (-1.1, 1.1)  # a leaky clip
        case "translator":
            network = networks.translator(name, image_shape, source_channels=2, **{**TINY[name], **options})
            inputs, condition_width = random_images((*image_shape[:2], 2)), 0
            output_shape, output_range = image_shape, (-1.1, 1.1)  # a leaky clip
    return network, [inputs, random_conditions()] if condition_width else inputs, output_shape, output_range


@pytest.mark.parametrize("image_shape", IMAGE_SHAPES, ids=str)
@pytest.mark.parametrize(("role", "name", "condition_width"), UNCONDITIONAL + CONDITIONAL)
def test_contract(role, name, condition_width, image_shape):
    check_network(*build(role, name, image_shape, condition_width))


@pytest.mark.parametrize(("role", "name", "options"), OPTIONS, ids=str)
def test_options(role, name, options, tmp_path):
    network, inputs, output_shape, output_range = build(role, name, (8, 12, 3), CONDITION_WIDTH, **options)
    check_network(network, inputs, output_shape, output_range)
    check_saving(network, inputs, tmp_path / "network.keras")


@pytest.mark.parametrize(("role", "name", "condition_width"), ONE_OF_EACH)
def test_saving(role, name, condition_width, tmp_path):
    network, inputs, _, _ = build(role, name, (8, 12, 3), condition_width)
    check_saving(network, inputs, tmp_path / "network.keras")


@pytest.fixture
def _bfloat16():
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.usefixtures("_bfloat16")
@pytest.mark.parametrize(("image_shape", "options"), [((7, 5, 4), {}), ((8, 16, 4), {"wrap": "both"})], ids=str)
@pytest.mark.parametrize(("role", "name", "condition_width"), ONE_OF_EACH)
def test_bfloat16_networks_have_float32_outputs(role, name, condition_width, image_shape, options):
    check_network(*build(role, name, image_shape, condition_width, **options))


@pytest.mark.parametrize(("name", "options"), DISCRIMINATORS, ids=str)
def test_discriminators_can_be_differentiated_twice(name, options):
    discriminator, (images, conditions), _, _ = build("discriminator", name, TWICE_HALVED, CONDITION_WIDTH, **options)
    check_second_derivative(discriminator, lambda batch: discriminator([batch, conditions], training=True), images)


@pytest.mark.parametrize(("role", "name", "condition_width"), CONDITIONAL)
def test_conditions_change_the_outputs_and_missing_ones_do_not_break_them(role, name, condition_width):
    network, (inputs, conditions), _, _ = build(role, name, (8, 12, 3), condition_width)
    same_inputs = ops.repeat(inputs[:1], BATCH, axis=0)
    outputs = array(network([same_inputs, conditions * ops.array([[0.0], [1.0], [2.0]])]))  # none, some, others
    changes = np.abs(np.diff(outputs.reshape(BATCH, -1), axis=0)).max(axis=1)
    assert changes.min() > 1e-3


@pytest.mark.usefixtures("_bfloat16")
def test_known_bytes_are_copied_in_bfloat16():
    network, (latents, _, mask), _, _ = build("repairer", "conv", (8, 12, 3))
    every_byte = np.arange(BATCH * 8 * 12 * 3, dtype="uint8").reshape(BATCH, 8, 12, 3)
    made = array(to_uint8(network([latents, to_float(every_byte), mask])))
    known = np.broadcast_to(array(mask) == 0, made.shape)
    np.testing.assert_array_equal(made[known], every_byte[known])


@pytest.mark.parametrize("name", networks.DISCRIMINATORS)
def test_a_mask_beside_the_images_is_seen(name):
    network = networks.discriminator(name, TWICE_HALVED, CONDITION_WIDTH, 2, **TINY[name])
    nudge(network)
    assert [each.name for each in network.inputs] == ["images", "conditions", "mask"]
    images, conditions = random_images(TWICE_HALVED), random_conditions()
    some, none = (
        array(network([images, conditions, value * ops.ones((BATCH, *TWICE_HALVED[:2], 2))])) for value in (1.0, 0.0)
    )
    assert np.abs(some - none).min() > 1e-4


@pytest.mark.parametrize("name", ["dcgan", "conv", "resnet"])
def test_larger_images(name):
    generator = networks.generator(name, (64, 48, 3), LATENT_DIM, attention=True, **TINY[name])
    discriminator = networks.discriminator(name, (64, 48, 3), attention=True, **TINY[name])
    assert generator.output_shape == (None, 64, 48, 3)
    assert discriminator.output_shape == (None, 1)
    for network in (generator, discriminator):
        (attended,) = [layer.output.shape for layer in network.layers if isinstance(layer, SelfAttention)]
        assert attended[1:3] == (16, 12)


@pytest.mark.parametrize(
    ("name", "options"), [(name, options) for name, options in DISCRIMINATORS if "weight_clip" in options], ids=str
)
def test_clipped_discriminators_stay_within_their_limit(name, options):
    discriminator, _, _, _ = build("discriminator", name, TWICE_HALVED, CONDITION_WIDTH, **options)
    weights = discriminator.trainable_variables
    optimizer = keras.optimizers.SGD(1.0)
    optimizer.apply([ops.full(weight.shape, 3.0) for weight in weights], weights)  # would take all to -2 or below
    assert {round(float(np.abs(array(weight)).max()), 6) for weight in weights} == {0.1}


def test_the_default_is_small():
    # Twice the multiply-adds of convolutions and dense layers, at 28 × 28 with ten classes; the bound is 0.05 GFLOP.
    generator = networks.generator("conv", (28, 28, 1), 64, 10)
    discriminator = networks.discriminator("conv", (28, 28, 1), 10)
    # 10·64 + 128·3136 + 9·7²·64·64 + 16·7²·64·32 + 9·14²·32·32 + 16·14²·32 + 7²·64 + 14²·32 multiply-adds
    assert flops(generator) == 2 * 5_730_112
    # 9·14²·32 + 9·7²·32·64 + 9·4²·64·128 + 2048·64 + 10·64 + 64
    assert flops(discriminator) == 2 * 2_271_040
    assert generator.count_params() == 484_771
    assert discriminator.count_params() == 224_513


@pytest.mark.parametrize("image_shape", [(28, 28, 1), (13, 22, 3), (50, 33, 4)])
def test_every_size_of_the_default_contributes_to_the_image(image_shape):
    generator = networks.generator("conv", image_shape, 8)
    to_image = [layer for layer in generator.layers if getattr(layer, "filters", None) == image_shape[-1]]
    *shown, detail = keras.Model(generator.input, [layer.output for layer in to_image])(np.ones((1, 8), "float32"))
    image = np.zeros(shown[0].shape[1:])
    for added, size in zip(map(array, shown), [*(each.shape[1:3] for each in shown[1:]), image_shape[:2]], strict=True):
        image = doubled(image + added[0])[: size[0], : size[1]]
    image += array(detail)[0, : image_shape[0], : image_shape[1]]
    expected = np.clip(image, -1, 1) + 0.02 * (image - np.clip(image, -1, 1))
    np.testing.assert_allclose(array(generator(np.ones((1, 8), "float32")))[0], expected, atol=1e-5)


def doubled(image):
    """Twice the size, bilinearly, by Pillow."""
    height, width, channels = image.shape
    planes = [Image.fromarray(image[..., channel].astype("float32")) for channel in range(channels)]
    return np.stack([plane.resize((2 * width, 2 * height), Image.Resampling.BILINEAR) for plane in planes], axis=-1)


def flops(network):
    """Operations for one image, counted from the shapes of the layers."""
    total = 0
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dense):
            total += 2 * layer.kernel.shape[0] * layer.units
        elif isinstance(layer, keras.layers.Conv2DTranspose):  # each input pixel meets the kernel once
            total += 2 * math.prod(layer.input.shape[1:3]) * math.prod(layer.kernel.shape)
        elif isinstance(layer, keras.layers.Conv2D):  # and here each output pixel
            total += 2 * math.prod(layer.output.shape[1:3]) * math.prod(layer.kernel.shape)
    return total


@pytest.mark.parametrize("condition_width", [0, CONDITION_WIDTH])
@pytest.mark.parametrize("name", ["conv", "resnet"])
def test_networks_without_normalisation_start_in_a_reasonable_range(name, condition_width):
    generator = networks.generator(name, (28, 28, 1), 64, condition_width)
    discriminator = networks.discriminator(name, (28, 28, 1), condition_width)
    latents, conditions = keras.random.normal((CONDITION_WIDTH, 64), seed=0), ops.eye(CONDITION_WIDTH)
    images = generator([latents, conditions] if condition_width else latents)
    assert 0.1 < array(images).std() < 0.5
    logits = discriminator([images, conditions] if condition_width else images)
    assert np.abs(array(logits)).max() < 3


def test_grouped_convolutions_have_fewer_weights():
    # 3×3 kernels of 8 channels in 2 groups: half of 9·8·8 in each of the two blocks, at 7 × 5 and 4 × 3.
    plain, grouped = (networks.discriminator("resnet", (7, 5, 4), width=8, groups=groups) for groups in (1, 2))
    assert plain.count_params() - grouped.count_params() == 2 * 288


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


def test_unknown_option_lists_the_known_ones():
    with pytest.raises(
        ValueError, match=r"unknown option 'depth' of the generator network 'mlp': expected .* widths, wrap$"
    ):
        networks.generator("mlp", (8, 12, 3), LATENT_DIM, depth=3)
    with pytest.raises(ValueError, match="expected one of width, attention, spectral_normalization, weight_clip, wrap"):
        networks.discriminator("conv", (8, 12, 3), groups=2)
    with pytest.raises(
        ValueError, match="unknown option 'width' of the encoder network 'conv': expected one of widths,"
    ):
        networks.encoder("conv", (8, 12, 3), LATENT_DIM, width=8)
    with pytest.raises(ValueError, match="unknown option 'groups' of the decoder network 'resnet'"):
        networks.decoder("resnet", (8, 12, 3), LATENT_DIM, groups=2)


def test_spectral_normalisation_and_clipping_exclude_each_other():
    with pytest.raises(ValueError, match="received both"):
        networks.discriminator("mlp", (8, 12, 3), spectral_normalization=True, weight_clip=0.01)


def test_the_default_discriminator_combines_places_beyond_its_receptive_fields():
    discriminator = networks.discriminator("conv", (28, 28, 1))
    corners = np.zeros((4, 28, 28, 1), "float32")
    corners[1::2, :4, :4] = 1.0
    corners[2:, -4:, -4:] = 1.0
    neither, first, last, both = array(discriminator(ops.array(corners)))[:, 0]
    assert abs(both - first - last + neither) > 1e-4  # 0 for a sum over places


CONVOLUTIONAL = [(role, name) for role, table in ROLES.items() for name in table if name != "mlp"]
CONVOLUTIONAL.remove(("repairer", "conv"))  # its dense layers lie between maps, see below
CONVOLUTIONAL.remove(("translator", "conv"))  # an image is rolled by the four pixels of its smallest maps, see below
OF_GANS = [(role, name) for role, name in CONVOLUTIONAL if role in ("generator", "discriminator")]
ROLLED = [(role, name, {}) for role, name in CONVOLUTIONAL]
ROLLED += [(role, name, {"attention": True}) for role, name in OF_GANS if name != "patch"]
ROLLED += [(role, name, {"spectral_normalization": True}) for role, name in OF_GANS if role == "discriminator"]

# Two or three halvings, which leave odd heights where the height is not wrapped.
WRAPPED = {"none": (18, 24, 3), "width": (18, 24, 3), "both": (16, 24, 3)}


@pytest.mark.parametrize("wrap", WRAPPED)
@pytest.mark.parametrize(("role", "name", "options"), ROLLED, ids=str)
def test_networks_have_a_seam_only_along_the_axes_that_are_not_wrapped(role, name, options, wrap):
    network, *_ = build(role, name, WRAPPED[wrap], wrap=wrap, **options)
    nudge(network)
    part = convolutional_part(network)
    maps = np.random.default_rng(0).uniform(-1, 1, (BATCH, *part.input_shape[1:])).astype("float32")
    outputs = array(part(maps))
    for axis in (1, 2):
        scale = maps.shape[axis] / outputs.shape[axis]  # pixels of the input for one of the output
        shift, expected_shift = max(1, round(scale)), max(1, round(1 / scale))
        rolled = array(part(np.roll(maps, shift, axis)))
        difference = np.abs(rolled - np.roll(outputs, expected_shift, axis)).max()
        assert difference < 1e-5 if axis in WRAPS[wrap] else difference > 1e-3


@pytest.mark.parametrize("wrap", WRAPPED)
@pytest.mark.parametrize("name", [name for role, name in CONVOLUTIONAL if role == "discriminator"])
def test_a_discriminator_of_panoramas_knows_how_far_up_a_pixel_lies(name, wrap):
    network, *_ = build("discriminator", name, WRAPPED[wrap], wrap=wrap)
    assert any(isinstance(layer, Latitude) for layer in network.layers) == (wrap == "width")


@pytest.mark.parametrize("source_shape", [(16, 24, 3), (8, 12, 3), (4, 6, 3)], ids=str)
@pytest.mark.parametrize("wrap", WRAPPED)
def test_a_repairer_has_a_seam_only_along_the_axes_that_are_not_wrapped(wrap, source_shape):
    network = networks.repairer("conv", (16, 24, 3), LATENT_DIM, source_shape=source_shape, wrap=wrap, width=4)
    nudge(network)
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dense):
            layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    picture, latents = np.asarray(array(random_images(source_shape))), random_latents()
    made = array(network([latents, ops.array(picture)]))
    for axis in (1, 2):
        shift = 4 * source_shape[0] // 16  # a pixel of the smallest map
        rolled = array(network([latents, ops.array(np.roll(picture, shift, axis))]))
        difference = np.abs(rolled - np.roll(made, 4, axis)).max()
        assert difference < 1e-4 if axis in WRAPS[wrap] else difference > 1e-3


@pytest.mark.parametrize("wrap", WRAPPED)
def test_a_translator_has_a_seam_only_along_the_axes_that_are_not_wrapped(wrap):
    network = networks.translator("conv", (16, 24, 3), wrap=wrap, width=4)
    nudge(network)
    picture = array(random_images((16, 24, 3)))
    made = array(network(picture))
    for axis in (1, 2):
        difference = np.abs(array(network(np.roll(picture, 4, axis))) - np.roll(made, 4, axis)).max()
        assert difference < 1e-4 if axis in WRAPS[wrap] else difference > 1e-3


def test_a_translator_takes_pictures_of_any_size_and_sees_what_is_near():
    network = networks.translator("conv", (8, 12, 3), source_channels=1, width=4)
    nudge(network)
    whole = residual.of_any_size(network)
    assert {id(each) for each in whole.weights} == {id(each) for each in network.weights}
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 8, 12, 1)).astype("float32")
    np.testing.assert_array_equal(array(whole(picture)), array(network(picture)))
    large = np.random.default_rng(1).uniform(-1, 1, (1, 97, 131, 1)).astype("float32")
    made = array(whole(large))
    assert made.shape == (1, 97, 131, 3)
    # Two halvings see 3 pixels to each side, eight convolutions of maps of a quarter 32 more, the way back 7: 42.
    large[:, 50:, :] = 0
    changed = np.abs(array(whole(large)) - made).max(axis=(0, 2, 3))
    assert changed[:6].max() < 1e-6
    assert changed[50:].min() > 1e-3
    # A part of it, from a multiple of four pixels on, becomes the same away from its border.
    np.testing.assert_allclose(array(whole(large[:, :, 12:]))[:, :, 44:], array(whole(large))[:, :, 56:], atol=1e-5)


def test_a_translator_sees_the_same_pixels_whatever_the_size_of_the_picture():
    network = networks.translator("conv", (8, 12, 3), width=4, blocks=2)
    nudge(network)
    whole = residual.of_any_size(network)
    large = np.random.default_rng(0).uniform(-1, 1, (1, 72, 76, 3)).astype("float32")
    made = array(whole(large))
    for height, width in ((71, 73), (70, 74), (69, 75)):
        part = array(whole(large[:, :height, :width]))
        assert part.shape == (1, height, width, 3)
        # Away from the edges that moved, by what two blocks see (26 pixels) and the pixels that were added.
        np.testing.assert_allclose(part[:, :40, :44], made[:, :40, :44], atol=1e-5)
    assert array(whole(large[:, :1, :2])).shape == (1, 1, 2, 3)


def test_the_encoder_of_a_translator_is_a_part_of_it():
    network = networks.translator("conv", (7, 12, 3), width=4, blocks=2)
    maps = residual.encoder(network)(random_images((7, 12, 3)))
    assert [tuple(each.shape[1:]) for each in maps] == [(4, 6, 4), (2, 3, 8), (2, 3, 8), (2, 3, 8)]
    with pytest.raises(ValueError, match="expected at least 2 residual blocks, received 1"):
        networks.translator("conv", (8, 12, 3), blocks=1)


def test_a_patch_discriminator_adds_up_what_it_sees_in_places():
    discriminator = networks.discriminator("patch", (64, 64, 1), width=4)
    corners = np.zeros((4, 64, 64, 1), "float32")
    corners[1::2, :4, :4] = 1.0
    corners[2:, -4:, -4:] = 1.0
    neither, first, last, both = array(discriminator(ops.array(corners)))[:, 0]
    assert abs(first - neither) > 1e-5
    assert abs(both - first - last + neither) < 1e-6


def test_a_picture_of_other_channels_is_where_a_repairer_begins():
    network = networks.repairer("conv", (8, 12, 4), LATENT_DIM, source_shape=(8, 12, 1), width=4)
    check_network(network, [random_latents(), random_images((8, 12, 1))], (8, 12, 4), (-1.5, 1.5))


def convolutional_part(network):
    """From the first maps, images among them, to the last."""
    maps = [layer.output for layer in network.layers if len(layer.output.shape) == 4]
    return keras.Model(maps[0], maps[-1])


LAYERS = {
    "a 1×1 convolution": lambda kit: kit.conv2d(4, 1),
    "a 3×3 convolution": lambda kit: kit.conv2d(4, 3),
    "a 3×3 convolution that halves": lambda kit: kit.conv2d(4, 3, strides=2),
    "a 4×4 convolution that halves": lambda kit: kit.conv2d(4, 4, strides=2),
    "a transposed convolution": lambda kit: kit.conv2d_transpose(4),
    "nearest doubling": lambda kit: kit.up_sampling(),
    "bilinear doubling": lambda kit: kit.up_sampling("bilinear"),
    "average pooling": lambda kit: kit.average_pooling(),
    "smoothing": lambda kit: kit.smoothing(5),
}


@pytest.mark.parametrize(("wrap", "size", "times"), [("width", (7, 8), (1, 3)), ("both", (6, 8), (3, 3))])
@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_a_wrapped_layer_is_the_plain_one_on_an_image_that_repeats(layer, wrap, size, times):
    maps = np.random.default_rng(0).uniform(-1, 1, (2, *size, 3)).astype("float32")
    repeated = np.tile(maps, (1, *times, 1))
    wrapped, plain = (network_of(layer(Kit(wrap=of)), shape) for of, shape in ((wrap, maps), ("none", repeated)))
    plain.set_weights(wrapped.get_weights())
    outputs, expected = array(wrapped(maps)), array(plain(repeated))
    height, width = outputs.shape[1:3]
    top, left = height * (times[0] // 2), width * (times[1] // 2)  # of the one in the middle
    np.testing.assert_allclose(outputs, expected[:, top : top + height, left : left + width], atol=1e-6)


def network_of(layer, example):
    inputs = keras.Input(example.shape[1:])
    return keras.Model(inputs, layer(inputs))


@pytest.mark.usefixtures("_bfloat16")
def test_wrapping_keeps_the_precision_of_the_layer():
    kit, grey = Kit(wrap="width"), np.full((1, 3, 8, 1), 1.001, "float32")  # bfloat16 has 1 and 1.0078 there
    mean = kit.conv2d(1, 3, kernel_initializer=keras.initializers.Constant(1 / 9), dtype="float32")
    for layer in (mean, kit.up_sampling("bilinear", dtype="float32")):
        np.testing.assert_allclose(array(layer(grey))[:, 1], 1.001, rtol=1e-6)  # a row without zeros around it


@pytest.mark.parametrize(("role", "name"), CONVOLUTIONAL)
@pytest.mark.parametrize(
    ("wrap", "image_shape", "side"),
    [("width", (16, 22, 3), "width"), ("both", (16, 22, 3), "width"), ("both", (22, 16, 3), "height")],
)
def test_sizes_that_would_be_cut_at_the_seam_are_refused(role, name, wrap, image_shape, side):
    message = (
        rf"expected a {side} that is a multiple of [48] for wrap='{wrap}', as the image is halved [23] times, "
        rf"received a {side} of 22: resize the images to a {side} of 24 or leave the {side} unwrapped"
    )
    with pytest.raises(ValueError, match=message):
        build(role, name, image_shape, wrap=wrap)


@pytest.mark.parametrize(("role", "name", "condition_width"), UNCONDITIONAL)
def test_unknown_wraps_list_the_known_ones(role, name, condition_width):
    with pytest.raises(ValueError, match="unknown wrap 'height': expected one of none, width, both"):
        build(role, name, (8, 12, 3), condition_width, wrap="height")
