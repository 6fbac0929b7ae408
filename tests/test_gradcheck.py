"""The gradient checker can fail: it finds every kind of wrong rule, says where, and lets right ones pass."""

import collections

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import ops
from tinygrad_edu.errors import DtypeError, GradcheckError, GraphError, OptionError, ShapeError, TinygradEduError

MATRIX = np.array([[0.5, -1.0, 1.5], [2.0, 0.3, -0.7]])
SQUARE = np.array([[0.5, -1.0], [2.0, 0.3]])
COLUMN = np.array([[0.4], [1.1]])
Scale = collections.namedtuple("Scale", "by")  # noqa: PYI024 - the plain one is what users have


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
    "of one entry where broadcasting asks for the sum": (
        first_rule(lambda g, _z, _x, y: (g * y)[0, 0]),
        [np.array(0.4), MATRIX],
    ),
    "summed where nothing was broadcast": (
        first_rule(lambda g, _z, _x, y: (g * y).sum(axis=1, keepdims=True) * np.ones(3)),
        [MATRIX, MATRIX + 1],
    ),
    "in reverse order": (one_input(lambda g, _y, x: (g * 2 * x)[::-1]), [MATRIX]),
    "of a constant": (one_input(lambda g, _y, _x: g * 2), [MATRIX]),
    "of the result instead of the input": (one_input(lambda g, y, _x: g * 2 * y), [MATRIX]),
}


@pytest.mark.parametrize(("define_row", "inputs"), WRONG.values(), ids=WRONG)
def test_a_wrong_rule_is_found(define_row, inputs, row):
    wrong = define_row(row)
    with pytest.raises(GradcheckError, match="gradient of order 1 of input 0 is wrong"):
        tg.gradcheck(wrong, *inputs)


JOINED = {
    "of its neighbour": lambda i, g, _y, *_xs: g[(1 - i) * 2 : (2 - i) * 2],
    "of the first for each": lambda _i, g, _y, *_xs: g[:2],
    "of all": lambda _i, g, _y, *_xs: g[:2] + g[2:],
}


@pytest.mark.parametrize("rule", JOINED.values(), ids=JOINED)
def test_a_wrong_rule_for_any_number_of_inputs_is_found(rule, row):
    wrong = row("wrong", variadic=rule, forward=lambda *xs: np.concatenate(xs))
    with pytest.raises(GradcheckError, match=r"gradient of order 1 of input [01] is wrong"):
        tg.gradcheck(wrong, MATRIX[:, 0], MATRIX[:, 1])


def test_a_rule_that_forgets_an_option_is_found(row):
    # A sum along rows whose rule spreads the gradient along columns, which is right for axis=0 alone.
    wrong = row("wrong", lambda g, _y, _x, axis: g + np.zeros((2, 2)), forward=lambda x, axis: x.sum(axis=axis))  # noqa: ARG005 - a rule takes what its forward takes
    assert tg.gradcheck(lambda x: wrong(x, axis=0), SQUARE)
    with pytest.raises(GradcheckError):
        tg.gradcheck(lambda x: wrong(x, axis=1), SQUARE)


def test_a_rule_that_is_wrong_for_one_of_several_results_is_found(row):
    wrong = row("wrong", lambda g, _y, x: g * 3 * x, forward=lambda x: x * x)
    with pytest.raises(GradcheckError):
        tg.gradcheck(lambda x: {"right": x * x, "wrong": [wrong(x)]}, MATRIX)


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


@pytest.mark.parametrize("order", [1, 2])
def test_a_rule_that_leaves_the_tape_is_named(order):
    square = tg.custom_op(
        lambda x: x * x, lambda g, _y, x: np.multiply(*(t.numpy() for t in (g, x))) * 2, name="square"
    )
    with pytest.raises(GraphError, match=r"rule of square for input 0 .*returned ndarray.*Compute with g itself"):
        tg.gradcheck(square, MATRIX, order=order)


