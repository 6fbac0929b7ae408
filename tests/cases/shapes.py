"""Cases of the rows that rearrange and join."""

import functools
import operator

import numpy as np

from tests.cases.case import case, same_call
from tinygrad_edu import ops


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

# ---------------------------------------------------------------------------------------- further forms
FORMS = [
    same_call("reshape", "order C", (2, 3), f=lambda m, x: m.reshape(x, shape=(3, 2), order="C")),
    case("reshape", "copied", (2, 3), shape=(3, 2), copy=True, reference=lambda x: x.reshape(3, 2)),
    same_call("broadcast_to", "an integer", (1,), f=lambda m, x: m.broadcast_to(x, shape=3)),
    _joincase("concatenate", "axis -2 of three", (2, 1, 2), (2, 3, 2), axis=-2),
    _joincase("concatenate", "flattened, with a number", (2,), np.array([1.0, 2.0], np.float32), (), axis=None),
    case("concatenate", "in float64", (2,), (1,), axis=0, dtype=np.float64, reference=lambda *xs: np.concatenate(xs)),
    case("stack", "in float64", (2,), (2,), axis=0, dtype=np.float64, reference=lambda *xs: np.stack(xs)),
    _joincase("stack", "axis -2", (2, 3), (2, 3), axis=-2),
    _joincase("stack", "a number", (), 0.5, axis=0),
    _joincase("stack", "empty", (0, 2), (0, 2), axis=1),
]


# --------------------------------------------------------------------------------------- compositions
def product(results):
    """Make several results one, in which each of them counts."""
    return functools.reduce(operator.mul, results)


SHAPES = {"0-d": (), "vector": (3,), "matrix": (2, 3), "three axes": (2, 3, 2), "empty": (0, 2), "size 1": (1, 1)}
MOVES = ((0, -1), (-1, 0), (1, 1), ((0, 1), (-1, -2)), ((2, 0), (0, 1)))
COMPOSED = [
    *(same_call("ravel", form, s, f=lambda m, x: m.ravel(x)) for form, s in SHAPES.items()),
    same_call("ravel", "order C", (2, 3), f=lambda m, x: m.ravel(x, order="C")),
    *(same_call("permute_dims", f"axes {a}", (2, 3, 4), f=lambda m, x, a=a: m.permute_dims(x, a))
      for a in (None, (2, 0, 1), (0, -1, 1))),
    *(same_call("moveaxis", f"{a} to {b}", (2, 3, 4), f=lambda m, x, a=a, b=b: m.moveaxis(x, a, b)) for a, b in MOVES),
    *(same_call(op, form, s, f=lambda m, x, op=op: getattr(m, op)(x))
      for op in ("atleast_1d", "atleast_2d", "atleast_3d") for form, s in SHAPES.items()),
    *(same_call(op, "three at once", (), (2,), (2, 2), f=lambda m, *xs, op=op: product(getattr(m, op)(*xs)))
      for op in ("atleast_1d", "atleast_2d", "atleast_3d")),
    same_call("broadcast_arrays", "three", (2, 1), (), (3,), f=lambda m, *xs: product(m.broadcast_arrays(*xs))),
    same_call("broadcast_arrays", "with a constant", (1, 2), f=lambda m, x: m.broadcast_arrays(x, np.ones((3, 1)))[0]),
]  # fmt: skip
STACKS = {
    "vstack": {"vectors": ((3,), (3,)), "a vector and a matrix": ((3,), (2, 3)), "numbers": ((), ()), "one": ((2, 2),)},
    "hstack": {"vectors": ((3,), (1,)), "matrices": ((2, 1), (2, 3)), "numbers": ((), ()), "three axes": ((1, 2, 1),)},
    "dstack": {"vectors": ((3,), (3,)), "matrices": ((2, 3), (2, 3)), "numbers": ((), ()), "deep": ((1, 2, 1),) * 2},
    "column_stack": {"vectors": ((3,), (3,)), "a vector and a matrix": ((2,), (2, 3)), "empty": ((0,), (0, 2))},
}
APPENDS = {
    "flat": ((2, 2), (3,), None), "axis 0": ((2, 2), (1, 2), 0), "axis -1": ((2, 2), (2, 1), -1), "0-d": ((), (), None),
}  # fmt: skip
STACKED = [
    *(same_call(op, form, *shapes, f=lambda m, *xs, op=op: getattr(m, op)(xs))
      for op, forms in STACKS.items() for form, shapes in forms.items()),
    *(case(op, "in float64", (2, 2), (2, 2), dtype=np.float64, reference=lambda *xs, op=op: getattr(np, op)(xs),
           ours=lambda *xs, op=op: getattr(ops, op)(xs, dtype=np.float64)) for op in ("vstack", "hstack")),
    *(same_call("append", form, s, t, f=lambda m, x, v, a=a: m.append(x, v, axis=a))
      for form, (s, t, a) in APPENDS.items()),
    same_call("append", "a constant", (2,), f=lambda m, x: m.append(x, np.ones(1, np.float32))),
    case("append", "a number", (2,), 0.5, reference=lambda x, v: np.append(x, x.dtype.type(v))),
]  # fmt: skip

CASES = [*REARRANGED, *FORMS, *COMPOSED, *STACKED]
