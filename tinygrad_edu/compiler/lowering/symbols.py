"""Taking a row apart: run its forward on symbols, which note each call of NumPy that they take part in.

So no row says twice what it computes, and what the compiler emits is what the row does, call by call. A forward may
write into arrays that it made; the symbol then stands for what the array holds by now.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.assembling import Slot, Step, follow
from tinygrad_edu.compiler.lowering.tracer import Tracer, UntraceableError
from tinygrad_edu.compiler.program import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tinygrad_edu.compiler.primitives import Primitive
    from tinygrad_edu.ops import Op

__all__ = ["FUNCTIONS", "Symbol", "emit", "example"]

# What symbols do where they are handed to a NumPy function that works on more than entries: see functions.py.
FUNCTIONS: dict[Any, Callable[..., Any]] = {}

_BASIC = (type(None), type(Ellipsis), slice, int, np.integer)


class Symbol(NDArrayOperatorsMixin):
    """Stands for an array while a row's forward runs.

    It is the result of a call, whose value never changes; or a view of another symbol, which is taken anew after that
    was written to; or room to write into, whose value is assembled when it is asked for.
    """

    __array_priority__ = 1000

    # What few have is found here by all others.
    written: Sequence[tuple[tuple[Step, ...], str, tuple[Any, ...], Any]] = ()
    """What was written into it since it was last asked: where, how, of what (None: the part itself), at which index."""
    _number: Any = None  # of room: what it is full of
    _whole: Symbol | None = None  # of a view: what it is a view of
    _step: Step = ("", None)
    _seen: Value | None = None  # of a view: the value that it was taken of

    def __init__(self, tracer: Tracer, array: NDArray[Any], value: Value | None = None) -> None:
        self.tracer = tracer
        self.array = array
        """An example: its shape, dtype and layout count, not its entries."""
        self.made = value
        """What it stood for when it was last asked; `value` tells what it stands for by now."""

    @property
    def value(self) -> Value:
        """What it stands for by now, as a value of the program."""
        if self._whole is not None:
            whole = self._whole.value
            if self.made is None or whole is not self._seen:
                self._seen, self.made = whole, self.tracer.view(whole, self._step)
        elif self.made is None or self.written:
            parts, self.written = [*self.written], ()
            self.made = self.tracer.assembled(self.array, parts, self.made, self._number)
        return self.made

    # ------------------------------------------------------------------------------------- what it is
    shape = property(lambda self: self.array.shape)
    strides = property(lambda self: self.array.strides)
    dtype = property(lambda self: self.array.dtype)
    ndim = property(lambda self: self.array.ndim)
    size = property(lambda self: self.array.size)
    itemsize = property(lambda self: self.array.itemsize)
    nbytes = property(lambda self: self.array.nbytes)
    T = property(lambda self: self.transpose())

    @property
    def flags(self) -> SimpleNamespace:
        """How it lies in memory; of an input that may differ from batch to batch."""
        return SimpleNamespace(c_contiguous=self.owned and self.array.flags.c_contiguous)

    @property
    def owned(self) -> bool:
        """Whether it lies in memory of the program's own."""
        root = self.root()
        return root.made is None or (root.made.kind != "input" and root.made not in self.tracer.opaque)

    def __len__(self) -> int:
        return len(self.array)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise UntraceableError("array")

    def __bool__(self) -> bool:
        raise UntraceableError("bool")

    def __iter__(self) -> Any:
        raise UntraceableError("iter")

    def __apply_op__(self, op: Op, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
        return op.forward(*inputs, **options)

    # ------------------------------------------------------------------------------------------ views
    def view(self, name: str, how: Any) -> Symbol:
        """Give a view, of a copy where the entries cannot be seen that way."""
        array = follow((name, how), self.array)
        if array.size and not np.may_share_memory(array, self.array):
            if self.array.flags.c_contiguous:
                raise UntraceableError("no view")
            return self.copy().view(name, how)
        view = Symbol(self.tracer, array)
        view._whole, view._step = self, (name, how)
        return view

    def root(self) -> Symbol:
        """Give what it is a view of in the end; itself if it is none."""
        return self if self._whole is None else self._whole.root()

    def path(self) -> tuple[Step, ...]:
        """List the views that lead from there to it."""
        return () if self._whole is None else (*self._whole.path(), self._step)

    def reshape(self, *shape: Any) -> Symbol:
        """Give the entries in another shape."""
        target = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        target = self.array.reshape(target).shape
        return self if target == self.shape else self.view("reshape", target)

    def transpose(self, *axes: Any) -> Symbol:
        """Permute the axes."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        backwards = tuple(reversed(range(self.ndim)))
        order = backwards if order is None else tuple(a % self.ndim for a in order)
        return self.view("transpose", None if order == backwards else order)

    def swapaxes(self, axis1: int, axis2: int) -> Symbol:
        """Exchange two axes."""
        return self.view("swapaxes", (axis1, axis2))

    def squeeze(self, axis: Any = None) -> Symbol:
        """Drop axes of length 1."""
        return self.reshape(self.array.squeeze(axis).shape)

    def ravel(self) -> Symbol:
        """Give the entries along one axis."""
        return self.reshape(-1)

    def strided(self, shape: tuple[int, ...], strides: tuple[int, ...]) -> Symbol:
        """See the memory with other distances between entries."""
        if not self.owned:
            raise UntraceableError("strides of an input")
        return self.view("strided", (shape, strides))

    # ---------------------------------------------------------------------------------------- indices
    def __getitem__(self, index: Any) -> Symbol:
        parts = _parts_of(index)
        if all(_is_basic(part) for part in parts):
            plain = plain_index(parts, self.shape)
            return self.view("[]", plain) if plain else self
        read = tuple(part if _is_basic(part) else self.tracer.operand(part) for part in parts)
        if any(isinstance(v, Value) and v.dtype == bool and v.kind != "constant" for v in read):
            raise UntraceableError("mask")
        if (places := self._places(parts)) is not None:
            array = self.value.array.reshape(-1)[places.value.array]
            return emit(self.tracer, p.TAKE, (self, places), array)
        if len(parts) == 1 and self.ndim and self.tracer.within(read[0], len(self)) and self.owned:
            return emit(self.tracer, p.TAKE_ROWS, (self, parts[0]), self.value.array[read[0].array])
        array = self.value.array[tuple(example(part) for part in parts)]
        return emit(self.tracer, p.INDEX, (self,), array, {"index": read})

    def _places(self, index: tuple[Any, ...]) -> Symbol | None:
        """Give x[[0, 1, 2, ...], classes] as places in the flat array, if it is that."""
        if not (len(index) == self.ndim == 2 and isinstance(index[1], Symbol) and self.array.flags.c_contiguous):
            return None
        places: Symbol | None = self.tracer.places(index[0], index[1], self.shape)
        return places

    # ----------------------------------------------------------------------------------------- writing
    def room(self, array: NDArray[Any], *, filled: bool = True) -> Symbol:
        """Give what stands for a new array, full of one number or of anything, to be written into."""
        out = Symbol(self.tracer, array)
        out._number = array.item(0) if filled and array.size else None
        return out

    def copy_of(self, x: Any) -> Symbol:
        """Give what stands for a copy of an array, to be written into."""
        value = self.tracer.operand(x)
        return Symbol(self.tracer, value.array, value)

    def write(self, how: str, operands: tuple[Any, ...], index: Any = None) -> None:
        """Note that what it stands for is overwritten."""
        root, path = self.root(), self.path()
        read = tuple(None if x is self and path else self.tracer.operand(x) for x in operands)
        if not isinstance(root.written, list):
            root.written = []
        root.written.append((path, how, read, index))

    def __setitem__(self, index: Any, value: Any) -> None:
        parts = _parts_of(index)
        if all(_is_basic(part) for part in parts):
            target = self[index]
            if isinstance(value, Symbol) and value.path() == target.path() and value.root() is target.root():
                return  # x[i] += y writes into x[i], and then x[i] into x
            target.write("", (self.tracer.number(value, self.dtype),))
            return
        arrays = [part for part in parts if not _is_basic(part)]
        self.write("put", (self.tracer.number(value, self.dtype), *arrays), _with_slots(parts, 1))

    # -------------------------------------------------------------------------------------- functions
    def __array_ufunc__(self, function: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        (target,) = kwargs.pop("out", None) or (None,)
        if function.nout != 1 or (target is not None and not isinstance(target, Symbol)):
            raise UntraceableError("out")
        if method == "at":
            whole, index, *values = inputs
            if function is not np.add or not isinstance(whole, Symbol):
                raise UntraceableError("at")
            parts = _parts_of(index)
            arrays = [part for part in parts if not _is_basic(part)]
            return whole.write("add.at", (*values, *arrays), _with_slots(parts, 1))
        if method == "__call__":
            kwargs.pop("order", None)
            op, known = p.ufunc(function), {"dtype", "axis"}
        elif method in ("reduce", "accumulate"):
            op, known = p.reduction(function, method), {"dtype", "axis", "keepdims"}
        else:
            raise UntraceableError(method)
        if set(kwargs) - known or (target is not None and (method != "__call__" or kwargs)):
            raise UntraceableError(function.__name__)
        if target is not None and target.path():
            target.write(function.__name__, inputs)
            return target
        arrays = [example(x) for x in inputs]
        result = getattr(function, method)(*arrays, **kwargs)
        options = {name: value for name, value in kwargs.items() if value is not None or name == "axis"}
        if target is None:
            return emit(self.tracer, op, inputs, result, options)
        if (result.shape, result.dtype, result.strides) == (target.shape, target.dtype, target.strides):
            target.made, target.written = emit(self.tracer, op, inputs, result).value, ()
        else:
            target.write(function.__name__, inputs)
        return target

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        known = FUNCTIONS.get(function)
        if known is None:
            raise UntraceableError(function.__name__)
        return known(self.tracer, *args, **kwargs)

    # ---------------------------------------------------------------------------------------- methods
    def dot(self, other: Any) -> Any:
        """Multiply matrices or vectors."""
        return np.dot(self, other)

    def astype(self, dtype: Any, copy: bool = True) -> Symbol:  # noqa: FBT001, FBT002 - NumPy's signature
        """Give the entries in another dtype."""
        if not copy and self.dtype == dtype:
            return self
        dtype = np.dtype(dtype)
        return emit(self.tracer, p.AS_TYPE, (self,), self.value.array.astype(dtype), {"dtype": dtype})

    def copy(self) -> Symbol:
        """Give the entries in memory of their own, in row-major order."""
        return emit(self.tracer, p.COPY, (self,), self.value.array.copy(), {"shape": self.shape})

    def sum(self, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Any:  # noqa: FBT002 - NumPy's signature
        """Add up along axes."""
        return np.add.reduce(self, axis=axis, dtype=dtype, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: Any = False) -> Any:  # noqa: FBT002 - NumPy's signature
        """Find the largest entries along axes."""
        return np.maximum.reduce(self, axis=axis, keepdims=keepdims)


def _parts_of(index: Any) -> tuple[Any, ...]:
    """Give the parts of an index, lists and masks of one entry as arrays."""
    parts = index if isinstance(index, tuple) else (index,)
    return tuple(np.asarray(part) if isinstance(part, (list, bool, np.bool)) else part for part in parts)


def _is_basic(part: Any) -> bool:
    """Tell whether a part of an index gives a view."""
    return isinstance(part, _BASIC)


def plain_index(parts: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Spell an index of slices and numbers in one way of many; () if it takes all there is.

    Examples
    --------
    >>> plain_index((slice(0, 3, 1), np.int64(1), ...), (3, 2, 2))
    (slice(None, None, None), 1)
    >>> plain_index((..., slice(0, 2)), (3, 2)), plain_index((0, 1), (3, 2))
    ((), (0, 1, Ellipsis))
    """
    full = slice(None)
    known = [int(part) if isinstance(part, np.integer) else part for part in parts]
    n_axes = sum(part is not None and part is not Ellipsis for part in known)
    if Ellipsis in known:
        k = known.index(Ellipsis)
        known[k : k + 1] = [full] * (len(shape) - n_axes)
    lengths = iter(shape)
    for k, part in enumerate(known):
        n = next(lengths) if part is not None else 0
        if isinstance(part, slice) and part.indices(n) == (0, n, 1):
            known[k] = full
    while known and known[-1] == full:
        known.pop()
    # Of a single entry NumPy gives a number, but with an Ellipsis a view.
    single = len(known) == len(shape) and all(isinstance(part, int) for part in known)
    return (*known, ...) if single and known else tuple(known)


def _with_slots(parts: tuple[Any, ...], first: int) -> tuple[Any, ...]:
    """Put slots, counted from `first`, in the place of the arrays of an index."""
    slots = iter(range(first, first + len(parts)))
    return tuple(part if _is_basic(part) else Slot(next(slots)) for part in parts)


def emit(
    tracer: Tracer, op: Primitive, inputs: tuple[Any, ...], array: Any, options: dict[str, Any] | None = None
) -> Symbol:
    """Note a call, whose result on the examples is `array`; give what stands for it."""
    value = tracer.note(op, tuple(map(tracer.operand, inputs)), np.asarray(array), options or {})
    return Symbol(tracer, value.array, value)


def example(x: Any) -> Any:
    """Give an example of what a call was given, entries and all."""
    return x.value.array if isinstance(x, Symbol) else x
