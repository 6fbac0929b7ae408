"""Cases of the rows and compositions that turn, repeat, pad and split."""

import numpy as np

from tests.cases.case import case, same_call
from tests.cases.shapes import product
from tinygrad_edu import ops

# ------------------------------------------------------------------------------------------- turning
FLIPS = {(): (None,), (3,): (None, 0), (2, 3, 2): (None, 0, -1, (0, 2), (-1, 1), ()), (0, 2): (1,)}
TURNED = [
    *(
        same_call("flip", f"{s}, axis {a}", s, f=lambda m, x, a=a: m.flip(x, axis=a))
        for s, axes in FLIPS.items()
        for a in axes
    ),
    *(same_call(op, f"{s}", s, f=lambda m, x, op=op: getattr(m, op)(x))
      for op, shapes in {"flipud": ((3,), (2, 3)), "fliplr": ((2, 3), (2, 3, 2), (0, 2))}.items() for s in shapes),
    *(same_call("rot90", f"k {k}", (2, 3), f=lambda m, x, k=k: m.rot90(x, k)) for k in (0, 1, 2, 3, 4, -1, 6)),
    *(
        same_call("rot90", f"k {k}, axes {a}", (2, 3, 4), f=lambda m, x, k=k, a=a: m.rot90(x, k, axes=a))
        for k in (1, 2, 3)
        for a in ((1, 2), (2, 0), (-1, -3))
    ),
    *(
        same_call("roll", f"{s} by {n}, axis {a}", s, f=lambda m, x, n=n, a=a: m.roll(x, shift=n, axis=a))
        for s, n, a in (
            ((4,), 1, None), ((2, 3), 2, None), ((2, 3), -1, 0), ((2, 3), 4, -1), ((2, 3), (1, -1), (0, 1)),
            ((2, 3), 1, (0, 1)), ((2, 3), (1, 1), 1), ((2, 3), (1, 0), (-1, -2)), ((), 1, None), ((0, 2), 1, 1),
            ((3,), np.int64(1), 0),
        )
    ),
]  # fmt: skip

# ----------------------------------------------------------------------------------------- repeating
COUNTS = {
    "flat": ((2, 3), 2, None), "axis 0": ((2, 3), 3, 0), "axis -1": ((2, 3), 2, -1), "once": ((2,), 1, 0),
    "not at all": ((2, 3), 0, 1), "each its count": ((2, 3), np.array([2, 0, 3]), 1), "0-d": ((), 3, None),
    "flat, each its count": ((3,), [1, 2, 0], None), "one count in a list": ((2, 3), [2], 0), "empty": ((0, 2), 2, 1),
    "a count as an array": ((2,), np.array(2), 0), "in the middle": ((2, 2, 2), np.array([1, 2]), -2),
}  # fmt: skip
TILES = {
    "a vector": ((3,), 2), "a matrix by an integer": ((2, 3), 2), "each axis": ((2, 3), (2, 3)),
    "more axes": ((2,), (2, 1, 2)), "fewer counts": ((2, 3), (2,)), "once": ((2, 3), 1), "0-d": ((), (2, 2)),
    "not at all": ((2, 3), (0, 2)), "empty": ((0, 2), (2, 2)), "no counts": ((2,), ()),
}  # fmt: skip
GRIDS = {
    "two": (((2,), (3,)), {}), "rows first": (((2,), (3,)), {"indexing": "ij"}), "three": (((2,), (1,), (2,)), {}),
    "three, rows first": (((2,), (1,), (2,)), {"indexing": "ij"}), "sparse": (((2,), (3,)), {"sparse": True}),
    "sparse, rows first": (((2,), (3,)), {"indexing": "ij", "sparse": True}), "one": (((2,),), {}),
    "numbers": (((), (2,)), {}), "without copies": (((2,), (2,)), {"copy": False}),
}  # fmt: skip
REPEATED = [
    *(same_call("repeat", k, s, f=lambda m, x, n=n, a=a: m.repeat(x, n, axis=a)) for k, (s, n, a) in COUNTS.items()),
    *(same_call("tile", k, s, f=lambda m, x, n=n: m.tile(x, n)) for k, (s, n) in TILES.items()),
    *(
        same_call("meshgrid", k, *shapes, f=lambda m, *xs, o=o: product(m.meshgrid(*xs, **o)))
        for k, (shapes, o) in GRIDS.items()
    ),
]

