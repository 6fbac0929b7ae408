"""The Tensor: an array that remembers how it was computed.

``apply`` is the one place where an operation runs and is recorded; every operator and method below, and
every NumPy function called with a Tensor, ends there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.backward import Backward
from tinygrad_edu.conversion import CONSTANTS, REAL, as_array, as_constant, as_index
from tinygrad_edu.errors import DtypeError, GraphError
from tinygrad_edu.in_place import InPlace
from tinygrad_edu.methods import Methods
from tinygrad_edu.misfits import misfit
from tinygrad_edu.numpy_calls import NumpyCalls
from tinygrad_edu.tape import Node, in_force, mode, take_out, tick, touch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from tinygrad_edu.ops import Op

__all__ = ["Tensor", "apply", "tensor"]

_NO_OPTIONS: dict[str, Any] = {}
# Looked up once: these run in the innermost loop.
ndarray = np.ndarray
new_tensor = object.__new__
_add, _subtract, _multiply = ops.add, ops.subtract, ops.multiply
_divide, _matmul = ops.divide, ops.matmul


def apply(op: Op, inputs: tuple[Any, ...], options: dict[str, Any] = _NO_OPTIONS) -> Tensor:  # noqa: C901, PLR0912 - a function more is a call more
    """Compute a row of the table, and record it if a gradient may be asked of the result.

    Parameters
    ----------
    inputs
        Tensors, arrays and numbers. Python numbers are weak, as in NumPy 2: they take on the dtype of
        the Tensor. So is a NumPy float64 *scalar*, which is what ``np.sqrt(2)`` gives.

    Raises
    ------
    ShapeError
        If the shapes do not fit together.
    DtypeError
        If an input is no number, or is complex, or is of a type that the operation does not compute with.
    """
    tracked = False
    arrays = []
    for x in inputs:
        if isinstance(x, Tensor):
            arrays.append(x.array)
            if x.tracked:
                tracked = True
        elif type(x) in CONSTANTS or (type(x) is ndarray and x.dtype.char in REAL):
            arrays.append(x)
        else:
            return apply(op, tuple(map(as_constant, inputs)), options)
    if options:
        for option in options.values():
            if isinstance(option, Tensor):
                options = _plain(op, options)
    try:
        array = op.forward(*arrays, **options) if options else op.forward(*arrays)
    except (ValueError, IndexError, TypeError, OverflowError) as error:
        raise misfit(op, arrays, error) from error
    if type(array) is not ndarray:  # NumPy returns a scalar where the result has no axes
        array = np.asarray(array)
    out = new_tensor(Tensor)
    out.array = array
    out.order = tick()
    out.changed = 0
    out.grad = out.name = out.base = None
    out.options = options
    # Only an option, a dtype, can make whole numbers of floating ones.
    if tracked and op.differentiable and (not in_force or mode.recording) and (not options or array.dtype.kind == "f"):
        out.tracked = True
        out.op = op
        out.inputs = inputs
        out.arrays = arrays
    else:
        if options and array.dtype.kind == "c":
            raise DtypeError(f"{op.name} gave complex numbers, but a Tensor holds real ones. Compute on x.numpy().")
        out.tracked = False
        out.op = None
        out.inputs = out.arrays = ()
    if op.view and isinstance(inputs[0], Tensor):
        base, first = array.base, arrays[0]
        # A copy may have a base too, one of its own: x[:, [0, 1]] is such.
        if array is first or (base is not None and (base is first or base is first.base)):
            out.base = inputs[0].owner
    if in_force:
        for watcher in mode.watchers:
            watcher.made(out, op, inputs, arrays)
    return out


def _plain(op: Op, options: dict[str, Any]) -> dict[str, Any]:
    """Give options as they are now, in place of Tensors that may change: no gradient flows to an option."""
    for name, value in options.items():
        if isinstance(value, Tensor) and value.tracked and mode.recording:
            raise GraphError(
                f"{name} of {op.name} is an option, to which no gradient flows, but was given a tensor that asks for "
                f"one. Write {name}=x.detach() if a constant is meant."
            )
    plain = {
        name: (value.array.copy() if value.shape else value.array.item()) if isinstance(value, Tensor) else value
        for name, value in options.items()
    }
    if mode.capture is not None:
        for name, value in options.items():
            if isinstance(value, Tensor):
                mode.capture.same(plain[name], value)
    return plain


class Tensor(Methods, NumpyCalls, InPlace, Backward):
    """An array of numbers that can be differentiated with respect to.

    Parameters
    ----------
    data
        Anything array-like. Lists of floats become float32; arrays keep their dtype and are shared,
        not copied (`tensor` copies).
    requires_grad
        Whether ``backward()`` is to put a gradient into ``grad``. Needs a floating dtype.
    name
        What messages and drawings call it.

    Raises
    ------
    DtypeError
        If the data are not real numbers, or integers are asked for gradients.

    Examples
    --------
    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> loss = (x ** 2).sum()
    >>> loss.backward()
    >>> x.grad
    tensor([2., 4., 6.])
    """

    __slots__ = ("__weakref__", "name")

    name: str | None

    def __init__(
        self,
        data: ArrayLike | Tensor,
        *,
        requires_grad: bool = False,
        dtype: DTypeLike | None = None,
        name: str | None = None,
    ) -> None:
        self.array = as_array(data, dtype)
        self.order = tick()
        self.changed = 0
        self.op = self.base = self.grad = None
        if isinstance(data, Node) and self.array is data.array:
            self.base = data.owner
        self.inputs, self.arrays, self.options = (), (), _NO_OPTIONS
        self.name = name
        self.tracked = False
        if requires_grad:
            self.requires_grad = True
        for watcher in mode.watchers if in_force else ():
            watcher.given(self)

    # --------------------------------------------------------------------------------------- what it is
    @property
    def data(self) -> NDArray[Any]:
        """The array itself, not a copy. Assigning to it counts as a change in place."""
        if in_force:
            take_out(self, "data")
        return self.array

    @data.setter
    def data(self, value: ArrayLike) -> None:
        array = as_array(value)
        if self.tracked and array.dtype.kind != "f":
            raise _no_gradients(array)
        if in_force:
            take_out(self, "data = ...")
        touch(self)
        self.array = array

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient flows to this tensor."""
        return self.tracked

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if self.op is not None:
            raise GraphError(
                "requires_grad can be set on a leaf only, and this tensor was computed. "
                "Use x.detach() to stop gradients here."
            )
        if value and self.array.dtype.kind != "f":
            raise _no_gradients(self.array)
        self.tracked = value

    @property
    def is_leaf(self) -> bool:
        """Whether it was given rather than computed: ``backward()`` fills ``grad`` of leaves alone."""
        return self.op is None

    def __repr__(self) -> str:
        text = np.array2string(self.array, separator=", ", prefix="tensor(")
        dtype = "" if self.dtype in (np.float32, np.int64, np.bool) else f", dtype={self.dtype}"
        source = f", op={self.op.name}" if self.op else ", requires_grad=True" if self.tracked else ""
        return f"tensor({text}{dtype}{source})"

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def numpy(self) -> NDArray[Any]:
        """Give the array itself, not a copy; what is computed from it is not recorded."""
        if in_force:
            take_out(self, "numpy()")
        return self.array

    def detach(self) -> Tensor:
        """Give a tensor on the same memory through which no gradient flows.

        Examples
        --------
        >>> tensor(2.0, requires_grad=True).detach().requires_grad
        False
        """
        return Tensor(self)

    def clone(self) -> Tensor:
        """Copy, so that changing one does not change the other; the gradient flows through.

        Examples
        --------
        >>> x = tensor(2.0, requires_grad=True)
        >>> x.clone().backward()
        >>> x.grad
        tensor(1.)
        """
        return apply(ops.astype, (self,), {"dtype": self.dtype})

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy, or what comes back from a file or another process, gets a number of its own on the clock.
        if self.op is not None:
            raise GraphError(
                "This tensor was computed, and its graph cannot be copied or pickled. Take x.detach() or x.numpy()."
            )
        grad = None if self.grad is None else self.grad.array
        return _rebuild, (type(self), self.array, self.tracked, self.name, grad)

    def __copy__(self) -> Self:
        _, (kind, array, *rest) = self.__reduce__()
        copied: Self = _rebuild(kind, array.copy(), *rest)
        return copied

    def requires_grad_(self, requires_grad: bool = True) -> Self:  # noqa: FBT001, FBT002 - PyTorch's signature
        """Set `requires_grad` in place, and give the tensor back."""
        self.requires_grad = requires_grad
        return self

    # ------------------------------------------------------------------------------------------- NumPy
    @staticmethod
    def _constant(array: Any) -> Tensor:
        """Wrap an array as Tensor(array) does, without looking at it."""
        if type(array) is not ndarray:  # a scalar, where a rule's result has no axes
            array = np.asarray(array)
        out = new_tensor(Tensor)
        out.array, out.order, out.changed = array, tick(), 0
        out.grad = out.name = out.base = out.op = None
        out.inputs, out.arrays, out.options, out.tracked = (), (), _NO_OPTIONS, False
        return out

    def __apply_op__(self, op: Op, inputs: tuple[Any, ...], options: dict[str, Any]) -> Tensor:
        return apply(op, inputs, options)

    # --------------------------------------------------------------------------------------- operators
    def __add__(self, other: Any) -> Tensor:
        return apply(_add, (self, other))

    def __radd__(self, other: Any) -> Tensor:
        return apply(_add, (other, self))

    def __sub__(self, other: Any) -> Tensor:
        return apply(_subtract, (self, other))

    def __rsub__(self, other: Any) -> Tensor:
        return apply(_subtract, (other, self))

    def __mul__(self, other: Any) -> Tensor:
        return apply(_multiply, (self, other))

    def __rmul__(self, other: Any) -> Tensor:
        return apply(_multiply, (other, self))

    def __truediv__(self, other: Any) -> Tensor:
        return apply(_divide, (self, other))

    def __rtruediv__(self, other: Any) -> Tensor:
        return apply(_divide, (other, self))

    def __matmul__(self, other: Any) -> Tensor:
        return apply(_matmul, (self, other))

    def __rmatmul__(self, other: Any) -> Tensor:
        return apply(_matmul, (other, self))

    def __pow__(self, other: Any) -> Tensor:
        if isinstance(other, (int, float)):
            # A whole exponent as an int, because x**2 is a product where x**2.0 may be a logarithm.
            exponent = int(other) if other % 1 == 0 and self.array.dtype.kind == "f" else other
            return apply(ops.constant_power, (self,), {"exponent": exponent})
        return apply(ops.power, (self, other))

    def __rpow__(self, other: Any) -> Tensor:
        return apply(ops.power, (other, self))

    def __neg__(self) -> Tensor:
        return apply(ops.negative, (self,))

    def __getitem__(self, index: Any) -> Tensor:
        return apply(ops.getitem, (self,), {"index": as_index(index)})


