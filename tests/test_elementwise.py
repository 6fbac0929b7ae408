"""What single rows promise entry by entry: at kinks and ties, at 0, at infinity, far out, and of whole numbers."""

import math
from fractions import Fraction

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases import elementwise, functions
from tinygrad_edu import functional, ops
from tinygrad_edu.errors import ArgumentError, OptionError

INF, NAN = math.inf, math.nan
EPS = float(np.finfo(np.float64).eps)

recorded_or_not = pytest.mark.parametrize("options", [{}, {"create_graph": True}], ids=["arrays", "recorded"])


def value_and_slopes(f, *xs, dtype=np.float64, seed=1.0, **options):
    tensors = [tg.tensor(np.array(x, dtype), requires_grad=True) for x in xs]
    out = f(*tensors)
    out.backward(np.full(out.shape, seed, dtype), **options)
    return out.numpy(), *(x.grad.numpy() for x in tensors)


def derivatives(f, x, order):
    """Give f and its derivatives at each entry of x."""
    found = []
    for _ in range(order + 1):
        found.append(f(tg.tensor(x)).numpy())
        f = tg.grad(lambda t, f=f: f(t).sum())
    return found


# ---------------------------------------------------------------------------------------- kinks and ties
KINKS = {
    "leaky_relu": (ops.leaky_relu, [[-2, 0, 2]], [[0.01, 0.01, 1]]),
    "elu": (lambda x: ops.elu(x, alpha=3.0), [[0, 2]], [[3, 1]]),
    "hardtanh is flat at its bounds": (ops.hardtanh, [[-2, -1, 0, 1, 2]], [[0, 0, 1, 0, 0]]),
    "relu6 is flat at its bounds": (ops.relu6, [[-1, 0, 3, 6, 7]], [[0, 0, 1, 0, 0]]),
    "hardsigmoid is flat at its bounds": (ops.hardsigmoid, [[-4, -3, 0, 3, 4]], [[0, 0, 1 / 6, 0, 0]]),
    "hardswish": (ops.hardswish, [[-4, -3, 0, 4]], [[0, 0, 0.5, 1]]),
    "hardtanh of NaN is NaN, as relu": (ops.hardtanh, [[NAN, INF, -INF, 0.5]], [[NAN, 0, 0, 1]]),
    "hardtanh without bounds": (lambda x: ops.hardtanh(x, -INF, INF), [[NAN, INF, 0.5]], [[NAN, 0, 1]]),
    "relu6 of NaN": (ops.relu6, [[NAN, INF, -INF, 0.5]], [[NAN, 0, 0, 1]]),
    "hardsigmoid of NaN": (ops.hardsigmoid, [[NAN, INF, -INF, 0]], [[NAN, 0, 0, 1 / 6]]),
    "softsign": (ops.softsign, [[-1, 0, 1]], [[0.25, 1, 0.25]]),
    "clip passes at its bounds": (lambda x: np.clip(x, -1, 1), [[-2, -1, 0, 1, 2]], [[0, 1, 1, 1, 0]]),
    "clip hands the rest to its bounds": (
        np.clip,
        [[-2, -1, 0, 1, 2], [-1] * 5, [1] * 5],
        [[0, 1, 1, 1, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 1]],
    ),
    "of crossed bounds the upper one counts": (np.clip, [[-2, 0, 2], [1] * 3, [-1] * 3], [[0] * 3, [0] * 3, [1] * 3]),
    "fmax shares a tie": (np.fmax, [[1, 2, 3], [2, 2, 2]], [[0, 0.5, 1], [1, 0.5, 0]]),
    "fmin shares a tie": (np.fmin, [[1, 2, 3], [2, 2, 2]], [[1, 0.5, 0], [0, 0.5, 1]]),
    "fmax passes what is a number": (np.fmax, [[NAN, 1, NAN], [1, NAN, NAN]], [[0, 1, 1], [1, 0, 1]]),
    "fmin passes what is a number": (np.fmin, [[NAN, 1, NAN], [1, NAN, NAN]], [[0, 1, 1], [1, 0, 1]]),
    "fabs at 0": (np.fabs, [[-2, 0, 2]], [[-1, 0, 1]]),
    "copysign": (np.copysign, [[-2, -2, 0, 2, 2], [-1, 0.0, -1, -0.0, 1]], [[1, -1, 0, -1, 1], [0] * 5]),
    "heaviside": (np.heaviside, [[-1, 0, 1], [5, 5, 5]], [[0, 0, 0], [0, 1, 0]]),
    "nan_to_num": (np.nan_to_num, [[NAN, INF, -INF, 2]], [[0, 0, 0, 1]]),
    "floor": (np.floor, [[-0.5, 0, 0.5]], [[0, 0, 0]]),
    "remainder": (np.remainder, [[7, -7, 7, -7], [2, 2, -2, -2]], [[1, 1, 1, 1], [-3, 4, 4, -3]]),
    "fmod": (np.fmod, [[7, -7, 7, -7], [2, 2, -2, -2]], [[1, 1, 1, 1], [-3, 3, 3, -3]]),
    "hypot at the origin": (np.hypot, [[0, 3], [0, 4]], [[0, 0.6], [0, 0.8]]),
    "arctan2 at the origin": (np.arctan2, [[0, 0], [0, 2]], [[0, 0.5], [0, 0]]),
    "logaddexp of equal infinities": (np.logaddexp, [[INF, -INF, 0], [INF, -INF, 0]], [[0.5] * 3, [0.5] * 3]),
    "logaddexp with an infinity": (np.logaddexp, [[INF, -INF, INF], [1, 1, -INF]], [[1, 0, 1], [0, 1, 0]]),
    "logaddexp2 of equal infinities": (np.logaddexp2, [[INF, -INF, 0], [INF, -INF, 0]], [[0.5] * 3, [0.5] * 3]),
}  # fmt: skip


