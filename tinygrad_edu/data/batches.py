"""The three ways of gradient descent differ in one thing: which examples each update sees.

``Batches`` deals the examples out: all at once, one by one, or in mini-batches, each example exactly once an
epoch (sampling without replacement). Training loops, ``fit`` and the estimators all take their batches from
here.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import DataError, OptionError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

__all__ = ["Batches", "as_array", "batches"]


class Batches:
    """The batches of an epoch, again and again: each ``for`` loop over it is one epoch.

    Parameters
    ----------
    X
        Features; the first axis counts the examples.
    y
        The target, as many as ``X``; without it the batches hold ``X`` alone.
    batch_size
        How many examples a batch holds: None for all of them, 1 for stochastic gradient descent.
        The last batch is shorter where the size does not divide the number of examples.
    shuffle
        Whether every epoch deals the examples in a new order. A single batch of all examples keeps the order
        of the data and draws nothing from ``rng``, so that ``batch_size=None`` and ``batch_size=len(X)`` give
        the same numbers bit for bit.
    rng
        The generator that shuffles; needed if ``shuffle`` is true.

    Raises
    ------
    OptionError
        If the batch size is no whole number from 1 to the number of examples, or ``rng`` is no generator.
    ShapeError
        If ``X`` and ``y`` have different lengths.
    DataError
        If there are no examples.

    Examples
    --------
    >>> X, y = np.arange(10.0).reshape(5, 2), np.arange(5)
    >>> epoch = Batches(X, y, batch_size=2, shuffle=True, rng=np.random.default_rng(0))
    >>> len(epoch)
    3
    >>> [yb.tolist() for xb, yb in epoch]
    [[2, 4], [3, 0], [1]]
    >>> [yb.tolist() for xb, yb in epoch]  # the next epoch has another order
    [[4, 1], [2, 0], [3]]
    """

    def __init__(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike | None = None,
        batch_size: int | None = None,
        *,
        shuffle: bool = False,
        rng: np.random.Generator | None = None,
    ) -> None:
        self._arrays: tuple[npt.NDArray[Any], ...] = (
            (as_array(X, "X"),) if y is None else (as_array(X, "X"), as_array(y, "y"))
        )
        self.n_examples = _common_length(self._arrays)
        self.batch_size = self.n_examples if batch_size is None else _checked_size(batch_size, self.n_examples)
        if shuffle and not isinstance(rng, np.random.Generator):
            raise OptionError(
                f"shuffle=True needs a random generator, not rng={rng!r}. Pass rng=np.random.default_rng(0)."
            )
        self._rng = rng if shuffle and self.batch_size < self.n_examples else None
        self.order: npt.NDArray[np.intp] | None = None
        """The examples in the order of the epoch that was begun last; None where they come in that of the data."""

    def __len__(self) -> int:
        return math.ceil(self.n_examples / self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        arrays = self._arrays
        if self._rng is not None:
            # One gather an epoch; the batches are then views, which makes batch_size=1 cheap.
            self.order = order = self._rng.permutation(self.n_examples)
            arrays = tuple(array[order] for array in arrays)
        if len(self) == 1:
            yield arrays if len(arrays) > 1 else arrays[0]
            return
        size = self.batch_size
        starts = range(0, self.n_examples, size)
        if len(arrays) == 1:
            yield from (arrays[0][k : k + size] for k in starts)
        else:
            X, y = arrays
            yield from ((X[k : k + size], y[k : k + size]) for k in starts)

    def __repr__(self) -> str:
        order = "shuffled every epoch" if self._rng is not None else "in order"
        return f"Batches({self.n_examples} examples in {len(self)} batches of {self.batch_size}, {order})"


def batches(
    X: npt.ArrayLike,
    y: npt.ArrayLike | None = None,
    batch_size: int | None = None,
    *,
    shuffle: bool = False,
    rng: np.random.Generator | None = None,
) -> Batches:
    """Deal examples out in batches, each example once an epoch; see ``Batches`` for the parameters.

    Examples
    --------
    >>> for xb, yb in batches([[1.0], [2.0], [3.0]], [0, 1, 1], batch_size=2):
    ...     print(xb.tolist(), yb.tolist())
    [[1.0], [2.0]] [0, 1]
    [[3.0]] [1]
    """
    return Batches(X, y, batch_size, shuffle=shuffle, rng=rng)


def as_array(values: npt.ArrayLike, name: str) -> npt.NDArray[Any]:
    """Make an array of one or more axes; arrays keep their dtype, Python floats become float32.

    Raises
    ------
    ShapeError
        If the values have no axis, or are rows of different lengths.

    Examples
    --------
    >>> as_array([0.5, 1.0], "y").dtype
    dtype('float32')
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ShapeError(f"{name} has rows of different lengths. Give each row as many columns.") from error
    if array.ndim == 0:
        raise ShapeError(f"{name} needs an axis that counts the examples, not the single value {values!r}.")
    return array if hasattr(values, "dtype") or array.dtype != np.float64 else array.astype(np.float32)


def _common_length(arrays: tuple[npt.NDArray[Any], ...]) -> int:
    length = len(arrays[0])
    if any(len(array) != length for array in arrays):
        raise ShapeError(f"X has {length} examples and y has {len(arrays[1])}. Pass one target for each row of X.")
    if length == 0:
        raise DataError("X holds no examples. Pass at least one.")
    return length


def _checked_size(batch_size: object, n_examples: int) -> int:
    try:
        size = operator.index(batch_size)  # type: ignore[arg-type]  # whatever else is given is refused here
    except TypeError:
        size = 0
    if size < 1 or isinstance(batch_size, bool | np.bool_):
        raise OptionError(
            f"batch_size={batch_size!r} is no whole number of at least 1. Pass 1 for stochastic gradient "
            "descent, a small number for mini-batches, or None for all examples at once."
        )
    if size > n_examples:
        raise OptionError(
            f"batch_size={size} is larger than the data: {n_examples} examples. "
            f"Pass at most {n_examples}, or None for all examples at once."
        )
    return size
