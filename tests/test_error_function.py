"""The error function, made of two polynomials, is as exact as the one of the C library, in its tails too."""

import math

import numpy as np
import pytest
from scipy import special

import tinygrad_edu as tg
from tinygrad_edu import ops

INF, NAN = math.inf, math.nan
EPS, EPS32 = float(np.finfo(np.float64).eps), float(np.finfo(np.float32).eps)

POINTS = np.concatenate(
    [np.linspace(-7, 7, 2801), np.geomspace(1e-300, 1, 601), np.linspace(0.99, 1.01, 401), np.linspace(1, 26.5, 1021)]
)


@pytest.mark.parametrize("reference", [np.vectorize(math.erf), special.erf], ids=["math", "SciPy"])
def test_erf_is_right_to_the_last_digits(reference):
    # Each of the two within 1 eps; in truth ours is within 0.7 eps of the exact number.
    np.testing.assert_allclose(ops.erf(POINTS), reference(POINTS), rtol=2 * EPS, atol=0)


@pytest.mark.parametrize("reference", [np.vectorize(math.erfc), special.erfc], ids=["math", "SciPy"])
def test_erfc_is_right_to_the_last_digits_even_in_the_tail(reference):
    # Ours is within 3 eps of the exact number, of 1e-306 too; the other within 2.
    rtol = 5 * EPS
    if reference is special.erfc:
        rtol += EPS * 26.5**2  # it squares x in one piece
    np.testing.assert_allclose(ops.erfc(POINTS), reference(POINTS), rtol=rtol, atol=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_the_narrow_error_function_is_the_wide_one_rounded(dtype):
    tiny, eps = (float(x) for x in (np.finfo(dtype).tiny, np.finfo(dtype).eps))
    x = POINTS[(np.abs(POINTS) > tiny) & (np.abs(POINTS) < 9)].astype(dtype)
    wide = x.astype(np.float64)
    assert ops.erf(x).dtype == ops.erfc(x).dtype == ops.gaussian(x).dtype == dtype
    np.testing.assert_allclose(ops.erf(x), ops.erf(wide), rtol=eps, atol=0)
    # Below `tiny` digits are lost in any case.
    np.testing.assert_allclose(ops.erfc(x), ops.erfc(wide), rtol=4 * eps, atol=tiny * eps)
    np.testing.assert_allclose(ops.gaussian(x), ops.gaussian(wide), rtol=4 * eps, atol=tiny * eps)


def test_the_ends_of_the_error_function_are_exact():
    ends = np.array([-INF, INF, 0.0])
    assert ops.erf(ends).tolist() == [-1, 1, 0]
    assert ops.erfc(ends).tolist() == [2, 0, 1]
    for f in (ops.erf, ops.erfc, ops.gaussian):
        slope = tg.grad(lambda x, f=f: f(x).sum())
        second = tg.grad(lambda x, slope=slope: slope(x).sum())
        assert slope(tg.tensor(ends[:2])).tolist() == second(tg.tensor(ends[:2])).tolist() == [0, 0]
    assert math.isnan(ops.erf(NAN))
    assert math.isnan(ops.erfc(NAN))
    assert math.copysign(1, ops.erf(np.array(-0.0))) == -1


def test_gelu_keeps_its_digits_far_below_0():
    x = np.linspace(-37, -1, 145)
    exact = x * special.ndtr(x)
    # The argument of the bell, x²/2, is rounded to eps x²/2 when x is multiplied by √½.
    np.testing.assert_allclose(ops.gelu(x), exact, rtol=EPS * 37**2, atol=0)
    np.testing.assert_allclose(ops.gelu(x[x > -9]), exact[x > -9], rtol=EPS * 9**2, atol=0)
    x32 = np.linspace(-9, -1, 33, dtype=np.float32)
    np.testing.assert_allclose(ops.gelu(x32), ops.gelu(x32.astype(np.float64)), rtol=EPS32 * 9**2, atol=0)
