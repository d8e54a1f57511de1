"""Claims about conditions: columns to rows and back, what may be requested, and what is drawn when nothing is."""

import json
import re

import keras
import numpy as np
import pytest

from keras_gen.data import ImageData, Split
from keras_gen.inputs import Categorical, Conditions, Continuous
from tests.contracts import array

SPECIES = Categorical("species", ["dwarf", "elf", "orc"])
HAT = Categorical("hat", ["no", "yes"])
AGE = Continuous("age", 0, 100, knots=5)  # knots at 0, 25, 50, 75, 100
SHIFT = Continuous("shift", -0.1, 0.3)
YEAR = Continuous("year", 1900, 2026, knots=2)

ATTRIBUTES = {
    "three classes": (SPECIES, [2, 0, 1, -1]),
    "binary": (HAT, [0, 1, -1, 1]),
    "number": (AGE, [0, 30, np.nan, 100]),
    "fraction": (SHIFT, [-0.1, np.nan, 0, 0.3]),
    "far from zero": (YEAR, [1900, 1969, 2026, np.nan]),
}


@pytest.fixture(params=ATTRIBUTES)
def attribute_and_column(request):
    attribute, column = ATTRIBUTES[request.param]
    return attribute, np.array(column, attribute.dtype)


def test_a_column_comes_back_from_its_rows(attribute_and_column):
    attribute, column = attribute_and_column
    rows = attribute.encode(column)
    assert (rows.dtype, rows.shape) == (np.float32, (4, attribute.width))
    decoded = attribute.decode(rows)
    assert decoded.dtype == attribute.dtype
    np.testing.assert_allclose(decoded, column, rtol=0, atol=1e-5)


def test_weights_sum_to_one_or_are_missing(attribute_and_column):
    attribute, column = attribute_and_column
    rows = attribute.encode(column)
    missing = np.isnan(column) if attribute.dtype == "float32" else column == -1
    assert rows.min() >= 0
    np.testing.assert_allclose(rows.sum(axis=1), np.where(missing, 0, 1), rtol=0, atol=1e-6)


def test_a_step_and_a_server_encode_as_the_data_do(attribute_and_column):
    attribute, column = attribute_and_column
    if attribute.dtype == "float32":
        column = np.append(column, [attribute.low - 3, attribute.high + 3]).astype("float32")
    np.testing.assert_allclose(array(attribute.to_tensor(column)), attribute.encode(column), rtol=0, atol=1e-5)


def test_a_sweep_shows_different_values_that_can_be_requested(attribute_and_column):
    attribute, _ = attribute_and_column
    for num in (1, 2):
        column = attribute.sweep(num)
        assert len(np.unique(column)) == len(column) == num
        np.testing.assert_allclose(attribute.decode(attribute.encode(column)), column, rtol=0, atol=1e-5)


def test_draws_are_spread_over_all_values(attribute_and_column):
    attribute, _ = attribute_and_column
    rows = attribute.encode(attribute.draw(3000, np.random.default_rng(0)))
    # All values are equally likely: an inner hat function has twice the area of one at an end, and so twice the weight.
    expected = np.ones(attribute.width)
    if isinstance(attribute, Continuous):
        expected[[0, -1]] = 0.5
    np.testing.assert_allclose(rows.mean(axis=0), expected / expected.sum(), atol=0.03)


