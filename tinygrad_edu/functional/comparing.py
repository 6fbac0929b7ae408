"""What the losses have in common: two shapes that must be equal, a dtype that must be floating, and a reduction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tinygrad_edu.errors import DtypeError, OptionError, ShapeError
from tinygrad_edu.functional.basic import as_tensor

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tinygrad_edu.tensor import Tensor

__all__ = [
    "REDUCTIONS",
    "Reduction",
    "alike",
    "as_float",
    "mean_of_nothing",
    "no_reduction",
    "reduced",
    "refuse_no_probabilities",
    "refuse_wrong_weights",
]

Reduction = Literal["mean", "sum", "none"]
REDUCTIONS = frozenset({"mean", "sum", "none"})


def as_float(name: str, x: Tensor | ArrayLike) -> Tensor:
    """Check that predictions are floating, and give them as a Tensor.

    Examples
    --------
    >>> as_float("mse_loss", [1.0])
    tensor([1.])
    """
    x = as_tensor(x)
    if x.array.dtype.kind != "f":
        raise DtypeError(f"{name} needs floating predictions, but was given {x.dtype}. Write x.astype(np.float32).")
    return x


def alike(name: str, prediction: Tensor | ArrayLike, target: Tensor | ArrayLike) -> tuple[Tensor, Tensor]:
    """Check that prediction and target have one shape, and give the target the prediction's dtype.

    Examples
    --------
    >>> alike("mse_loss", [1.0], [2])
    (tensor([1.]), tensor([2.]))
    """
    prediction = as_float(name, prediction)
    target = as_tensor(target)
    if prediction.shape != target.shape:
        raise ShapeError(
            f"{name} compares entry by entry, but the prediction has shape {prediction.shape} and the target "
            f"{target.shape}."
            f"{_reshape_that_fits(prediction.shape, target.shape)}"
        )
    return prediction, target if target.dtype == prediction.dtype else target.astype(prediction.dtype)


def _reshape_that_fits(prediction: tuple[int, ...], target: tuple[int, ...]) -> str:
    if np.prod(prediction, dtype=int) != np.prod(target, dtype=int):
        return " They need the same number of entries: check the last layer's outputs."
    axes, given = ([n for n in shape if n != 1] for shape in (prediction, target))
    if axes != given and sorted(axes) == sorted(given):
        return " The entries are as many, but in another order: check which axis counts the examples."
    new = "()" if not prediction else ", ".join(["-1", *map(str, prediction[1:])])
    return f" Broadcast, they would compare every prediction with every target. Write target.reshape({new})."


def reduced(losses: Tensor, reduction: Reduction) -> Tensor:
    """Take the mean or the sum of losses, or leave them.

    Raises
    ------
    OptionError
        If the reduction is none of the three.
    ShapeError
        If the mean of nothing is asked for.

    Examples
    --------
    >>> reduced(as_tensor([1.0, 3.0]), "mean")
    tensor(2.)
    """
    if reduction not in REDUCTIONS:
        raise no_reduction(reduction)
    if reduction == "mean" and not losses.array.size:
        raise mean_of_nothing(losses.shape)
    return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses


def mean_of_nothing(shape: tuple[int, ...]) -> ShapeError:
    """Word that there is nothing to take the mean of.

    Examples
    --------
    >>> raise mean_of_nothing((0, 3))
    Traceback (most recent call last):
    tinygrad_edu.errors.ShapeError: The mean of no losses is not a number, and the losses have shape (0, 3). ...
    """
    return ShapeError(
        f"The mean of no losses is not a number, and the losses have shape {shape}. Leave empty batches out, or use "
        f"reduction='sum'."
    )


def no_reduction(reduction: Any) -> OptionError:
    """Word that there is no such reduction.

    Examples
    --------
    >>> raise no_reduction("average")
    Traceback (most recent call last):
    tinygrad_edu.errors.OptionError: reduction must be 'mean', 'sum' or 'none', but is 'average'.
    """
    return OptionError(f"reduction must be 'mean', 'sum' or 'none', but is {reduction!r}.")


# ------------------------------------------------------------------------------------------------- checks
# Of values, on arrays: tape.check calls them.
#
# Among floats that are not negative, the order is that of their bits read as whole numbers; a negative one or NaN comes
# after them all. So one look finds everything that is not in [0, 1]; argmax takes half
# the time of max where they are few.
_BITS = {c: np.dtype(f"u{np.dtype(c).itemsize}") for c in "efd"}
_BITS_OF_1 = {c: np.ones((), c).view(bits).item() for c, bits in _BITS.items()}


def refuse_no_probabilities(p: NDArray[Any], name: str, what: str) -> None:
    """Raise if an entry is not in [0, 1].

    Examples
    --------
    >>> refuse_no_probabilities(np.array([1.0, -1.0]), "binary_cross_entropy", "targets")
    Traceback (most recent call last):
    tinygrad_edu.errors.OptionError: binary_cross_entropy needs targets from 0 to 1, but was given -1.0. ...
    """
    if not p.size or (p.size == 1 and 0 <= p.item() <= 1):  # a batch of one has no time to lose
        return
    c = p.dtype.char
    if c in _BITS and p.dtype.isnative:
        bits = p.view(_BITS[c])
        if bits.item(bits.argmax()) <= _BITS_OF_1[c]:
            return
    wrong = p[~((p >= 0) & (p <= 1))]  # is empty if there was no more than a -0
    if wrong.size:
        raise OptionError(
            f"{name} needs {what} from 0 to 1, but was given {wrong[0]!s}. Write the classes as 0 and 1; scores that "
            f"are no probabilities are logits."
        )


def refuse_wrong_weights(weight: NDArray[Any], name: str) -> None:
    """Raise if a weight is negative, infinite or NaN.

    Examples
    --------
    >>> refuse_wrong_weights(np.array([1.0, -1.0]), "cross_entropy")
    Traceback (most recent call last):
    tinygrad_edu.errors.OptionError: cross_entropy needs weights that are finite and not negative, ...
    """
    wrong = weight[~((weight >= 0) & (weight < np.inf))]
    if wrong.size:
        raise OptionError(f"{name} needs weights that are finite and not negative, but was given {wrong[0]!s}.")
