"""A first layer for another number of features than the data have."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "model-fails"


def network(n_inputs):
    moons = tg.data.moons(300)
    model = nn.MLP(n_inputs, [16], 2, rng=np.random.default_rng(0))
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(3)


def healthy():
    return network(2)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
