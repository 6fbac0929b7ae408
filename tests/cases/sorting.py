"""Cases of sorting, and of picking and adding along an axis."""

import functools

import numpy as np

from tests.cases.case import case
from tinygrad_edu import ops

AXES = {
    "default": ((2, 3), {}),
    "flat": ((2, 3), {"axis": None}),
    "axis 0": ((4, 2), {"axis": 0}),
    "axis -2": ((4, 2), {"axis": -2}),
    "axis in the middle": ((2, 4, 2), {"axis": 1}),
    "vector": ((5,), {}),
    "axis of length 1": ((2, 1), {}),
    "0-d, flat": ((), {"axis": None}),
    "empty": ((0,), {}),
    "empty beside": ((0, 3), {}),
}
KINDS = ({"kind": "mergesort"}, {"kind": "quicksort", "axis": 0}, {"stable": True}, {"stable": False})
TIES = np.array([[2.0, 1.0, 2.0, 1.0], [0.0, 0.0, np.nan, -0.0]], np.float32)

# --------------------------------------------------------------------------------------------- picking
POSITIONS = {
    "one a line": ((2, 3), [[2], [0]], {"axis": 1}),
    "repeats": ((2, 3), [[2, 2, 0], [1, 1, 1]], {"axis": -1}),
    "from the end": ((2, 3), [[-1, 0], [-3, 1]], {"axis": 1}),
    "more than there are": ((2, 3), [[0, 1, 0], [0, 0, 0], [1, 1, 1]], {"axis": 0}),
    "in the middle": ((2, 3, 2), [[[0, 1]], [[2, 2]]], {"axis": 1}),
    "one line for all": ((2, 3), [[2, 0]], {"axis": 1}),
    "all of one line": ((1, 3), [[2, 0], [1, 1]], {"axis": 1}),
    "flat": ((2, 3), [5, 0, 0], {"axis": None}),
    "vector": ((3,), [1, 1, 2, 0], {"axis": 0}),
    "default": ((2, 2), [[1, 0], [0, 0]], {}),
    "nothing": ((2, 3), np.zeros((2, 0), int), {"axis": 1}),
    "nothing of nothing": ((0, 3), np.zeros((0, 2), int), {"axis": 1}),
}


def _add_along_axis(g, indices, shape, axis=-1):
    """Add up one by one what goes to each place."""
    out = np.zeros(shape, g.dtype)
    places = np.take_along_axis(np.arange(out.size).reshape(shape), indices, axis)
    for place, value in zip(places.flat, np.broadcast_to(g, places.shape).flat, strict=True):
        out.flat[place] += value
    return out


def _picked(shape, i, options):
    return np.take_along_axis(np.zeros(shape), i, options.get("axis", -1)).shape


PICKED = [
    *(case("take_along_axis", form, s, np.asarray(i), **o) for form, (s, i, o) in POSITIONS.items()),
    *(case("add_along_axis", form, _picked(s, np.asarray(i), o), np.asarray(i), shape=s, **o,
           reference=functools.partial(_add_along_axis, shape=s, **o)) for form, (s, i, o) in POSITIONS.items()),
    case("add_along_axis", "one value for all", (1, 1), np.array([[0, 2], [1, 1]]), shape=(2, 3),
         reference=functools.partial(_add_along_axis, shape=(2, 3))),
]  # fmt: skip

# --------------------------------------------------------------------------------------------- sorting
SORTED = [
    *(case("sort", form, s, **o) for form, (s, o) in AXES.items()),
    *(case("sort", f"{o}", (3, 2), **o) for o in KINDS),
]


def _topk(x, *, k, axis=-1, largest=True):
    """Sort by the value and the position."""
    order = np.argsort(-x if largest else x, axis=axis, kind="stable")
    indices = np.take(order, np.arange(k), axis=axis)
    return np.take_along_axis(x, indices, axis), indices


def _topk_case(form, *arguments, pick, **options):
    return case(
        "topk",
        f"{form}, the {('values', 'positions')[pick]}",
        *arguments,
        ours=lambda x: ops.topk(x, **options)[pick],
        reference=lambda x: _topk(x, **options)[pick],
    )


TOPS = {
    "vector": ((5,), {"k": 2}),
    "smallest": ((5,), {"k": 2, "largest": False}),
    "default": ((2, 4), {"k": 3}),
    "axis 0": ((4, 2), {"k": 2, "axis": 0}),
    "axis in the middle, smallest": ((2, 3, 2), {"k": 2, "axis": -2, "largest": False}),
    "all": ((2, 3), {"k": 3}),
    "none": ((2, 3), {"k": 0}),
    "empty": ((0,), {"k": 0}),
    "empty beside": ((0, 3), {"k": 2}),
}
CASES = [*PICKED, *SORTED, *(_topk_case(form, s, pick=0, **o) for form, (s, o) in TOPS.items())]

WITHOUT_GRADIENT = [
    *(_topk_case(form, s, pick=1, **o) for form, (s, o) in TOPS.items()),
    _topk_case("ties", np.nan_to_num(TIES), pick=1, k=4),
    _topk_case("ties, smallest", np.nan_to_num(TIES), pick=1, k=3, largest=False),
    *(case("argsort", form, s, **o) for form, (s, o) in AXES.items()),
    *(case("argsort", f"{o}", (3, 2), **o) for o in KINDS),
    case("argsort", "ties and NaN", TIES, kind="stable"),
    case("argsort", "ties down the columns", TIES, axis=0, stable=True),
    case("argsort", "integers", np.array([3, 1, 2], np.uint8)),
]