def _rebuild(kind: type[Any], array: NDArray[Any], *state: Any) -> Any:
    requires_grad, name, grad = state
    out = kind(array, requires_grad=requires_grad, name=name)
    out.grad = None if grad is None else Tensor(grad)
    return out


def _no_gradients(array: NDArray[Any]) -> DtypeError:
    return DtypeError(
        f"Gradients need real numbers, but this tensor holds {array.dtype}. "
        f"Write 1.0 instead of 1, or pass dtype=np.float32."
    )


def tensor(
    data: ArrayLike | Tensor,
    *,
    requires_grad: bool = False,
    dtype: DTypeLike | None = None,
    name: str | None = None,
) -> Tensor:
    """Make a Tensor from a copy of anything array-like.

    Parameters
    ----------
    data
        Numbers, nested lists, arrays. Floats in lists become float32, arrays keep their dtype.
    requires_grad
        Whether ``backward()`` is to put a gradient into ``grad``.

    Raises
    ------
    DtypeError
        If the data are not real numbers, or integers are asked for gradients.

    Examples
    --------
    >>> tensor([[1.0, 2.0], [3.0, 4.0]]).shape
    (2, 2)
    >>> tensor([1, 2], requires_grad=True)
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.DtypeError: Gradients need real numbers, but this tensor holds int64. ...
    """
    return Tensor(np.array(as_array(data, dtype)), requires_grad=requires_grad, name=name)
