"""Optimizers: which examples each update sees, and what the update is."""

from tinygrad_edu.optim.adam import Adam
from tinygrad_edu.optim.gradient_descent import (
    BatchGradientDescent,
    GradientDescent,
    MiniBatchGradientDescent,
    StochasticGradientDescent,
)
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adam",
    "BatchGradientDescent",
    "GradientDescent",
    "MiniBatchGradientDescent",
    "Optimizer",
    "StochasticGradientDescent",
]
