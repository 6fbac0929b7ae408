"""The methods of a Tensor under NumPy's names, with NumPy's meaning.

First those that look at it (``x.shape``, ``x.item()``), then those that are rows of the table (``x.sum()``,
``x.exp()``, ``x < y``): each hands itself to its row.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops import elementwise, fused, linalg, reductions, shape as shapes
from tinygrad_edu.tape import Node

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import DTypeLike

    from tinygrad_edu.ops import Op
    from tinygrad_edu.ops.reductions import Axis
    from tinygrad_edu.tensor import Tensor

__all__ = ["Methods"]


def _apply(op: Op, *inputs: Any, **options: Any) -> Tensor:
    out: Tensor = op(*inputs, **options)
    return out


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
    def sum(self, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        """Add up the entries along `axis`, or all of them."""
        return _apply(reductions.sum, self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        """Average the entries along `axis`, or all of them."""
        return _apply(reductions.mean, self, axis=axis, keepdims=keepdims)

    def max(self, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        """Find the largest entry along `axis`; entries that tie share the gradient."""
        return _apply(reductions.max, self, axis=axis, keepdims=keepdims)

    def min(self, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        """Find the smallest entry along `axis`; entries that tie share the gradient."""
        return _apply(reductions.min, self, axis=axis, keepdims=keepdims)

    def argmax(self, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
        """Find the position of the largest entry; it has no gradient."""
        return _apply(reductions.argmax, self, axis=axis, keepdims=keepdims)

    def argmin(self, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
        """Find the position of the smallest entry; it has no gradient."""
        return _apply(reductions.argmin, self, axis=axis, keepdims=keepdims)

    def dot(self, other: Any) -> Tensor:
        """Multiply vectors or matrices; for more axes there is ``@``."""
        return _apply(linalg.dot, self, other)

    # ------------------------------------------------------------------------------------ entry by entry
    def exp(self) -> Tensor:
        """Raise e to each entry."""
        return _apply(elementwise.exp, self)

    def log(self) -> Tensor:
        """Take the natural logarithm of each entry."""
        return _apply(elementwise.log, self)

    def sqrt(self) -> Tensor:
        """Take the square root of each entry."""
        return _apply(elementwise.sqrt, self)

    def abs(self) -> Tensor:
        """Drop each entry's sign; the slope at 0 is taken as 0."""
        return _apply(elementwise.absolute, self)

    def tanh(self) -> Tensor:
        """Squash each entry into (-1, 1)."""
        return _apply(elementwise.tanh, self)

    def sigmoid(self) -> Tensor:
        """Squash each entry into (0, 1): 1 / (1 + exp(-x)), without overflow."""
        return _apply(elementwise.sigmoid, self)

    def relu(self) -> Tensor:
        """Replace negative entries by 0; the slope at 0 is taken as 0."""
        return _apply(elementwise.relu, self)

    def softmax(self, axis: int = -1) -> Tensor:
        """Turn scores along `axis` into probabilities."""
        return _apply(fused.softmax, self, axis=axis)

    def log_softmax(self, axis: int = -1) -> Tensor:
        """Take the logarithm of `softmax`, without overflow."""
        return _apply(fused.log_softmax, self, axis=axis)

    def astype(self, dtype: DTypeLike) -> Tensor:
        """Copy to another dtype; the gradient comes back in this tensor's."""
        return _apply(elementwise.astype, self, dtype=dtype)

    # -------------------------------------------------------------------------------------------- shape
    @property
    def T(self) -> Tensor:  # noqa: N802 - NumPy's name
        """Reverse the order of the axes."""
        return _apply(shapes.transpose, self)

    def reshape(self, *shape: int | tuple[int, ...]) -> Tensor:
        """Arrange the entries, in row-major order, in another shape; -1 stands for what is left."""
        new = shape[0] if len(shape) == 1 else shape
        return _apply(shapes.reshape, self, shape=new)

    def transpose(self, *axes: int | tuple[int, ...] | None) -> Tensor:
        """Permute the axes, given one by one or as a tuple; without arguments, reverse them."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        return _apply(shapes.transpose, self, axes=order or None)

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """Exchange two axes."""
        return _apply(shapes.swapaxes, self, axis1=axis1, axis2=axis2)

    def squeeze(self, axis: Axis = None) -> Tensor:
        """Drop axes of length 1."""
        return _apply(shapes.squeeze, self, axis=axis)

    def flatten(self, start_axis: int = 0) -> Tensor:
        """Merge the axes from `start_axis` on into one."""
        shape = self.array.shape
        start = start_axis % max(len(shape), 1)
        return _apply(shapes.reshape, self, shape=(*shape[:start], math.prod(shape[start:])))

    # ----------------------------------------------------------------------------------------- operators
    def __pos__(self) -> Tensor:
        return _apply(elementwise.positive, self)

    def __abs__(self) -> Tensor:
        return _apply(elementwise.absolute, self)

    def __invert__(self) -> Tensor:
        return _apply(elementwise.invert, self)

    def __and__(self, other: Any) -> Tensor:
        return _apply(elementwise.bitwise_and, self, other)

    def __or__(self, other: Any) -> Tensor:
        return _apply(elementwise.bitwise_or, self, other)

    __rand__, __ror__ = __and__, __or__

    # Comparisons are by entry, as in NumPy; a tensor is still its own key in a dictionary.
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return _apply(elementwise.equal, self, other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return _apply(elementwise.not_equal, self, other)

    def __lt__(self, other: Any) -> Tensor:
        return _apply(elementwise.less, self, other)

    def __le__(self, other: Any) -> Tensor:
        return _apply(elementwise.less_equal, self, other)

    def __gt__(self, other: Any) -> Tensor:
        return _apply(elementwise.greater, self, other)

    def __ge__(self, other: Any) -> Tensor:
        return _apply(elementwise.greater_equal, self, other)
