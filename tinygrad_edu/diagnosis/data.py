"""What the examples say before anything is trained: scales, offsets, constants, missing values, rare classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.diagnosis.findings import Finding, number, plural
from tinygrad_edu.losses import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, HuberLoss, L1Loss, MSELoss, SmoothL1Loss
from tinygrad_edu.nn.embedding import Embedding
from tinygrad_edu.nn.normalization import BatchNorm1d, BatchNorm2d, LayerNorm, RMSNorm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tinygrad_edu.diagnosis.case import Case, Pass
    from tinygrad_edu.diagnosis.findings import Severity

__all__ = ["REGRESSION", "about_data", "about_features", "about_targets"]

REGRESSION = (MSELoss, L1Loss, HuberLoss, SmoothL1Loss)

_LARGE = 20.0  # the root mean square of features that is no longer of the order of 1
_SPREAD = 100.0  # between the deviations of two features
_OFFSET = 20.0  # deviations that a feature's mean is away from 0
_RARE = (
    0.9  # of the values equal: a feature that is nearly constant, as a pixel at the border, has no scale to speak of
)
_HARMLESS = "such a feature tells nothing apart, and does no harm, like a pixel at the border of images."
_TARGETS = 30.0  # times larger than what the model gives


def about_data(case: Case) -> Iterator[Finding]:
    """Find values that are missing or infinite: nothing can be measured then."""
    for name, array in (("X", case.X), ("y", case.y)):
        if array.dtype.kind == "f" and not (finite := np.isfinite(array)).all():
            n, where = int((~finite).sum()), tuple(int(i) for i in np.argwhere(~finite)[0])
            yield Finding(
                "not-finite",
                "error",
                f"{name} holds {plural(n, 'value')} that {'is' if n == 1 else 'are'} missing or infinite, the first at "
                f"index {where}: every gradient that {'it reaches' if n == 1 else 'they reach'} is NaN.",
                f"Fill them in (np.nan_to_num({name}), or the column's median), or leave their examples out: "
                f"keep = np.isfinite({name}).reshape(len({name}), -1).all(axis=1), then X[keep] and y[keep].",
                {"n": float(n)},
            )


def about_features(case: Case, found: Pass) -> Iterator[Finding]:
    """Find features that are large, unlike in scale or far from 0, and such as never change."""
    X = case.xs
    if X.dtype.kind not in "fiu" or len(X) < 2 or not X[0].size or _adapts(case, found):
        return
    X = X.reshape(len(X), -1) if X.ndim != 2 else X
    X = X.astype(np.float64)
    deviation, mean = X.std(axis=0), X.mean(axis=0)
    constant = _are_constant(case.X)
    if constant.all():
        yield _constant(constant, case, severity="error")
        return
    yield from _unscaled(X, mean, deviation, (deviation > 1e-7 * np.abs(mean)) & ~_nearly_constant(X))
    if constant.any() and case.xs.ndim == 2:
        yield _constant(constant, case, severity="note")


def _adapts(case: Case, found: Pass) -> bool:
    """Whether the model scales what it is given by itself, or looks it up."""
    scaling = {"rms_normalize", "center"}
    first = next((made for made in found.made if made.path is not None), None)
    modules = dict(case.model.named_modules())
    kinds = (BatchNorm1d, BatchNorm2d, LayerNorm, RMSNorm, Embedding)
    return first is not None and (first.op in scaling or isinstance(modules.get(first.path or ""), kinds))


def _are_constant(X: NDArray[Any]) -> NDArray[np.bool]:
    """Tell which features have one value, up to rounding, in all examples: a sample might miss the one that differs."""
    least, greatest = (np.asarray(end(axis=0), np.float64).ravel() for end in (X.min, X.max))
    equal: NDArray[np.bool] = greatest - least <= 1e-7 * np.abs(greatest)
    return equal


def _nearly_constant(X: NDArray[Any]) -> NDArray[np.bool]:
    usual = np.median(X, axis=0)
    share: NDArray[np.bool] = np.mean(usual == X, axis=0) >= _RARE
    return share


def _unscaled(
    X: NDArray[Any], mean: NDArray[Any], deviation: NDArray[Any], telling: NDArray[np.bool]
) -> Iterator[Finding]:
    if not telling.any():
        return
    size = float(np.sqrt(np.mean(X[:, telling] ** 2)))
    scales, columns = deviation[telling], np.flatnonzero(telling)
    low, high = int(scales.argmin()), int(scales.argmax())
    spread = float(scales[high] / scales[low])
    offsets = np.abs(mean[telling]) / scales
    far = int(offsets.argmax())
    reasons = []
    if spread > _SPREAD:
        reasons.append(
            f"column {columns[high]} has a standard deviation of {number(scales[high])} and column {columns[low]} of "
            f"{number(scales[low])}, {number(spread)} times less"
        )
    if size > _LARGE:
        reasons.append(f"their root mean square is {number(size)}, where 1 is usual")
    if offsets[far] > _OFFSET:
        reasons.append(
            f"column {columns[far]} has a mean of {number(mean[columns[far]])}, {number(offsets[far])} standard "
            f"deviations away from 0"
        )
    if reasons:
        yield Finding(
            "unscaled-features",
            "warning",
            f"The features are not of one scale around 0: {'; '.join(reasons)}. The loss is then a narrow valley, and "
            f"the descent zig-zags.",
            "Standardise them by the training part: X_train, X_test = tg.data.standardize(X_train, X_test); divide "
            "pixels by 255.",
            {"spread": spread, "size": size, "offset": float(offsets[far])},
        )


def _constant(constant: NDArray[np.bool], case: Case, severity: Severity) -> Finding:
    n = int(constant.sum())
    which = ", ".join(map(str, np.flatnonzero(constant)[:5])) + (", ..." if n > 5 else "")
    return Finding(
        "constant-features",
        severity,
        f"{n} of {len(constant)} features {'has' if n == 1 else 'have'} one value in all of "
        f"{plural(len(case.X), 'example')} (column{'' if n == 1 else 's'} {which}): "
        + ("no example can be told from another." if severity == "error" else _HARMLESS),
        "Give the model features that differ."
        if severity == "error"
        else "Leave them as they are, or leave them out: X = X[:, X.min(axis=0) < X.max(axis=0)].",
        {"n": float(n)},
    )


def about_targets(case: Case, found: Pass) -> Iterator[Finding]:
    """Find targets of a regression that are far from what the model gives, and classes that hardly occur."""
    y, prediction = case.y, found.prediction
    if isinstance(case.loss, REGRESSION) and y.dtype.kind in "fiu":
        numbers = y.astype(np.float64)
        size = float(np.sqrt(np.mean(numbers**2)))
        given = float(np.sqrt(np.mean(np.square(prediction.array, dtype=np.float64))))
        if size > _TARGETS * max(1.0, given):
            yield Finding(
                "unscaled-targets",
                "warning",
                f"The targets have a mean of {number(numbers.mean())} and a standard deviation of "
                f"{number(numbers.std())}, and the model gives values of about {number(given)}: the loss begins at "
                f"{number(found.loss.item())}, and its gradients are as large.",
                "Train on (y - y.mean()) / y.std(), and turn predictions back by * y.std() + y.mean().",
                {"size": size, "given": given},
            )
    classes = isinstance(case.loss, (CrossEntropyLoss, BCELoss, BCEWithLogitsLoss))
    if classes and y.ndim == 1 and (y.dtype.kind in "iub" or bool((y == np.round(y)).all())):
        values, counts = np.unique(y, return_counts=True)
        share = float(counts.max() / len(y))
        if len(values) > 1 and share > 0.9:
            yield Finding(
                "imbalanced-classes",
                "note",
                f"{share:.1%} of the examples are of class {values[counts.argmax()]:g}: whoever always says so is "
                f"right as often.",
                "Judge by tg.metrics.confusion_matrix rather than by the accuracy, and weigh the rare classes: "
                "CrossEntropyLoss(weight=...) or BCEWithLogitsLoss(pos_weight=...).",
                {"share": share},
            )
