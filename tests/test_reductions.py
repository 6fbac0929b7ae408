"""What sums, products, norms, averages, quantiles and scans promise beyond the cases: at zeros, ties, extremes."""

import itertools
import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import ops
from tinygrad_edu.errors import ArgumentError, DtypeError, GraphError, OptionError, ShapeError

MODES = pytest.mark.parametrize("mode", [{}, {"create_graph": True}], ids=["arrays", "recorded"])


def gradient(f, x, weights=1, **mode):
    """Give the gradient of the sum of the results, weighed."""
    x = tg.tensor(np.asarray(x), requires_grad=True)
    (f(x) * weights).sum().backward(**mode)
    return x.grad.numpy()


def float64(*entries):
    return np.array(entries, np.float64)


# ------------------------------------------------------------------------------- products with zeros
ZEROS = {
    "no zero": float64(2, -3, 0.5, 4),
    "one zero": float64(2, 0, 0.5, 4),
    "a zero in front": float64(0, -3, 0.5, 4),
    "a zero at the end": float64(2, -3, 0.5, 0),
    "two zeros": float64(2, 0, -3, 0),
    "only zeros": float64(0, 0, 0),
}


@MODES
@pytest.mark.parametrize("x", ZEROS.values(), ids=ZEROS)
def test_the_gradient_of_a_product_is_the_product_of_the_others(x, mode):
    others = [math.prod(x[:i]) * math.prod(x[i + 1 :]) for i in range(len(x))]
    # Products of at most 4 of these numbers are exact.
    np.testing.assert_array_equal(gradient(np.prod, x, **mode), others)


@MODES
@pytest.mark.parametrize("x", ZEROS.values(), ids=ZEROS)
def test_the_gradient_of_a_running_product_sums_the_products_of_the_others(x, mode):
    n, weights = len(x), np.arange(1, len(x) + 1)
    others = [[weights[j] * math.prod(x[:i]) * math.prod(x[i + 1 : j + 1]) for j in range(i, n)] for i in range(n)]
    np.testing.assert_array_equal(gradient(np.cumprod, x, weights, **mode), [sum(terms) for terms in others])


@pytest.mark.parametrize("f", [np.prod, np.cumprod], ids=["prod", "cumprod"])
@pytest.mark.parametrize("x", ZEROS.values(), ids=ZEROS)
def test_second_and_third_derivatives_of_products_with_zeros_are_the_numerical_ones(f, x):
    assert tg.gradcheck(f, x, order=3)


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), (2, 1), None])
def test_products_along_axes_with_zeros_have_exact_second_derivatives(axis):
    x = float64(*range(12)).reshape(2, 3, 2) % 4 - 1  # every fourth entry is 0
    assert tg.gradcheck(lambda t: np.prod(t, axis=axis), x, order=2)
    if not isinstance(axis, tuple):
        assert tg.gradcheck(lambda t: np.cumprod(t, axis=axis), x, order=2)


# -------------------------------------------------------------------------------------- recurrences
def test_a_recurrence_is_right_where_only_a_product_of_its_links_overflows():
    links = np.array([1e30, 1e30, 1e-30, 1e-30], np.float32)
    out = ops.linear_recurrence(np.array([1e-30, 0, 0, 0, 1], np.float32), links)
    # Each step rounds once.
    np.testing.assert_allclose(out, [1e-30, 1, 1e30, 1, 1 + 1e-30], rtol=4 * np.finfo(np.float32).eps)
    back = ops.linear_recurrence(np.array([1, 0, 0, 0, 1e-30], np.float32), links[::-1], reverse=True)
    np.testing.assert_array_equal(back, out[::-1])


def test_a_long_recurrence_is_a_moving_average():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(1000)
    expected = float64(*itertools.accumulate(x, lambda y, b: 0.9 * y + b))
    # Rounding errors die out as 0.9ⁿ: at most 10 of them, each of half a unit of the largest entry, on either side.
    atol = 10 * np.finfo(float).eps * np.abs(expected).max()
    np.testing.assert_allclose(ops.linear_recurrence(x, 0.9), expected, rtol=0, atol=atol)


