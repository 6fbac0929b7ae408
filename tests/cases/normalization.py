"""Cases of the normalizations and of attention."""

import functools
import math

import numpy as np

from tests.cases.case import case
from tests.cases.creation import RESTARTING

EPS = 1e-5
# Shapes with axes: the last, another, several at the end, several apart, all, one entry.
ALONG = {
    "last axis": ((2, 3), -1),
    "axis 0": ((4, 2), 0),
    "axis 1 of three": ((2, 3, 2), 1),
    "the last two": ((2, 2, 3), (-2, -1)),
    "all but axis 1": ((2, 3, 2, 2), (0, 2, 3)),
    "first and last": ((2, 3, 2), (0, 2)),
    "the first two": ((2, 2, 3), (0, 1)),
    "all": ((2, 3), None),
    "vector": ((4,), 0),
    "axis of length 1": ((3, 1), -1),
    "empty": ((0, 3), -1),
}


def _center(x, axis):
    return x - np.mean(x, axis=axis, keepdims=True)


def _mean_product(x, y, axis):
    return np.mean(x * y, axis=axis, keepdims=True)


def _rms_normalize(x, axis, eps):
    return x / np.sqrt(np.mean(x**2, axis=axis, keepdims=True) + eps)


def _standardize(x, axis, eps):
    return (x - np.mean(x, axis=axis, keepdims=True)) / np.sqrt(np.var(x, axis=axis, keepdims=True) + eps)


def _over(x, axis, weight=1.0, bias=0.0, eps=EPS):
    return _standardize(x, axis, eps) * weight + bias


def _group_norm(x, groups, weight=None, bias=None, eps=EPS):
    parts = [_standardize(part, tuple(range(1, x.ndim)), eps) for part in np.split(x, groups, axis=1)]
    return _per_channel(np.concatenate(parts, axis=1), weight, bias)


def _instance_norm(x, weight=None, bias=None, eps=EPS):
    return _per_channel(_standardize(x, tuple(range(2, x.ndim)), eps), weight, bias)


def _per_channel(y, weight, bias):
    column = (-1, *[1] * (y.ndim - 2))
    y = y if weight is None else y * np.reshape(weight, column)
    return y if bias is None else y + np.reshape(bias, column)


STANDARDIZED = [
    *(case("center", k, s, axis=a, reference=functools.partial(_center, axis=a)) for k, (s, a) in ALONG.items()),
    case("center", "last axis unless told", (2, 3), reference=functools.partial(_center, axis=-1)),
    *(
        case("mean_product", k, s, s, axis=a, reference=functools.partial(_mean_product, axis=a))
        for k, (s, a) in ALONG.items()
    ),
    *(
        case("rms_normalize", k, s, axis=a, eps=0.01, reference=functools.partial(_rms_normalize, axis=a, eps=0.01))
        for k, (s, a) in ALONG.items()
    ),
    case("rms_normalize", "eps 0", (2, 3), reference=functools.partial(_rms_normalize, axis=-1, eps=0)),
    *(
        case("standardize", k, s, axis=a, eps=0.01, reference=functools.partial(_standardize, axis=a, eps=0.01))
        for k, (s, a) in ALONG.items()
    ),
]
NORMS = [
    # A shape among the arguments is a list: a tuple would be an input.
    case("layer_norm", "plain", (2, 3), 3, reference=lambda x, _n: _over(x, -1)),
    case("layer_norm", "weight", (2, 3), 3, (3,), reference=lambda x, _n, w: _over(x, -1, w)),
    case("layer_norm", "weight and bias", (2, 3), [3], (3,), (3,), reference=lambda x, _n, w, b: _over(x, -1, w, b)),
    case("layer_norm", "bias alone", (2, 3), 3, None, (3,), reference=lambda x, _n, _w, b: _over(x, -1, 1.0, b)),
    case(
        "layer_norm", "two axes", (2, 2, 3), [2, 3], (2, 3), (2, 3),
        reference=lambda x, _n, w, b: _over(x, (1, 2), w, b)
    ),
    case("layer_norm", "eps", (2, 3), 3, eps=0.5, reference=lambda x, _n: _over(x, -1, eps=0.5)),
    case("layer_norm", "one example", (3,), 3, reference=lambda x, _n: _over(x, -1)),
    case("layer_norm", "empty", (0, 3), 3, reference=lambda x, _n: _over(x, -1)),
    case(
        "rms_norm", "plain", (2, 3), 3,
        reference=lambda x, _n: _rms_normalize(x, -1, float(np.finfo(x.dtype).eps)),
    ),
    case(
        "rms_norm", "weight and eps", (2, 2, 3), [3], (3,), eps=0.1,
        reference=lambda x, _n, w: _rms_normalize(x, -1, 0.1) * w,
    ),
    case("group_norm", "plain", (2, 4), 2, reference=_group_norm),
    case("group_norm", "weight and bias", (2, 4, 3), 2, (4,), (4,), reference=_group_norm),
    case("group_norm", "one group", (2, 2, 2, 2), 1, (2,), reference=_group_norm),
    case("group_norm", "as many groups as channels", (1, 2, 3), 2, None, (2,), reference=_group_norm),
    case("group_norm", "empty", (0, 2, 3), 2, reference=lambda x, _n: x),
    case("instance_norm", "plain", (2, 2, 3), reference=_instance_norm),
    case("instance_norm", "weight and bias", (2, 2, 2, 2), (2,), (2,), reference=_instance_norm),
    case("instance_norm", "eps", (1, 2, 3), eps=0.3, reference=functools.partial(_instance_norm, eps=0.3)),
]  # fmt: skip


