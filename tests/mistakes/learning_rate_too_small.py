"""A learning rate so small that nothing happens in a lifetime."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "learning-rate-too-small"


def network(lr):
    moons = tg.data.moons(400)
    model = nn.MLP(2, [16], 2, rng=np.random.default_rng(0))
    descent = optim.MiniBatchGradientDescent(model.parameters(), lr=lr)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(lr=1e-6)


def healthy():
    return network(lr=0.2)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
