"""Cases of the rows that rearrange and join."""

import numpy as np

from tests.cases.case import case


def _joincase(op, form, *shapes, axis):
    return case(op, form, *shapes, axis=axis, numpy=lambda *xs: getattr(np, op)(xs, axis=axis))


RESHAPES = {
    "to a vector": ((2, 3), (6,)),
    "one length left out": ((2, 6), (3, -1, 2)),
    "to an integer": ((2, 3), 6),
    "to the same": ((2, 3), (2, 3)),
    "to 0-d": ((1, 1), ()),
    "from 0-d": ((), (1, 1)),
    "of nothing": ((0, 3), (3, 0)),
}
TRANSPOSES = {
    "reversed": ((2, 3, 4), None),
    "of a vector": ((3,), None),
    "of 0-d": ((), None),
    "axes (1, 0)": ((2, 3), (1, 0)),
    "a cycle": ((2, 3, 4), (2, 0, 1)),  # not its own inverse
    "the other cycle": ((2, 3, 4), (1, 2, 0)),
    "axes from the end": ((2, 3), (-1, 0)),
    "a cycle with axes from the end": ((2, 3, 4), (-1, 0, -2)),
}
REARRANGED = [
    *(case("reshape", k, s, numpy=lambda x, n=n: np.reshape(x, n), shape=n) for k, (s, n) in RESHAPES.items()),
    *(case("transpose", k, s, numpy=lambda x, a=a: np.transpose(x, a), axes=a) for k, (s, a) in TRANSPOSES.items()),
    *(
        case("swapaxes", f"axes {a}, {b}", (2, 3, 4), numpy=lambda x, a=a, b=b: np.swapaxes(x, a, b), axis1=a, axis2=b)
        for a, b in ((0, 1), (-1, -2), (0, -1), (1, 1))
    ),
    *(
        case("expand_dims", f"axis {a}", (2, 3), numpy=lambda x, a=a: np.expand_dims(x, a), axis=a)
        for a in (0, 1, -1, (0, 3), (-1, 1))
    ),
    *(
        case("squeeze", f"axis {a}", (1, 2, 1), numpy=lambda x, a=a: np.squeeze(x, a), axis=a)
        for a in (None, 0, -1, (0, 2), (-1, 0))
    ),
    *(
        case("broadcast_to", f"{s} to {n}", s, numpy=lambda x, n=n: np.broadcast_to(x, n), shape=n)
        for s, n in (
            ((), (2, 3)),
            ((3,), (2, 3)),
            ((2, 1), (2, 3)),
            ((2, 3), (2, 3)),
            ((1, 3), (2, 2, 3)),
            ((1,), (0,)),
        )
    ),
    _joincase("concatenate", "axis 0", (2, 3), (1, 3), axis=0),
    _joincase("concatenate", "axis -1", (2, 1), (2, 3), axis=-1),
    _joincase("concatenate", "three, axis 1", (1, 2, 2), (1, 1, 2), (1, 3, 2), axis=1),
    _joincase("concatenate", "one", (3,), axis=0),
    _joincase("concatenate", "one of them empty", (2, 3), (0, 3), axis=0),
    _joincase("concatenate", "flattened", (2, 3), (2,), axis=None),
    _joincase("concatenate", "with a constant", (2,), np.ones(1, np.float32), axis=0),
    _joincase("stack", "axis 0", (2, 3), (2, 3), axis=0),
    _joincase("stack", "axis 1", (2, 3), (2, 3), (2, 3), axis=1),
    _joincase("stack", "axis -1", (2, 3), (2, 3), axis=-1),
    _joincase("stack", "0-d", (), (), axis=0),
]

CASES = REARRANGED