def test_a_recurrence_of_misfitting_shapes_is_refused():
    with pytest.raises(ShapeError, match=r"linear_recurrence of shapes \(3,\) and \(3,\)"):
        ops.linear_recurrence(tg.tensor([1.0, 2.0, 3.0]), np.ones(3))


# ------------------------------------------------------------------------- running sums of exponentials
@MODES
@pytest.mark.parametrize("shift", [-1000, 0, 1000])
def test_logcumsumexp_does_not_overflow_and_its_gradient_does_not_depend_on_the_shift(shift, mode):
    x, weights = float64(0, 1, -1, 2), float64(1, 2, 3, 4)
    assert ops.logcumsumexp(x + shift) == pytest.approx(np.log(np.cumsum(np.exp(x))) + shift, rel=1e-15, abs=1e-15)
    softmaxes = np.tril(np.exp(x)) / np.cumsum(np.exp(x))[:, None]
    # y near 1000 is rounded to 1000 eps, and that is what the exponents are wrong by.
    rtol = (8 + abs(shift)) * np.finfo(float).eps
    np.testing.assert_allclose(gradient(ops.logcumsumexp, x + shift, weights, **mode), weights @ softmaxes, rtol=rtol)


@MODES
def test_logcumsumexp_of_what_is_ruled_out_has_gradient_0(mode):
    x = float64(-np.inf, -np.inf, 0, -np.inf)
    np.testing.assert_array_equal(ops.logcumsumexp(x), [-np.inf, -np.inf, 0, 0])
    np.testing.assert_array_equal(gradient(lambda t: ops.logcumsumexp(t)[2:], x, **mode), [0, 0, 2, 0])


@MODES
def test_logsumexp_of_nothing_but_minus_infinity_has_gradient_0(mode):
    x = float64(-np.inf, -np.inf)
    assert ops.logsumexp(x) == -np.inf
    np.testing.assert_array_equal(gradient(ops.logsumexp, x, **mode), [0, 0])


def test_logsumexp_of_infinity_and_large_numbers_is_infinity_without_a_warning():
    assert ops.logsumexp(float64(np.inf, 1000)) == np.inf


@MODES
def test_running_extremes_share_the_gradient_among_ties(mode):
    x, weights = float64(1, 1, 0, 1, 2, 2), float64(6, 4, 2, 3, 5, 8)
    # The 1 is held by one entry, then two, two and three; the 2 by one and then two.
    shares = [6 + 2 + 1 + 1, 2 + 1 + 1, 0, 1, 5 + 4, 4]
    np.testing.assert_array_equal(gradient(ops.cummax, x, weights, **mode), shares)
    np.testing.assert_array_equal(gradient(ops.cummin, -x, weights, **mode), shares)


# --------------------------------------------------------------------------------------------- norms
VECTOR_ORDERS = (2, 1, 3, 1.5, 0.5, -1, -2.5, np.inf, -np.inf)
MATRIX_ORDERS = ("fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf)


@MODES
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_gradient_of_a_norm_at_the_zero_vector_and_matrix_is_0(dtype, mode):
    for order in VECTOR_ORDERS:
        assert not gradient(lambda t, p=order: np.linalg.norm(t, p), np.zeros(3, dtype), **mode).any()
    for order in MATRIX_ORDERS:
        assert not gradient(lambda t, p=order: np.linalg.norm(t, p), np.zeros((2, 3), dtype), **mode).any()


@MODES
def test_one_zero_vector_among_others_does_no_harm(mode):
    x = float64(3, 4, 0, 0).reshape(2, 2)
    np.testing.assert_array_equal(ops.norm(x, axis=1), [5, 0])
    found = gradient(lambda t: np.linalg.norm(t, axis=1), x, **mode)
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0]], rtol=2 * np.finfo(float).eps)


@MODES
@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
@pytest.mark.parametrize("order", [2, 3, 10, 0.5, -1, -10])
def test_a_norm_neither_overflows_nor_vanishes(order, scale, mode):
    x = float64(3, -4, 5)
    # Powers of up to 10 of numbers that are rounded once, scaled twice.
    near = {"rtol": 40 * np.finfo(float).eps}
    assert ops.vector_norm(x * scale, ord=order) == pytest.approx(scale * np.linalg.norm(x, order), rel=near["rtol"])
    found = gradient(lambda t: np.linalg.norm(t, order), x * scale, **mode)
    np.testing.assert_allclose(found, gradient(lambda t: np.linalg.norm(t, order), x), **near)


