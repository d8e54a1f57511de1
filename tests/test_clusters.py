"""Clusters of images that are found without labels."""

import dataclasses

import numpy as np
import pytest
import tyro

from keras_gen.data import ImageData, Split, with_clusters
from keras_gen.presets import GANS
from keras_gen.runs import beginning, gan
from keras_gen.runs.options import GANOptions

SHAPE = (6, 9, 3)


def coloured(nums, seed):
    """Noisy images around several colours, that many of each, and the colour of each image, in random order."""
    draw = np.random.default_rng(seed)
    colours = np.array([[200, 40, 40], [40, 200, 40], [40, 40, 200]])[: len(nums)]
    kinds = draw.permutation(np.repeat(np.arange(len(nums)), nums))
    images = colours[kinds][:, None, None] + draw.integers(-30, 30, (len(kinds), *SHAPE))
    return Split(images.astype("uint8")), kinds


def test_clusters_are_found_in_both_splits_and_the_largest_is_the_first():
    (train, known), (test, known_of_test) = coloured([150, 50, 100], 0), coloured([3, 4, 5], 1)
    data = with_clusters(ImageData("colours", train, test), 3)
    place = np.array([0, 2, 1])  # 150, 100 and 50 images
    np.testing.assert_array_equal(data.train.attributes["cluster"], place[known])
    np.testing.assert_array_equal(data.test.attributes["cluster"], place[known_of_test])
    assert data.attribute_values == {"cluster": ["0", "1", "2"]}


def test_labels_and_other_attributes_are_kept():
    train, known = coloured([150, 100], 0)
    train = Split(train.images, labels=known, attributes={"age": known.astype("float32")})
    data = with_clusters(ImageData("colours", train, train.take(range(5)), class_names=["red", "green"]), 2)
    assert data.class_names == ["red", "green"]
    assert set(data.train.attributes) == {"age", "cluster"}
    np.testing.assert_array_equal(data.train.labels, known)


def test_images_that_are_all_the_same_have_no_clusters():
    same = Split(np.full((300, 4, 4, 1), 7, "uint8"))
    data = ImageData("same", same, same)
    assert with_clusters(data, 10) is data


def test_there_is_at_most_one_cluster_for_each_hundred_images():
    train, _ = coloured([150, 100], 0)
    data = ImageData("colours", train, train.take(range(5)))
    assert len(with_clusters(data, 50).attribute_values["cluster"]) == 2
    few = ImageData("colours", train.take(range(199)), train.take(range(5)))
    assert with_clusters(few, 50) is few


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ([], ["cluster"]),
        (["--clusters", "0"], None),
        (["article", "--batch-size", "50"], None),
    ],
)
def test_a_gan_without_labels_learns_clusters_if_its_preset_or_an_option_says_so(command, names):
    train, _ = coloured([150, 100], 0)
    data = ImageData("colours", train, train.take(range(5)))
    options = tyro.cli(GANOptions, args=[*command, "--epochs", "1"]).resolve(GANS).suited_to(data.image_shape)
    model, batches = gan.build(options, data)
    assert (model.conditions and model.conditions.names) == names
    model.fit(batches, epochs=1, shuffle=False, verbose=0, steps_per_epoch=1)
    assert model.sample(3).shape == (3, *SHAPE)


def test_labels_are_preferred_to_clusters():
    train, known = coloured([150, 100], 0)
    data = ImageData("colours", Split(train.images, known), train.take(range(5)), class_names=["red", "green"])
    for command, names in (([], ["label"]), (["--unconditional"], ["cluster"])):
        options = tyro.cli(GANOptions, args=[*command, "--epochs", "1"]).resolve(GANS).suited_to(data.image_shape)
        assert gan.build(options, data)[0].conditions.names == names


@pytest.mark.parametrize(("command", "said"), [(["cgan-article"], True), (["article"], False), ([], False)])
def test_a_message_says_when_the_requested_conditions_do_not_exist(command, said, tmp_path, capsys):
    train, _ = coloured([150, 100], 0)
    data = ImageData("colours", train, train.take(range(5)))
    folders = {"run_dir": tmp_path / "run", "export_dir": tmp_path / "saved"}
    options = tyro.cli(GANOptions, args=[*command, "--epochs", "1"]).resolve(GANS).suited_to(data.image_shape)
    beginning.begin(dataclasses.replace(options, name="kinds", **folders), data, *gan.build(options, data))
    assert ("nothing can be asked for" in capsys.readouterr().out) == said