@recorded_or_not
@pytest.mark.parametrize(("f", "xs", "slopes"), KINKS.values(), ids=KINKS)
def test_where_there_is_no_slope_it_is_the_usual_choice(f, xs, slopes, options):
    _, *found = value_and_slopes(f, *xs, **options)
    for actual, expected in zip(found, slopes, strict=True):
        np.testing.assert_array_equal(actual, np.array(expected, float))


FLAT_AT_2 = {
    "sign": np.sign, "floor": lambda x: np.floor(x + 0.5), "ceil": lambda x: np.ceil(x + 0.5), "trunc": np.trunc,
    "rint": np.rint, "round": np.round, "floor_divide": lambda x: np.floor_divide(x, 0.75),
    "heaviside": lambda x: np.heaviside(x, 0.5), "hardtanh": ops.hardtanh,
    "hardsigmoid": lambda x: ops.hardsigmoid(x + 2),
    "clip": lambda x: np.clip(x, -1, 1),
    "fmax": lambda x: np.fmax(x, 3), "maximum": lambda x: np.maximum(x, 3),
    "copysign": lambda x: np.copysign(np.ones(()), x),
}  # fmt: skip


@recorded_or_not
@pytest.mark.parametrize("f", FLAT_AT_2.values(), ids=FLAT_AT_2)
def test_what_is_flat_stops_an_infinite_gradient(f, options):
    assert value_and_slopes(f, 2.0, seed=INF, **options)[1] == 0


def test_the_slope_of_a_root_is_infinite_at_0():
    with np.errstate(divide="ignore"):
        for f in (np.sqrt, np.cbrt):
            assert value_and_slopes(f, [0.0])[1].tolist() == [INF]


