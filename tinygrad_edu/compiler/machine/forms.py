"""What an instruction does at one place of its iteration space, and where in its operands it reads: for loops.

A form says over which space an instruction runs, which axis of each operand goes along with which axis of that space,
and which axes are summed away.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.program import Instruction, Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinygrad_edu.compiler.machine.views import Along, Views

__all__ = ["Form", "Via", "form_of", "indexed", "rooted"]


class Via(NamedTuple):
    """In an index: the number that an operand holds at the place at hand."""

    operand: int


Index = int | None | Via
"""For an axis of an array that is read or written by an index: the axis of the iteration space, or an operand."""


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """An instruction as something that loops can do."""

    instruction: Instruction
    shape: tuple[int, ...]
    """The iteration space."""
    operands: tuple[tuple[Any, Along], ...]
    """Values and numbers that are read, each with its axes."""
    out: Along
    """The result's axes."""
    how: str = "map"
    """``map``: entry by entry. ``reduce``: the entries along `gone` become one. ``pick``: of each row the entry whose
    place the second operand says. ``place``: an entry where the second operand says, and 0 elsewhere. ``gather``: the
    entries of the first operand where the others say; `index` says which of them says it for which of its axes."""
    gone: frozenset[int] = frozenset()
    """The axes of the space that the result does not have."""
    reduction: np.ufunc | None = None
    index: tuple[Index, ...] = ()


def rooted(form: Form, views: Views) -> Form:
    """Let a form read the memory itself where it reads a view that only renames axes."""
    operands: list[tuple[Any, Along]] = []
    index = form.index
    for k, (x, along) in enumerate(form.operands):
        seen = views(x) if isinstance(x, Value) else None
        if seen is None or seen.axes is None or seen.root is x:
            operands.append((x, along))
            continue
        axes: list[int | None] = [None] * len(seen.root.shape)
        spots: list[Index] = [None] * len(seen.root.shape)
        for mine, its in enumerate(seen.axes):
            if its is not None:
                axes[its] = along[mine]
                spots[its] = index[mine] if index and k == 0 else None
        operands.append((seen.root, tuple(axes)))
        index = tuple(spots) if index and k == 0 else index
    return replace(form, operands=tuple(operands), index=index)


# --------------------------------------------------------------------------------------------- the forms
def form_of(instruction: Instruction, makers: dict[Value, Instruction]) -> Form | None:
    """Say what an instruction does at each place; None if it is nothing for loops.

    Parameters
    ----------
    instruction
        After lowering.
    makers
        For each value the instruction that makes it.
    """
    make = _FORMS.get(instruction.op) or _FORMS.get(instruction.op.kind)
    return None if make is None or instruction.out is None else make(instruction, makers)


def _aligned(value: Any, shape: tuple[int, ...], shift: int = 0) -> Along:
    """Align the axes of an operand from the right, as broadcasting does."""
    if not isinstance(value, Value):
        return ()
    first = len(shape) - len(value.shape) - shift
    return tuple(first + k if n > 1 else None for k, n in enumerate(value.shape))


def _own(shape: tuple[int, ...]) -> Along:
    return tuple(k if n > 1 else None for k, n in enumerate(shape))


def _map(i: Instruction, _makers: dict[Value, Instruction]) -> Form:
    assert i.out is not None  # noqa: S101 - asked before
    shape = i.out.shape
    return Form(i, shape, tuple((x, _aligned(x, shape)) for x in i.inputs), _own(shape))


def _reduce(i: Instruction, _makers: dict[Value, Instruction]) -> Form | None:
    x = i.inputs[0]
    if not isinstance(x, Value) or x.array.size == 0:
        return None
    axis = i.options.get("axis", 0)
    n = len(x.shape)
    gone = frozenset(range(n) if axis is None else (a % n for a in (axis if isinstance(axis, tuple) else (axis,))))
    return _summed(i, x.shape, ((x, _own(x.shape)),), gone, _UFUNCS[i.op.name.split(".")[0]])


