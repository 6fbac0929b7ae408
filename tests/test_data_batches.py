"""Batches deal out every example exactly once an epoch, as the three ways of gradient descent need it."""

import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tinygrad_edu.data import batches
from tinygrad_edu.errors import DataError, OptionError, ShapeError


@st.composite
def sizes(draw):
    n = draw(st.integers(1, 40))
    return n, draw(st.none() | st.integers(1, n))


def examples(n):
    """Rows that tell which example they are, in X and in y."""
    return np.column_stack([np.arange(n), -np.arange(n)]).astype(np.float32), np.arange(n)


def order(epoch):
    return np.concatenate([yb for _, yb in epoch]).tolist()


# ------------------------------------------------------------------------------------------ epochs


@given(sizes(), st.booleans(), st.integers(0, 99))
def test_every_example_comes_exactly_once_an_epoch_with_its_target(size, shuffle, seed):
    n, batch_size = size
    X, y = examples(n)
    epoch = batches(X, y, batch_size, shuffle=shuffle, rng=np.random.default_rng(seed))
    for _ in range(2):
        seen = list(epoch)
        assert sorted(order(seen)) == list(range(n))
        assert all(np.array_equal(xb, X[yb]) for xb, yb in seen)


@given(sizes(), st.booleans())
def test_only_the_last_batch_is_shorter(size, shuffle):
    n, batch_size = size
    epoch = batches(*examples(n), batch_size, shuffle=shuffle, rng=np.random.default_rng(0))
    *full, last = [len(yb) for _, yb in epoch]
    assert len(epoch) == len(full) + 1
    assert set(full) <= {batch_size}
    assert last == n - sum(full) <= (batch_size or n)


@given(sizes(), st.integers(0, 5))
def test_an_epoch_that_is_broken_off_leaves_nothing_behind(size, steps):
    n, batch_size = size
    epoch = batches(*examples(n), batch_size, shuffle=True, rng=np.random.default_rng(0))
    list(itertools.islice(epoch, steps))
    assert sorted(order(epoch)) == list(range(n))


def test_two_loops_over_one_object_do_not_disturb_each_other():
    epoch = batches(*examples(6), 2, shuffle=True, rng=np.random.default_rng(0))
    pairs = list(itertools.product(epoch, epoch))
    assert len(pairs) == 9
    assert sorted(order(inner for _, inner in pairs[:3])) == list(range(6))


# ------------------------------------------------------------------------------------------ order


def test_without_shuffling_the_order_is_that_of_the_data():
    assert order(batches(*examples(7), 3)) == list(range(7))


def test_shuffling_moves_examples_between_batches_and_not_just_the_batches():
    epoch = batches(*examples(12), 4, shuffle=True, rng=np.random.default_rng(0))
    blocks = {frozenset(range(start, start + 4)) for start in (0, 4, 8)}
    assert any({frozenset(yb.tolist()) for _, yb in epoch} != blocks for _ in range(3))


def test_every_epoch_has_another_order_and_the_seed_fixes_them_all():
    first, second = (batches(*examples(20), 6, shuffle=True, rng=np.random.default_rng(5)) for _ in range(2))
    epochs = [order(first) for _ in range(3)]
    assert len({tuple(epoch) for epoch in epochs}) == 3
    assert epochs == [order(second) for _ in range(3)]


@pytest.mark.parametrize("batch_size", [None, 9])
def test_a_single_batch_is_the_data_itself_and_draws_nothing(batch_size):
    X, y = examples(9)
    rng, untouched = np.random.default_rng(0), np.random.default_rng(0)
    [(xb, yb)] = batches(X, y, batch_size, shuffle=True, rng=rng)
    assert xb is X
    assert yb is y
    assert rng.random() == untouched.random()


def test_batches_are_views_so_that_single_examples_are_cheap():
    X, y = examples(5)
    assert all(np.shares_memory(xb, X) for xb, _ in batches(X, y, 1))


# ------------------------------------------------------------------------------------------ values


def test_without_a_target_the_batches_are_features_alone():
    assert [xb.tolist() for xb in batches([1.0, 2.0, 3.0], batch_size=2)] == [[1.0, 2.0], [3.0]]
    assert [xb.tolist() for xb in batches([1.0, 2.0, 3.0])] == [[1.0, 2.0, 3.0]]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([[1.0], [2.0]], np.float32),
        ([[1], [2]], np.int64),
        (np.zeros((2, 1)), np.float64),
        (np.zeros((2, 1), np.float16), np.float16),
    ],
)
def test_lists_of_floats_become_float32_and_arrays_keep_their_dtype(values, dtype):
    [xb] = batches(values)
    assert xb.dtype == dtype


def test_examples_may_have_any_shape():
    assert [xb.shape for xb in batches(np.zeros((5, 1, 8, 8)), batch_size=2)] == [
        (2, 1, 8, 8),
        (2, 1, 8, 8),
        (1, 1, 8, 8),
    ]


def test_the_text_of_an_object_says_what_it_deals():
    epoch = batches(*examples(5), 2, shuffle=True, rng=np.random.default_rng(0))
    assert repr(epoch) == "Batches(5 examples in 3 batches of 2, shuffled every epoch)"


# ------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize("batch_size", [0, -3, 2.0, 0.5, "2", True, np.True_, [2]])
def test_a_batch_size_is_a_whole_number_of_at_least_one(batch_size):
    with pytest.raises(OptionError, match=r"no whole number of at least 1\. Pass 1 for stochastic"):
        batches(*examples(5), batch_size)


def test_numpy_integers_are_batch_sizes():
    assert len(batches(*examples(5), np.int32(2))) == 3


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: batches(*examples(5), 6),
            OptionError,
            r"batch_size=6 is larger than the data: 5 .* Pass at most 5",
        ),
        (lambda: batches(*examples(5), 2, shuffle=True), OptionError, r"rng=np\.random\.default_rng\(0\)"),
        (lambda: batches(*examples(5), 2, shuffle=True, rng=0), OptionError, r"not rng=0"),
        (lambda: batches(np.zeros((5, 2)), np.zeros(4)), ShapeError, r"X has 5 examples and y has 4"),
        (lambda: batches([[1.0], [2.0, 3.0]]), ShapeError, r"X has rows of different lengths"),
        (lambda: batches(3.0), ShapeError, r"X needs an axis"),
        (lambda: batches(np.zeros((0, 2)), np.zeros(0)), DataError, r"X holds no examples"),
    ],
)
def test_what_cannot_be_dealt_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
