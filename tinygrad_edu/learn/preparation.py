"""From a data set to what the models see: split, scaled, and the settings of a run, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tinygrad_edu import losses, metrics, nn, optim
from tinygrad_edu.data import Standardizer, split
from tinygrad_edu.errors import DataError, OptionError, suggest
from tinygrad_edu.optim.optimizer import check_number
from tinygrad_edu.training.stepping import check_compile

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tinygrad_edu.data import Dataset
    from tinygrad_edu.losses import Loss
    from tinygrad_edu.optim import Optimizer
    from tinygrad_edu.training.stepping import Compile

__all__ = ["REGIMES", "Prepared", "Regime", "Settings", "prepare"]

Regime = Literal["batch", "stochastic", "mini-batch"]
REGIMES: tuple[Regime, ...] = ("batch", "stochastic", "mini-batch")

# Learning rates for mini-batches that work on every built-in data set. The squared error's slope grows with
# the error and the cross-entropy's does not, hence the smaller ones for regression.
_RATES = {
    "sgd": {"classification": 0.2, "regression": 0.01},
    "momentum": {"classification": 0.02, "regression": 0.001},
    "adam": {"classification": 0.003, "regression": 0.001},
}
# A step from one example is noisy and must be short; a step from all of them is exact and may be longer.
_FACTORS = {"batch": 2.5, "stochastic": 0.1, "mini-batch": 1.0}


@dataclass(frozen=True)
class Settings:
    """What a training run needs to know besides the data.

    Parameters
    ----------
    epochs
        Passes over the training data.
    lr
        The learning rate; None for one that suits optimizer, task and regime.
    batch_size
        Examples per mini-batch; None for 32, or all if there are fewer.
    hidden
        Units of each hidden layer.
    activation
        "relu", "sigmoid" or "tanh".
    optimizer
        "sgd", "momentum" (0.9) or "adam".
    seed
        Of the split, the initial weights and the order of the examples.
    compile
        How updates are made; see `fit`.

    Raises
    ------
    OptionError
        If a value is out of its range.
    """

    epochs: int = 50
    lr: float | None = None
    batch_size: int | None = None
    hidden: tuple[int, ...] = (128, 64)
    activation: str = "relu"
    optimizer: str = "sgd"
    seed: int = 0
    compile: Compile = "auto"

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise OptionError(f"The number of epochs must be at least 1, but is {self.epochs}.")
        if self.lr is not None:
            check_number("The learning rate", self.lr, above=0.0)
        if self.batch_size is not None and self.batch_size < 1:
            raise OptionError(f"The batch size must be at least 1, but is {self.batch_size}.")
        if any(units < 1 for units in self.hidden):
            raise OptionError(f"Each hidden layer needs at least 1 unit, but the sizes are {self.hidden}.")
        if self.activation not in nn.ACTIVATIONS:
            raise OptionError(f"There is no activation {self.activation!r}. {suggest(self.activation, nn.ACTIVATIONS)}")
        if self.optimizer not in _RATES:
            raise OptionError(f"There is no optimizer {self.optimizer!r}. {suggest(self.optimizer, _RATES)}")
        if self.seed < 0:
            raise OptionError(f"The seed must be 0 or more, but is {self.seed}.")
        check_compile(self.compile)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A data set as the models see it: standardised by the training part; targets of a regression too.

    Shapes: X (n, features); y (n,) of class indices, or (n, 1) of numbers.
    """

    dataset: Dataset
    settings: Settings
    X_train: NDArray[Any]
    X_test: NDArray[Any]
    y_train: NDArray[Any]
    y_test: NDArray[Any]
    X_scaler: Standardizer
    y_scaler: Standardizer | None

    @property
    def classification(self) -> bool:
        """Whether classes are to be told apart."""
        return self.dataset.task == "classification"

    @property
    def loss(self) -> Loss:
        """Cross-entropy for classes, mean squared error for numbers."""
        return losses.CrossEntropyLoss() if self.classification else losses.MSELoss()

    @property
    def metric(self) -> Callable[[NDArray[Any], NDArray[Any]], float]:
        """Accuracy for classes, R² for numbers."""
        return metrics.accuracy if self.classification else metrics.r2_score

    @property
    def batch_size(self) -> int:
        """Examples per mini-batch."""
        return self.settings.batch_size or min(32, len(self.X_train))

    def model(self) -> nn.MLP:
        """Build the network, with the same initial weights each time."""
        s, rng = self.settings, np.random.default_rng(self.settings.seed)
        return nn.MLP(self.dataset.n_features, s.hidden, self.dataset.n_outputs, activation=s.activation, rng=rng)

    def learning_rate(self, regime: Regime) -> float:
        """Give the learning rate asked for, or the regime's own."""
        s = self.settings
        return s.lr if s.lr is not None else _RATES[s.optimizer][self.dataset.task] * _FACTORS[regime]

    def optimizer(self, model: nn.Module, regime: Regime) -> Optimizer:
        """Build the optimizer that sees as many examples per update as the regime says."""
        lr = self.learning_rate(regime)
        size = {"batch": None, "stochastic": 1, "mini-batch": self.batch_size}[regime]
        if self.settings.optimizer == "adam":
            return optim.Adam(model.parameters(), lr, batch_size=size)
        if self.settings.optimizer == "momentum":
            return optim.SGD(model.parameters(), lr, momentum=0.9, batch_size=size)
        return optim.SGD(model.parameters(), lr, batch_size=size)


def prepare(dataset: Dataset, settings: Settings | None = None) -> Prepared:
    """Split a data set into three quarters to train on and one to test with, and scale it.

    Raises
    ------
    OptionError
        If the batch size is larger than the training part.

    Examples
    --------
    >>> from tinygrad_edu import data
    >>> prepared = prepare(data.moons())
    >>> prepared.X_train.shape, prepared.X_test.shape
    ((750, 2), (250, 2))
    """
    settings = settings or Settings()
    rng = np.random.default_rng(settings.seed)
    classification = dataset.task == "classification"
    X_train, X_test, y_train, y_test = split(dataset.X, dataset.y, rng=rng, stratify=classification)
    if settings.batch_size is not None and settings.batch_size > len(X_train):
        raise OptionError(
            f"The batch size {settings.batch_size} is larger than the training data: {len(X_train)} examples "
            f"of {dataset.name!r}. Choose at most {len(X_train)}."
        )
    if len(X_test) < 2 and not classification:
        raise DataError(f"{dataset.name!r} leaves {len(X_test)} example to test with, and R² needs two. Add examples.")
    X_scaler = Standardizer.fit(X_train)
    y_scaler = None if classification else Standardizer.fit(y_train.reshape(-1, 1))
    if y_scaler is not None:
        y_train, y_test = (y_scaler.transform(y.reshape(-1, 1)) for y in (y_train, y_test))
    X_train, X_test = X_scaler.transform(X_train), X_scaler.transform(X_test)
    return Prepared(dataset, settings, X_train, X_test, y_train, y_test, X_scaler, y_scaler)
