"""PyTorch's names for what NumPy calls otherwise, for those who come from there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.products import matmul
from tinygrad_edu.ops.shape import reshape

# PyTorch's name: the row or composition of NumPy's name that means the same. Options are translated where they are
# bound: `dim` is `axis`, `keepdim` is `keepdims`.
ALIASES = {
    "abs": "absolute",
    "acos": "arccos",
    "acosh": "arccosh",
    "amax": "max",
    "amin": "min",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "cat": "concatenate",
    "clamp": "clip",
    "concat": "concatenate",
    "div": "divide",
    "eq": "equal",
    "ge": "greater_equal",
    "ger": "outer",
    "gt": "greater",
    "inverse": "inv",
    "le": "less_equal",
    "logsigmoid": "log_sigmoid",
    "lt": "less",
    "mod": "remainder",
    "movedim": "moveaxis",
    "mul": "multiply",
    "ne": "not_equal",
    "neg": "negative",
    "permute": "transpose",
    "pinverse": "pinv",
    "pow": "power",
    "repeat_interleave": "repeat",
    "sub": "subtract",
    "swapdims": "swapaxes",
    "swish": "silu",
    "take_along_dim": "take_along_axis",
    "unbind": "unstack",
    "unsqueeze": "expand_dims",
}


def _check(name: str, arrays: tuple[Any, ...], ndims: tuple[int, ...]) -> None:
    if tuple(map(np.ndim, arrays)) != ndims:
        given = " and ".join(str(np.shape(a)) for a in arrays)
        raise ShapeError(
            f"{name} multiplies arrays of {' and '.join(map(str, ndims))} axes, but was given shapes {given}. For any "
            f"number of axes there is @."
        )


@compose("mm")
def mm(x: Any, y: Any) -> Any:
    """The product of two matrices, and of nothing else."""
    _check("mm", (x, y), (2, 2))
    return matmul(x, y)


@compose("bmm")
def bmm(x: Any, y: Any) -> Any:
    """The products of two stacks of matrices, one by one; the stacks are equally long."""
    _check("bmm", (x, y), (3, 3))
    if len(x) != len(y):
        raise ShapeError(f"bmm multiplies as many matrices as there are, but was given {len(x)} and {len(y)}.")
    return matmul(x, y)


@compose("mv")
def mv(x: Any, y: Any) -> Any:
    """The product of a matrix and a vector."""
    _check("mv", (x, y), (2, 1))
    return matmul(x, y)


@compose("flatten")
def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """The axes from `start_dim` to `end_dim` merged into one."""
    n = x.ndim or 1
    for axis in (start_dim, end_dim):
        if not -n <= axis < n:
            raise ShapeError(f"flatten was given axis {axis}, but the shape is {x.shape}.")
    start, end = start_dim % n, end_dim % n + 1
    return reshape(x, shape=(*x.shape[:start], math.prod(x.shape[start:end]), *x.shape[end:]))