def test_norms_of_infinite_entries_are_infinite_and_of_nan_nan():
    for order in (2, 3, 1, np.inf):
        assert ops.vector_norm(float64(1, -np.inf), ord=order) == np.inf
        assert math.isnan(ops.vector_norm(float64(1, np.nan), ord=order))


def test_a_norm_with_zeros_and_a_negative_order_is_0():
    assert ops.vector_norm(float64(0, 2), ord=-1) == 0
    np.testing.assert_array_equal(gradient(lambda t: np.linalg.norm(t, -1), float64(0, 2)), [0, 0])


def test_norms_of_integers_are_numpys():
    x = np.array([[3, -4], [0, 5]], np.int8)
    for order in (None, *MATRIX_ORDERS):
        assert ops.norm(x, order) == pytest.approx(np.linalg.norm(x, order), rel=4 * np.finfo(float).eps)
    assert ops.norm(x).dtype == np.linalg.norm(x).dtype


NO_NORM = {
    "an order of matrices that there is not": (lambda x: np.linalg.norm(x, 3), OptionError, "'fro'.*was given 3"),
    "an order of vectors that there is not": (lambda x: np.linalg.norm(x, "fro", 0), OptionError, "number.*'fro'"),
    "three axes": (lambda x: np.linalg.norm(x, axis=(0, 1, 0)), ShapeError, "once"),
    "an axis that is not there": (lambda x: np.linalg.norm(x, axis=5), ShapeError, "[Aa]xis 5 is out of bounds"),
    "a vector as a matrix": (lambda x: np.linalg.matrix_norm(x[0], ord=1), ShapeError, "out of bounds"),
    "an order and three axes": (lambda x: np.linalg.norm(x[None], 2), ShapeError, r"one axis.*\(1, 2, 2\)"),
}


@pytest.mark.parametrize(("call", "error", "message"), NO_NORM.values(), ids=NO_NORM)
def test_a_norm_that_is_not_there_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(tg.tensor(np.ones((2, 2)), requires_grad=True))


# --------------------------------------------------------------------------------- variance and deviation
@MODES
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [0.0, 0.1, -3.3, 1e4])
def test_equal_entries_have_variance_0_and_the_gradient_of_the_deviation_is_0(value, dtype, mode):
    x = np.full((3, 7), value, dtype)
    for f, axis in itertools.product((np.var, np.std), (None, 0, 1)):
        assert not f(tg.tensor(x), axis=axis).numpy().any()
        found = gradient(lambda t, f=f, axis=axis: f(t, axis=axis), x, **mode)
        assert found.dtype == dtype
        assert not found.any()


def test_the_variance_of_large_and_close_numbers_is_exact():
    x = float64(1, 2, 4) + 2.0**40
    assert ops.var(x) == pytest.approx(np.var(float64(1, 2, 4)), rel=2 * np.finfo(float).eps)


def test_averages_of_float16_do_not_overflow():
    x = np.array([60000, -60000, 60000, 60000], np.float16)
    t = tg.tensor(x)
    assert (np.mean(t).item(), np.mean(t).dtype) == (30000, np.float16)
    assert np.mean(t, axis=0, keepdims=True).tolist() == [30000]
    assert np.nanmean(t).item() == 30000
    # The deviations are 30000 three times and 90000 once: their root mean square is √2.7e9, and float16 has 11 bits.
    assert np.std(t).item() == pytest.approx(math.sqrt(2.7e9), rel=2.0**-11)
    assert np.quantile(t[:2], 0.5).item() == 0


@MODES
def test_the_gradient_of_an_average_of_many_entries_in_float16_does_not_vanish(mode):
    found = gradient(np.mean, np.zeros(70000, np.float16), **mode)
    np.testing.assert_array_equal(found, np.full(70000, 1 / 70000, np.float16))


