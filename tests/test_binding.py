"""What the arguments of a call mean: arrays by keyword, NumPy's positions, PyTorch's names; and what is refused."""

import inspect

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import functional, ops
from tinygrad_edu.errors import ArgumentError

F = functional
X = np.array([[3.0, 1.0], [2.0, 5.0]])
T = np.arange(24.0).reshape(2, 3, 4)

SAME = {
    # ------------------------------------------------------------------------------------ arrays by keyword
    "sum": (lambda x: np.sum(a=x, axis=0), lambda: X.sum(0)),
    "mean": (lambda x: np.mean(a=x), X.mean),
    "transpose": (lambda x: np.transpose(a=x), lambda: X.T),
    "cumsum": (lambda x: np.cumsum(a=x, axis=1), lambda: X.cumsum(1)),
    "argmax": (lambda x: np.argmax(a=x), X.argmax),
    "round": (lambda x: np.round(a=x, decimals=0), lambda: X),
    "inv": (lambda x: np.linalg.inv(a=x), lambda: np.linalg.inv(X)),
    "diff": (lambda x: np.diff(a=x, axis=0), lambda: np.diff(X, axis=0)),
    "ptp": (lambda x: np.ptp(a=x), lambda: np.ptp(X)),
    "sort": (lambda x: np.sort(a=x, axis=0), lambda: np.sort(X, 0)),
    "full_like": (lambda x: np.full_like(a=x, fill_value=2), lambda: np.full_like(X, 2)),
    "clip": (lambda x: np.clip(a=x, a_min=2, a_max=3), lambda: X.clip(2, 3)),
    "dot": (lambda x: np.linalg.solve(a=x, b=x), lambda: np.eye(2)),
    "a second array": (lambda x: np.kron(x, b=x), lambda: np.kron(X, X)),
    "tile": (lambda x: np.tile(A=x, reps=2), lambda: np.tile(X, 2)),
    "reshape": (lambda x: F.reshape(a=x, shape=4), lambda: X.reshape(4)),
    "inner": (lambda x: F.inner(a=x, b=x), lambda: np.inner(X, X)),
    "a list of arrays": (lambda x: np.stack(arrays=[x, x], axis=1), lambda: np.stack([X, X], 1)),
    "another list of arrays": (lambda x: np.vstack(tup=[x, x]), lambda: np.vstack([X, X])),
    "lists of numbers": (lambda _x: F.sum(a=[[3.0, 1.0], [2.0, 5.0]], axis=0), lambda: X.sum(0)),
    "a row that NumPy does not have": (lambda x: F.logsumexp(x=x * 0), lambda: np.log(4.0)),
    # ------------------------------------------------------------------------------------ NumPy's positions
    "a mode after out": (lambda x: np.take(x, [0, 9], 0, None, "clip"), lambda: X[[0, 1]]),
    "keepdims after out": (lambda x: np.median(x, 0, None, False, True), lambda: np.median(X, 0, None, False, True)),  # noqa: FBT003 - as positions
    "ptp's keepdims": (lambda x: np.ptp(x, 0, None, True), lambda: np.ptp(X, 0, None, True)),  # noqa: FBT003 - as positions
    "quantile to the end": (
        lambda x: np.quantile(x, 0.5, 0, None, False, "lower", True),  # noqa: FBT003 - as positions
        lambda: np.quantile(X, 0.5, 0, None, False, "lower", True),  # noqa: FBT003 - as positions
    ),
    "the shape of full_like": (lambda x: np.full_like(x, 3.0, None, "K", True, (2,)), lambda: np.full(2, 3.0)),  # noqa: FBT003 - as positions
    "an order that is C": (lambda x: np.ravel(x, "C"), X.ravel),
    "a default by an equal value": (
        lambda x: np.full_like(x, 3.0, order=str(np.array("K"))),
        lambda: np.full((2, 2), 3.0),
    ),
    "ours beyond NumPy's": (lambda x: F.pad(x, 1, "constant", 3.0), lambda: np.pad(X, 1, constant_values=3.0)),
    # ------------------------------------------------------------------------------------ PyTorch's names
    "diagonal(dim1, dim2)": (lambda _x: tg.tensor(T).diagonal(dim1=1, dim2=2), lambda: T.diagonal(0, 1, 2)),
    "diagonal(dim1)": (lambda _x: tg.tensor(T).diagonal(dim1=2), lambda: T.diagonal(axis1=2)),
    "diagonal(dim2)": (lambda _x: tg.tensor(T).diagonal(dim2=2), lambda: T.diagonal(axis2=2)),
    "swapaxes(dim0, dim1)": (lambda _x: tg.tensor(T).swapaxes(dim0=0, dim1=2), lambda: T.swapaxes(0, 2)),
    "norm(p)": (lambda x: x.norm(p=1, dim=0), lambda: X.sum(0)),
    "roll(shifts, dims)": (lambda x: x.roll(shifts=1, dims=0), lambda: np.roll(X, 1, 0)),
    "diag(diagonal)": (lambda x: x.diag(diagonal=1), lambda: np.diag(X, 1)),
    "tril(diagonal)": (lambda x: x.tril(diagonal=-1), lambda: np.tril(X, -1)),
    "triu(diagonal)": (lambda x: x.triu(diagonal=1), lambda: np.triu(X, 1)),
    "tensordot(dims)": (lambda x: F.tensordot(x, x, dims=1), lambda: X @ X),
    "rot90(dims)": (lambda x: x.rot90(dims=(1, 0)), lambda: np.rot90(X, axes=(1, 0))),
    "tile(dims)": (lambda x: x.tile(dims=(2, 1)), lambda: np.tile(X, (2, 1))),
    "permute(dims)": (lambda _x: F.permute(T, dims=(2, 0, 1)), lambda: T.transpose(2, 0, 1)),
    "transpose(dims)": (lambda _x: F.transpose(T, dims=(2, 0, 1)), lambda: T.transpose(2, 0, 1)),
    "broadcast_to(size)": (lambda x: F.broadcast_to(x, size=(2, 2, 2)), lambda: np.broadcast_to(X, (2, 2, 2))),
    "quantile(interpolation)": (lambda x: x.quantile(0.5, interpolation="lower"), lambda: 2.0),
    "a list of axes of a row": (lambda _x: tg.tensor(T).sum(dim=[0, 1]), lambda: T.sum((0, 1))),
    "a list of axes by NumPy's name": (lambda _x: tg.tensor(T).max(axis=[0, 1]), lambda: T.max((0, 1))),
    "a list of axes by position": (lambda _x: tg.tensor(T).sum([0, 1]), lambda: T.sum((0, 1))),
    "a list of axes of a composition": (lambda _x: tg.tensor(T).ptp(dim=[0, 1]), lambda: np.ptp(T, (0, 1))),
    "the same by position": (lambda _x: tg.tensor(T).ptp([0, 1]), lambda: np.ptp(T, (0, 1))),
}


