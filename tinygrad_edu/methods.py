"""The methods of a Tensor under NumPy's names, with NumPy's meaning, and under PyTorch's where those differ.

First those that look at it (``x.shape``, ``x.item()``), then those that are rows of the table (``x.sum()``,
``x.exp()``, ``x < y``): each hands itself to its row.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.tape import Node

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike

    from tinygrad_edu.ops import Composition, Op
    from tinygrad_edu.tensor import Tensor

__all__ = ["Methods"]


def _apply(op: Op | Composition, *inputs: Any, **options: Any) -> Tensor:
    out: Tensor = op(*inputs, **options)
    return out


def _method(op: Op | Composition) -> Callable[..., Tensor]:
    """Make a row a method: ``x.sum(axis=0)``, with the arguments of NumPy's function in its order."""

    def call(self: Any, *args: Any, **kwargs: Any) -> Tensor:
        if not args and not kwargs:
            return _apply(op, self)
        inputs, options = op.bind((self, *args), kwargs)
        return _apply(op, *inputs, **options)

    call.__name__, call.__doc__ = op.name, op.doc
    return call


class Methods(Node):
    """What a Tensor can do beyond arithmetic."""

    __slots__ = ()

    # -------------------------------------------------------------------------------------- looking at it
    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        shape: tuple[int, ...] = self.array.shape
        return shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.array.ndim

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.array.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the entries."""
        dtype: np.dtype[Any] = self.array.dtype
        return dtype

    def __len__(self) -> int:
        if not self.shape:
            raise ShapeError("A tensor without axes has no length; its value is x.item().")
        return self.shape[0]

    def __bool__(self) -> bool:
        return bool(self.array)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def item(self) -> Any:
        """Give the only entry as a Python number."""
        if self.size != 1:
            raise ShapeError(f"item() needs one entry, but the shape is {self.shape}. Reduce it first, as in x.mean().")
        return self.array.item()

    def tolist(self) -> Any:
        """Give the entries as nested Python lists."""
        return self.array.tolist()

    # -------------------------------------------------------------------------------------- reductions
    sum = _method(ops.sum)
    mean = _method(ops.mean)
    max = _method(ops.max)
    min = _method(ops.min)
    ptp = _method(ops.ptp)
    argmax = _method(ops.argmax)
    argmin = _method(ops.argmin)

    # ------------------------------------------------------------------------------------ entry by entry
    exp = _method(ops.exp)
    log = _method(ops.log)
    sqrt = _method(ops.sqrt)
    abs = _method(ops.absolute)
    tanh = _method(ops.tanh)
    sigmoid = _method(ops.sigmoid)
    relu = _method(ops.relu)
    softmax = _method(ops.softmax)
    log_softmax = _method(ops.log_softmax)

    def astype(self, dtype: DTypeLike) -> Tensor:
        """Copy to another dtype; the gradient comes back in this tensor's, and ends at whole numbers."""
        floating = np.dtype(dtype).kind == "f"
        return _apply(ops.astype if floating else ops.cast, self, dtype=dtype)

    # ----------------------------------------------------------------------------------------- products
    dot = _method(ops.dot)

    # -------------------------------------------------------------------------------------------- shape
    swapaxes = _method(ops.swapaxes)
    squeeze = _method(ops.squeeze)

    @property
    def T(self) -> Tensor:  # noqa: N802 - NumPy's name
        """The axes in reverse order."""
        return _apply(ops.transpose, self)

    def reshape(self, *shape: int | tuple[int, ...]) -> Tensor:
        """Arrange the entries, in row-major order, in another shape; -1 stands for what is left."""
        new = shape[0] if len(shape) == 1 else shape
        return _apply(ops.reshape, self, shape=new)

    def transpose(self, *axes: int | tuple[int, ...] | None) -> Tensor:
        """Permute the axes, given one by one or as a tuple; without arguments, reverse them."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        return _apply(ops.transpose, self, axes=order or None)

    def flatten(self, start_axis: int = 0) -> Tensor:
        """Merge the axes from `start_axis` on into one."""
        shape = self.array.shape
        start = start_axis % (len(shape) or 1)
        return _apply(ops.reshape, self, shape=(*shape[:start], math.prod(shape[start:])))

    # ----------------------------------------------------------------------------------------- operators
    def __pos__(self) -> Tensor:
        return _apply(ops.positive, self)

    def __abs__(self) -> Tensor:
        return _apply(ops.absolute, self)

    def __invert__(self) -> Tensor:
        return _apply(ops.invert, self)

    def __and__(self, other: Any) -> Tensor:
        return _apply(ops.bitwise_and, self, other)

    def __or__(self, other: Any) -> Tensor:
        return _apply(ops.bitwise_or, self, other)

    __rand__, __ror__ = __and__, __or__

    # Comparisons are by entry, as in NumPy; a tensor is still its own key in a dictionary.
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return _apply(ops.equal, self, other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return _apply(ops.not_equal, self, other)

    def __lt__(self, other: Any) -> Tensor:
        return _apply(ops.less, self, other)

    def __le__(self, other: Any) -> Tensor:
        return _apply(ops.less_equal, self, other)

    def __gt__(self, other: Any) -> Tensor:
        return _apply(ops.greater, self, other)

    def __ge__(self, other: Any) -> Tensor:
        return _apply(ops.greater_equal, self, other)
