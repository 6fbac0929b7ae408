"""Taking a row apart: run its forward on symbols, which note each call of NumPy that they take part in.

So no row says twice what it computes, and what the compiler emits is what the row does, call by call.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.program import Instruction, Origin, Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinygrad_edu.compiler.primitives import Primitive

__all__ = ["Symbol", "Tracer", "UntraceableError"]


class UntraceableError(Exception):
    """A forward does something that is no single call of NumPy on its inputs."""


class Tracer:
    """Collects the instructions that symbols make."""

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []
        self.origin = Origin()
        self.base = "x"
        self.checked: set[Value] = set()
        """Values of whole numbers that were checked to be within their range."""
        self._constants: dict[int, Value] = {}
        self._numbers: dict[Any, Any] = {}
        self._starts: dict[tuple[int, ...], Any] = {}

    def symbol(self, value: Value) -> Symbol:
        """Let a value take part in calls of NumPy."""
        return Symbol(value, self)

    def operand(self, x: Any) -> Any:
        """Give the value of what a call was given; numbers as they are."""
        if isinstance(x, Symbol):
            return x.value
        if isinstance(x, (np.ndarray, np.generic)):
            if id(x) not in self._constants:
                array = np.asarray(x)
                name = "_".join([_content(array) or f"constant_{len(self._constants)}", *map(str, array.shape)])
                self._constants[id(x)] = Value(name, "constant", array, owner=x)
            return self._constants[id(x)]
        if isinstance(x, (bool, int, float)) or x is None:
            return x
        raise UntraceableError(type(x).__name__)

    def number(self, x: Any, dtype: Any) -> Any:
        """Make a Python number an array of one, the same one each time; give anything else as it is."""
        if not isinstance(x, (bool, int, float)):
            return x
        key = (repr(x), np.dtype(dtype))
        if key not in self._numbers:
            self._numbers[key] = array = np.array(x, dtype)
            self.operand(array).name = "c_" + "".join(c if c.isalnum() else "_" for c in repr(x).replace("-", "minus_"))
        return self._numbers[key]

    def places(self, rows: Any, classes: Symbol, shape: tuple[int, ...]) -> Symbol | None:
        """Compute where in a flat array of `shape` the entry of each row's class lies; None if that is not safe."""
        if classes.value not in self.checked or classes.ndim != 1 or classes.dtype.kind not in "iu":
            return None
        if not (isinstance(rows, np.ndarray) and np.array_equal(rows, np.arange(shape[0]))):
            return None
        if shape not in self._starts:
            self._starts[shape] = starts = np.arange(shape[0]) * shape[1]
            self.operand(starts)
            self._constants[id(starts)].name = f"row_starts_{shape[0]}"
        index = classes if classes.dtype == np.int64 else classes.astype(np.int64)
        places: Symbol = np.add(self._starts[shape], index)  # type: ignore[assignment]
        places.value.name = "places"
        return places

    def emit(self, op: Primitive, inputs: tuple[Any, ...], array: Any, options: dict[str, Any] | None = None) -> Symbol:
        """Note a call, whose result on the examples is `array`."""
        read = tuple(self.operand(x) for x in inputs)
        name = f"{self.base}_{_WORDS.get(op.name, op.name)}"
        if op is p.VIEW and options is not None:
            name = f"{read[0].name}_{_WORDS.get(options['spelling'], options['spelling'].split('(')[0])}"
        out = Value("".join(c if c.isalnum() else "_" for c in name), "computed", np.asarray(array))
        self.instructions.append(Instruction(op, read, out, options or {}, self.origin))
        return Symbol(out, self)


