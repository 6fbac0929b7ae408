"""The gradient checker can fail: it finds every kind of wrong rule, says where, and lets right ones pass."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import ops
from tinygrad_edu.errors import DtypeError, GradcheckError, OptionError, ShapeError, TinygradEduError

MATRIX = np.array([[0.5, -1.0, 1.5], [2.0, 0.3, -0.7]])
SQUARE = np.array([[0.5, -1.0], [2.0, 0.3]])
COLUMN = np.array([[0.4], [1.1]])


@pytest.fixture
def row():
    """Define rows for one test."""
    before = dict(ops.TABLE)
    yield ops.define
    ops.TABLE.clear()
    ops.TABLE.update(before)


def one_input(rule, forward=lambda x: x * x):
    return lambda define: define("wrong", rule, forward=forward)


def first_rule(rule, forward=np.multiply):
    return lambda define: define("wrong", rule, lambda g, _z, x, _y: g * x, forward=forward)


WRONG = {
    "scaled": (one_input(lambda g, _y, x: g * 2.001 * x), [MATRIX]),
    "scaled by little": (one_input(lambda g, _y, x: g * (2 + 2e-5) * x), [MATRIX]),
    "of the other sign": (one_input(lambda g, _y, x: -g * 2 * x), [MATRIX]),
    "zeroed": (one_input(lambda g, _y, _x: g * 0), [MATRIX]),
    "missing": (one_input(None), [MATRIX]),
    "without g": (one_input(lambda _g, _y, x: 2 * x), [MATRIX]),
    "not a number": (one_input(lambda g, _y, x: g * 2 * x + np.where(x > 1.9, np.nan, 0.0)), [MATRIX]),
    "infinite": (one_input(lambda g, _y, x: g * 2 * x + np.where(x > 1.9, np.inf, 0.0)), [MATRIX]),
    "wrong in one entry": (one_input(lambda g, _y, x: g * np.where(x == MATRIX[1, 1], 2.01, 2.0) * x), [MATRIX]),
    "transposed": (one_input(lambda g, _y, x: (g * 2 * x).T), [SQUARE]),
    "of the inputs in the wrong order": (first_rule(lambda g, _z, x, _y: g * x), [MATRIX, MATRIX + 1]),
    "of the second input alone": (first_rule(None), [MATRIX, MATRIX + 1]),
    "averaged where broadcasting asks for the sum": (
        first_rule(lambda g, _z, _x, y: (g * y).mean(axis=1, keepdims=True)),
        [COLUMN, MATRIX],
    ),
    "of one column where broadcasting asks for the sum": (
        first_rule(lambda g, _z, _x, y: (g * y)[:, :1]),
        [COLUMN, MATRIX],
    ),
}


@pytest.mark.parametrize(("define_row", "inputs"), WRONG.values(), ids=WRONG)
def test_a_wrong_rule_is_found(define_row, inputs, row):
    wrong = define_row(row)
    with pytest.raises(GradcheckError, match="gradient of order 1 of input 0 is wrong"):
        tg.gradcheck(wrong, *inputs)


def test_a_transposed_gradient_of_a_matrix_that_is_not_square_is_found(row):
    wrong = row("wrong", lambda g, _y, _x: g.T, forward=lambda x: x + 0)
    with pytest.raises((GradcheckError, ShapeError)):
        tg.gradcheck(wrong, MATRIX)


def test_a_gradient_of_a_shape_that_cannot_be_is_refused(row):
    wrong = row("wrong", lambda g, _y, _x: g.sum(), forward=lambda x: x + 0)
    with pytest.raises(ShapeError, match=r"rule of wrong returned shape \(\) for an input of shape \(2, 3\)"):
        tg.gradcheck(wrong, MATRIX)


SECOND = {
    # The slope of x² is right, but its own slope is lost on the way, ...
    "cut off": lambda g, _y, x: g * 2 * (x.detach() if isinstance(x, tg.Tensor) else x),
    # ... or half of it is.
    "cut off in part": lambda g, _y, x: g * (x + (x.detach() if isinstance(x, tg.Tensor) else x)),
}


@pytest.mark.parametrize("rule", SECOND.values(), ids=SECOND)
def test_a_rule_that_is_right_at_first_order_alone_is_found_at_second(rule, row):
    wrong = row("wrong", rule, forward=lambda x: x * x)
    assert tg.gradcheck(wrong, MATRIX)
    with pytest.raises(GradcheckError, match="gradient of order 2 of input 0 is wrong"):
        tg.gradcheck(wrong, MATRIX, order=2)


def test_a_rule_whose_own_rule_is_wrong_is_found_at_second_order(row):
    wrong_cosine = row("wrong_cosine", lambda g, _y, x: g * np.sin(x), forward=np.cos)  # sign
    sine = row("sine", lambda g, _y, x: g * wrong_cosine(x), forward=np.sin)
    assert tg.gradcheck(sine, MATRIX)
    with pytest.raises(GradcheckError, match="order 2"):
        tg.gradcheck(sine, MATRIX, order=2)


def test_a_third_order_is_checked_too(row):
    # Right up to the second derivative of x³: the third is lost.
    inner = row(
        "inner", lambda g, _y, x: g * 2 * (x.detach() if isinstance(x, tg.Tensor) else x), forward=lambda x: x * x
    )
    cube = row("cube", lambda g, _y, x: g * 3 * inner(x), forward=lambda x: x**3)
    assert tg.gradcheck(cube, MATRIX, order=2)
    with pytest.raises(GradcheckError, match="order 3"):
        tg.gradcheck(cube, MATRIX, order=3)


# ------------------------------------------------------------------------------------------ what it says
def test_the_message_names_the_input_the_worst_entry_and_both_values(row):
    # Input 1 alone is wrong, by 10 times more at (1, 0) than elsewhere.
    factor = np.array([[1.1, 1.1, 1.1], [2.0, 1.1, 1.1]])
    wrong = row("wrong", lambda g, _z, _x, y: g * y, lambda g, _z, x, _y: g * x * factor, forward=np.multiply)
    with pytest.raises(GradcheckError, match=r"input 1 is wrong at index \(1, 0\)") as caught:
        tg.gradcheck(wrong, np.ones((2, 3)), MATRIX)
    rule, numerical = (
        float(part.split()[0].strip(",")) for part in str(caught.value).split(" gives ")[1].split("differences")
    )
    # The rule says twice the truth there.
    assert rule == pytest.approx(2 * numerical, rel=1e-6)


def test_the_message_names_the_entry_that_is_not_a_number(row):
    wrong = row("wrong", lambda g, _y, x: np.where(x == 0.3, np.nan, g * 20 * x), forward=lambda x: x * x)
    with pytest.raises(GradcheckError, match=r"index \(1, 1\): the rule gives nan"):
        tg.gradcheck(wrong, MATRIX)


def test_an_error_is_an_assertion_error_of_this_package():
    assert issubclass(GradcheckError, AssertionError)
    assert issubclass(GradcheckError, TinygradEduError)


# ------------------------------------------------------------------------------------------- what passes
def test_right_rules_pass():
    assert tg.gradcheck(lambda x: np.tanh(x) * x, MATRIX, order=3) is True


def test_several_inputs_are_checked_at_once():
    assert tg.gradcheck(lambda x, y, z: x @ y.T + z, MATRIX, MATRIX[:1], COLUMN, order=2)


def test_integers_and_bools_are_handed_on_as_they_are():
    seen = []

    def f(x, index, mask):
        seen.append((index.dtype, mask.dtype))
        return np.where(mask, x[index], 0.0)

    assert tg.gradcheck(f, [1.0, 2.0, 3.0], np.array([2, 0]), np.array([True, False]), order=2)
    assert set(seen) == {(np.dtype(np.int64), np.dtype(np.bool))}


def test_lists_numbers_and_tensors_are_checked_in_float64():
    seen = []

    def f(x):
        seen.append(x.dtype)
        return x**3

    for x in (0.5, [0.5, 1.5], np.ones(2, np.float32), tg.tensor([0.5, 1.5])):
        assert tg.gradcheck(f, x)
    assert set(seen) == {np.dtype(np.float64)}


def test_an_input_that_f_does_not_use_has_the_gradient_0():
    assert tg.gradcheck(lambda x, _: x * 2, [1.0], [2.0], order=2)


def test_inputs_without_entries_pass():
    assert tg.gradcheck(lambda x: x * 2, np.zeros((0, 3)), order=2)


def test_inputs_are_not_written_to_and_keep_no_gradient():
    array, x = MATRIX.copy(), tg.tensor(MATRIX, requires_grad=True)
    tg.gradcheck(lambda a, b: a * b, array, x, order=2)
    np.testing.assert_array_equal(array, MATRIX)
    np.testing.assert_array_equal(x.numpy(), MATRIX)
    assert x.grad is None


def test_a_larger_tolerance_lets_a_smaller_error_pass(row):
    wrong = row("wrong", lambda g, _y, x: g * 2.001 * x, forward=lambda x: x * x)
    assert tg.gradcheck(wrong, MATRIX, rtol=1e-2)
    with pytest.raises(GradcheckError):
        tg.gradcheck(wrong, MATRIX, rtol=1e-5)


# ------------------------------------------------------------------------------------------- its own errors
def test_what_cannot_be_checked_is_refused_with_the_remedy():
    with pytest.raises(DtypeError, match=r"floating input.*1\.0 instead of 1"):
        tg.gradcheck(lambda x: x, [1, 2])
    with pytest.raises(OptionError, match=r"order of at least 1.*0"):
        tg.gradcheck(lambda x: x, [1.0], order=0)
    with pytest.raises(DtypeError, match=r"returns a Tensor.*float"):
        tg.gradcheck(lambda x: x.item(), 1.0)
