"""A CSV or TSV file becomes a ``Dataset``: what is the target, what each column means, what is missing.

``files.py`` has read the cells as text by then, and ``encoding.py`` turns them into numbers; what is decided
in between is decided here, from the training table alone.
"""

from __future__ import annotations

import collections
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from tinygrad_edu.data.dataset import Dataset
from tinygrad_edu.data.encoding import (
    Cells,
    Column,
    TableEncoding,
    Task,
    class_label,
    listing,
    rows,
    to_numbers,
    to_text,
)
from tinygrad_edu.data.files import Frame, read_frame
from tinygrad_edu.errors import DataError, OptionError, suggest

if TYPE_CHECKING:
    import os

    import numpy.typing as npt

__all__ = ["Missing", "read_table"]

Missing: TypeAlias = Literal["error", "drop", "mean"]

MAX_INTEGER_CLASSES = 20
MAX_CATEGORIES = 1000


def read_table(
    path: str | os.PathLike[str],
    *,
    target: str | None = None,
    missing: Missing = "error",
    task: Task | Literal["auto"] = "auto",
) -> Dataset:
    r"""Read a CSV or TSV file as a data set to train on.

    Columns of numbers are features as they are; a column of text becomes a feature for each of its values. A
    column of text with hardly two rows a value (names, dates) is refused, and so is one of numbers with a few
    cells that are none (typing errors).

    Parameters
    ----------
    path
        A UTF-8 text file whose first line names the columns, separated by commas, semicolons or tabs.
    target
        The name of the column to predict; the last one by default.
    missing
        What to do about missing values: ``"error"`` refuses them; ``"drop"`` leaves their rows out;
        ``"mean"`` fills in the mean of a column of numbers and the most frequent value of a column of text
        (rows without a target are left out), here and in the tables encoded later.
    task
        ``"auto"`` takes text for classes, numbers with fractions for regression, and whole numbers for
        classes if there are two of them, or at most 20 of which each has five rows on average; name the task
        to decide otherwise.

    Returns
    -------
    Dataset
        Its ``encoding`` encodes new tables in the same way.

    Raises
    ------
    DataError
        If the file is no table, or its data cannot be trained on.
    OptionError
        If ``missing`` or ``task`` is none of the above.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "fruit.csv")
    ...     _ = file.write_text("weight,colour,fruit\n150,red,apple\n120,green,apple\n1200,green,melon\n")
    ...     fruit = read_table(file)
    >>> fruit
    Dataset('fruit': 3 examples × 3 features, classification of 'fruit' into 2 classes: apple, melon)
    >>> fruit.feature_names
    ('weight', 'colour=green', 'colour=red')
    """
    _check_choice("missing", missing, ["error", "drop", "mean"])
    _check_choice("task", task, ["auto", "classification", "regression"])
    file = Path(path)
    frame = read_frame(file)
    target_name = _target_name(file, frame, target)
    frame = _handle_missing(file, frame, target_name, missing)

    features = frame.drop(columns=target_name)
    columns = tuple(_feature_column(features[name], fill=missing == "mean") for name in features.columns)
    chosen_task, class_names = _target_kind(frame[target_name], task)
    encoding = TableEncoding(columns, target_name, chosen_task, class_names)
    return Dataset(
        name=file.stem,
        X=encoding.encode(frame),
        y=encoding.encode_target(frame),
        task=chosen_task,
        feature_names=encoding.feature_names,
        class_names=class_names,
        target_name=target_name,
        encoding=encoding,
    )


def _check_choice(option: str, value: str, choices: list[str]) -> None:
    if value not in choices:
        raise OptionError(f"{option}={value!r} is unknown. {suggest(str(value), choices)}")


def _target_name(file: Path, frame: Frame, target: str | None) -> str:
    names = [str(name) for name in frame.columns]
    if len(names) < 2:
        raise DataError(
            f"The table {file.name!r} has the one column {names[0]!r}. It needs a column for the target and "
            "one or more for the features, separated by commas, semicolons or tabs."
        )
    if target is None:
        return names[-1]
    if target not in names:
        raise DataError(f"The table {file.name!r} has no column {target!r} for the target. {suggest(target, names)}")
    return target


# ---------------------------------------------------------------------------------- missing values


