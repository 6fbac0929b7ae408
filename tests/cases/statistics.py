"""Cases of averages, spreads and ranks."""

import numpy as np

from tests.cases.case import case, same_call
from tests.cases.reductions import AXES

# ------------------------------------------------------------------------------------------- spreads
# One entry alone has no spread, and the root of 0 is a corner.
SPREAD = {
    form: (s, o) for form, (s, o) in AXES.items() if form not in ("0-d", "0-d, kept", "no axes", "axis of length 1")
}
OF_ONE = {form: o for form, o in AXES.items() if form not in SPREAD}
SPREADS = [
    *(case(op, form, s, **o) for op in ("var", "std") for form, (s, o) in SPREAD.items()),
    *(case("var", form, s, **o) for form, (s, o) in OF_ONE.items()),
    *(case(op, f"ddof {d}", (2, 4), axis=1, ddof=d) for op in ("var", "std") for d in (1, 2, 0.5)),
    *(case(op, "ddof 1, all, kept", (2, 3), ddof=1, keepdims=True) for op in ("var", "std")),
    *(case(op, "ddof 1, axes (0, 2)", (2, 2, 2), ddof=1, axis=(0, 2)) for op in ("var", "std")),
    *(case(op, f"correction {c}", (4, 2), axis=0, correction=c) for op in ("var", "std") for c in (0, 1)),
    *(case(op, "in float64", (2, 3), axis=1, dtype=np.float64) for op in ("var", "std")),
    *(case("ptp", form, s, **o) for form, (s, o) in AXES.items()),
]

# ------------------------------------------------------------------------------------------ averages
NAN = np.where(np.array([[0, 1, 0], [0, 0, 1]], bool), np.nan, 0).astype(np.float32)


def _average(form, *arguments, low=0.5, pick=None, **options):
    """Weigh the second input, if there is one, by numbers above 0; multiply the two results, or pick one."""

    def f(m, x, *weights):
        out = m.average(x, **options, **({"weights": weights[0]} if weights else {}))
        if not options.get("returned"):
            return out
        return out[0] * out[1] if pick is None else out[pick]

    return same_call("average", form, *arguments, f=f, low=low)


AVERAGES = [
    *(_average(form, s, low=-2, **o) for form, (s, o) in AXES.items() if all(s)),  # NumPy divides by the size
    _average("weights of all", (2, 3), (2, 3)),
    _average("weights of all, kept", (2, 3), (2, 3), keepdims=True),
    _average("weights of all along an axis", (2, 3), (2, 3), axis=1),
    _average("weights of all along axes", (2, 3, 2), (2, 3, 2), axis=(0, -1)),
    _average("weights along axis 0", (2, 3), (2,), axis=0),
    _average("weights along axis -1, kept", (2, 3), (3,), axis=-1, keepdims=True),
    _average("weights along an axis in the middle", (2, 3, 2), (3,), axis=1),
    _average("weights along axes (0, 1)", (2, 3, 2), (2, 3), axis=(0, 1)),
    _average("weights along axes (2, 0)", (2, 3, 4), (4, 2), axis=(2, 0)),
    _average("constant weights", (2, 3), np.array([1.0, 2.0, 3.0], np.float32), axis=1),
    _average("integers as weights", (3,), np.array([1, 2, 3], np.int8)),
    _average("weights of a constant", np.array([1.0, 2.0], np.float32), (2,)),
    _average("returned, of weights along an axis", (2, 3), (3,), axis=1, returned=True),
    _average("returned, of weights of all, kept", (2, 3), (2, 3), axis=0, returned=True, keepdims=True),
    _average("returned without weights", (2, 3), axis=0, returned=True, low=-2),
    *(same_call(op, f"some NaN, {form}", (2, 3), f=lambda m, x, op=op, o=o: getattr(m, op)(x + NAN, **o))
      for op in ("nansum", "nanmean") for form, o in {
          "all": {}, "axis 0": {"axis": 0}, "axis -1, kept": {"axis": -1, "keepdims": True}, "axes": {"axis": (1, 0)},
      }.items()),
    *(case(op, form, s, **o) for op in ("nansum", "nanmean") for form, (s, o) in AXES.items()),
    *(case(op, "in float64", (2, 3), axis=1, dtype=np.float64) for op in ("nansum", "nanmean")),
]  # fmt: skip
# A sum of weights that is a constant has no gradient.
COUNTED = [_average("returned without weights, their sum", (2, 3), axis=0, returned=True, pick=1)]

# --------------------------------------------------------------------------------- median, quantiles
METHODS = (
    "linear", "lower", "higher", "nearest", "midpoint", "inverted_cdf", "averaged_inverted_cdf", "closest_observation",
    "interpolated_inverted_cdf", "hazen", "weibull", "median_unbiased", "normal_unbiased",
)  # fmt: skip
SHARES = np.array([0.0, 0.1, 0.25, 0.5, 0.6, 0.9, 1.0])
# In NumPy the axes () mean all for a quantile.
RANKED = {form: (s, o) for form, (s, o) in AXES.items() if form != "no axes"}


def _quantile(form, shape, q, op="quantile", **options):
    # With q in float64 the result of NumPy's is float64; here it has the dtype of the data.
    def reference(x, q):
        return getattr(np, op)(x, q, **options).astype(x.dtype)

    def numpy(x, q):
        return getattr(np, op)(x, q, **options)

    return case(op, form, shape, q, reference=reference, numpy=numpy, **options)


QUANTILES = [
    *(case("median", form, s, **o) for form, (s, o) in RANKED.items()),
    case("median", "of an even number", (4,)),
    case("median", "of one", (1,)),
    *(_quantile(form, s, 0.3, **o) for form, (s, o) in RANKED.items()),
    *(_quantile(f"{m}, {n} entries", (n,), SHARES, method=m) for m in METHODS for n in (1, 4, 5)),
    *(_quantile(f"{m}, along an axis", (2, 3), 0.4, method=m, axis=1, keepdims=True) for m in METHODS),
    _quantile("a matrix of shares", (2, 4), np.array([[0.1, 0.5], [0.7, 0.2]]), axis=0),
    _quantile("shares along axes, kept", (2, 3, 2), [0.2, 0.9], axis=(2, 0), keepdims=True),
    _quantile("no shares", (3,), np.zeros(0)),
    _quantile("of beside nothing", (0, 3), [0.5], axis=1),
    *(_quantile(form, s, [12.5, 75], op="percentile", **o) for form, (s, o) in RANKED.items()),
    *(_quantile(f"{m}", (5,), 40, op="percentile", method=m) for m in METHODS),
]

CASES = [*SPREADS, *AVERAGES, *QUANTILES]
WITHOUT_GRADIENT = COUNTED
