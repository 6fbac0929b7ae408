"""Before training: hold examples back for the test, and bring the features to one scale.

Both are learned from the training part only: ``split`` draws without replacement, and ``standardize`` scales
every part by the statistics of the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from tinygrad_edu.data.batches import as_array
from tinygrad_edu.errors import DataError, OptionError, ShapeError

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Standardizer", "split", "standardize"]


# ------------------------------------------------------------------------------------------ split


def split(
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    test_fraction: float = 0.25,
    rng: np.random.Generator,
    stratify: bool = True,
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Draw a test part without replacement; both parts come in random order.

    Parameters
    ----------
    X, y
        Features and target, of one length; at least two examples.
    test_fraction
        How much of the examples the test part gets, above 0 and below 1.
    rng
        The generator that draws.
    stratify
        Whether both parts keep the proportions of the classes, where ``y`` holds whole numbers or labels. A
        class of two or more examples is in both parts, even if the test part grows beyond its fraction; a
        class of one stays in the training part. Pass False for a regression on whole numbers.

    Returns
    -------
    tuple of ndarray
        ``X_train, X_test, y_train, y_test``, as in scikit-learn.

    Raises
    ------
    OptionError
        If the fraction is not between 0 and 1, or ``rng`` is no generator.
    ShapeError, DataError
        If the lengths differ, or there are fewer than two examples.

    Examples
    --------
    >>> X, y = np.arange(16.0).reshape(8, 2), np.array([0, 0, 0, 0, 1, 1, 1, 1])
    >>> X_train, X_test, y_train, y_test = split(X, y, rng=np.random.default_rng(0))
    >>> X_train.shape, sorted(y_test.tolist())
    ((6, 2), [0, 1])
    """
    features, target = as_array(X, "X"), as_array(y, "y")
    n = len(features)
    if len(target) != n:
        raise ShapeError(f"X has {n} examples and y has {len(target)}. Pass one target for each row of X.")
    if n < 2:
        raise DataError(f"Splitting needs at least two examples, not {n}. Add examples.")
    if isinstance(test_fraction, bool) or not 0 < test_fraction < 1:
        raise OptionError(f"test_fraction={test_fraction!r} is not above 0 and below 1. Pass 0.25 for a quarter.")
    if not isinstance(rng, np.random.Generator):
        raise OptionError(f"split needs a random generator, not rng={rng!r}. Pass rng=np.random.default_rng(0).")

    order = rng.permutation(n)
    is_test = np.zeros(n, dtype=bool)
    classes, members = _strata(target, stratify=stratify)
    quotas = _quotas(np.bincount(members), test_fraction) if len(classes) > 1 else [_part(n, test_fraction)]
    for index, quota in enumerate(quotas):
        is_test[order[members[order] == index][:quota]] = True
    train, test = order[~is_test[order]], order[is_test[order]]
    return features[train], features[test], target[train], target[test]


