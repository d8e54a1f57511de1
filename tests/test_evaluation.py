"""Feature nets, scores, the copy check and the card, on scikit-learn's digits: real images and quick."""

import dataclasses
import itertools
import json
import math
import operator
import os
import re
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import scipy.ndimage
from keras.src.legacy.saving import legacy_h5_format

from keras_gen import evaluation, load
from keras_gen.data import ImageData, Split
from keras_gen.evaluation import ScoreCard, copy_check
from keras_gen.features import Extracted, FeatureNet, classifier
from keras_gen.inputs import Categorical, Conditions, Continuous, Noise, Picture
from tests.conftest import make_autoencoder, make_conditional_gan, make_conditions, make_gan, untrained_net


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture(scope="module", params=["labels", "no labels"])
def net_and_data(request, digits):
    """A feature net of each kind."""
    data = digits if request.param == "labels" else unlabelled(digits)
    return FeatureNet.of(data), data


def unlabelled(data):
    """The same images, nothing known about them."""
    splits = {name: Split(getattr(data, name).images) for name in ("train", "test")}
    return dataclasses.replace(data, **splits, class_names=None)


def noisy(images, deviation):
    noise = np.random.default_rng(0).normal(0, deviation, images.shape)
    return (images + noise).clip(0, 255).astype("uint8")


def blurred(images, deviation):
    return scipy.ndimage.gaussian_filter(images, (0, deviation, deviation, 0))


def train_by(function, monkeypatch):
    """Puts a function in place of what trains feature nets of both kinds."""
    monkeypatch.setattr("keras_gen.features.training.train", function)


def test_a_feature_net_is_trained_once(net_and_data, monkeypatch):
    net, data = net_and_data
    train_by(lambda *arguments: pytest.fail("trained again"), monkeypatch)
    again = FeatureNet.of(data, on_progress=lambda text, fraction=None: pytest.fail(f"said that it would: {text}"))
    assert again.hash == net.hash
    images = data.test.images[:7]
    np.testing.assert_array_equal(again.extract(images).features, net.extract(images).features)
    assert net.extract(images).features.shape == (7, 64)


