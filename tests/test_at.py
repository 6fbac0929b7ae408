"""at(x, index): a copy that differs at an index, with the right gradients, whatever the index picks how often."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays_of

import tinygrad_edu as tg
from tests.cases.writing import STEPS, one_by_one
from tinygrad_edu import ops
from tinygrad_edu.errors import DtypeError, GraphError, ShapeError, TinygradEduError
from tinygrad_edu.functional.indexing import at

WRITES = ("set", "add", "subtract", "multiply", "divide", "max", "min")
EXACT = tuple(write for write in WRITES if write != "divide")  # whole numbers stay whole


def parameter(values, dtype=np.float64):
    return tg.tensor(np.array(values, dtype), requires_grad=True)


def gradients(out, *xs):
    for x in xs:
        x.grad = None
    out.backward(np.arange(1.0, 1 + out.size).reshape(out.shape))
    return [x.grad.tolist() for x in xs]


# ------------------------------------------------------------------------------------------ what it writes
@st.composite
def written(draw):
    shape = draw(arrays_of.array_shapes(max_dims=3, max_side=4))
    forms = (
        arrays_of.basic_indices(shape, allow_newaxis=True),
        arrays_of.integer_array_indices(shape, result_shape=arrays_of.array_shapes(max_dims=2, max_side=5)),
        arrays_of.arrays(bool, shape),
    )
    return shape, draw(st.one_of(*forms)), draw(st.integers(0, 2**32 - 1))


@pytest.mark.parametrize("write", EXACT)
@given(written())
def test_it_writes_what_a_loop_writes(write, drawn):
    shape, index, seed = drawn
    rng = np.random.default_rng(seed)
    # Small whole numbers: sums are exact in any order, and products of at most 25 of them (up to 2).
    x = rng.integers(-2, 3, shape).astype(np.float64)
    v = rng.integers(-2, 3, np.zeros(shape)[index].shape).astype(np.float64)
    out = getattr(at(x, index), write)(v)
    np.testing.assert_array_equal(out.numpy(), one_by_one(x, v, index, STEPS[f"{write}_at"]))


@given(written())
def test_the_gradient_of_each_write_is_that_of_the_loop(drawn):
    shape, index, seed = drawn
    rng = np.random.default_rng(seed)
    x = parameter(rng.integers(-2, 3, shape))
    v = parameter(rng.integers(-2, 3, np.zeros(shape)[index].shape))
    g = rng.integers(-5, 6, shape).astype(np.float64)
    places = np.ravel(np.arange(x.size).reshape(shape)[index])
    last = {place: k for k, place in enumerate(places)}
    untouched = np.array([place not in last for place in range(x.size)]).reshape(shape)
    stays = np.array([last[place] == k for k, place in enumerate(places)], bool).reshape(v.shape)
    others = [
        math.prod((v.numpy().flat[j] for j in range(len(places)) if j != k and places[j] == place), start=1.0)
        for k, place in enumerate(places)
    ]
    factor = one_by_one(np.ones(shape), v.numpy(), index, STEPS["multiply_at"])
    expected = {
        "set": (g * untouched, g[index] * stays),
        "add": (g, g[index]),
        "subtract": (g, -g[index]),
        "multiply": (g * factor, (g * x.numpy())[index] * np.reshape(others, v.shape)),
    }
    for write, options in itertools.product(expected, ({}, {"create_graph": True})):
        x.grad = v.grad = None
        getattr(at(x, index), write)(v).backward(g, **options)
        np.testing.assert_array_equal(x.grad.numpy(), expected[write][0])
        np.testing.assert_array_equal(v.grad.numpy(), expected[write][1])


# ---------------------------------------------------------------------------------- entries picked twice
def test_of_several_values_for_one_entry_the_last_stays_and_receives_its_gradient():
    x, v = parameter([0.0, 0.0, 0.0]), parameter([1.0, 2.0, 3.0, 4.0])
    out = at(x, [2, 0, 2, 0]).set(v)
    assert out.tolist() == [4, 0, 3]
    assert gradients(out, x, v) == [[0, 2, 0], [0, 0, 3, 1]]


def test_one_value_set_twice_counts_once():
    x, v = parameter([1.0, 2.0]), parameter(5.0)
    out = at(x, [1, 1, 1]).set(v)
    assert out.tolist() == [1, 5]
    assert gradients(out, x, v) == [[1, 0], 2]


def test_a_product_with_zeros_among_its_factors_has_a_gradient():
    x, v = parameter([2.0, 3.0]), parameter([5.0, 0.0, 7.0, 0.0, 0.0])
    out = at(x, [0, 0, 0, 1, 1]).multiply(v)
    assert out.tolist() == [0, 0]
    # Of each factor: g times x times the other factors.
    assert gradients(out, x, v) == [[0, 0], [0, 70, 0, 0, 0]]


def test_an_infinite_factor_does_not_reach_the_gradients_of_other_entries():
    x, v = parameter([2.0, 3.0, 4.0]), parameter([5.0, 7.0, math.inf])
    out = at(x, [0, 0, 1]).multiply(v)
    assert gradients(out, x, v) == [[35, math.inf, 3], [14, 10, 6]]


def test_an_entry_that_ties_with_its_value_shares_the_gradient():
    x, v = parameter([1.0, 2.0, 3.0]), parameter([2.0, 2.0])
    out = at(x, slice(1, None)).max(v)
    assert out.tolist() == [1, 2, 3]
    assert gradients(out, x, v) == [[1, 1, 3], [1, 0]]


def test_a_thousand_values_for_one_entry_are_folded_in_ten_rounds():
    x, v = parameter([1.0]), parameter(np.full(1000, 1.001))
    out = at(x, np.zeros(1000, int)).multiply(v)
    seen, waiting = set(), [out]
    while waiting:
        node = waiting.pop()
        seen.add(node)
        waiting += [n for n in node.inputs if isinstance(n, tg.Tensor) and n not in seen]
    assert len(seen) < 60  # a round takes 4 operations
    # Each of 1,000 products rounds once, and the power rounds to a few units.
    np.testing.assert_allclose(out.numpy(), 1.001**1000, rtol=1010 * 2.0**-53)
    out.backward([1.0])
    np.testing.assert_allclose(v.grad.numpy(), 1.001**999, rtol=2020 * 2.0**-53)


# ---------------------------------------------------------------------------------- functional, and whole
@pytest.mark.parametrize("write", WRITES)
def test_the_tensor_itself_is_left_as_it_is(write):
    x = parameter([1.0, 2.0, 3.0])
    squares = x * x
    out = getattr(at(x, [0, 0]), write)(9.0)
    assert x.tolist() == [1, 2, 3]
    assert not np.shares_memory(out.numpy(), x.numpy())
    squares.sum().backward()  # nothing was changed in place
    assert x.grad.tolist() == [2, 4, 6]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("index", [slice(1, 3), np.array([2, 0, 2]), np.array([True, False, True])], ids=repr)
def test_derivatives_of_third_order_are_right(write, index):
    def f(x, v):
        return getattr(at(x * x * x, index), write)(v * v * v)

    x = np.array([0.6, 1.1, 1.7])
    assert tg.gradcheck(f, x, np.linspace(0.7, 1.4, x[index].size), order=3)


def test_values_take_on_the_dtype_of_the_tensor():
    for write in WRITES:
        for value in (0.5, np.float64(0.5), np.array([0.5]), [0.5], tg.tensor(np.array(0.5)), 1):
            assert getattr(at(tg.tensor([1.0, 2.0]), [0]), write)(value).dtype == np.float32
    v = parameter([0.5, 0.25])
    at(tg.tensor([1.0, 2.0]), [1, 0]).set(v).backward([1.0, 2.0])
    assert v.grad.dtype == np.float64
    assert v.grad.tolist() == [2, 1]


def test_whole_numbers_may_be_written_into():
    counts = tg.tensor([1, 2, 3])
    assert at(counts, [0, 0]).add(1).tolist() == [3, 2, 3]
    assert at(counts, 0).set(7).tolist() == [7, 2, 3]
    assert at(counts, [1, 1]).multiply(2).tolist() == [1, 8, 3]
    assert at(counts, slice(None)).max(2).tolist() == [2, 2, 3]
    assert at(counts > 1, 0).set(True).tolist() == [True, True, True]


def test_lists_arrays_and_tensors_are_taken_on_both_sides():
    for x in ([1.0, 2.0], np.array([1.0, 2.0]), tg.tensor([1.0, 2.0])):
        for v in ([5.0], np.array([5.0]), tg.tensor([5.0])):
            for index in ([1], np.array([1]), tg.tensor([1]), (tg.tensor([1]),), [False, True]):
                out = at(x, index).add(v)
                assert isinstance(out, tg.Tensor)
                assert out.tolist() == [1, 7]


def test_it_is_differentiated_inside_a_function():
    slope = tg.grad(lambda v: at(np.zeros(3), [0, 2, 2]).add(v).sum())
    assert slope(np.array([1.0, 2.0, 3.0])).tolist() == [1, 1, 1]


# --------------------------------------------------------------------------------------- what is refused
MISFITS = {
    "values of another shape": (lambda a, w: getattr(a([0, 1]), w)([1.0, 2.0, 3.0]), r"\(3,\).*x\[index\].*\(2,\)"),
    "values of more axes": (lambda a, w: getattr(a([0, 1]), w)([[1.0, 2.0]]), r"\(1, 2\).*x\[index\].*\(2,\)"),
    "an index out of range": (lambda a, w: getattr(a([3]), w)(1.0), r"_at of shapes \(3,\) and \(\).*out of bounds"),
    "too many indices": (lambda a, w: getattr(a((0, 0)), w)(1.0), r"too many indices"),
    "a mask that is too short": (lambda a, w: getattr(a([True]), w)(1.0), r"did not match"),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(("call", "message"), MISFITS.values(), ids=MISFITS)
def test_what_does_not_fit_is_refused(call, message, write):
    with pytest.raises(ShapeError, match=message):
        call(lambda index: at(parameter([1.0, 2.0, 3.0]), index), write)


@pytest.mark.parametrize("write", WRITES)
def test_fractions_are_not_cut_off(write):
    for value in (0.5, parameter(0.5)):
        with pytest.raises(DtypeError, match=r"float64.*int64.*x\.astype\(float64\)"):
            getattr(at(tg.tensor([1, 2]), 0), write)(value)


def test_writing_in_place_is_still_refused():
    with pytest.raises(GraphError):
        parameter([1.0])[0] = 2.0


@pytest.mark.parametrize("name", [f"{write}_at" for write in WRITES])
def test_the_operations_themselves_take_arrays(name):
    op = getattr(ops, name)
    x = np.array([1.0, 2.0, 4.0])
    for index in (0, np.array([0, 0]), np.array([0, 2])):
        out = op(x, 2.0, index=index)
        assert type(out) is np.ndarray
        np.testing.assert_array_equal(out, op(tg.tensor(x), 2.0, index=index).numpy())
    with pytest.raises((TinygradEduError, ValueError)):
        op(x, np.ones(2), index=0)
