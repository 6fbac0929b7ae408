"""A weight decay so strong that the weights shrink whatever the examples say."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "weight-decay-dominates"


def network(decay):
    moons = tg.data.moons(300)
    model = nn.MLP(2, [16], 2, rng=np.random.default_rng(0))
    descent = optim.SGD(model.parameters(), lr=0.1, weight_decay=decay)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(1.0)


def healthy():
    return network(1e-4)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
