"""Going on with a model whose weights have diverged to NaN."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "loss-not-finite"


def network(value):
    moons = tg.data.moons(300)
    model = nn.MLP(2, [16], 2, rng=np.random.default_rng(0))
    model[0].weight.data[0, 0] = value
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(np.nan)


def healthy():
    return network(0.5)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
