"""What is trained on: features, a target and their names, checked once when they are put together.

Every loader, generator and table reader of ``tinygrad_edu.data`` returns a ``Dataset``. The invariant: a
``Dataset`` that exists can be trained on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.data.encoding import Column, TableEncoding, Task, counted, listing
from tinygrad_edu.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Dataset"]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Features ``X``, a target ``y`` and what they are called.

    Parameters
    ----------
    name
        What to call the data set.
    X
        Features of shape (n, d); kept as float32, row by row in memory.
    y
        The target of shape (n,): for classification class indices 0, 1, ..., kept as int64; for regression
        numbers, kept as float32.
    task
        ``"classification"`` or ``"regression"``.
    feature_names
        A name per column of ``X``; x1, x2, ... if empty.
    class_names
        A label per class index, for classification; "0", "1", ... if empty.
    target_name
        What ``y`` is called.
    encoding
        How a table's columns became ``X``, so that a new table can be encoded alike. By default a column of
        numbers per feature, under the feature's name.

    Raises
    ------
    DataError
        If the data cannot be trained on: shapes that do not fit together, values that are not finite,
        a target that never changes, fewer rows than classes.

    Examples
    --------
    >>> Dataset("and", [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1], "classification")
    Dataset('and': 4 examples × 2 features, classification of 'target' into 2 classes: 0, 1)
    """

    name: str
    X: npt.NDArray[np.float32]
    y: npt.NDArray[Any]
    task: Task
    feature_names: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    target_name: str = "target"
    encoding: TableEncoding = field(default_factory=TableEncoding)

    def __post_init__(self) -> None:
        if self.task not in {"classification", "regression"}:
            raise DataError(f"The task is 'classification' or 'regression', not {self.task!r}.")
        self._set("X", self._checked_features())
        self._set("feature_names", tuple(self.feature_names) or self._numbered_features())
        if len(self.feature_names) != self.n_features:
            raise DataError(
                f"{self.name!r} has {self.n_features} features and {len(self.feature_names)} feature names. "
                "Give a name for each column of X."
            )
        self._check_finite_features()
        self._set("y", self._checked_classes() if self.task == "classification" else self._checked_numbers())
        if not self.encoding.columns:
            columns = tuple(Column(name) for name in self.feature_names)
            self._set("encoding", TableEncoding(columns, self.target_name, self.task, self.class_names))

    @property
    def n_examples(self) -> int:
        """The number of rows."""
        return len(self.X)

    @property
    def n_features(self) -> int:
        """The number of columns of ``X``."""
        return int(self.X.shape[1])

    @property
    def n_outputs(self) -> int:
        """The number of outputs a model needs: one per class, or one for a number."""
        return len(self.class_names) if self.task == "classification" else 1

    def summary(self) -> str:
        """Say in one line what the data set holds."""
        size = f"{self.n_examples} examples × {self.n_features} features"
        if self.task == "regression":
            return f"{size}, regression of {self.target_name!r} from {self.y.min():g} to {self.y.max():g}"
        classes = f"{self.n_outputs} classes: {listing(self.class_names, limit=10)}"
        return f"{size}, classification of {self.target_name!r} into {classes}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}: {self.summary()})"

    # -------------------------------------------------------------------------------------- checks

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # the one way to complete a frozen dataclass

    def _numbered_features(self) -> tuple[str, ...]:
        return tuple(f"x{i + 1}" for i in range(self.n_features))

    def _checked_features(self) -> npt.NDArray[np.float32]:
        X = self._as_float32(self.X, "X")
        if X.ndim != 2:
            remedy = " Make it a column with X.reshape(-1, 1)." if X.ndim == 1 else ""
            raise DataError(f"X of {self.name!r} needs the shape (examples, features), not {X.shape}.{remedy}")
        if 0 in X.shape:
            what = "examples" if X.shape[1] else "features"
            raise DataError(f"{self.name!r} has no {what}: X has the shape {X.shape}. Add at least one.")
        return np.ascontiguousarray(X)

    def _check_finite_features(self) -> None:
        rows, columns = np.nonzero(~np.isfinite(self.X))
        if rows.size:
            names = listing(self.feature_names[column] for column in np.unique(columns))
            raise DataError(
                f"X of {self.name!r} has {counted(rows.size, 'value')} missing, infinite or too large for "
                f"float32: columns {names}; rows {listing(np.unique(rows))} (counted from 0). "
                "Replace them or remove these rows."
            )

    def _checked_target(self, y: npt.NDArray[Any]) -> None:
        if y.ndim != 1:
            remedy = " Flatten it with y.reshape(-1)." if y.size == len(self.X) else ""
            raise DataError(f"y of {self.name!r} needs the shape (examples,), not {y.shape}.{remedy}")
        if len(y) != len(self.X):
            raise DataError(
                f"{self.name!r} has {len(self.X)} rows in X and {len(y)} in y. Give one target for each row."
            )

    def _checked_numbers(self) -> npt.NDArray[np.float32]:
        y = self._as_float32(self.y, "y")
        self._checked_target(y)
        wrong = np.flatnonzero(~np.isfinite(y))
        if wrong.size:
            raise DataError(
                f"y of {self.name!r} has {counted(wrong.size, 'value')} missing, infinite or too large for "
                f"float32: rows {listing(wrong)} (counted from 0). Replace them or remove these rows."
            )
        if np.ptp(y) == 0:
            raise DataError(
                f"The target {self.target_name!r} of {self.name!r} is {y[0]:g} in every row, so there is "
                "nothing to learn. Choose another target, or add rows where it differs."
            )
        return np.ascontiguousarray(y)

    def _checked_classes(self) -> npt.NDArray[np.int64]:
        y = np.asarray(self.y)
        self._checked_target(y)
        if y.dtype.kind not in "iub" or y.min() < 0:
            raise DataError(
                f"The classes of {self.name!r} need to be indices 0, 1, ..., not {y.dtype} such as {y[0]!r}. "
                "np.unique(y, return_inverse=True) turns any labels into class names and indices."
            )
        self._set("class_names", tuple(self.class_names) or tuple(str(i) for i in range(int(y.max()) + 1)))
        if y.max() >= self.n_outputs:
            raise DataError(
                f"y of {self.name!r} has the class {y.max()}, and {self.n_outputs} class names are given. "
                "Name every class."
            )
        if y.min() == y.max():
            raise DataError(
                f"The target {self.target_name!r} of {self.name!r} is {self.class_names[y[0]]!r} in every "
                "row, so there is nothing to tell apart. Choose another target, or add rows of another class."
            )
        if len(y) < self.n_outputs:
            raise DataError(
                f"{self.name!r} has fewer rows ({len(y)}) than classes ({self.n_outputs}). Add rows, or join classes."
            )
        return np.ascontiguousarray(y, dtype=np.int64)

    def _as_float32(self, values: object, what: str) -> npt.NDArray[np.float32]:
        try:
            with np.errstate(over="ignore"):  # what overflows becomes infinite, and is reported as such
                return np.asarray(values, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"{what} of {self.name!r} holds something else than numbers, or rows of different lengths. "
                "Turn text into numbers first; tinygrad_edu.data.read_table does so for a file."
            ) from error