def test_another_column_makes_another_net(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    trained = []
    train_by(lambda *arguments: trained.append(arguments), monkeypatch)
    data = odd_data(num=90)
    renamed = {"beard": data.train.attributes["hat"], "age": data.train.attributes["age"]}
    values = {"beard": data.attribute_values["hat"]}
    other = dataclasses.replace(
        data, train=dataclasses.replace(data.train, attributes=renamed), attribute_values=values
    )
    for known, num in ((data, 1), (data, 1), (other, 2)):
        FeatureNet.of(known)
        assert len(trained) == num
    for path in Path(os.environ["KERAS_HOME"]).rglob("*.keras"):
        path.write_bytes(b"half a file")
    FeatureNet.of(data)
    assert len(trained) == 3, "a file that cannot be read is made again"


def test_worse_images_lie_farther_away(net_and_data):
    net, data = net_and_data
    images = data.test.images
    real = net.extract(images)
    ladder = [data.train.images[:359], noisy(images, 8), noisy(images, 20), noisy(images, 40), noisy(images, 80)]
    scores = [evaluation.compare(real, net.extract(rung)) for rung in ladder]
    distances = [score["frechet"] for score in scores[1:]]
    assert distances == sorted(distances)
    assert distances[-1] > 5 * scores[0]["frechet"]
    assert scores[-1]["coverage"] < 0.8 * scores[0]["coverage"]
    assert evaluation.compare(real, net.extract(blurred(images, 1.0)))["frechet"] > 3 * scores[0]["frechet"]


def test_a_class_that_is_missing_shows_in_recall_and_not_in_precision(net_and_data, digits):
    net, data = net_and_data
    real = net.extract(data.test.images)
    floor, dropped = (
        evaluation.compare(real, net.extract(data.train.images[digits.train.labels >= lowest][:359]))
        for lowest in (0, 3)
    )
    assert dropped["precision"] > floor["precision"] - 0.05
    # Three kinds of ten are missing; nets differ in how near the others lie, so a third of that has to show.
    assert dropped["recall"] < floor["recall"] - 0.1
    assert dropped["coverage"] < floor["coverage"] - 0.1
    if net.conditions:
        assert (floor["classes"], dropped["classes"]) == (1.0, 0.7)


def test_one_image_again_and_again_shows_in_coverage(net_and_data):
    net, data = net_and_data
    real = net.extract(data.test.images)
    collapsed = evaluation.compare(real, net.extract(np.repeat(data.train.images[:1], 359, axis=0)))
    assert collapsed["coverage"] < 0.1
    assert collapsed["recall"] < 0.1
    assert collapsed["diversity"] == pytest.approx(0, abs=1e-6)


def test_a_feature_net_classifies_the_test_split(digits):
    net = FeatureNet.of(digits)
    assert net.accuracy(digits)["label"] > 0.95
    seen = net.extract(digits.test.images)
    np.testing.assert_allclose(seen.probabilities("label").sum(axis=1), 1, atol=1e-5)


def test_images_of_another_kind_are_refused(digits):
    net = FeatureNet.of(digits)
    with pytest.raises(ValueError, match=r"expected uint8 images \(n, 8, 8, 1\), received float64 \(3, 8, 8, 1\)"):
        net.extract(np.zeros((3, 8, 8, 1)))


def test_a_feature_net_is_a_function_of_its_seed_and_leaves_the_global_randomness_alone():
    def learned(seed):
        return classifier(odd_data().train, SPECIES, seed, num_steps=2).get_weights()

    keras.utils.set_random_seed(3)
    expected = keras.initializers.GlorotUniform()((4, 4)), np.random.random(4)
    first, other = learned(1), learned(2)
    keras.utils.set_random_seed(3)
    assert all(np.array_equal(a, b) for a, b in zip(first, learned(1), strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True) if a.ndim > 1)
    received = keras.initializers.GlorotUniform()((4, 4)), np.random.random(4)
    assert all(np.array_equal(a, b) for a, b in zip(expected, received, strict=True))


def odd_data(num=48, known=True):
    """RGBA images that are not square, with a class, a yes or no and a number that can be seen in them."""
    generator = np.random.default_rng(0)
    labels, hats, ages = generator.integers(0, 3, num), generator.integers(-1, 2, num), generator.uniform(0, 100, num)
    images = generator.integers(0, 40, (num, 6, 9, 4)).astype("uint8")
    images[..., 0] += (80 * labels[:, None, None]).astype("uint8")
    images[:, :3, :, 1] += (90 * (hats[:, None, None] + 1)).astype("uint8")
    images[:, 3:, :, 2] += (2 * ages[:, None, None]).astype("uint8")
    attributes = {"hat": hats.astype("int64"), "age": ages.astype("float32")}
    split = Split(images, labels.astype("int64"), attributes) if known else Split(images)
    train, test = split.hold_out(0.5)
    names = {"class_names": ["elf", "orc", "dwarf"], "attribute_values": {"hat": ["no", "yes"]}} if known else {}
    return ImageData("odd", train, test, **names)


def test_every_attribute_is_read():
    data = odd_data(num=400)
    accuracy = FeatureNet.of(data).accuracy(data)
    assert set(accuracy) == {"label", "hat", "age"}
    assert min(accuracy.values()) > 0.9


SPECIES = Conditions([Categorical("label", ["elf", "orc", "dwarf"])])
SCHEMA = Conditions([Categorical("label", ["a", "b", "c"]), Continuous("age", 0, 100, knots=3)])


def seen(labels, ages):
    """What a net would see that is quite sure."""
    rows = SCHEMA.encode({"label": labels, "age": ages})
    return Extracted(np.random.default_rng(0).normal(size=(len(rows), 2)), rows, SCHEMA)


def test_read_back_by_hand():
    what = seen([0, 0, 1, 2], [0, 50, 100, 100])
    asked = {"label": np.array([0, 1, 1, -1]), "age": np.array([10, 60, 110, np.nan], "float32")}
    assert what.read_back(asked) == {"label": pytest.approx(2 / 3), "age": pytest.approx(1.0)}
    assert what.read_back({"age": np.full(4, 5.0)}) == {}, "always the same was asked"
    assert seen([0, 1], [30, 30]).read_back({"age": np.array([10.0, 50.0])}) == {"age": 0.0}
    assert what.read_back({"species": np.zeros(4)}) == {}


def test_class_scores_by_hand():
    real, fake = seen([0, 1, 2] * 20, [0.0] * 60), seen([0] * 30 + [1] * 30, [0.0] * 60)
    scores = evaluation.compare(real, fake, {"label": np.array([0] * 30 + [1] * 15 + [2] * 15)})
    assert scores["classes"] == pytest.approx(2 / 3)
    assert scores["confident"] == 1.0
    assert scores["reads_back"] == 45 / 60
    # Of 60 images and one more of each class, 31, 31 and 1, where the data have a third of each.
    expected = sum(share * math.log(3 * share) for share in (31 / 63, 31 / 63, 1 / 63))
    assert scores["label_kl"] == pytest.approx(expected)
    classes = evaluation.scores.by_class(real, fake)
    assert [(name, found["real"], found["made"]) for name, found in classes.items()] == [
        ("a", pytest.approx(1 / 3), 0.5),
        ("b", pytest.approx(1 / 3), 0.5),
        ("c", pytest.approx(1 / 3), 0.0),
    ]
    features = [seen.features[seen.columns["label"] == 1] for seen in (real, fake)]
    assert classes["b"]["frechet"] == pytest.approx(evaluation.frechet_distance(*features))
    assert "frechet" not in classes["c"]
    assert "class_frechet" not in scores, "the mean over the classes that are left would reward who leaves some out"
    every = seen([0] * 20 + [1] * 20 + [2] * 20, [0.0] * 60)
    distances = [found["frechet"] for found in evaluation.scores.by_class(real, every).values()]
    assert evaluation.compare(real, every)["class_frechet"] == pytest.approx(np.mean(distances))


def test_copies_are_found_and_inventions_are_not(digits):
    train, test = digits.train.images, digits.test.images
    copies = copy_check(train, test, train[:200])
    assert copies.copied
    assert copies.copies == 1.0
    assert copies.fake_distance == 0.0
    assert all(np.array_equal(train[fake], train[original]) for fake, original in copies.pairs)
    assert copy_check(train, test, noisy(train[:200], 10)).copied
    some = copy_check(train, test, np.concatenate([train[:40], blurred(test[:160], 0.7)]))
    assert some.copied
    assert some.copies == pytest.approx(0.2, abs=0.06)
    assert {fake for fake, _ in some.pairs} <= set(range(40))
    for honest in (noisy(test, 10), blurred(test, 0.7), np.zeros_like(test)):
        assert not copy_check(train, test, honest).copied


def test_the_order_of_the_test_split_makes_no_difference():
    generator = np.random.default_rng(0)

    def bars(num):  # of one number, so close to each other
        images = np.zeros((num, 8, 12, 1), "uint8")
        images[:, :4] = generator.integers(0, 256, (num, 1, 1, 1))
        return images

    def noise(num):
        return generator.integers(0, 256, (num, 8, 12, 1)).astype("uint8")

    train = np.concatenate([noise(600), bars(600)])
    test = np.concatenate([noise(200), bars(200)])
    assert not copy_check(train, test, np.concatenate([noise(60), bars(60)])).copied


def test_distances_do_not_see_copies(digits):
    net = FeatureNet.of(digits)
    copies = evaluation.compare(net.extract(digits.test.images), net.extract(digits.train.images[:359]))
    assert copies["coverage"] > 0.9, "which is why there is a copy check"


def test_reconstruction_errors_by_hand():
    originals = np.zeros((2, 12, 16, 3), "uint8")
    grey = np.full_like(originals, 51)  # 0.2
    errors = evaluation.reconstruction_errors(originals, grey)
    assert errors["mse"] == pytest.approx(0.04)
    assert errors["psnr"] == pytest.approx(-10 * math.log10(0.04))
    # Flat images: (2 · 0 · 51 + c₁) / (0² + 51² + c₁) with c₁ = (0.01 · 255)², and the structure is 1.
    assert errors["ssim"] == pytest.approx(6.5025 / (51**2 + 6.5025))
    same = evaluation.reconstruction_errors(originals, originals)
    assert (same["mse"], same["ssim"]) == (0.0, pytest.approx(1.0))
    assert math.isfinite(same["psnr"])
    assert "ssim" not in evaluation.reconstruction_errors(originals[:, :8], grey[:, :8])
    with pytest.raises(ValueError, match="expected uint8 images of one shape"):
        evaluation.reconstruction_errors(originals, grey[:1])


DATA = {"labels": True, "nothing known": False}


@pytest.mark.parametrize("known", DATA.values(), ids=DATA)
def test_a_card_of_images(known, tmp_path, monkeypatch):  # 20 s: the full card trains two nets
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))  # no net is there
    data = odd_data(num=160, known=known)
    messages = []

    def draw(num, seed):
        rows = np.random.default_rng(seed).integers(0, len(data.train), num)
        made = data.train.take(rows)
        return made.images, {"label": made.labels} if known else {}

    about = {"class": "copier", "data": "odd"}
    card, pictures = evaluation.score_images(
        draw, data, about, on_progress=lambda text, fraction=None: messages.append((text, fraction))
    )
    steps = [text for text, _ in itertools.groupby(text for text, _ in messages)]
    assert re.fullmatch("scoring with 20 images on each side, about [0-9]+ (seconds|minutes)", steps[1])
    # Two nets are trained and extract, two classifiers are trained, images are compared with the training images.
    assert len(steps) == 6 + 2 * known
    for text, reported in itertools.groupby(messages, key=operator.itemgetter(0)):
        fractions = [fraction for _, fraction in reported if fraction is not None]
        assert fractions == sorted(fractions), text
        assert all(0 <= each <= 1 for each in fractions), text
    assert card.protocol["images"] == 20, "a quarter of the training images is held out for the floor"
    assert card.protocol["feature_nets"] == [net["hash"] for net in card.nets]
    assert len(set(card.protocol["feature_nets"])) == 2
    assert card.copies["copied"]
    low, high = card.scores["kernel"].interval
    assert low < card.scores["kernel"].value < high
    assert set(card.classes) == (set(data.class_names) if known else set())
    assert set(card.attributes) == ({"label"} if known else set())
    assert any(remark.startswith("It copies: ") for remark in card.remarks)
    assert any("Only 20 images on each side" in remark for remark in card.remarks)
    labelled = {"reads_back", "classification", "classes", "confident", "label_kl", "class_frechet"}
    distances = {"frechet", "kernel", "precision", "recall", "density", "coverage", "diversity"}
    assert set(card.scores) == distances | (labelled if known else set())
    for name, score in card.scores.items():
        assert math.isfinite(score.value), name
        assert score.floor is not None, name
        assert (score.error is None) == (name == "classification")
    page = evaluation.write(card, pictures, tmp_path / "card")
    assert ScoreCard.load(tmp_path / "card" / "scorecard.json") == card
    text = page.read_text()
    assert all(f">{name}<" in text for name in card.scores)
    assert all(f">{evaluation.page.text(*item)}<" in text for item in card.scores.items())
    assert all(f">{evaluation.page.floor_text(*item)}<" in text for item in card.scores.items())
    sources = [part.split('"')[0] for part in text.split('src="')[1:]]
    assert len(sources) == 2
    assert all((tmp_path / "card" / source).exists() for source in sources)


