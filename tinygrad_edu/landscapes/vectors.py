"""All weights of a model as one vector, and directions in which to move it.

The vector holds the parameters one after another, in the order of ``model.named_parameters()``: the same order as
the points of a `Trace`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from tinygrad_edu.errors import OptionError, suggest
from tinygrad_edu.landscapes.checks import check_model, check_seed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tinygrad_edu.nn.module import Module

__all__ = ["Scale", "brief", "flat_weights", "frozen", "random_direction", "shaped", "steps_of"]

Scale: TypeAlias = Literal["filter", "layer", "whole"]
"""What a random direction is made as long as: each filter's weights, each layer's, or all weights together."""

_SCALES = ("filter", "layer", "whole")


def flat_weights(model: Module) -> NDArray[Any]:
    """Copy all parameters of a model into one vector, read-only.

    Raises
    ------
    OptionError
        If it is no model, or one without parameters.

    Examples
    --------
    >>> from tinygrad_edu import nn
    >>> flat_weights(nn.Linear(3, 2)).shape
    (8,)
    """
    check_model(model)
    parameters = [parameter.array for parameter in model.parameters()]
    if not parameters:
        raise OptionError(f"{type(model).__name__} has no parameters, so there is no landscape to look at.")
    return frozen(np.concatenate([array.ravel() for array in parameters]))


def shaped(model: Module, vector: NDArray[Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Go through a vector as arrays of the parameters' shapes, each with its name; they are views of it.

    Examples
    --------
    >>> from tinygrad_edu import nn
    >>> [(name, array.tolist()) for name, array in shaped(nn.Linear(2, 1), np.arange(3.0))]
    [('weight', [[0.0, 1.0]]), ('bias', [2.0])]
    """
    begin = 0
    for name, parameter in model.named_parameters():
        end = begin + parameter.size
        yield name, vector[begin:end].reshape(parameter.shape)
        begin = end


def random_direction(model: Module, *, scale: Scale = "filter", seed: int = 0) -> NDArray[Any]:
    """Draw a direction from the normal distribution, and scale it to the weights that it will be added to.

    A network with ReLUs computes the same if the weights of one layer are doubled and those of the next are halved,
    but a direction of a fixed length would look steep in one of the two and flat in the other. So each part of the
    direction is given the length of the weights that it belongs to.

    Parameters
    ----------
    model
        Whose weights are to be moved.
    scale
        ``"filter"``: each filter of a convolution, and the weights into each unit of a linear layer (a row of the
        weight), have a direction of their own length. ``"layer"``: each parameter as a whole has. In both, the
        entries for biases and for the scales and shifts of a normalization (parameters of one axis) are 0, since
        those have no filters. ``"whole"``: only the whole vector has the length of all weights.
    seed
        For the numbers; the same seed gives the same direction.

    Returns
    -------
    A vector as long as `flat_weights`, of its dtype, read-only.

    Raises
    ------
    OptionError
        If `scale` or `seed` is out of range, the model has no parameters, or none that the direction could move.

    References
    ----------
    Li, Xu, Taylor, Studer and Goldstein, Visualizing the loss landscape of neural nets, NeurIPS 2018.

    Examples
    --------
    >>> from tinygrad_edu import nn
    >>> model = nn.Linear(3, 2)
    >>> rows = random_direction(model)[:6].reshape(2, 3)
    >>> bool(np.allclose(np.linalg.norm(rows, axis=1), np.linalg.norm(model.weight.numpy(), axis=1)))
    True
    >>> random_direction(model)[6:].tolist()
    [0.0, 0.0]
    """
    if scale not in _SCALES:
        raise OptionError(f"There is no scale {scale!r}. {suggest(str(scale), _SCALES)}")
    check_seed(seed)
    weights = flat_weights(model)
    direction = np.random.default_rng(seed).standard_normal(len(weights))
    if scale == "whole":
        direction *= _ratio(np.linalg.norm(weights.astype(np.float64)), np.linalg.norm(direction))
    else:
        parts = zip(shaped(model, direction), shaped(model, weights), strict=True)
        for (_, part), (_, weight) in parts:
            _scale(part, weight.astype(np.float64), each_row=scale == "filter")
    if not direction.any():
        raise OptionError(
            f"No weight of {type(model).__name__} can be moved: a direction is scaled to the weights, and they are "
            f'all 0 or have one axis, as biases have. Train the model first, or choose scale="whole".'
        )
    return frozen(direction.astype(weights.dtype))


def _scale(part: NDArray[np.float64], weight: NDArray[np.float64], *, each_row: bool) -> None:
    """Give a parameter's part of a direction the length of the parameter, in place."""
    if weight.ndim < 2:
        part[...] = 0
        return
    rows = len(weight) if each_row else 1
    lengths = np.linalg.norm(weight.reshape(rows, -1), axis=1)
    part *= _ratio(lengths, np.linalg.norm(part.reshape(rows, -1), axis=1)).reshape(-1, *[1] * (weight.ndim - 1))


def _ratio(length: Any, drawn: Any) -> NDArray[np.float64]:
    return np.asarray(length) / np.where(np.asarray(drawn) > 0, drawn, 1)


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Give an array that nobody can write to: a copy, unless it is one already.

    Examples
    --------
    >>> frozen(np.zeros(2)).flags.writeable
    False
    """
    if array.flags.writeable:
        array = array.copy()
        array.flags.writeable = False
    return array


def brief(record: object, *words: str, **arrays: NDArray[Any] | None) -> str:
    """Word a record in one line: of its arrays, which may be large, only the shapes.

    Examples
    --------
    >>> brief(slice(2), "from 0", losses=np.zeros((51, 51)), margins=None)
    'slice(from 0, losses (51, 51))'
    """
    shapes = [f"{name} {array.shape}" for name, array in arrays.items() if array is not None]
    return f"{type(record).__name__}({', '.join([*words, *shapes])})"


def steps_of(ks: NDArray[np.int64]) -> str:
    """Word which steps of a descent a record holds.

    Examples
    --------
    >>> steps_of(np.array([0, 5, 300])), steps_of(np.array([7])), steps_of(np.zeros(0, int))
    ('3 steps, k = 0 to 300', '1 step, k = 7', 'no steps')
    """
    if not len(ks):
        return "no steps"
    return f"1 step, k = {ks[0]}" if len(ks) == 1 else f"{len(ks):,} steps, k = {ks[0]} to {ks[-1]}"
