"""The data doctor: finds the faults that were added by hand, counts them, and reports nothing else."""

import dataclasses

import numpy as np
import pytest

from keras_gen import load
from keras_gen.data import ImageData, Split, doctor

MNIST = load("mnist-sample")


def changed(train=None, test=None, **fields):
    """The digits with one fault, made by functions of copies of the images."""
    parts = {"train": MNIST.train, "test": MNIST.test}
    for name, change in (("train", train), ("test", test)):
        if change:
            images = parts[name].images.copy()
            parts[name] = dataclasses.replace(parts[name], images=change(images))
    return dataclasses.replace(MNIST, **parts, **fields)


def set_to(images, rows, values):
    images[rows] = values
    return images


def noisy(images):
    noise = np.random.default_rng(0).integers(-3, 4, images.shape)
    return np.clip(images.astype(int) + noise, 0, 255).astype("uint8")


def unequal():
    labels = MNIST.train.labels
    few = np.flatnonzero(labels == 3)[:10]
    return dataclasses.replace(MNIST, train=MNIST.train.take(np.r_[np.flatnonzero(labels != 3), few]))


def small(num_train, num_test):
    return dataclasses.replace(MNIST, train=MNIST.train.take(range(num_train)), test=MNIST.test.take(range(num_test)))


WRONG = {
    "nothing": (lambda: MNIST, []),
    "single colours": (
        lambda: changed(lambda x: set_to(x, slice(9), 0)),
        ["images of a single colour: 9 of 4,000; remove them", "the same image in two classes: "],
    ),
    "inverted": (
        lambda: changed(lambda x: set_to(x, slice(3), 255 - x[:3])),
        ["images that look inverted, dark for light: 3 of 4,000; fix or remove them"],
    ),
    "scaled": (
        lambda: changed(lambda x: (x > 128).astype("uint8")),
        ["all values are 0 to 1 of 255: multiply by 255 what was scaled to [0, 1]"],
    ),
    "black": (
        lambda: changed(lambda x: 0 * x, test=lambda x: 0 * x),
        [
            "hardly any contrast: values from 0 to 0, standard deviation 0.0",
            "images of a single colour: 4,000 of 4,000",
            "repeated training images: 3,999 of 4,000",
            "the same image in two classes: 3,600 of 4,000",
            "test images that are training images too: 1,000 of 1,000",
            "labels that seem unrelated to the images: 10%",
        ],
    ),
    "flat": (lambda: changed(lambda x: x // 8), ["hardly any contrast: values from 0 to 31, standard deviation"]),
    "repeated": (
        lambda: changed(lambda x: set_to(x, slice(300), x[300:600])),
        ["repeated training images: 300 of 4,000; they count twice", "the same image in two classes: "],
    ),
    "leaked": (
        lambda: changed(test=lambda x: set_to(x, slice(20), MNIST.train.images[:20])),
        ["test images that are training images too: 20 of 1,000; scores will look better than they are"],
    ),
    "nearly leaked": (
        lambda: changed(test=lambda x: set_to(x, slice(60), noisy(MNIST.train.images[:60]))),
        ["test images with nearly the same one among the training images: 60 of 1,000; scores will look"],
    ),
    "unequal classes": (
        unequal,
        ["unequal classes: 400 training images of 0, 10 of 3; rare classes are learned poorly"],
    ),
    "labels of other images": (
        lambda: dataclasses.replace(
            MNIST,
            train=dataclasses.replace(MNIST.train, labels=np.random.default_rng(0).permutation(MNIST.train.labels)),
        ),
        ["labels that seem unrelated to the images: 9% of the images have the label of the image most like "],
    ),
    "few": (
        lambda: small(80, 19),
        ["only 80 training images: few to learn from", "only 19 test images: a score needs 20; add images, "],
    ),
    "unreadable": (
        lambda: changed(skipped=[(f"{n}.png", "empty file") for n in range(300)]),
        ["files that cannot be read: 300 of 5,300, 0.png (empty file), 1.png (empty file), 2.png (empty file) …"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_serious_faults_are_found(case):
    make, expected = WRONG[case]
    serious = [finding.text for finding in doctor.examine(make()) if finding.serious]
    assert len(serious) == len(expected), serious
    for text, beginning in zip(sorted(serious), sorted(expected), strict=True):
        assert text.startswith(beginning)


def test_hints_are_not_serious():
    grey = np.random.default_rng(0).integers(0, 256, (300, 8, 12, 1), dtype="uint8")
    opaque = np.concatenate([np.repeat(grey, 3, axis=-1), np.full_like(grey, 255)], axis=-1)
    labels = np.arange(200) % 12
    data = ImageData("x", Split(opaque[:200], labels), Split(opaque[200:], labels[:100]), [f"c{k}" for k in range(12)])
    hints = [finding.text for finding in doctor.examine(data) if not finding.serious]
    assert any(hint.startswith("RGBA without any transparency") for hint in hints)
    assert any(hint.startswith("colour images that are grey") for hint in hints)
    assert "classes with fewer than 20 training images: 12 of 12, c0, c1, c2, c3, c4 …" in hints


def test_a_score_is_spoken_of_where_there_will_be_one():
    def serious(num_test, min_scored):
        return [finding.text for finding in doctor.examine(small(80, num_test), min_scored=min_scored)][:2]

    assert serious(39, 40)[1].startswith("only 39 test images: a score needs 40; ")
    assert serious(40, 40)[1].startswith("fewer than 10,000 training images: a GAN soon memorises them; ")
    assert not any("score" in text for text in serious(1, 0))


def test_two_images_are_enough_to_examine():
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 12, 3), dtype="uint8")
    findings = doctor.examine(ImageData("x", Split(images[:2]), Split(images[2:])))
    assert [finding.serious for finding in findings] == [True, True, False]


def test_labels_of_few_images_are_not_doubted():
    images = np.random.default_rng(0).integers(0, 256, (130, 8, 12, 3), dtype="uint8")
    labels = np.random.default_rng(0).integers(0, 2, 130)  # that happen to agree a little more than by chance
    data = ImageData("x", Split(images[:110], labels[:110]), Split(images[110:], labels[110:]), ["a", "b"])
    assert not [finding for finding in doctor.examine(data) if finding.text.startswith("labels that seem unrelated")]
