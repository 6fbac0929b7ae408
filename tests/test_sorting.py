"""What sorting promises beyond the cases: where ties go, where NaN goes, and what is refused."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import ops
from tinygrad_edu.errors import ArgumentError, OptionError, ShapeError

TIES = np.array([2.0, 1.0, 2.0, 1.0, 2.0])


def gradient(f, x, weights=1, **mode):
    """Give the gradient of the sum of the results, weighed."""
    x = tg.tensor(np.asarray(x, np.float64), requires_grad=True)
    (f(x) * weights).sum().backward(**mode)
    return x.grad.tolist()


@pytest.mark.parametrize("kind", [None, "quicksort", "heapsort", "mergesort", "stable"])
def test_ties_keep_their_order_whatever_kind_is_asked_for(kind):
    x = np.tile(TIES, 40)  # long enough for NumPy's quicksort to mix ties up
    out = np.argsort(tg.tensor(x), kind=kind)
    np.testing.assert_array_equal(out.numpy(), np.argsort(x, kind="stable"))


@pytest.mark.parametrize("mode", [{}, {"create_graph": True}], ids=["arrays", "recorded"])
def test_each_of_the_ties_has_the_gradient_of_its_place(mode):
    assert gradient(np.sort, TIES, np.arange(5), **mode) == [2, 0, 3, 1, 4]
    assert gradient(lambda x: ops.topk(x, 4)[0], TIES, np.arange(1, 5), **mode) == [1, 4, 2, 0, 3]
    assert gradient(lambda x: ops.topk(x, 3, largest=False)[0], TIES, np.arange(1, 4), **mode) == [3, 1, 0, 2, 0]


def test_the_first_of_ties_is_the_first_of_the_top():
    for x in (TIES, TIES.astype(np.uint8), TIES.astype(np.int64), TIES == 2):
        values, positions = ops.topk(tg.tensor(x), 4)
        assert positions.tolist() == [0, 2, 4, 1]
        assert values.tolist() == x[[0, 2, 4, 1]].tolist()
        assert values.dtype == x.dtype
        assert ops.topk(tg.tensor(x), 4, largest=False)[1].tolist() == [1, 3, 0, 2]


def test_not_a_number_comes_last_and_counts_as_the_largest():
    x = tg.tensor([np.nan, 1.0, np.inf])
    assert np.argsort(x).tolist() == [1, 2, 0]
    assert ops.topk(x, 2)[1].tolist() == [0, 2]
    assert ops.topk(x, 2, largest=False)[1].tolist() == [1, 2]


def test_positions_in_a_tensor_pick_again():
    x = tg.tensor(np.arange(12.0).reshape(3, 4) % 5, requires_grad=True)
    values, positions = ops.topk(x, 2, axis=0)
    assert values.requires_grad
    assert not positions.requires_grad
    np.testing.assert_array_equal(np.take_along_axis(x, positions, 0).numpy(), values.numpy())
    np.testing.assert_array_equal(np.take_along_axis(x.numpy(), positions, 0).numpy(), values.numpy())


def test_an_entry_that_is_picked_often_collects_all_gradients():
    x = tg.tensor(np.zeros(3, np.float32), requires_grad=True)
    np.take_along_axis(x, np.zeros(1000, int), 0).sum().backward()
    assert x.grad.tolist() == [1000, 0, 0]


def test_sorting_back_and_forth_is_the_identity():
    x = np.random.default_rng(0).standard_normal((4, 5, 6)).astype(np.float32)
    for axis in (0, 1, 2):
        order = np.argsort(x, axis=axis)
        back = ops.add_along_axis(ops.sort(x, axis=axis), order, shape=x.shape, axis=axis)
        np.testing.assert_array_equal(back, x)


REFUSED = {
    "more than there are": (lambda x: ops.topk(x, 3), OptionError, r"0 <= k <= 2.*k=3"),
    "less than none": (lambda x: ops.topk(x, -1), OptionError, r"0 <= k <= 2.*k=-1"),
    "the top of an axis that is not there": (lambda x: ops.topk(x, 1, axis=1), ShapeError, "[Aa]xis 1"),
    "the top of a number": (lambda x: ops.topk(x[0], 1), ShapeError, "[Aa]xis -1"),
    "a kind that there is not": (lambda x: np.sort(x, kind="bubble"), ArgumentError, "'stable', not 'bubble'"),
    "an order of fields": (lambda x: np.sort(x, order="a"), ArgumentError, "sort of a Tensor was given order"),
    "an axis that is not there": (lambda x: np.sort(x, axis=1), ShapeError, "argsort of shapes.*axis 1"),
    "positions that are no whole numbers": (
        lambda x: np.take_along_axis(x, np.zeros(2), 0), ShapeError, "take_along_axis.*integer",
    ),
    "positions out of range": (lambda x: np.take_along_axis(x, np.array([2]), 0), ShapeError, "out of bounds"),
    "positions of other axes": (lambda x: np.take_along_axis(x, np.array([[0]]), 0), ShapeError, "dimension"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_sorted_or_picked_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(tg.tensor([1.0, 2.0], requires_grad=True))