def test_hat_functions_by_hand():
    # 30 lies a fifth of the way from the knot at 25 to that at 50; 101 and −7 are clipped to the ends.
    expected = [[0, 0.8, 0.2, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    np.testing.assert_allclose(AGE.encode([30, 100, 101, -7, np.nan]), expected, atol=1e-7)


def test_a_linear_layer_on_rows_is_piecewise_linear_in_a_number():
    weights = np.array([3.0, -1.0, 4.0, 1.0, -5.0])
    ages = np.linspace(0, 100, 41)
    expected = np.interp(ages, [0, 25, 50, 75, 100], weights)
    np.testing.assert_allclose(AGE.encode(ages) @ weights, expected, atol=1e-5)


def test_soft_rows_decode_to_the_nearest_meaning():
    assert SPECIES.decode([[0.2, 0.5, 0.3], [0, 0, 0]]).tolist() == [1, -1]
    assert AGE.decode([[0, 0.5, 0.25, 0.25, 0]]) == 43.75  # 12.5 + 12.5 + 18.75


def test_sweeps_by_hand():
    many = Categorical("digit", [str(digit) for digit in range(10)])
    assert many.sweep(4).tolist() == [0, 3, 6, 9]
    assert SPECIES.sweep(7).tolist() == [0, 1, 2]
    assert AGE.sweep(3).tolist() == [0, 50, 100]
    assert [AGE.text(value) for value in AGE.sweep(3)] == ["0", "50", "100"]
    assert [SPECIES.parse(SPECIES.text(value)) for value in SPECIES.sweep(7)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("attribute", "value", "expected"),
    [
        (SPECIES, "elf", 1),
        (Categorical("label", ["7", "3"]), "3", 1),
        (Categorical("label", ["7", "3"]), 3, 1),
        (Categorical("label", ["7", "3"]), np.float32(3), 1),
        (Categorical("smile", ["0", "1"]), 1.0, 1),
        (AGE, "30", 30.0),
        (AGE, 0, 0.0),
        (AGE, "1e2", 100.0),
    ],
)
def test_values_are_requested_by_their_text(attribute, value, expected):
    assert attribute.parse(value) == expected


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        (SPECIES, "Elf", "unknown species 'Elf': expected one of dwarf, elf, orc"),
        (SPECIES, 1, "unknown species '1'"),
        (SPECIES, "el", "unknown species 'el'"),
        (AGE, "old", "expected age: 0 to 100, received 'old'"),
        (AGE, 100.5, "age: 0 to 100, received 100.5"),
        (AGE, "nan", "age: 0 to 100, received 'nan'"),
    ],
)
def test_what_cannot_be_requested(attribute, value, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        attribute.parse(value)


def test_long_lists_of_values_are_cut():
    many = Categorical("face", [f"f{index}" for index in range(21)])
    assert many.describe() == "face: 21 values, f0, f1, f2, …"
    with pytest.raises(ValueError, match=r"f18, f19, …$"):
        many.parse("x")
    assert HAT.describe() == "hat: 2 values, no, yes"
    assert SHIFT.describe() == "shift: -0.1 to 0.3"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Categorical("a=b", ["x", "y"]), "can stand in name=value, received 'a=b'"),
        (lambda: Continuous("-x", 0, 1), "received '-x'"),
        (lambda: Continuous(" x", 0, 1), "received ' x'"),
        (lambda: Categorical("", ["x", "y"]), "received ''"),
        (lambda: Categorical("hat", ["yes"]), "at least two different values for the attribute hat"),
        (lambda: Categorical("hat", ["yes", "yes"]), "at least two different values"),
        (lambda: Continuous("age", 1, 1), "expected low < high"),
        (lambda: Continuous("age", 0, float("inf")), "expected low < high"),
        (lambda: Continuous("age", 0, 1, knots=1), "at least 2 knots"),
        (lambda: HAT.encode([0, 2]), r"ints from -1 \(missing\) to 1 as a column of hat, received int64 such as 0, 2"),
        (lambda: HAT.encode([-2, 0]), "ints from -1"),
        (lambda: HAT.encode([0.0, 1.0]), "received float64"),
        (lambda: Conditions([]), "at least one attribute"),
        (lambda: Conditions([HAT, HAT]), "its own name, received hat, hat"),
        (lambda: Conditions([HAT], {"age": [1]}), r"columns of one length for hat, received age \(1\)"),
        (lambda: Conditions([HAT, AGE], {"age": [1], "hat": [0, 1]}), r"received age \(1\), hat \(2\)"),
        (lambda: Conditions([HAT]).decode(np.zeros((2, 3))), r"shape \(n, 2\), received \(2, 3\)"),
        (lambda: Conditions([HAT, AGE]).parse({"hut": 1}), "unknown attribute 'hut': expected one of hat, age"),
        (lambda: Conditions([HAT]).rows(0, seed=0), "at least 1 row, received 0"),
        (lambda: Conditions([HAT]).of_split(Split(np.zeros((2, 8, 12, 3)))), "split with hat, received images alone"),
    ],
)
def test_errors_say_what_was_expected(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def examples(num=500):
    """Elves wear no hats, and every age follows from the species."""
    species = np.random.default_rng(1).integers(-1, 2, num)
    return {
        "species": species,
        "hat": np.where(species == 1, 0, 1),
        "age": np.where(species == -1, np.nan, species * 60),
    }


@pytest.fixture
def conditions():
    return Conditions([SPECIES, HAT, AGE], examples())


def test_blocks_are_in_the_order_of_the_attributes(conditions):
    rows = conditions.encode({"age": [75, np.nan], "hat": [1, -1], "species": [0, 2]})
    assert rows.tolist() == [[1, 0, 0, 0, 1, 0, 0, 0, 1, 0], [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]]
    assert (conditions.names, conditions.width) == (["species", "hat", "age"], 10)
    columns = {name: column.tolist() for name, column in conditions.decode(rows).items()}
    np.testing.assert_equal(columns, {"species": [0, 2], "hat": [1, -1], "age": [75, np.nan]})


def test_a_schema_survives_json(conditions):
    text = json.dumps(keras.saving.serialize_keras_object(conditions), allow_nan=False)
    back = keras.saving.deserialize_keras_object(json.loads(text))
    assert back.attributes == conditions.attributes
    assert [column.dtype for column in back.examples.values()] == [np.int64, np.int64, np.float32]
    np.testing.assert_equal(back.examples, conditions.examples)
    np.testing.assert_array_equal(back.rows(9, seed=3), conditions.rows(9, seed=3))
    without = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(Conditions([AGE])))
    assert without.examples is None