def test_a_rule_whose_own_rule_is_wrong_is_found_at_second_order(row):
    wrong_cosine = row("wrong_cosine", lambda g, _y, x: g * np.sin(x), forward=np.cos)  # sign
    sine = row("sine", lambda g, _y, x: g * wrong_cosine(x), forward=np.sin)
    assert tg.gradcheck(sine, MATRIX)
    with pytest.raises(GradcheckError, match="order 2"):
        tg.gradcheck(sine, MATRIX, order=2)


def test_a_mixed_derivative_that_is_lost_is_found(row):
    def cut(x):
        return x.detach() if isinstance(x, tg.Tensor) else x

    wrong = row("wrong", lambda g, _z, _x, y: g * cut(y), lambda g, _z, x, _y: g * cut(x), forward=np.multiply)
    assert tg.gradcheck(wrong, MATRIX, MATRIX + 1)
    with pytest.raises(GradcheckError, match="gradient of order 2"):
        tg.gradcheck(wrong, MATRIX, MATRIX + 1, order=2)


def test_a_second_derivative_that_is_scaled_or_of_the_other_sign_is_found(row):
    for k, factor in enumerate((1.001, -1.0)):
        cosine = row(f"cosine{k}", lambda g, _y, x, factor=factor: -g * np.sin(x) * factor, forward=np.cos)
        sine = row(f"sine{k}", lambda g, _y, x, cosine=cosine: g * cosine(x), forward=np.sin)
        assert tg.gradcheck(sine, MATRIX)
        with pytest.raises(GradcheckError, match="gradient of order 2"):
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


# ----------------------------------------------------------------------------- what else could be behind it
KINKS = {
    "a rectifier": (lambda x: np.where(x > 0, x, 0.0), 0.0),
    # The kink is between x and x + h, at a third of the way: the rule is right, and the differences are not.
    "a rectifier nearby": (lambda x: np.maximum(x, 2e-6), 0.0),
    "an absolute value nearby": (lambda x: np.abs(x - 5e-6), 0.0),
    "a bend": (lambda x: np.where(x > 1, 3 * x - 2, x), 1.0),
    "a jump": (lambda x: np.where(x > 0, 1.0, 0.0) + x, 0.0),
}


@pytest.mark.parametrize(("f", "x"), KINKS.values(), ids=KINKS)
def test_a_kink_is_named_as_the_possible_reason(f, x):
    with pytest.raises(GradcheckError, match=r"is wrong at index \(1,\).*may have a kink there.*to one side its slope"):
        tg.gradcheck(f, [x + 1.0, x, x - 1.0])


def test_a_kink_of_the_gradient_is_named_at_second_order():
    def f(x):
        return np.maximum(x, 0.0) ** 2  # its slope is 2 max(x, 0)

    # At first order the differences err by h / 2 = 3e-6.
    with pytest.raises(GradcheckError, match=r"order 2 .*The derivative of order 1 may have a kink there"):
        tg.gradcheck(f, [0.0], order=2, atol=1e-5)
    with pytest.raises(GradcheckError, match=r"order 1 .*may be too rough there.*a quarter of the step"):
        tg.gradcheck(f, [0.0])


def test_a_function_whose_values_are_too_large_is_named():
    with pytest.raises(GradcheckError, match="too rough there, or too large"):
        tg.gradcheck(lambda x: np.sin(x) + 1e9, [0.3])


@pytest.mark.parametrize(("define_row", "inputs"), WRONG.values(), ids=WRONG)
def test_a_wrong_rule_of_a_smooth_function_is_not_excused(define_row, inputs, row):
    wrong = define_row(row)
    with pytest.raises(GradcheckError) as caught:
        tg.gradcheck(wrong, *inputs)
    assert all(excuse not in str(caught.value) for excuse in ("kink", "rough", "float32"))


def test_a_wrong_rule_beside_a_kink_is_not_excused(row):
    wrong = row("wrong", lambda g, _y, x: g * np.sign(x) * 1.1, forward=np.abs)
    for x in (0.5, -1e-3):
        with pytest.raises(GradcheckError) as caught:
            tg.gradcheck(wrong, [x])
        assert "kink" not in str(caught.value)


