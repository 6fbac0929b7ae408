"""Tensors from nothing: NumPy's and PyTorch's ways to call, float32 unless told, and the shape of another."""

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import DtypeError, GraphError, OptionError, ShapeError
from tinygrad_edu.functional.creation import (
    arange,
    eye,
    full,
    full_like,
    linspace,
    logspace,
    one_hot,
    ones,
    ones_like,
    zeros,
    zeros_like,
)

F32, I64 = np.float32, np.int64
MADE = {
    "zeros, axis by axis": (lambda: zeros(2, 3), np.zeros((2, 3), F32)),
    "zeros, a tuple": (lambda: zeros((2, 3)), np.zeros((2, 3), F32)),
    "zeros, a list": (lambda: zeros([2, 3]), np.zeros((2, 3), F32)),
    "zeros, one axis": (lambda: zeros(3), np.zeros(3, F32)),
    "zeros, no axes": (lambda: zeros(()), np.zeros((), F32)),
    "zeros, no arguments": (zeros, np.zeros((), F32)),
    "zeros, nothing": (lambda: zeros(0, 3), np.zeros((0, 3), F32)),
    "zeros, a length of NumPy's": (lambda: zeros(np.int32(2)), np.zeros(2, F32)),
    "zeros, whole": (lambda: zeros(2, dtype=I64), np.zeros(2, I64)),
    "ones": (lambda: ones(2, 3), np.ones((2, 3), F32)),
    "ones in float64": (lambda: ones((2,), dtype="float64"), np.ones(2)),
    "full": (lambda: full((2, 2), 0.5), np.full((2, 2), 0.5, F32)),
    "full of whole numbers": (lambda: full(3, 7), np.full(3, 7, I64)),
    "full of truth": (lambda: full(2, True), np.full(2, True)),  # noqa: FBT003
    "full, dtype": (lambda: full(2, 7, dtype=F32), np.full(2, 7, F32)),
    "full of infinity": (lambda: full(2, math.inf), np.full(2, math.inf, F32)),
    "full of rows": (lambda: full((2, 2), [1.0, 2.0]), np.full((2, 2), [1, 2], F32)),
    "eye": (lambda: eye(3), np.eye(3, dtype=F32)),
    "eye, more columns": (lambda: eye(2, 4), np.eye(2, 4, dtype=F32)),
    "eye, whole": (lambda: eye(2, dtype=I64), np.eye(2, dtype=I64)),
    "arange of a number": (lambda: arange(4), np.arange(4)),
    "arange of a fraction": (lambda: arange(2.5), np.arange(2.5, dtype=F32)),
    "arange from, to": (lambda: arange(2, 5), np.arange(2, 5)),
    "arange down": (lambda: arange(5, 2, -1), np.arange(5, 2, -1)),
    "arange in fractions": (lambda: arange(0, 1, 0.1), np.arange(0, 1, 0.1).astype(F32)),
    "arange, dtype": (lambda: arange(3, dtype=F32), np.arange(3, dtype=F32)),
    "arange of nothing": (lambda: arange(0), np.arange(0)),
    "linspace": (lambda: linspace(-1, 1, 5), np.linspace(-1, 1, 5, dtype=F32)),
    "linspace, steps": (lambda: linspace(-1, 1, steps=5), np.linspace(-1, 1, 5, dtype=F32)),
    "linspace, 50 unless told": (lambda: linspace(0, 1), np.linspace(0, 1, dtype=F32)),
    "linspace without its end": (lambda: linspace(0, 1, 4, endpoint=False), np.array([0, 0.25, 0.5, 0.75], F32)),
    "linspace in float64": (lambda: linspace(0, 1, 4, dtype=np.float64), np.linspace(0, 1, 4)),
    "logspace": (lambda: logspace(0, 2, 3), np.array([1, 10, 100], F32)),
    "logspace of base 2": (lambda: logspace(0, 3, 4, base=2), np.array([1, 2, 4, 8], F32)),
    "logspace, steps, without its end": (lambda: logspace(0, 2, steps=2, endpoint=False), np.array([1, 10], F32)),
    "zeros_like": (lambda: zeros_like(np.ones((2, 3))), np.zeros((2, 3))),
    "zeros_like, dtype": (lambda: zeros_like([1.0, 2.0], dtype=I64), np.zeros(2, I64)),
    "ones_like": (lambda: ones_like([1, 2]), np.ones(2, I64)),
    "full_like": (lambda: full_like([1.0, 2.0], 7), np.full(2, 7, F32)),
    "full_like, minus 0": (lambda: full_like([1.0], -0.0), np.array([-0.0], F32)),
    "full_like, a row": (lambda: full_like(np.zeros((2, 2)), [1.0, 2.0]), np.array([[1.0, 2.0]] * 2)),
    "one_hot": (lambda: one_hot([[0, 2]]), np.array([[[1, 0, 0], [0, 0, 1]]])),
    "one_hot of one": (lambda: one_hot(1, 3), np.array([0, 1, 0])),
    "one_hot, more classes": (lambda: one_hot(np.array([1], np.uint8), 3), np.array([[0, 1, 0]])),
    "one_hot, floating": (lambda: one_hot(tg.tensor([1]), 2, dtype=F32), np.array([[0, 1]], F32)),
    "one_hot of nothing": (lambda: one_hot(np.zeros(0, int), 2), np.zeros((0, 2), I64)),
}


