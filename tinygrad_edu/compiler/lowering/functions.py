"""What NumPy's functions do with symbols, where they do more than work entry by entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.lowering.symbols import FUNCTIONS, Symbol, emit, example
from tinygrad_edu.compiler.lowering.tracer import UntraceableError
from tinygrad_edu.compiler.primitives import Primitive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinygrad_edu.compiler.lowering.tracer import Tracer

__all__ = ["broadcast"]

_CLIP = Primitive("clip", "elementwise", np.clip)


def _shape_of(x: Any) -> Any:
    """Give an array like what a call was given; its entries do not count."""
    return x.array if isinstance(x, Symbol) else x


# ---------------------------------------------------------------------------------------------- products
def _dot(tracer: Tracer, x: Any, y: Any, out: Any = None) -> Symbol:
    a, b = example(x), example(y)
    if out is not None or not (1 <= np.ndim(a) <= 2 and 1 <= np.ndim(b) <= 2):
        raise UntraceableError("dot")
    return emit(tracer, p.DOT, (x, y), np.dot(a, b))


def _einsum(tracer: Tracer, subscripts: str, *operands: Any, **kwargs: Any) -> Symbol:
    if not isinstance(subscripts, str) or set(kwargs) - {"optimize"} or kwargs.get("optimize"):
        raise UntraceableError("einsum")
    array = np.einsum(subscripts, *map(example, operands))
    return emit(tracer, p.EINSUM, operands, array, {"subscripts": subscripts})


# --------------------------------------------------------------------------------------- entry by entry
def _where(tracer: Tracer, condition: Any, x: Any, y: Any) -> Symbol:
    array = np.where(example(condition), example(x), example(y))
    return emit(tracer, p.WHERE, (condition, *(tracer.number(v, array.dtype) for v in (x, y))), array)


def _clip(tracer: Tracer, x: Any, low: Any = None, high: Any = None, **kwargs: Any) -> Any:
    if kwargs or (low is None and high is None):
        raise UntraceableError("clip")
    if low is None or high is None:
        return np.minimum(x, high) if low is None else np.maximum(x, low)
    return emit(tracer, _CLIP, (x, low, high), np.clip(example(x), example(low), example(high)))


def broadcast(tracer: Tracer, x: Any, shape: int | tuple[int, ...]) -> Symbol:
    """Repeat entries to make up a shape, in memory of their own."""
    target = (shape,) if isinstance(shape, int) else tuple(shape)
    return emit(tracer, p.COPY, (x,), np.broadcast_to(example(x), target).copy(), {"shape": target})


# --------------------------------------------------------------------------------------------- part by part
def _concatenate(tracer: Tracer, xs: Sequence[Any], axis: int | None = 0, dtype: Any = None) -> Symbol:
    if axis is None:
        xs, axis = [x.reshape(-1) for x in xs], 0
    out = _room(tracer, np.concatenate([_shape_of(x) for x in xs], axis=axis, dtype=dtype))
    before, start = (slice(None),) * (axis % out.ndim), 0
    for x in xs:
        out[(*before, slice(start, start + x.shape[axis]))] = x
        start += x.shape[axis]
    return out


def _stack(tracer: Tracer, xs: Sequence[Any], axis: int = 0, dtype: Any = None) -> Symbol:
    out = _room(tracer, np.stack([_shape_of(x) for x in xs], axis=axis, dtype=dtype))
    before = (slice(None),) * (axis % out.ndim)
    for i, x in enumerate(xs):
        out[(*before, i)] = x
    return out


def _roll(tracer: Tracer, x: Any, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        return _roll(tracer, x.reshape(-1), shift, 0).reshape(x.shape)
    if not isinstance(shift, int) or not isinstance(axis, int):
        raise UntraceableError("roll")
    out, n = _room(tracer, np.roll(x.array, shift, axis)), x.shape[axis]
    before, shift = (slice(None),) * (axis % x.ndim), shift % max(n, 1)
    for to, of in ((slice(shift, n), slice(0, n - shift)), (slice(0, shift), slice(n - shift, n))):
        out[(*before, to)] = x[(*before, of)]
    return out


def _room(tracer: Tracer, array: Any) -> Symbol:
    return Symbol(tracer, array).room(array, filled=False)


def _flip(_: Tracer, x: Any, axis: Any = None) -> Symbol:
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    turned = {a % x.ndim for a in axes}
    out: Symbol = x[tuple(slice(None, None, -1) if a in turned else slice(None) for a in range(x.ndim))]
    return out


def _running(function: np.ufunc) -> Callable[..., Any]:
    def running(_: Tracer, x: Any, axis: Any = None, dtype: Any = None) -> Any:
        return function.accumulate(x.reshape(-1) if axis is None else x, axis=axis or 0, dtype=dtype)

    return running


def _reduced(function: np.ufunc) -> Callable[..., Any]:
    return lambda _tracer, x, axis=None, keepdims=False: function.reduce(x, axis=axis, keepdims=keepdims)


def _method(name: str) -> Callable[..., Any]:
    return lambda _tracer, x, *args, **kwargs: getattr(x, name)(*args, **kwargs)


def _moved(ndim: int, source: Any, destination: Any) -> tuple[int, ...]:
    """Say in which order the axes are after some of them were moved."""
    return tuple(n - 1 for n in np.moveaxis(np.empty(range(1, ndim + 1), bool), source, destination).shape)


FUNCTIONS.update(
    {
        np.all: _reduced(np.logical_and),
        np.any: _reduced(np.logical_or),
        np.broadcast_to: broadcast,
        np.clip: _clip,
        np.concatenate: _concatenate,
        np.copy: _method("copy"),
        np.cumprod: _running(np.multiply),
        np.cumsum: _running(np.add),
        np.dot: _dot,
        np.einsum: _einsum,
        np.empty_like: lambda _, x, **kwargs: np.empty_like(x.array, **kwargs),
        np.expand_dims: lambda _, x, axis: x.reshape(np.expand_dims(x.array, axis).shape),
        np.flip: _flip,
        np.full_like: lambda _, x, number, **kwargs: np.full_like(x.array, number, **kwargs),
        np.max: _method("max"),
        np.may_share_memory: lambda _, x, y: np.may_share_memory(_shape_of(x), _shape_of(y)),
        np.moveaxis: lambda _, x, *axes: x.transpose(_moved(x.ndim, *axes)),
        np.ndim: lambda _, x: x.ndim,
        np.ones_like: lambda _, x, **kwargs: np.ones_like(x.array, **kwargs),
        np.ravel: _method("ravel"),
        np.reshape: _method("reshape"),
        np.result_type: lambda _, *xs: np.result_type(*map(_shape_of, xs)),
        np.roll: _roll,
        np.shape: lambda _, x: x.shape,
        np.size: lambda _, x: x.size,
        np.squeeze: _method("squeeze"),
        np.stack: _stack,
        np.sum: _method("sum"),
        np.swapaxes: _method("swapaxes"),
        np.transpose: _method("transpose"),
        np.where: _where,
        np.zeros_like: lambda _, x, **kwargs: np.zeros_like(x.array, **kwargs),
    }
)
