"""Cases of the rows that pick entries."""

import functools

import numpy as np

from tests.cases.case import case
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

CASES = INDEXED
