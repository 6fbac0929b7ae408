"""A loss that gives a number for each example, where descent needs one for all."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "loss-no-number"


def network(loss):
    moons = tg.data.moons(300)
    model = nn.MLP(2, [16], 2, rng=np.random.default_rng(0))
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": loss, "X": moons.X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(nn.CrossEntropyLoss(reduction="none"))


def healthy():
    return network(nn.CrossEntropyLoss())


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
