"""A model made anew, and the optimizer of the old one: the new one never changes."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "foreign-parameters"


def network(*, again):
    moons = tg.data.moons(300)
    model = nn.MLP(2, [16], 2, rng=np.random.default_rng(0))
    descent = optim.SGD(model.parameters(), lr=0.1)
    if again:
        model = nn.MLP(2, [16], 2, rng=np.random.default_rng(0))
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(again=True)


def healthy():
    return network(again=False)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
