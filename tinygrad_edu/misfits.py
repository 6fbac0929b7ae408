"""What to say when an operation cannot compute with what it was given: the shapes side by side, the culprit marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import (
    ArgumentError,
    DtypeError,
    OptionError,
    ShapeError,
    SingularMatrixError,
    TinygradEduError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_edu.ops import Op

__all__ = ["misfit"]

Shape = tuple[int, ...]


def misfit(op: Op, arrays: Sequence[Any], error: Exception) -> Exception:
    """Word the error of an operation that could not compute.

    Examples
    --------
    >>> from tinygrad_edu import ops
    >>> print(misfit(ops.add, [np.zeros((2, 3)), np.zeros((4,))], ValueError()))
    add of shapes (2, 3) and (4,) is not possible, for their axes differ:
        (2, 3)
        (   4)
            ^ 3 against 4
    Aligned at the last axis, lengths must be equal, or one of them 1. Reshape or transpose one of the two.
    """
    shapes = [np.shape(a) for a in arrays]
    of = f"{op.name} of shapes {' and '.join(map(str, shapes))} is not possible"
    if isinstance(error, TinygradEduError):
        return error
    if isinstance(error, np.linalg.LinAlgError) and not _is_about_shapes(error):
        return SingularMatrixError(f"{of}: {_sentence(error)}")
    if isinstance(error, (TypeError, OverflowError)):
        return _wrong_type(op, arrays, error)
    if op.name in ("matmul", "dot"):
        return ShapeError(f"{of}: {_products(*shapes)}")
    if op.name == "linear" and (clash := _layer(*shapes)):
        return ShapeError(f"{of}: {clash}")
    return _entry_by_entry(op, shapes, of, error) or ShapeError(f"{of}: {_sentence(error)}")


def _wrong_type(op: Op, arrays: Sequence[Any], error: Exception) -> DtypeError | ArgumentError:
    if "argument" in str(error):
        return ArgumentError(f"{op.name} cannot be called like this: {_sentence(error)}")
    dtypes = " and ".join(str(np.asarray(a).dtype) for a in arrays)
    return DtypeError(f"{op.name} of {dtypes} is not possible: {_sentence(error)}")


def _entry_by_entry(op: Op, shapes: Sequence[Shape], of: str, error: Exception) -> ShapeError | OptionError | None:
    """Word it where an operation pairs entries: either their shapes clash, or a value is wrong."""
    ufunc = isinstance(op.function, np.ufunc) and op.function.signature is None
    by_entry = ufunc or op.name in ("where", "constant_power")
    if not (by_entry or "could not be broadcast together" in str(error)):
        return None
    if clash := _first_clash(shapes):
        return ShapeError(
            f"{of}, for their axes differ:\n{_aligned(shapes, *clash)}\n"
            f"Aligned at the last axis, lengths must be equal, or one of them 1. Reshape or transpose one of the two."
        )
    return OptionError(f"{op.name} is not possible: {_sentence(error)}") if by_entry else None


def _is_about_shapes(error: Exception) -> bool:
    return "dimension" in str(error) or "square" in str(error)


def _sentence(error: Exception) -> str:
    return str(error).rstrip(". ") + "."


def _products(x: Shape, y: Shape) -> str:
    """Name the two lengths that differ."""
    if not (x and y):
        return "a single number has no axis to sum over. Multiply by it with *."
    inner = y[-2] if len(y) > 1 else y[0]
    if x[-1] == inner:
        return f"the leading axes {x[:-2]} and {y[:-2]} do not broadcast."
    first = f"rows of {x[-1]} entries" if len(x) > 1 else f"a vector of {x[-1]} entries"
    second = f"columns of {inner} entries" if len(y) > 1 else f"a vector of {inner} entries"
    fix = " The second one transposed would fit." if len(y) > 1 and x[-1] == y[-1] else ""
    return (
        f"the first has {first}, the second {second}, and the last axis of the first must be as long as "
        f"{'the last but one' if len(y) > 1 else 'the only one'} of the second.{fix}"
    )


def _layer(x: Shape, weight: Shape, bias: Shape) -> str:
    """Name the two lengths that differ in x Wᵀ + b."""
    if not x or len(weight) != 2:
        return ""
    outputs, inputs = weight
    if x[-1] != inputs:
        fix = " The weight transposed would fit." if x[-1] == outputs else ""
        return f"x has {x[-1]} features in its last axis, and the weight (outputs, inputs) takes {inputs}.{fix}"
    return f"the weight (outputs, inputs) gives {outputs} outputs, but the bias has shape {bias}."


def _first_clash(shapes: Sequence[Shape]) -> tuple[int, list[int]] | None:
    """Find the last axis, counted from the end, along which lengths differ and none of them is 1."""
    for axis in range(1, max(map(len, shapes), default=0) + 1):
        lengths = [s[-axis] for s in shapes if len(s) >= axis and s[-axis] != 1]
        if len(set(lengths)) > 1:
            return axis, list(dict.fromkeys(lengths))
    return None


def _aligned(shapes: Sequence[Shape], axis: int, lengths: Sequence[int]) -> str:
    """Write the shapes below each other, aligned at the last axis, and mark the axis where they clash."""
    n = max(map(len, shapes))
    columns = [[str(s[i - n]) if i >= n - len(s) else "" for s in shapes] for i in range(n)]
    widths = [max(map(len, column)) for column in columns]
    rows = [
        "    ("
        + "".join(
            column[k].rjust(width) + ("," if column[k] and i < n - 1 else " " if i < n - 1 else "") + " " * (i < n - 1)
            for i, (column, width) in enumerate(zip(columns, widths, strict=True))
        )
        + ")"
        for k in range(len(shapes))
    ]
    marked = n - axis
    mark = 5 + sum(width + 2 for width in widths[:marked]) + widths[marked] - 1
    return "\n".join([*rows, " " * mark + "^ " + " against ".join(map(str, lengths))])
