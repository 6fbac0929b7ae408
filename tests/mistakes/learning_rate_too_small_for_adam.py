"""Adam with steps of a hundred-millionth."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "learning-rate-too-small"


def network(lr):
    moons = tg.data.moons(400)
    model = nn.MLP(2, [16], 2, rng=np.random.default_rng(0))
    adam = optim.Adam(model.parameters(), lr=lr)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": adam}


def mistake():
    return network(lr=1e-8)


def healthy():
    return network(lr=1e-3)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
