"""Cases of the rows that pick entries."""

import functools

import numpy as np

from tests.cases.case import case, same_call
from tests.cases.elementwise import MASK

INDICES = {
    "an integer": ((4, 3), 1),
    "an integer from the end": ((4, 3), -1),
    "a NumPy integer": ((4, 3), np.int64(2)),
    "integers on all axes": ((4, 3), (1, -2)),
    "a slice": ((4, 3), slice(1, 3)),
    "a step": ((5,), slice(None, None, 2)),
    "a negative step": ((4, 3), (slice(None, None, -1), slice(2, None, -2))),
    "an empty slice": ((4, 3), slice(2, 2)),
    "an ellipsis": ((2, 3, 2), (..., 0)),
    "an ellipsis in the middle": ((2, 3, 2), (1, ..., 0)),
    "a new axis": ((3,), (None, slice(None), None)),
    "a slice, an ellipsis, a new axis": ((2, 3, 2), (slice(1), ..., None)),
    "all of 0-d": ((), ()),
    "an ellipsis of 0-d": ((), ...),
    "a new axis of 0-d": ((), None),
    "an array of integers": ((4, 3), np.array([2, 0])),
    "an array with repeats": ((4, 3), np.array([1, 1, 0, 1])),
    "an array with a repeat from the end": ((4,), np.array([3, -1, 0])),
    "a matrix of integers": ((4, 2), np.array([[0, 3], [3, 3]])),
    "an empty array": ((4, 2), np.array([], np.int64)),
    "a list with repeats": ((4, 3), ([2, 2, 0],)),
    "pairs": ((4, 3), (np.array([0, 3, 0]), np.array([1, 1, 1]))),
    "arrays broadcast against each other": ((4, 3), (np.array([[0], [3]]), np.array([1, 1]))),
    "a slice and an array": ((4, 3), (slice(1, None), np.array([2, 2]))),
    "arrays on both sides of a slice": ((3, 2, 3), (np.array([0, 0]), slice(None), np.array([1, 1]))),
    "an array, an integer, a new axis": ((3, 2), (np.array([2, 2]), 1, None)),
    "a mask": ((2, 3), MASK),
    "a mask of the first axis": ((2, 3), np.array([False, True])),
    "a mask of the last axis": ((2, 3), (..., np.array([True, False, True]))),
    "a mask of nothing": ((2, 3), np.zeros((2, 3), bool)),
    "a mask and an array with repeats": ((2, 3), (np.array([True, True]), np.array([1, 1]))),
    "a mask and a slice": ((2, 3), (np.array([False, True]), slice(None, None, -1))),
    "a mask of 0-d": ((), np.array(True)),  # noqa: FBT003 - an entry
    "True, which adds an axis": ((2, 3), True),
    "False, which leaves nothing": ((2, 3), (np.bool(False), slice(None))),
    "an integer in an array of 0-d": ((4, 3), np.array(1)),
    "integers in arrays of 0-d": ((4, 3), (np.array(1), np.array(-1))),
    "a list of truths": ((3,), [True, False, True]),
    "a grid": ((4, 3), np.ix_([3, 0, 3], [1, 1])),
    "a grid and a slice": ((3, 2, 3), (*np.ix_([2, 2], [1]), slice(1))),
    "a grid with a mask": ((3, 3), np.ix_([True, False, True], [0, 0])),
    "repeats, then all of the last axis": ((3, 2), (np.array([1, 1]), slice(None))),
    "repeats, then an ellipsis": ((3, 2), (np.array([1, 1]), ...)),
    "an ellipsis, then repeats": ((3, 2), (..., np.array([1, 1]))),
    "an ellipsis, repeats, all of the last axis": ((3, 2, 2), (..., np.array([1, 1]), slice(None))),
    "repeats, a new axis": ((3, 2), (np.array([1, 1]), None)),
    "repeats, a new axis, all of the last axis": ((3, 2), (np.array([1, 1]), None, slice(None))),
    "a new axis, repeats": ((3, 2), (None, np.array([1, 1]))),
    "repeats, an ellipsis, a new axis": ((3, 2), (np.array([1, 1]), ..., None)),
    "an integer and repeats apart": ((2, 2, 3), (0, slice(None), np.array([1, 1]))),
    "a mask of two axes and repeats": ((2, 3, 2), (MASK, np.array([1, 1, 1]))),
    "repeats and a mask apart": ((2, 2, 3), (np.array([1, 1]), slice(None), np.array([True, False, True]))),
    "a mask of the first of two axes, a slice": ((2, 3), (np.array([False, True]), slice(1, None))),
    "repeats of empty rows": ((3, 0), np.array([1, 1])),
    "small integers": ((4, 2), np.array([3, 3, -1], np.int8)),
    "integers without a sign": ((4, 2), np.array([3, 3], np.uint8)),
    "few long rows": ((13, 8), np.array([[7, 7], [-1, 0]])),
    "few long rows of two axes": ((13, 4, 2), np.array([5, 5, 5])),
    "many long rows": ((2, 8), np.array([0, 1, 1])),
}


