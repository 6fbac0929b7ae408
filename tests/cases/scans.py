"""Cases of the rows that run along an axis."""

import functools

import numpy as np

from tests.cases.case import case, same_call

AXES = {
    "flat": ((2, 3), {}),
    "axis 0": ((3, 2), {"axis": 0}),
    "axis 1": ((2, 4), {"axis": 1}),
    "axis -1": ((2, 2, 3), {"axis": -1}),
    "axis in the middle": ((2, 3, 2), {"axis": 1}),
    "vector": ((5,), {"axis": 0}),
    "axis of length 1": ((2, 1), {"axis": 1}),
    "0-d": ((), {}),
    "empty": ((0,), {"axis": 0}),
    "empty beside": ((0, 3), {"axis": 1}),
}


def _log_of_sum(x, axis=None):
    return np.log(np.cumsum(np.exp(x), axis=axis))


def _accumulate(ufunc):
    return lambda x, axis=None: ufunc.accumulate(x.reshape(-1) if axis is None else x, axis=axis or 0)


WITHOUT_NUMPY = {
    "logcumsumexp": _log_of_sum,
    "cummax": _accumulate(np.maximum),
    "cummin": _accumulate(np.minimum),
}
SCANS = [
    *(case(op, form, s, **o) for op in ("cumsum", "cumprod") for form, (s, o) in AXES.items()),
    *(case(op, f"in float64, {f}", (2, 3), dtype=np.float64, **o) for op in ("cumsum", "cumprod")
      for f, o in {"flat": {}, "axis 0": {"axis": 0}}.items()),
    *(case(op, form, s, reference=functools.partial(f, **o), **o)
      for op, f in WITHOUT_NUMPY.items() for form, (s, o) in AXES.items()),
]  # fmt: skip


# --------------------------------------------------------------------------------- linear recurrence
def _one_by_one(b, a, *, axis=-1, reverse=False):
    b, y = np.moveaxis(b, axis, -1), np.moveaxis(np.array(b), axis, -1)
    shape = (*b.shape[:-1], max(b.shape[-1] - 1, 0))
    a = np.moveaxis(np.broadcast_to(a, np.moveaxis(np.zeros(shape), -1, axis).shape), axis, -1)
    n = b.shape[-1]
    for i in reversed(range(n - 1)) if reverse else range(1, n):
        y[..., i] += a[..., i] * y[..., i + 1] if reverse else a[..., i - 1] * y[..., i - 1]
    return np.moveaxis(y, -1, axis)


RECURRENCES = [
    case("linear_recurrence", f"{form}{', reversed' * r}", *s, reverse=r, **o,
         reference=functools.partial(_one_by_one, reverse=r, **o))
    for r in (False, True)
    for form, (s, o) in {
        "vectors": (((6,), (5,)), {}),
        "axis 0": (((4, 2), (3, 2)), {"axis": 0}),
        "axis in the middle": (((2, 3, 2), (2, 2, 2)), {"axis": 1}),
        "axis -2": (((3, 2), (2, 2)), {"axis": -2}),
        "links of one row for all": (((2, 4), (3,)), {}),
        "one link for all": (((2, 4), ()), {}),
        "a number as link": (((4,), 0.5), {}),
        "two entries": (((2,), (1,)), {}),
        "one entry": (((1,), (0,)), {}),
        "empty": (((0,), (0,)), {}),
        "empty beside": (((0, 3), (0, 2)), {}),
    }.items()
]  # fmt: skip

# --------------------------------------------------------------------------------------- differences
DIFFERENCES = [
    *(case("diff", form, s, **o) for form, (s, o) in AXES.items() if s),
    *(case("diff", f"n = {n}", (2, 4), n=n) for n in (2, 3, 4, 5)),
    case("diff", "n = 2, axis 0", (4, 2), n=2, axis=0),
    case("diff", "a number before", (2, 3), prepend=0.5),
    case("diff", "numbers on both sides, axis 0", (3, 2), axis=0, prepend=0, append=1, n=2),
    *(same_call("diff", form, *s, f=lambda m, x, p, q, o=o: m.diff(x, prepend=p, append=q, **o))
      for form, (s, o) in {
          "arrays on both sides": (((2, 3), (2, 1), (2, 2)), {}),
          "0-d on both sides": (((2, 3), (), ()), {"axis": 0}),
      }.items()),
]  # fmt: skip

CASES = [*SCANS, *RECURRENCES, *DIFFERENCES]

WITHOUT_GRADIENT = [
    case("diff", "yes and no", np.array([True, True, False, True])),
    case("diff", "integers", np.array([[1, 4, 9]], np.int16), append=np.array(16, np.int16)),
]
