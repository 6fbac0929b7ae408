"""Changing a Tensor in place: ``x += 1`` and ``x[i] = v``.

Allowed where no gradient gets lost. Each change is noted on the clock of the tape, so that a backward pass that
needs the old values raises instead of using the new ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.conversion import as_array, as_constant, as_index
from tinygrad_edu.errors import GraphError, ShapeError
from tinygrad_edu.tape import Node, mode, touch

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from tinygrad_edu.ops import Op
    from tinygrad_edu.tensor import Tensor

__all__ = ["InPlace"]


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
        try:
            op.forward(self.array, value, out=self.array)
        except ValueError as error:
            shapes = f"{np.shape(value)} into {self.array.shape}"
            raise ShapeError(f"{op.name} in place of shape {shapes} is not possible: {error}.") from error
        touch(self)
        return self

    def __setitem__(self, index: Any, value: ArrayLike | Tensor) -> None:
        if mode.recording and (self.tracked or (isinstance(value, Node) and value.tracked)):
            raise GraphError(
                "Writing into a tensor that takes part in gradients is not recorded. Build the new one with "
                "np.where(mask, value, x), or write under no_grad() if no gradient is meant to see it."
            )
        touch(self)
        self.array[as_index(index)] = as_array(value)
