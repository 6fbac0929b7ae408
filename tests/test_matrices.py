"""Inverses, determinants and factorizations: where they exist, where they do not, and derivatives of any order."""

import numpy as np
import pytest
import scipy.linalg

import tinygrad_edu as tg
from tests.cases.factorizations import apart, symmetric
from tests.cases.matrices import invertible, positive
from tinygrad_edu import ops
from tinygrad_edu.errors import DtypeError, OptionError, ShapeError, SingularMatrixError

SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])


def drawn(*shape):
    return np.random.default_rng(0).uniform(-0.5, 0.5, shape)


def gradient(f, x, **options):
    x = tg.tensor(x, requires_grad=True)
    f(x).sum().backward(**options)
    return x.grad.numpy()


# ------------------------------------------------------------------------------------ where there is none
IMPOSSIBLE = {
    "inv": lambda: np.linalg.inv(tg.tensor(SINGULAR)),
    "solve": lambda: np.linalg.solve(tg.tensor(SINGULAR), np.ones(2)),
    "a negative power": lambda: np.linalg.matrix_power(tg.tensor(SINGULAR), -1),
    "cholesky": lambda: np.linalg.cholesky(tg.tensor([[1.0, 2.0], [2.0, 1.0]])),
    "the slope of log det": lambda: gradient(lambda x: np.linalg.slogdet(x)[1], SINGULAR, create_graph=True),
    "the second slope of det": lambda: tg.grad(lambda x: tg.grad(np.linalg.det)(x).sum())(SINGULAR),
}


@pytest.mark.parametrize("call", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_matrix_without_an_inverse_or_a_factor_is_refused(call):
    with pytest.raises(SingularMatrixError, match=r"of shape \(2, 2\).*is not possible"):
        call()


def test_an_array_and_a_plain_backward_pass_say_the_same():
    for call in (lambda: ops.inv(SINGULAR), lambda: gradient(lambda x: np.linalg.slogdet(x)[1], SINGULAR)):
        with pytest.raises(SingularMatrixError, match=r"inv of shape .*Singular matrix.*pinv"):
            call()
    with pytest.raises(SingularMatrixError, match="NaN"):
        np.linalg.svdvals(tg.tensor(np.full((2, 2), np.nan)))


MISFITS = {
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "cholesky": np.linalg.cholesky,
    "eigh": np.linalg.eigh,
    "matrix_power": lambda x: np.linalg.matrix_power(x, 2),
    "solve": lambda x: np.linalg.solve(x, np.ones(2)),
    "solve, as many vectors as matrices": lambda x: np.linalg.solve(x[:, :2], np.ones((5, 2))),
    "svd": lambda x: np.linalg.svd(x[0]),
    "qr": lambda x: np.linalg.qr(x[0]),
}


@pytest.mark.parametrize("f", MISFITS.values(), ids=MISFITS)
def test_shapes_that_do_not_fit_are_refused(f):
    with pytest.raises(ShapeError):
        f(tg.tensor(np.ones((2, 3))))


def test_float16_is_refused_with_the_remedy():
    x = tg.tensor(np.eye(2, dtype=np.float16))
    for f in (ops.inv, ops.det, ops.cholesky, ops.eigvalsh, ops.svdvals, ops.pinv, lambda x: ops.solve(x, x)):
        with pytest.raises(DtypeError, match="astype"):
            f(x)


def test_integers_give_what_numpy_gives():
    x = np.array([[2, 1], [1, 3]])
    for f in (np.linalg.inv, np.linalg.det, np.linalg.cholesky, lambda m: np.linalg.matrix_power(m, 3)):
        out = f(tg.tensor(x)).numpy()
        assert out.dtype == f(x).dtype
        np.testing.assert_array_equal(out, f(x))


def test_what_a_matrix_does_not_determine_is_refused():
    x = tg.tensor(np.ones((3, 2)))
    with pytest.raises(OptionError, match="full_matrices=False"):
        np.linalg.svd(x)
    with pytest.raises(OptionError, match='mode="reduced"'):
        np.linalg.qr(x, mode="complete")
    with pytest.raises(OptionError, match="'raw'"):
        np.linalg.qr(x, mode="raw")
    with pytest.raises(OptionError, match=r"2\.5"):
        np.linalg.matrix_power(x[:2], 2.5)


# --------------------------------------------------------------------------------------- determinants
# The derivative of the determinant is the cofactor, written out here as the determinant of what is left.
def cofactors_written_out(x):
    n = len(x)
    left = lambda i, j: np.delete(np.delete(x, i, axis=0), j, axis=1)  # noqa: E731 - one line of the formula
    return np.array([[(-1) ** (i + j) * np.linalg.det(left(i, j)) for j in range(n)] for i in range(n)])


RANKS = {
    "of rank 1": SINGULAR,
    "of rank 2": np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]),
    "of rank 1 of 3": np.outer([1.0, 2, 3], [1.0, -1, 2]),
    "of zeros": np.zeros((2, 2)),
    "of one zero": np.zeros((1, 1)),
    "with a row of zeros": np.array([[0.0, 0, 0], [1, 2, 0], [0, 1, 1]]),
    "of full rank": np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 2]]),
}


