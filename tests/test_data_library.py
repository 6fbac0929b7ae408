"""The catalog of data sets, and the checks that every data set passes."""

import numpy as np
import pytest
from sklearn import datasets as sklearn_datasets

from tinygrad_edu.data import DATASETS, Dataset, TableEncoding, digits, load
from tinygrad_edu.errors import DataError, OptionError

# ------------------------------------------------------------------------------------------ catalog


@pytest.mark.parametrize("name", DATASETS)
def test_an_entry_says_what_loading_returns(name):
    entry, data = DATASETS[name], load(name)
    assert data.name == name
    assert data.task == entry.task
    assert (data.n_examples, data.n_features) == (entry.n_examples, entry.n_features)
    assert data.X.dtype == np.float32
    assert data.X.flags.c_contiguous
    assert data.y.dtype == (np.int64 if data.task == "classification" else np.float32)
    assert len(set(data.feature_names)) == data.n_features


@pytest.mark.parametrize("name", ["breast_cancer", "digits", "iris", "wine"])
def test_values_and_classes_are_the_originals(name):
    original, data = getattr(sklearn_datasets, f"load_{name}")(), load(name)
    np.testing.assert_array_equal(data.X, original.data.astype(np.float32))
    np.testing.assert_array_equal(data.y, original.target)
    assert data.class_names == tuple(str(label) for label in original.target_names)


def test_diabetes_is_not_scaled():
    ages = load("diabetes").X[:, 0]
    assert (ages.min(), ages.max()) == (19, 79)


def test_digits_are_named_by_their_pixels():
    assert digits().feature_names[:9] == (*(f"pixel_0_{column}" for column in range(8)), "pixel_1_0")


def test_names_are_in_the_order_of_the_alphabet():
    assert list(DATASETS) == sorted(DATASETS)


def test_generated_data_is_drawn_by_the_generator_given():
    first, again, other = (load("moons", rng=np.random.default_rng(seed)).X for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", ["table.csv", "table"])
def test_what_is_no_name_may_be_a_file(name, tmp_path, monkeypatch):
    (tmp_path / name).write_text("a,b\n1,yes\n2,no\n3,no\n")
    monkeypatch.chdir(tmp_path)
    assert load(name).class_names == ("no", "yes")
    assert load(tmp_path / name, target="a", task="regression").n_outputs == 1


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: load("digts"), DataError, "There is no data set 'digts'.*Did you mean 'digits'"),
        (lambda: load("no/such.csv"), DataError, "no file 'no/such.csv'.*folder 'no' does not exist"),
        (lambda: load("iris", target="species"), OptionError, "'iris' has its own target"),
        (lambda: load("iris", task="regression"), OptionError, "'iris' is for classification"),
    ],
)
def test_what_cannot_be_loaded_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


# ------------------------------------------------------------------------------------------ Dataset


def test_names_are_made_up_where_none_are_given():
    data = Dataset("toy", [[1, 2], [3, 4], [5, 6]], [0, 1, 2], "classification")
    assert data.feature_names == ("x1", "x2")
    assert data.class_names == ("0", "1", "2")
    assert repr(data) == ("Dataset('toy': 3 examples × 2 features, classification of 'target' into 3 classes: 0, 1, 2)")


def test_every_dataset_can_encode_tables_by_its_feature_names(tmp_path):
    iris = load("iris")
    table = tmp_path / "new.csv"
    header = ",".join(reversed(iris.feature_names))
    np.savetxt(table, iris.X[:, ::-1], delimiter=",", header=header, comments="", fmt="%.9g")
    np.testing.assert_array_equal(iris.encoding.encode(table), iris.X)
    assert TableEncoding.from_json(iris.encoding.to_json()) == iris.encoding


GOOD_X = [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
BAD = {
    "one axis": ([1.0, 2.0], [0, 1], "classification", r"shape \(examples, features\).*X\.reshape\(-1, 1\)"),
    "no rows": (np.zeros((0, 2)), [], "classification", "has no examples"),
    "no columns": (np.zeros((3, 0)), [0, 1, 1], "classification", "has no features"),
    "text": ([["a", "b"]] * 3, [0, 1, 1], "classification", "X of 'bad' holds something else than numbers"),
    "ragged": ([[1.0], [2.0, 3.0]], [0, 1], "classification", "rows of different lengths"),
    "NaN": ([[0, 1], [np.nan, 2], [3, np.inf]], [0, 1, 1], "classification", r"2 values.*x1, x2; rows 1, 2 "),
    "too large": (
        [[0, 1], [1, 1e300], [3, 4]],
        [0, 1, 1],
        "classification",
        r"too large for float32.*x2; rows 1 ",
    ),
    "lengths": (GOOD_X, [0, 1], "classification", "3 rows in X and 2 in y"),
    "a column": (GOOD_X, [[0], [1], [1]], "classification", r"Flatten it with y\.reshape\(-1\)"),
    "labels": (GOOD_X, ["a", "b", "b"], "classification", "return_inverse=True"),
    "negative": (GOOD_X, [-1, 1, 1], "classification", "indices 0, 1"),
    "one class": (GOOD_X, [1, 1, 1], "classification", "'1' in every row"),
    "few rows": (GOOD_X, [0, 1, 5], "classification", r"fewer rows \(3\) than classes \(6\)"),
    "constant": (GOOD_X, [2.5, 2.5, 2.5], "regression", r"is 2\.5 in every row"),
    "NaN target": (GOOD_X, [0.0, np.nan, 1.0], "regression", "y of 'bad' has 1 value missing.*rows 1 "),
    "text target": (GOOD_X, ["a", "b", "c"], "regression", "y of 'bad' holds something else"),
    "task": (GOOD_X, [0, 1, 1], "clustering", "not 'clustering'"),
}


@pytest.mark.parametrize(("X", "y", "task", "words"), BAD.values(), ids=BAD)
def test_what_cannot_be_trained_on_is_refused(X, y, task, words):
    with pytest.raises(DataError, match=words):
        Dataset("bad", X, y, task)


def test_names_must_fit():
    with pytest.raises(DataError, match="2 features and 1 feature names"):
        Dataset("bad", GOOD_X, [0, 1, 1], "classification", feature_names=("a",))
    with pytest.raises(DataError, match="class 2, and 2 class names"):
        Dataset("bad", GOOD_X, [0, 1, 2], "classification", class_names=("a", "b"))
