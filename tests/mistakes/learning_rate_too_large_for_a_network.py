"""A learning rate that throws the weights so far that the loss never comes back."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "learning-rate-too-large"


def network(lr):
    moons = tg.data.moons(400)
    model = nn.MLP(2, [32, 32], 2, rng=np.random.default_rng(30))
    descent = optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(lr=30.0)


def healthy():
    return network(lr=0.1)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
