"""PyTorch's names: each means what NumPy's row means, and what PyTorch refuses is refused."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import functional, ops
from tinygrad_edu.errors import ArgumentError, ShapeError

X = np.array([[0.1, 0.7, 0.3], [0.9, 0.2, 0.5]])


@pytest.mark.parametrize(("alias", "name"), ops.torch_names.ALIASES.items())
def test_an_alias_is_the_function_of_the_row(alias, name):
    assert getattr(functional, alias).__doc__ == getattr(ops, name).doc
    assert getattr(functional, alias).__name__ == alias


CALLS = {
    "sum over dim": (lambda x: x.sum(dim=1), X.sum(axis=1)),
    "mean over dim, kept": (lambda x: x.mean(dim=0, keepdim=True), X.mean(axis=0, keepdims=True)),
    "amax": (lambda x: x.amax(dim=1), X.max(axis=1)),
    "argmax": (lambda x: x.argmax(dim=1), X.argmax(axis=1)),
    "softmax": (lambda x: x.softmax(dim=0), np.exp(X) / np.exp(X).sum(axis=0)),
    "cumsum": (lambda x: x.cumsum(dim=1), X.cumsum(axis=1)),
    "std": (lambda x: x.std(dim=0, correction=1), X.std(axis=0, ddof=1)),
    "view": (lambda x: x.view(3, -1), X.reshape(3, 2)),
    "view of a tuple": (lambda x: x.view((6,)), X.reshape(6)),
    "permute": (lambda x: x.permute(1, 0), X.T),
    "permute by dims": (lambda x: x.permute(dims=(1, 0)), X.T),
    "permute that leaves all in place": (lambda x: x.permute(0, 1), X),
    "t": (lambda x: x.t(), X.T),
    "compress": (lambda x: x.compress([True, False, True], axis=1), X[:, [0, 2]]),
    "mT": (lambda x: x.mT, X.T),
    "unsqueeze": (lambda x: x.unsqueeze(-1), X[..., None]),
    "squeeze": (lambda x: x.unsqueeze(0).squeeze(dim=0), X),
    "flatten": (lambda x: x.unsqueeze(0).flatten(1, 2), X.reshape(1, 6)),
    "expand": (lambda x: x.expand(4, -1, -1), np.broadcast_to(X, (4, 2, 3))),
    "swapaxes by dims": (lambda x: x.swapaxes(dim0=0, dim1=1), X.T),
    "movedim": (lambda x: x.movedim(0, 1), X.T),
    "mm": (lambda x: x.mm(x.T), X @ X.T),
    "mv": (lambda x: x.mv(x[0]), X @ X[0]),
    "bmm": (lambda x: x.unsqueeze(0).bmm(x.T.unsqueeze(0)), (X @ X.T)[None]),
    "clamp": (lambda x: x.clamp(min=0.25, max=0.6), X.clip(0.25, 0.6)),
    "clamp from below": (lambda x: x.clamp(min=0.25), np.maximum(X, 0.25)),
    "gather": (lambda x: x.gather(1, np.array([[0, 0], [2, 1]])), np.array([[0.1, 0.1], [0.5, 0.2]])),
    "gather of fewer rows": (lambda x: x.gather(1, np.array([[2]])), np.array([[0.3]])),
    "gather along the first axis": (lambda x: x.gather(0, np.array([[1, 0]])), np.array([[0.9, 0.7]])),
    "pow": (lambda x: x.pow(2), X**2),
    "mul and sub": (lambda x: x.mul(x).sub(x), X * X - X),
    "atan": (lambda x: x.atan(), np.arctan(X)),
    "cat": (lambda x: functional.cat([x, x], dim=1), np.concatenate([X, X], axis=1)),
    "stack": (lambda x: functional.stack([x, x], axis=1), np.stack([X, X], axis=1)),
    "einsum": (lambda x: functional.einsum("ij,kj->ik", x, x), X @ X.T),
    "chunk": (lambda x: x.chunk(2, dim=1)[0], X[:, :2]),
    "chunk, the last one shorter": (lambda x: x.chunk(2, dim=1)[1], X[:, 2:]),
    "unbind": (lambda x: x.unbind(1)[2], X[:, 2]),
    "to": (lambda x: x.to(np.float64), X),
    "masked_fill": (lambda x: x.masked_fill(X > 0.4, 0.0), np.where(X > 0.4, 0, X)),
    "index_select": (lambda x: x.index_select(1, np.array([2, 2])), X[:, [2, 2]]),
    "gt": (lambda x: x.gt(0.4).astype(float), (X > 0.4).astype(float)),
    "ne": (lambda x: x.ne(x).astype(float), np.zeros((2, 3))),
    "repeat_interleave": (lambda x: x.repeat_interleave(2, dim=0), np.repeat(X, 2, axis=0)),
    "detach, clone": (lambda x: x.detach().clone(), X),
}


@pytest.mark.parametrize(("call", "expected"), CALLS.values(), ids=CALLS)
def test_what_learners_type_in_pytorchs_words_means_the_same(call, expected):
    np.testing.assert_allclose(call(tg.tensor(X)).numpy(), expected, rtol=1e-15, atol=1e-16)


WRONG = {
    "mm of a stack": (lambda x: x.unsqueeze(0).mm(x), ShapeError, r"mm multiplies arrays of 2 and 2 axes.*\(1, 2, 3\)"),
    "bmm of a matrix": (lambda x: x.bmm(x), ShapeError, "3 and 3 axes"),
    "bmm of stacks of two lengths": (
        lambda x: x.expand(2, -1, -1).bmm(x.T.unsqueeze(0)),
        ShapeError,
        "2 and 1",
    ),
    "mm that does not fit": (lambda x: x.mm(x), ShapeError, "rows of 3 entries, the second columns of 2"),
    # PyTorch's transpose exchanges two axes; NumPy's takes the order of all.
    "transpose of two of three axes": (lambda x: x.unsqueeze(0).transpose(0, 1), ShapeError, r"x\.swapaxes\(0, 1\)"),
    "transpose of a matrix, meant as an exchange": (lambda x: x.transpose(0, 1), ShapeError, r"x\.T"),
    "gather of more rows than there are": (
        lambda x: x.gather(1, np.zeros((3, 1), int)),
        ShapeError,
        r"none but axis 1 longer.*\(3, 1\) for \(2, 3\)",
    ),
    "expand to fewer axes": (lambda x: x.expand(3), ShapeError, r"at least the 2 axes"),
    "chunk into none": (lambda x: x.chunk(0), ShapeError, "at least 1 part"),
    "reshape in another order": (lambda x: x.reshape(3, 2, order="F"), ArgumentError, "order='F'"),
    "t of three axes": (lambda x: x.unsqueeze(0).t(), ShapeError, r"x\.mT"),
    "flatten of an axis that is not there": (lambda x: x.flatten(2), ShapeError, "axis 2"),
    "an option that is not there": (lambda x: x.sum(dims=0, foo=1), ArgumentError, "foo"),
}


@pytest.mark.parametrize(("call", "error", "message"), WRONG.values(), ids=WRONG)
def test_what_pytorch_would_read_otherwise_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(tg.tensor(X))


def test_chunks_are_as_many_as_there_are_entries_for():
    assert [c.shape for c in tg.tensor(X).chunk(5)] == [(1, 3), (1, 3)]
    assert [c.shape for c in tg.tensor(np.ones((3, 4))).chunk(3, 1)] == [(3, 2), (3, 2)]


def test_axes_and_entries_are_counted():
    x = tg.tensor(X)
    assert (x.dim(), x.numel()) == (2, 6)
    quotient, rest = divmod(x * 10, 4)
    np.testing.assert_array_equal(quotient.numpy() * 4 + rest.numpy(), (x * 10).numpy())
