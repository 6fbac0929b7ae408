"""Changing a Tensor in place: ``x += 1`` and ``x[i] = v``.

Allowed where no gradient gets lost. Each change is noted on the clock of the tape, so that a backward pass that
needs the old values raises instead of using the new ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.conversion import as_array, as_constant, as_index
from tinygrad_edu.errors import DtypeError, GraphError, ShapeError
from tinygrad_edu.tape import Node, in_force, mode, touch

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from tinygrad_edu.ops import Op
    from tinygrad_edu.tensor import Tensor

__all__ = ["InPlace"]

# Kinds of dtype, each of which holds what those below it hold.
_RANK = {"b": 0, "u": 1, "i": 1, "f": 2}


class InPlace(Node):
    """What writes into a Tensor."""

    __slots__ = ()

    # In place where nothing is recorded, as in an update of weights under no_grad(); else x += 1 is x = x + 1.
    def __iadd__(self, other: Any) -> Any:
        return self._in_place(ops.add, other)

    def __isub__(self, other: Any) -> Any:
        return self._in_place(ops.subtract, other)

    def __imul__(self, other: Any) -> Any:
        return self._in_place(ops.multiply, other)

    def __itruediv__(self, other: Any) -> Any:
        return self._in_place(ops.divide, other)

    def _in_place(self, op: Op, other: Any) -> Any:
        if mode.recording and (self.tracked or (isinstance(other, Node) and other.tracked)):
            if self.tracked and self.op is None:
                raise GraphError(
                    f"This tensor asks for gradients, and changing it in place ({op.name}) would not be recorded. "
                    f"Update weights under no_grad(), or make a new tensor, as in y = x + 1."
                )
            return op(self, other)
        value = other.array if isinstance(other, Node) else as_constant(other)
        self._refuse_narrowing(value)
        if in_force and mode.watchers:
            return self._watched(op(self, other))
        try:
            op.forward(self.array, value, out=self.array)
        except TypeError as error:
            raise DtypeError(
                f"{op.name} in place of {self.array.dtype} is not possible: {error}. Make the tensor floating first, "
                f"as in x = x.astype(np.float32)."
            ) from error
        except ValueError as error:
            shapes = f"{np.shape(value)} into {self.array.shape}"
            raise ShapeError(f"{op.name} in place of shape {shapes} is not possible: {error}.") from error
        touch(self)
        return self

    def _watched(self, value: Any) -> Any:
        """Overwrite the array with a Node of its shape, where someone looks on."""
        if value.shape != self.array.shape:
            raise ShapeError(f"Shape {value.shape} does not fit into {self.array.shape} in place.")
        for watcher in mode.watchers:
            watcher.changing(self, value)
        np.copyto(self.array, value.array, casting="same_kind")
        touch(self)
        return self

    def copy_(self, value: ArrayLike | Tensor) -> Any:
        """Overwrite all entries, in place; PyTorch's name.

        Raises
        ------
        GraphError
            If gradients are recorded here: write under no_grad().
        DtypeError
            If the values would be changed by the tensor's dtype.
        ShapeError
            If they are of another shape.

        Examples
        --------
        >>> import tinygrad_edu as tg
        >>> tg.tensor([1.0, 2.0]).copy_([3.0, 4.0])
        tensor([3., 4.])
        """
        if in_force and mode.watchers and isinstance(value, Node):
            self._refuse_narrowing(value.array)
            return self._watched(value)
        self[...] = value
        return self

    def _refuse_narrowing(self, value: Any) -> None:
        """Raise where NumPy would cut fractions off, or refuse in words of its own: floats written into integers."""
        dtype = np.asarray(value).dtype
        if _RANK[dtype.kind] > _RANK[self.array.dtype.kind]:
            raise DtypeError(
                f"{dtype} numbers do not fit into a tensor of {self.array.dtype}: it would change them. Make it "
                f"floating, as in x = x.astype(np.float32), or round the numbers first."
            )

    def __setitem__(self, index: Any, value: ArrayLike | Tensor) -> None:
        if mode.recording and (self.tracked or (isinstance(value, Node) and value.tracked)):
            raise GraphError(
                "Writing into a tensor that takes part in gradients is not recorded. Build the new one with "
                "np.where(mask, value, x), or write under no_grad() if no gradient is meant to see it."
            )
        array = as_array(value)
        self._refuse_narrowing(array)
        for watcher in mode.watchers if in_force else ():
            watcher.changing(self, None)
        touch(self)
        try:
            self.array[as_index(index)] = array
        except (ValueError, IndexError) as error:
            shapes = f"{array.shape} into {self.array.shape}"
            raise ShapeError(f"Writing shape {shapes} there is not possible: {error}.") from error
