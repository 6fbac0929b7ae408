"""Writing at an index without writing in place: ``at(x, index).add(v)`` is a new tensor, and differentiable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tinygrad_edu import ops
from tinygrad_edu.conversion import as_constant, as_index
from tinygrad_edu.functional.basic import as_tensor

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from tinygrad_edu.tensor import Tensor

__all__ = ["At", "at"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class At:
    """A tensor and an index into it; each method gives a copy that differs there.

    The values `v` are broadcast to ``x[index].shape`` and take on the dtype of x. Gradients of any order flow to
    x and to v.

    Raises
    ------
    ShapeError
        If the index does not fit x, or v does not broadcast to ``x[index].shape``.
    DtypeError
        If fractions are to go into whole numbers.
    """

    x: Tensor
    index: Any

    def set(self, v: ArrayLike | Tensor) -> Tensor:
        """Replace the entries by v; of several values for one entry the last stays, in the order of ``x[index]``."""
        return self._write("set_at", v)

    def add(self, v: ArrayLike | Tensor) -> Tensor:
        """Add v to the entries; one that is picked twice receives both."""
        return self._write("add_at", v)

    def subtract(self, v: ArrayLike | Tensor) -> Tensor:
        """Subtract v from the entries, each time that one is picked."""
        return self._write("subtract_at", v)

    def multiply(self, v: ArrayLike | Tensor) -> Tensor:
        """Multiply the entries by v, each time that one is picked."""
        return self._write("multiply_at", v)

    def divide(self, v: ArrayLike | Tensor) -> Tensor:
        """Divide the entries by v, each time that one is picked."""
        return self._write("divide_at", v)

    def max(self, v: ArrayLike | Tensor) -> Tensor:
        """Take the larger of the entries and v; two that tie share the gradient."""
        return self._write("max_at", v)

    def min(self, v: ArrayLike | Tensor) -> Tensor:
        """Take the smaller of the entries and v; two that tie share the gradient."""
        return self._write("min_at", v)

    def _write(self, name: str, v: ArrayLike | Tensor) -> Tensor:
        out: Tensor = getattr(ops, name)(self.x, as_constant(v), index=self.index)
        return out


def at(x: Tensor | ArrayLike, index: Any) -> At:
    """Choose where in x to write: followed by ``.set(v)``, ``.add(v)``, ``.multiply(v)`` and others.

    Writing into a tensor (``x[index] = v``) is not recorded, since what was computed from it before would change. This
    leaves x as it is, and gives a copy.

    Parameters
    ----------
    index
        In each of NumPy's forms: integers, slices, masks, arrays of integers, also with repeats, and tuples of these.

    Examples
    --------
    >>> x = as_tensor([1.0, 2.0, 3.0])
    >>> at(x, 0).set(5.0)
    tensor([5., 2., 3.])
    >>> at(x, [0, 0, 2]).add([1.0, 10.0, 100.0])
    tensor([ 12.,   2., 103.])
    >>> at(x, x > 1).multiply(2.0)
    tensor([1., 4., 6.])
    """
    return At(as_tensor(x), as_index(index))