def _summed(
    i: Instruction,
    shape: tuple[int, ...],
    operands: tuple[tuple[Any, Along], ...],
    gone: frozenset[int],
    reduction: np.ufunc,
) -> Form:
    assert i.out is not None  # noqa: S101 - asked before
    kept = [k for k in range(len(shape)) if k not in gone]
    if len(i.out.shape) == len(shape) and gone:  # keepdims
        out: Along = tuple(None if k in gone or shape[k] == 1 else k for k in range(len(shape)))
    else:
        out = tuple(k if shape[k] > 1 else None for k in kept)
    gone = frozenset(k for k in gone if shape[k] > 1)
    return Form(i, shape, operands, out, "reduce", gone, reduction)


def _dot(i: Instruction, _makers: dict[Value, Instruction]) -> Form | None:
    """Take sums that are written as products with ones, and products in which one side is a vector."""
    x, y = i.inputs
    if not (isinstance(x, Value) and isinstance(y, Value)):
        return None
    letters = {
        (2, 2): ("ik", "kj", "ijk"),
        (2, 1): ("ik", "k", "ik"),
        (1, 2): ("k", "kj", "jk"),
        (1, 1): ("k", "k", "k"),
    }
    names = letters.get((len(x.shape), len(y.shape)))
    if names is None:
        return None
    sizes = dict(zip(names[0] + names[1], (*x.shape, *y.shape), strict=True))
    shape = tuple(sizes[c] for c in names[2])
    if len(shape) == 3 and 1 not in shape:  # not for loops, but for machine code made for it
        return None
    operands = tuple(
        (v, tuple(names[2].index(c) if n > 1 else None for c, n in zip(axes, v.shape, strict=True)))
        for v, axes in zip((x, y), names, strict=False)
        if len(v.shape) == 2 or not _ones(v)
    )
    return _summed(i, shape, operands or ((x, (None,)),), frozenset({len(shape) - 1}), np.add)


def _vecdot(i: Instruction, _makers: dict[Value, Instruction]) -> Form | None:
    x, y = i.inputs
    if not (isinstance(x, Value) and isinstance(y, Value)) or i.options:
        return None
    shape = np.broadcast_shapes(x.shape, y.shape)
    operands = tuple((v, _aligned(v, shape)) for v in (x, y))
    return _summed(i, shape, operands, frozenset({len(shape) - 1}), np.add)


def _einsum(i: Instruction, _makers: dict[Value, Instruction]) -> Form | None:
    """Loops over all letters; of products of matrices only the small ones."""
    inputs, _, output = i.options["subscripts"].replace(" ", "").partition("->")
    names = inputs.split(",")
    values = i.inputs
    if "." in inputs or any(len(set(n)) != len(n) for n in names) or not all(isinstance(v, Value) for v in values):
        return None
    sizes = {c: n for letters, v in zip(names, values, strict=True) for c, n in zip(letters, v.shape, strict=True)}
    letters = [*output, *(c for c in sizes if c not in output)]
    shape = tuple(sizes[c] for c in letters)
    operands = tuple(
        (v, tuple(letters.index(c) if n > 1 else None for c, n in zip(axes, v.shape, strict=True)))
        for axes, v in zip(names, values, strict=True)
    )
    return _summed(i, shape, operands, frozenset(range(len(output), len(letters))), np.add)