def test_a_class_that_is_not_made_is_named():
    data = odd_data(num=160)
    elves = data.train.images[data.train.labels == 0]
    orcs = data.train.images[data.train.labels == 1]
    made = np.concatenate([elves[:10], orcs[:10]])
    card, _ = evaluation.score_images(lambda num, seed: (made, {}), data, {"class": "x", "data": "odd"}, num_draws=1)
    assert card.scores["classes"].value == pytest.approx(2 / 3)
    assert any(remark.startswith("No class_frechet: dwarf is rarely or never made") for remark in card.remarks)


def test_a_generator_that_left_everything_out_is_not_fit():
    made = np.zeros_like(odd_data(num=20).train.images)
    card, _ = evaluation.score_images(
        lambda num, seed: (np.resize(made, (num, *made.shape[1:])), {}),
        odd_data(num=160),
        {"class": "x", "data": "odd"},
    )
    assert card.remarks[0].startswith("Not fit for use: ")


def people(species=("elf", "orc", "dwarf")):
    """Noise with the attributes of the conditional GAN."""
    generator = np.random.default_rng(0)
    num = 200
    columns = make_conditions().decode(make_conditions().rows(num, seed=1))
    split = Split(generator.integers(0, 256, (num, 8, 12, 3)).astype("uint8"), None, columns)
    train, test = split.hold_out(0.2)
    return ImageData("people", train, test, attribute_values={"species": list(species), "hat": ["no", "yes"]})


