"""All weights begin at 0: the hidden units stay alike for ever."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

FINDING = "identical-units"


def network(init):
    moons = tg.data.moons(300)
    model = nn.MLP(2, [16], 2, init=init, rng=np.random.default_rng(0))
    descent = optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, "loss": nn.CrossEntropyLoss(), "X": moons.X, "y": moons.y, "optimizer": descent}


def mistake():
    return network(nn.init.zeros)


def healthy():
    return network(nn.init.kaiming_normal)


if __name__ == "__main__":
    print(tg.diagnose(**mistake()))
