"""Many sigmoids on top of each other: each lets a quarter of the gradient through at most."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "vanishing-gradients"


def network(activation, init):
    moons = tg.data.moons(300)
    model = nn.MLP(2, [16] * 8, 2, activation=activation, init=init, rng=np.random.default_rng(0))
    adam = optim.Adam(model.parameters(), lr=0.001)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": adam}


def mistake():
    return network("sigmoid", nn.init.fan_in_uniform)


def healthy():
    return network("tanh", nn.init.kaiming_normal)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
