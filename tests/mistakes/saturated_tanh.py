"""Weights so large that tanh is at its ends nearly everywhere, where its slope is 0."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "saturated-units"


def network(scale):
    moons = tg.data.moons(300)
    rng = np.random.default_rng(0)
    model = nn.MLP(2, [16], 2, activation="tanh", rng=rng)
    model[0].weight.data = (scale * rng.normal(size=(16, 2))).astype(np.float32)
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(20.0)


def healthy():
    return network(0.7)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
