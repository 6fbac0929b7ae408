"""An experiment on a data set: ``fit`` with everything that it depends on, from the first weight to the last batch."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import losses, nn
from tinygrad_edu.data import DATASETS, standardize
from tinygrad_edu.errors import OptionError, suggest
from tinygrad_edu.learn.experiment import Experiment
from tinygrad_edu.learn.recipe import OptimizerRecipe
from tinygrad_edu.optim.optimizer import check_whole
from tinygrad_edu.traces import check_keep
from tinygrad_edu.training import Tracing, fit
from tinygrad_edu.training.stepping import check_compile

if TYPE_CHECKING:
    from tinygrad_edu.data import Dataset
    from tinygrad_edu.traces import Trace
    from tinygrad_edu.training import History
    from tinygrad_edu.training.stepping import Compile

__all__ = ["LOSSES", "TrainingExperiment"]

LOSSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "classification": ("CrossEntropyLoss", "MultiMarginLoss"),
        "regression": ("MSELoss", "L1Loss", "HuberLoss", "SmoothL1Loss"),
    }
)
"""The losses for each task, the usual one first."""


@dataclass(frozen=True)
class TrainingExperiment(Experiment, kind="fit"):
    """The training of a multilayer perceptron, described completely.

    The features are standardised, and so is the target of a regression.

    Parameters
    ----------
    dataset
        A name in `data.DATASETS`.
    dataset_options
        For a data set that is drawn: how many examples, how much noise, as its function takes them.
    data_seed
        Of the generator that draws it.
    hidden
        Units of each hidden layer.
    activation
        "relu", "sigmoid" or "tanh".
    loss
        The name of a loss for the task; "" for the usual one: cross-entropy for classes, the mean squared error for
        numbers.
    optimizer
        With its batch size.
    epochs
        Passes over the data.
    seed
        Of the initial weights, of the held-out examples and of the order of the others.
    validation
        The share of the examples that is held out; None for none.
    compile
        How an update is made; see `fit`.
    dtype
        "float32" or "float64".
    keep
        How many steps the trace keeps at most, 8 or more.

    Raises
    ------
    OptionError
        If a name is unknown, or a number out of range.

    Examples
    --------
    >>> experiment = TrainingExperiment("moons", {"n": 40}, hidden=(4,), epochs=2)
    >>> experiment.run().n_steps
    4
    >>> from tinygrad_edu.learn import TrainingExperiment
    >>> TrainingExperiment.from_json(experiment.to_json()).run() == experiment.run()
    True
    """

    dataset: str
    dataset_options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    data_seed: int = 0
    hidden: tuple[int, ...] = (16,)
    activation: str = "relu"
    loss: str = ""
    optimizer: OptimizerRecipe = field(default_factory=lambda: OptimizerRecipe("MiniBatchGradientDescent"))
    epochs: int = 10
    seed: int = 0
    validation: float | None = None
    compile: Compile = "auto"
    dtype: str = "float32"
    keep: int = 10_000

    def __post_init__(self) -> None:
        if not isinstance(self.dataset, str) or self.dataset not in DATASETS:
            raise OptionError(f"There is no data set {self.dataset!r}. {suggest(str(self.dataset), DATASETS)}")
        self._check_dataset_options()
        self._check_network()
        if not isinstance(self.optimizer, OptimizerRecipe):
            raise OptionError(
                f"optimizer must be a recipe, such as OptimizerRecipe('SGD', {{'lr': 0.1}}), but is {self.optimizer!r}."
            )
        task = DATASETS[self.dataset].task
        if self.loss != "" and self.loss not in LOSSES[task]:
            raise OptionError(f"There is no loss {self.loss!r} for {task}. {suggest(str(self.loss), LOSSES[task])}")
        check_whole("epochs", self.epochs)
        for name in ("seed", "data_seed"):
            seed = getattr(self, name)
            if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
                raise OptionError(f"{name} must be a whole number from 0 on, but is {seed!r}.")
        share = self.validation
        if share is not None and not (isinstance(share, float) and 0 < share < 1):
            raise OptionError(f"validation must be a fraction between 0 and 1, or None, but is {share!r}.")
        check_compile(self.compile)
        if self.dtype not in ("float32", "float64"):
            raise OptionError(f"dtype must be 'float32' or 'float64', but is {self.dtype!r}.")
        check_keep(self.keep)
        object.__setattr__(self, "dataset_options", MappingProxyType(dict(self.dataset_options)))
        object.__setattr__(self, "hidden", tuple(self.hidden))
        object.__setattr__(self, "loss", self.loss or LOSSES[task][0])
        object.__setattr__(self, "optimizer", self.optimizer.with_batch_size())

    def _check_dataset_options(self) -> None:
        entry = DATASETS[self.dataset]
        known = {name: p for name, p in inspect.signature(entry.make).parameters.items() if name != "rng"}
        if not isinstance(self.dataset_options, Mapping):
            raise OptionError(f"dataset_options must be given by name, but are {self.dataset_options!r}.")
        for name, value in self.dataset_options.items():
            if not known:
                raise OptionError(f"The data set {self.dataset!r} is always the same, and has no option {name!r}.")
            if name not in known:
                raise OptionError(f"{self.dataset!r} has no option {name!r}. {suggest(str(name), known)}")
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise OptionError(f"The option {name!r} of {self.dataset!r} must be a number, but is {value!r}.")

    def _check_network(self) -> None:
        if not isinstance(self.hidden, (list, tuple)):
            raise OptionError(
                f"hidden must list the units of each hidden layer, such as [16, 8], but is {self.hidden!r}."
            )
        for units in self.hidden:
            check_whole("Each entry of hidden", units)
        activation = self.activation
        if not isinstance(activation, str) or activation not in nn.ACTIVATIONS:
            raise OptionError(f"There is no activation {activation!r}. {suggest(str(activation), nn.ACTIVATIONS)}")

    # --------------------------------------------------------------------------------------------- running
    def run(self) -> Trace:
        """Train, and give the trace: each time the same."""
        trace = self.train()[1].trace
        assert trace is not None  # noqa: S101 - it was asked for
        return trace

    def train(self) -> tuple[nn.MLP, History]:
        """Train, and give the model and the record of the run, which holds the trace."""
        dataset = self._load()
        X, y = standardize(dataset.X.astype(self.dtype)), dataset.y
        if dataset.task == "regression":
            y = standardize(y.reshape(-1, 1).astype(self.dtype))
        rng = np.random.default_rng(self.seed)
        model = nn.MLP(dataset.n_features, self.hidden, dataset.n_outputs, activation=self.activation, rng=rng)
        for parameter in model.parameters():
            parameter.array = parameter.array.astype(self.dtype)
        history = fit(
            model,
            X,
            y,
            loss=getattr(losses, self.loss)(),
            optimizer=self.optimizer(model.parameters()),
            epochs=self.epochs,
            validation=self.validation,
            seed=self.seed,
            compile=self.compile,
            trace=Tracing(keep=self.keep),
        )
        return model, history

    def _load(self) -> Dataset:
        entry = DATASETS[self.dataset]
        if not entry.is_generated:
            return entry.make()
        return entry.make(**self.dataset_options, rng=np.random.default_rng(self.data_seed))

    # --------------------------------------------------------------------------------------- as a program
    def script(self) -> str:
        """Write a Python program that trains the same network and prints every step and epoch in full."""
        entry = DATASETS[self.dataset]
        options = "".join(f"{name}={value!r}, " for name, value in self.dataset_options.items())
        drawn = f"{options}rng=np.random.default_rng({self.data_seed})" if entry.is_generated else ""
        regression = entry.task == "regression"
        target = f'tg.data.standardize(dataset.y.reshape(-1, 1).astype("{self.dtype}"))' if regression else "dataset.y"
        return f"""\
import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.training import Tracing

dataset = tg.data.{self.dataset}({drawn})
X = tg.data.standardize(dataset.X.astype("{self.dtype}"))
y = {target}
rng = np.random.default_rng({self.seed})
model = nn.MLP(dataset.n_features, {list(self.hidden)}, dataset.n_outputs, activation="{self.activation}", rng=rng)
{self._conversion()}history = tg.fit(
    model,
    X,
    y,
    loss=nn.{self.loss}(),
    optimizer={self.optimizer.source("model.parameters()")},
    epochs={self.epochs},
    validation={self.validation!r},
    seed={self.seed},
    compile="{self.compile}",
    trace=Tracing(keep={self.keep}),
)
for step in history.trace:
    print(step.k, step.loss, step.slope, float(np.abs(step.point).sum()))
for epoch in history.epochs:
    print(epoch.epoch, epoch.loss, epoch.validation_loss, epoch.validation_metric)
print(history.message)
"""

    def _conversion(self) -> str:
        if self.dtype == "float32":
            return ""
        return 'for parameter in model.parameters():\n    parameter.array = parameter.array.astype("float64")\n'
