"""Predictions (n, 1) against targets (n,): broadcast, each would be compared with all."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "loss-fails"


def network(shape):
    sine = tg.data.sine(300)
    model = nn.MLP(1, [32], 1, rng=np.random.default_rng(0))
    adam = optim.Adam(model.parameters(), lr=0.01)
    return {"model": model, "loss": nn.MSELoss(), "X": sine.X, "y": sine.y.reshape(shape), "optimizer": adam}


def mistake():
    return network((300,))


def healthy():
    return network((300, 1))


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