def _put_reference(g, shape, index):
    """Count where each entry came from: an entry that was picked twice receives both."""
    size = int(np.prod(shape))
    source = np.arange(size).reshape(shape)[index]
    return np.bincount(np.ravel(source), np.ravel(g), minlength=size).reshape(shape).astype(g.dtype)


INDEXED = [
    *(case("getitem", k, s, index=i, reference=lambda x, i=i: x[i]) for k, (s, i) in INDICES.items()),
    *(
        case(
            "put",
            k,
            np.shape(np.empty(s)[i]),
            shape=s,
            index=i,
            reference=functools.partial(_put_reference, shape=s, index=i),
        )
        for k, (s, i) in INDICES.items()
    ),
]

# --------------------------------------------------------------------- by number, by mask, by condition
TAKES = {
    "flat": ((2, 3), [0, 5, 5], {}),
    "axis 0": ((3, 2), [2, 0, 2], {"axis": 0}),
    "axis -1": ((2, 3), [[0, 0], [2, 1]], {"axis": -1}),
    "one": ((2, 3), 1, {"axis": 1}),
    "one of all": ((2, 3), -1, {}),
    "from the end": ((4,), [-1, 3, 0], {"axis": 0}),
    "of three axes": ((2, 3, 2), [1, 1], {"axis": 1}),
    "none": ((2, 3), np.array([], int), {"axis": 1}),
    "wrapped": ((3, 2), [3, -4, 7], {"axis": 0, "mode": "wrap"}),
    "wrapped, flat": ((2, 2), [5, -1], {"mode": "wrap"}),
    "clipped": ((3, 2), [3, -4, 1], {"axis": 0, "mode": "clip"}),
    "clipped, axis -1": ((2, 3), [9, -9], {"axis": -1, "mode": "clip"}),
    "of 0-d": ((), 0, {}),
    "nothing of nothing": ((0, 2), np.array([], int), {"axis": 0, "mode": "wrap"}),
}
COMPRESSED = {
    "axis 0": ((3, 2), [True, False, True], {"axis": 0}),
    "axis -1": ((2, 3), np.array([False, True, True]), {"axis": -1}),
    "flat": ((2, 2), [False, True, False, True], {}),
    "fewer": ((2, 3), [True], {"axis": 1}),
    "numbers": ((3,), [1, 0, 2], {"axis": 0}),
    "nothing": ((2, 3), [False, False], {"axis": 0}),
}
HERE, THERE = np.array([True, False, False]), np.array([[True], [False]])
WHICH = np.array([[0, 2, 1], [1, 1, 0]])
TAKEN = [
    *(same_call("take", k, s, f=lambda m, x, i=i, o=o: m.take(x, i, **o)) for k, (s, i, o) in TAKES.items()),
    *(
        same_call("compress", k, s, f=lambda m, x, c=c, o=o: m.compress(c, x, **o))
        for k, (s, c, o) in COMPRESSED.items()
    ),
    same_call("extract", "a mask", (2, 3), f=lambda m, x: m.extract(MASK, x)),
    same_call("extract", "a mask of another shape", (2, 3), f=lambda m, x: m.extract(MASK.ravel(), x)),
    same_call("extract", "nothing", (3,), f=lambda m, x: m.extract(np.zeros(3, bool), x)),
    same_call("select", "two of three", (3,), (2, 1), f=lambda m, x, y: m.select([HERE, THERE], [x, y])),
    same_call("select", "a default", (3,), (3,), f=lambda m, x, y: m.select([HERE, HERE[::-1]], [x, y], 0.5)),
    same_call("select", "a default that is differentiated", (3,), (3,), f=lambda m, x, y: m.select([HERE], [x], y)),
    same_call("select", "0-d", (), f=lambda m, x: m.select([np.array(True)], [x])),  # noqa: FBT003 - an entry
    same_call("choose", "three", (2, 3), (3,), (), f=lambda m, *xs: m.choose(WHICH, xs)),
    same_call("choose", "one", (3,), f=lambda m, x: m.choose(np.zeros((2, 1), int), [x])),
    same_call("choose", "wrapped", (3,), (3,), f=lambda m, *xs: m.choose(np.array([2, -1, 5]), xs, mode="wrap")),
    same_call("choose", "clipped", (3,), (3,), f=lambda m, *xs: m.choose(np.array([2, -1, 5]), xs, mode="clip")),
    same_call("choose", "one number", (2,), (2,), f=lambda m, *xs: m.choose(1, xs) + xs[0]),
]

CASES = [*INDEXED, *TAKEN]