def test_a_card_of_a_conditional_gan():  # 20 s: the full card trains two nets and two classifiers
    card, _ = evaluation.score(make_conditional_gan(), people(), truncation=1.0)
    assert card.model["averaged_weights"]
    assert card.model["truncation"] == 1.0
    assert {"reads_back", "classification", "out_of_range"} <= set(card.scores)


def test_a_card_of_an_autoencoder():
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 12, 3)).astype("uint8")
    data = ImageData("noise", Split(images[:20]), Split(images[20:]))
    autoencoder = make_autoencoder()
    card, pictures = evaluation.score(autoencoder, data)
    assert set(card.scores) == {"mse", "psnr", "out_of_range"}  # too small for windows of 11 pixels
    reconstructed = autoencoder.reconstruct(images[20:])
    assert card.scores["mse"].value == pytest.approx(np.mean((images[20:] / 255.0 - reconstructed / 255.0) ** 2), 1e-5)
    assert len(pictures) == 1


def test_what_cannot_be_scored_is_refused():
    data = odd_data(num=30)
    found = "15 in the test split, 4 held out of the training split and 10000 as the most to use"
    with pytest.raises(ValueError, match=f"expected at least 20 images on each side to score with, received {found}"):
        evaluation.score_images(lambda num, seed: None, data, {})
    with pytest.raises(ValueError, match="expected no truncation"):
        evaluation.score(make_autoencoder(), people(), truncation=0.5)
    with pytest.raises(ValueError, match="the species of the model, elf, orc, dwarf; people has dwarf, elf, orc"):
        evaluation.score(make_conditional_gan(), people(species=["dwarf", "elf", "orc"]))
    with pytest.raises(ValueError, match=r"expected data with images of \(8, 12, 3\), those of odd are \(6, 9, 4\)"):
        evaluation.score(make_gan(), data)


