"""Optimizers: which examples each update sees, and what the update is; and schedules of their learning rates."""

from tinygrad_edu.optim import lr_scheduler
from tinygrad_edu.optim.adagrad import Adagrad
from tinygrad_edu.optim.adam import Adam, AdamW
from tinygrad_edu.optim.gradient_descent import (
    BatchGradientDescent,
    GradientDescent,
    MiniBatchGradientDescent,
    StochasticGradientDescent,
)
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.optim.rmsprop import RMSprop
from tinygrad_edu.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "BatchGradientDescent",
    "GradientDescent",
    "MiniBatchGradientDescent",
    "Optimizer",
    "RMSprop",
    "StochasticGradientDescent",
    "lr_scheduler",
]
