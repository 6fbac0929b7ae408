"""Everything that computes: one row for each operation, in one table.

Each row pairs a NumPy forward function with a gradient rule for each input, written in plain NumPy
syntax. This package imports NumPy and nothing else; it does not know what a Tensor is. Start reading at
``table.py`` (what a row is), then ``arithmetic.py`` (the simplest rows). Any row is ``ops.NAME``.
"""

from typing import Any

from tinygrad_edu.ops import (
    activations,
    arithmetic,
    attention,
    choices,
    comparisons,
    contraction,
    convolution,
    creation,
    diagonals,
    dtypes,
    error_function,
    factorizations,
    indexing,
    joining,
    losses,
    matrices,
    memory,
    normalization,
    norms,
    padding,
    pooling,
    probability,
    products,
    random,
    reductions,
    repeating,
    rounding,
    scans,
    shape,
    sorting,
    splitting,
    statistics,
    taking,
    torch_names,
    transcendental,
    turning,
    windows,
    writing,
)
from tinygrad_edu.ops.composition import COMPOSITIONS, Composition, compose
from tinygrad_edu.ops.table import BY_FUNCTION, TABLE, Op, Rule, define

__all__ = [
    "BY_FUNCTION",
    "COMPOSITIONS",
    "TABLE",
    "Composition",
    "Op",
    "Rule",
    "activations",
    "arithmetic",
    "attention",
    "choices",
    "comparisons",
    "compose",
    "contraction",
    "convolution",
    "creation",
    "define",
    "diagonals",
    "dtypes",
    "error_function",
    "factorizations",
    "indexing",
    "joining",
    "losses",
    "matrices",
    "memory",
    "normalization",
    "norms",
    "padding",
    "pooling",
    "probability",
    "products",
    "random",
    "reductions",
    "repeating",
    "rounding",
    "scans",
    "shape",
    "sorting",
    "splitting",
    "statistics",
    "taking",
    "torch_names",
    "transcendental",
    "turning",
    "windows",
    "writing",
]


def __getattr__(name: str) -> Any:
    """Find a row or a composition by its name: ``ops.tanh``."""
    found = TABLE.get(name) or COMPOSITIONS.get(name)
    if found is None:
        raise AttributeError(f"There is no operation {name!r} in the table.")
    return found