NO_FREEDOM = {
    "one entry": lambda x: np.var(x[:1], ddof=1),
    "along an axis": lambda x: np.std(x.reshape(3, 1), axis=1, ddof=1),
    "the other name": lambda x: np.std(x, correction=3),
    "no entries": lambda x: np.var(x[:0]),
}


@pytest.mark.parametrize("call", NO_FREEDOM.values(), ids=NO_FREEDOM)
def test_a_variance_without_degrees_of_freedom_is_refused(call):
    with pytest.raises(ShapeError, match="no degree of freedom"):
        call(tg.tensor([1.0, 2.0, 3.0]))


def test_ddof_and_correction_at_once_are_refused():
    with pytest.raises(ArgumentError, match="two names"):
        np.var(tg.tensor([1.0, 2.0]), ddof=1, correction=1)


# ------------------------------------------------------------------------------------------- arguments
def test_the_positions_of_numpys_arguments_mean_what_they_mean_for_arrays():
    x = np.arange(6, dtype=np.float32).reshape(2, 3) ** 2
    calls = [
        lambda m: np.sum(m, 0, np.float64),
        lambda m: np.sum(m, 0, None, None, True),  # noqa: FBT003 - NumPy's keepdims
        lambda m: np.prod(m, 1, np.float64, None, True),  # noqa: FBT003 - the same
        lambda m: np.mean(m, 1, np.float64),
        lambda m: np.max(m, 1, None, True),  # noqa: FBT003 - the same
        lambda m: np.var(m, 0, None, None, 1),
        lambda m: np.std(m, 0, np.float64, None, 1, True),  # noqa: FBT003 - the same
        lambda m: np.cumsum(m, 0, np.float64),
        lambda m: np.cumprod(m, 1),
        lambda m: np.diff(m, 2, 1),
        lambda m: np.any(m, 1, None, True),  # noqa: FBT003 - the same
        lambda m: np.median(m, 1),
        lambda m: np.quantile(m, 0.25, 0),
        lambda m: np.average(m, 1, np.array([1, 2, 3], np.float32)),
        lambda m: np.nansum(m, 1, np.float64),
        lambda m: np.linalg.norm(m, 2, 1, True),  # noqa: FBT003 - the same
    ]
    for call in calls:
        out, expected = call(tg.tensor(x)).numpy(), call(x)
        assert (out.dtype, out.shape) == (expected.dtype, expected.shape)
        np.testing.assert_allclose(out, expected, rtol=4 * np.finfo(np.float32).eps)