def test_rows_are_drawn_as_whole_examples(conditions):
    columns = conditions.decode(conditions.rows(900, seed=5))
    # A third of each value (−1, 0, 1), within three standard deviations: √(1/3 · 2/3 / 900) = 0.016.
    for species, hat, age in [(-1, 1, np.nan), (0, 1, 0), (1, 0, 60)]:
        chosen = columns["species"] == species
        assert abs(chosen.mean() - np.mean(conditions.examples["species"] == species)) < 0.05
        assert (columns["hat"][chosen] == hat).all()
        np.testing.assert_allclose(columns["age"][chosen], age, atol=1e-4)


def test_rows_are_a_function_of_the_seed(conditions):
    np.testing.assert_array_equal(conditions.rows(20, seed=5), conditions.rows(20, seed=5))
    assert (conditions.rows(20, seed=5) != conditions.rows(20, seed=6)).any()


def test_rows_are_as_requested_and_otherwise_like_the_examples_that_fit(conditions):
    columns = conditions.decode(conditions.rows(50, seed=5, where={"species": "elf", "age": "75"}))
    assert set(columns["species"]) == {1}
    assert set(columns["age"]) == {75}
    assert set(columns["hat"]) == {0}  # like all elves, though half of all examples wear one


def test_rows_that_no_example_fits_are_drawn_from_all(conditions):
    columns = conditions.decode(conditions.rows(50, seed=5, where={"species": "orc"}))
    assert set(columns["species"]) == {2}
    assert set(columns["hat"]) == {0, 1}
    columns = conditions.decode(conditions.rows(50, seed=5, where={"species": "elf", "hat": "yes"}))
    assert set(columns["hat"]) == {1}
    assert np.isnan(columns["age"]).any()


def test_without_examples_attributes_are_drawn_independently():
    conditions = Conditions([SPECIES, AGE])
    columns = conditions.decode(conditions.rows(600, seed=1, where={"age": 20}))
    np.testing.assert_allclose(columns["age"], 20, atol=1e-4)
    assert np.bincount(columns["species"]).min() > 150  # 200 each, standard deviation 11.5


def test_a_sweep_changes_one_attribute_and_nothing_else(conditions):
    rows, values = conditions.sweep("species", num=8, seed=5, where={"hat": "yes"})
    columns = conditions.decode(rows)
    assert values == ["dwarf", "elf", "orc"]
    assert columns["species"].tolist() == [0, 1, 2, 0, 1, 2]
    assert set(columns["hat"]) == {1}
    kept = conditions.decode(conditions.rows(2, seed=5, where={"hat": "yes"}))["age"]
    np.testing.assert_array_equal(columns["age"], np.repeat(kept, 3))
    rows, values = conditions.sweep("age", num=1, seed=5, most=5)
    assert conditions.decode(rows)["age"].tolist() == [0, 25, 50, 75, 100]
    assert values == ["0", "25", "50", "75", "100"]
    with pytest.raises(ValueError, match="expected age to run through its values or to be 30, received both"):
        conditions.sweep("age", num=1, seed=0, where={"age": 30})
    with pytest.raises(ValueError, match="unknown attribute 'hut'"):
        conditions.sweep("hut", num=1, seed=0)


def image_data(labels=None, class_names=None, columns=None, values=None, num=6):
    split = Split(np.zeros((num, 8, 12, 3), np.uint8), labels, columns or {})
    return ImageData("tiny", split, split, class_names, values or {})


COLUMNS = {
    "species": np.array([0, 1, 2, -1, 1, 0]),
    "one": np.array([0, 0, -1, 0, 0, 0]),
    "age": np.array([0.1, 7, np.nan, 3, 3, 5.7], np.float32),
    "smile": np.array([1, 0, 1, np.nan, 0, 0], np.float32),
    "same": np.full(6, 2, np.float32),
    "empty": np.full(6, np.nan, np.float32),
}
VALUES = {"species": ["dwarf", "elf", "orc"], "one": ["x"]}
LABELS = np.array([2, 0, 1, 1, 0, 2])


