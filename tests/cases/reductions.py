"""Cases of the rows that make many entries into one."""

import functools

import numpy as np

from tests.cases.case import case

AXES = {
    "all": ((2, 3), {}),
    "all, kept": ((2, 3), {"keepdims": True}),
    "axis 0": ((2, 3), {"axis": 0}),
    "axis 1, kept": ((2, 3), {"axis": 1, "keepdims": True}),
    "axis -1": ((2, 3), {"axis": -1}),
    "axis -2, kept": ((2, 3), {"axis": -2, "keepdims": True}),
    "axes (0, 2)": ((2, 3, 2), {"axis": (0, 2)}),
    "axes (-1, 0), kept": ((2, 3, 2), {"axis": (-1, 0), "keepdims": True}),
    "axes (2, -3)": ((2, 3, 2), {"axis": (2, -3)}),
    "no axes": ((2, 3), {"axis": ()}),
    "axis of length 1": ((2, 1), {"axis": 1}),
    "a single axis": ((3,), {"axis": 0}),
    "0-d": ((), {}),
    "0-d, kept": ((), {"keepdims": True}),
    "empty beside": ((0, 3), {"axis": 1}),
}


def _logsumexp(x, **options):
    return np.log(np.sum(np.exp(x), **options))


REDUCTIONS = [
    *(case(op, form, s, **o) for op in ("sum", "mean", "max", "min") for form, (s, o) in AXES.items()),
    *(case("logsumexp", form, s, reference=functools.partial(_logsumexp, **o), **o) for form, (s, o) in AXES.items()),
    case("sum", "of nothing", (0, 3), axis=0),
]

CASES = REDUCTIONS + [case("ptp", form, s, **o) for form, (s, o) in AXES.items()]

WITHOUT_GRADIENT = [
    case(op, form, s, **o)
    for op in ("argmax", "argmin")
    for form, (s, o) in AXES.items()
    if not isinstance(o.get("axis"), tuple)
]
