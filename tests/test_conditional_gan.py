"""Conditions, packs, several steps, the averaged generator, augmentation and schedules in the game."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_gen import callbacks, latents, losses, networks, penalties, schedules
from keras_gen.augment import Augmentation
from keras_gen.inputs import Categorical, Conditions
from keras_gen.models.gan import EMA_HALF_LIFE, GAN
from tests.conftest import (
    IMAGE_SHAPE,
    LATENT_DIM,
    conditional_data,
    make_conditional_gan,
    make_conditions,
    make_gan,
    same,
    weights_of,
)
from tests.contracts import array


def fit(gan, data, epochs=1, **arguments):
    images, rows = data
    arguments = {"batch_size": 8, "epochs": epochs, "shuffle": False, "verbose": 0, **arguments}
    return gan.fit(images, rows, **arguments)


def plain_gan(**arguments):
    """An unconditional game without dropout, with arguments of `GAN`."""
    generator = networks.mlp.generator(IMAGE_SHAPE, LATENT_DIM, widths=(8,))
    return GAN(generator, networks.mlp.discriminator(IMAGE_SHAPE, widths=(8,), dropout=0.0), **arguments)


@pytest.mark.compiled
def test_everything_at_once_trains_and_continues_after_loading(images, tmp_path):
    data = conditional_data(images)
    unbroken = make_conditional_gan()
    history = fit(unbroken, data, epochs=2).history
    assert all(np.isfinite(values).all() for values in history.values())
    unbroken.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert same(weights_of(unbroken), weights_of(loaded))
    assert [item.describe() for item in loaded.conditions.attributes] == [
        item.describe() for item in unbroken.conditions.attributes
    ]
    fit(unbroken, data)
    fit(loaded, data)
    assert same(weights_of(unbroken), weights_of(loaded))
    np.testing.assert_array_equal(loaded.sample(3, where={"hat": "yes"}), unbroken.sample(3, where={"hat": "yes"}))


def test_steps_of_each_player_are_counted(images):
    gan = make_conditional_gan()
    fit(gan, conditional_data(images), epochs=3)
    assert [int(gan.optimizer.iterations)] == [3]
    counts = {name: int(optimizer.iterations) for name, optimizer in gan._optimizers.items()}
    assert counts == {"discriminator": 6, "generator": 3}


class Recording(losses.Wasserstein):
    """Records the real logits of each step."""

    def __init__(self):
        self.discriminator_steps, self.generator_steps = [], []

    def get_config(self):
        return {}

    def discriminator_loss(self, real_logits, fake_logits):
        self.discriminator_steps.append(array(ops.stop_gradient(real_logits)).ravel())
        return super().discriminator_loss(real_logits, fake_logits)

    def generator_loss(self, real_logits, fake_logits):
        self.generator_steps.append(array(ops.stop_gradient(real_logits)).ravel())
        return super().generator_loss(real_logits, fake_logits)


def mean_critic(channels=1):
    """D(x) = w · mean x with w = 1, in packs of `channels`."""
    pixels = keras.Input((1, 1, channels))
    kernel = keras.initializers.Constant(1.0 / channels)
    return keras.Model(pixels, layers.Dense(1, use_bias=False, kernel_initializer=kernel)(layers.Flatten()(pixels)))


def zero_generator():
    draws = keras.Input((1,))
    return keras.Model(draws, layers.Reshape((1, 1, 1))(layers.Dense(1, kernel_initializer="zeros")(draws)))


def standing_still(gan, loss):
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0), loss=loss, run_eagerly=True)
    return gan


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX traces even what should run eagerly")
def test_each_step_of_the_discriminator_gets_other_images():
    seen = Recording()
    gan = standing_still(GAN(zero_generator(), mean_critic(), discriminator_steps=3), seen)
    gan.fit(-np.arange(7, dtype="float32").reshape(7, 1, 1, 1) / 8, batch_size=7, shuffle=False, verbose=0)
    assert [(-8 * step).tolist() for step in seen.discriminator_steps] == [[0, 1, 2], [3, 4, 5], [6, 0, 1]]
    assert [(-8 * step).tolist() for step in seen.generator_steps] == [[0, 1, 2]]


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX traces even what should run eagerly")
def test_packs_are_scored_together():
    seen = Recording()
    gan = standing_still(GAN(zero_generator(), mean_critic(channels=2), pack_size=2), seen)
    gan.fit(-np.arange(3, dtype="float32").reshape(3, 1, 1, 1) / 4, batch_size=3, shuffle=False, verbose=0)
    # Means of (0, 2) and (1, 0), where each image is minus a quarter.
    assert [(-4 * step).tolist() for step in seen.discriminator_steps] == [[1.0, 0.5]]


def test_a_batch_too_small_for_the_steps_and_packs_is_still_a_batch(images):
    # As the last batch of an epoch may be: two images for three steps on packs of two.
    shape = (*IMAGE_SHAPE[:2], 2 * IMAGE_SHAPE[2])
    generator = networks.mlp.generator(IMAGE_SHAPE, LATENT_DIM, widths=(8,))
    gan = GAN(generator, networks.mlp.discriminator(shape, widths=(8,)), discriminator_steps=3, pack_size=2)
    gan.compile()
    for num in (2, 1):
        history = gan.fit(images[:num], verbose=0).history
        assert all(np.isfinite(values).all() for values in history.values())


def test_integer_labels_are_rows_of_the_schema(images):
    schema = Conditions([Categorical("label", ["0", "1", "2"])])
    labels = np.array([0, 2, -1, 1, 1, 0])

    def make():
        keras.utils.set_random_seed(0)
        generator = networks.mlp.generator(IMAGE_SHAPE, LATENT_DIM, 3, widths=(8,))
        discriminator = networks.mlp.discriminator(IMAGE_SHAPE, 3, widths=(8,))
        gan = GAN(generator, discriminator, conditions=schema)
        gan.compile()
        return gan

    from_labels, from_rows = make(), make()
    fit(from_labels, (images, labels))
    fit(from_rows, (images, schema.encode({"label": labels})))
    assert same(weights_of(from_labels), weights_of(from_rows))


@pytest.mark.parametrize("targets", ["rows", "labels"])
def test_columns_by_the_names_of_attributes_train_the_same(targets, images):
    schema = make_conditions() if targets == "rows" else Conditions([Categorical("label", ["0", "1", "2"])])
    if targets == "rows":
        columns = {"species": [0, 2, -1, 1, 1, 0], "hat": [1, -1, 0, 0, 1, 1], "age": [0.0, 99.0, np.nan, 30, 120, -5]}
        columns = {name: np.array(column) for name, column in columns.items()}
    else:
        columns = {"label": np.array([0, 2, -1, 1, 1, 0])}

    def train(*data):
        keras.utils.set_random_seed(0)
        generator = networks.mlp.generator(IMAGE_SHAPE, LATENT_DIM, schema.width, widths=(8,))
        gan = GAN(generator, networks.mlp.discriminator(IMAGE_SHAPE, schema.width, widths=(8,)), conditions=schema)
        gan.compile(loss="relativistic")
        gan.fit(*data, batch_size=3, epochs=2, shuffle=False, verbose=0)
        return weights_of(gan)

    expected = train(images, schema.encode(columns) if targets == "rows" else columns["label"])
    assert same(train({"images": images, "conditions": schema.encode(columns)}), expected)
    received = train({"images": images, **columns})
    # Classes agree to the bit; a step computes the knots of a number in float32, data in float64.
    for left, right in zip(received, expected, strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5 if targets == "rows" else 0.0)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros(8, "int64"), r"expected rows of conditions \(batch, 9\)"),
        (np.zeros((8, 4), "float32"), r"expected rows of conditions \(batch, 9\)"),
    ],
)
def test_columns_that_are_not_rows_are_refused(rows, message, images):
    with pytest.raises(ValueError, match=message):
        fit(make_conditional_gan(), (conditional_data(images)[0], rows))


def test_labels_may_be_a_column_but_not_floats(images):
    schema = Conditions([Categorical("label", ["0", "1", "2"])])
    generator = networks.mlp.generator(IMAGE_SHAPE, LATENT_DIM, 3, widths=(8,))
    gan = GAN(generator, networks.mlp.discriminator(IMAGE_SHAPE, 3, widths=(8,)), conditions=schema)
    gan.compile()
    rows = gan.prepare((images, np.array([[2], [0], [-1], [1], [1], [7]])))["conditions"]
    assert array(rows).tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 0]]
    with pytest.raises(ValueError, match="expected labels as integers, received float32"):
        gan.prepare((images, np.zeros(6, "float32")))


def test_conditions_are_requested_by_name(images):
    gan = make_conditional_gan()
    assert gan.sample(3).shape == (3, *IMAGE_SHAPE)
    np.testing.assert_array_equal(gan.sample(3, where={"species": "orc"}), gan.sample(3, where={"species": "orc"}))
    assert not np.array_equal(gan.sample(3, where={"species": "orc"}), gan.sample(3, where={"species": "elf"}))
    with pytest.raises(ValueError, match="unknown species 'troll': expected one of elf, orc, dwarf"):
        gan.sample(3, where={"species": "troll"})
    with pytest.raises(ValueError, match="expected no conditions"):
        make_gan().sample(3, where={"species": "orc"})
    with pytest.raises(ValueError, match="expected conditions beside the images, received images alone"):
        gan.fit(images, verbose=0)


def test_a_sweep_varies_one_attribute_only():
    gan = make_conditional_gan()
    pictures, columns = gan.sweep("species", num=8, seed=4, where={"hat": "yes", "age": 30})
    assert columns == ["elf", "orc", "dwarf"]
    assert pictures.shape == (6, *IMAGE_SHAPE)
    draws = latents.normal(2, LATENT_DIM, seed=4)
    for row in range(2):
        for column in range(3):
            condition = make_conditions().encode({"species": [column], "hat": [1], "age": [30.0]})
            expected = gan.decode(draws[row : row + 1], condition)[0]
            assert np.abs(pictures[3 * row + column].astype(int) - expected).max() <= 1
    with pytest.raises(ValueError, match="unknown attribute 'size': expected one of species, hat, age"):
        gan.sweep("size")


def test_truncated_latents_lie_within_the_limit():
    gan = make_gan()
    draws = latents.truncate(latents.normal(5, LATENT_DIM, seed=1), 0.5)
    assert np.abs(draws).max() <= 0.5
    np.testing.assert_array_equal(gan.sample(5, seed=1, truncation=0.5), gan.decode(draws))


def test_truncation_gives_the_truncated_normal_distribution():
    from scipy.stats import kstest, truncnorm

    draws = latents.truncate(latents.normal(2000, 1, seed=0), 1.0).ravel()
    assert kstest(draws, truncnorm(-1.0, 1.0).cdf).pvalue > 0.01
    np.testing.assert_allclose(latents.truncate(np.array([-0.7, 0.3]), 30.0), [-0.7, 0.3], rtol=1e-6)


def test_the_averaged_generator_follows_by_hand(images):
    # Round 1 keeps min(0.9, 0.5^(1/0.1)) = 0.0009766 of the start; round 2 keeps min(0.9, 0.5^(1/0.2)) = 0.03125.
    assert EMA_HALF_LIFE == 0.1
    gan = plain_gan(ema_decay=0.9)
    gan.compile(keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.5))
    kernel, average = gan.generator.layers[1].kernel, gan.ema_generator.layers[1].kernel
    values = [array(kernel.value)]
    for _ in range(2):
        gan.fit(images, batch_size=6, verbose=0)
        values.append(array(kernel.value))
    decays = [0.0009765625, 0.03125]
    expected = values[0]
    for decay, value in zip(decays, values[1:], strict=True):
        expected = decay * expected + (1 - decay) * value
    assert np.abs(values[2] - values[1]).max() > 1e-3, "the generator must have moved, or this shows nothing"
    np.testing.assert_allclose(array(average.value), expected, atol=1e-7)


def test_the_averaged_generator_is_served():
    gan = plain_gan(ema_decay=0.9)
    for variable in gan.generator.trainable_variables:
        variable.assign(ops.zeros(variable.shape))
    draws = np.ones((2, LATENT_DIM), "float32")
    np.testing.assert_array_equal(array(gan(draws)), array(gan.ema_generator(draws)))
    assert np.abs(array(gan(draws))).max() > 0
    assert plain_gan().served_generator is not None


def test_statistics_of_batch_normalisation_are_copied_into_the_average(images):
    generator = networks.dcgan.generator(IMAGE_SHAPE, LATENT_DIM, width=4)
    gan = GAN(generator, networks.mlp.discriminator(IMAGE_SHAPE, widths=(8,)), ema_decay=0.99)
    gan.compile()
    gan.fit(images, batch_size=6, verbose=0)
    statistics = [variable for variable in gan.ema_generator.variables if "moving" in variable.path]
    assert len(statistics) >= 2
    for average in statistics:
        (own,) = [
            variable
            for variable in gan.generator.variables
            if variable.path.split("/")[-2:] == average.path.split("/")[-2:]
        ]
        np.testing.assert_array_equal(array(average.value), array(own.value))


def test_schedules_follow_the_progress(images):
    gan = plain_gan()
    rate = schedules.Linear(0.5, 0.1)
    gan.compile(keras.optimizers.Adam(9.0), keras.optimizers.Adam(9.0), hyperparameters={"learning_rate": rate})
    gan.set_progress(0.75)
    gan.train_on_batch(images)
    for optimizer in gan.optimizer.optimizers:
        np.testing.assert_allclose(float(optimizer.learning_rate), 0.2, rtol=1e-6)
        assert optimizer.beta_2 == 0.999


@pytest.mark.compiled
def test_a_scheduled_beta_2_equals_that_of_the_optimizer(images):
    # A constant schedule trains like the optimizer that was made with that value.
    def train(**arguments):
        keras.utils.set_random_seed(0)
        gan = plain_gan()
        gan.compile(**arguments)
        gan.fit(images, batch_size=3, epochs=2, shuffle=False, verbose=0)
        return gan

    adam = lambda beta: keras.optimizers.Adam(0.01, beta_2=beta)  # noqa: E731
    scheduled = train(
        generator_optimizer=adam(0.5),
        discriminator_optimizer=adam(0.5),
        hyperparameters={"beta_2": schedules.Linear(0.9, 0.9)},
    )
    fixed = train(generator_optimizer=adam(0.9), discriminator_optimizer=adam(0.9))
    for left, right in zip(weights_of(scheduled), weights_of(fixed), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-6)
    assert all(optimizer.beta_2 == 0.5 for optimizer in scheduled.optimizer.optimizers)


def test_an_optimizer_without_the_scheduled_attribute_is_refused():
    with pytest.raises(ValueError, match="expected optimizers with the scheduled attribute 'beta_2'"):
        plain_gan().compile("rmsprop", "rmsprop", hyperparameters={"beta_2": schedules.Linear(0.9, 0.99)})


def test_the_weight_of_a_penalty_follows_the_progress():
    # D(x) = x has slope 1 everywhere: R1 is ½, weighted by 4 at first and by 2 half-way.
    gan = GAN(zero_generator(), mean_critic())
    gan.compile(
        keras.optimizers.SGD(0.0),
        keras.optimizers.SGD(0.0),
        loss="wasserstein",
        penalties=[penalties.R1(schedules.Linear(4, 0))],
    )
    received = []
    for progress in (0.0, 0.5):
        gan.set_progress(progress)
        logs = gan.train_on_batch(np.full((2, 1, 1, 1), 0.5, "float32"), return_dict=True)
        gan.reset_metrics()
        received.append((logs["penalty"], logs["d_loss"], logs["loss"]))
    # d_loss = 0 − 0.5, g_loss = −0; loss is the sum of all that was minimised.
    np.testing.assert_allclose(received, [(2.0, -0.5, 1.5), (1.0, -0.5, 0.5)], atol=1e-6)


def test_the_budget_reports_progress_to_the_game(images):
    seen = []

    class Progress(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(float(self.model.progress.value))

    gan = make_gan()
    gan.fit(images, batch_size=3, epochs=4, verbose=0, callbacks=[callbacks.Budget(epochs=4), Progress()])
    assert seen == [0.125, 0.375, 0.625, 0.875]  # when the last of each epoch's two steps began


def test_augmentation_adapts_to_the_real_logits():
    # D(x) = x on two real images of 0.5: certain of both, so the probability rises by 2 / 4.
    gan = GAN(zero_generator(), mean_critic(), augmentation=Augmentation((), 0.0, target=0.6, images_to_certainty=4))
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    gan.fit(np.full((2, 1, 1, 1), 0.5, "float32"), batch_size=2, verbose=0)
    np.testing.assert_allclose(float(gan.augmentation.current_probability), 0.5)


def test_parts_that_do_not_fit_are_refused():
    schema = make_conditions()
    generator = networks.mlp.generator(IMAGE_SHAPE, LATENT_DIM, schema.width)
    plain = networks.mlp.generator(IMAGE_SHAPE, LATENT_DIM)
    discriminator = networks.mlp.discriminator(IMAGE_SHAPE)
    cases = [
        (
            (generator, discriminator),
            {"conditions": schema},
            r"expected a discriminator that takes conditions \(9,\) beside the images, received one that takes nothing",
        ),
        (
            (plain, discriminator),
            {"conditions": schema},
            r"generator that takes conditions \(9,\), received one that takes \(4,\): build it with condition_width=9",
        ),
        (
            (generator, discriminator),
            {},
            r"expected a generator that takes latents \(4,\), received one that takes \(4,\), \(9,\)",
        ),
        ((plain, discriminator), {"pack_size": 2}, r"in packs of 2, \(8, 12, 6\), received \(8, 12, 3\)"),
        ((plain, discriminator), {"pack_size": 0}, "expected a pack_size of at least 1"),
        ((plain, discriminator), {"discriminator_steps": 0}, "expected discriminator_steps of at least 1"),
        ((plain, discriminator), {"ema_decay": 1.0}, "expected an ema_decay between 0 and 1 or None"),
    ]
    for parts, arguments, message in cases:
        with pytest.raises(ValueError, match=message):
            GAN(*parts, **arguments)


@pytest.mark.parametrize(
    ("num_values", "shape"),
    [(3, (10 * 9 + 1, 3 * 13 + 1)), (16, (2 * 9 + 1, 16 * 13 + 1)), (17, (6 * 9 + 1, 6 * 13 + 1))],
)
def test_a_picture_has_a_column_for_each_value_if_there_are_few(num_values, shape):
    conditions = Conditions([Categorical("kind", [str(number) for number in range(num_values)])])
    gan = GAN(
        networks.mlp.generator(IMAGE_SHAPE, LATENT_DIM, num_values, widths=(16,)),
        networks.mlp.discriminator(IMAGE_SHAPE, num_values, widths=(16,)),
        conditions=conditions,
    )
    assert gan.grid_attribute == ("kind" if num_values < 17 else None)
    assert gan.picture(num=35, seed=1).shape == (*shape, 3)