@pytest.mark.parametrize(("make", "expected"), MADE.values(), ids=MADE)
def test_what_is_made_is_what_numpy_makes(make, expected):
    out = make()
    assert isinstance(out, tg.Tensor)
    assert (out.shape, out.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(out.numpy(), expected)
    np.testing.assert_array_equal(np.signbit(out.numpy().astype(float)), np.signbit(expected.astype(float)))
    assert not out.requires_grad
    assert out.is_leaf


LEAVES = {
    "zeros": lambda: zeros(2, requires_grad=True),
    "ones": lambda: ones(2, requires_grad=True),
    "full": lambda: full(2, 0.5, requires_grad=True),
    "eye": lambda: eye(2, requires_grad=True),
    "arange": lambda: arange(2.0, requires_grad=True),
    "linspace": lambda: linspace(0, 1, 2, requires_grad=True),
    "logspace": lambda: logspace(0, 1, 2, requires_grad=True),
    "zeros_like": lambda: zeros_like([1.0, 2.0], requires_grad=True),
    "ones_like": lambda: ones_like([1.0, 2.0], requires_grad=True),
    "full_like": lambda: full_like([1.0, 2.0], 3.0, requires_grad=True),
}


@pytest.mark.parametrize("make", LEAVES.values(), ids=LEAVES)
def test_what_is_made_may_ask_for_gradients(make):
    x = make()
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad, 2 * x.numpy())


def test_what_is_made_can_be_written_into():
    for make in LEAVES.values():
        x = make().detach()
        x += 1


def test_gradients_flow_back_to_the_value_that_fills():
    for f in (lambda v: full((2, 3), v), lambda v: full_like(np.zeros((2, 3)), v)):
        assert tg.gradcheck(lambda v, f=f: f(v) ** 3, np.array(0.5), order=2)
        assert tg.gradcheck(lambda v, f=f: f(v) ** 3, np.array([[0.5], [2.0]]), order=2)
    value = tg.tensor(0.5, requires_grad=True)
    assert full(2, value).requires_grad
    with pytest.raises(GraphError, match="leaf"):
        full(2, value, requires_grad=True)


def test_no_gradient_flows_back_to_what_lends_its_shape():
    x = tg.tensor([1.0, math.inf], requires_grad=True)
    for like in (np.zeros_like, np.ones_like, np.empty_like, lambda a: np.full_like(a, 2.0)):
        out = like(x)
        assert isinstance(out, tg.Tensor)
        assert not out.requires_grad
        assert np.isfinite(out.numpy()).all()


def test_numpys_likes_take_numpys_options():
    x = tg.tensor([[1.0, 2.0]])
    for like in (np.zeros_like, np.ones_like, np.empty_like, lambda a, **o: np.full_like(a, 2, **o)):
        out = like(x, dtype=np.float64, shape=(3,))
        assert (out.shape, out.dtype) == ((3,), np.float64)
        with pytest.raises(TypeError, match="order"):
            like(x, order="F")


REFUSED = {
    "a negative length": (lambda: zeros(2, -1), ShapeError, r"\(2, -1\)"),
    "a length that is no whole number": (lambda: ones(2.5), ShapeError, r"2\.5"),
    "nested lists": (lambda: zeros([[1, 2]]), ShapeError, "whole numbers"),
    "a matrix of negative size": (lambda: eye(-1), ShapeError, "-1"),
    "whole numbers asked for gradients": (lambda: zeros(2, dtype=int, requires_grad=True), DtypeError, "int64"),
    "a range asked for gradients": (lambda: arange(3, requires_grad=True), DtypeError, "int64"),
    "a range in no steps": (lambda: arange(0, 1, 0), OptionError, "not 0"),
    "a range without end": (lambda: arange(math.inf), OptionError, "finite"),
    "fewer numbers than none": (lambda: linspace(0, 1, -1), OptionError, "-1"),
    "half a number": (lambda: logspace(0, 1, 2.5), OptionError, r"2\.5"),
    "a value that does not broadcast": (lambda: full((2, 3), [1.0, 2.0]), ShapeError, r"\(2,\)"),
    "a value larger than what it fills": (lambda: full_like([1.0], [[1.0], [2.0]]), ShapeError, r"\(1,\).*\(2, 1\)"),
    "a class that is not there": (lambda: one_hot([0, 3], 3), OptionError, "= 2, but was given 3"),
    "a class below 0": (lambda: one_hot([0, -1]), OptionError, "was given -1"),
    "no class": (lambda: one_hot(np.zeros(0, int)), OptionError, "Give num_classes"),
    "fewer classes than one": (lambda: one_hot(np.zeros(0, int), 0), OptionError, "there are 0"),
    "classes as floats": (lambda: one_hot([0.0, 1.0]), DtypeError, "float32"),
}


@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_made_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
