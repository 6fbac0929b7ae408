"""Everything that computes: one row for each operation, in one table.

Each row pairs a NumPy forward function with a gradient rule for each input, written in plain NumPy
syntax. This package imports NumPy and nothing else; it does not know what a Tensor is. Start reading at
``table.py`` (what a row is), then ``elementwise.py`` (most of the rows).
"""

from tinygrad_edu.ops import elementwise, fused, indexing, linalg, random, reductions, shape
from tinygrad_edu.ops.table import BY_FUNCTION, TABLE, Op, Rule, define

__all__ = [
    "BY_FUNCTION",
    "TABLE",
    "Op",
    "Rule",
    "define",
    "elementwise",
    "fused",
    "indexing",
    "linalg",
    "random",
    "reductions",
    "shape",
]


def __getattr__(name: str) -> Op:
    """Find a row by its name: ``ops.tanh``."""
    try:
        return TABLE[name]
    except KeyError:
        raise AttributeError(f"There is no operation {name!r} in the table.") from None
