"""Which classes a model takes for which."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu.errors import OptionError
from tinygrad_edu.metrics import confusion_matrix
from tinygrad_edu.training.given import check_finite
from tinygrad_edu.visualize.figures import describe, figure_of, new_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

__all__ = ["plot_confusion"]

_ROOM = 26  # classes that can be read
_FEW = 13  # classes with room for the share under the count


def plot_confusion(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    class_names: Sequence[str] | None = None,
    *,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    r"""Draw how often each class (rows) was predicted as each class (columns).

    Each field has the count, and under it the share of its row; the colour is the share, so that rare classes can be
    read as well as frequent ones. What lies off the diagonal is a mistake.

    Parameters
    ----------
    y_true, y_pred
        Labels of shape (n,), as for `metrics.confusion_matrix`.
    class_names
        Of the labels in their sorted order. Where the labels are 0, 1, ..., of all classes, also those that do not
        occur.
    title
        Above the figure.
    ax
        Where to draw; None for a new figure.

    Raises
    ------
    OptionError
        If the names do not fit the labels, or there are too many classes to be read.
    ShapeError, DataError
        If the labels are of different shapes, missing, or there are none.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> ax = plot_confusion([0, 0, 1, 1], [0, 1, 1, 1], ["cat", "dog"])
    >>> [text.get_text() for text in ax.texts[:4]]
    ['1\n50%', '1\n50%', '0', '2\n100%']
    """
    counts, names = _counted(y_true, y_pred, class_names)
    n = len(names)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.6 + 0.52 * n
    ax = new_axes(ax, figsize=(side + 0.9, side))
    image = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row in range(n):
        for column in range(n):
            text = f"{counts[row, column]:,}"
            if counts[row, column] and n <= _FEW:
                text += f"\n{shares[row, column]:.0%}"
            dark, wrong = shares[row, column] > 0.55, row != column and counts[row, column]
            color = "white" if dark else "black" if wrong or row == column else "0.6"
            ax.text(column, row, text, ha="center", va="center", fontsize=8 if n <= _FEW else 6, color=color)
    slanted = 45 if max(map(len, names)) > 3 else 0
    ax.set_xticks(range(n), names, rotation=slanted, ha="right" if slanted else "center", rotation_mode="anchor")
    ax.set_yticks(range(n), names)
    ax.set(xlabel="predicted", ylabel="true")
    ax.set_xticks(np.arange(n + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(n + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=1.5)
    ax.tick_params(which="minor", length=0)
    bar = figure_of(ax).colorbar(image, ax=ax, fraction=0.046, pad=0.03, label="share of the true class")
    bar.ax.yaxis.set_major_formatter("{x:.0%}")
    describe(ax, title or "Which class is taken for which", _caption(counts, names))
    return ax


def _counted(
    y_true: ArrayLike, y_pred: ArrayLike, class_names: Sequence[str] | None
) -> tuple[NDArray[np.int64], list[str]]:
    """Count, with a row for each name."""
    for name, given in (("y_true", y_true), ("y_pred", y_pred)):
        if (labels := np.asarray(given)).dtype.kind == "f":
            check_finite(**{name: labels})
    counts = confusion_matrix(y_true, y_pred)
    labels = np.unique(np.concatenate([np.asarray(y_true), np.asarray(y_pred)]))
    names = [str(label) for label in labels.tolist()]
    if class_names is not None:
        if isinstance(class_names, str) or not isinstance(class_names, Iterable):
            raise OptionError(f"class_names must be a list of names such as ['cat', 'dog'], but is {class_names!r}.")
        given = [str(name) for name in class_names]
        indices = labels.dtype.kind in "iu" and labels.min() >= 0 and labels.max() < len(given)
        if not indices and len(given) != len(labels):
            raise OptionError(
                f"There are {len(labels)} labels ({', '.join(names[:6])}), but {len(given)} class_names. Name each."
            )
        if indices:  # a class that is neither there nor predicted has a row of its own all the same
            whole = np.zeros((len(given), len(given)), np.int64)
            whole[np.ix_(labels, labels)] = counts
            counts = whole
        names = given
    if len(names) > _ROOM:
        raise OptionError(
            f"{len(names)} classes cannot be read in one figure; {_ROOM} can. Group the classes, or draw those that "
            f"metrics.confusion_matrix shows to be confused most."
        )
    return counts, names


def _caption(counts: NDArray[np.int64], names: list[str]) -> str:
    total, right = int(counts.sum()), int(np.trace(counts))
    mistakes = counts - np.diag(np.diag(counts))
    told = f"{right:,} of {total:,} are right ({right / total:.1%}), on the diagonal."
    if not mistakes.any():
        return told
    row, column = np.unravel_index(int(mistakes.argmax()), mistakes.shape)
    n = int(mistakes[row, column])
    times = "once" if n == 1 else f"{n:,} times"
    return f"{told} The most frequent mistake: {names[row]} taken for {names[column]}, {times}."
