"""The methods of a Tensor under NumPy's names, with NumPy's meaning, and under PyTorch's where those differ.

First those that look at it (``x.shape``, ``x.item()``), then those that take their arguments in several forms
(``x.reshape(2, 3)``), then the operators. Those that are a row of the table and no more are in ``row_methods.py``.
"""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.errors import GraphError, ShapeError
from tinygrad_edu.row_methods import RowMethods
from tinygrad_edu.tape import Node, in_force, mode, take_out

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from tinygrad_edu.graphs import Graph
    from tinygrad_edu.ops import Composition, Op
    from tinygrad_edu.tensor import Tensor

__all__ = ["Methods"]


def _apply(op: Op | Composition, *inputs: Any, **options: Any) -> Tensor:
    out: Tensor = op(*inputs, **options)
    return out


def _say_that_the_gradient_ends(x: Node, what: str) -> None:
    """Raise, or outside of a function that is being differentiated warn, where a Python number drops a gradient."""
    if not (x.tracked and mode.recording):
        return
    text = (
        f"{what}(x) drops the gradient of x. Compute with the tensor itself, or say that a number is meant: x.item()."
    )
    if mode.differentiating:
        raise GraphError(f"Inside a function that is being differentiated, {text}")
    warnings.warn(text, UserWarning, stacklevel=3)


