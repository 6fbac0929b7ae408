"""The loss of a model at many weights, the model itself left as it is.

Whatever is computed is computed by a copy of the model, in evaluation mode: an error or Ctrl-C cannot leave weights,
modes or running statistics changed, since nothing ever writes to them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import CaptureError, DataError, OptionError, ShapeError
from tinygrad_edu.landscapes.chains import Chain, Points
from tinygrad_edu.landscapes.checks import check_model
from tinygrad_edu.landscapes.vectors import shaped
from tinygrad_edu.losses import CrossEntropyLoss, Loss, NLLLoss
from tinygrad_edu.tape import no_grad
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.training.given import check_finite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from tinygrad_edu.nn.module import Module

__all__ = ["Criterion", "Task", "loss_at", "losses_at", "losses_of_outputs", "trustworthy"]

Criterion: TypeAlias = Callable[[Tensor, Any], Tensor]
"""A loss: called with a prediction and a target, it gives one number."""

_GROUP = 2**19  # outputs that are looked at together
_WORTH_COMPILING = 20  # points


@dataclass(frozen=True, eq=False)
class Task:
    """What a model is judged by: a loss, and examples of the dtype that the model computes in.

    Examples
    --------
    >>> from tinygrad_edu import nn
    >>> task = Task.of(nn.Linear(2, 1), nn.MSELoss(), [[1.0, 2.0]], [[3.0]])
    >>> task.X.dtype, task.loss_name
    (dtype('float32'), 'MSELoss')
    """

    model: Module
    loss: Criterion
    X: NDArray[Any]
    y: NDArray[Any]

    @classmethod
    def of(cls, model: Module, loss: Criterion, X: ArrayLike, y: ArrayLike) -> Task:
        """Check what was given, and copy the model.

        Raises
        ------
        OptionError
            If the loss cannot be called, or the model is none, or has no parameters or several dtypes.
        DataError
            If there are no examples, or values in them are missing or infinite.
        ShapeError
            If X and y have different lengths.
        """
        check_model(model)
        if isinstance(loss, type) or not callable(loss):
            raise OptionError(f"loss must be a function or an object such as nn.MSELoss(), but is {loss!r}.")
        dtypes = {parameter.dtype for parameter in model.parameters()}
        if len(dtypes) != 1:
            have = "no parameters" if not dtypes else f"parameters of several dtypes ({', '.join(map(str, dtypes))})"
            raise OptionError(f"A slice needs a model whose parameters have one dtype, but this has {have}.")
        (dtype,) = dtypes
        inputs, targets = (a.astype(dtype) if a.dtype.kind == "f" else a for a in map(as_array, (X, y)))
        if not (inputs.ndim and targets.ndim and len(inputs)):
            raise DataError(f"A slice needs examples, but X has shape {inputs.shape} and y {targets.shape}.")
        if len(inputs) != len(targets):
            raise ShapeError(f"X holds {len(inputs)} examples, but y holds {len(targets)}.")
        check_finite(X=inputs, y=targets)
        return cls(copy.deepcopy(model).eval(), loss, inputs, targets)

    @property
    def loss_name(self) -> str:
        """What the loss is called."""
        return getattr(self.loss, "__name__", type(self.loss).__name__)

    @property
    def dtype(self) -> np.dtype[Any]:
        """What the model computes in."""
        return next(self.model.parameters()).dtype

    def value(self, prediction: NDArray[Any]) -> float:
        """Compute the loss of predictions.

        Raises
        ------
        ShapeError
            If the loss is not one number.
        """
        loss: Any = self.loss(Tensor(prediction), self.y)
        if np.size(as_array(loss)) != 1:
            raise ShapeError(
                f"{self.loss_name} must give one number, but gives shape {np.shape(as_array(loss))}. "
                f'Use reduction="mean".'
            )
        return float(as_array(loss).reshape(()))


def loss_at(task: Task, weights: NDArray[Any]) -> float:
    """Compute the loss at one set of weights, by the model itself.

    Examples
    --------
    >>> from tinygrad_edu import nn
    >>> task = Task.of(nn.Linear(1, 1, bias=False), nn.MSELoss(), [[1.0]], [[3.0]])
    >>> loss_at(task, np.array([1.0]))
    4.0
    """
    with np.errstate(all="ignore"), no_grad():
        _write(task, weights)
        return task.value(task.model(Tensor(task.X)).numpy())


def losses_at(task: Task, points: Points) -> NDArray[np.float64]:
    """Compute the loss at many weights.

    Returns
    -------
    (points,); a loss that overflows is infinite or NaN, as it would be in training.

    Examples
    --------
    >>> from tinygrad_edu import nn
    >>> task = Task.of(nn.Linear(1, 1, bias=False), nn.MSELoss(), [[1.0]], [[3.0]])
    >>> points = Points(np.zeros(1, np.float32), np.ones((1, 1), np.float32), np.array([[0.0], [1.0], [3.0]]))
    >>> losses_at(task, points).tolist()
    [9.0, 4.0, 0.0]
    """
    with np.errstate(all="ignore"), no_grad():  # what overflows shows in the result
        chain = Chain.of(task.model)
        if chain is None or not len(points) or not trustworthy(chain, task, points):
            return np.array([task.value(output) for output in _outputs(task, points)])
        X = task.X.reshape(len(task.X), -1)
        losses = _grouped(task, chain.outputs(points, X), len(points))
        return np.concatenate(list(losses))


def trustworthy(chain: Chain, task: Task, points: Points) -> bool:
    """Compare the chain with the model itself near the origin: layers of one's own may compute something else."""
    distances = np.linalg.norm(points.coordinates, axis=1)
    nearest = int(np.where(distances > 0, distances, np.inf).argmin())  # the origin itself says nothing of directions
    point = points[nearest : nearest + 1]
    with np.errstate(all="ignore"), no_grad():
        (own,) = _outputs(task, point)
        task.value(own)  # a loss that does not fit says so here
        if own.ndim != 2 or task.X.ndim < 2:
            return False
        (output,) = chain.outputs(point, task.X.reshape(len(task.X), -1))
        if output.T.shape != own.shape:
            return False
        known = np.isfinite(own)  # what overflows may do so as an infinity or as a NaN
        room = 1e3 * np.finfo(own.dtype).eps * max(1.0, float(np.abs(own[known]).max(initial=0.0)))
        return bool((np.abs(output.T[known] - own[known]) <= room).all())


