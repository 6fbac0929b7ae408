"""A case: one row of the table of operations, or one composition, called with one form of arguments."""

import functools
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tinygrad_edu import ops


@dataclass(frozen=True)
class Case:
    """One row of the table of operations, called with one form of arguments."""

    op: str
    form: str
    # A tuple is the shape of a floating input, drawn between `low` and `high`; all else is a constant.
    arguments: tuple = ()
    options: dict = field(default_factory=dict)
    low: float = -2.0
    high: float = 2.0
    # The same in plain NumPy, on arrays; by default the NumPy function of the same name.
    reference: Callable | None = None
    # How the call is written with NumPy's function, which must work on Tensors too; None where there is none.
    numpy: Callable | None = None
    # A rule through float32 has no float64 differences to be compared with.
    smooth: bool = True
    # How the row or composition is called, where that is not ops.NAME(*arguments, **options): on a list of arrays, or
    # for one of several results.
    ours: Callable | None = None

    def __str__(self):
        return f"{self.op}-{self.form}"

    def draw(self, dtype=np.float64):
        """Draw the floating inputs from one grid: no two entries tie, and none is a kink at 0."""
        shapes = [shape for shape in self.arguments if isinstance(shape, tuple)]
        sizes = [int(np.prod(shape)) for shape in shapes]
        n = sum(sizes)
        rng = np.random.default_rng(zlib.crc32(str(self).encode()))
        # 0.3 of a cell from its edge: the middle of the interval is never on the grid.
        grid = self.low + (self.high - self.low) * (rng.permutation(n) + 0.3) / max(n, 1)
        parts = np.split(grid.astype(dtype), np.cumsum(sizes)[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)] if shapes else []

    def fill(self, floats):
        """Put the floating inputs at their places among the constants."""
        remaining = iter(floats)
        return tuple(next(remaining) if isinstance(a, tuple) else a for a in self.arguments)

    def call(self, *floats):
        """Run the row."""
        if self.ours:
            return self.ours(*self.fill(floats))
        return getattr(ops, self.op)(*self.fill(floats), **self.options)

    def call_numpy(self, *floats):
        """Run NumPy's function."""
        return self.numpy(*self.fill(floats))

    def expected(self, *floats):
        """Compute the result without the row."""
        return (self.reference or self.numpy)(*self.fill(floats))


def case(op, form, *arguments, reference=None, numpy=None, low=-2.0, high=2.0, smooth=True, ours=None, **options):
    if numpy is None and reference is None:
        numpy = functools.partial(getattr(np, op), **options)
    return Case(op, form, arguments, options, low, high, reference, numpy, smooth, ours)


def same_call(op, form, *arguments, f, **options):
    """Write one call for both: ``f(m, *arrays)``, with m the module NumPy or the table of operations."""
    return case(op, form, *arguments, ours=functools.partial(f, ops), numpy=functools.partial(f, np), **options)
