"""Models that repair: what they keep of the picture, with weights as they begin; that they learn is in test_scripts."""

import functools

import keras
import numpy as np
import pytest
from keras import ops

from keras_gen import corruptions, export, networks
from keras_gen.data import Split
from keras_gen.evaluation import PairMonitor
from keras_gen.export.runtimes import CSavedModel
from keras_gen.images import to_float
from keras_gen.inputs import Categorical, Conditions, Mask, Picture
from keras_gen.models.repairer import Repairer
from tests.contracts import array

SHAPE = (8, 12, 3)
LATENT_DIM = 4
IMAGES = np.random.default_rng(0).integers(0, 256, (5, *SHAPE)).astype("uint8")
HOLES = (np.random.default_rng(1).random((5, 8, 12, 1)) < 0.4).astype("uint8")
CORRUPTION = {"inpaint": "identity", "colorize": "grey", "upscale": "shrink", "restore": "gaussian"}


@functools.cache
def repairer(task="inpaint", shape=SHAPE, conditions=None):
    """An untrained one that does not begin near grey, so that latents and pictures matter."""
    keras.utils.set_random_seed(0)
    masked, source_shape = task == "inpaint", shape
    if task == "upscale":
        source_shape = (shape[0] // 2, shape[1] // 2, shape[2])
    width = conditions.width if conditions else 0
    corruption = CORRUPTION[task]
    picture = Picture("picture", source_shape, corruption=corruption, to_discriminator=False)
    model = Repairer(
        networks.repairer(
            "conv",
            shape,
            LATENT_DIM,
            width,
            source_shape=source_shape,
            masked=masked,
            corruption=corruption if corruption in corruptions.PROJECTIONS else None,
            width=4,
        ),
        networks.discriminator("conv", shape, width, int(masked), width=4),
        task=task,
        conditions=conditions,
        inputs=[picture, Mask("mask", shape[:2], is_drawn=True)] if masked else [picture],
        seed=0,
    )
    for weight in model.generator.trainable_variables:
        if weight.shape[-1] == shape[-1]:
            weight.assign(weight * 10)
    return model


@pytest.mark.parametrize("shape", [(8, 12, 1), pytest.param(SHAPE, marks=pytest.mark.jax), (7, 5, 4)], ids=str)
def test_known_bytes_are_copied(shape):
    images = np.arange(5 * np.prod(shape), dtype="uint8").reshape(5, *shape)  # every byte
    masks = HOLES[:, : shape[0], : shape[1]]
    for scale in (1, 100):  # 255 and 1 both stand for a hole
        made = repairer(shape=shape).repair(images, scale * masks, num=3)
        assert (made.dtype, made.shape) == (np.uint8, (5, 3, *shape))
        known = np.broadcast_to(masks == 0, images.shape)
        np.testing.assert_array_equal(made[:, 0][known], images[known])
        assert (made[:, 0][~known] != images[~known]).mean() > 0.5


def test_what_the_picture_holds_in_a_hole_has_no_effect():
    other = np.where(HOLES, 255 - IMAGES, IMAGES)
    np.testing.assert_array_equal(repairer().repair(IMAGES, HOLES), repairer().repair(other, HOLES))


def test_proposals_differ_and_repeat_by_their_seed():
    made = repairer().repair(IMAGES, HOLES, num=3, seed=1)
    np.testing.assert_array_equal(made, repairer().repair(IMAGES, HOLES, num=3, seed=1))
    hole = np.broadcast_to(HOLES != 0, IMAGES.shape)
    for other in (made[:, 1], made[:, 2], repairer().repair(IMAGES, HOLES, seed=2)[:, 0]):
        assert (made[:, 0][hole] != other[hole]).mean() > 0.3


def test_a_picture_is_repaired_the_same_in_any_company():
    together = repairer().repair(IMAGES, HOLES, num=2)
    alone = repairer().repair(IMAGES[3:4], HOLES[3:4], num=2)
    assert np.abs(together[3:4].astype(int) - alone).max() <= 1  # the order of a sum depends on the batch


def test_one_mask_stands_for_all():
    made = repairer().repair(IMAGES, HOLES[:1])
    np.testing.assert_array_equal(made, repairer().repair(IMAGES, np.repeat(HOLES[:1], 5, axis=0)))


@pytest.mark.jax
@pytest.mark.parametrize("task", ["colorize", "upscale"])
def test_the_answer_has_the_luma_or_the_means_of_the_picture(task):
    model, corrupt = repairer(task), corruptions.get(CORRUPTION[task])
    extreme = np.where(HOLES, IMAGES, 255 * (IMAGES // 128))  # with black and white in it
    pictures = model.source.made_of(extreme)
    made = model.repair(pictures)[:, 0]
    again = array(corrupt(to_float(made))) - array(to_float(pictures))
    assert np.abs(again).max() <= 2 / 255 + 1e-6  # a rounding of each
    assert np.abs(made.astype(int) - extreme).mean() > 10


def test_each_task_takes_the_pictures_that_its_corruption_makes():
    for task in CORRUPTION:
        model = repairer(task)
        split = type("Split", (), {"images": IMAGES, "pictures": {}})
        pictures = model.source.given_of(split)
        assert pictures.shape[1:] == model.source_shape
        made = model.repair(pictures, HOLES if model.mask else None, num=2)
        assert made.shape == (5, 2, *SHAPE)
        assert model.verb == task


def test_one_kind_of_picture_can_be_asked_for():
    model = repairer(conditions=Conditions([Categorical("label", ["dark", "bright"])]))
    dark, bright = (model.repair(IMAGES, HOLES, where={"label": label}) for label in ("dark", "bright"))
    assert not np.array_equal(dark, bright)
    same = model.repair(np.repeat(IMAGES[:1], 5, axis=0), HOLES[:1], num=3, seed=4)
    np.testing.assert_array_equal(same, np.repeat(same[:1], 5, axis=0))  # what is drawn is the same for each picture


def test_it_is_shown_with_its_holes():
    grid = repairer().picture(5, given={"picture": IMAGES, "mask": HOLES})
    assert grid.shape == (5 * 9 + 1, 5 * 13 + 1, 3)  # the picture, the same with holes, three proposals
    np.testing.assert_array_equal(grid[1:9, 1:13], IMAGES[0])
    np.testing.assert_array_equal(grid[10:18, 1:13], np.where(HOLES[0], 128, IMAGES[0]))


@pytest.mark.parametrize("task", ["inpaint", "upscale"])
def test_it_is_exported_and_served(task, tmp_path):
    model = repairer(task)
    version = export.publish(model, tmp_path, task)
    pictures = IMAGES if task == "inpaint" else IMAGES[:, : model.source_shape[0], : model.source_shape[1]]
    server = CSavedModel(str(version))
    request = {"seed": np.arange(5), "images": pictures, **({"masks": 3 * HOLES} if model.mask else {})}
    assert set(server.signatures[task][0]) == set(request)
    made = server.ask(task, request)["images"]
    assert (made.dtype, made.shape) == (np.uint8, (5, *SHAPE))
    single = server.ask(task, {name: value[2:3] for name, value in request.items()})["images"]
    np.testing.assert_array_equal(single[0], made[2])
    assert not np.array_equal(made, server.ask(task, {**request, "seed": np.arange(5) + 9})["images"])
    if task == "inpaint":
        known = np.broadcast_to(HOLES == 0, IMAGES.shape)
        np.testing.assert_array_equal(made[known], IMAGES[known])
        other = np.where(HOLES, 255 - IMAGES, IMAGES)
        np.testing.assert_array_equal(server.ask(task, {**request, "images": other})["images"], made)
    assert {task, f"{task}_png"} <= set(server.signatures)
    readme = (tmp_path / task / "README.md").read_text()
    assert f"'signature_name': '{task}_png'" in readme


@pytest.mark.slow  # two converters and their runtimes
def test_it_goes_into_other_formats(tmp_path):
    version = export.publish(repairer(), tmp_path, "repair", formats=["onnx", "litert"])  # which verifies both
    assert {path.name for path in version.parent.iterdir()} >= {"1.onnx", "1.tflite"}


@pytest.mark.parametrize(
    ("task", "masks", "message"),
    [
        ("inpaint", None, "expected masks: this repairer learned to inpaint"),
        ("colorize", HOLES, "expected no masks: this repairer learned to colorize"),
        ("inpaint", HOLES[:, :4], r"expected mask as uint8 \(n, 8, 12, 1\), 5 of them or one for all"),
    ],
)
def test_masks_that_do_not_suit_are_refused(task, masks, message):
    with pytest.raises(ValueError, match=message):
        repairer(task).repair(IMAGES, masks)


def test_a_mask_and_a_corruption_would_show_what_is_hidden():
    with pytest.raises(ValueError, match=r"expected a mask or a corruption, received both \(grey\)"):
        networks.repairer("conv", SHAPE, 4, masked=True, corruption="grey", width=4)
    with pytest.raises(ValueError, match="expected a task among inpaint, colorize, upscale, restore, received 'paint'"):
        Repairer(repairer().generator, repairer().discriminator, task="paint", inputs=repairer().inputs[1:])


# Of 64 pixels, (64 - 32) / 16 = 2 fade: of five rows around row 20 three are in the hole, of those around row 21 four.
@pytest.mark.parametrize(
    ("height", "expected"), [(64, [0, 0, 0.5 * 0.6**2, 0.5 * 0.8**2, 0.5, 0.5]), (32, [0, 0, 0.5, 0.5, 0.5, 0.5])]
)
def test_what_is_added_to_the_prediction_fades_towards_the_border_of_a_hole(height, expected):
    shape = (height, height + 3, 1)
    generator = networks.repairer("conv", shape, LATENT_DIM, masked=True, width=4)
    for weight in generator.trainable_variables:
        weight.assign(ops.zeros_like(weight))
    generator.trainable_variables[-1].assign([0.5])  # the bias of the last convolution: 0.5 is added everywhere
    mask = np.zeros((1, *shape), "float32")
    mask[:, 20:] = 1
    nothing = np.zeros((1, *shape), "float32")  # grey, which is continued
    made = array(generator([np.zeros((1, LATENT_DIM), "float32"), nothing, mask]))[0, :, 16, 0]
    np.testing.assert_allclose(made[18:24], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("task", "layer"),
    [("inpaint", "conditional_mean"), ("colorize", "linear_prediction"), ("upscale", "linear_prediction")],
)
def test_it_adapts_both_generators_to_the_images(task, layer):
    untrained = repairer(task)
    model = Repairer(
        keras.models.clone_model(untrained.generator),
        untrained.discriminator,
        task=task,
        inputs=untrained.inputs[1:],
        ema_decay=0.9,
    )
    model.adapt(IMAGES)
    for network in (model.generator, model.ema_generator):
        mean = array(network.get_layer(layer).mean).reshape(SHAPE)
        np.testing.assert_allclose(mean, array(to_float(IMAGES)).mean(axis=0), atol=1e-5)


def test_a_monitor_measures_the_holes_which_stay_where_they_are():
    generator = networks.repairer("conv", SHAPE, LATENT_DIM, masked=True, width=4)
    for weight in generator.trainable_variables:
        weight.assign(ops.zeros_like(weight))
    generator.trainable_variables[-1].assign([0.2] * 3)  # the last bias: what is grey becomes brighter by 25.5 in holes
    mask = Mask("mask", SHAPE[:2], is_drawn=True)
    inputs = [Picture("picture", SHAPE, corruption="identity", to_discriminator=False), mask]
    model = Repairer(generator, repairer().discriminator, inputs=inputs)
    monitor = PairMonitor(Split(np.full((40, *SHAPE), 100, "uint8")), share=1.0)
    monitor.set_model(model)
    model.stop_training = False  # as in `fit`
    for seed in (0, 1):
        keras.utils.set_random_seed(seed)
        monitor.on_train_begin()
        monitor.on_epoch_end(seed, logs := {})
        hidden = np.mean(mask.rows(40, monitor.seed) != 0)
        assert logs["mean_l1"] == pytest.approx(25.5 * hidden, rel=0.03)  # bytes: 25 or 26


def test_it_needs_a_picture():
    with pytest.raises(ValueError, match="expected latents and a picture among the inputs, received latents"):
        Repairer(networks.generator("conv", SHAPE, 4, width=4), networks.discriminator("conv", SHAPE, width=4))


def test_a_picture_has_the_size_of_the_image_or_a_fraction():
    with pytest.raises(
        ValueError, match=r"expected a picture of the size of the image \(8, 12, 3\), a half, a quarter"
    ):
        networks.repairer("conv", SHAPE, 4, source_shape=(4, 5, 3), width=4)