# --------------------------------------------------------------------------------------------- higher orders
def test_the_derivatives_of_sinc_at_and_around_0_are_those_of_its_series():
    found = derivatives(np.sinc, np.array([0.0, 1e-200, 1e-9]), 4)
    # Σ (-1)ᵏ (πx)²ᵏ / (2k + 1)!: at 1e-9 the next term is 1e-18 of the first.
    x = np.array([0.0, 1e-200, 1e-9])
    expected = (1, -(np.pi**2) / 3 * x, -(np.pi**2) / 3, np.pi**4 / 5 * x, np.pi**4 / 5)
    for actual, exact in zip(found, expected, strict=True):
        np.testing.assert_allclose(actual, np.broadcast_to(exact, x.shape), rtol=4 * EPS, atol=0)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_the_derivatives_of_sinc_have_no_step_where_the_series_gives_way(order):
    edge = max(order, 1) / np.pi
    around = np.array([edge * (1 - EPS), edge * (1 + EPS)])
    left, right = ops.sinc_derivative(around, order=order)
    # Each of the two ways loses at most a factor eⁿ of precision, of derivatives of the size πⁿ / (n + 1).
    assert abs(left - right) <= EPS * math.e**order * np.pi**order


SMOOTH = {
    case.op: case
    for case in (*elementwise.ELEMENTWISE, *functions.CASES)
    if case.form == "vector" and case.smooth and case.op != "astype"
}


@pytest.mark.parametrize("case", SMOOTH.values(), ids=str)
def test_the_third_derivative_is_the_numerical_one(case):
    assert tg.gradcheck(case.call, *case.draw(), order=3)


# ---------------------------------------------------------------------------------------------- far out
BIG = 1000.0
# At -1000, 0 and 1000: the value, the slope, the second derivative.
SATURATED = {
    "sigmoid": (ops.sigmoid, [0, 0.5, 1], [0, 0.25, 0], [0, 0, 0]),
    "log_sigmoid": (ops.log_sigmoid, [-BIG, -math.log(2), 0], [1, 0.5, 0], [0, -0.25, 0]),
    "softplus": (ops.softplus, [0, math.log(2), BIG], [0, 0.5, 1], [0, 0.25, 0]),
    "tanh": (np.tanh, [-1, 0, 1], [0, 1, 0], [0, 0, 0]),
    "silu": (ops.silu, [0, 0, BIG], [0, 0.5, 1], [0, 0.5, 0]),
    "mish": (ops.mish, [0, 0, BIG], [0, 0.6, 1], [0, 0.64, 0]),
    "gelu": (ops.gelu, [0, 0, BIG], [0, 0.5, 1], [0, math.sqrt(2 / math.pi), 0]),
    "gelu, tanh": (
        lambda x: ops.gelu(x, approximate="tanh"),
        [0, 0, BIG],
        [0, 0.5, 1],
        [0, math.sqrt(2 / math.pi), 0],
    ),
    "elu": (ops.elu, [-1, 0, BIG], [0, 1, 1], None),
    "selu": (ops.selu, [-1.6732632423543772 * 1.0507009873554805, 0, 1050.7009873554805], None, None),
    "hardswish": (ops.hardswish, [0, 0, BIG], [0, 0.5, 1], None),
    "erf": (ops.erf, [-1, 0, 1], [0, 2 / math.sqrt(math.pi), 0], [0, 0, 0]),
    "erfc": (ops.erfc, [2, 1, 0], [0, -2 / math.sqrt(math.pi), 0], [0, 0, 0]),
    "gaussian": (ops.gaussian, [0, 1, 0], [0, 0, 0], [0, -2, 0]),
    "logaddexp": (lambda x: np.logaddexp(x, 0.0), [0, math.log(2), BIG], [0, 0.5, 1], [0, 0.25, 0]),
}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("f", "value", "slope", "second"), SATURATED.values(), ids=SATURATED)
def test_1000_neither_overflows_nor_warns_nor_gives_nan(f, value, slope, second, dtype):
    found = derivatives(f, np.array([-BIG, 0, BIG], dtype), 2)
    eps = float(np.finfo(dtype).eps)
    for actual, expected in zip(found, (value, slope, second), strict=True):
        assert actual.dtype == dtype
        assert np.isfinite(actual).all()
        if expected is not None:  # up to the roundings of some 4 steps
            np.testing.assert_allclose(actual, np.array(expected), rtol=4 * eps, atol=0)