def indexed(
    x: Value, index: tuple[Any, ...]
) -> tuple[tuple[int, ...], tuple[Index, ...], list[tuple[Value, Along]]] | None:
    """Say what an index of whole slices and arrays of whole numbers means: the space, and how `x` is read in it.

    Returns
    -------
    The space, for each axis of `x` where it is read, and the arrays with their axes; the first of them is operand 1.
    None if it is another index.
    """
    index = (*index, *[slice(None)] * (len(x.shape) - len(index)))
    arrays = [v for v in index if isinstance(v, Value)]
    places = [k for k, v in enumerate(index) if isinstance(v, Value)]
    whole = all(isinstance(v, Value) or v == slice(None) for v in index) and len(index) == len(x.shape)
    if not arrays or not whole or places != list(range(places[0], places[-1] + 1)):
        return None
    if any(v.dtype.kind not in "iu" for v in arrays):
        return None
    middle = np.broadcast_shapes(*(v.shape for v in arrays))
    shape: list[int] = []
    spots: list[Index] = []
    read: list[tuple[Value, Along]] = []
    for k, part in enumerate(index):
        if k == places[0]:
            first = len(shape)
            shape += middle
            for v in arrays:
                offset = first + len(middle) - len(v.shape)
                read.append((v, tuple(offset + a if n > 1 else None for a, n in enumerate(v.shape))))
        if isinstance(part, Value):
            spots.append(Via(1 + len([v for v in index[:k] if isinstance(v, Value)])))
        else:
            spots.append(len(shape) if x.shape[k] > 1 else None)
            shape.append(x.shape[k])
    return tuple(shape), tuple(spots), read


def _index(i: Instruction, _makers: dict[Value, Instruction]) -> Form | None:
    index = i.options["index"]
    return _gathered(i, i.inputs[0], index if isinstance(index, tuple) else (index,))


def _take_rows(i: Instruction, _makers: dict[Value, Instruction]) -> Form | None:
    return _gathered(i, i.inputs[0], (i.inputs[1],))


def _gathered(i: Instruction, x: Value, index: tuple[Any, ...]) -> Form | None:
    found = indexed(x, index)
    if found is None or i.out is None or found[0] != i.out.shape:
        return None
    shape, spots, read = found
    along = tuple(s if isinstance(s, int) else None for s in spots)
    return Form(i, shape, ((x, along), *read), _own(shape), "gather", index=spots)


def _take(i: Instruction, makers: dict[Value, Instruction]) -> Form | None:
    x, where = i.inputs
    index = classes_of(where, makers, x.shape)
    if index is None:
        return None
    shape = where.shape
    return Form(i, shape, ((x, (0 if shape[0] > 1 else None, None)), (index, _own(shape))), _own(shape), "pick")


def _scatter(i: Instruction, makers: dict[Value, Instruction]) -> Form | None:
    values, where = i.inputs
    assert i.out is not None  # noqa: S101 - asked before
    index = classes_of(where, makers, i.out.shape)
    if index is None or not isinstance(values, Value):
        return None
    shape = i.out.shape
    row = (0 if shape[0] > 1 else None,)
    along = row if values.array.size > 1 else (None,) * len(values.shape)
    return Form(i, shape, ((values, along), (index, row)), _own(shape), "place")


def classes_of(where: Value, makers: dict[Value, Instruction], shape: tuple[int, ...]) -> Value | None:
    """Find the classes of which `where` are the places in a flat array of (rows, classes)."""
    maker = makers.get(where)
    if maker is None or maker.op.run is not np.add or len(shape) != 2:
        return None
    starts, index = maker.inputs
    found = isinstance(starts, Value) and starts.kind == "constant" and isinstance(index, Value)
    if not found or not np.array_equal(starts.array, np.arange(shape[0]) * shape[1]):
        return None
    return index if index.shape == (shape[0],) else None


def _ones(value: Value) -> bool:
    return value.kind == "constant" and value.array.size > 0 and bool((value.array == 1).all())


_UFUNCS = {u.__name__: u for u in (np.add, np.multiply, np.maximum, np.minimum, np.logical_and, np.logical_or)}

_FORMS: dict[Any, Callable[[Instruction, dict[Value, Instruction]], Form | None]] = {
    "elementwise": _map,
    "copy": _map,
    "keep": _map,
    "part": _map,
    "reduction": lambda i, makers: _reduce(i, makers) if i.op.name.split(".")[0] in _UFUNCS else None,
    p.DOT: _dot,
    p.EINSUM: _einsum,
    p.TAKE: _take,
    p.TAKE_ROWS: _take_rows,
    p.INDEX: _index,
    p.SCATTER: _scatter,
    p.ufunc(np.matmul): _dot,
    p.ufunc(np.vecdot): _vecdot,
}
