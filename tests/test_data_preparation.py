"""Splitting keeps every example and every class; scaling uses the training part's statistics alone."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tinygrad_edu.data import Standardizer, split, standardize
from tinygrad_edu.errors import DataError, OptionError, ShapeError


def rng(seed=0):
    return np.random.default_rng(seed)


# ------------------------------------------------------------------------------------------ split


@given(
    st.lists(st.integers(0, 4), min_size=2, max_size=60),
    st.floats(0.01, 0.99),
    st.booleans(),
    st.integers(0, 9),
)
def test_every_example_is_in_one_part_with_its_target(labels, fraction, stratify, seed):
    y = np.array(labels)
    X = np.arange(len(y))
    X_train, X_test, y_train, y_test = split(X, y, test_fraction=fraction, rng=rng(seed), stratify=stratify)
    assert sorted([*X_train, *X_test]) == X.tolist()
    assert np.array_equal(y_train, y[X_train])
    assert np.array_equal(y_test, y[X_test])
    assert len(X_train) > 0
    assert len(X_test) > 0


@given(st.lists(st.integers(0, 4), min_size=2, max_size=60), st.floats(0.01, 0.99))
def test_a_class_of_two_or_more_is_in_both_parts(labels, fraction):
    y = np.array(labels)
    _, _, y_train, y_test = split(y, y, test_fraction=fraction, rng=rng())
    repeated = {label for label in labels if labels.count(label) > 1}
    assert repeated <= set(y_train.tolist())
    assert repeated <= set(y_test.tolist())


@given(st.lists(st.integers(10, 50), min_size=2, max_size=5), st.floats(0.1, 0.9))
def test_classes_keep_their_proportions_to_one_example(counts, fraction):
    y = np.repeat(np.arange(len(counts)), counts)
    _, _, _, y_test = split(y, y, test_fraction=fraction, rng=rng())
    assert len(y_test) == round(len(y) * fraction)
    assert np.all(np.abs(np.bincount(y_test, minlength=len(counts)) - np.array(counts) * fraction) < 1)


def test_the_seed_fixes_the_split():
    y = np.arange(50) % 3
    first, again, other = (split(np.arange(50), y, rng=rng(seed))[1].tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_parts_come_in_random_order():
    X_train, X_test, _, _ = split(np.arange(100), np.repeat([0, 1], 50), rng=rng())
    assert sorted(X_train) != X_train.tolist()
    assert sorted(X_test) != X_test.tolist()


@pytest.mark.parametrize(
    "y",
    [
        np.linspace(0, 1, 20),
        np.arange(20),
        np.repeat([0, 1], [19, 1]),
        np.zeros((20, 3)),
        np.repeat(["a", "b"], 10),
    ],
    ids=["numbers", "all different", "a class of one", "several outputs", "text"],
)
def test_any_target_can_be_split(y):
    _, _, y_train, y_test = split(np.zeros((20, 2)), y, test_fraction=0.2, rng=rng())
    assert (len(y_train), len(y_test)) == (16, 4)


def test_a_class_of_one_is_for_training():
    _, _, y_train, _ = split(np.zeros(20), np.repeat([0, 1], [19, 1]), rng=rng())
    assert 1 in y_train


def test_the_test_part_grows_where_every_class_needs_an_example():
    y = np.repeat(np.arange(10), 2)
    _, _, _, y_test = split(y, y, test_fraction=0.1, rng=rng())
    assert sorted(y_test.tolist()) == list(range(10))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: split([1.0, 2.0], [0, 1], test_fraction=0, rng=rng()),
            OptionError,
            "test_fraction=0 is not above 0",
        ),
        (lambda: split([1.0, 2.0], [0, 1], test_fraction=1.0, rng=rng()), OptionError, "below 1"),
        (lambda: split([1.0, 2.0], [0, 1], test_fraction=True, rng=rng()), OptionError, "test_fraction=True"),
        (lambda: split([1.0, 2.0], [0, 1], rng=7), OptionError, r"not rng=7\. Pass rng=np\.random"),
        (lambda: split([1.0, 2.0], [0], rng=rng()), ShapeError, "X has 2 examples and y has 1"),
        (lambda: split([1.0], [0], rng=rng()), DataError, "at least two examples, not 1"),
    ],
)
def test_what_cannot_be_split_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


# ------------------------------------------------------------------------------------------ scale


def test_the_training_part_gets_mean_zero_and_deviation_one():
    X = rng().normal(50, 7, (200, 3))
    scaled = standardize(X)
    # The mean of 200 terms of size 1 rounds to a few times 1e-16.
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(scaled.std(axis=0), 1, rtol=1e-14)


def test_other_parts_are_scaled_by_the_statistics_of_the_first():
    train, test, last = standardize(np.array([[1.0], [3.0]]), np.array([[5.0]]), np.array([[2.0]]))
    assert (train.tolist(), test.tolist(), last.tolist()) == ([[-1.0], [1.0]], [[3.0]], [[0.0]])


@pytest.mark.parametrize("shape", [(40,), (40, 1), (40, 3), (40, 1, 5, 5)])
def test_inverse_transform_undoes_transform(shape):
    X = rng().normal(3, 2, shape)
    standardizer = Standardizer.fit(X)
    # Two roundings each way, of values up to 10.
    np.testing.assert_allclose(standardizer.inverse_transform(standardizer.transform(X)), X, atol=5e-15)


@pytest.mark.parametrize(
    ("dtype", "result"), [(np.float32, np.float32), (np.float64, np.float64), (np.int64, np.float32)]
)
def test_float64_stays_and_all_else_becomes_float32(dtype, result):
    assert standardize(np.array([[1], [2]], dtype)).dtype == result


def test_statistics_of_float32_are_computed_in_float64():
    X = np.full((100_000, 1), 10_000.1, np.float32)
    X[::2] += 1
    standardizer = Standardizer.fit(X)
    assert standardizer.mean == pytest.approx(X.astype(np.float64).mean(), rel=1e-14)
    assert standardizer.scale == pytest.approx(0.5, rel=1e-3)


def test_a_constant_column_becomes_exact_zeros():
    X = np.column_stack([np.full(7, 0.1), np.arange(7)])
    assert Standardizer.fit(X).scale[0] == 1
    assert standardize(X)[:, 0].tolist() == [0.0] * 7


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: standardize(np.zeros((0, 2))), DataError, "at least one row"),
        (lambda: standardize([[1.0], [np.nan]]), DataError, "1 of the values to standardize"),
        (lambda: standardize([["a"], ["b"]]), DataError, "needs numbers"),
        (
            lambda: standardize(np.eye(2), np.eye(3)),
            ShapeError,
            r"rows of shape \(2,\), and these have \(3,\)",
        ),
        (lambda: standardize(np.eye(2), np.ones(2)), ShapeError, "same columns in the same order"),
    ],
)
def test_what_cannot_be_scaled_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