def a_card(**protocol):
    scores = {"frechet": evaluation.Score(2.0, 0.125, 0.5), "coverage": evaluation.Score(0.9)}
    return ScoreCard({"class": "GAN"}, {"data": "abc", "images": 100, **protocol}, [], scores)


def test_cards_side_by_side():
    table = evaluation.side_by_side({"one": a_card(), "two": a_card()})
    assert table == [
        ["metric", "one", "two", "real training images", "better"],
        ["frechet", "2.000 ± 0.125", "2.000 ± 0.125", "0.500", "lower"],
        ["coverage", "0.900", "0.900", "", "higher"],
    ]
    with pytest.raises(ValueError, match="one and three differ in images 100 and 90"):
        evaluation.side_by_side({"one": a_card(), "two": a_card(), "three": a_card(images=90)})


def test_the_numbers_of_one_card_stand_in_columns():
    assert evaluation.lines(a_card()) == [
        "metric    value          real training images  better",
        "frechet   2.000 ± 0.125  0.500                 lower",
        "coverage  0.900                                higher",
    ]


def test_a_file_that_is_no_card_is_refused(tmp_path):
    path = tmp_path / "scorecard.json"
    for text in ("{}", "not JSON", json.dumps({"scores": {"frechet": {"worth": 3}}})):
        path.write_text(text)
        with pytest.raises(ValueError, match="expected a score card"):
            ScoreCard.load(path)


