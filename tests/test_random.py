"""Random numbers are the generator's own, follow the package's seed, and have the distribution they claim."""

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import functional, ops
from tinygrad_edu.errors import DtypeError, GraphError, OptionError, ShapeError
from tinygrad_edu.functional.random import (
    bernoulli,
    normal,
    permutation,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    uniform,
)

N = 10_000


def generator(seed=0):
    return np.random.default_rng(seed)


# --------------------------------------------------------------------------------- the generator's own
DRAWS = {
    "rand": (lambda rng: rand(2, 3, rng=rng), lambda rng: rng.random((2, 3), dtype=np.float32)),
    "rand of a tuple": (lambda rng: rand((2, 3), rng=rng), lambda rng: rng.random((2, 3), dtype=np.float32)),
    "rand of one number": (lambda rng: rand(rng=rng), lambda rng: rng.random((), dtype=np.float32)),
    "rand in float64": (lambda rng: rand(3, rng=rng, dtype="float64"), lambda rng: rng.random(3)),
    "rand_like": (lambda rng: rand_like(np.zeros((2, 3)), rng=rng), lambda rng: rng.random((2, 3))),
    "rand_like in float32": (
        lambda rng: rand_like(np.zeros(3), rng=rng, dtype=np.float32), lambda rng: rng.random(3, dtype=np.float32),
    ),
    "uniform": (lambda rng: uniform(3, -1, 1, rng=rng), lambda rng: -1 + 2 * rng.random(3, dtype=np.float32)),
    "randn": (lambda rng: randn(2, 3, rng=rng), lambda rng: rng.standard_normal((2, 3), dtype=np.float32)),
    "randn_like": (
        lambda rng: randn_like(tg.tensor([1.0, 2.0]), rng=rng), lambda rng: rng.standard_normal(2, dtype=np.float32),
    ),
    "normal": (
        lambda rng: normal((2, 3), 5, 0.5, rng=rng),
        lambda rng: rng.standard_normal((2, 3), dtype=np.float32) * 0.5 + 5,
    ),
    "normal by entries": (
        lambda rng: normal(3, np.arange(3.0), [1.0, 2.0, 0.0], rng=rng),
        lambda rng: rng.standard_normal(3, dtype=np.float32) * np.float32([1, 2, 0]) + np.float32([0, 1, 2]),
    ),
    "bernoulli": (
        lambda rng: bernoulli(np.full(20, 0.3), rng=rng), lambda rng: (rng.random(20) < 0.3).astype(np.float64),
    ),
    "randint": (lambda rng: randint(5, 10, (2, 3), rng=rng), lambda rng: rng.integers(5, 10, (2, 3))),
    "randint from 0": (lambda rng: randint(10, shape=4, rng=rng), lambda rng: rng.integers(10, size=4)),
    "randint as PyTorch's": (lambda rng: randint(10, (4,), rng=rng), lambda rng: rng.integers(10, size=4)),
    "randint of bytes": (
        lambda rng: randint(0, 256, 4, rng=rng, dtype=np.uint8), lambda rng: rng.integers(0, 256, 4, np.uint8),
    ),
    "permutation": (lambda rng: permutation(7, rng=rng), lambda rng: rng.permutation(7)),
    "permutation of rows": (
        lambda rng: permutation(np.arange(6.0).reshape(3, 2), rng=rng),
        lambda rng: np.arange(6.0).reshape(3, 2)[rng.permutation(3)],
    ),
    "permutation of columns": (
        lambda rng: permutation(np.arange(6.0).reshape(2, 3), axis=-1, rng=rng),
        lambda rng: np.arange(6.0).reshape(2, 3)[:, rng.permutation(3)],
    ),
    "dropout": (
        lambda rng: functional.dropout(np.ones(20, np.float32), 0.25, rng=rng),
        lambda rng: (rng.random(20, dtype=np.float32) >= 0.25) * np.float32(1 / 0.75),
    ),
}  # fmt: skip
every_draw = pytest.mark.parametrize(("draw", "of_numpy"), DRAWS.values(), ids=DRAWS)


