"""Biases so far below 0 that no example makes a unit active: none of them ever learns."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "dead-relu"


def network(bias):
    moons = tg.data.moons(300)
    model = nn.MLP(2, [16], 2, rng=np.random.default_rng(0))
    model[0].bias.data = np.full(16, bias, np.float32)
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(-5.0)


def healthy():
    return network(0.0)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
