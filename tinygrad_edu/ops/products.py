"""Rows that are matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.ops.table import define


def _swap(x: Any) -> Any:
    return x.swapaxes(-1, -2)


# --------------------------------------------------------------------------------------------- matmul
# x @ y with x (..., n, k) and y (..., k, m), leading axes broadcast; a vector on the left is a row
# (1, k), a vector on the right a column (k, 1), and the axis that was added is taken away again.
def _matmul_wrt_x(g: Any, _z: Any, x: Any, y: Any) -> Any:
    if y.ndim == 1:
        return g[..., None] * y
    if x.ndim == 1:
        return (y @ g[..., None])[..., 0]
    return g @ _swap(y)


def _matmul_wrt_y(g: Any, _z: Any, x: Any, y: Any) -> Any:
    if x.ndim == 1:
        return g * x if y.ndim == 1 else x[:, None] * g[..., None, :]
    if y.ndim == 1:
        return (_swap(x) @ g[..., None])[..., 0]
    return _swap(x) @ g


matmul = define(
    np.matmul,
    _matmul_wrt_x,
    _matmul_wrt_y,
    doc="The matrix product, over leading axes that broadcast.",
    gradient="g yᵀ; xᵀ g",
)


# The product of two matrices, or of vectors: what matmul is for them, in half the time when they are small.
def _dot(x: Any, y: Any) -> Any:
    if not (np.ndim(x) and 1 <= np.ndim(y) <= 2):
        raise ValueError("dot multiplies matrices and vectors; for stacks of matrices there is matmul")
    return x.dot(y)


dot = define(
    np.dot,
    _matmul_wrt_x,
    _matmul_wrt_y,
    forward=_dot,
    doc="The product of two matrices or vectors.",
    gradient="g yᵀ; xᵀ g",
)


# --------------------------------------------------------------------------------------------- linear
# One row for a layer's x Wᵀ + b, with W stored (outputs, inputs) as PyTorch stores it. As three rows it
# would be the same formula in 1.7 times the time, for 32 × 16 to 16.
def _rows(x: Any) -> Any:
    """See all leading axes as one."""
    return x.reshape((-1, x.shape[-1]))


def _linear(x: Any, weight: Any, bias: Any) -> Any:
    if x.ndim == 2 and len(x) > 4 and weight.size >= 4096:
        # OpenBLAS takes longer where the second factor is a transposed one. So the examples are turned instead,
        # which are few beside the weights: 225 µs become 157 for 32 × 784 to 256.
        return np.add(weight.dot(x.T.copy()).T, bias, order="C")
    if not x.ndim:
        raise ValueError("a single number has no features")
    return x.dot(weight.T) + bias


linear = define(
    "linear",
    lambda g, _y, _x, weight, _bias: g.dot(weight),
    lambda g, _y, x, _weight, _bias: g.T.dot(x) if x.ndim == 2 else _rows(g).T.dot(_rows(x)),
    lambda g, _y, _x, _weight, _bias: g,
    forward=_linear,
    doc="x Wᵀ + b.",
    gradient="g W; gᵀ x; g",
)