@every_draw
def test_the_numbers_are_those_that_the_generator_gives(draw, of_numpy):
    out, expected = draw(generator()), of_numpy(generator())
    assert isinstance(out, tg.Tensor)
    assert (out.shape, out.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(out.numpy(), expected)


@every_draw
def test_a_generator_goes_on_from_call_to_call(draw, of_numpy):
    ours, numpys = generator(), generator()
    for _ in range(2):
        np.testing.assert_array_equal(draw(ours).numpy(), of_numpy(numpys))


@every_draw
def test_without_a_generator_the_package_seed_decides(draw, of_numpy):
    tg.seed(5)
    first, second = draw(None), draw(None)
    tg.seed(5)
    np.testing.assert_array_equal(draw(None), first)
    np.testing.assert_array_equal(draw(None), second)
    np.testing.assert_array_equal(first, of_numpy(generator(5)))


def test_these_are_the_numbers_of_seed_0():
    tg.seed(0)
    np.testing.assert_array_equal(rand(2), np.array([0.8506242, 0.63696164], np.float32))
    assert randint(100, shape=3).tolist() == [51, 26, 30]


@every_draw
@pytest.mark.parametrize(
    "wrong", [0, 5, np.random.RandomState(0), np.random], ids=["0", "5", "NumPy's old kind", "a module"]
)
def test_what_is_no_generator_is_refused_with_the_line_that_fixes_it(draw, of_numpy, wrong):  # noqa: ARG001
    with pytest.raises(OptionError, match=r"numpy\.random\.Generator, but was given.*np\.random\.default_rng\(0\)"):
        draw(wrong)


# ---------------------------------------------------------------------------------------- distributions
def test_uniform_fills_its_interval_and_does_not_reach_its_end():
    x = uniform(N, -3.0, 5.0, rng=generator(), dtype=np.float64).numpy()
    assert -3 <= x.min() < -2.99
    assert 4.99 < x.max() < 5
    # A uniform distribution of width 8 has variance 64 / 12.
    assert abs(x.mean() - 1) < 5 * math.sqrt(64 / 12 / N)


def test_uniform_stays_below_its_end_where_rounding_would_reach_it():
    class Almost:
        def random(self, shape, dtype=np.float64):
            return np.full(shape, np.nextafter(dtype.type(1), dtype.type(0)) if dtype != np.float64 else 1 - 2**-53)

    for dtype in (np.float16, np.float32, np.float64):
        drawn = ops.uniform(rng=Almost(), shape=(2,), dtype=np.dtype(dtype), low=1.0, high=2.0)
        assert drawn.dtype == dtype
        assert (drawn < 2).all()
        assert (ops.uniform(rng=Almost(), shape=(2,), dtype=np.dtype(dtype)) < 1).all()


def test_an_interval_of_one_number_gives_that_number():
    assert uniform(3, 2.0, 2.0).tolist() == [2, 2, 2]


def test_normal_has_its_mean_and_deviation():
    x = normal(N, 5.0, 2.0, rng=generator()).numpy()
    assert abs(x.mean() - 5) < 5 * 2 / math.sqrt(N)
    assert abs(x.std() - 2) < 5 * 2 / math.sqrt(2 * N)


def test_bernoulli_is_1_with_its_probability_and_certain_at_0_and_1():
    p = np.repeat([0.0, 0.2, 1.0], N).reshape(3, N)
    mean = bernoulli(p, rng=generator()).numpy().mean(axis=1)
    assert (mean[0], mean[2]) == (0, 1)
    assert abs(mean[1] - 0.2) < 5 * math.sqrt(0.2 * 0.8 / N)


def test_randint_draws_each_number_equally_often():
    counts = np.bincount(randint(3, 7, N, rng=generator()).numpy(), minlength=8)
    assert counts[:3].tolist() == [0, 0, 0]
    assert counts[7] == 0
    assert np.abs(counts[3:7] / N - 0.25).max() < 5 * math.sqrt(0.25 * 0.75 / N)


# -------------------------------------------------------------------------------------------- gradients
def test_gradients_flow_to_the_mean_and_the_deviation_of_a_normal_distribution():
    mean, std = (tg.tensor(x, requires_grad=True) for x in (np.array([1.0, 2.0]), np.array(3.0)))
    normal((4, 2), mean, std, rng=generator(), dtype=np.float64).sum().backward()
    assert mean.grad.tolist() == [4, 4]
    np.testing.assert_allclose(std.grad.item(), generator().standard_normal((4, 2)).sum(), rtol=1e-14)


def test_gradients_flow_back_through_a_permutation_twice():
    weights = np.arange(12.0).reshape(4, 3)
    for axis in (0, 1):
        assert tg.gradcheck(lambda x, a=axis: permutation(x, a, rng=generator()) ** 2 * weights, weights + 1, order=2)


def test_no_gradient_flows_through_what_jumps():
    p = tg.tensor(np.full(3, 0.5), requires_grad=True)
    assert not bernoulli(p).requires_grad
    assert not ops.dropout_mask(p, rng=generator(), p=0.5).requires_grad


def test_a_drawn_tensor_may_ask_for_gradients():
    for x in (rand(2, requires_grad=True), randn(2, requires_grad=True), uniform(2, 1, 2, requires_grad=True)):
        (x * x).sum().backward()
        np.testing.assert_array_equal(x.grad, 2 * x.numpy())
    with pytest.raises(GraphError, match="leaf"):
        normal(2, tg.tensor(0.0, requires_grad=True), requires_grad=True)


# ---------------------------------------------------------------------------------------------- refused
REFUSED = {
    "an interval the wrong way round": (lambda: uniform(3, 2, 1), OptionError, "2 and 1"),
    "an interval without end": (lambda: uniform(3, 0, math.inf), OptionError, "0 and inf"),
    "whole uniform numbers": (lambda: rand(3, dtype=int), DtypeError, "int64 is not"),
    "whole normal numbers": (lambda: randn_like([1, 2]), DtypeError, "int64 is not"),
    "a negative deviation": (lambda: normal(3, 0.0, [1.0, -1.0, 1.0]), OptionError, r"-1\.0"),
    "a mean of another shape": (lambda: normal(3, np.zeros((2, 3))), ShapeError, r"\(3,\).*\(2, 3\)"),
    "a mean that does not broadcast": (lambda: normal(3, np.zeros(2)), ShapeError, r"\(3,\) and \(2,\)"),
    "a negative length": (lambda: rand(2, -1), ShapeError, "from 0 on"),
    "a length that is no whole number": (lambda: rand(2.0), ShapeError, "from 0 on"),
    "a probability above 1": (lambda: bernoulli([0.5, 1.5]), OptionError, r"given 1\.5"),
    "a probability that is no number": (lambda: bernoulli([math.nan]), OptionError, "given nan"),
    "whole probabilities": (lambda: bernoulli([0, 1]), DtypeError, "int64"),
    "no whole numbers": (lambda: randint(5, 5, 3), OptionError, "5 and 5"),
    "numbers too large for their dtype": (lambda: randint(0, 257, 3, dtype=np.uint8), OptionError, "uint8.*0 and 257"),
    "floating whole numbers": (lambda: randint(5, shape=3, dtype=np.float32), DtypeError, "float32"),
    "a permutation of fewer than none": (lambda: permutation(-1), OptionError, "-1"),
    "a permutation of a number": (lambda: permutation(3.0), ShapeError, r"axis 0.*\(\)"),
    "dropout of whole numbers": (lambda: functional.dropout([1, 2]), DtypeError, "int64"),
}


@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_drawn_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