def _handle_missing(file: Path, frame: Frame, target_name: str, missing: Missing) -> Frame:
    """Refuse missing values, or leave rows out; what is to be filled in is filled in by the encoding."""
    gone = frame.isna()
    if not gone.to_numpy().any():
        return frame
    if missing == "error":
        places = [f"{name!r} ({rows(frame.index[gone[name]])})" for name in frame.columns[gone.any()]]
        raise DataError(
            f"The table {file.name!r} has missing values ({gone.to_numpy().sum()} in all) in the columns "
            f'{listing(places)}. Leave their rows out with missing="drop" (--missing drop), or fill them in '
            'with missing="mean" (--missing mean).'
        )
    kept = frame.dropna() if missing == "drop" else frame.dropna(subset=[target_name])
    if kept.empty:
        emptiest = gone.mean().idxmax()
        raise DataError(
            f"No row of {file.name!r} is left without the rows that have missing values; the column "
            f"{emptiest!r} has the most. Remove that column"
            + (', or fill values in with missing="mean" (--missing mean).' if missing == "drop" else ".")
        )
    return kept


# ---------------------------------------------------------------------------------- what columns mean


def _feature_column(cells: Cells, *, fill: bool) -> Column:
    """Decide whether a column holds numbers or categories, and what stands for its missing cells."""
    name = str(cells.name)
    present = cells.dropna()
    if present.empty:
        raise DataError(f"The column {name!r} has no value in any row. Remove it.")
    numbers = to_numbers(present)
    wrong = np.flatnonzero(np.isnan(numbers))
    if not wrong.size:
        with np.errstate(invalid="ignore"):  # the mean of +inf and -inf; the encoding refuses both
            return Column(name, fill=float(numbers.mean()) if fill else None)

    counts = collections.Counter(to_text(present))
    categories = tuple(sorted(counts))
    _refuse_stray_text(present, wrong, len(categories))
    if _too_many(len(categories), len(present)):
        raise DataError(
            f"The text column {name!r} has {len(categories)} different values in {len(present)} rows, "
            f"such as {categories[0]!r}: too many to learn from each. Remove the column if it holds names, "
            "dates or other identifiers, or group its values."
        )
    return Column(name, categories, fill=max(categories, key=counts.__getitem__) if fill else None)


def _target_kind(cells: Cells, task: Task | Literal["auto"]) -> tuple[Task, tuple[str, ...]]:
    """Decide between classification and regression, and name the classes."""
    if task == "regression":
        return "regression", ()
    numbers = to_numbers(cells)
    wrong = np.flatnonzero(np.isnan(numbers))
    if not wrong.size:
        values = np.unique(numbers)
        if task == "auto" and not _look_like_classes(values, len(cells)):
            return "regression", ()
        names = tuple(class_label(value) for value in values.tolist())
    else:
        names = tuple(sorted({class_label(text) for text in to_text(cells)}))
        _refuse_stray_text(cells, wrong, len(names))
    if len(names) == len(cells) or _too_many(len(names), len(cells)):
        raise DataError(
            f"The target {str(cells.name)!r} has {len(names)} different labels, such as {names[0]!r}, in "
            f"{len(cells)} rows: too few rows of each to learn from. Choose another target, add rows, or "
            'predict numbers with task="regression" (--task regression).'
        )
    return "classification", names


def _look_like_classes(values: npt.NDArray[np.float64], n_rows: int) -> bool:
    """Take whole numbers for class labels if there are two, or few of them beside the rows."""
    whole = bool(np.all(np.isfinite(values))) and bool(np.all(values == np.floor(values)))
    return whole and len(values) <= max(2, min(MAX_INTEGER_CLASSES, n_rows // 5))


def _too_many(n_values: int, n_rows: int) -> bool:
    """Whether text looks like names or dates, one or two rows each, rather than like categories."""
    return n_values > MAX_CATEGORIES or (n_values > MAX_INTEGER_CLASSES and n_values > n_rows / 2)


def _refuse_stray_text(cells: Cells, wrong: npt.NDArray[np.intp], n_values: int) -> None:
    """Refuse measurements among which a cell is no number, lest a typing error make them categories.

    Few values that repeat, such as 0, 1, 2 and 3+, are categories.
    """
    if len(wrong) < len(cells) / 2 and n_values > min(MAX_INTEGER_CLASSES, len(cells) / 2):
        raise DataError(
            f"The column {str(cells.name)!r} holds numbers, except for {str(cells.iloc[wrong[0]])!r} in row "
            f"{cells.index[wrong[0]]} ({len(wrong)} of {len(cells)} cells). Write a number there, or leave "
            'the cell empty and use missing="drop" or missing="mean" (--missing drop, --missing mean).'
        )