def test_inception_without_weights_says_where_they_belong(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"expected the weights of InceptionV3 in .*notop\.h5"):
        FeatureNet.inception((8, 12, 3))


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_inception_takes_images_of_any_kind(channels, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    name = "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
    (tmp_path / "models").mkdir()
    with h5py.File(tmp_path / "models" / name, "w") as file:  # in the old format that keras.applications downloads
        network = keras.applications.InceptionV3(include_top=False, weights=None)
        legacy_h5_format.save_weights_to_hdf5_group(file, network)
    net = FeatureNet.inception((8, 12, channels))
    assert net.extract(np.zeros((2, 8, 12, channels), "uint8")).features.shape == (2, 2048)


class Clock:
    """Time that passes only when it is moved on."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_a_monitor_gives_numbers_after_every_epoch(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 12, 3)).astype("uint8")
    monitor = evaluation.QualityMonitor(Split(images), untrained_net(), share=1.0)
    gan = make_gan()
    best = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", "frechet", mode="min", save_best_only=True)
    stop = keras.callbacks.EarlyStopping("coverage", mode="max", patience=0, baseline=2.0)
    history = gan.fit(images, batch_size=10, epochs=3, verbose=0, callbacks=[monitor, best, stop])
    assert len(history.epoch) == 2, "no coverage is above 2: EarlyStopping, which waits for a second epoch, saw it"
    assert (tmp_path / "best.keras").exists()
    fakes = monitor.net.extract(gan.sample(20, seed=0)).features
    expected = evaluation.frechet_distance(monitor.real_features, fakes)
    assert history.history["frechet"][-1] == pytest.approx(expected, rel=1e-5)
    assert 0 < monitor.seconds <= monitor.seconds_of_training


def test_a_monitor_of_pairs_measures_how_far_translations_are_from_their_images():
    class Darker:
        """Makes pictures darker by 10 on average, so that they are 7 from images that are darker by 17, or 14 from 24.

        Each answer alone is 9 further up or down.
        """

        stop_training = False
        conditions = None
        inputs = latent_input, source = Noise(2), Picture("source", (8, 12, 3))

        def given_of(self, split, drawn_too):
            return {"source": split.pictures["source"]}

        def draw(self, num, seed, given):
            return np.zeros((num, 2)), given["source"]

        def sample(self, num, seed, given):
            assert list(given) == ["source"], "latents are drawn anew"
            return given["source"][:num] - np.array(10 + 9 * (-1) ** seed, "uint8")

    pictures = np.full((4, 8, 12, 3), 100, "uint8")
    images = pictures - np.array([17, 17, 24, 24], "uint8").reshape(4, 1, 1, 1)
    monitor, logs = evaluation.PairMonitor(Split(images, pictures={"source": pictures}), share=1.0), {}
    monitor.set_model(Darker())
    monitor.on_train_begin()
    monitor.on_epoch_end(0, logs)
    assert logs == {"mean_l1": 10.5}


def watch(monkeypatch, third=1):
    """A monitor that has watched 40 epochs of 1.5 s, and when it measured: for 1 s, except the third time."""
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 12, 3)).astype("uint8")
    monitor = evaluation.QualityMonitor(Split(images), untrained_net(), share=0.1)
    monitor.set_model(make_gan())
    clock = Clock()
    monkeypatch.setattr(evaluation.monitor.time, "monotonic", clock)
    turns = []

    def sample(num, seed, given=None):
        turns.append(clock.now)
        clock.now += third if len(turns) == 3 else 1
        return images[:num]

    monkeypatch.setattr(monitor.model, "sample", sample)
    monitor.on_train_begin()
    for epoch in range(40):
        clock.now += 1.5
        monitor.on_epoch_end(epoch, {})
    return monitor, turns


def test_a_monitor_keeps_to_its_share(monkeypatch):
    monitor, turns = watch(monkeypatch)
    # After the first epoch two that do not count, nor does their time, and the first one that does; then when all
    # seconds, from the fourth time on with those of the end, are a tenth of what passed.
    assert turns == [1.5, 2.5, 3.5, 22.5, 32.5, 53, 63]
    monitor.on_train_end({})
    assert monitor.seconds == len(turns) - 2 <= 0.1 * monitor.seconds_of_training
    with pytest.raises(ValueError, match=r"expected a share of the time in \(0, 1\], received 0"):
        evaluation.QualityMonitor(Split(np.zeros((5, 8, 12, 3), "uint8")), untrained_net(), share=0)


def test_a_monitor_that_was_held_up_goes_on_measuring(monkeypatch):
    _, turns = watch(monkeypatch, third=100)
    # By 103.5 there is time for ten turns of a second.
    assert turns[:5] == [1.5, 2.5, 3.5, 105, 107.5]
    assert len(turns) > 10


def test_a_net_is_made_when_the_first_epoch_is_over_and_not_for_a_run_that_ends_there(images):
    made = []

    def net():
        made.append(int(gan.optimizer.iterations))
        return untrained_net()

    gan = make_gan()
    gan.fit(images, batch_size=3, epochs=2, verbose=0, callbacks=[evaluation.QualityMonitor(Split(images), net)])
    assert made == [2]
    stop = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: setattr(gan, "stop_training", True))
    monitor = evaluation.QualityMonitor(Split(images), net)
    gan.fit(images, batch_size=3, epochs=2, verbose=0, callbacks=[stop, monitor])
    assert made == [2]
    assert monitor.measurements == 0