class Symbol(NDArrayOperatorsMixin):
    """Stands for an array while a row's forward runs."""

    __array_priority__ = 1000

    def __init__(self, value: Value, tracer: Tracer) -> None:
        self.value, self.tracer = value, tracer

    # ------------------------------------------------------------------------------------- what it is
    shape = property(lambda self: self.value.array.shape)
    dtype = property(lambda self: self.value.array.dtype)
    ndim = property(lambda self: self.value.array.ndim)
    size = property(lambda self: self.value.array.size)
    itemsize = property(lambda self: self.value.array.itemsize)
    nbytes = property(lambda self: self.value.array.nbytes)
    T = property(lambda self: self._view("T", lambda x: x.T))

    def __len__(self) -> int:
        return len(self.value.array)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise UntraceableError("array")

    def __bool__(self) -> bool:
        raise UntraceableError("bool")

    def __iter__(self) -> Any:
        raise UntraceableError("iter")

    def __setitem__(self, index: Any, value: Any) -> None:
        raise UntraceableError("setitem")

    # -------------------------------------------------------------------------------------- functions
    def __array_ufunc__(self, function: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if kwargs.pop("out", None) not in (None, (None,)) or function.nout != 1:
            raise UntraceableError("out")
        kwargs.pop("order", None) if method == "__call__" else None
        if method == "__call__":
            op = p.ufunc(function)
            unknown = set(kwargs) - {"dtype", "axis"}
        elif method in ("reduce", "accumulate"):
            op = p.reduction(function, method)
            unknown = set(kwargs) - {"dtype", "axis", "keepdims"}
        else:
            raise UntraceableError(method)
        if unknown:
            raise UntraceableError(", ".join(unknown))
        arrays = [_array(x) for x in inputs]
        with np.errstate(all="ignore"):
            result = getattr(function, method)(*arrays, **kwargs)
        options = {name: value for name, value in kwargs.items() if value or name == "axis"}
        return self.tracer.emit(op, inputs, result, options)

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        known = _FUNCTIONS.get(function)
        if known is None:
            raise UntraceableError(function.__name__)
        return known(self.tracer, *args, **kwargs)

    def __pow__(self, exponent: Any) -> Any:
        # As NumPy's operator does, which is faster than the function of that name.
        known = _POWERS.get(exponent) if isinstance(exponent, (int, float)) and self.dtype.kind == "f" else None
        return np.power(self, exponent) if known is None else known(self)  # type: ignore[call-overload]

    # ---------------------------------------------------------------------------------------- methods
    def _view(self, spelling: str, make: Callable[[Any], Any]) -> Symbol:
        array = make(self.value.array)
        options = {"spelling": spelling, "make": make}
        if not np.may_share_memory(array, self.value.array) and array.size:
            whole = self.copy()
            return whole._view(spelling, make)  # noqa: SLF001 - of its own kind
        return self.tracer.emit(p.VIEW, (self,), array, options)

    def reshape(self, *shape: Any) -> Symbol:
        """Give the entries in another shape."""
        target = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        target = self.value.array.reshape(target).shape
        return self if target == self.shape else self._view(f"reshape({target})", lambda x: x.reshape(target))

    def transpose(self, *axes: Any) -> Symbol:
        """Permute the axes."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        if order is None or tuple(a % self.ndim for a in order) == tuple(reversed(range(self.ndim))):
            return self._view("T", lambda x: x.T)
        order = tuple(order)
        return self._view(f"transpose({order})", lambda x: x.transpose(order))

    def swapaxes(self, axis1: int, axis2: int) -> Symbol:
        """Exchange two axes."""
        return self._view(f"swapaxes({axis1}, {axis2})", lambda x: x.swapaxes(axis1, axis2))

    def squeeze(self, axis: Any = None) -> Symbol:
        """Drop axes of length 1."""
        return self.reshape(self.value.array.squeeze(axis).shape)

    def ravel(self) -> Symbol:
        """Give the entries along one axis."""
        return self.reshape(-1)

    def dot(self, other: Any) -> Symbol:
        """Multiply matrices or vectors."""
        return _dot(self.tracer, self, other)

    def astype(self, dtype: Any, copy: bool = True) -> Symbol:  # noqa: FBT001, FBT002 - NumPy's signature
        """Give the entries in another dtype."""
        if not copy and self.dtype == dtype:
            return self
        dtype = np.dtype(dtype)
        with np.errstate(all="ignore"):
            return self.tracer.emit(p.AS_TYPE, (self,), self.value.array.astype(dtype), {"dtype": dtype})

    def copy(self) -> Symbol:
        """Give the entries in memory of their own, in row-major order."""
        return self.tracer.emit(p.COPY, (self,), self.value.array.copy(), {"shape": self.shape})

    def sum(self, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Any:  # noqa: FBT002 - NumPy's signature
        """Add up along axes."""
        return np.add.reduce(self, axis=axis, dtype=dtype, keepdims=keepdims)  # type: ignore[call-overload]

    def max(self, axis: Any = None, keepdims: Any = False) -> Any:  # noqa: FBT002 - NumPy's signature
        """Find the largest entries along axes."""
        return np.maximum.reduce(self, axis=axis, keepdims=keepdims)  # type: ignore[call-overload]

    def __getitem__(self, index: Any) -> Symbol:
        parts = index if isinstance(index, tuple) else (index,)
        basic = all(part is None or part is Ellipsis or isinstance(part, (slice, int, np.integer)) for part in parts)
        if basic:
            array = self.value.array[index]
            if not isinstance(array, np.ndarray):
                return self._view(
                    f"reshape(-1)[{operator.index(_flat(self.shape, parts))}:][:1].reshape(())",
                    lambda x: x[(*parts, ...)],
                )
            return self._view(f"[{_spelled(parts)}]", lambda x: x[index])
        read = tuple(
            part if part is None or part is Ellipsis or isinstance(part, (slice, int)) else self.tracer.operand(part)
            for part in parts
        )
        if any(isinstance(v, Value) and v.dtype == bool for v in read):
            raise UntraceableError("mask")
        if (places := self._places(parts)) is not None:
            return self.tracer.emit(p.TAKE, (self, places), self.value.array.reshape(-1)[places.value.array])
        array = self.value.array[tuple(_array(part) for part in parts)]
        return self.tracer.emit(p.INDEX, (self,), array, {"index": read})

    def _places(self, index: tuple[Any, ...]) -> Any:
        """Give x[[0, 1, 2, ...], classes] as places in the flat array, if it is that."""
        if not (len(index) == self.ndim == 2 and isinstance(index[1], Symbol) and self.value.array.flags.c_contiguous):
            return None
        return self.tracer.places(index[0], index[1], self.shape)


_POWERS = {1: np.positive, 2: np.square, 0.5: np.sqrt, -1: np.reciprocal}
# How the parts of a row are named, where NumPy's name of the call would be long or say little.
_WORDS = {
    "[:, None]": "column",
    "[None]": "row",
    "add.reduce": "sum",
    "copyto": "copy",
    "maximum.reduce": "max",
    "minimum.reduce": "min",
    "subtract": "difference",
    "take": "picked",
}


def _content(array: Any) -> str:
    for number, name in ((1, "ones"), (0, "zeros")):
        if array.ndim and array.size and bool((array == number).all()):
            return name
    return "positions" if array.ndim == 1 and np.array_equal(array, np.arange(len(array))) else ""


def _flat(shape: tuple[int, ...], index: tuple[Any, ...]) -> int:
    return int(np.ravel_multi_index([i % n for i, n in zip(index, shape, strict=True)], shape))


def _spelled(parts: tuple[Any, ...]) -> str:
    def one(part: Any) -> str:
        if isinstance(part, slice):
            start, stop = ("" if x is None else str(x) for x in (part.start, part.stop))
            return f"{start}:{stop}" + ("" if part.step is None else f":{part.step}")
        return "..." if part is Ellipsis else str(part)

    return ", ".join(map(one, parts))


def _array(x: Any) -> Any:
    return x.value.array if isinstance(x, Symbol) else x


# --------------------------------------------------------------------------- NumPy's functions on symbols
def _dot(tracer: Tracer, x: Any, y: Any, out: Any = None) -> Symbol:
    a, b = _array(x), _array(y)
    if out is not None or not (1 <= np.ndim(a) <= 2 and 1 <= np.ndim(b) <= 2):
        raise UntraceableError("dot")
    with np.errstate(all="ignore"):
        return tracer.emit(p.DOT, (x, y), np.dot(a, b))


def _where(tracer: Tracer, condition: Any, x: Any, y: Any) -> Symbol:
    array = np.where(_array(condition), _array(x), _array(y))
    return tracer.emit(p.WHERE, (condition, *(tracer.number(v, array.dtype) for v in (x, y))), array)


def _einsum(tracer: Tracer, subscripts: str, *operands: Any, **kwargs: Any) -> Symbol:
    if not isinstance(subscripts, str) or set(kwargs) - {"optimize"} or kwargs.get("optimize"):
        raise UntraceableError("einsum")
    with np.errstate(all="ignore"):
        array = np.einsum(subscripts, *map(_array, operands))
    return tracer.emit(p.EINSUM, operands, array, {"subscripts": subscripts})


def _broadcast_to(tracer: Tracer, x: Any, shape: Any) -> Symbol:
    return tracer.emit(p.COPY, (x,), np.broadcast_to(_array(x), shape).copy(), {"shape": tuple(shape)})


def _clip(tracer: Tracer, x: Any, low: Any = None, high: Any = None, **kwargs: Any) -> Any:
    if kwargs:
        raise UntraceableError("clip")
    out = x
    if low is not None:
        out = np.maximum(out, low)
    return out if high is None else np.minimum(out, high)


def _method(name: str) -> Callable[..., Any]:
    return lambda tracer, x, *args, **kwargs: getattr(x, name)(*args, **kwargs)


_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.dot: _dot,
    np.where: _where,
    np.einsum: _einsum,
    np.broadcast_to: _broadcast_to,
    np.reshape: _method("reshape"),
    np.transpose: _method("transpose"),
    np.swapaxes: _method("swapaxes"),
    np.squeeze: _method("squeeze"),
    np.ravel: _method("ravel"),
    np.sum: _method("sum"),
    np.max: _method("max"),
    np.copy: _method("copy"),
    np.expand_dims: lambda tracer, x, axis: x.reshape(np.expand_dims(x.value.array, axis).shape),
    np.shape: lambda tracer, x: x.shape,
    np.ndim: lambda tracer, x: x.ndim,
    np.size: lambda tracer, x: x.size,
    np.zeros_like: lambda tracer, x, **kwargs: np.zeros_like(x.value.array, **kwargs),
    np.ones_like: lambda tracer, x, **kwargs: np.ones_like(x.value.array, **kwargs),
    np.may_share_memory: lambda tracer, x, y: np.may_share_memory(_array(x), _array(y)),
}