def _write(task: Task, weights: NDArray[Any]) -> None:
    for parameter, (_, array) in zip(task.model.parameters(), shaped(task.model, weights), strict=True):
        parameter.array[...] = array


def _outputs(task: Task, points: Points) -> Iterator[NDArray[Any]]:
    """Compute the outputs at each point by the model itself, compiled where there are many points."""
    compiled: Callable[..., NDArray[Any]] | None = task.model.compile() if len(points) >= _WORTH_COMPILING else None
    for weights in points.combined([points.origin, *points.directions]):
        _write(task, weights)
        if compiled is not None:
            try:
                yield compiled(task.X)
                continue
            except CaptureError:
                compiled = None
        yield task.model(Tensor(task.X)).numpy()


# ------------------------------------------------------------------------------------ the loss of many outputs
def _grouped(task: Task, outputs: Iterator[NDArray[Any]], n_points: int) -> Iterator[NDArray[np.float64]]:
    """Compute the losses of outputs (outputs, examples), many points together."""
    group: list[NDArray[Any]] = []
    for done, output in enumerate(outputs, start=1):
        group.append(output.copy())
        if len(group) * output.size >= _GROUP or done == n_points:
            yield losses_of_outputs(task, np.stack(group))
            group.clear()


def losses_of_outputs(task: Task, outputs: NDArray[Any]) -> NDArray[np.float64]:
    """Compute the losses (points,) of outputs (points, outputs, examples), which are overwritten.

    Examples
    --------
    >>> from tinygrad_edu import nn
    >>> task = Task.of(nn.Linear(1, 1), nn.MSELoss(), [[0.0], [0.0]], [[1.0], [2.0]])
    >>> losses_of_outputs(task, np.array([[[1.0, 2.0]], [[1.0, 1.0]]], np.float32)).tolist()
    [0.0, 0.5]
    """
    if _is_plain_cross_entropy(task):
        return _cross_entropy(outputs, task)
    if (by_example := _by_example(task)) is not None:
        return _averaged(outputs, task, by_example)
    return np.array([task.value(np.ascontiguousarray(each.T)) for each in outputs])


def _is_plain_cross_entropy(task: Task) -> bool:
    loss = task.loss
    plain = type(loss) is CrossEntropyLoss and replace(loss, reduction="mean") == CrossEntropyLoss()
    return plain and loss.reduction != "none" and task.y.ndim == 1 and task.y.dtype.kind in "iu"  # type: ignore[attr-defined]


def _cross_entropy(scores: NDArray[Any], task: Task) -> NDArray[np.float64]:
    """Compute log Σ exp(scores) - the target's score, for (points, classes, examples); the scores are overwritten."""
    n_points, n_classes, n = scores.shape
    largest = scores.max(axis=1)
    rows = np.arange(n_points)[:, None] * (n_classes * n)
    target = np.take(scores, rows + (task.y.astype(np.intp) * n + np.arange(n)))
    np.subtract(scores, largest[:, None], out=scores)
    np.exp(scores, out=scores)
    each = np.log(scores.sum(axis=1))
    each += largest
    each -= target
    return _reduced(each, task)


def _by_example(task: Task) -> Loss | None:
    """Give the loss of each example by itself, where all count alike and nothing else is summed."""
    loss = task.loss
    if not isinstance(loss, Loss) or loss.reduction not in ("mean", "sum"):
        return None
    if isinstance(loss, (CrossEntropyLoss, NLLLoss)) and (loss.weight is not None or loss.ignore_index is not None):
        return None
    return replace(loss, reduction="none") if type(loss).__module__ == Loss.__module__ else None


def _averaged(outputs: NDArray[Any], task: Task, by_example: Loss) -> NDArray[np.float64]:
    """Compute the losses of (points, outputs, examples) in one call, as if all points were one batch."""
    rows = np.ascontiguousarray(outputs.transpose(0, 2, 1)).reshape(-1, outputs.shape[1])
    targets = np.concatenate([task.y] * len(outputs))
    return _reduced(as_array(by_example(Tensor(rows), targets)).reshape(len(outputs), -1), task)


def _reduced(each: NDArray[Any], task: Task) -> NDArray[np.float64]:
    total: NDArray[np.float64] = each.sum(axis=1, dtype=np.float64)
    return total if getattr(task.loss, "reduction", "mean") == "sum" else total / each.shape[1]