@pytest.mark.parametrize(("dtype", "huge"), [(np.float64, 1e200), (np.float32, 1e30), (np.float16, 6e4)])
def test_slopes_far_out_do_not_overflow_on_the_way(dtype, huge):
    eps = 4 * float(np.finfo(dtype).eps)
    huge = float(dtype(huge))
    expected = {
        np.arctan: [1 / huge / huge] * 2,
        np.arcsinh: [1 / huge] * 2,
        ops.softsign: [1 / huge / huge] * 2,
    }
    for f, slope in expected.items():
        np.testing.assert_allclose(
            value_and_slopes(f, [-huge, huge], dtype=dtype)[1], np.array(slope, dtype), rtol=eps, atol=0
        )
    np.testing.assert_allclose(value_and_slopes(np.arccosh, huge, dtype=dtype)[1], dtype(1 / huge), rtol=eps)
    near = huge / 2
    _, x, y = value_and_slopes(np.hypot, near, near, dtype=dtype)
    np.testing.assert_allclose([x, y], math.sqrt(0.5), rtol=eps)
    _, y, x = value_and_slopes(np.arctan2, near, near, dtype=dtype)
    np.testing.assert_allclose([y, x], [dtype(0.5 / near), dtype(-0.5 / near)], rtol=eps)


def test_slopes_close_to_0_do_not_underflow_on_the_way():
    _, x, y = value_and_slopes(np.hypot, 3e-200, 4e-200)
    np.testing.assert_allclose([x, y], [0.6, 0.8], rtol=4 * EPS)
    _, y, x = value_and_slopes(np.arctan2, 3e-200, 4e-200)
    np.testing.assert_allclose([y, x], [0.16e200, -0.12e200], rtol=4 * EPS)


def test_slopes_keep_their_digits_where_the_plain_formula_cancels():
    close = 1 - 2.0**-50  # 1 - x² would be known to two digits
    np.testing.assert_allclose(
        value_and_slopes(np.arcsin, close)[1], 1 / math.sqrt(2.0**-50 * (2 - 2.0**-50)), rtol=4 * EPS
    )
    np.testing.assert_allclose(value_and_slopes(np.arctanh, close)[1], 2.0**50 / (2 - 2.0**-50), rtol=4 * EPS)
    np.testing.assert_allclose(value_and_slopes(np.expm1, -40.0)[1], math.exp(-40), rtol=4 * EPS)
    np.testing.assert_allclose(value_and_slopes(ops.log_sigmoid, 40.0)[1], math.exp(-40), rtol=4 * EPS)
    np.testing.assert_allclose(value_and_slopes(ops.softsign, 1e15)[1], 1e-30, rtol=1e-14)  # of 1 + 1e15


