"""Indexing: each form picks what NumPy picks, and each entry receives the gradients of all its picks."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays_of

import tinygrad_edu as tg
from tests.cases.indexing import CASES
from tinygrad_edu import ops
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.functional.indexing import at
from tinygrad_edu.ops import indexing

shapes = arrays_of.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)


# ---------------------------------------------------------------------- any index that Hypothesis can think of
@st.composite
def masks(draw, shape):
    """A mask of the first axes, or of the last ones."""
    n = draw(st.integers(1, len(shape)))
    if draw(st.booleans()):
        return draw(arrays_of.arrays(bool, shape[:n]))
    return (..., draw(arrays_of.arrays(bool, shape[len(shape) - n :])))


@st.composite
def mixtures(draw, shape):
    """Whole numbers, slices, arrays and masks on some of the axes, with new ones and an ellipsis among them."""
    picked = draw(arrays_of.array_shapes(min_dims=0, max_dims=2, min_side=1, max_side=3))
    parts = []
    for n in shape[: draw(st.integers(0, len(shape)))]:
        numbers = arrays_of.arrays(np.intp, st.sampled_from([picked, picked[1:], ()]), elements=st.integers(-n, n - 1))
        parts.append(draw(st.one_of(st.integers(-n, n - 1), st.slices(n), numbers)))
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), None)
    if draw(st.booleans()):
        # What follows the ellipsis counts from the last axis; the lengths fit again if it stands at the end.
        parts.append(...)
    return tuple(parts)


@st.composite
def indexed(draw):
    shape = draw(shapes)
    forms = (
        arrays_of.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True),
        arrays_of.integer_array_indices(shape, result_shape=arrays_of.array_shapes(max_dims=2, max_side=5)),
        masks(shape),
        mixtures(shape),
    )
    return shape, draw(st.one_of(*forms))


def counted(shape, index, gradient):
    """Add up, entry by entry, what each one was picked for."""
    size = math.prod(shape)
    source = np.arange(size).reshape(shape)[index]
    return np.bincount(np.ravel(source), np.ravel(gradient), minlength=size).reshape(shape)


def as_if_large(monkeypatch):
    """Add up a few entries in the way in which many are, in blocks of five."""
    monkeypatch.setattr(indexing, "_SMALL", 0)
    monkeypatch.setattr(indexing, "_BLOCK", 5)


@pytest.mark.parametrize("large", [False, True], ids=["few", "as if many"])
@given(indexed(), st.sampled_from([np.float32, np.float64]))
def test_any_index_picks_what_numpy_picks_and_gradients_add_up_where_they_came_from(large, drawn, dtype):
    with pytest.MonkeyPatch.context() as monkeypatch:
        if large:
            as_if_large(monkeypatch)
        check_picks_and_gradients(*drawn, dtype)


def check_picks_and_gradients(shape, index, dtype):
    x = tg.tensor(np.arange(math.prod(shape), dtype=dtype).reshape(shape), requires_grad=True)
    out = x[index]
    np.testing.assert_array_equal(out.numpy(), x.numpy()[index])
    # Small whole numbers: their sums are exact in any order.
    gradient = (np.arange(out.size) % 17 - 5).reshape(out.shape)
    for options in ({}, {"create_graph": True}):
        x.grad = None
        out.backward(gradient, retain_graph=True, **options)
        assert x.grad.dtype == dtype
        np.testing.assert_array_equal(x.grad.numpy(), counted(shape, index, gradient))


@pytest.mark.parametrize("large", [False, True], ids=["few", "as if many"])
@given(st.integers(1, 40), st.integers(0, 60), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_the_gradient_of_an_embedding_is_the_sum_of_its_picks(large, n_rows, n_picked, length, seed):
    # Both ways in which rows are added up: all rows at once, or those alone that were picked.
    rng = np.random.default_rng(seed)
    numbers = rng.integers(-n_rows, n_rows, n_picked)
    gradient = rng.integers(-9, 10, (n_picked, length)).astype(np.float32)
    x = tg.tensor(np.zeros((n_rows, length), np.float32), requires_grad=True)
    with pytest.MonkeyPatch.context() as monkeypatch:
        if large:
            as_if_large(monkeypatch)
        x[numbers].backward(gradient)
    expected = np.zeros((n_rows, length))
    np.add.at(expected, numbers, gradient)
    np.testing.assert_array_equal(x.grad.numpy(), expected)


# ------------------------------------------------------------------------------------- how it is added up
@pytest.mark.parametrize("n_rows", [3, 50_000], ids=["all rows", "few of many rows"])
@pytest.mark.parametrize("length", [1, 16])
def test_float32_gradients_of_10000_picks_are_rounded_once(n_rows, length):
    rng = np.random.default_rng(0)
    gradient = rng.random((10_000, length), dtype=np.float32)  # in float32, the sum would be off by some 1e-5 of itself
    out = ops.put(gradient, shape=(n_rows, length), index=np.full(10_000, 2))
    exact = np.array([math.fsum(column) for column in gradient.T.tolist()])
    assert out.dtype == np.float32
    # Half a unit of float32, and 10,000 roundings of doubles.
    np.testing.assert_allclose(out[2], exact, rtol=2.0**-24 + 10_000 * 2.0**-53, atol=0)
    assert np.count_nonzero(out) == length


def test_gradients_are_added_up_in_the_same_order_each_time():
    rng = np.random.default_rng(0)
    numbers, gradient = rng.integers(0, 7, 500), rng.standard_normal((500, 9))
    first = ops.put(gradient, shape=(100, 9), index=numbers)
    np.testing.assert_array_equal(ops.put(gradient, shape=(100, 9), index=numbers), first)


@pytest.mark.parametrize("case", [case for case in CASES if case.op == "put"], ids=str)
def test_many_entries_are_added_up_as_few_are(case, monkeypatch):
    arrays = case.draw()
    few = case.call(*arrays)
    as_if_large(monkeypatch)
    np.testing.assert_array_equal(case.call(*arrays), few)


@pytest.mark.parametrize("large", [False, True], ids=["few", "as if many"])
@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint8])
def test_whole_numbers_are_added_up_exactly(dtype, large, monkeypatch):
    if large:
        as_if_large(monkeypatch)
    most = np.iinfo(dtype).max - 1
    out = ops.put(np.array([most, 1], dtype), shape=(2,), index=np.array([1, 1]))
    assert out.dtype == dtype
    assert out.tolist() == [0, most + 1]


def test_half_precision_is_kept():
    x = tg.tensor(np.zeros((3, 2), np.float16), requires_grad=True)
    x[np.array([1, 1, 0])].sum().backward()
    assert x.grad.dtype == np.float16
    assert x.grad.tolist() == [[1, 1], [2, 2], [0, 0]]


# ----------------------------------------------------------------------------------------- the index
def test_an_index_may_be_a_tensor():
    x = tg.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
    for index in (tg.tensor([2, 0]), (tg.tensor([2, 0]), slice(None)), x[:, 0] != 3, (slice(None), tg.tensor([1, 1]))):
        x.grad = None
        plain = (
            tuple(i.numpy() if isinstance(i, tg.Tensor) else i for i in index)
            if isinstance(index, tuple)
            else index.numpy()
        )
        out = x[index]
        np.testing.assert_array_equal(out.numpy(), x.numpy()[plain])
        out.sum().backward()
        np.testing.assert_array_equal(x.grad.numpy(), counted((3, 2), plain, np.ones(out.shape)))


PICKS = {
    "x[i]": lambda x, i: x[i],
    "x[:, i]": lambda x, i: x[None][:, i],
    "take": np.take,
    "repeat": np.repeat,
    "set": lambda x, i: at(x, i).set(0.0),
    "add": lambda x, i: at(x * x, i).add(x[i]),
    "multiply": lambda x, i: at(x, i).multiply(x[i]),
}


@pytest.mark.parametrize("pick", PICKS.values(), ids=PICKS)
def test_changing_an_index_afterwards_changes_nothing(pick):
    gradients = []
    for change in (False, True):
        x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
        numbers = np.array([2, 0, 2])
        out = (pick(x, numbers) * 3).sum()
        if change:
            numbers[:] = 1
        out.backward()
        gradients.append(x.grad.tolist())
    assert gradients[0] == gradients[1]


def test_np_ix_picks_a_grid():
    x = tg.tensor(np.arange(12.0).reshape(3, 4), requires_grad=True)
    out = x[np.ix_([2, 0], [1, 1, 3])]
    assert out.tolist() == [[9, 9, 11], [1, 1, 3]]
    out.sum().backward()
    assert x.grad.tolist() == [[0, 2, 0, 1], [0, 0, 0, 0], [0, 2, 0, 1]]


MISFITS = {
    "out of range": (lambda x: x[np.array([0, 3])], r"getitem of shapes \(3,\).*out of bounds"),
    "too many": (lambda x: x[0, 0], r"too many indices"),
    "a mask that is too short": (lambda x: x[np.array([True, False])], r"boolean index did not match"),
    "arrays that do not broadcast": (
        lambda x: x[None][np.array([0, 0]), np.array([0, 1, 2])],
        r"could not be broadcast",
    ),
    "fractions": (lambda x: x[np.array([0.5])], r"must be of integer"),
    "two ellipses": (lambda x: x[..., ...], r"single ellipsis"),
    "a slice of fractions": (lambda x: x[np.float64(1.0)], r"only integers|must be of integer"),
}


@pytest.mark.parametrize(("pick", "message"), MISFITS.values(), ids=MISFITS)
def test_an_index_that_does_not_fit_is_refused(pick, message):
    with pytest.raises(ShapeError, match=message):
        pick(tg.tensor([1.0, 2.0, 3.0], requires_grad=True))
