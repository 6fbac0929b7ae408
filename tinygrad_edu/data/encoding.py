"""How the columns of a table become numbers: decided once by the training table, reused for later ones.

``read_table`` makes a ``TableEncoding``, a checkpoint stores it as JSON, and prediction encodes new tables
with it. The invariant: the same cells give the same numbers, whatever else the new table holds.
"""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from tinygrad_edu.data.files import Frame, load_pandas, read_frame
from tinygrad_edu.errors import DataError, suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

__all__ = [
    "Cells",
    "Column",
    "TableEncoding",
    "Task",
    "class_label",
    "counted",
    "listing",
    "rows",
    "to_numbers",
    "to_text",
]

Task: TypeAlias = Literal["classification", "regression"]

Cells: TypeAlias = Any
"""A ``pandas.Series``: one column of a frame, indexed by row numbers."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table and the numbers it becomes.

    Parameters
    ----------
    name
        The column's name in the header.
    categories
        Empty for a column of numbers, which becomes one feature. For a column of text its values, each of
        which becomes a feature that is 1 where the cell holds it and 0 elsewhere.
    fill
        What stands for a missing cell; None refuses missing cells.

    Examples
    --------
    >>> Column("colour", categories=("green", "red")).feature_names
    ('colour=green', 'colour=red')
    """

    name: str
    categories: tuple[str, ...] = ()
    fill: float | str | None = None

    @property
    def kind(self) -> Literal["number", "category"]:
        """Whether the cells are numbers or text."""
        return "category" if self.categories else "number"

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features that the column becomes."""
        return tuple(f"{self.name}={category}" for category in self.categories) or (self.name,)

    def encode(self, cells: Cells) -> npt.NDArray[np.float32]:
        """Turn the cells into the column's features, of shape (rows, features).

        Raises
        ------
        DataError
            If a cell is missing and there is no fill, is no finite number, or is an unknown category.
        """
        missing = cells.isna().to_numpy()
        if missing.any() and self.fill is None:
            raise DataError(
                f"Column {self.name!r} has no value in {rows(cells.index[missing])}, and the table that the "
                "encoding comes from had none missing. Fill these cells in, or train with "
                'missing="mean" (--missing mean).'
            )
        return self._one_hot(cells, missing) if self.categories else self._measure(cells, missing)

    def _measure(self, cells: Cells, missing: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
        numbers = to_numbers(cells)
        if missing.any():
            numbers[missing] = self.fill
        with np.errstate(over="ignore"):
            features = numbers.astype(np.float32)
        wrong = np.flatnonzero(~np.isfinite(features))
        if wrong.size:
            first, value = wrong[0], cells.iloc[wrong[0]]
            expected = "a number" if np.isnan(numbers[first]) else "a finite number that float32 can hold"
            raise DataError(
                f"Column {self.name!r} needs {expected} in every row, and row {cells.index[first]} has "
                f"{str(value)!r} ({counted(wrong.size, 'such cell')}). Correct it or remove the row."
            )
        return features[:, np.newaxis]

    def _one_hot(self, cells: Cells, missing: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
        codes = np.asarray(load_pandas().Index(self.categories).get_indexer(to_text(cells)))
        if missing.any():
            codes[missing] = self.categories.index(str(self.fill))
        unknown = np.flatnonzero(codes < 0)
        if unknown.size:
            raise DataError(
                f"Column {self.name!r} has the value {str(cells.iloc[unknown[0]])!r} in row "
                f"{cells.index[unknown[0]]} ({counted(unknown.size, 'such cell')}), which the training table "
                f"did not have. Correct it, or train again on a table that has it. "
                f"{suggest(str(cells.iloc[unknown[0]]), self.categories)}"
            )
        features = np.zeros((len(codes), len(self.categories)), dtype=np.float32)
        features[np.arange(len(codes)), codes] = 1
        return features


@dataclass(frozen=True, slots=True)
class TableEncoding:
    """The feature columns of a training table, its target, and how both become numbers.

    Parameters
    ----------
    columns
        The feature columns, in the order of the training table.
    target_name
        The name of the target's column; new tables may lack it.
    task
        ``"classification"`` or ``"regression"``.
    class_names
        The label of each class index; empty for regression.

    Examples
    --------
    >>> import pandas as pd
    >>> encoding = TableEncoding((Column("weight"), Column("colour", ("green", "red"))), "fruit")
    >>> encoding.encode(pd.DataFrame({"colour": ["red", "green"], "weight": [1.5, 2.0]}))
    array([[1.5, 0. , 1. ],
           [2. , 1. , 0. ]], dtype=float32)
    >>> TableEncoding.from_json(encoding.to_json()) == encoding
    True
    """

    columns: tuple[Column, ...] = ()
    target_name: str = "target"
    task: Task = "classification"
    class_names: tuple[str, ...] = ()

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of all features, in the order of the encoded columns."""
        return tuple(name for column in self.columns for name in column.feature_names)

    def encode(self, table: Frame | str | os.PathLike[str]) -> npt.NDArray[np.float32]:
        """Turn a table into features of shape (rows, features); columns that are not needed are ignored.

        Parameters
        ----------
        table
            A ``pandas.DataFrame``, or the path of a file for ``read_frame``.

        Raises
        ------
        DataError
            If a column is absent, or a cell is missing, unknown or no number where one belongs.
        """
        frame = _as_frame(table)
        absent = [column.name for column in self.columns if column.name not in frame.columns]
        if absent:
            raise DataError(
                f"The table has no {_named(absent)}, which the model was trained with. Add or rename it. "
                f"{suggest(absent[0], frame.columns.map(str))}"
            )
        features = [column.encode(frame[column.name]) for column in self.columns]
        return np.ascontiguousarray(np.hstack(features))

    def encode_target(self, table: Frame | str | os.PathLike[str]) -> npt.NDArray[Any]:
        """Turn the target's column into class indices (int64) or numbers (float32), of shape (rows,).

        Raises
        ------
        DataError
            If the column is absent, or a cell is missing, an unknown label or no number where one belongs.
        """
        frame = _as_frame(table)
        if self.target_name not in frame.columns:
            known = suggest(self.target_name, frame.columns.map(str))
            raise DataError(f"The table has no column {self.target_name!r} with the target. {known}")
        cells = frame[self.target_name]
        if self.task == "regression":
            return Column(self.target_name).encode(cells)[:, 0]
        index = {label: position for position, label in enumerate(self.class_names)}
        labels = to_text(cells)
        codes = np.array([index.get(label, index.get(class_label(label), -1)) for label in labels], np.int64)
        unknown = np.flatnonzero(codes < 0)
        if unknown.size:
            label = labels[unknown[0]]
            raise DataError(
                f"Column {self.target_name!r} has the label {label!r} in row {cells.index[unknown[0]]}, "
                f"which is no class of the model. {suggest(label, self.class_names)}"
            )
        return codes

    def to_json(self) -> str:
        """Write the encoding as one line of JSON."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> TableEncoding:
        """Read back what ``to_json`` wrote.

        Raises
        ------
        DataError
            If the text is no such JSON.
        """
        try:
            fields = json.loads(text)
            columns = tuple(Column(c["name"], tuple(c["categories"]), c["fill"]) for c in fields["columns"])
            return cls(columns, fields["target_name"], fields["task"], tuple(fields["class_names"]))
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                "This text does not describe how a table is encoded. Pass what TableEncoding.to_json() returned."
            ) from error


# ------------------------------------------------------------------------------------------ cells


def to_numbers(cells: Cells) -> npt.NDArray[np.float64]:
    """Read cells as numbers; NaN where a cell is missing or is no number."""
    numbers = load_pandas().to_numeric(cells, errors="coerce")
    return np.array(numbers.to_numpy(dtype=np.float64, na_value=np.nan))


def to_text(cells: Cells) -> npt.NDArray[np.object_]:
    """Read cells as text, without the spaces around it; the empty text where a cell is missing."""
    return np.array(["" if gone else str(cell).strip() for cell, gone in zip(cells, cells.isna(), strict=True)], object)


def class_label(value: str | float) -> str:
    """Write a label one way however the table spells it: ``1``, ``1.0`` and ``01`` are the class ``"1"``.

    Examples
    --------
    >>> class_label("1.0"), class_label(0.5), class_label("setosa")
    ('1', '0.5', 'setosa')
    """
    try:
        number = float(value)
    except ValueError:
        return str(value)
    if not np.isfinite(number):
        return str(value)
    return str(int(number)) if number.is_integer() else repr(number)


# ------------------------------------------------------------------------------------------ words


def listing(items: Iterable[object], *, limit: int = 5) -> str:
    """Join items into words, and cut a long list short.

    Examples
    --------
    >>> listing([2, 3, 5]), listing(range(9), limit=3)
    ('2, 3, 5', '0, 1, 2, ...')
    """
    words = [str(item) for item in items]
    return ", ".join([*words[:limit], "..."] if len(words) > limit else words)


def counted(number: int, noun: str) -> str:
    """Say how many of something there are.

    Examples
    --------
    >>> counted(1, "row"), counted(2, "row")
    ('1 row', '2 rows')
    """
    return f"{number} {noun}{'s' if number > 1 else ''}"


def rows(index: Sequence[object]) -> str:
    """Name rows by their numbers.

    Examples
    --------
    >>> rows([7]), rows([2, 3])
    ('row 7', 'rows 2, 3')
    """
    return f"row{'s' if len(index) > 1 else ''} {listing(index)}"


def _named(names: list[str]) -> str:
    return f"column{'s' if len(names) > 1 else ''} {listing(repr(name) for name in names)}"


def _as_frame(table: Frame | str | os.PathLike[str]) -> Frame:
    """Accept a frame as it is, and read a path."""
    if isinstance(table, str | os.PathLike):
        return read_frame(table)
    if not hasattr(table, "columns"):
        raise DataError(
            f"A table is a pandas.DataFrame or the path of a file, not a {type(table).__name__}. "
            "Features that are an array already need no encoding."
        )
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise DataError(f"The table names the column {twice!r} more than once. Give each column its own name.")
    return table
