"""What is trained: a network, its first weights, its examples, and the order in which they come."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Epochs whose orders are drawn; later ones start again with the first.
ORDERS = 4
# Labels that are drawn at random: no network learns all of them, so its gradients never shrink to nothing.
NOISE = 0.1


@dataclass(frozen=True)
class Workload:
    """A training run.

    Parameters
    ----------
    kind
        "mlp" (ReLU, softmax and cross-entropy), "convnet" (the same loss), "linear" (mean squared error) or
        "logistic" (cross-entropy of one logit).
    sizes
        Of an mlp: inputs, hidden units, classes. Of a convnet: side of the images, channels of its two
        convolutions, classes. Of the linear models: features.
    examples
        A multiple of `batch`, so that all batches have one shape.
    """

    name: str
    kind: str
    sizes: tuple[int, ...]
    batch: int
    examples: int
    lr: float
    optimizer: str = "sgd"

    def __post_init__(self) -> None:
        assert self.examples % self.batch == 0, f"{self.name}: the last batch would be short"

    @property
    def steps(self) -> int:
        """Updates of one epoch."""
        return self.examples // self.batch

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of weight and bias of each layer, in order, as PyTorch's layers have them."""
        if self.kind == "convnet":
            side, first, second, classes = self.sizes
            weights = [(first, 1, 3, 3), (second, first, 3, 3), (classes, second * (side // 4) ** 2)]
        elif self.kind == "mlp":
            weights = [(n_out, n_in) for n_in, n_out in pairwise(self.sizes)]
        else:
            weights = [(1, *self.sizes)]
        return [shape for weight in weights for shape in (weight, weight[:1])]

    def weights(self) -> list[NDArray[np.float32]]:
        """Draw the first weights, uniform within 1 / √fan-in, as PyTorch's layers are."""
        rng, drawn, bound = np.random.default_rng(1), [], 1.0
        for shape in self.shapes:
            bound = prod(shape[1:]) ** -0.5 if len(shape) > 1 else bound
            drawn.append(rng.uniform(-bound, bound, shape).astype(np.float32))
        return drawn

    def data(self) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Draw examples, and targets from a linear model with noise."""
        rng, n = np.random.default_rng(0), self.examples
        shape = (1, self.sizes[0], self.sizes[0]) if self.kind == "convnet" else self.sizes[:1]
        X = rng.standard_normal((n, *shape), dtype=np.float32)
        flat = X.reshape(n, -1)
        outputs = 1 if self.kind in {"linear", "logistic"} else self.sizes[-1]
        scores = flat @ rng.standard_normal((flat.shape[1], outputs), dtype=np.float32) / np.sqrt(flat.shape[1])
        if self.kind == "linear":
            return X, scores + rng.normal(0, NOISE, scores.shape).astype(np.float32)
        at_random = rng.random(n) < NOISE
        if self.kind == "logistic":
            return X, ((scores > 0) ^ at_random[:, None]).astype(np.float32)
        return X, np.where(at_random, rng.integers(0, outputs, n), scores.argmax(axis=1))

    def orders(self) -> list[NDArray[np.int64]]:
        """Draw the order of the examples in each epoch."""
        rng = np.random.default_rng(2)
        return [rng.permutation(self.examples) for _ in range(ORDERS)]

    def as_json(self) -> dict[str, Any]:
        """Give what `from_json` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Workload:
        """Make it again in another process."""
        return cls(**fields | {"sizes": tuple(fields["sizes"])})


def mlp(*sizes: int, batch: int, examples: int, lr: float = 0.01, optimizer: str = "sgd") -> Workload:
    """Give a multilayer perceptron its name."""
    name = f"{'-'.join(map(str, sizes))} b{batch}" + (" Adam" if optimizer == "adam" else "")
    return Workload(name, "mlp", sizes, batch, examples, lr, optimizer)


SMALL = (
    mlp(2, 16, 16, 2, batch=32, examples=1024),
    mlp(64, 32, 10, batch=1, examples=1024, lr=0.003),
    mlp(64, 128, 64, 10, batch=32, examples=1792),
)
MEDIUM = mlp(784, 256, 128, 10, batch=128, examples=2048)
LARGE = mlp(784, 1024, 1024, 10, batch=512, examples=1024)
LINEAR = Workload("linear regression b1", "linear", (10,), 1, 8192, 0.001)
LOGISTIC = Workload("logistic regression b1", "logistic", (10,), 1, 8192, 0.003)
ADAM = mlp(64, 128, 64, 10, batch=32, examples=1792, lr=0.001, optimizer="adam")
CONVNETS = tuple(
    Workload(f"convnet {side}×{side} b32", "convnet", (side, 8, 16, 10), 32, examples, 0.01)
    for side, examples in ((8, 1024), (28, 512))
)
ALL = (*SMALL, MEDIUM, LARGE, LINEAR, LOGISTIC, ADAM, *CONVNETS)
