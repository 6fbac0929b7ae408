"""Cases of the rows and compositions that write at an index, into a copy."""

import functools

import numpy as np

from tests.cases.case import case
from tests.cases.indexing import INDICES

STEPS = {
    "set_at": lambda _, v: v,
    "add_at": lambda x, v: x + v,
    "subtract_at": lambda x, v: x - v,
    "multiply_at": lambda x, v: x * v,
    "divide_at": lambda x, v: x / v,
    "max_at": max,
    "min_at": min,
}
# Those of which every form runs; the others run the same code with another step.
EVERY_FORM = ("set_at", "multiply_at")
FORMS = ("a slice", "a mask", "an array with repeats", "many long rows", "repeats and a mask apart", "pairs")
BROADCAST = {
    "one value": ((4, 3), (), np.array([1, 1, 0])),
    "one value into a slice": ((4, 3), (), slice(1, 3)),
    "a row": ((4, 3), (3,), np.array([1, 1, 0])),
    "a column": ((4, 3), (3, 1), np.array([1, 1, 0])),
    "one value three times": ((2,), (), np.array([1, 1, 1])),
    "one value into one place": ((4, 3), (), (1, 2)),
    "a row for a mask": ((2, 3), (3,), np.array([True, True])),
}
DEEP = np.array([2, 0, 2, 2, 1, 2, 2, 0, 2])  # seven of one, so three rounds of folding


def one_by_one(x, v, index, step):
    """Step by step, in the order of the entries of x[index]."""
    out = x.copy().reshape(-1)
    places = np.arange(x.size).reshape(x.shape)[index]
    for place, value in zip(np.ravel(places), np.ravel(np.broadcast_to(v, places.shape)), strict=True):
        out[place] = step(out[place], value)
    return out.reshape(x.shape)


def _written(op, form, shape, v, index):
    low = 0.5 if op in ("multiply_at", "divide_at") else -2
    reference = functools.partial(one_by_one, index=index, step=STEPS[op])
    return case(op, form, shape, v, low=low, index=index, reference=reference)


def _whole(numbers, like):
    return np.array(numbers, like.dtype)


CASES = [
    *(
        _written(op, form, s, np.empty(s)[index].shape, index)
        for op in STEPS
        for form, (s, index) in INDICES.items()
        if op in EVERY_FORM or form in FORMS
    ),
    *(_written(op, form, *forms) for op in STEPS for form, forms in BROADCAST.items()),
    *(_written(op, "many repeats", (4,), (9,), DEEP) for op in STEPS),
    *(_written(op, "many repeats of rows", (3, 2), (9, 2), DEEP) for op in STEPS),
    case("set_at", "a Python number", (3,), 0.5, index=slice(1), reference=lambda x, v: np.where([1, 0, 0], v, x)),
    case("add_at", "a whole number", (3,), 2, index=np.array([0, 0]), reference=lambda x, _: x + _whole([4, 0, 0], x)),
    case(
        "multiply_at",
        "a whole number",
        (3,),
        2,
        index=np.array([0, 0]),
        reference=lambda x, _: x * _whole([4, 1, 1], x),
    ),
    case("set_at", "into a constant", np.zeros((2, 3), np.float32), (3,), index=1,
         reference=lambda x, v: np.stack([x[0], v.astype(x.dtype)]), smooth=False),
]  # fmt: skip
