"""The contract of inputs: models made in `tests.games`, without a line in keras_gen, are trained, sampled from given
pictures, shown, monitored, scored, resumed, exported and served like those of keras_gen.
"""

import functools

import keras
import numpy as np
import pytest
from PIL import Image

from keras_gen import callbacks, evaluation, export, inversion
from keras_gen.cli import sampling
from keras_gen.evaluation import QualityMonitor
from keras_gen.export.runtimes import CSavedModel
from keras_gen.models import checkpoints, saving
from tests.conftest import same, untrained_net, weights_of
from tests.games import BATCH, EPOCHS, GAMES, IMAGE_SHAPE, PowerCut, data, fit, make

WITHOUT_NOISE = ("mask", "cycle", "contrast", "there_and_back")
# Models with a task are shown, scored and served in their own way.
GENERATING = [name for name in GAMES if name not in ("repair", "pairs", "contrast", "there_and_back")]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model by its name, trained for two epochs, with a grid and a monitor, and its folder."""

    @functools.cache
    def train(name):
        folder = tmp_path_factory.mktemp(name)
        model, images = make(name), data()
        shown = images.test.take(range(5))
        watchers = [
            QualityMonitor(images.train, untrained_net(), num=30, share=1.0),
            callbacks.SampleGrid(folder / "samples", given=model.given_of(shown), every=1),
            callbacks.MetricsCSV(folder / "metrics.csv"),
        ]
        return fit(model, folder / "checkpoints", None, *watchers), folder

    return train


@pytest.mark.jax
@pytest.mark.parametrize("name", GAMES)
def test_one_round_updates_every_weight(name):
    model, train = make(name), data().train.take(range(BATCH))
    before = weights_of(model)
    model.train_on_batch(
        {"images": train.images[:], **{name: column[:BATCH] for name, column in model.columns_of(train).items()}}
    )
    changed = {each.path for each, old in zip(model.variables, before, strict=True) if not np.array_equal(each, old)}
    assert {each.path for each in model.trainable_variables} <= changed


@pytest.mark.parametrize("name", GAMES)
def test_it_makes_images_from_given_inputs(name, trained):
    model, test = trained(name)[0], data().test
    given = model.given_of(test)
    made = model.sample(len(test), seed=1, given=given)
    assert (made.dtype, made.shape) == (np.uint8, (len(test), *IMAGE_SHAPE))
    np.testing.assert_array_equal(made, model.sample(len(test), seed=1, given=given))
    alone = model.sample(len(test), seed=1, given={name: column[:1] for name, column in given.items()})
    np.testing.assert_array_equal(alone[0], made[0])  # one picture stands for all
    assert not np.array_equal(alone[1:], made[1:])
    other_seed = model.sample(len(test), seed=2, given=given)
    assert np.array_equal(other_seed, made) == (name in WITHOUT_NOISE)
    with pytest.raises(ValueError, match=r"expected \w+ to be given, as uint8 \(n, (8, 12|height, width), [13]\)"):
        model.sample(2)
    first = next(iter(given))
    with pytest.raises(ValueError, match=f"expected {first} as uint8 .*, 2 of them or one for all, received uint8"):
        model.sample(2, given={**given, first: given[first][:3]})
    with pytest.raises(ValueError, match="to be given, received sketch"):
        model.sample(2, given={"sketch": given[first]})


@pytest.mark.parametrize("name", GENERATING)
def test_it_is_shown_with_what_it_was_given(name, trained):
    model, folder = trained(name)
    shown = data().test.take(range(5))
    pictures = sorted((folder / "samples").glob("step_*.png"))
    assert [path.stem for path in pictures] == ["step_0000000", "step_0000015", "step_0000030"]
    grid = np.asarray(Image.open(pictures[-1]))
    rows = len(model.given_of(shown)) + 1
    assert grid.shape == (rows * 9 + 1, 5 * 13 + 1, 3)
    source = next(iter(model.given_of(shown).values()))
    np.testing.assert_array_equal(grid[1:9, 1:13], np.broadcast_to(source[0], IMAGE_SHAPE))
    made = model.sample(5, 0, given=model.given_of(shown))
    np.testing.assert_array_equal(grid[-9:-1, 1:13], made[0])


@pytest.mark.parametrize("name", GENERATING)
def test_it_is_watched_and_scored(name, trained):
    model, folder = trained(name)
    header, *rows = (folder / "metrics.csv").read_text().splitlines()
    assert {"frechet", "coverage", "diversity"} <= set(header.split(","))
    assert len(rows) == EPOCHS
    card, pictures = evaluation.score(model, data(), seconds=1)  # a brief one: nets of others are no concern here
    assert {"frechet", "coverage", "classes"} <= set(card.scores)
    assert card.scores["frechet"].floor > 0
    assert card.protocol["images"] >= 20
    assert ("reads_back" in card.scores) == (name == "picture_and_noise")  # feature nets classify conditions
    assert ("psnr" in card.scores) == model.reconstructs
    assert "samples" in pictures


@pytest.mark.parametrize("name", [name for name in GAMES if name != "there_and_back"])  # which does as others do
def test_it_continues_after_a_power_cut(name, trained, tmp_path):
    with pytest.raises(PowerCut):
        fit(make(name), tmp_path, None, PowerCut.At(1, 5))
    checkpoint = checkpoints.newest(tmp_path)
    assert (checkpoint.epoch, checkpoint.batch) == (1, 5)
    resumed, (unbroken, folder) = fit(make(name), tmp_path, checkpoint), trained(name)
    assert same(weights_of(resumed), weights_of(unbroken))
    assert same(*(checkpoints.newest(run).variables for run in (tmp_path, folder / "checkpoints")))


@pytest.mark.parametrize("name", GENERATING)
def test_it_is_exported_and_served(name, trained, tmp_path):
    model, test = trained(name)[0], data().test
    version = export.publish(model, tmp_path, name)  # verified in fresh processes
    given = model.given_of(test.take(range(3)))
    server = CSavedModel(str(version))
    takes, _ = server.signatures["generate"]
    assert set(given) <= set(takes)
    request = {"seed": np.arange(3), "truncation": np.full(3, 9, "float32"), "label": np.array(["dark", "", "bright"])}
    request["brightness"] = np.array([0.2, np.nan, 0.8], "float32")
    request = {key: value for key, value in request.items() if key in takes} | given
    images = server.ask("generate", request)["images"]
    assert (images.dtype, images.shape) == (np.uint8, (3, *IMAGE_SHAPE))
    if len(request) > 1:
        last = list(takes)[-1] if list(takes)[-1] in request else next(iter(request))
        uneven = {key: value[:1] if key == last else value for key, value in request.items()}
        with pytest.raises(RuntimeError, match=r"expected as many \w+ as \w+, received"):
            server.ask("generate", uneven)
    single = server.ask("generate", {key: value[2:] for key, value in request.items()})["images"]
    np.testing.assert_array_equal(single[0], images[2])
    if name in WITHOUT_NOISE:
        assert "seed" not in takes
        np.testing.assert_allclose(images.astype(int), model.sample(3, given=given), atol=1)
    default = {key: value[:2] for key, value in given.items()}
    rows = model.draw(2, seed=0, given=default)
    drawn = {each.name: row for each, row in zip(model.inputs, rows, strict=True)}
    if model.reconstructs:
        drawn = {"images": test.images[:2], **default}
    answer = server.ask("serving_default", drawn)
    expected = model.reconstruct(test.images[:2], given=default) if model.reconstructs else model.render(*rows)
    difference = np.abs(next(iter(answer.values())).astype(float) - keras.ops.convert_to_numpy(expected))
    assert difference.max() <= (1 if model.reconstructs else 1e-3)
    sampled = sampling.sample(tmp_path / name, 3, given=given)
    assert sampled.shape == (3, *IMAGE_SHAPE)
    assert all(f"`{each}`" in (tmp_path / name / "README.md").read_text() for each in given)


@pytest.mark.parametrize("name", GAMES)
def test_it_is_saved_and_loaded(name, trained, tmp_path):
    model, given = trained(name)[0], trained(name)[0].given_of(data().test)
    saving.save(model, tmp_path)
    loaded = saving.load(tmp_path)
    assert [(each.name, each.shape) for each in loaded.inputs] == [(each.name, each.shape) for each in model.inputs]
    np.testing.assert_array_equal(loaded.sample(24, 3, given=given), model.sample(24, 3, given=given))


def test_an_input_from_outside_is_requested_by_name(trained):
    model, given = trained("picture_and_noise")[0], trained("picture_and_noise")[0].given_of(data().test)
    dim, bright, any_other = (
        model.sample(24, 1, where=where, given=given) for where in ({"brightness": 0.1}, {"brightness": 0.9}, None)
    )
    assert not np.array_equal(dim, bright)
    assert not np.array_equal(dim, any_other)
    column = data().train.images[:].mean(axis=(1, 2, 3), dtype="float32") / 255
    np.testing.assert_array_equal(model.columns_of(data().train)["brightness"], column)


def test_a_game_of_four_cannot_publish_its_discriminator(trained, tmp_path):
    with pytest.raises(ValueError, match="discriminator"):
        export.publish(trained("cycle")[0], tmp_path, "cycle", discriminator=True)
    assert not list(tmp_path.iterdir())


def test_latents_are_found_for_a_picture_that_is_given(trained):
    model, test = trained("picture_and_noise")[0], data().test.take(range(2))
    given = model.given_of(test)
    made = model.sample(2, seed=4, given=given, where={"label": "dark"})
    found = inversion.invert(model, made, steps=20, restarts=2, given=given)
    assert found.latents.shape == (2, 4)
    np.testing.assert_array_equal(found.rows["source"], given["source"])
    np.testing.assert_array_equal(model.decode(*found.rows.values()), found.images)
    with pytest.raises(ValueError, match="expected a model with latents to search for, this cycle has none"):
        inversion.invert(trained("cycle")[0], made)


def test_a_missing_column_is_named():
    model, train = make("picture_and_noise"), data().train
    with pytest.raises(ValueError, match="expected a column 'source' beside the images, received images, label"):
        model.fit({"images": train.images, "label": train.labels}, batch_size=BATCH, verbose=0)