def test_classes_alone_are_the_default():
    data = image_data(LABELS, ["a", "b", "c"], COLUMNS, VALUES)
    conditions = Conditions.of(data)
    assert conditions.attributes == [Categorical("label", ["a", "b", "c"])]
    np.testing.assert_array_equal(conditions.of_split(data.test), np.eye(3)[LABELS])
    np.testing.assert_array_equal(conditions.examples["label"], LABELS)


@pytest.mark.parametrize("labels", [None, np.zeros(6, np.int64)])
def test_without_classes_every_attribute_with_two_values_is_taken(labels):
    data = image_data(labels, None if labels is None else ["a"], COLUMNS, VALUES)
    conditions = Conditions.of(data)
    assert conditions.attributes == [
        Categorical("species", ["dwarf", "elf", "orc"]),
        Continuous("age", 0.1, 7.0),
        Categorical("smile", ["0", "1"]),
    ]
    np.testing.assert_array_equal(conditions.columns(data.test)["smile"], [1, 0, 1, -1, 0, 0])
    assert conditions.parse({"smile": "1", "age": "0.1"}) == {"smile": 1, "age": 0.1}
    decoded = conditions.decode(conditions.of_split(data.train))
    np.testing.assert_array_equal(decoded["species"], COLUMNS["species"])
    np.testing.assert_allclose(decoded["age"], COLUMNS["age"], atol=1e-5)


def test_a_number_never_seen_in_training_is_missing():
    data = image_data(columns={"smile": COLUMNS["smile"]})
    other = Split(np.zeros((2, 8, 12, 3), np.uint8), attributes={"smile": np.array([0.5, 1], np.float32)})
    assert Conditions.of(data).of_split(other).tolist() == [[0, 0], [0, 1]]


def test_named_conditions_come_in_their_order():
    data = image_data(LABELS, ["a", "b", "c"], COLUMNS, VALUES)
    assert Conditions.of(data, ["age", "label"]).names == ["age", "label"]


def test_an_attribute_called_label_is_hidden_by_classes():
    columns = {"label": np.array([0, 1, 0, 1, 0, 1])}
    values = {"label": ["x", "y"]}
    both = image_data(LABELS, ["a", "b", "c"], columns, values)
    np.testing.assert_array_equal(Conditions.of(both, ["label"]).columns(both.train)["label"], LABELS)
    assert Conditions.of(image_data(np.zeros(6, np.int64), ["a"], columns, values)) is None
    alone = image_data(columns={"age": COLUMNS["age"], **columns}, values=values)
    assert Conditions.of(alone).names == ["label", "age"]
    np.testing.assert_array_equal(Conditions.of(alone).columns(alone.train)["label"], columns["label"])


def test_an_id_is_taken_by_name_only():
    column = {"id": np.arange(200), "hat": np.arange(200) % 2}
    values = {"id": [str(index) for index in range(200)], "hat": ["no", "yes"]}
    data = image_data(columns=column, values=values, num=200)
    assert Conditions.of(data).names == ["hat"]
    assert Conditions.of(data, ["id"]).width == 200


@pytest.mark.parametrize("name", ["a=b", "-a", " a", ""])
def test_what_cannot_be_requested_by_its_name_is_not_learned_unless_it_is_named(name):
    columns = {"hat": np.arange(10) % 2, name: np.arange(10) % 2}
    data = image_data(columns=columns, values={key: ["no", "yes"] for key in columns}, num=10)
    assert Conditions.of(data).names == ["hat"]
    with pytest.raises(ValueError, match="expected a name that can stand in name=value"):
        Conditions.of(data, [name])


@pytest.mark.parametrize("name", ["colour", "one", "same", "empty"])
def test_unknown_conditions_list_the_known_ones(name):
    data = image_data(LABELS, ["a", "b", "c"], COLUMNS, VALUES)
    known = (
        f"unknown condition '{name}': tiny has label: 3 values, a, b, c; species: 3 values, dwarf, elf, orc; "
        "age: 0.1 to 7; smile: 2 values, 0, 1"
    )
    with pytest.raises(ValueError, match=re.escape(known)):
        Conditions.of(data, ["age", name])


def test_nothing_to_condition_on():
    assert Conditions.of(image_data()) is None
    with pytest.raises(ValueError, match="unknown condition 'hat': tiny has nothing of two values or more"):
        Conditions.of(image_data(), ["hat"])


def test_a_large_set_keeps_a_sample_of_its_rows():
    column = np.arange(5000, dtype=np.float32)
    data = image_data(columns={"id": column, "half": column / 2}, num=5000)
    kept = Conditions.of(data).examples
    assert len(np.unique(kept["id"])) == 4096
    np.testing.assert_array_equal(kept["half"], kept["id"] / 2)
    np.testing.assert_array_equal(Conditions.of(data).examples["id"], kept["id"])
