"""The case: model, loss, optimizer and examples, and one recorded pass through them that all findings read."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from tinygrad_edu.autodiff.recording import pull_all
from tinygrad_edu.conversion import as_array
from tinygrad_edu.nn.layers import Dropout
from tinygrad_edu.tape import Node, Watcher, in_force, mode, no_grad
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.traces.spreading import spread
from tinygrad_edu.training.evaluation import switched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from tinygrad_edu.nn.module import Module, Parameter
    from tinygrad_edu.ops import Op
    from tinygrad_edu.optim.optimizer import Optimizer

__all__ = ["Case", "Made", "Pass", "flat", "norm"]

_PROBE = 8  # examples that are tried first
_ROOM = 50_000_000  # numbers that a pass over the sample may keep, of 4 bytes each


class Made(NamedTuple):
    """A node of a pass: the name of the operation that made it, from what, and in which innermost module."""

    node: Tensor
    op: str
    inputs: tuple[Any, ...]
    path: str | None
    """Where in the model: "" in itself, None outside, as in the loss."""


@dataclass(frozen=True, eq=False)
class Pass:
    """One pass forward over the sample, and the gradients of its loss.

    Parameters
    ----------
    prediction
        What the model gave.
    loss
        The loss as an update sees it, a recorded number.
    made
        Every tensor that the model computed on the way, in its order.
    gradients
        The gradient of each parameter that asks for one, by name; None where the loss does not depend on it.
    """

    prediction: Any
    loss: Tensor
    made: tuple[Made, ...]
    gradients: dict[str, NDArray[Any] | None]

    @property
    def gradient_norm(self) -> float:
        """The Euclidean norm of all gradients together."""
        return norm(g for g in self.gradients.values() if g is not None)


class Case:
    """What is examined.

    Parameters
    ----------
    model, loss, optimizer
        As for `tinygrad_edu.fit`.
    X, y
        All examples, (n, ...) each.
    sample
        How many of them the costly measurements take; all if there are no more.
    rng
        Draws the sample, and all else that is random.
    """

    def __init__(
        self,
        model: Module,
        loss: Callable[[Tensor, Any], Tensor],
        optimizer: Optimizer,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample: int,
        rng: np.random.Generator,
    ) -> None:
        self.model, self.loss, self.optimizer, self.rng = model, loss, optimizer, rng
        self.parameters: dict[str, Parameter] = dict(model.named_parameters())
        dtype = next((p.dtype for p in self.parameters.values()), np.dtype(np.float32))
        self.X, self.y = _as_inputs(X, dtype), _as_inputs(y, dtype)
        chosen = np.sort(rng.choice(len(self.X), sample, replace=False)) if sample < len(self.X) else slice(None)
        self.xs, self.ys = self.X[chosen], self.y[chosen]
        self.batch_size = min(optimizer.batch_size or len(self.X), len(self.X))
        """How many examples an update sees."""

    @property
    def trained(self) -> dict[str, Tensor]:
        """The parameters that ask for gradients, by name."""
        return {name: p for name, p in self.parameters.items() if p.tracked}

    @property
    def summed(self) -> bool:
        """Whether the loss adds examples up instead of averaging them, so that its gradient grows with the batch."""
        return getattr(self.loss, "reduction", "mean") == "sum"

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Put the model into the mode to measure in: that of training, but with dropout off, so that nothing is random.

        Normalisation over the batch stays as it is in training: it is part of the function that is descended.
        """
        with switched(self.model, training=True):
            for _, module in self.model.named_modules():
                if isinstance(module, Dropout):
                    module.training = False
            yield

    def predict(self, X: NDArray[Any]) -> Any:
        """Hand examples through the model."""
        return self.model(Tensor(X))

    def objective(self, X: NDArray[Any], y: NDArray[Any]) -> Tensor:
        """Compute the loss as an update sees it: a sum over other examples is scaled to a batch's size."""
        return self.scaled(self.loss(self.predict(X), y), len(X))

    def scaled(self, loss: Tensor, n_examples: int) -> Tensor:
        """Scale a sum over n examples to a sum over as many as a batch has; leave a mean as it is."""
        return loss * (self.batch_size / n_examples) if self.summed and n_examples != self.batch_size else loss

    def value(self, X: NDArray[Any], y: NDArray[Any]) -> float:
        """Compute the loss alone."""
        with no_grad():
            return float(self.objective(X, y).array)

    def forward(self) -> tuple[Any, tuple[Made, ...]]:
        """Hand the sample through the model, looking on; give the prediction, and all that was made on the way.

        Where that would not fit into little memory, the sample is made smaller, once and for all.
        """
        with self.measuring(), _Looking(self.model) as looking:
            if len(self.xs) > _PROBE:
                with no_grad():
                    self.predict(self.some(_PROBE)[0])
                numbers = sum(made.node.size for made in looking.found) // _PROBE
                self.xs, self.ys = self.some(max(_PROBE, _ROOM // max(numbers, 1)))
                looking.found.clear()
            return self.predict(self.xs), tuple(looking.found)

    def back(self, prediction: Any, made: tuple[Made, ...]) -> Pass:
        """Compute the loss of the sample's prediction, and its gradients; none where it is no single number."""
        loss = self.scaled(self.loss(prediction, self.ys), len(self.xs))
        found = self.pulled(loss) if isinstance(loss, Tensor) and loss.size == 1 else [None] * len(self.trained)
        return Pass(prediction, loss, made, dict(zip(self.trained, found, strict=True)))

    def pulled(self, loss: Tensor) -> list[NDArray[Any] | None]:
        """Pull the gradient of a loss back to the trained parameters; nothing is added to their ``grad``."""
        found = pull_all([loss], [np.ones_like(loss.array)], list(self.trained.values()), create_graph=False)
        return [None if g is None else as_array(g) for g in found]

    def gradient(self, X: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
        """Compute the gradient of the loss of some examples as one float64 vector, 0 where none arrives."""
        return flat(self.pulled(self.objective(X, y)), list(self.trained.values()))

    def some(self, n: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Give n examples of the sample, or all of it: spread over it, which may be sorted by class."""
        if n >= len(self.xs):
            return self.xs, self.ys
        rows = spread(len(self.xs), n)
        return self.xs[rows], self.ys[rows]

    def cost(self, found: Pass) -> int:
        """Estimate what a pass costs for one example: the numbers that it computes, and the weights that it reads."""
        numbers = sum(made.node.size for made in found.made) / len(self.xs)
        return math.ceil(numbers + sum(p.size for p in self.trained.values()) / 16)


class _Looking(Watcher):
    """Note what is made in a block, and in which module."""

    def __init__(self, model: Module) -> None:
        self.found: list[Made] = []
        self._paths = {id(module): path for path, module in model.named_modules()}
        self._inside: list[str] = []

    def __enter__(self) -> Self:
        in_force.append(self)
        mode.watchers = (*mode.watchers, self)
        return self

    def __exit__(self, *exception: object) -> None:
        mode.watchers = tuple(watcher for watcher in mode.watchers if watcher is not self)
        in_force.remove(self)

    def made(self, node: Any, op: Op, inputs: Sequence[Any], arrays: Sequence[Any]) -> None:
        """Note the node, and where it was made."""
        self.found.append(Made(node, op.name, tuple(inputs), self._inside[-1] if self._inside else None))

    def entered(self, module: Any) -> None:
        """Note the module's path; one that the model does not list counts as the one around it."""
        around = self._inside[-1] if self._inside else ""
        self._inside.append(self._paths.get(id(module), around))

    def left(self, module: Any) -> None:
        """Go back to the module around it."""
        self._inside.pop()


def _as_inputs(values: ArrayLike, dtype: np.dtype[Any]) -> NDArray[Any]:
    array = as_array(values)
    return as_array(array, dtype) if array.dtype.kind == "f" else array


def flat(gradients: Sequence[NDArray[Any] | None], like: Sequence[Node]) -> NDArray[Any]:
    """Lay arrays side by side in one float64 vector; None stands for zeros."""
    parts = [np.zeros(p.array.size) if g is None else g.ravel() for g, p in zip(gradients, like, strict=True)]
    return np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)


def norm(arrays: Any) -> float:
    """Compute the Euclidean norm of arrays together, in float64.

    Examples
    --------
    >>> norm([np.array([3.0]), np.array([[4.0]])])
    5.0
    """
    return math.sqrt(sum(float(np.vdot(a, a)) for a in (np.asarray(a, np.float64) for a in arrays)))
