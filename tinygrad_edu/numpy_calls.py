"""NumPy's functions on Tensors: ``np.exp(x)``, ``np.sum(x, axis=0)``, ``array + x``.

NumPy hands a call with a Tensor to the methods below (its protocols NEP 13 and NEP 18); they find the row that
the function stands for. A function without a row raises, since its gradient would be lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.errors import DtypeError, GraphError
from tinygrad_edu.tape import Node, in_force, mode, take_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import DTypeLike, NDArray

    from tinygrad_edu.ops import Composition, Op

__all__ = ["NumpyCalls"]

# What these give is no number that a gradient could follow: shapes, positions, answers.
_LOOKS_ONLY = frozenset(
    {np.shape, np.ndim, np.size, np.nonzero, np.flatnonzero, np.argwhere, np.searchsorted, np.isin, np.array_repr}
    | {np.array_str, np.result_type, np.can_cast, np.may_share_memory, np.shares_memory, np.iscomplexobj}
)
_LOOKS_AT_NO_VALUE = frozenset({np.shape, np.ndim, np.size, np.result_type, np.may_share_memory, np.shares_memory})
# A ufunc's methods, and the rows that they are; along axis 0, if nothing is said.
_METHODS: dict[tuple[Any, str], str] = {
    (np.add, "reduce"): "sum",
    (np.multiply, "reduce"): "prod",
    (np.maximum, "reduce"): "max",
    (np.minimum, "reduce"): "min",
    (np.logical_and, "reduce"): "all",
    (np.logical_or, "reduce"): "any",
    (np.logaddexp, "reduce"): "logsumexp",
    (np.add, "accumulate"): "cumsum",
    (np.multiply, "accumulate"): "cumprod",
    (np.logaddexp, "accumulate"): "logcumsumexp",
    (np.maximum, "accumulate"): "cummax",
    (np.minimum, "accumulate"): "cummin",
}


class NumpyCalls(Node):
    """What NumPy asks of a Tensor."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if kwargs.get("out") is not None:
            return _write_into(ufunc, method, inputs, kwargs)
        if (ufunc, method) in _METHODS:  # what np.sum and its like are made of
            return _call(getattr(ops, _METHODS[ufunc, method]), inputs, {"axis": 0} | kwargs)
        op = ops.BY_FUNCTION.get(ufunc)
        if method == "__call__" and op is not None and all(name in ("axis", "keepdims") for name in kwargs):
            return _call(op, inputs, kwargs) if kwargs else op(*inputs)
        name = f"np.{ufunc.__name__}" if method == "__call__" else f"np.{ufunc.__name__}.{method}"
        return _on_arrays(name, getattr(ufunc, method), inputs, kwargs)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        op = ops.BY_FUNCTION.get(function)
        if function in _LOOKS_ONLY or (function is np.where and len(args) == 1):
            if in_force and function not in _LOOKS_AT_NO_VALUE:
                _take_out(f"np.{function.__name__}()", args, kwargs)
            return function(*map(_array, args), **{name: _array(value) for name, value in kwargs.items()})
        if op is not None:
            return _call(op, args, kwargs)
        home = "np.linalg" if "linalg" in function.__module__ else "np"
        return _on_arrays(f"{home}.{function.__name__}", function, args, kwargs)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: FBT001 - NumPy's signature
        if self.tracked and mode.recording:
            raise GraphError(
                "Turning this tensor into an array would drop its gradient unseen. To join tensors, write "
                "np.stack([...]); to drop the gradient on purpose, x.numpy() or x.detach()."
            )
        if in_force:
            take_out(self, "np.asarray()")
        return np.array(self.array, dtype=dtype, copy=copy)


def _take_out(how: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    for x in _nodes((*args, *kwargs.values())):
        take_out(x, how)


def _call(op: Op | Composition, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    inputs, options = op.bind(args, kwargs)
    return op(*inputs, **options)


def _write_into(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Serve ``array -= tensor``: a plain array may be written into where no gradient gets lost."""
    lost = mode.recording and any(isinstance(x, Node) and x.tracked for x in inputs)
    if lost or any(isinstance(x, Node) for x in kwargs["out"]):
        raise GraphError(
            f"np.{ufunc.__name__}(..., out=) would write into a Tensor, or drop a gradient. Assign the result instead."
        )
    if in_force:
        _take_out(f"np.{ufunc.__name__}(..., out=)", inputs, {})
    arrays = [x.array if isinstance(x, Node) else x for x in inputs]
    return getattr(ufunc, method)(*arrays, **kwargs)


def _on_arrays(name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Let NumPy compute what has no row, where no gradient is asked for; the result is NumPy's, an array."""
    if mode.recording and any(x.tracked for x in _nodes((*args, *kwargs.values()))):
        given = f" with {', '.join(kwargs)}" if kwargs else ""
        advice = " To add into a tensor at an index, there is tg.at(x, index).add(v)." if name.endswith(".at") else ""
        raise DtypeError(
            f"{name}{given} has no row in the table of operations, so it cannot be differentiated. Compose it from "
            f"operations that have, or compute on tensor.numpy() where no gradient is needed.{advice}"
        )
    if in_force:
        _take_out(f"{name}()", args, kwargs)
    return function(*map(_array, args), **{name: _array(value) for name, value in kwargs.items()})


def _nodes(values: Any) -> Iterator[Node]:
    for value in values:
        if isinstance(value, Node):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _nodes(value)


def _array(value: Any) -> Any:
    """Put arrays in the place of Tensors, in lists and tuples too."""
    if isinstance(value, Node):
        return value.array
    if type(value) in (list, tuple):
        return type(value)(map(_array, value))
    return value