def _strata(target: npt.NDArray[Any], *, stratify: bool) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Return the classes and the class of each example; one class of all where there are none to keep."""
    if stratify and target.ndim == 1 and target.dtype.kind in "iubUSO":
        classes, members, counts = np.unique(target, return_inverse=True, return_counts=True)
        if counts.max() > 1:
            return classes, members
    return np.zeros(1), np.zeros(len(target), dtype=np.intp)


def _part(n: int, fraction: float) -> int:
    return min(max(round(n * fraction), 1), n - 1)


def _quotas(counts: npt.NDArray[np.intp], fraction: float) -> list[int]:
    """Share the test part out among the classes by largest remainder, within what each class can give."""
    lower = (counts > 1).astype(int)
    upper = np.where(counts > 1, counts - 1, 0)
    exact = counts * fraction
    quotas = np.clip(np.floor(exact).astype(int), lower, upper)
    total = np.clip(_part(int(counts.sum()), fraction), lower.sum(), upper.sum())
    while quotas.sum() < total:
        quotas[np.argmax(np.where(quotas < upper, exact - quotas, -np.inf))] += 1
    while quotas.sum() > total:
        quotas[np.argmin(np.where(quotas > lower, exact - quotas, np.inf))] -= 1
    return [int(quota) for quota in quotas]


# ------------------------------------------------------------------------------------------ scale


@dataclass(frozen=True, eq=False)
class Standardizer:
    """Shift and scale columns to mean 0 and standard deviation 1, and back.

    Parameters
    ----------
    mean
        What is subtracted: the mean of each column of the training data, float64.
    scale
        What is divided by: the standard deviation of each column; 1 where a column is constant.

    Examples
    --------
    >>> X = np.array([[1.0, 7.0], [3.0, 7.0]])
    >>> standardizer = Standardizer.fit(X)
    >>> standardizer.transform(X)
    array([[-1.,  0.],
           [ 1.,  0.]])
    >>> standardizer.inverse_transform([[0.0, 0.0]])
    array([[2., 7.]], dtype=float32)
    """

    mean: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]

    @classmethod
    def fit(cls, X: npt.ArrayLike) -> Standardizer:
        """Take mean and standard deviation of each column, computed in float64.

        Raises
        ------
        DataError
            If there are no rows, or values that are not finite numbers.
        """
        values = _numbers(X).astype(np.float64)
        if len(values) == 0:
            raise DataError("Standardizing needs at least one row to take the mean of. Pass the training data.")
        if not np.isfinite(values).all():
            raise DataError(
                f"{np.count_nonzero(~np.isfinite(values))} of the values to standardize are missing or "
                "infinite. Replace them or remove their rows."
            )
        constant = values.max(axis=0) == values.min(axis=0)
        # A constant column's mean may differ from its value by rounding; the value itself gives exact zeros.
        mean = np.where(constant, values[0], values.mean(axis=0))
        scale = np.where(constant, 1.0, values.std(axis=0))
        return cls(mean, np.where(scale == 0, 1.0, scale))

    def transform(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Subtract the mean and divide by the scale; float64 stays float64, all else becomes float32.

        Raises
        ------
        ShapeError
            If ``X`` has other columns than the data this was fitted to.
        """
        values = self._checked(X)
        return ((values - self.mean) / self.scale).astype(_float_dtype(values))

    def inverse_transform(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Undo ``transform``.

        Raises
        ------
        ShapeError
            If ``X`` has other columns than the data this was fitted to.
        """
        values = self._checked(X)
        return (values * self.scale + self.mean).astype(_float_dtype(values))

    def _checked(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        values = _numbers(X)
        if values.shape[1:] != self.mean.shape:
            raise ShapeError(
                f"The standardizer was fitted to rows of shape {self.mean.shape}, and these have "
                f"{values.shape[1:]}. Pass the same columns in the same order."
            )
        return values


@overload
def standardize(train: npt.ArrayLike, /) -> npt.NDArray[Any]: ...
@overload
def standardize(train: npt.ArrayLike, /, *others: npt.ArrayLike) -> tuple[npt.NDArray[Any], ...]: ...
def standardize(train: npt.ArrayLike, /, *others: npt.ArrayLike) -> npt.NDArray[Any] | tuple[npt.NDArray[Any], ...]:
    """Scale arrays by the mean and standard deviation of the first one.

    Use a ``Standardizer`` to keep the statistics, for instance to undo the scaling.

    Returns
    -------
    ndarray or tuple of ndarray
        One array for one, a tuple for several.

    Examples
    --------
    >>> train, test = standardize([[1.0], [3.0]], [[5.0]])
    >>> train.tolist(), test.tolist()
    ([[-1.0], [1.0]], [[3.0]])
    """
    standardizer = Standardizer.fit(train)
    scaled = tuple(standardizer.transform(part) for part in (train, *others))
    return scaled if others else scaled[0]


def _numbers(X: npt.ArrayLike) -> npt.NDArray[Any]:
    values = as_array(X, "X")
    if values.dtype.kind not in "fiub":
        raise DataError(f"Standardizing needs numbers, not {values.dtype}. Encode text as numbers first.")
    return values


def _float_dtype(values: npt.NDArray[Any]) -> npt.DTypeLike:
    return np.float64 if values.dtype == np.float64 else np.float32
