"""Cases of softmax and of the losses."""

import functools

import numpy as np

from tests.cases.case import case

SOFTMAXES = {
    "last axis": ((2, 3), {}),
    "axis 0": ((2, 3), {"axis": 0}),
    "axis -2 of three": ((2, 3, 2), {"axis": -2}),
    "vector": ((4,), {}),
    "axis of length 1": ((3, 1), {}),
    "all axes": ((2, 3), {"axis": None}),
    "two axes": ((2, 2, 3), {"axis": (0, -1)}),
    "empty": ((0, 3), {}),
}


def _softmax(x, axis=-1):
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


TARGETS = {
    "vector": ((4, 3), np.array([2, 0, 0, 1])),
    "two axes": ((2, 2, 3), np.array([[2, 0], [1, 1]])),
    "one example": ((3,), np.array(1)),
    "small integers": ((2, 3), np.array([2, 0], np.uint8)),
    "empty": ((0, 3), np.array([], np.int64)),
}
REDUCE = {"none": lambda losses: losses, "sum": np.sum, "mean": np.mean}


def _likelihood(log_p, target, reduction="none"):
    losses = [-log_p[(*i, target[i])] for i in np.ndindex(target.shape)]
    return REDUCE[reduction](np.array(losses, log_p.dtype).reshape(target.shape))


def _place(g, target, n_classes):
    return np.asarray(g)[..., None] * np.eye(n_classes, dtype=g.dtype)[target]


LOSSES = [
    *(case("softmax", k, s, reference=functools.partial(_softmax, **o), **o) for k, (s, o) in SOFTMAXES.items()),
    *(
        case("log_softmax", k, s, reference=lambda x, o=o: np.log(_softmax(x, **o)), **o)
        for k, (s, o) in SOFTMAXES.items()
    ),
    *(
        case(
            "negative_log_likelihood",
            f"{k}, {r}",
            s,
            t,
            reduction=r,
            reference=functools.partial(_likelihood, reduction=r),
        )
        for k, (s, t) in TARGETS.items()
        for r in REDUCE
        if t.size or r != "mean"
    ),
    *(
        case("place", k, t.shape, t, n_classes=3, reference=functools.partial(_place, n_classes=3))
        for k, (_, t) in TARGETS.items()
    ),
    case(
        "place",
        "one number for all",
        (),
        np.array([2, 0]),
        n_classes=3,
        reference=functools.partial(_place, n_classes=3),
    ),
]

CLAMPED = [
    *(
        case("clamped_log", form, s, low=0.1, high=1, reference=lambda p: np.maximum(np.log(p), -100))
        for form, s in {"0-d": (), "vector": (3,), "matrix": (2, 3), "empty": (0,)}.items()
    ),
]

CASES = [*LOSSES, *CLAMPED]
