"""Models that translate: their losses by hand, what they refuse, and their files in other formats."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_gen import export, networks
from keras_gen.augment import Augmentation
from keras_gen.export import runtimes
from keras_gen.inputs import Picture
from keras_gen.models.contrastive import ContrastiveTranslator, contrast
from keras_gen.models.cycle import Cycle
from keras_gen.models.translator import Translator
from tests.contracts import array
from tests.games import make

SHAPE = (8, 12, 3)
PICTURES = np.random.default_rng(0).integers(0, 256, (5, *SHAPE)).astype("uint8")


def of_pairs(**options):
    return Translator(
        networks.repairer("conv", SHAPE, 4, source_shape=(*SHAPE[:2], 1), width=4),
        networks.discriminator("conv", SHAPE, 0, 1, width=4),
        inputs=[Picture("source", (*SHAPE[:2], 1))],
        **options,
    )


@pytest.mark.jax
def test_both_sides_of_a_pair_move_alike_and_differently_in_each_step():
    model = of_pairs(pair_augmentation=Augmentation(("flip", "shift"), seed=1))
    data = {"images": PICTURES, "source": PICTURES[..., :1]}
    batches = [{name: array(value) for name, value in model.prepare(data).items()} for _ in range(2)]
    original = array(of_pairs().prepare(data)["images"])
    for batch in batches:
        np.testing.assert_array_equal(batch["images"][..., :1], batch["source"])
        assert not np.array_equal(batch["images"], original)
    assert not np.array_equal(batches[0]["images"], batches[1]["images"])
    again = Translator.from_config(model.get_config())
    assert again.pair_augmentation.policy == ("flip", "shift")
    assert of_pairs().get_config()["pair_augmentation"] is None


def test_a_pair_is_only_moved_and_only_where_both_sides_have_one_size():
    with pytest.raises(
        ValueError, match=r"pair_augmentation of roll, flip, translation, shift, cutout, received color: an im"
    ):
        of_pairs(pair_augmentation=Augmentation(("color", "shift")))
    with pytest.raises(ValueError, match=r"size of the images .* received \(4, 6, 1\) and \(8, 12, 3\)"):
        Translator(
            networks.repairer("conv", SHAPE, 4, source_shape=(4, 6, 1), width=4),
            networks.discriminator("conv", SHAPE, width=4),
            inputs=[Picture("source", (4, 6, 1), to_discriminator=False)],
            pair_augmentation=Augmentation(("shift",)),
        )


@pytest.mark.jax
def test_the_contrast_of_places_by_hand():
    queries = np.array([[[1.0, 0.0], [0.0, 1.0]]], "float32")
    keys = np.array([[[0.6, 0.8], [0.8, -0.6]]], "float32")
    # Products [[0.6, 0.8], [0.8, −0.6]] / 0.07: ln(1 + e^(0.2 / 0.07)) = 2.91299 and ln(1 + e^(1.4 / 0.07)) = 20.
    assert float(contrast(queries, keys)) == pytest.approx((2.91299 + 20.0) / 2, abs=1e-4)
    assert float(contrast(np.repeat(queries, 3, axis=0), np.repeat(keys, 3, axis=0))) == pytest.approx(
        11.45649, abs=1e-4
    )


def test_the_same_place_is_what_is_compared():
    model = make("contrast")
    pictures = np.random.default_rng(0).uniform(-1, 1, (6, *SHAPE)).astype("float32")

    def content(translations):
        return float(model._content(keras.ops.array(pictures), keras.ops.array(translations)))

    same, moved, brighter = content(pictures), content(np.roll(pictures, 4, axis=2)), content(pictures * 0.8 + 0.1)
    assert same < moved / 2
    assert same < brighter < moved
    assert content(pictures[::-1]) > moved / 2  # the places of another picture


def constant(bias, name):
    """A generator that makes pictures brighter by a number."""
    pictures = keras.Input(SHAPE)
    shifted = layers.Conv2D(3, 1, name=name)(pictures)
    model = keras.Model(pictures, shifted)
    model.layers[-1].set_weights([np.eye(3, dtype="float32")[None, None], np.full(3, bias, "float32")])
    return model


def indifferent():
    """A discriminator whose logit is always 0."""
    pictures = keras.Input(SHAPE)
    return keras.Model(pictures, layers.Dense(1, kernel_initializer="zeros")(layers.Flatten()(pictures)))


@pytest.mark.jax
def test_the_losses_of_a_cycle_by_hand():
    game = Cycle(
        constant(0.25, "there"), constant(0.0, "back"), indifferent(), indifferent(), source=Picture("a", SHAPE)
    )
    game.compile()
    batch = {"a": keras.ops.zeros((2, *SHAPE)), "images": keras.ops.zeros((2, *SHAPE)) + 0.5}
    loss, logs = game._generator_objective(batch)
    assert float(logs["cycle"]) == pytest.approx(0.5)  # 0.25 too bright in both directions
    assert float(logs["g_loss"]) == pytest.approx(1.0)  # ½ (0 − 1)² of each discriminator
    assert float(loss) == pytest.approx(1.0 + 10 * 0.5 + 5 * 0.25)  # what should stay is 0.25 too bright in one
    loss, _ = game._discriminator_objective(batch)
    assert float(loss) == pytest.approx(1.0)  # ½ (0 − 1)² + ½ 0² of each
    np.testing.assert_array_equal(game.translate_back(PICTURES), PICTURES)
    np.testing.assert_array_equal(game.translate(PICTURES)[:, 0], (PICTURES + 31.875).round().clip(0, 255))


def test_translations_are_one_for_each_picture_or_several():
    pairs, contrasting = make("pairs"), make("contrast")
    grey = PICTURES[..., :1]
    several = pairs.translate(grey, num=3, seed=1)
    assert several.shape == (5, 3, *SHAPE)
    np.testing.assert_array_equal(several, pairs.translate(grey, num=3, seed=1))
    assert contrasting.translate(PICTURES[:2, :5]).shape == (2, 1, 5, 12, 3)
    assert (pairs.family, contrasting.family, make("there_and_back").family) == ("translator",) * 3
    with pytest.raises(ValueError, match="expected num=1, received 2: this translator has one answer"):
        contrasting.translate(PICTURES, num=2)
    with pytest.raises(ValueError, match=r"expected source as uint8 \(n, 8, 12, 1\)"):
        pairs.translate(grey[:, :5])
    with pytest.raises(ValueError, match=r"expected image_before as uint8 \(n, height, width, 3\)"):
        contrasting.translate(grey)
    with pytest.raises(ValueError, match="expected no masks: this translator learned to translate"):
        pairs.answer(grey, masks=grey)


def test_parts_that_do_not_fit_are_refused():
    generator, discriminator = (
        networks.generator("conv", SHAPE, 4, width=4),
        networks.discriminator("conv", SHAPE, width=4),
    )
    with pytest.raises(ValueError, match="expected a picture among the inputs, received latents"):
        Translator(generator, discriminator)
    translators = [networks.translator("conv", SHAPE, width=4, blocks=2) for _ in range(2)]
    with pytest.raises(
        ValueError, match=r"expected four networks of pictures \(8, 12, 1\), received generator \(8, 12"
    ):
        Cycle(*translators, discriminator, discriminator, source=Picture("a", (8, 12, 1)))
    with pytest.raises(
        ValueError, match="expected pictures with the channels of the images, 3, received 1: the encoder"
    ):
        ContrastiveTranslator(
            networks.translator("conv", SHAPE, source_channels=1, width=4, blocks=2),
            networks.discriminator("patch", SHAPE, width=4),
            inputs=[Picture("a", (8, 12, 1), to_discriminator=False)],
        )


def test_without_weight_the_identity_costs_nothing():
    def term(**weights):
        keras.utils.set_random_seed(0)
        model = ContrastiveTranslator(
            networks.translator("conv", SHAPE, width=4, blocks=2),
            networks.discriminator("patch", SHAPE, width=4),
            inputs=[Picture("a", SHAPE, to_discriminator=False)],
            **weights,
        )
        fakes = keras.ops.ones((5, *SHAPE)) / 3
        return float(model._term(model.prepare({"images": PICTURES, "a": PICTURES[::-1]}), fakes))

    assert term(content_weight=0.0, identity_weight=0.0) == 0
    assert term(content_weight=2.0, identity_weight=0.0) == pytest.approx(2 * term(identity_weight=0.0), rel=1e-5)
    assert term() > term(identity_weight=0.0)


@pytest.mark.slow  # two converters and their runtimes
@pytest.mark.parametrize("game", ["pairs", "contrast"])
def test_it_goes_into_other_formats(game, tmp_path):
    model = make(game)
    version = export.publish(model, tmp_path, game, formats=["onnx", "litert"])  # which verifies both
    if game == "contrast":  # of any size there too
        pictures = np.random.default_rng(0).integers(0, 256, (3, 21, 34, 3)).astype("uint8")
        for name, file in {"onnx": "1.onnx", "litert": "1.tflite"}.items():
            answer = runtimes.RUNTIMES[name](str(version.parent / file))
            (images,) = answer("serving_default", {model.source.name: pictures}).values()
            assert np.abs(images - array(model.render(pictures))).max() < 1e-3