@pytest.mark.parametrize("options", [{}, {"create_graph": True}], ids=["arrays", "recorded"])
@pytest.mark.parametrize("x", RANKS.values(), ids=RANKS)
def test_the_determinant_has_a_gradient_at_a_singular_matrix_too(x, options):
    slope = gradient(np.linalg.det, x, **options)
    # The decomposition is right up to a few roundings of the largest entry, and so is each of n - 1 factors.
    size = max(1.0, np.linalg.norm(x)) ** (len(x) - 1)
    np.testing.assert_allclose(slope, cofactors_written_out(x), rtol=0, atol=20 * np.finfo(float).eps * size)


def test_the_logarithm_of_a_determinant_does_not_overflow():
    x = 1e200 * np.eye(3)
    sign, logarithm = np.linalg.slogdet(tg.tensor(x, requires_grad=True))
    assert sign.item() == 1
    assert logarithm.item() == pytest.approx(3 * 200 * np.log(10))
    np.testing.assert_allclose(gradient(lambda m: np.linalg.slogdet(m).logabsdet, x), 1e-200 * np.eye(3))


# ------------------------------------------------------------------------------------- factorizations
def test_equal_eigenvalues_have_a_gradient_though_their_vectors_have_none():
    weights = np.array([1.0, 1.0, 1.0])
    slope = gradient(lambda x: np.linalg.eigh(x)[0] * weights, np.eye(3))
    np.testing.assert_allclose(slope, np.eye(3), atol=4 * np.finfo(float).eps)
    with pytest.warns(RuntimeWarning, match="divide by zero|invalid value"):
        assert not np.isfinite(gradient(lambda x: np.linalg.eigh(x)[1], np.eye(3))).all()


def test_a_function_of_a_symmetric_matrix_has_the_gradient_that_scipys_has():
    # exp of a matrix by its eigenvalues; SciPy gives the derivative in one direction.
    x, direction = symmetric(drawn(3, 3)), symmetric(drawn(3, 3)[::-1])

    def trace_of_exp_times(weights):
        def f(m):
            w, v = np.linalg.eigh(m)
            return np.sum(weights * ((v * np.exp(w)) @ v.T))

        return f

    weights = drawn(3, 3) + np.eye(3)
    slope = np.sum(gradient(trace_of_exp_times(weights), x) * direction)
    expected = np.sum(weights * scipy.linalg.expm_frechet(x, direction)[1])
    assert slope == pytest.approx(expected, rel=1e-12)


GAUGE_FREE = {
    "inv": (invertible, np.linalg.inv),
    "solve": (invertible, lambda x: np.linalg.solve(x, x[0])),
    "det": (invertible, np.linalg.det),
    "slogdet": (invertible, lambda x: np.linalg.slogdet(x)[1]),
    "cholesky": (positive, np.linalg.cholesky),
    "eigenvalues": (symmetric, lambda x: np.linalg.eigh(x)[0]),
    "eigenvectors": (symmetric, lambda x: np.linalg.eigh(x)[1] ** 2),
    "singular values": (apart, lambda x: np.linalg.svd(x, compute_uv=False)),
    "singular vectors": (apart, lambda x: np.linalg.svd(x, full_matrices=False)[2] ** 2),
    "qr": (apart, lambda x: np.linalg.qr(x)[1]),
    "pinv": (apart, lambda x: np.linalg.pinv(x[:, :1])),
    "matrix_power": (invertible, lambda x: np.linalg.matrix_power(x, -2)),
}


@pytest.mark.parametrize(("prepare", "f"), GAUGE_FREE.values(), ids=GAUGE_FREE)
def test_third_derivatives_are_right(prepare, f):
    assert tg.gradcheck(lambda x: f(prepare(x)), drawn(2, 2), order=3)


@pytest.mark.parametrize("upper", [False, True])
def test_the_gradient_of_a_cholesky_factor_is_symmetric(upper):
    slope = gradient(lambda x: ops.cholesky(x, upper=upper) * (1 + np.arange(9.0).reshape(3, 3)), positive(drawn(3, 3)))
    np.testing.assert_allclose(slope, slope.T, rtol=1e-15)


def test_what_is_taken_apart_can_be_put_together():
    x = tg.tensor(apart(drawn(3, 2)))
    q, r = np.linalg.qr(x)
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    for again in (q @ r, (u * s) @ vt, x @ np.linalg.pinv(x) @ x):
        np.testing.assert_allclose(again.numpy(), x.numpy(), atol=8 * np.finfo(float).eps * 3)


def test_results_have_the_names_that_numpys_have():
    x = tg.tensor(positive(drawn(2, 2)))
    for f in (np.linalg.eigh, np.linalg.svd, np.linalg.qr, np.linalg.slogdet):
        assert f(x)._fields == f(x.numpy())._fields