# ------------------------------------------------------------------------------------------- padding
WIDTHS = {
    "one width": ((2, 3), 1), "a pair": ((2, 3), (1, 2)), "a pair in a list": ((3,), [(2, 0)]),
    "a pair for each axis": ((2, 3), ((0, 1), (2, 0))), "a width for each axis": ((2, 3), ((1,), (2,))),
    "one width in a tuple": ((2, 3), (1,)), "an axis of length 1": ((1, 2), 2), "nothing": ((2, 2), 0),
    "more than there is": ((3,), (7, 5)), "three axes": ((2, 1, 2), ((0, 0), (1, 0), (0, 3))),
}  # fmt: skip
CONSTANTS = {
    "one": 0.5, "a pair": (0.5, -1), "a pair for each axis": ((1, 2), (3, 4)), "one for each axis": ((1,), (2,)),
    "an integer": 3, "a float 0": 0.0, "an array": np.array([1, 2]),
}  # fmt: skip
PADDED = [
    *(
        same_call("pad", f"{mode}, {k}", s, f=lambda m, x, w=w, mode=mode: m.pad(x, w, mode=mode))
        for mode in ("constant", "edge", "reflect", "symmetric", "wrap")
        for k, (s, w) in WIDTHS.items()
    ),
    *(
        same_call("pad", f"constants: {k}", (2, 3), f=lambda m, x, c=c: m.pad(x, (1, 2), constant_values=c))
        for k, c in CONSTANTS.items()
    ),
    same_call("pad", "without a mode", (2, 3), f=lambda m, x: m.pad(x, ((1, 0), (0, 2)))),
    same_call("pad", "a positional mode", (2, 3), f=lambda m, x: m.pad(x, 1, "reflect")),
    same_call("pad", "of 0-d", (), f=lambda m, x: m.pad(x, 2)),
    same_call("pad", "of nothing", (0, 2), f=lambda m, x: m.pad(x, 1)),
    same_call("pad", "of nothing beside", (0, 2), f=lambda m, x: m.pad(x, ((0, 0), (1, 1)), mode="reflect")),
    # NumPy takes a dictionary from 2.2 on.
    case("pad", "an axis by its number", (2, 3), pad_width={-1: (1, 2)},
         reference=lambda x: np.pad(x, ((0, 0), (1, 2)))),
    case("pad", "axes by their numbers", (2, 3), pad_width={0: 1, 1: (0, 2)}, mode="edge",
         reference=lambda x: np.pad(x, ((1, 1), (0, 2)), mode="edge")),
]  # fmt: skip

# ----------------------------------------------------------------------------------------- splitting
SPLITS = {
    "split": ((6,), 3, {}), "split at indices": ((6,), [1, 4], {}), "split along axis 1": ((2, 4), 2, {"axis": 1}),
    "split along axis -2": ((4, 3), (1, 3), {"axis": -2}), "split into one": ((3,), 1, {}),
    "split beyond the end": ((3,), [2, 5], {}), "split backwards": ((4,), [3, 1], {}),
    "split from the end": ((4,), [-1], {}), "split at an array": ((4,), np.array([2]), {}),
    "array_split": ((7, 2), 3, {}), "array_split into more than there is": ((2,), 3, {}),
    "array_split along axis -1": ((2, 5), 2, {"axis": -1}), "array_split at indices": ((5,), [2], {}),
    "vsplit": ((4, 3), 2, {}), "vsplit at indices": ((4, 3), [1], {}), "hsplit": ((2, 4), 2, {}),
    "hsplit of a vector": ((4,), 2, {}), "hsplit at indices": ((2, 4, 1), [3], {}), "dsplit": ((2, 1, 4), 2, {}),
}  # fmt: skip


def _splits():
    for name, (s, argument, options) in SPLITS.items():
        op = name.split(" ")[0]
        for i in range(len(getattr(np, op)(np.zeros(s), argument, **options))):
            yield same_call(
                op,
                f"{name}, part {i}",
                s,
                f=lambda m, x, op=op, a=argument, o=options, i=i: getattr(m, op)(x, a, **o)[i],
            )


def _unstack(x, axis):
    """Call np.unstack, which comes with NumPy 2.1; before, it is the same as iterating."""
    return np.unstack(x, axis=axis) if hasattr(np, "unstack") else list(np.moveaxis(x, axis, 0))


SPLIT = [
    *_splits(),
    *(
        case("unstack", f"axis {a}, part {i}", (2, 3), numpy=lambda x, i=i, a=a: _unstack(x, a)[i],
             ours=lambda x, i=i, a=a: ops.unstack(x, axis=a)[i])
        for i in range(2)
        for a in (0, 1, -1)
    ),
]  # fmt: skip

CASES = [*TURNED, *REPEATED, *PADDED, *SPLIT]
