"""Generated data sets: what shape they have, that the seed fixes them, and that they can be learned."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier

from tinygrad_edu.data import DATASETS, blobs, circles, moons, sine, spirals, split, xor
from tinygrad_edu.errors import OptionError

CLASSIFICATION = [blobs, circles, moons, spirals, xor]
ALL = [*CLASSIFICATION, sine]


@pytest.mark.parametrize("make", CLASSIFICATION)
def test_points_of_the_plane_in_classes_of_equal_size(make):
    data = make(60)
    assert data.X.shape == (60, 2)
    assert (data.X.dtype, data.y.dtype) == (np.float32, np.int64)
    assert data.task == "classification"
    assert data.feature_names == ("x1", "x2")
    assert set(np.bincount(data.y)) == {60 // data.n_outputs}


def test_the_sine_is_a_regression_with_the_noise_on_y_alone():
    data = sine(500, noise=0.1, rng=np.random.default_rng(1))
    assert (data.task, data.n_outputs, data.X.shape, data.y.dtype) == ("regression", 1, (500, 1), np.float32)
    noise = data.y - np.sin(data.X[:, 0])
    # The standard deviation of 500 draws is known to 1/sqrt(1000), 3 %; four of these.
    assert noise.std() == pytest.approx(0.1, rel=0.13)


@pytest.mark.parametrize("make", ALL)
def test_the_seed_fixes_the_data_and_zero_is_the_default(make):
    default, zero, one = (
        make(50),
        make(50, rng=np.random.default_rng(0)),
        make(50, rng=np.random.default_rng(1)),
    )
    np.testing.assert_array_equal(default.X, zero.X)
    np.testing.assert_array_equal(default.y, zero.y)
    assert not np.array_equal(zero.X, one.X)


@pytest.mark.parametrize(
    ("make", "line", "neighbours"),
    [
        (blobs, (0.98, 1.0), 0.98),
        (moons, (0.8, 0.95), 0.99),
        (circles, (0.3, 0.7), 0.99),
        (xor, (0.3, 0.7), 0.95),
        (spirals, (0.3, 0.75), 0.99),
    ],
)
def test_a_line_separates_the_blobs_only_and_neighbours_separate_all(make, line, neighbours):
    data = make()
    X_train, X_test, y_train, y_test = split(data.X, data.y, rng=np.random.default_rng(0))
    low, high = line
    assert low <= RidgeClassifier().fit(X_train, y_train).score(X_test, y_test) <= high
    assert KNeighborsClassifier(5).fit(X_train, y_train).score(X_test, y_test) >= neighbours


def test_without_noise_the_shapes_are_exact():
    radius = np.hypot(*circles(100, noise=0).X.T)
    np.testing.assert_allclose(radius[::2], 1, rtol=1e-6)  # float32 holds 7 digits
    np.testing.assert_allclose(radius[1::2], 0.5, rtol=1e-6)
    assert len(np.unique(blobs(30, noise=0).X.round(4), axis=0)) == 3
    X = spirals(200, noise=0, turns=1, arms=2).X
    assert np.hypot(*X.T).min() >= 0.1 - 1e-6
    assert np.hypot(*X.T).max() <= 1 + 1e-6


def test_arms_and_clouds_are_classes():
    assert spirals(100, arms=5).n_outputs == 5
    assert blobs(100, classes=4).n_outputs == 4


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: moons(1), "n=1 is no whole number of at least 2"),
        (lambda: moons(10.0), r"n=10\.0 is no whole number"),
        (lambda: blobs(4, classes=5), "n=4 is no whole number of at least 5"),
        (lambda: blobs(classes=1), r"classes=1 .* Pass classes=2"),
        (lambda: spirals(arms=True), "arms=True"),
        (lambda: spirals(turns=0), "turns=0 is not above 0"),
        (lambda: xor(noise=-0.1), r"noise=-0\.1"),
        (lambda: circles(noise=np.nan), "noise=nan"),
        (lambda: sine(rng=3), r"rng=3 .* Pass rng=np\.random\.default_rng\(0\)"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, words):
    with pytest.raises(OptionError, match=words):
        call()


def test_every_generator_is_in_the_catalog():
    assert {entry.make for entry in DATASETS.values() if entry.is_generated} == set(ALL)