def test_float32_is_named_as_the_possible_reason():
    weight = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)  # a parameter, as a model has
    with pytest.raises(
        GradcheckError, match=r"float32 takes part.*input 0 of multiply, of shape \(3,\).*float64 alone"
    ):
        tg.gradcheck(lambda x: np.sin(x.astype(np.float32) * weight), [0.1, 0.2, 0.3])
    with pytest.raises(GradcheckError, match="float32 takes part"):
        tg.gradcheck(lambda x: x.astype(np.float32), [0.1])


def test_float32_that_does_no_harm_is_not_mentioned():
    weight = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    assert tg.gradcheck(lambda x: np.sin(x * weight), [0.1, 0.2, 0.3], order=2)


CHANCE = {
    "noise": lambda rng: lambda x: x + rng.standard_normal(3),
    "noise in a part of the result": lambda rng: lambda x: {"x": x, "y": [x * rng.random()]},
    "dropout": lambda rng: lambda x: np.where(rng.random(3) < 0.5, x, 0.0),
    "noise in whole numbers": lambda rng: lambda x: (x, x * 0 > rng.standard_normal(3)),
    "a choice": lambda rng: lambda x: x[: rng.integers(1, 4)],
}


@pytest.mark.parametrize("make", CHANCE.values(), ids=CHANCE)
def test_a_function_that_draws_anew_each_time_is_refused(make):
    with pytest.raises(GradcheckError, match="Two calls of the function gave"):
        tg.gradcheck(make(np.random.default_rng(3)), [1.0, 2.0, 3.0])


def test_a_function_that_draws_the_same_each_time_is_checked():
    assert tg.gradcheck(lambda x: x * np.random.default_rng(0).standard_normal(3), [1.0, 2.0, 3.0], order=2)


def test_a_result_that_is_no_number_is_the_same_each_time():
    with pytest.raises(GradcheckError, match="the rule gives"), np.errstate(invalid="ignore"):
        tg.gradcheck(np.log, [-1.0])


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


def test_structures_are_checked_leaf_by_leaf_and_named_by_their_path(row):
    wrong = row("wrong", lambda g, _y, x: g * 3 * x, forward=lambda x: x * x)
    layers = {"layers": [{"w": MATRIX, "b": [0.1, 0.2, 0.3]}, Scale(2.0)], "n": np.array([2, 0])}

    def f(x, params, square=lambda y: y * y):
        first, last = params["layers"]
        assert isinstance(last, Scale)
        assert params["n"].dtype == np.int64
        return (x @ first["w"] + square(first["b"]))[:, params["n"]] * last.by

    assert tg.gradcheck(f, SQUARE, layers, order=2)
    with pytest.raises(GradcheckError, match=r"order 1 of input 1\['layers'\]\[0\]\['b'\] is wrong at index \(2,\)"):
        tg.gradcheck(lambda x, p: f(x, p, square=wrong), SQUARE, layers)
    with pytest.raises(GradcheckError, match=r"order 1 of input 1\['layers'\]\[1\]\.by is wrong at index \(\)"):
        tg.gradcheck(lambda _, p: wrong(p["layers"][1].by), SQUARE, layers)


def test_functions_that_differentiate_are_checked():
    def penalty(x, y):
        return (tg.grad(lambda x: (np.tanh(x) * y).sum())(x) ** 2).sum()

    assert tg.gradcheck(penalty, MATRIX, MATRIX + 1, order=2, rtol=1e-5)


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
    with pytest.raises(DtypeError, match=r"returns a Tensor.*ndarray at result\['a'\]\[1\]"):
        tg.gradcheck(lambda x: {"a": [x, x.numpy()]}, 1.0)
    with pytest.raises(DtypeError, match=r"returns a Tensor.*NoneType"):
        tg.gradcheck(lambda _: None, 1.0)
    with pytest.raises(DtypeError, match="floating input"):
        tg.gradcheck(lambda: tg.tensor(1.0))
