"""Metrics are scikit-learn's, without the silent broadcast of (n, 1) against (n,)."""

import numpy as np
import pytest
from sklearn import metrics as reference

from tinygrad_edu import metrics
from tinygrad_edu.errors import DataError, OptionError, ShapeError

# Two sums of the same terms in another order differ by a few units in the last place.
CLOSE = {"rel": 1e-13, "abs": 1e-15}

LABELS = {
    "two classes": (
        np.random.default_rng(0).integers(0, 2, 100),
        np.random.default_rng(1).integers(0, 2, 100),
    ),
    "five classes": (
        np.random.default_rng(2).integers(0, 5, 100),
        np.random.default_rng(3).integers(0, 5, 100),
    ),
    "text": (np.array(["cat", "dog", "cat"]), np.array(["cat", "cat", "owl"])),
    "all right": (np.array([0, 1, 1]), np.array([0, 1, 1])),
    "all wrong": (np.array([0, 1, 1]), np.array([1, 0, 0])),
    "lists": ([3, 1, 2], [3, 2, 1]),
}
NUMBERS = {
    "vector": (np.random.default_rng(0).normal(size=50), np.random.default_rng(1).normal(size=50)),
    "float32": (np.arange(9, dtype=np.float32), np.arange(9, dtype=np.float32)[::-1] / 3),
    "several outputs": (
        np.random.default_rng(2).normal(size=(50, 3)),
        np.random.default_rng(3).normal(size=(50, 3)),
    ),
    "whole numbers": ([1, 2, 3], [1, 2, 5]),
    "constant and missed": ([2.0, 2.0], [2.0, 3.0]),
    "constant and hit": ([2.0, 2.0], [2.0, 2.0]),
}


@pytest.mark.parametrize(("y_true", "y_pred"), LABELS.values(), ids=LABELS)
def test_classification_metrics_are_scikit_learns(y_true, y_pred):
    assert metrics.accuracy(y_true, y_pred) == pytest.approx(reference.accuracy_score(y_true, y_pred), **CLOSE)
    np.testing.assert_array_equal(metrics.confusion_matrix(y_true, y_pred), reference.confusion_matrix(y_true, y_pred))
    for average in ("macro", "micro"):
        expected = reference.f1_score(y_true, y_pred, average=average, zero_division=0)
        assert metrics.f1_score(y_true, y_pred, average=average) == pytest.approx(expected, **CLOSE)


@pytest.mark.parametrize("name", ["two classes", "all right", "all wrong"])
def test_the_binary_f1_score_is_that_of_the_label_one(name):
    y_true, y_pred = LABELS[name]
    assert metrics.f1_score(y_true, y_pred) == pytest.approx(reference.f1_score(y_true, y_pred), **CLOSE)


def test_the_binary_f1_score_without_the_label_one_is_zero():
    assert metrics.f1_score([0, 0], [0, 0]) == 0.0


@pytest.mark.parametrize("name", ["mean_squared_error", "root_mean_squared_error", "mean_absolute_error", "r2_score"])
@pytest.mark.parametrize(("y_true", "y_pred"), NUMBERS.values(), ids=NUMBERS)
def test_regression_metrics_are_scikit_learns(name, y_true, y_pred):
    ours = getattr(metrics, name)(y_true, y_pred)
    assert type(ours) is float
    # float32 is summed in float64 here and in float32 there.
    close = {"rel": 1e-6} if getattr(y_true, "dtype", None) == np.float32 else CLOSE
    assert ours == pytest.approx(getattr(reference, name)(y_true, y_pred), **close)


@pytest.mark.parametrize("name", [name for name in metrics.__all__ if name != "f1_score"])
@pytest.mark.parametrize(
    ("y_true", "y_pred", "error", "words"),
    [
        (
            np.zeros(3),
            np.zeros((3, 1)),
            ShapeError,
            r"Flatten the column: y_pred\.reshape\(-1\), or y_pred\.squeeze\(1\)",
        ),
        (np.zeros((3, 1)), np.zeros(3), ShapeError, r"y_true\.reshape\(-1\)"),
        (np.zeros(3), np.zeros((3, 10)), ShapeError, r"y_pred\.argmax\(axis=1\)"),
        (np.zeros(3), np.zeros(4), ShapeError, r"\(3,\) and y_pred \(4,\)\. Pass one prediction for each"),
        ([], [], DataError, "no predictions to score"),
        (1, 1, ShapeError, "single values"),
    ],
)
def test_shapes_that_do_not_match_are_refused(name, y_true, y_pred, error, words):
    with pytest.raises(error, match=words):
        getattr(metrics, name)(y_true, y_pred)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: metrics.accuracy(np.zeros((2, 1)), np.zeros((2, 1))),
            ShapeError,
            r"Flatten .*\.reshape\(-1\)",
        ),
        (lambda: metrics.f1_score([0, 1, 2], [0, 1, 1]), OptionError, "Pass average='macro'"),
        (lambda: metrics.f1_score([0, 1], [0, 1], average="weighted"), OptionError, "'weighted' is unknown"),
        (lambda: metrics.r2_score([1.0], [1.0]), DataError, "at least two examples"),
        (lambda: metrics.accuracy([0.0, np.nan], [0, 1]), DataError, "y_true holds NaN at index 1"),
        (lambda: metrics.confusion_matrix([0, 1], [np.nan, np.nan]), DataError, "y_pred holds NaN at index 0"),
    ],
)
def test_what_cannot_be_scored_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
