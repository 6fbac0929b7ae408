"""What a program is made of after lowering: single calls of NumPy, each of which can write into memory that is there.

A primitive says how it computes, for constants and examples; of what kind it is, which tells the passes what they may
do with it; and how NumPy's source spells it.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler.assembling import assemble

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "ASSEMBLE",
    "AS_TYPE",
    "CALL",
    "CHECK",
    "COPY",
    "DOT",
    "EINSUM",
    "INDEX",
    "JOIN",
    "KEEP",
    "RANDOM",
    "SCATTER",
    "TAKE",
    "TAKE_ROWS",
    "VIEW",
    "WHERE",
    "WRITE",
    "Primitive",
    "opaque",
    "reduction",
    "ufunc",
]


@dataclass(frozen=True, slots=True, eq=False)
class Primitive:
    """One kind of instruction after lowering."""

    name: str
    """As NumPy spells it: ``add``, ``add.reduce``."""
    kind: str
    """``elementwise``, ``reduction``, ``product``, ``view``, ``copy``, ``keep``, ``gather``, ``scatter``, ``assemble``,
    ``random``, ``scan``, ``opaque``; ``call``, ``check`` and ``write`` are there for what they do."""
    run: Callable[..., Any]
    """Computes the result from arrays, into memory of its own."""

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}>"


@functools.cache
def ufunc(function: np.ufunc) -> Primitive:
    """Give the primitive of a NumPy function that works entry by entry, or of a product.

    Examples
    --------
    >>> ufunc(np.add), ufunc(np.matmul)
    (<elementwise add>, <product matmul>)
    """
    return Primitive(function.__name__, "elementwise" if function.signature is None else "product", function)


@functools.cache
def reduction(function: np.ufunc, method: str = "reduce") -> Primitive:
    """Give the primitive that makes the entries along axes into one, or into their running results.

    Examples
    --------
    >>> reduction(np.add)
    <reduction add.reduce>
    """
    kind = "reduction" if method == "reduce" else "scan"
    return Primitive(f"{function.__name__}.{method}", kind, getattr(function, method))


def opaque(op: Any) -> Primitive:
    """Give the primitive of a row that is called as it is, since its forward cannot be taken apart."""
    return Primitive(op.name, "opaque", op.forward)


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _scatter(values: Any, where: Any, shape: tuple[int, ...]) -> Any:
    out = np.zeros(math.prod(shape), values.dtype)
    out[where] = values
    return out.reshape(shape)


def _random(like: Any, rng: Any, dtype: Any, method: str) -> Any:
    return getattr(rng, method)(like.shape, dtype=dtype)


DOT = Primitive("dot", "product", np.dot)
EINSUM = Primitive("einsum", "product", lambda *arrays, subscripts: np.einsum(subscripts, *arrays))
WHERE = Primitive("where", "elementwise", np.where)
# The same numbers in other memory: broadcast, made contiguous, or in another dtype.
COPY = Primitive("copyto", "copy", lambda x, shape: np.broadcast_to(x, shape).copy())
# A copy of what is found in memory of the program's own after the step: never left out as one that changes nothing.
KEEP = Primitive("keep", "keep", lambda x: x.copy())
AS_TYPE = Primitive("astype", "copy", lambda x, dtype: x.astype(dtype))
# Other shapes and strides on the same memory; `spelling` is how Python writes it after the name.
VIEW = Primitive("view", "view", lambda x, spelling, make: make(x))  # noqa: ARG005 - for readers alone
# By places in the flat array: entries taken out, and entries put among zeros.
TAKE = Primitive("take", "gather", lambda x, where: x.reshape(-1)[where])
TAKE_ROWS = Primitive("take", "gather", lambda x, where: x[where])
INDEX = Primitive("getitem", "gather", lambda x, index: x[index])
SCATTER = Primitive("scatter", "scatter", _scatter)
# Written part by part: see assembling.
ASSEMBLE = Primitive("assemble", "assemble", assemble)
RANDOM = Primitive("random", "random", _random)
# What lies side by side in one flat vector, as that vector.
JOIN = Primitive("join", "join", lambda *pieces: np.concatenate([piece.reshape(-1) for piece in pieces]))
# Those that are there for what they do.
CHECK = Primitive("check", "check", _nothing)
WRITE = Primitive("write", "write", _nothing)
CALL = Primitive("call", "call", _nothing)
