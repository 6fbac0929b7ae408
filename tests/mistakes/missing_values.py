"""One missing value among thousands."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "not-finite"


def network(value):
    moons = tg.data.moons(300)
    X = moons.X.copy()
    X[17, 1] = value
    model = nn.MLP(2, [16], 2, rng=np.random.default_rng(0))
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(np.nan)


def healthy():
    return network(0.0)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