@pytest.mark.parametrize(("call", "expected"), SAME.values(), ids=SAME)
def test_a_call_means_what_it_means_for_arrays(call, expected):
    out = call(tg.tensor(X))
    assert isinstance(out, tg.Tensor)
    np.testing.assert_allclose(out.numpy(), expected(), rtol=1e-12, atol=1e-15)


def test_a_gradient_flows_to_an_array_by_keyword():
    for call in (lambda x: np.sum(a=x), lambda x: np.stack(arrays=[x, x])[0], lambda x: np.clip(a=x, a_min=0)):
        x = tg.tensor(X, requires_grad=True)
        call(x).sum().backward()
        np.testing.assert_array_equal(x.grad.numpy(), 1)


REFUSED = {
    # ------------------------------------------------------------------------------------------- too many
    "tile": (lambda x: x.tile(2, 2), r"tile was given 3 arguments.*tile\(A, reps\).*x\.tile\(\(2, 2\)\)"),
    "repeat": (lambda x: x.repeat(1, 1, 2), r"repeat was given 4 arg.*repeat\(a, repeats, axis=None\).*x\.tile"),
    "kron": (lambda x: F.kron(x, x, x), r"kron was given 3 arguments.*kron\(a, b\)"),
    "triu": (lambda x: x.triu(1, 2), r"triu was given 3 arguments.*triu\(m, k=0\)"),
    "a composition that NumPy does not have": (lambda x: F.mm(x, x, x), r"mm was given 3 arguments.*mm\(x, y\)"),
    "a row": (lambda x: x.exp(0), "exp of a Tensor was given 1 positional options, but takes no options"),
    "out by position": (
        lambda x: np.take(x, [0], 0, np.zeros(1)),
        r"take of a Tensor was given out.*tensor\.numpy\(\)",
    ),
    "an order by position": (lambda x: np.full_like(x, 3.0, None, "F"), r"given order.*tensor\.numpy\(\)"),
    # -------------------------------------------------------------------------------------------- too few
    "repeat()": (
        lambda x: x.repeat(),
        r"repeat misses a required argument: 'repeats'.*repeat\(a, repeats, axis=None\)",
    ),
    "take()": (lambda x: x.take(), "take misses a required argument: 'indices'"),
    "topk()": (lambda x: x.topk(), r"topk misses.*'k'.*topk\(x, k, axis=-1, largest=True\)"),
    "repeat with an option": (lambda x: x.repeat(axis=0), "repeat misses a required argument: 'repeats'"),
    "F.tile(x)": (lambda x: F.tile(x), r"tile misses a required argument: 'reps'.*tile\(A, reps\)"),  # noqa: PLW0108 - as the others
    "F.tile()": (lambda _x: F.tile(), "tile misses a required argument: 'A'"),
    "F.vstack()": (lambda _x: F.vstack(), "vstack misses a required argument: 'tup'"),
    "F.matmul(x)": (lambda x: F.matmul(x), "matmul of a Tensor was given 1 arrays, but takes 2"),  # noqa: PLW0108 - as the others
    "an option that a row needs": (lambda x: x.swapaxes(0), "swapaxes misses a required argument: 'axis2'"),
    "a list by a name that it does not have": (
        lambda x: np.concatenate(arrays=[x, x]),
        r"concatenate takes a list of arrays first, as in concatenate\(\[x, y\], axis=0\), but was given arrays=",
    ),
    "no list": (lambda _x: ops.stack.bind((3.0,), {}), "stack takes a list of arrays first.* but was given 3.0"),
    "nothing": (lambda _x: ops.stack.bind((), {}), "but was given nothing"),
    # ---------------------------------------------------------------------------------------------- twice
    "an option of a row": (lambda x: x.sum(0, axis=1), "sum was given axis twice"),
    "an option of a composition": (lambda x: x.ptp(0, axis=1), "multiple values for argument 'axis'"),
    "an option under two names": (lambda x: x.ptp(0, dim=1), "multiple values for argument 'axis'"),
    "an array": (lambda x: x.tile(2, A=x), "multiple values for argument 'A'"),
    # ------------------------------------------------------------------------------------------ misspelt
    "axs": (
        lambda x: x.sum(axs=0),
        r"sum of a Tensor was given axs, but takes axis, keepdims, dtype\. Did you .*'axis'",
    ),
    "keepdms": (lambda x: x.median(keepdms=True), r"median .*given keepdms.*Did you mean 'keepdims'"),
    "beside one of NumPy's": (lambda x: x.sum(out=X, axs=0), r"given out, axs.*Did you mean 'axis'"),
    # --------------------------------------------------------------------------- NumPy's, but not ours
    "initial": (lambda x: x.sum(initial=1), r"sum of a Tensor was given initial.*tensor\.numpy\(\)"),
    "where of a ufunc": (lambda x: x.exp(where=True), r"exp of a Tensor was given where.*tensor\.numpy\(\)"),
    "hermitian": (lambda x: np.linalg.svd(x, True, True, True), r"svd of a Tensor .*hermitian.*tensor\.numpy\(\)"),  # noqa: FBT003 - as positions
    # ------------------------------------------------------------------------------ PyTorch's, but not ours
    "sort(descending)": (
        lambda x: x.sort(descending=True),
        r"sort .*given descending.*np\.flip\(x\.sort\(axis\), axis",
    ),
    "argsort(descending)": (lambda x: x.argsort(dim=0, descending=True), r"np\.flip\(x\.argsort\(axis\), axis\)"),
    "var(unbiased)": (lambda x: x.var(unbiased=False), r"given unbiased.*correction=1 .*correction=0"),
    "std(unbiased)": (lambda x: x.std(dim=0, unbiased=True), r"given unbiased.*correction=1 .*correction=0"),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_a_call_that_does_not_fit_is_refused_with_the_remedy(call, message):
    with pytest.raises(ArgumentError, match=message):
        call(tg.tensor(X))


def test_the_remedy_of_a_misspelt_option_is_the_option():
    for call in (lambda x: x.sum(axs=0), lambda x: x.median(keepdms=True), lambda x: x.sum(zzz=0)):
        with pytest.raises(ArgumentError, match="takes") as caught:
            call(tg.tensor(X))
        assert "numpy()" not in str(caught.value)


FIXED = [op for op in ops.COMPOSITIONS.values() if ops.signatures.layout(op.formula, op.function).positional]


@pytest.mark.parametrize("op", FIXED, ids=lambda op: op.name)
def test_no_composition_drops_an_argument(op):
    parameters = inspect.signature(op.formula).parameters.values()
    positions = sum(p.kind is not p.KEYWORD_ONLY for p in parameters)
    numpys = 0 if op.function is None else len(ops.signatures.layout(op.formula, op.function).numpys)
    with pytest.raises(ArgumentError, match=rf"{op.name} was given \d+ arguments"):
        op.bind((X,) * (max(positions, numpys) + 1), {})


@pytest.mark.parametrize("op", FIXED, ids=lambda op: op.name)
def test_every_composition_says_what_is_missing(op):
    with pytest.raises(ArgumentError, match=rf"{op.name} misses a required argument.* {op.name}\("):
        op()


def test_an_error_of_a_formula_stays_what_it_is():
    with pytest.raises(TypeError) as caught:
        ops.COMPOSITIONS["tile"](X, None)
    assert not isinstance(caught.value, ArgumentError)
