"""Every data set that has a name, and ``load``: the one function behind "a name or a file"."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from tinygrad_edu.data import generators, library
from tinygrad_edu.data.files import TABLE_SUFFIXES
from tinygrad_edu.data.tables import Missing, read_table
from tinygrad_edu.errors import DataError, OptionError, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from tinygrad_edu.data.dataset import Dataset
    from tinygrad_edu.data.encoding import Task

__all__ = ["DATASETS", "CatalogEntry", "load"]


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A data set that has a name: what it is, and the function that makes it.

    Parameters
    ----------
    make
        Returns the data set.
    task
        What is predicted.
    description
        One line for a list of data sets.
    n_examples, n_features
        Its size, by default.
    is_generated
        Whether ``make`` draws the data, and so takes ``rng``.
    """

    make: Callable[..., Dataset]
    task: Task
    description: str
    n_examples: int
    n_features: int
    is_generated: bool = False


def _drawn(make: Callable[..., Dataset], description: str, task: Task = "classification") -> CatalogEntry:
    return CatalogEntry(make, task, description, 1000, 1 if task == "regression" else 2, is_generated=True)


DATASETS: Mapping[str, CatalogEntry] = MappingProxyType(
    {
        "blobs": _drawn(generators.blobs, "three round clouds that lines separate"),
        "breast_cancer": CatalogEntry(library.breast_cancer, "classification", "tumours, malignant or benign", 569, 30),
        "circles": _drawn(generators.circles, "a circle inside another"),
        "diabetes": CatalogEntry(library.diabetes, "regression", "how far diabetes progressed in a year", 442, 10),
        "digits": CatalogEntry(library.digits, "classification", "handwritten digits, 8 × 8 pixels", 1797, 64),
        "iris": CatalogEntry(library.iris, "classification", "three species of iris by their leaves", 150, 4),
        "moons": _drawn(generators.moons, "two half circles reaching into each other"),
        "sine": _drawn(generators.sine, "one period of the sine with noise", "regression"),
        "spirals": _drawn(generators.spirals, "two spiral arms wound into each other"),
        "wine": CatalogEntry(library.wine, "classification", "wines of three growers by their chemistry", 178, 13),
        "xor": _drawn(generators.xor, "a square whose opposite quarters belong together"),
    }
)
"""The data sets that ``load`` knows by name, in the order of the alphabet."""


def load(
    name_or_path: str | os.PathLike[str],
    *,
    target: str | None = None,
    missing: Missing = "error",
    task: Task | Literal["auto"] = "auto",
    rng: np.random.Generator | None = None,
) -> Dataset:
    """Load a data set by its name in ``DATASETS``, or read the table at a path.

    Parameters
    ----------
    name_or_path
        A name such as ``"digits"``, or a file such as ``"flowers.csv"``. A name wins over a file of that
        name; write ``"./digits"`` for the file.
    target, missing, task
        For a table, as in ``read_table``.
    rng
        Draws the data sets that are generated; the others ignore it.

    Raises
    ------
    DataError
        If there is no such name or file, or the table cannot be trained on.
    OptionError
        If ``target`` or another ``task`` is given for a data set that has its own.

    Examples
    --------
    >>> load("iris")
    Dataset('iris': 150 examples × 4 features,
            classification of 'species' into 3 classes: setosa, versicolor, virginica)
    """
    name = os.fspath(name_or_path)
    entry = DATASETS.get(name)
    if entry is not None:
        _refuse_table_options(name, entry, target, task)
        return entry.make(rng=rng) if entry.is_generated else entry.make()
    if _looks_like_path(name):
        return read_table(name, target=target, missing=missing, task=task)
    raise DataError(f"There is no data set {name!r}, and no file of that name. {suggest(name, DATASETS)}")


def _looks_like_path(name: str) -> bool:
    separators = {"/", os.sep}
    return (
        any(s in name for s in separators)
        or name.lower().endswith(TABLE_SUFFIXES)
        or bool(name and Path(name).exists())
    )


def _refuse_table_options(name: str, entry: CatalogEntry, target: str | None, task: str) -> None:
    if target is not None:
        raise OptionError(
            f"The data set {name!r} has its own target, so target={target!r} cannot be chosen. "
            "Leave it out, or save the data as a table and load that."
        )
    if task not in {"auto", entry.task}:
        raise OptionError(f"The data set {name!r} is for {entry.task}, not for task={task!r}. Leave the task out.")
