"""Batches of one example and layers of one unit, whose arrays NumPy is handed in other shapes: equal bit for bit."""

from itertools import product

import numpy as np
import pytest

from tests.compiling import RNG, assert_equal_steps, floats, training
from tinygrad_edu import nn, optim

LOSSES = {
    "squared error": nn.MSELoss,
    "absolute error": nn.L1Loss,
    "Huber": nn.HuberLoss,
    "one logit": nn.BCEWithLogitsLoss,
    "cross-entropy": nn.CrossEntropyLoss,
}
ACTIVATIONS = (nn.ReLU, nn.Sigmoid)
NORMS = (None, nn.LayerNorm)
OPTIMIZERS = {"SGD": lambda p: optim.SGD(p, lr=0.1), "Adam": lambda p: optim.Adam(p, lr=0.1)}


def targets(loss, n, n_outputs, k):
    if loss is nn.CrossEntropyLoss:
        return RNG(k).integers(0, n_outputs, n)
    return RNG(k).random((n, n_outputs)).astype(np.float32)


@pytest.mark.parametrize("n_hidden", [1, 4], ids="{} hidden".format)
@pytest.mark.parametrize("n_outputs", [1, 3], ids="{} outputs".format)
@pytest.mark.parametrize("n", [1, 2], ids="batches of {}".format)
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_single_examples_and_units(loss, n, n_outputs, n_hidden):
    if loss is nn.CrossEntropyLoss:
        n_outputs = max(n_outputs, 2)  # of one class there is nothing to learn
    for activation, norm, optimizer in product(ACTIVATIONS, NORMS, OPTIMIZERS.values()):

        def build(activation=activation, norm=norm, optimizer=optimizer):
            rng = RNG(0)
            first, last = nn.Linear(3, n_hidden, rng=rng), nn.Linear(n_hidden, n_outputs, rng=rng)
            between = [norm(n_hidden), activation()] if norm else [activation()]
            return training(nn.Sequential(first, *between, last), loss(), optimizer)

        batches = [(floats(n, 3, seed=k), targets(loss, n, n_outputs, k)) for k in range(4)]
        assert_equal_steps(build, batches)