# ------------------------------------------------------------------------------------ quotients, whole numbers
@pytest.mark.parametrize(("f", "whole"), [(np.remainder, math.floor), (np.fmod, math.trunc)])
def test_the_slope_of_a_remainder_is_the_exact_quotient(f, whole):
    x = np.array([0.3, 0.6, 0.7, 1.2, 4.35, 1e14, -0.3, -0.9, -4.35, 1.0, 0.9999999999999999 * 49])
    y = np.array([0.1, 0.2, 0.1, 0.4, 0.15, 0.1, 0.1, 0.3, 0.15, 1 / 49, 1 / 49 * 49])
    exact = [-whole(Fraction(a) / Fraction(b)) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    assert value_and_slopes(f, x, y)[2].tolist() == exact
    if f is np.fmod:  # or else the cases are too easy
        assert np.trunc(x / y).tolist() != [-n for n in exact]


WHOLE = [np.array([[0, 1, 2], [3, 100, 127]]), np.array([-128, -1, 0, 1, 127])]
WHOLES = [
    *(array.astype(t) for array in WHOLE for t in ("b", "h", "i", "l")),
    *(WHOLE[0].astype(t) for t in ("B", "H", "I", "L")),
    np.array([255, 200, 3], "B"),
    np.array([True, False]),
]
UFUNCS = {
    op.name: op
    for op in ops.TABLE.values()
    if isinstance(op.function, np.ufunc) and op.function.signature is None and len(op.rules) == op.function.nin
}


def outcome(f, *xs):
    """Give what f computes, or the kind of error it raises."""
    try:
        with np.errstate(all="ignore"):
            return np.asarray(f(*xs))
    except (TypeError, ValueError) as error:
        return TypeError if isinstance(error, TypeError) else ValueError  # ours derive from these


@pytest.mark.parametrize("array", WHOLES, ids=lambda a: f"{a.dtype} {a.ravel()[0]}")
@pytest.mark.parametrize("op", UFUNCS.values(), ids=UFUNCS)
def test_whole_numbers_and_masks_give_what_numpy_gives(op, array):
    arrays = [array, array[..., ::-1]][: len(op.rules)]
    expected = outcome(op.function, *arrays)
    actual = outcome(lambda *xs: op.function(*map(tg.Tensor, xs)).numpy(), *arrays)
    if isinstance(expected, type):
        assert actual is expected
    else:
        assert actual.dtype == expected.dtype
        np.testing.assert_array_equal(actual, expected)


ACTIVATIONS = sorted({*functions.ACTIVATIONS, "sigmoid", "softplus", "relu"} - {"sinc_derivative"})


@pytest.mark.parametrize("array", WHOLES, ids=lambda a: f"{a.dtype} {a.ravel()[0]}")
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_of_whole_numbers_are_those_of_the_same_floats(name, array):
    op = getattr(ops, name)
    out = op(tg.Tensor(array)).numpy()
    exact = op(array.astype(np.float64))
    # An int8 may become a float16, as in NumPy: its rounding, and what in float16 is 0.
    eps = float(np.finfo(out.dtype).eps) if out.dtype.kind == "f" else 0
    np.testing.assert_allclose(out.astype(np.float64), exact, rtol=8 * eps, atol=8 * eps * eps)


# ------------------------------------------------------------------------------------------ calls and errors
def test_divmod_gives_both_with_a_gradient_of_the_remainder():
    x = tg.tensor([7.5, -7.5], requires_grad=True)
    quotient, remainder = np.divmod(x, 2)
    assert quotient.tolist() == [3, -4]
    assert remainder.tolist() == [1.5, 0.5]
    (quotient + remainder).sum().backward()
    assert x.grad.tolist() == [1, 1]


def test_bounds_take_numbers_that_the_dtype_does_not_hold():
    x = np.array([0, 200], np.uint8)
    assert np.clip(tg.Tensor(x), -1, 300).tolist() == np.clip(x, -1, 300).tolist() == [0, 200]
    assert functional.clip([1, 5], 0, 3).tolist() == [1, 3]
    assert ops.hardtanh(x).tolist() == [0, 1]


def test_a_bound_given_twice_is_refused():
    x = tg.tensor([1.0])
    with pytest.raises(ArgumentError, match="clip was given the same bound twice"):
        np.clip(x, 0, 1, max=2)
    with pytest.raises(ArgumentError, match="clip was given the same bound twice"):
        functional.clip(x, 0, min=0)


def test_gelu_takes_one_of_two_ways():
    with pytest.raises(OptionError, match=r"approximate='fast', but takes \"none\" or \"tanh\""):
        functional.gelu([1.0], approximate="fast")


def test_closeness_is_one_truth_for_all_entries_or_one_for_each():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    assert np.allclose(x, np.array([1.0, 2.0 + 1e-7]))
    assert not np.allclose(x, [1.0, 2.1])
    assert np.isclose(x, [1.0, 2.1]).tolist() == [True, False]
    assert np.array_equal(x, np.array([1.0, 2.0]))
    assert not np.array_equal(x, np.array([1.0]))