REFUSED = {
    "where in a sum": (lambda x, m: np.sum(x, where=m), "sum of a Tensor was given where"),
    "initial in a sum": (lambda x, _m: np.sum(x, initial=1), "sum of a Tensor was given initial"),
    "initial in a product": (lambda x, _m: np.prod(x, initial=2), "prod of a Tensor was given initial"),
    "where in a maximum": (lambda x, m: np.max(x, where=m, initial=0), "max of a Tensor was given where, initial"),
    "where in a mean": (lambda x, m: np.mean(x, where=m), "mean of a Tensor was given where"),
    "where in a variance": (lambda x, m: np.var(x, where=m), "var of a Tensor was given where"),
    "the mean of a variance": (lambda x, _m: np.var(x, mean=0.5), "var of a Tensor was given mean"),
    "weights of a quantile": (lambda x, m: np.quantile(x, 0.5, weights=m), "quantile of a Tensor was given weights"),
    "out": (lambda x, _m: np.cumsum(x, out=np.zeros(2)), "cumsum of a Tensor was given out"),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_what_a_reduction_does_not_take_is_refused_by_name(call, message):
    with pytest.raises(ArgumentError, match=rf"{message}.*tensor\.numpy\(\)"):
        call(tg.tensor([1.0, 2.0], requires_grad=True), np.array([True, False]))


def test_an_average_in_whole_numbers_is_refused():
    for f in (np.mean, np.var, np.std, np.nanmean):
        with pytest.raises(DtypeError, match="floating"):
            f(tg.tensor([1.0, 2.0]), dtype=np.int64)


def test_a_sum_in_float64_adds_in_float64_and_gives_a_gradient_in_the_dtype_of_the_tensor():
    x = tg.tensor(np.array([1.0, 2.0**-30, -1.0], np.float32), requires_grad=True)
    for f, expected in ((np.sum, 2.0**-30), (np.cumsum, 2.0**-30), (np.nansum, 2.0**-30)):
        out = f(x, dtype=np.float64)
        assert out.dtype == np.float64
        assert out.numpy().reshape(-1)[-1] == expected
    np.sum(x, dtype=np.float64).backward()
    assert (x.grad.dtype, x.grad.tolist()) == (np.float32, [1, 1, 1])


INTEGERS = np.array([[3, 1, 2, 2], [0, 5, 5, 4]], np.int16)


@pytest.mark.parametrize(
    "f",
    [np.sum, np.mean, np.prod, np.max, np.min, np.ptp, np.var, np.std, np.average, np.median, np.nansum, np.nanmean,
     np.all, np.any, np.count_nonzero, np.cumsum, np.cumprod, np.diff, np.sort, np.argsort],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_integers_give_what_numpy_gives(f):
    for options in ({"axis": 0}, {"axis": 1}, *([{"axis": None}] if f is not np.diff else [])):
        out, expected = f(tg.tensor(INTEGERS), **options), f(INTEGERS, **options)
        assert out.dtype == expected.dtype
        np.testing.assert_allclose(out.numpy(), expected, rtol=4 * np.finfo(float).eps)


# ------------------------------------------------------------------------------------------- averages
def test_weights_in_a_list_take_on_the_dtype_of_the_data():
    assert np.average(tg.tensor([1.0, 2.0]), weights=[1, 3]).item() == 1.75
    assert np.average(tg.tensor([1.0, 2.0]), weights=[0.5, 0.5]).dtype == np.float32


def test_weights_that_do_not_fit_or_add_up_to_0_are_refused():
    x = tg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    with pytest.raises(ShapeError, match=r"axis=None.*\(2, 2\).*\(2,\)"):
        np.average(x, weights=[1, 2])
    with pytest.raises(ShapeError, match=r"axis=0.*\(3,\)"):
        np.average(x, axis=0, weights=[1, 2, 3])
    with pytest.raises(OptionError, match="sum of the weights"):
        np.average(x, axis=0, weights=tg.tensor([1.0, -1.0]))


@MODES
def test_what_is_not_a_number_is_left_out_and_has_gradient_0(mode):
    x = float64(1, np.nan, 3, np.nan, 5, np.nan).reshape(3, 2)[:, ::-1]
    np.testing.assert_array_equal(gradient(np.nansum, x, **mode), [[0, 1]] * 3)
    np.testing.assert_array_equal(gradient(np.nanmean, x, **mode), [[0, 1 / 3]] * 3)


# ----------------------------------------------------------------------------------------- quantiles
def test_not_a_number_among_the_data_makes_the_quantiles_of_its_line_nan():
    x = tg.tensor(float64(1, np.nan, 3, 4, 5, 6).reshape(2, 3))
    assert np.isnan(np.median(x, axis=1).numpy()).tolist() == [True, False]
    assert np.isnan(np.quantile(x, [0, 0.3], axis=1).numpy()).tolist() == [[True, False]] * 2


def test_quantiles_of_infinite_entries_are_those_in_between():
    x = tg.tensor(float64(-np.inf, 1, 2, np.inf))
    assert np.quantile(x, [0, 1 / 3, 0.5, 2 / 3, 1]).tolist() == [-np.inf, 1, 1.5, 2, np.inf]


def test_the_median_of_ties_gives_the_gradient_to_those_in_the_middle_of_the_stable_order():
    np.testing.assert_array_equal(gradient(np.median, float64(1, 1, 1)), [0, 1, 0])
    np.testing.assert_array_equal(gradient(np.median, float64(2, 1, 2, 0, 2, 2)), [0.5, 0, 0.5, 0, 0, 0])


def test_quantiles_of_equal_entries_are_that_entry():
    x = tg.tensor(np.full(7, 0.1))
    assert set(np.quantile(x, np.linspace(0, 1, 30)).tolist()) == {0.1}


def test_a_quantile_that_is_not_there_is_refused():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(OptionError, match=r"0 <= q <= 1.*1\.5"):
        np.quantile(x, [0.5, 1.5])
    with pytest.raises(OptionError, match=r"'linaer'.*Did you mean 'linear'"):
        np.quantile(x, 0.5, method="linaer")
    with pytest.raises(ShapeError, match="no entries"):
        np.median(x[:0])
    with pytest.raises(ShapeError, match=r"[Aa]xis 1 is out of bounds"):
        np.median(x, axis=1)
    with pytest.raises(GraphError, match="drop its gradient"):
        np.quantile(x, x * 0.1)


# ------------------------------------------------------------------------------------------ differences
def test_differences_that_are_not_there_are_refused():
    x = tg.tensor([1.0, 2.0])
    with pytest.raises(OptionError, match="n=-1"):
        np.diff(x, n=-1)
    with pytest.raises(ShapeError, match=r"[Aa]xis 1"):
        np.diff(x, axis=1)
    assert np.diff(x, n=0) is x


def test_a_number_before_the_differences_takes_on_the_dtype_of_the_tensor():
    assert np.diff(tg.tensor([1.0, 2.0]), prepend=0, append=np.float64(3)).dtype == np.float32


# ----------------------------------------------------------------------------------- narrow and foreign numbers
@MODES
@pytest.mark.parametrize(("shape", "axis"), [((70_000,), 0), ((70_000,), -1), ((4096, 2), 0), ((2, 4096), 1)], ids=str)
def test_what_float16_cannot_count_is_summed_in_float32(shape, axis, mode):
    # 70,000 is beyond float16, and 2048 + 1 is 2048 in it.
    zeros, n = np.zeros(shape, np.float16), shape[axis]
    rounded = {"rtol": 2**-10, "atol": 2.0**-25}  # to float16, whose least step is 2⁻²⁴
    np.testing.assert_allclose(ops.softmax(zeros, axis=axis), np.full(shape, 1 / n), **rounded)
    np.testing.assert_allclose(ops.log_softmax(zeros, axis=axis), np.full(shape, -np.log(n)), **rounded)
    np.testing.assert_allclose(ops.logsumexp(zeros, axis=axis), np.full_like(zeros.max(axis), np.log(n)), **rounded)
    for f in (ops.softmax, ops.log_softmax, ops.logsumexp):
        assert f(zeros, axis=axis).dtype == np.float16
    # A constant added to all scores changes no probability.
    for f in (ops.softmax, ops.log_softmax):
        x = tg.tensor(zeros, requires_grad=True)
        f(x, axis=axis).backward(np.ones_like(zeros), **mode)
        np.testing.assert_allclose(
            x.grad.numpy(), np.zeros(shape), rtol=0, atol=2.0**-7
        )  # 1 - n · 1/n, of a rounded 1/n


def test_float16_scores_far_apart_do_not_overflow_on_the_way():
    x = np.array([6e4, -6e4], np.float16)
    assert ops.softmax(x).tolist() == [1, 0]
    assert ops.logsumexp(x) == x[0]


@pytest.mark.parametrize("dtype", [">f2", ">f4", ">f8", "<f4", ">i4"])
@pytest.mark.parametrize("f", [np.nanmean, np.nansum], ids=lambda f: f.__name__)
def test_data_of_any_byte_order_is_averaged(f, dtype):
    values = [1, 2, 6] if dtype == ">i4" else [1, np.nan, 3]
    x = np.array([values, [4, 5, 6]], dtype)
    for options in ({}, {"axis": 0}, {"axis": 1, "keepdims": True}, {"dtype": np.float64}):
        expected = f(x, **options)
        for out in (getattr(ops, f.__name__)(x, **options), f(tg.tensor(x), **options).numpy()):
            np.testing.assert_allclose(out, expected, rtol=1e-15)
            assert out.dtype == expected.dtype
    if dtype != ">i4":
        slopes = np.isfinite(x[0]) / (5 if f is np.nanmean else 1)
        np.testing.assert_array_equal(gradient(f, x)[0], slopes.astype(dtype))
    assert ops.nansum(x, dtype=">f4").dtype == np.float32