class Methods(RowMethods):
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

    def dim(self) -> int:
        """Count the axes: `ndim`, under PyTorch's name."""
        return self.ndim

    def numel(self) -> int:
        """Count the entries: `size`, under PyTorch's name."""
        return self.size

    def __len__(self) -> int:
        if not self.shape:
            raise ShapeError("A tensor without axes has no length; its value is x.item().")
        return self.shape[0]

    def __bool__(self) -> bool:
        if self.tracked and mode.recording:
            raise GraphError(
                "The truth value of a tensor that asks for gradients is no decision that they can follow. "
                "Compare it, as in `if x > 0:`, or say that its value is meant: bool(x.detach())."
            )
        if self.size != 1:
            raise ShapeError(
                f"A truth value needs one entry, but the shape is {self.shape}. Say which is meant, x.all() or "
                f"x.any(); to choose entry by entry, write np.where(condition, x, y)."
            )
        if in_force:
            take_out(self, "bool()")
        return bool(self.array)

    def __float__(self) -> float:
        _say_that_the_gradient_ends(self, "float")
        return float(self.item())

    def __int__(self) -> int:
        _say_that_the_gradient_ends(self, "int")
        return int(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def item(self) -> Any:
        """Give the only entry as a Python number."""
        if self.size != 1:
            raise ShapeError(f"item() needs one entry, but the shape is {self.shape}. Reduce it first, as in x.mean().")
        if in_force and (instead := take_out(self, "item()")) is not None:
            return instead
        return self.array.item()

    def tolist(self) -> Any:
        """Give the entries as nested Python lists."""
        if in_force:
            take_out(self, "tolist()")
        return self.array.tolist()

    def graph(self, *, values: bool = True, gradients: bool = True, limit: int = 200) -> Graph:
        """Show what it was computed from as a graph, which draws itself in Jupyter and in ``save("graph.svg")``.

        Parameters
        ----------
        values, gradients
            Whether each box shows what it holds, and the gradient of this tensor, if that is a single number, with
            respect to it. Neither ``grad`` nor the graph changes.
        limit
            With more boxes than this it is drawn as a summary.

        Raises
        ------
        GraphError
            If the graph was freed by ``backward()``, or a value in it was changed in place.

        Examples
        --------
        >>> import tinygrad_edu as tg
        >>> x = tg.tensor(2.0, requires_grad=True, name="x")
        >>> [(node.label, node.value, node.gradient) for node in (x * x).graph().nodes]
        [('x', '2', '4'), ('multiply', '4', '1')]
        """
        # This layer of the package knows nothing of drawing, which is built on it.
        drawing = importlib.import_module("tinygrad_edu.graphs.drawing")
        graph: Graph = drawing.graph_of_tensor(self, values=values, gradients=gradients, limit=limit)
        return graph

    # ---------------------------------------------------------------------- methods with forms of their own
    @property
    def T(self) -> Tensor:  # noqa: N802 - NumPy's name
        """The axes in reverse order."""
        return _apply(ops.transpose, self)

    @property
    def mT(self) -> Tensor:  # noqa: N802 - NumPy's name
        """The last two axes exchanged."""
        return _apply(ops.swapaxes, self, axis1=-1, axis2=-2)

    def t(self) -> Tensor:
        """Transpose a matrix."""
        if self.ndim > 2:
            raise ShapeError(
                f"t() transposes matrices, but the shape is {self.shape}. Write x.mT for the last two axes."
            )
        return self.T

    def reshape(self, *shape: int | tuple[int, ...], order: str = "C") -> Tensor:
        """Arrange the entries, in row-major order, in another shape; -1 stands for what is left."""
        new = shape[0] if len(shape) == 1 else shape
        options = {} if order == "C" else {"order": order}  # which the row refuses, with the remedy
        return _apply(ops.reshape, self, shape=new, **options)

    def view(self, *shape: int | tuple[int, ...]) -> Tensor:
        """Do what `reshape` does, under PyTorch's name."""
        return self.reshape(*shape)

    def broadcast_to(self, *shape: int | tuple[int, ...]) -> Tensor:
        """Repeat the entries to fill a shape."""
        new = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        return _apply(ops.broadcast_to, self, shape=new)

    def expand(self, *shape: int | tuple[int, ...]) -> Tensor:
        """Do what `broadcast_to` does, under PyTorch's name: -1 keeps the length of an axis."""
        new: Any = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        if len(new) < self.ndim:
            raise ShapeError(f"expand gives at least the {self.ndim} axes of {self.shape}, but was given {tuple(new)}.")
        own = (1,) * (len(new) - self.ndim) + self.shape
        return self.broadcast_to(tuple(m if n == -1 else n for n, m in zip(new, own, strict=True)))

    def transpose(self, *axes: int | tuple[int, ...] | None) -> Tensor:
        """Permute the axes, given one by one or as a tuple, as NumPy does; without arguments, reverse them."""
        order: Any = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        order = tuple(order) if order is not None else ()
        if len(axes) == 2 == self.ndim and tuple(axes) == (0, 1):
            raise ShapeError(
                "transpose(0, 1) of two axes leaves them as they are: NumPy's transpose takes their order. To exchange "
                "them, write x.T or x.swapaxes(0, 1)."
            )
        if order and len(order) == 2 < self.ndim:
            raise ShapeError(
                f"transpose{order} of {self.ndim} axes: NumPy's transpose takes the order of all of them. To exchange "
                f"two, write x.swapaxes{order}."
            )
        return _apply(ops.transpose, self, axes=order or None)

    def permute(self, *axes: int | tuple[int, ...], dims: tuple[int, ...] | None = None) -> Tensor:
        """Permute the axes, given one by one, as a tuple, or as `dims`: PyTorch's name of `transpose`."""
        order: Any = dims if dims is not None else axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        return _apply(ops.transpose, self, axes=tuple(order))

    def compress(self, condition: Any, axis: int | None = None) -> Tensor:
        """Pick the entries along `axis` where the condition holds, or of all as if flat."""
        return _apply(ops.compress, condition, self, axis=axis)

    def gather(self, dim: int, index: Any) -> Tensor:
        """Pick entries along an axis as PyTorch does: of the other axes as much as the index has."""
        lengths, own = np.shape(index), self.shape
        axis = dim % (len(own) or 1)
        fits = len(lengths) == len(own) and all(n <= own[a] for a, n in enumerate(lengths) if a != axis)
        if not fits:
            raise ShapeError(
                f"gather needs an index of {len(own)} axes, none but axis {dim} longer than the tensor's, but was "
                f"given shape {lengths} for {own}."
            )
        part = _apply(ops.getitem, self, index=tuple(slice(None if a == axis else n) for a, n in enumerate(lengths)))
        return _apply(ops.take_along_axis, part, index, axis=axis)

    def to(self, dtype: DTypeLike) -> Tensor:
        """Copy to another dtype, under PyTorch's name for `astype`."""
        return _apply(ops.astype, self, dtype=dtype)

    def masked_fill(self, mask: Any, value: Any) -> Tensor:
        """Put a value where the mask holds."""
        return _apply(ops.where, mask, value, self)

    def index_select(self, dim: int, index: Any) -> Tensor:
        """Pick slices along an axis, as `take` does, with PyTorch's order of arguments."""
        return _apply(ops.take, self, index, axis=dim)

    def nonzero(self) -> tuple[NDArray[Any], ...]:
        """Find the positions of the entries that are not 0, as arrays, one for each axis: NumPy's form."""
        positions: tuple[NDArray[Any], ...] = self.array.nonzero()
        return positions

    def chunk(self, chunks: int, dim: int = 0) -> list[Tensor]:
        """Split along an axis into at most so many parts, all as long as the first but the last, as PyTorch does."""
        if chunks < 1:
            raise ShapeError(f"chunk needs at least 1 part, but was given {chunks}.")
        length = self.shape[dim] if -self.ndim <= dim < self.ndim else 0
        step = max(-(-length // chunks), 1)
        parts: list[Tensor] = ops.array_split(self, list(range(step, length, step)), axis=dim)
        return parts

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

    def __xor__(self, other: Any) -> Tensor:
        return _apply(ops.bitwise_xor, self, other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __mod__(self, other: Any) -> Tensor:
        return _apply(ops.remainder, self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return _apply(ops.remainder, other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        return _apply(ops.floor_divide, self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return _apply(ops.floor_divide, other, self)

    def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return other // self, other % self

    def __round__(self, decimals: int = 0) -> Tensor:
        return _apply(ops.round, self, decimals=decimals)

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