# ---------------------------------------------------------------------------------- length 1 and angles
def _normalize(x, p=2.0, axis=1):
    return x / np.linalg.norm(x, ord=p, axis=axis, keepdims=True)


def _cosine(x, y, axis=1):
    x, y = np.broadcast_arrays(x, y)
    return np.sum(x * y, axis=axis) / (np.linalg.norm(x, axis=axis) * np.linalg.norm(y, axis=axis))


LENGTHS = [
    *(
        case("normalize", f"p {p}", (2, 3), p, reference=_normalize)
        for p in (2, 1, 3.0, 2.5, math.inf)
    ),
    *(
        case("normalize", f"axis {a} of {s}, p {p}", s, p, axis=a, reference=functools.partial(_normalize, axis=a))
        for s, a in (((3,), 0), ((2, 3), -1), ((2, 3, 2), 0), ((3, 1), 1), ((0, 3), 1))
        for p in (2, 3)
    ),
    case("normalize", "below eps", (2, 3), eps=100.0, reference=lambda x: x / 100),
    *(
        case("normalize", f"p {p} below eps", (2, 3), p, eps=100.0, reference=lambda x, _p: x / 100)
        for p in (1, 3, math.inf)
    ),
    case("cosine_similarity", "rows", (2, 3), (2, 3), reference=_cosine),
    case("cosine_similarity", "axis 0", (3, 2), (3, 2), axis=0, reference=functools.partial(_cosine, axis=0)),
    case("cosine_similarity", "vectors", (3,), (3,), axis=-1, reference=functools.partial(_cosine, axis=-1)),
    case("cosine_similarity", "all pairs", (2, 1, 3), (1, 2, 3), axis=2, reference=functools.partial(_cosine, axis=2)),
    case("cosine_similarity", "one against all", (3,), (2, 3), reference=_cosine),
    case("cosine_similarity", "empty", (0, 3), (0, 3), reference=_cosine),
    case("cosine_similarity", "below eps", (2, 3), (2, 3), eps=100.0, reference=lambda x, y: (x * y).sum(1) / 1e4),
]  # fmt: skip


# --------------------------------------------------------------------------------------------- attention
def _softmax(scores):
    e = np.exp(scores)
    total = e.sum(axis=-1, keepdims=True)
    return e / np.where(total == 0, 1, total)


def _attention(q, k, v, mask=None, dropout_p=0.0, is_causal=False, scale=None):  # noqa: FBT002 - PyTorch's
    scores = q @ k.swapaxes(-1, -2) * (scale or 1 / math.sqrt(q.shape[-1]))
    if is_causal:
        mask = np.arange(scores.shape[-1]) <= np.arange(scores.shape[-2])[:, None]
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    weights = _softmax(scores)
    if dropout_p:
        kept = RESTARTING.random(weights.shape, weights.dtype) >= dropout_p
        weights = weights * kept / (1 - dropout_p)
    return weights @ v


def _attend(form, *arguments, **options):
    reference = functools.partial(_attention, **{k: v for k, v in options.items() if k != "rng"})
    return case("scaled_dot_product_attention", form, *arguments, reference=reference, **options)


RULED_OUT = np.array([[True, False, True], [False, False, False]])  # nothing is left for the second query
ADDED = np.where(RULED_OUT, 0.0, -np.inf).astype(np.float32)
QKV = ((2, 2), (3, 2), (3, 2))
ATTENTION = [
    _attend("plain", *QKV),
    _attend("batches of heads", (2, 1, 2, 2), (2, 1, 3, 2), (2, 1, 3, 1)),
    _attend("keys shared by a batch", (2, 2, 2), (3, 2), (3, 2)),
    _attend("one query, one key", (1, 2), (1, 2), (1, 1)),
    _attend("no queries", (0, 2), (3, 2), (3, 2)),
    _attend("scale", *QKV, scale=0.3),
    _attend("causal", (3, 2), (3, 2), (3, 1), is_causal=True),
    _attend("causal, fewer queries than keys", *QKV, is_causal=True),
    _attend("causal, more queries than keys", (3, 2), (2, 2), (2, 1), is_causal=True),
    _attend("mask of yes and no", *QKV, RULED_OUT),
    _attend("mask that broadcasts", (2, 2, 2), (2, 3, 2), (2, 3, 1), RULED_OUT),
    _attend("mask of keys", (2, 2, 2), (2, 3, 2), (2, 3, 1), RULED_OUT[:, None]),
    _attend("mask with -inf", *QKV, ADDED),
    _attend("mask that learns", *QKV, (2, 3)),
    _attend("dropout", (2, 2), (3, 2), (3, 2), None, 0.25, rng=RESTARTING),
    *(
        case("softmax_or_zero", k, s, axis=a, reference=lambda x, a=a: np.exp(x) / np.exp(x).sum(axis=a, keepdims=True))
        for k, s, a in (("last axis", (2, 3), -1), ("axis 0", (2, 3), 0), ("empty", (0, 3), -1))
    ),
]

CASES = [*STANDARDIZED, *NORMS, *LENGTHS, *ATTENTION]
